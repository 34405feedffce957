"""Riempire, continuare, trasformare; gli otto cambiamenti; la testa di induzione: ciascuno contro una seconda forma."""

import gzip
import json
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from attenzione.config import TransformerConfig
from attenzione.later import changes, families, induction
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.masked import MaskedModel, hide
from attenzione.later.spans import cut, draw_spans, restore
from attenzione.model import Transformer

CONFIG = TransformerConfig(n_vocab=20, n_layers=2, d_model=16, d_ff=24, n_heads=4, p_drop=0.0)
WORDS = range(5, 20)
MARKS = [90, 91, 92]


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# Riempire, 1810.04805


def test_the_masked_model_is_pytorch_s_encoder():
    torch.manual_seed(0)
    model = MaskedModel(CONFIG).double()
    twins = []
    for layer in model.encoder:
        twin = nn.TransformerEncoderLayer(16, 4, 24, 0.0, batch_first=True).double()
        twin.self_attn.in_proj_weight.data = layer.self_attention.W_qkv.data.T
        twin.self_attn.in_proj_bias.data.zero_()
        twin.self_attn.out_proj.weight.data = layer.self_attention.W_o.data.T
        twin.self_attn.out_proj.bias.data.zero_()
        twin.linear1.weight.data, twin.linear1.bias.data = layer.feed_forward.W_1.data.T, layer.feed_forward.b_1.data
        twin.linear2.weight.data, twin.linear2.bias.data = layer.feed_forward.W_2.data.T, layer.feed_forward.b_2.data
        twins.append(twin)
    tokens = torch.randint(5, 20, (3, 7))
    tokens[1, 4:] = 0  # PAD in fondo
    x = model.positions(model.embedding(tokens))
    for twin in twins:
        x = twin(x, src_key_padding_mask=tokens == 0)
    real = tokens != 0
    close(model(tokens)[real], model.embedding.logits(x)[real])


def test_both_sides_are_seen_and_the_padding_is_not():
    torch.manual_seed(0)
    model = MaskedModel(CONFIG).double()
    tokens = torch.randint(5, 20, (1, 6))
    changed = tokens.clone()
    changed[0, -1] = 5 if tokens[0, -1] > 5 else 6
    assert (model(tokens) != model(changed)).any(dim=2).all()
    close(model(torch.cat([tokens, torch.zeros(1, 3).long()], dim=1))[:, :6], model(tokens))


def test_the_tokens_are_checked():
    with pytest.raises(ValueError, match="tokens contiene il token 20: attesi interi da 0 a 19"):
        MaskedModel(CONFIG)(torch.tensor([[5, 20]]))


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 5), n=st.integers(1, 12), share=st.floats(0, 0.9), seed=st.integers(0, 99))
def test_hiding_touches_only_chosen_words(rows, n, share, seed):
    tokens = torch.randint(0, 20, (rows, n), generator=seeded(seed))
    spoiled, chosen = hide(tokens, 4, WORDS, seeded(seed), share)
    assert torch.equal(spoiled[~chosen], tokens[~chosen])
    assert (tokens[chosen] >= WORDS.start).all()
    assert (spoiled[chosen] >= 4).all()


def test_of_ten_chosen_eight_are_hidden_one_is_another_word():
    tokens = torch.full((200, 500), 7)
    spoiled, chosen = hide(tokens, 4, WORDS, seeded())
    assert chosen.float().mean().item() == pytest.approx(0.15, abs=0.01)
    assert (spoiled[chosen] == 4).float().mean().item() == pytest.approx(0.8, abs=0.01)
    kept = 0.1 + 0.1 / len(WORDS)  # anche una parola a caso può essere la stessa
    assert (spoiled[chosen] == 7).float().mean().item() == pytest.approx(kept, abs=0.01)
    with pytest.raises(ValueError, match=r"share vale 1\.5: atteso un numero da 0 compreso a 1 escluso"):
        hide(tokens, 4, WORDS, seeded(), 1.5)


# Trasformare, 1910.10683


@settings(max_examples=60, deadline=None)
@given(n=st.integers(2, 40), share=st.floats(0.01, 0.95), mean=st.integers(1, 6), seed=st.integers(0, 999))
def test_what_is_cut_is_put_back(n, share, mean, seed):
    tokens = list(range(n))
    spans = draw_spans(n, seeded(seed), share, mean)
    marks = range(1000, 1000 + len(spans))
    source, pieces = cut(tokens, spans, marks)
    assert restore(source, pieces, marks) == tokens
    out = sum(stop - start for start, stop in spans)
    assert out == min(max(1, round(n * share)), n - 1)
    assert len(source) == n - out + len(spans) and len(pieces) == out + len(spans)
    assert all(stop < start for (_, stop), (start, _) in pairwise(spans))


def test_the_pieces_follow_their_marks():
    assert cut([1, 2, 3, 4, 5], [(0, 2), (3, 4)], MARKS) == ([90, 3, 91, 5], [90, 1, 2, 91, 4])
    assert restore([90, 3, 91, 5], [7, 90, 1, 2], MARKS) == [
        1,
        2,
        3,
        5,
    ]  # un segnaposto senza pezzo; un token di troppo


@pytest.mark.parametrize("spans", [[(0, 0)], [(2, 4), (1, 2)], [(0, 2), (2, 3)], [(4, 6)], [(-1, 2)]])
def test_spans_out_of_place(spans):
    with pytest.raises(ValueError, match="attesi pezzi in ordine, staccati, da 0 a 5"):
        cut([1, 2, 3, 4, 5], spans, MARKS)


def test_too_few_marks_or_tokens():
    with pytest.raises(ValueError, match="spans ha 2 pezzi: attesi al più 1, quanti i segnaposti"):
        cut([1, 2, 3, 4], [(0, 1), (2, 3)], MARKS[:1])
    with pytest.raises(ValueError, match="n vale 1: atteso almeno 2"):
        draw_spans(1, seeded())


# Il corpus comune


def test_the_sentences_are_what_the_chapter_says():
    sentences = families.corpus()
    assert len(set(sentences)) == len(sentences) == 3000
    for sentence in sentences[:300]:
        article, noun = sentence[:2]
        assert families.article_agrees(article, noun)
        assert families.AGENTS[noun][1] == (families.number_of(sentence) == "plurale")
        if "non" not in sentence:
            denied = families.negated(sentence)
            assert denied.index("non") == families.verb_place(sentence)
            assert [word for word in denied if word != "non"] == list(sentence)
    assert not families.article_agrees("il", "studente") and not families.article_agrees("un", "gatti")


@pytest.mark.parametrize(("family", "kind"), [("BERT", MaskedModel), ("GPT", LanguageModel), ("T5", Transformer)])
def test_every_family_learns_a_little(family, kind):
    sentences = families.corpus()[:64]
    model = families.build(family)
    assert isinstance(model, kind)
    before = families.loss_of(model, sentences, seeded()).item()
    families.train(model, sentences, steps=15)
    assert families.loss_of(model, sentences, seeded()).item() < before - 0.3


def test_unknown_family_and_sentence_without_a_verb():
    with pytest.raises(ValueError, match="family vale «ELMo»: atteso uno fra BERT, GPT, T5"):
        families.build("ELMo")
    with pytest.raises(ValueError, match="sentence non ha verbo: la zia"):
        families.negated(["la", "zia"])


# Gli otto cambiamenti


def test_every_configuration_differs_in_what_it_says():
    configs = changes.configurations(30)
    assert list(configs) == [changes.START, *changes.CHANGES]
    decoders = list(configs.values())[1:]
    for (before, after), change in zip(pairwise(decoders), list(changes.CHANGES.values())[1:], strict=True):
        assert {name for name in vars(after) if vars(after)[name] != vars(before)[name]} == set(change)
    last = decoders[-1]
    for name in ("norm_first", "final_norm", "norm", "bias", "feed_forward", "positions", "tied"):
        assert vars(last)[name] == vars(LanguageModelConfig(n_vocab=30))[name]


def test_the_two_kinds_of_model_answer_the_same_questions():
    """Chi ha due pile e chi ne ha una predicono le stesse lettere, e non vedono mai quella che devono dire."""
    x = torch.randint(3, 30, (2, changes.WINDOW))
    for name in (changes.START, "solo decoder", "uscita slegata"):
        model = changes.build(changes.configurations(30)[name]).double().eval()
        logits = changes.second_half(model, x)
        assert logits.shape == (2, changes.HALF, 30)
        changed = x.clone()
        changed[:, 50:] = torch.randint(3, 30, (2, changes.WINDOW - 50))
        close(changes.second_half(model, changed)[:, : 50 - changes.HALF + 1], logits[:, : 50 - changes.HALF + 1])
        for place in (changes.HALF - 1, changes.WINDOW - 2):  # la lettera appena prima di quella da dire
            other = x.clone()
            other[:, place] = torch.where(x[:, place] > 3, 3, 4)
            moved = (changes.second_half(model, other) != logits).any(dim=2)
            assert moved[:, place - changes.HALF + 1 :].all() and not moved[:, : place - changes.HALF + 1].any()
        by_hand = nn.functional.cross_entropy(logits.flatten(0, 1), x[:, changes.HALF :].flatten())
        close(changes.loss_on(model, x), by_hand)


def test_the_scale_is_put_back_before_the_first_layer():
    config = changes.configurations(30)["uscita slegata"]
    plain, scaled = changes.build(config), changes.scaled(changes.build(config))
    x = torch.randint(3, 30, (2, 5))
    close(scaled.embedding(x), 8 * plain.embedding(x))
    by_hand = 8 * plain.embedding(x)
    for layer in plain.layers:
        by_hand = layer(by_hand)
    close(scaled(x), plain.embedding.logits(plain.norm(by_hand)))


def test_the_command_writes_what_the_page_reads(tmp_path, monkeypatch):
    text = tmp_path / "prosa.txt.gz"
    text.write_bytes(gzip.compress(("la gatta mangia il topo e il topo scappa. " * 600).encode()))
    monkeypatch.setattr(changes, "CHANGES", {"solo decoder": {}, "uscita slegata": {"tied": False}})
    changes.main([str(text), "--semi", "0", "--passi", "1", "--uscita", str(tmp_path / "c.json")])
    report = changes.recorded(tmp_path / "c.json")
    assert list(report["modelli"]) == [changes.START, "solo decoder", "uscita slegata", changes.CONTROL, changes.SCALED]
    assert report["modelli"][changes.SCALED]["perdita"] != report["modelli"]["uscita slegata"]["perdita"]
    assert set(report) == set(changes.recorded())
    assert "--semi 0 --passi 1" in report["comando"]


def test_the_recorded_run_has_every_change_with_two_seeds():
    report = json.loads(changes.RECORDED.read_text("utf-8"))
    assert list(report["modelli"]) == [changes.START, *changes.CHANGES, changes.CONTROL, changes.SCALED]
    for model in report["modelli"].values():
        assert list(model["perdita"]) == ["0", "1"]
    configs = changes.configurations(105)
    for name in ("solo decoder", "uscita slegata"):
        model = changes.build(configs[name])
        assert sum(p.numel() for p in model.parameters()) == report["modelli"][name]["parametri"]


# La testa di induzione, 2209.11895


@settings(max_examples=30, deadline=None)
@given(length=st.integers(2, 8), before=st.integers(0, 4), start=st.sampled_from([None, 1]), seed=st.integers(0, 99))
def test_the_sequences_end_with_two_copies(length, before, start, seed):
    x = induction.repeated(3, length, range(4, 20), seeded(seed), before, start)
    assert x.shape == (3, (start is not None) + before + 2 * length)
    assert torch.equal(x[:, -2 * length : -length], x[:, -length:])
    for row in x.tolist():
        assert len(set(row)) == len(row) - length


def test_the_score_is_one_for_a_head_that_looks_there():
    """Pesi scritti a mano, una casella alla volta; un guasto piantato: lo stesso token al posto di quello dopo."""
    n, length = 9, 4  # un token, poi due copie di quattro
    perfect, same = torch.zeros(1, 1, n, n), torch.zeros(1, 1, n, n)
    for i in range(n):
        perfect[0, 0, i, i - length + 1 if i >= 5 else 0] = 1
        same[0, 0, i, i - length if i >= 5 else 0] = 1
    close(induction.induction_scores([perfect], length), torch.ones(1, 1))
    close(induction.induction_scores([same], length), torch.zeros(1, 1))
    following = torch.eye(n).roll(1, dims=1)[None, None]  # la riga i guarda i + 1
    close(induction.previous_scores([following.mT]), torch.ones(1, 1))
    close(induction.previous_scores([following]), torch.zeros(1, 1))


def test_a_head_is_switched_off_and_on_again():
    model = induction.small_model().double()
    x = induction.repeated(2, 5, range(4, 28), seeded())
    whole = model(x)
    with induction.without_head(model, 1, 0):
        off = model(x)
        attention = model.layers[1].self_attention
        assert not attention.W_o[: attention.d_k].any() and attention.W_o[attention.d_k :].any()
    assert not torch.allclose(off, whole)
    assert torch.equal(model(x), whole)


def test_errors_of_the_sequences():
    with pytest.raises(ValueError, match=r"words ha 4 token: attesi almeno before \+ length = 6"):
        induction.repeated(1, 5, range(4), seeded(), before=1)


@pytest.mark.lento
def test_the_small_model_grows_an_induction_head():
    model, history = induction.train(induction.small_model())
    assert history[0] < 0.2 and history[-1] > 0.9
    x = induction.repeated(50, 12, range(4, 28), seeded(1))
    with torch.no_grad():
        scores = induction.induction_scores(model.attention_weights(x), 12)
    assert scores[1].max() > 0.5 > 10 * scores[0].max()
