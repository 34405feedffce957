"""La via svelta della decodifica fa gli stessi conti di quella piana, o si ritira."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from attenzione.attention import MultiHeadAttention
from attenzione.config import TransformerConfig
from attenzione.decoding import beam_search, greedy
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.model import Transformer

CONFIG = TransformerConfig(n_vocab=11, n_layers=2, d_model=8, d_ff=16, n_heads=2, d_k=4, d_v=3, max_len=20)
TOLERANCES = {torch.float64: 1e-12, torch.float32: 1e-5}


def build(dtype=torch.float64, **options):
    """Un modello a caso, anche nei bias e nelle normalizzazioni, che in partenza sono zeri e uni."""
    model = Transformer(replace(CONFIG, **options)).to(dtype).eval()
    for parameter in model.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter, mean=0.5)
    return model


def source(batch=3, n=6):
    src = torch.randint(3, 11, (batch, n))
    src[0, n - 2 :] = 0
    return src


@settings(max_examples=30, deadline=None)
@given(
    norm_first=st.booleans(),
    positions=st.sampled_from(["sinusoidal", "learned", "none"]),
    dtype=st.sampled_from(list(TOLERANCES)),
    sizes=st.tuples(st.integers(1, 3), st.integers(3, 6), st.integers(1, 7)),
    beam=st.sampled_from([1, 4]),
    masked=st.booleans(),
    seed=st.integers(0, 2**20),
)
@torch.inference_mode()
def test_a_step_equals_decode_whatever_the_order_of_the_beams(norm_first, positions, dtype, sizes, beam, masked, seed):
    torch.manual_seed(seed)
    batch, n, steps = sizes
    model = build(dtype, norm_first=norm_first, final_norm=norm_first, positions=positions)
    z, mask = model.encode(source(batch, n) if masked else torch.randint(3, 11, (batch, n)))
    assert (mask is not None) == masked
    fast, cache = model.start_steps(z, mask, steps, beam), model.start_cache(z, steps, beam)
    first_rows = torch.arange(batch)[:, None] * beam
    for _ in range(steps):
        tokens = torch.randint(3, 11, (batch * beam,))
        expected = model.embedding.logits(model.decode(tokens[:, None], z, mask, cache)[:, -1])
        torch.testing.assert_close(fast.step(tokens), expected, atol=TOLERANCES[dtype], rtol=TOLERANCES[dtype])
        rows = (first_rows + torch.randint(beam, (batch, beam))).flatten()  # ogni sequenza ne prosegue una qualunque
        fast.reorder(rows)
        for _, kv_cache in cache:
            kv_cache.reorder(rows)


class Doubled(MultiHeadAttention):
    """L’attenzione cambiata da chi legge, come in una cella: la via svelta non ne sa nulla."""

    def forward(self, *args, **options):
        return 2 * super().forward(*args, **options)


class Silent(PositionwiseFeedForward):
    def forward(self, x):
        return torch.zeros_like(x)


def doubled(model):
    model.decoder[1].cross_attention = Doubled(8, 2, 4, 3).to(model.embedding.E).eval()


def silent(model):
    model.decoder[0].feed_forward = Silent(8, 16).to(model.embedding.E).eval()


def rms(model):
    model.decoder[0].residuals[2].norm = nn.RMSNorm(8).to(model.embedding.E).eval()


HOOKS = {
    "un’attenzione": lambda model: model.decoder[1].self_attention,
    "una rete": lambda model: model.decoder[0].feed_forward,
    "una normalizzazione": lambda model: model.decoder[0].residuals[1].norm,
    "uno strato": lambda model: model.decoder[1],
    "gli embedding": lambda model: model.embedding,
    "il dropout": lambda model: model.dropout,
    "l’ultima normalizzazione": lambda model: model.decoder_norm,
}


@pytest.mark.parametrize("where", HOOKS)
def test_a_hook_takes_the_plain_way_and_is_called(where):
    model, calls = build(), []
    module = HOOKS[where](model)
    for register in (module.register_forward_hook, module.register_forward_pre_hook):
        handle = register(lambda *args: calls.append(1))
        with torch.inference_mode():
            assert model.start_steps(*model.encode(source()), 4) is None
        calls.clear()
        greedy(model, source(), max_extra=3)
        assert calls
        handle.remove()
    with torch.inference_mode():
        assert model.start_steps(*model.encode(source()), 4) is not None


@pytest.mark.parametrize("change", [doubled, silent, rms])
def test_a_changed_decoder_takes_the_plain_way(change):
    model, src = build(), source()
    change(model)
    cached, plain = (beam_search(model, src, max_extra=4, use_cache=use) for use in (True, False))
    for (a,), (b,) in zip(cached, plain, strict=True):
        assert (a.tokens, a.score) == (b.tokens, pytest.approx(b.score, abs=1e-9))
    with torch.inference_mode():
        assert model.start_steps(*model.encode(source()), 4) is None


def test_dropout_and_mixed_precision_take_the_plain_way():
    model = build(torch.float32)
    with torch.inference_mode():
        z, mask = model.encode(source())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert model.start_steps(z, mask, 4) is None
        model.decoder[0].residuals[1].train()
        assert model.start_steps(z, mask, 4) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_new_weights_give_new_sentences(dtype):
    model, other, src = build(dtype), build(dtype), source()
    first = greedy(model, src, max_extra=5)
    for change in (lambda: model.load_state_dict(other.state_dict()), lambda: model.embedding.E.data.neg_()):
        change()
        found, expected = (greedy(model, src, max_extra=5, use_cache=use) for use in (True, False))
        for a, b in zip(found, expected, strict=True):
            assert (a.tokens, a.log_prob) == (b.tokens, pytest.approx(b.log_prob, abs=1e-4))
        assert [h.log_prob for h in found] != [h.log_prob for h in first]
        first = found


@pytest.mark.parametrize("beam", [1, 4])
def test_too_little_memory_is_a_memory_error(beam):
    model = build()
    with torch.inference_mode():
        z, mask = model.encode(source())
        message = f"capacity vale {10**15}, le sequenze sono {3 * beam}: la memoria non basta per la cache; attesa una"
        with pytest.raises(MemoryError, match=message):
            model.start_steps(z, mask, 10**15, beam)
