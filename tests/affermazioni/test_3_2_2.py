"""L’attenzione multi-testa, §3.2.2, alle dimensioni del modello base."""

import math
from dataclasses import replace
from itertools import product

import sympy as sp
import torch
from formule import attention_by_formula
from registro import affermazione, tesi
from torch.utils.flop_counter import FlopCounterMode

from attenzione.attention import MultiHeadAttention, fused_attention, scaled_dot_product_attention
from attenzione.config import BASE, TransformerConfig
from attenzione.model import Transformer

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
    """Cambiando una matrice di una testa, una qualsiasi, si muovono le uscite di quella testa soltanto."""
    attention, x = base_attention()
    with torch.no_grad():
        attention.W_o.copy_(torch.eye(D_MODEL))  # le teste, una accanto all’altra
        before = attention(x)
        for i, which in product(range(H), range(3)):
            matrix = attention.per_head()[which][i]  # (512, 64)
            matrix += 1
            moved = (attention(x) - before).abs().unflatten(-1, (H, -1)).amax(dim=(0, 1, 3)) > 1e-9  # (8,)
            matrix -= 1
            with tesi:
                assert moved[i] and moved.sum() == uscite_mosse


@affermazione("una-testa-fa-la-media", vero={"pesi": "a b"}, falso=[{"pesi": "a"}, {"pesi": "a a"}])
def test_una_testa_fa_la_media(pesi):
    """Due valori qualsiasi, u e w: dalle uscite di due teste che ne leggono la stessa parte, uM e wM, con pesi diversi,
    le due parti si ricavano. Da una testa no, quali che siano i pesi e le matrici: vi è un cambiamento che lascia la
    media com’è; né da due con gli stessi pesi."""
    d, wide = sp.symbols("d wide", integer=True, positive=True)
    u, w, c = (sp.MatrixSymbol(name, 1, d) for name in "uwc")
    M, a = sp.MatrixSymbol("M", d, wide), sp.Symbol("a")
    moved = (u + (1 - a) * c) * M * a + (w - a * c) * M * (1 - a) - u * M * a - w * M * (1 - a)  # (1, wide)
    assert sp.expand(moved).doit() == sp.ZeroMatrix(1, wide)
    weights, p, q = sp.symbols(pesi.split()), *sp.symbols("p q")  # p e q: una componente di uM e di wM
    outputs = sp.symbols(f"o:{len(weights)}")
    equations = [weight * p + (1 - weight) * q - output for weight, output in zip(weights, outputs, strict=True)]
    with tesi:
        (found,) = sp.linsolve(equations, [p, q]) or [(p, q)]
        assert not {p, q} & set().union(*(value.free_symbols for value in found))
        assert sp.factor(sp.Matrix(equations).jacobian([p, q]).det()) == weights[0] - weights[1]  # zero, se sono uguali


@affermazione("sottospazi-diversi-in-posti-diversi", vero={"teste": 2}, falso=[{"teste": 1}])
def test_sottospazi_diversi(teste):
    """Una componente da prendere dal primo posto, e non dal secondo; un’altra dal secondo, e non dal primo. Per ogni
    grandezza: le altre componenti, quante siano, hanno altre equazioni, e ciascuna è dell’una o dell’altra specie. Se
    queste quattro non hanno soluzione non l’ha nessuna; se l’hanno, con gli stessi pesi l’hanno tutte, purché ogni
    testa sia larga abbastanza da portarle."""
    weights, equations, unknowns = sp.symbols(f"a:{teste}"), [], []
    for name, here in (("m", 1), ("s", 0)):  # una del primo posto, una del secondo
        own = sp.symbols(f"{name}:{teste}")  # quanto ne prende ciascuna testa
        equations.append(sum(a * m for a, m in zip(weights, own, strict=True)) - here)
        equations.append(sum((1 - a) * m for a, m in zip(weights, own, strict=True)) - (1 - here))
        unknowns += own
    if teste == 1:
        unknowns += weights  # nemmeno scegliendo il peso
    with tesi:
        assert sp.solve(equations, unknowns)


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
    other = torch.randn(1, 9, D_MODEL, dtype=torch.float64)  # chiavi e valori di un’altra frase
    with tesi:
        assert sum(p.numel() for p in attention.parameters()) == 4 * D_MODEL**2  # nessun bias
        assert torch.allclose(attention(x), joined, atol=1e-10)
        assert torch.allclose(attention(x, need_weights=True)[0], joined, atol=1e-10)
        assert torch.allclose(attention(x, other), attention_by_formula(attention, x, other), atol=1e-10)


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
    """In ciascuna delle diciotto attenzioni del modello base."""
    torch.manual_seed(0)
    model = Transformer(replace(BASE, n_vocab=100)).eval()
    logits = model(torch.arange(5, 10)[None], torch.arange(20, 27)[None])
    logits.logsumexp(dim=-1).sum().backward()
    attentions = [module for module in model.modules() if isinstance(module, MultiHeadAttention)]
    assert len(attentions) == 18
    for attention in attentions:
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
    with torch.device("meta"):
        model = Transformer(BASE)
    attentions = [module for module in model.modules() if isinstance(module, MultiHeadAttention)]
    assert len(attentions) == 18
    with tesi:
        for config in (BASE, TransformerConfig()):  # la tabella 3 e i valori predefiniti
            assert (config.n_heads, config.d_k, config.d_v) == (h, d_k, d_v)
        assert BASE.d_k == BASE.d_v == BASE.d_model / h
        for attention in attentions:
            W_q, W_k, W_v, _ = attention.per_head()
            assert W_q.shape == W_k.shape == (h, 512, d_k) and W_v.shape == (h, 512, d_v)
            x = torch.zeros(1, 5, 512, device="meta")
            assert attention(x, need_weights=True)[1].shape == (1, h, 5, 5)


@affermazione("costo-come-una-testa", vero={"rapporto": 1}, falso=[{"rapporto": 8}, {"rapporto": 1 / 8}])
def test_costo(rapporto):
    """Operazioni contate da PyTorch, più gli esponenziali, per frasi di più lunghezze e vettori di più componenti; e i
    parametri. Gli esponenziali sono, al più, il 3 per cento."""

    def cost(d_model, n, n_heads):
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            attention = MultiHeadAttention(d_model, n_heads)
            attention(torch.zeros(1, n, d_model), need_weights=True)
        parameters = sum(p.numel() for p in attention.parameters())
        return counter.get_total_flops() + n_heads * n * n, parameters

    for d_model, n in product((128, 512, 1024), (10, 50, 500)):
        (eight, eight_parameters), (one, one_parameters) = cost(d_model, n, 8), cost(d_model, n, 1)
        with tesi:
            assert abs(eight / one - rapporto) < 0.03 and abs(eight_parameters / one_parameters - rapporto) < 0.01
