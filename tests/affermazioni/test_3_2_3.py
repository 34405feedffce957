"""Gli usi dell’attenzione, §3.2.3, sul modello base con un vocabolario di cento token."""

import functools
import math
from contextlib import nullcontext
from dataclasses import replace
from itertools import product

import torch
from formule import attention_by_formula, generated_logits, unmasked, who_moves
from registro import affermazione, tesi

from attenzione.attention import MultiHeadAttention, fused_attention, scaled_dot_product_attention
from attenzione.config import BASE
from attenzione.model import Transformer

SRC, TGT = torch.tensor([[11, 12, 13, 14, 15]]), torch.tensor([[1, 21, 22]])  # n = 5, m = 3


@functools.cache
def model():
    torch.manual_seed(0)
    return Transformer(replace(BASE, n_vocab=100)).eval()


@functools.cache
def narrow():
    """Le stesse pile, strette, per frasi lunghe."""
    torch.manual_seed(0)
    return Transformer(replace(BASE, n_vocab=100, d_model=16, d_ff=32, n_heads=2, d_k=8, d_v=8)).double().eval()


@functools.cache
def weights():
    with torch.no_grad():
        return model().attention_weights(SRC, TGT)


@functools.cache
def weights_of_long_ones():
    """Gli stessi pesi, nel modello stretto, con sessantaquattro token d’ingresso e sessanta d’arrivo."""
    with torch.no_grad():
        return narrow().attention_weights(*long_ones())


def long_ones():
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(4, 100, (1, n), generator=generator) for n in (64, 60)]  # (1, 64), (1, 60)


@functools.cache
def seen():
    """Che cosa entra ed esce da ogni modulo: nome → (ingressi, uscita)."""
    found = {}

    def spy(name):
        return lambda module, args, output: found.update({name: (args, output)})

    hooks = [module.register_forward_hook(spy(name)) for name, module in model().named_modules()]
    with torch.no_grad():
        found["z"] = model().encode(SRC)[0]
        model().decode(TGT, found["z"])
    for hook in hooks:
        hook.remove()
    return found


def everywhere(distance):
    return distance == distance


def not_after(distance):
    return distance >= 0


def not_itself(distance):
    return distance != 0


def within_32(distance):
    return distance.abs() <= 32


def by_size(stack):
    """Gli strati di una pila, con la lunghezza delle frasi: tutti con 5, 17 e 64 posizioni, il primo anche con 300."""
    base, thin = (list(getattr(which(), stack)) for which in (model, narrow))
    return [*product(base, [5, 17]), *product(thin, [64]), (thin[0], 300)]


def vectors(n, layer, seed=0):
    like = layer.self_attention.W_o  # n vettori della larghezza e del tipo dello strato
    return torch.randn(n, like.size(1), dtype=like.dtype, generator=torch.Generator().manual_seed(seed))


@affermazione(
    "decoder-vede-tutto-l-ingresso",
    vero={"vede": everywhere},
    falso=[{"vede": not_after}, {"vede": not_itself}, {"vede": within_32}],
)
def test_decoder_vede_tutto_l_ingresso(vede):
    """Ogni strato del decoder, com’è: spostata una posizione della memoria, una qualsiasi, si muovono tutte le sue. E
    nel modello intero ogni testa dà a ciascuna un peso, anche in una frase lunga."""
    for layer, n in by_size("decoder"):
        z, x = vectors(n, layer), vectors(3, layer, seed=1)  # (n, d_model), (3, d_model)
        moved = who_moves(lambda z, layer=layer, x=x: layer(x.expand(len(z), -1, -1), z), z)  # (3, n)
        with tesi:
            assert torch.equal(moved, vede(torch.arange(3)[:, None] - torch.arange(n)))
    for A in weights()["encoder-decoder"]:
        with tesi:
            assert A.shape == (1, 8, 3, 5) and (A > 0).all()
    for A in weights_of_long_ones()["encoder-decoder"]:
        with tesi:
            assert A.shape == (1, 2, 60, 64) and (A > 0).all()


@affermazione(
    "encoder-vede-tutto",
    vero={"vede": everywhere},
    falso=[{"vede": not_after}, {"vede": not_itself}, {"vede": within_32}],
)
def test_encoder_vede_tutto(vede):
    """Ogni strato dell’encoder, com’è, con il kernel che usa: spostata una posizione, una qualsiasi, si muovono tutte;
    non così con la maschera causale, o con una finestra, sia pure larga. E nel modello intero ogni testa dà a ciascuna
    un peso, anche in una frase lunga."""
    for layer, n in by_size("encoder"):
        with tesi:
            assert torch.equal(who_moves(layer, vectors(n, layer)), vede(torch.arange(n)[:, None] - torch.arange(n)))
    for A in weights()["encoder"]:
        with tesi:
            assert A.shape == (1, 8, 5, 5) and (A > 0).all()
    for A in weights_of_long_ones()["encoder"]:
        with tesi:
            assert A.shape == (1, 2, 64, 64) and (A > 0).all()


@affermazione(
    "query-dal-decoder-memoria-dall-encoder",
    vero={"query": "decoder", "memoria": "encoder, ultimo strato"},
    falso=[
        {"query": "encoder, ultimo strato", "memoria": "decoder"},
        {"memoria": "decoder"},
        {"memoria": "encoder, strato corrispondente"},
    ],
)
def test_query_dal_decoder(query, memoria):
    for i, layer in enumerate(model().decoder):
        sources = {
            "decoder": seen()[f"decoder.{i}.residuals.0"][1],
            "encoder, ultimo strato": seen()["z"],
            "encoder, strato corrispondente": seen()[f"encoder.{i}"][1],
        }
        with torch.no_grad():
            expected = attention_by_formula(layer.cross_attention, sources[query], sources[memoria])
        output = seen()[f"decoder.{i}.cross_attention"][1]
        with tesi:
            assert output.shape == expected.shape and torch.allclose(output, expected, atol=1e-4)


@affermazione(
    "self-attention-dallo-stesso-posto",
    vero={"query": "strato precedente", "chiavi": "strato precedente", "valori": "strato precedente"},
    falso=[{"query": "embedding"}, {"chiavi": "embedding"}, {"valori": "embedding"}],
)
def test_self_attention_dallo_stesso_posto(query, chiavi, valori):
    """In ogni strato; prima del primo c’è l’embedding."""
    for i, layer in enumerate(model().encoder):
        embedding = seen()["encoder.0"][0][0]  # (1, 5, 512)
        sources = {"strato precedente": seen()[f"encoder.{i - 1}"][1] if i else embedding, "embedding": embedding}
        with torch.no_grad():
            expected = attention_by_formula(layer.self_attention, *(sources[who] for who in (query, chiavi, valori)))
        with tesi:
            assert torch.allclose(seen()[f"encoder.{i}.self_attention"][1], expected, atol=1e-4)


@affermazione(
    "meno-infinito-prima-della-softmax",
    vero={"valore": -math.inf, "quando": "prima"},
    falso=[{"valore": 0.0}, {"valore": -1.0}, {"valore": -1e9}, {"valore": 0.0, "quando": "dopo"}],
)
def test_meno_infinito(valore, quando):
    """I pesi della libreria, e le uscite anche di quella svelta, sono ciò che si ottiene mettendo quel valore dove non
    si può guardare: con la maschera del decoder, e con una a caso. Se i punteggi sono molto grandi, un numero negativo
    qualsiasi non basta. Quella del decoder anche come la chiede lui, che non la costruisce."""
    torch.manual_seed(0)
    for n, d, size in ((7, 64, 1), (30, 8, 1), (7, 64, 1e12)):
        Q, K, V = torch.randn(3, n, d, dtype=torch.float64)
        Q = size * Q
        for allowed in (torch.ones(n, n).tril() > 0, (torch.rand(n, n) < 0.5) | (torch.eye(n) > 0)):
            scores = Q @ K.T / math.sqrt(d)  # (n, n)
            if quando == "prima":
                expected = scores.masked_fill(~allowed, valore).softmax(dim=-1)
            else:
                expected = scores.softmax(dim=-1).masked_fill(~allowed, valore)
            output, A = scaled_dot_product_attention(Q, K, V, allowed)
            with tesi:
                assert torch.allclose(A, expected, atol=1e-12) and torch.allclose(output, expected @ V, atol=1e-12)
                assert torch.allclose(fused_attention(Q, K, V, allowed), expected @ V, atol=1e-12)
                if allowed.triu(1).sum() == 0:
                    assert torch.allclose(fused_attention(Q, K, V, is_causal=True), expected @ V, atol=1e-12)
                assert (A[~allowed] == 0).all() and torch.allclose(A.sum(dim=-1), torch.ones(n, dtype=torch.float64))


@affermazione("fino-a-se-compresa", vero={"oltre_se": 0}, falso=[{"oltre_se": -1}, {"oltre_se": 1}])
def test_fino_a_se_compresa(oltre_se):
    """I pesi della self-attention del decoder, e le uscite che si muovono: di ogni strato, e attraverso tutti. Quando
    si genera, un token alla volta, si guarda fin dove si guarda con la frase intera, anche se è lunga."""
    attention = MultiHeadAttention(512, 8)
    x = torch.randn(1, 7, 512, generator=torch.Generator().manual_seed(0))
    visible = torch.ones(7, 7).tril(oltre_se) > 0
    with torch.no_grad():
        with tesi:
            assert torch.equal(attention(x, is_causal=True, need_weights=True)[1][0, 0] > 0, visible)
            for A in weights()["decoder"]:
                assert torch.equal(A > 0, visible[:3, :3].expand_as(A))
        for layer, n in by_size("decoder"):
            z = vectors(3, layer, seed=1)[None]  # (1, 3, d_model)
            with tesi:
                moved = who_moves(lambda x, layer=layer, z=z: layer(x, z), vectors(n, layer))  # (n, n)
                assert torch.equal(moved, torch.ones(n, n).tril(oltre_se) > 0)
        tgt, z = torch.arange(20, 27)[None], seen()["z"]
        before = model().decode(tgt, z)[0]  # (7, 512)
        for j in range(7):
            changed = tgt.clone()
            changed[0, j] = 50
            moved = ((model().decode(changed, z)[0] - before).abs() > 1e-4).any(dim=-1)  # (7,)
            with tesi:
                assert torch.equal(moved, visible[:, j])
        with tesi:
            assert torch.allclose(generated_logits(narrow(), *long_ones()), narrow()(*long_ones()), atol=1e-9)


@affermazione("proprieta-autoregressiva", vero={"futuro": "nascosto"}, falso=[{"futuro": "visibile"}])
def test_proprieta_autoregressiva(futuro):
    """Con i soli token precedenti si ottengono gli stessi vettori che con la frase intera; tolta la maschera, dallo
    stesso decoder se ne ottengono altri. Con tre frasi, di lunghezza diversa."""
    z, generator = seen()["z"], torch.Generator().manual_seed(0)
    with torch.no_grad(), unmasked(model()) if futuro == "visibile" else nullcontext():
        for n in (2, 7, 20):
            tgt = torch.randint(4, 100, (1, n), generator=generator)  # (1, n)
            whole = model().decode(tgt, z)[0]  # (n, 512)
            for i in range(n):
                with tesi:
                    assert torch.allclose(model().decode(tgt[:, : i + 1], z)[0], whole[: i + 1], atol=1e-4)
