"""Le affermazioni della sezione 3.1: le pile dell’encoder e del decoder."""

import copy
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import torch
from formule import attention_by_formula, generated_logits, norm, unmasked
from registro import affermazione, tesi
from torch import nn

from attenzione.attention import MultiHeadAttention
from attenzione.config import BASE
from attenzione.embedding import Embedding
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.model import Transformer
from attenzione.training.batches import collate


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Transformer(replace(BASE, n_vocab=100)).eval()


FORMS = {
    "dopo la somma": lambda x, f: norm(x + f(x)),
    "prima del sottostrato": lambda x, f: x + f(norm(x)),
    "sul sottostrato": lambda x, f: x + norm(f(x)),
    "senza la somma": lambda x, f: norm(f(x)),
}


@affermazione(
    "post-norm", vero={"norma": "dopo la somma"}, falso=[{"norma": name} for name in FORMS if name != "dopo la somma"]
)
def test_post_norm(model, norma):
    """Ogni strato dell’encoder del modello base contro la formula, sull’uscita del precedente."""
    step, x = FORMS[norma], torch.randn(2, 7, 512, generator=torch.Generator().manual_seed(0))  # x: (2, 7, 512)
    for layer in model.encoder:
        expected, x = step(step(x, layer.self_attention), layer.feed_forward), layer(x)
        with tesi:
            assert torch.allclose(x, expected, atol=1e-4)


@affermazione(
    "residuo-e-norma-anche-nel-decoder",
    vero={"norma": "dopo la somma"},
    falso=[{"norma": name} for name in FORMS if name != "dopo la somma"],
)
def test_residuo_e_norma_anche_nel_decoder(model, norma):
    """Ogni strato del decoder, sull’uscita del precedente; e quando genera un token alla volta, con conti scritti a
    parte, il decoder rende lo stesso."""
    step, generator = FORMS[norma], torch.Generator().manual_seed(0)
    x, z = (torch.randn(2, n, 512, generator=generator) for n in (7, 9))  # (2, 7, 512), (2, 9, 512)
    for layer in model.decoder:
        expected = step(x, lambda x, layer=layer: layer.self_attention(x, is_causal=True))
        expected = step(expected, lambda x, layer=layer: layer.cross_attention(x, z))
        expected, x = step(expected, layer.feed_forward), layer(x, z)
        with tesi:
            assert torch.allclose(x, expected, atol=1e-4)
    src, tgt = torch.arange(5, 14)[None], torch.arange(20, 27)[None]  # (1, 9), (1, 7)
    with torch.no_grad(), tesi:
        assert torch.allclose(generated_logits(model, src, tgt), model(src, tgt), atol=1e-3)


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


def stacked(model, stack):
    """Se a ogni strato, dal secondo, entra l’uscita di quello sotto."""
    seen, hooks = [], []
    for layer in stack:
        hooks.append(layer.register_forward_hook(lambda m, x, y: seen.append((x[0], y))))
    tokens = torch.arange(5, 10)[None]  # (1, 5)
    model(tokens, tokens)
    for hook in hooks:
        hook.remove()
    return all(torch.equal(below[1], above[0]) for below, above in pairwise(seen))


@torch.no_grad()
def identical(stack, *inputs):
    """Se gli strati, coi parametri di uno qualsiasi di loro, sono una sola funzione: (B, n, d_model) per inputs."""
    borrowed = copy.deepcopy(stack)
    for layer in borrowed:
        layer.load_state_dict(stack[0].state_dict())
    outputs = [layer(*inputs) for layer in borrowed]
    return all(torch.allclose(output, outputs[0], atol=1e-5) for output in outputs)


@torch.no_grad()
def looks_at_itself(layer, x, heads):
    """Se la self-attention di uno strato dell’encoder è quella a heads teste dell’ingresso dello strato, x."""
    seen = []
    hook = layer.self_attention.register_forward_hook(lambda m, args, y: seen.append(y))
    layer(x)
    hook.remove()
    return layer.self_attention.per_head()[0].size(0) == heads and torch.allclose(
        seen[0], attention_by_formula(layer.self_attention, x, x), atol=1e-4
    )


@torch.no_grad()
def one_after_the_other(layer, *inputs):
    """Se a ogni sottostrato di uno strato, dal secondo, entra la somma normalizzata che lascia quello prima."""
    seen, hooks = [], []
    for module in layer.modules():
        if isinstance(module, MultiHeadAttention | PositionwiseFeedForward):
            hooks.append(module.register_forward_hook(lambda m, x, y: seen.append((x[0], y))))
    output = layer(*inputs)
    for hook in hooks:
        hook.remove()
    after = [norm(x + y) for x, y in seen]  # (B, n, d_model): una per sottostrato
    entered = [x for x, _ in seen[1:]] + [output]
    return torch.equal(seen[0][0], inputs[0]) and all(map(partial(torch.allclose, atol=1e-4), after, entered))


def as_it_is(stack):
    pass


def third_with_one_head(stack):
    stack[2].self_attention.n_heads = 1


def third_looking_elsewhere(stack):
    stack[2].self_attention.register_forward_pre_hook(lambda m, args: (args[0], args[0].roll(1, dims=1) + 1))


def third_in_parallel(stack):
    entered = []
    stack[2].register_forward_pre_hook(lambda m, args: entered.append(args[0]))
    stack[2].feed_forward.register_forward_pre_hook(lambda m, args: tuple(entered[-1:]))  # ciò che entra nello strato


@affermazione(
    "encoder-sei-strati-di-due-sottostrati",
    vero={"strati": 6, "sottostrati": 2, "teste": 8, "pila": as_it_is},
    falso=[
        {"strati": 8},
        {"strati": 4},
        {"sottostrati": 3},
        {"teste": 1},
        {"pila": third_with_one_head},
        {"pila": third_looking_elsewhere},
        {"pila": third_in_parallel},
    ],
)
def test_encoder_sei_strati_di_due_sottostrati(model, strati, sottostrati, teste, pila):
    """L’ordine in cui si eseguono, uno dopo l’altro: alla rete entra ciò che l’attenzione ha lasciato. E ogni strato,
    coi parametri di un altro, rende ciò che rende l’altro. L’attenzione è quella a otto teste di ciò che entra nello
    strato."""
    order = ["MultiHeadAttention"] * (sottostrati - 1) + ["PositionwiseFeedForward"]
    stack, x = copy.deepcopy(model.encoder), torch.randn(2, 7, 512)  # x: (2, 7, 512)
    pila(stack)
    with tesi:
        assert calls(model, model.encoder) == [order] * strati and stacked(model, model.encoder)
        assert len({tuple(p.shape for p in layer.parameters()) for layer in stack}) == 1
        assert identical(stack, x) and all(looks_at_itself(layer, x, teste) for layer in stack)
        assert all(one_after_the_other(layer, x) for layer in stack)


@affermazione(
    "decoder-sei-strati-di-tre-sottostrati",
    vero={"strati": 6, "sottostrati": 3, "pila": as_it_is},
    falso=[{"strati": 8}, {"sottostrati": 2}, {"pila": third_with_one_head}, {"pila": third_in_parallel}],
)
def test_decoder_sei_strati_di_tre_sottostrati(model, strati, sottostrati, pila):
    order = ["MultiHeadAttention"] * (sottostrati - 1) + ["PositionwiseFeedForward"]
    stack, (x, z) = copy.deepcopy(model.decoder), torch.randn(2, 2, 7, 512)  # x, z: (2, 7, 512)
    pila(stack)
    with tesi:
        assert calls(model, model.decoder) == [order] * strati and stacked(model, model.decoder)
        assert len({tuple(p.shape for p in layer.parameters()) for layer in stack}) == 1
        assert identical(stack, x, z) and all(one_after_the_other(layer, x, z) for layer in stack)


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
    vero={"memoria": "dalla cima dell’encoder", "per_via": "cross_attention"},
    falso=[
        {"memoria": "dallo strato sotto la cima"},
        {"memoria": "dall’embedding"},
        {"memoria": "dal decoder"},
        {"per_via": "self_attention"},
    ],
)
def test_terzo_sottostrato_sull_encoder(model, memoria, per_via):
    """Nel modello intero, in ogni strato del decoder: il sottostrato rende la formula a otto teste sull’uscita della
    pila dell’encoder, con le query di quello sotto; e spenti tutti i suoi pari, la frase d’ingresso non conta più."""
    src, tgt, seen = torch.arange(5, 14)[None], torch.arange(20, 27)[None], {}  # (1, 9), (1, 7)
    hooks = [
        module.register_forward_hook(lambda m, x, y, name=name: seen.update({name: (x[0], y)}))
        for name, module in model.named_modules()
        if name.startswith(("encoder.", "decoder."))
    ]
    with torch.no_grad():
        model(src, tgt)
        for hook in hooks:
            hook.remove()
        for i, layer in enumerate(model.decoder):
            x, output = seen[f"decoder.{i}.residuals.0"][1], seen[f"decoder.{i}.cross_attention"][1]  # (1, 7, 512)
            memory = {
                "dalla cima dell’encoder": seen["encoder.5"][1],
                "dallo strato sotto la cima": seen["encoder.4"][1],
                "dall’embedding": seen["encoder.0"][0],
                "dal decoder": x,
            }[memoria]
            with tesi:
                assert torch.allclose(output, attention_by_formula(layer.cross_attention, x, memory), atol=1e-4)
        W_o = [getattr(layer, per_via).W_o for layer in model.decoder]
        kept = [W.clone() for W in W_o]
        for W in W_o:
            W.zero_()
        alone = [model(tokens, tgt) for tokens in (src, src + 1)]
        for W, values in zip(W_o, kept, strict=True):
            W.copy_(values)
    with tesi:
        assert torch.equal(*alone)


@affermazione(
    "previsioni-solo-dal-passato",
    vero={"ingresso": "spostato", "maschera": True},
    falso=[{"ingresso": "non spostato"}, {"maschera": False}, {"ingresso": "non spostato", "maschera": False}],
)
def test_previsioni_solo_dal_passato(model, ingresso, maschera):
    """Le frasi d’arrivo come le prepara la libreria: cambiato il token j, si muovono le previsioni dei token i > j, e
    quelle soltanto. Senza lo spostamento si muove anche la sua, senza la maschera anche quelle di prima."""
    torch.manual_seed(0)
    small = replace(BASE, n_vocab=100, n_layers=2, d_model=64, d_ff=64, n_heads=4, d_k=16, d_v=16)
    for transformer, m in ((model, 6), (Transformer(small).eval(), 50)):
        known = list(range(20, 20 + m))
        sentences = [known, *([*known[:j], 90, *known[j + 1 :]] for j in range(m))]  # cambiato un token alla volta
        src, tgt_in, tgt_out = collate([([5, 6, 7, 8, 9], sentence) for sentence in sentences], BASE)
        with torch.no_grad(), nullcontext() if maschera else unmasked(transformer):
            logits = transformer(src, {"spostato": tgt_in, "non spostato": tgt_out}[ingresso])  # (m + 1, m + 1, 100)
        moved = ((logits[1:] - logits[0]).abs().amax(dim=-1) > 1e-5).T  # (m + 1, m): la previsione i, il token j
        with tesi:
            assert torch.equal(tgt_out[:, :m], torch.tensor(sentences))  # i logit i prevedono il token i
            assert torch.equal(moved, torch.ones(m + 1, m).tril(-1) > 0)
