"""Le affermazioni della sezione 3.1: le pile dell’encoder e del decoder."""

from dataclasses import replace

import pytest
import torch
from registro import affermazione, tesi
from torch import nn

from attenzione.attention import MultiHeadAttention
from attenzione.config import BASE
from attenzione.embedding import Embedding
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.layers import DecoderLayer, EncoderLayer
from attenzione.model import Transformer


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Transformer(replace(BASE, n_vocab=100)).eval()


def norm(x):
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()


FORMS = {
    "dopo la somma": lambda x, f: norm(x + f(x)),
    "prima del sottostrato": lambda x, f: x + f(norm(x)),
    "sul sottostrato": lambda x, f: x + norm(f(x)),
    "senza la somma": lambda x, f: norm(f(x)),
}


@affermazione(
    "post-norm", vero={"norma": "dopo la somma"}, falso=[{"norma": name} for name in FORMS if name != "dopo la somma"]
)
def test_post_norm(norma):
    """Uno strato dell’encoder, alle dimensioni del modello base, contro la formula."""
    torch.manual_seed(0)
    layer, step, x = EncoderLayer(BASE).eval(), FORMS[norma], torch.randn(2, 7, 512)  # x: (2, 7, 512)
    expected = step(step(x, layer.self_attention), layer.feed_forward)
    with tesi:
        assert torch.allclose(layer(x), expected, atol=1e-4)


@affermazione(
    "residuo-e-norma-anche-nel-decoder",
    vero={"norma": "dopo la somma"},
    falso=[{"norma": name} for name in FORMS if name != "dopo la somma"],
)
def test_residuo_e_norma_anche_nel_decoder(norma):
    torch.manual_seed(0)
    layer, step = DecoderLayer(BASE).eval(), FORMS[norma]
    x, z = torch.randn(2, 7, 512), torch.randn(2, 9, 512)  # (2, 7, 512), (2, 9, 512)
    expected = step(x, lambda x: layer.self_attention(x, is_causal=True))
    expected = step(step(expected, lambda x: layer.cross_attention(x, z)), layer.feed_forward)
    with tesi:
        assert torch.allclose(layer(x, z), expected, atol=1e-4)


def calls(model, stack):
    """I sottostrati di una pila, nell’ordine in cui si eseguono davvero, strato per strato."""
    order, hooks = [[] for _ in stack], []
    for layer, seen in zip(stack, order, strict=True):
        for module in layer.modules():
            if isinstance(module, MultiHeadAttention | PositionwiseFeedForward):
                keep = lambda m, x, y, seen=seen: seen.append(type(m).__name__)  # noqa: E731
                hooks.append(module.register_forward_hook(keep))
    tokens = torch.arange(5, 10)[None]  # (1, 5)
    model(tokens, tokens)
    for hook in hooks:
        hook.remove()
    return order


@affermazione(
    "encoder-sei-strati-di-due-sottostrati",
    vero={"strati": 6, "sottostrati": 2},
    falso=[{"strati": 8}, {"strati": 4}, {"sottostrati": 3}],
)
def test_encoder_sei_strati_di_due_sottostrati(model, strati, sottostrati):
    order = ["MultiHeadAttention"] * (sottostrati - 1) + ["PositionwiseFeedForward"]
    with tesi:
        assert calls(model, model.encoder) == [order] * strati
        assert len({tuple(p.shape for p in layer.parameters()) for layer in model.encoder}) == 1


@affermazione(
    "decoder-sei-strati-di-tre-sottostrati",
    vero={"strati": 6, "sottostrati": 3},
    falso=[{"strati": 8}, {"sottostrati": 2}],
)
def test_decoder_sei_strati_di_tre_sottostrati(model, strati, sottostrati):
    order = ["MultiHeadAttention"] * (sottostrati - 1) + ["PositionwiseFeedForward"]
    with tesi:
        assert calls(model, model.decoder) == [order] * strati
        assert len({tuple(p.shape for p in layer.parameters()) for layer in model.decoder}) == 1


@affermazione("tutte-le-uscite-512", vero={"d_model": 512}, falso=[{"d_model": 1024}, {"d_model": 64}])
def test_tutte_le_uscite_512(model, d_model):
    widths, hooks = [], []
    for module in model.modules():
        if isinstance(module, MultiHeadAttention | PositionwiseFeedForward | Embedding | nn.LayerNorm):
            hooks.append(module.register_forward_hook(lambda m, x, y: widths.append(y.size(-1))))
    tokens = torch.arange(5, 10)[None]  # (1, 5)
    model(tokens, tokens)
    for hook in hooks:
        hook.remove()
    assert len(widths) == 2 * 30 + 2
    with tesi:
        assert set(widths) == {d_model}


@affermazione(
    "terzo-sottostrato-sull-encoder",
    vero={"sottostrato": "cross_attention"},
    falso=[{"sottostrato": "self_attention"}, {"sottostrato": "feed_forward"}],
)
def test_terzo_sottostrato_sull_encoder(sottostrato):
    """L’uscita dell’encoder conta, e conta solo attraverso quel sottostrato: spento lui, non conta più."""
    torch.manual_seed(0)
    layer, x = DecoderLayer(BASE).eval(), torch.randn(1, 7, 512)  # x: (1, 7, 512)
    z, other = torch.randn(1, 9, 512), torch.randn(1, 9, 512)  # (1, 9, 512), due volte
    assert not torch.allclose(layer(x, z), layer(x, other))
    module = getattr(layer, sottostrato)
    (module.W_2 if sottostrato == "feed_forward" else module.W_o).data.zero_()
    with tesi:
        assert torch.equal(layer(x, z), layer(x, other))


@affermazione(
    "previsioni-solo-dal-passato",
    vero={"spostate": 1, "diagonale": -1},
    falso=[{"spostate": 0}, {"diagonale": 0}, {"diagonale": -2}],
)
def test_previsioni_solo_dal_passato(model, spostate, diagonale):
    """Cambia un’uscita nota alla volta: le previsioni che cambiano sono quelle sotto la diagonale."""
    src, known = torch.arange(5, 10)[None], torch.arange(20, 26)  # (1, 5), (6,)

    def predict(known):
        start = torch.full((spostate,), BASE.bos_id)
        return model(src, torch.cat([start, known])[None, : len(known)])[0]  # (6, 100)

    original, moved = predict(known), []
    for j in range(len(known)):
        changed = known.clone()
        changed[j] = 50
        moved.append((predict(changed) - original).abs().amax(dim=-1) > 1e-5)  # (6,)
    with tesi:
        assert torch.equal(torch.stack(moved, dim=1), torch.ones(6, 6, dtype=torch.bool).tril(diagonale))
