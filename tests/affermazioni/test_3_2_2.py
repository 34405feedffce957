"""L’attenzione multi-testa, §3.2.2, alle dimensioni del modello base."""

import math

import sympy as sp
import torch
from registro import affermazione, tesi
from torch.utils.flop_counter import FlopCounterMode

from attenzione.attention import MultiHeadAttention, fused_attention, scaled_dot_product_attention
from attenzione.config import BASE, TransformerConfig

H, D_MODEL, D_K = BASE.n_heads, BASE.d_model, BASE.d_k


def base_attention():
    torch.manual_seed(0)
    return MultiHeadAttention(D_MODEL, H).double(), torch.randn(1, 20, D_MODEL, dtype=torch.float64)


SEE = torch.rand(20, 20, generator=torch.Generator().manual_seed(1)) < 0.5
SEE |= torch.eye(20) > 0  # ogni posizione vede sé stessa
STEPS = {
    "scala": lambda scores: scores / math.sqrt(D_K),
    "maschera": lambda scores: scores.masked_fill(~SEE, -math.inf),
    "softmax": lambda scores: scores.softmax(dim=-1),
    "zero": lambda weights: weights * SEE,  # la maschera, su pesi già fatti
}


@affermazione(
    "scala-maschera-softmax",
    vero={"ordine": ("scala", "maschera", "softmax")},
    falso=[{"ordine": ("scala", "softmax", "zero")}, {"ordine": ("maschera", "softmax", "scala")}],
)
def test_scala_maschera_softmax(ordine):
    """I pesi e le uscite della libreria, anche di quella svelta, sono quelli dei passi eseguiti in quell’ordine."""
    torch.manual_seed(0)
    Q, K, V = torch.randn(3, 20, D_K, dtype=torch.float64)

    def weights(order):
        scores = Q @ K.T  # (20, 20)
        for step in order:
            scores = STEPS[step](scores)
        return scores

    with tesi:
        output, A = scaled_dot_product_attention(Q, K, V, SEE)
        assert torch.allclose(A, weights(ordine))
        assert torch.allclose(output, weights(ordine) @ V)
        assert torch.allclose(fused_attention(Q, K, V, SEE), weights(ordine) @ V)
    assert torch.allclose(weights(("maschera", "scala", "softmax")), A)


@affermazione("teste-in-parallelo", vero={"uscite_mosse": 1}, falso=[{"uscite_mosse": 8}])
def test_teste_in_parallelo(uscite_mosse):
    """Cambiando le matrici della quarta testa si muovono le sue uscite soltanto."""
    attention, x = base_attention()
    with torch.no_grad():
        attention.W_o.copy_(torch.eye(D_MODEL))  # le teste, una accanto all’altra
        before = attention(x)
        for W in attention.per_head()[:3]:
            W[3] += 1
        moved = (attention(x) - before).abs().unflatten(-1, (H, -1)).amax(dim=(0, 1, 3)) > 1e-9  # (8,)
    with tesi:
        assert moved[3] and moved.sum() == uscite_mosse


@affermazione("una-testa-fa-la-media", vero={"teste": 2}, falso=[{"teste": 1}])
def test_una_testa_fa_la_media(teste):
    """Due valori di due componenti si ricavano dall’uscita, larga quattro comunque? Per pesi e matrici qualsiasi."""
    weights = sp.symbols(f"a:{teste}")
    matrices = [sp.Matrix(2, 4 // teste, sp.symbols(f"m{i}_:{8 // teste}")) for i in range(teste)]
    heads = [sp.Matrix.vstack(a * M, (1 - a) * M) for a, M in zip(weights, matrices, strict=True)]
    from_values = sp.Matrix.hstack(*heads)  # (4, 4): dai due valori, in fila, all’uscita
    with tesi:
        assert from_values.rank(simplify=True) == 4


@affermazione("sottospazi-diversi-in-posti-diversi", vero={"teste": 2}, falso=[{"teste": 1}])
def test_sottospazi_diversi(teste):
    """La prima componente dal primo posto e la seconda dal secondo: esistono le matrici delle teste?"""
    weights = sp.symbols(f"a:{teste}")
    matrices = [sp.Matrix(2, 2, sp.symbols(f"m{i}_:4")) for i in range(teste)]
    from_first = sum((a * M for a, M in zip(weights, matrices, strict=True)), sp.zeros(2)) - sp.diag(1, 0)
    from_second = sum(((1 - a) * M for a, M in zip(weights, matrices, strict=True)), sp.zeros(2)) - sp.diag(0, 1)
    unknowns = [m for M in matrices for m in M]
    if teste == 1:
        unknowns += weights  # nemmeno scegliendo il peso
    with tesi:
        assert sp.solve([*from_first, *from_second], unknowns)


@affermazione(
    "equazione-multi-testa",
    vero={"unione": "concatenazione per W^O", "scala": 1 / 8},
    falso=[{"unione": "media delle teste"}, {"unione": "concatenazione"}, {"scala": 1}, {"scala": 1 / 64}],
)
def test_equazione(unione, scala):
    attention, x = base_attention()
    W_q, W_k, W_v, W_o = attention.per_head()
    heads = [
        ((x @ W_q[i]) @ (x @ W_k[i]).mT * scala).softmax(dim=-1) @ (x @ W_v[i]) for i in range(H)
    ]  # ciascuna (1, 20, 64)
    joined = {
        "concatenazione per W^O": torch.cat(heads, dim=-1) @ W_o,
        "concatenazione": torch.cat(heads, dim=-1),
        "media delle teste": sum(heads) / H @ W_o[:D_K],
    }[unione]
    with tesi:
        assert sum(p.numel() for p in attention.parameters()) == 4 * D_MODEL**2  # nessun bias
        assert torch.allclose(attention(x), joined, atol=1e-10)
        assert torch.allclose(attention(x, need_weights=True)[0], joined, atol=1e-10)


@affermazione(
    "forme-delle-proiezioni",
    vero={"W_q": (8, 4), "W_k": (8, 4), "W_v": (8, 3), "W_o": (6, 8)},
    falso=[{"W_q": (4, 8)}, {"W_v": (8, 4)}, {"W_o": (3, 8)}, {"W_o": (8, 8)}],
)
def test_forme(W_q, W_k, W_v, W_o):
    """d_model = 8, h = 2, d_k = 4, d_v = 3, tutte diverse; poi le stesse regole nel modello base."""
    *per_head, last = MultiHeadAttention(8, 2, d_k=4, d_v=3).per_head()
    with tesi:
        assert [tuple(W.shape) for W in per_head] == [(2, *W_q), (2, *W_k), (2, *W_v)]
        assert last.shape == W_o
    *per_head, last = MultiHeadAttention(D_MODEL, H).per_head()
    assert all(W.shape == (8, 512, 64) for W in per_head) and last.shape == (8 * 64, 512)


@affermazione("proiezioni-apprese-e-diverse", vero={"matrici": 24}, falso=[{"matrici": 3}, {"matrici": 8}])
def test_proiezioni_apprese_e_diverse(matrici):
    attention, x = base_attention()
    attention(x).square().sum().backward()
    gradients = torch.stack(attention.W_qkv.grad.split(D_K, dim=1)).flatten(1)  # (24, 32768)
    values = torch.stack(attention.W_qkv.detach().split(D_K, dim=1)).flatten(1)  # (24, 32768)
    with tesi:
        assert len(values.unique(dim=0)) == len(gradients.unique(dim=0)) == matrici
    assert (gradients.norm(dim=1) > 0).all()


@affermazione(
    "otto-teste-da-64",
    vero={"h": 8, "d_k": 64, "d_v": 64},
    falso=[{"h": 16, "d_k": 32, "d_v": 32}, {"h": 12}, {"d_k": 512}, {"d_v": 32}],
)
def test_otto_teste(h, d_k, d_v):
    attention = MultiHeadAttention(BASE.d_model, BASE.n_heads, BASE.d_k, BASE.d_v)
    with tesi:
        for config in (BASE, TransformerConfig()):  # la tabella 3 e i valori predefiniti
            assert (config.n_heads, config.d_k, config.d_v) == (h, d_k, d_v)
        assert BASE.d_k == BASE.d_v == BASE.d_model / h
        assert attention(torch.zeros(1, 5, 512), need_weights=True)[1].shape == (1, h, 5, 5)


@affermazione("costo-come-una-testa", vero={"rapporto": 1}, falso=[{"rapporto": 8}, {"rapporto": 1 / 8}])
def test_costo(rapporto):
    """Operazioni contate da PyTorch, più gli esponenziali, per 50 token; e i parametri."""

    def cost(n_heads):
        attention = MultiHeadAttention(D_MODEL, n_heads)
        with FlopCounterMode(display=False) as counter:
            attention(torch.zeros(1, 50, D_MODEL), need_weights=True)
        parameters = sum(p.numel() for p in attention.parameters())
        return counter.get_total_flops() + n_heads * 50 * 50, parameters

    (eight, eight_parameters), (one, one_parameters) = cost(8), cost(1)
    with tesi:
        assert abs(eight / one - rapporto) < 0.01 and abs(eight_parameters / one_parameters - rapporto) < 0.01
