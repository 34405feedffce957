"""La generazione: con e senza cache, beam search contro ricerca esaustiva, campionamento, penalità."""

import itertools
import math
import warnings
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from attenzione.config import TransformerConfig
from attenzione.decoding import (
    DecodingState,
    beam_search,
    filter_logits,
    generate,
    greedy,
    length_penalty,
    sample,
    stream,
)
from attenzione.model import Transformer

CONFIG = TransformerConfig(n_vocab=9, n_layers=2, d_model=8, d_ff=16, n_heads=2, d_k=4, d_v=3, max_len=40)


def build(seed=0, **options):
    """Un modello a caso che non ripete sempre un token: l’ultima normalizzazione mescola le componenti."""
    torch.manual_seed(seed)
    model = Transformer(replace(CONFIG, **options)).double().eval()
    model.embedding.E.data = nn.functional.normalize(model.embedding.E.data, dim=1)
    last = model.decoder_norm if model.config.final_norm else model.decoder[-1].residuals[-1].norm
    nn.init.normal_(last.weight, std=2)
    return model


def source(n_vocab=9):
    src = torch.randint(3, n_vocab, (4, 6), generator=torch.Generator().manual_seed(1))
    src[1, 4:], src[2, 1:] = 0, 0
    return src


flat = itertools.chain.from_iterable
STRATEGIES = {
    "greedy": greedy,
    "beam": lambda *a, **k: flat(beam_search(*a, beam=4, n_best=4, **k)),
    "beam senza penalità": lambda *a, **k: flat(beam_search(*a, beam=3, alpha=0.0, n_best=2, **k)),
    "temperatura": lambda *a, **k: sample(*a, tau=1.7, generator=torch.Generator().manual_seed(5), **k),
    "top-k": lambda *a, **k: sample(*a, top_k=3, generator=torch.Generator().manual_seed(5), **k),
    "top-p": lambda *a, **k: sample(*a, top_p=0.8, generator=torch.Generator().manual_seed(5), **k),
}


def assert_same(found, expected):
    found, expected = list(found), list(expected)
    assert [h.tokens for h in found] == [h.tokens for h in expected]
    assert [h.finished for h in found] == [h.finished for h in expected]
    for a, b in zip(found, expected, strict=True):
        assert a.log_prob == pytest.approx(b.log_prob, abs=1e-6)
        assert a.score == pytest.approx(b.score, abs=1e-6)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("options", [{}, {"norm_first": True, "final_norm": True}, {"positions": "learned"}])
def test_cached_equals_uncached(name, options):
    decode, variety = STRATEGIES[name], set()
    for seed in range(6):
        model = build(seed, **options)
        cached = list(decode(model, source(), max_extra=8))
        assert_same(cached, decode(model, source(), max_extra=8, use_cache=False))
        variety |= {len(set(h.tokens)) for h in cached}
    assert max(variety) > 2  # frasi varie, non un token ripetuto


@pytest.mark.parametrize("name", ["greedy", "beam", "beam senza penalità"])
def test_a_batch_of_different_lengths_equals_its_sentences_one_by_one(name):
    model, src, decode = build(2), source(), STRATEGIES[name]
    together = decode(model, src, max_extra=8)
    alone = [decode(model, src[i : i + 1, :n], max_extra=8) for i, n in enumerate((6, 4, 1, 6))]
    assert_same(together, flat(alone))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_beam_one_is_greedy(seed):
    model, src = build(seed), source()
    expected = greedy(model, src, max_extra=8)
    found = [hypotheses[0] for hypotheses in beam_search(model, src, beam=1, alpha=0.6, max_extra=8)]
    assert [h.tokens for h in found] == [h.tokens for h in expected]
    for a, b in zip(found, expected, strict=True):
        assert a.log_prob == pytest.approx(b.log_prob, abs=1e-9)


def all_hypotheses(model, src, limit, alpha):
    """La ricerca esaustiva: ogni frase finita con EOS entro limit token, e ogni frase di limit token."""
    words, scores = range(3, model.config.n_vocab), {}
    for length in range(1, limit + 1):
        for body in itertools.product(words, repeat=length - 1):
            for last in (2, *(words if length == limit else ())):
                generated = [*body, last]
                logits = model(src, torch.tensor([[1, *generated[:-1]]]))[0]
                logits[:, :2] = -torch.inf  # PAD e BOS non si generano
                log_probs = logits.log_softmax(-1)
                log_prob = sum(log_probs[i, token].item() for i, token in enumerate(generated))
                tokens = generated[:-1] if last == 2 else generated
                scores[tuple(tokens), last == 2] = log_prob / length_penalty(length, alpha)
    return sorted(scores.items(), key=lambda item: -item[1])


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.5])
@pytest.mark.parametrize("use_cache", [True, False])
def test_the_widest_beam_is_exhaustive_search(alpha, use_cache):
    for seed in range(3):
        model = build(seed, n_vocab=6)
        src = torch.tensor([[4, 3]])
        with torch.inference_mode():
            expected = all_hypotheses(model, src, 4, alpha)
        assert len(expected) == 3**0 + 3**1 + 3**2 + 3**3 + 3**4
        options = {"alpha": alpha, "max_extra": 2, "use_cache": use_cache}
        found = beam_search(model, src, beam=200, n_best=len(expected), **options)[0]
        assert [(tuple(h.tokens), h.finished) for h in found] == [key for key, _ in expected]
        for hypothesis, (_, score) in zip(found, expected, strict=True):
            assert hypothesis.score == pytest.approx(score, abs=1e-9)
        best = beam_search(model, src, beam=200, **options)[0]  # con l’arresto anticipato
        assert (tuple(best[0].tokens), best[0].finished) == expected[0][0]


def plain_beam(model, src, beam, alpha, limit):
    """Beam search con le liste di Python, una frase, senza cache né arresto anticipato: (token, EOS, punteggio)."""
    alive, found = [([], 0.0)], []
    for step in range(1, limit + 1):
        candidates = []
        for tokens, log_prob in alive:
            logits = model(src, torch.tensor([[1, *tokens]]))[0, -1]
            logits[:2] = -torch.inf
            log_probs = logits.log_softmax(-1).tolist()
            candidates += [(log_prob + log_probs[t], [*tokens, t]) for t in range(2, model.config.n_vocab)]
        candidates.sort(key=lambda candidate: -candidate[0])
        alive, kept = [], candidates[: beam - len(found)]  # ogni frase finita occupa un posto
        for log_prob, tokens in kept:
            if tokens[-1] == 2 or step == limit:
                finished = tokens[-1] == 2
                found.append((tokens[: step - finished], finished, log_prob / ((5 + step) / 6) ** alpha))
            else:
                alive.append((tokens, log_prob))
    return sorted(found, key=lambda hypothesis: -hypothesis[2])


@pytest.mark.parametrize("alpha", [0.0, 0.6, 3.0])
def test_beam_search_equals_the_plain_one(alpha):
    for seed in range(12):
        model, src = build(seed), source()[:1]
        with torch.inference_mode():
            expected = plain_beam(model, src, 4, alpha, 6 + 6)
        found = beam_search(model, src, beam=4, alpha=alpha, n_best=4, max_extra=6)[0]
        assert [(h.tokens, h.finished) for h in found] == [hypothesis[:2] for hypothesis in expected]
        assert [h.score for h in found] == pytest.approx([score for *_, score in expected], abs=1e-9)
        best = beam_search(model, src, beam=4, alpha=alpha, max_extra=6)[0]  # con l’arresto anticipato
        assert (best[0].tokens, best[0].score) == (expected[0][0], pytest.approx(expected[0][2], abs=1e-9))


def test_early_termination_never_changes_the_best_and_saves_steps(monkeypatch):
    steps = []
    ask = DecodingState.next_logits
    monkeypatch.setattr(DecodingState, "next_logits", lambda self: steps.append(1) or ask(self))
    saved = 0
    for seed in range(8):
        model, src = build(seed), source()[:1]
        steps.clear()
        best = beam_search(model, src, beam=4, max_extra=20)[0][0]
        early = len(steps)
        steps.clear()
        every = beam_search(model, src, beam=4, n_best=4, max_extra=20)[0]
        assert every[0] == best and 1 <= len(every) <= 4
        assert [h.score for h in every] == sorted((h.score for h in every), reverse=True)
        saved += len(steps) - early
    assert saved > 0


def test_scores_are_those_of_the_model_and_of_the_formula():
    model, src = build(3), source()[:1]
    assert length_penalty(7, 0.6) == pytest.approx(((5 + 7) / (5 + 1)) ** 0.6)
    for hypothesis in beam_search(model, src, beam=4, n_best=4, max_extra=8)[0]:
        generated = hypothesis.tokens + [2] * hypothesis.finished
        logits = model(src, torch.tensor([[1, *generated[:-1]]]))[0]
        logits[:, :2] = -torch.inf
        log_prob = logits.log_softmax(-1)[range(len(generated)), generated].sum().item()
        assert hypothesis.log_prob == pytest.approx(log_prob, abs=1e-9)
        assert hypothesis.score == pytest.approx(log_prob / ((5 + len(generated)) / 6) ** 0.6, abs=1e-9)


def test_length_limit_is_source_length_plus_max_extra():
    model = build()
    never_ends = model.embedding.E.data
    never_ends[2] = 0  # EOS ha logit 0…
    src = source()

    def longest(logits):
        return logits[:, 3:].argmax(-1) + 3  # …e non lo si sceglie mai

    assert [len(h.tokens) for h in generate(model, src, longest, max_extra=5)] == [11, 9, 6, 11]
    assert not any(h.finished for h in generate(model, src, longest, max_extra=5))
    assert max(len(h.tokens) for h in generate(model, src, longest, max_extra=100)) == 40  # max_len


def test_stream_gives_the_tokens_of_greedy_one_at_a_time():
    model, src = build(1), source()
    steps = list(stream(model, src, max_extra=8))
    for i, hypothesis in enumerate(greedy(model, src, max_extra=8)):
        generated = hypothesis.tokens + [2] * hypothesis.finished
        assert [t[i].item() for t, _ in steps] == generated + [0] * (len(steps) - len(generated))
        assert sum(p[i].item() for _, p in steps) == pytest.approx(hypothesis.log_prob)
    first = next(stream(model, src))
    assert torch.equal(first[0], steps[0][0])  # il primo arriva senza aspettare gli altri


def test_filter_logits():
    logits = torch.tensor([0.1, 0.5, 0.15, 0.25]).log()
    probs = filter_logits(logits, top_k=2).softmax(-1)
    torch.testing.assert_close(probs, torch.tensor([0, 2 / 3, 0, 1 / 3]))
    for top_p, kept in ((0.4, 1), (0.6, 2), (0.8, 3), (0.95, 4), (1.0, 4)):
        assert filter_logits(logits, top_p=top_p).isfinite().sum() == kept
    assert filter_logits(logits, top_p=1e-300).isfinite().sum() == 1  # in float32 vale zero
    torch.testing.assert_close(filter_logits(logits, tau=0.5).softmax(-1), logits.exp() ** 2 / 0.345)
    tie = torch.zeros(2, 5)
    assert (filter_logits(tie, top_k=2).isfinite().sum(-1) == 2).all()
    assert filter_logits(tie, top_k=99).isfinite().all()


def test_sampling_follows_the_probabilities():
    model, src = build(), source()[:1]
    logits = model(src, torch.tensor([[1]]))[0, 0].detach()
    logits[:2] = -torch.inf
    probs = filter_logits(logits, tau=1.5).softmax(-1)
    generator = torch.Generator().manual_seed(0)
    many = sample(model, src.expand(4000, -1), tau=1.5, max_extra=1, generator=generator)
    first = torch.tensor([h.tokens[0] if h.tokens else 2 for h in many])
    frequencies = torch.bincount(first, minlength=9) / 4000
    sigma = (probs * (1 - probs) / 4000).sqrt()
    assert ((frequencies - probs).abs() <= 4 * sigma + 1e-9).all()


def test_pad_and_bos_are_never_generated():
    model = build()
    model.embedding.E.data[:2] = 0
    model.embedding.E.data[0] += 100 * torch.sign(torch.randn(8))
    found = [*beam_search(model, source(), n_best=4, max_extra=8), greedy(model, source(), 8)]
    for hypothesis in flat(found):
        assert not {0, 1, 2} & set(hypothesis.tokens)


def test_a_training_step_after_decoding_works():
    model = build()
    greedy(model, source(), max_extra=3)
    model.train()(source(), source()).sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_lower_precision_models_decode():
    model = build().to(torch.bfloat16)
    assert all(math.isfinite(h.log_prob) for h in greedy(model, source(), 5))
    assert all(math.isfinite(h[0].score) for h in beam_search(model, source(), max_extra=5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, s: greedy(m.train(), s), r"model è in modo addestramento.* atteso dopo model.eval\(\)"),
        (lambda m, s: greedy(m, s, max_extra=0), "max_extra vale 0: atteso un intero positivo"),
        (lambda m, s: beam_search(m, s, beam=0), "beam vale 0: atteso un intero positivo"),
        (lambda m, s: beam_search(m, s, alpha=-1), "alpha vale -1: atteso un numero non negativo, al più 10"),
        (lambda m, s: beam_search(m, s, alpha=1e6), "alpha vale 1000000.0: atteso"),
        (lambda m, s: beam_search(m, s, alpha=math.nan), "alpha vale nan: atteso"),
        (lambda m, s: beam_search(m, s, beam=2, n_best=3), "n_best vale 3: atteso un intero da 1 a beam = 2"),
        (lambda m, s: sample(m, s, tau=0), "tau vale 0: atteso un numero positivo, da 0.001 a 1000"),
        (lambda m, s: sample(m, s, tau=1e-40), "tau vale 1e-40: atteso"),
        (lambda m, s: sample(m, s, tau=math.inf), "tau vale inf: atteso"),
        (lambda m, s: sample(m, s, tau=math.nan), "tau vale nan: atteso"),
        (lambda m, s: sample(m, s, top_k=0), "top_k vale 0: atteso un intero positivo"),
        (lambda m, s: sample(m, s, top_p=0), "top_p vale 0: atteso un numero maggiore di 0 e al più 1"),
        (lambda m, s: sample(m, s, top_p=1.5), "top_p vale 1.5"),
        (lambda m, s: greedy(m, torch.zeros_like(s)), "src ha soltanto PAD nella riga 0"),
        (lambda m, s: beam_search(m, s + 9), "src contiene il token 17: attesi interi da 0 a 8"),
    ],
)
def test_errors_name_the_argument_the_value_and_the_expectation(call, message):
    with pytest.raises(ValueError, match=message):
        call(build(), source())


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="nessuna GPU CUDA su questa macchina")
@pytest.mark.parametrize("name", ["greedy", "beam"])
def test_cuda_agrees_with_cpu(name):
    model, decode = build(), STRATEGIES[name]
    expected = decode(model, source(), max_extra=8)
    assert_same(decode(model.cuda(), source().cuda(), max_extra=8), expected)


def waits(call):
    """Quante volte call aspetta la GPU: PyTorch ne avverte a ogni volta."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchronizing CUDA operation" in str(warning.message) for warning in caught)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="nessuna GPU CUDA su questa macchina")
@pytest.mark.parametrize("name", ["greedy", "beam", "temperatura"])
@pytest.mark.parametrize("plain", [False, True])
def test_a_step_waits_for_cuda_at_most_once(monkeypatch, name, plain):
    model, src, steps, ask = build().cuda(), source().cuda(), [], DecodingState.next_logits
    monkeypatch.setattr(DecodingState, "next_logits", lambda self: steps.append(1) or ask(self))
    if plain:
        model.start_steps = lambda *args: None
    generator = torch.Generator("cuda").manual_seed(5)
    decode = (
        (lambda *a, **k: sample(*a, tau=1.7, generator=generator, **k)) if name == "temperatura" else STRATEGIES[name]
    )
    list(decode(model, src, max_extra=8))  # la prima volta si preparano le librerie
    steps.clear()
    assert 0 < waits(lambda: list(decode(model, src, max_extra=8))) <= len(steps) + 6  # e sei, al più, prima e dopo
