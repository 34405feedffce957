"""L’attenzione multi-testa, §3.2.2, alle dimensioni del modello base."""

import math
from dataclasses import replace
from itertools import product

import sympy as sp
import torch
from formule import attention_by_formula
from registro import affermazione, tesi
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from attenzione.attention import KVCache, MultiHeadAttention, fused_attention, scaled_dot_product_attention
from attenzione.config import BASE, TransformerConfig
from attenzione.data.toy import toy_pairs
from attenzione.model import Transformer
from attenzione.training.loop import TrainingConfig, train

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


class Multiplied(TorchDispatchMode):
    """Tiene i tensori che PyTorch moltiplica, o divide, per un numero."""

    def __init__(self):
        super().__init__()
        self.operands = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket in (torch.ops.aten.mul, torch.ops.aten.div):
            self.operands.append(args[0])
        return function(*args, **(kwargs or {}))


@affermazione(
    "scala-maschera-softmax",
    vero={"ordine": ("scala", "maschera", "softmax"), "scalata": "Q"},
    falso=[
        {"ordine": ("scala", "softmax", "zero")},
        {"ordine": ("maschera", "softmax", "scala")},
        {"scalata": "K"},
        {"scalata": "Q Kᵀ"},
    ],
)
def test_scala_maschera_softmax(ordine, scalata):
    """I pesi e le uscite della libreria, anche di quella svelta, sono quelli dei passi eseguiti in quell’ordine. La
    scala, in quella semplice, viene già prima del prodotto, che senza di lei uscirebbe dai numeri che si scrivono; ed è
    Q che si moltiplica, e nient’altro."""
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
        huge = torch.full((20, D_K), 4e153, dtype=torch.float64)  # huge @ huge.T è infinito; un ottavo, no
        assert (huge @ huge.T).isinf().all()
        assert scaled_dot_product_attention(huge, huge, V)[1].isfinite().all()
        with Multiplied() as multiplied:
            scaled_dot_product_attention(Q, K, V, SEE)
        (operand,) = multiplied.operands
        assert torch.equal(operand, {"Q": Q, "K": K, "Q Kᵀ": Q @ K.T}[scalata])


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


def crossed(a, b):
    return a[0] * b[1] - a[1] * b[0]


def different(a, b):
    return a[0] - b[0]


def always(a, b):
    return sp.Integer(1)


@affermazione(
    "una-testa-fa-la-media",
    vero={"teste": 2, "distinguono": crossed},
    falso=[{"teste": 1}, {"distinguono": different}, {"distinguono": always}],
)
def test_una_testa_fa_la_media(teste, distinguono):
    """Due valori qualsiasi, u e w, fra quanti si vuole: gli altri, fermi, danno alla media un resto. Un cambiamento
    dei due lascia com’è la media di una testa, quali che siano i pesi e le matrici; l’altra testa, che legge la
    stessa parte dei valori, si muove di a_i b_j − a_j b_i volte tanto, e se non è zero le due parti si ricavano."""
    d, wide = sp.symbols("d wide", integer=True, positive=True)
    u, w, c = (sp.MatrixSymbol(name, 1, d) for name in "uwc")
    M, a, b = sp.MatrixSymbol("M", d, wide), sp.symbols("a_i a_j"), sp.symbols("b_i b_j")

    def moved(head):  # di quanto si muove la media: (1, wide)
        return sp.expand(((u + a[1] * c) * head[0] + (w - a[0] * c) * head[1] - u * head[0] - w * head[1]) * M).doit()

    p, q, rests, outputs = *sp.symbols("p q"), sp.symbols("r:2"), sp.symbols("o:2")  # p e q: una componente di uM e wM
    means = zip((a, b)[:teste], rests, outputs, strict=False)
    equations = [head[0] * p + head[1] * q + rest - output for head, rest, output in means]
    with tesi:
        assert moved(a) == sp.ZeroMatrix(1, wide)
        assert sp.expand(moved(b) + distinguono(a, b) * c * M).doit() == sp.ZeroMatrix(1, wide)
        (found,) = sp.linsolve(equations, [p, q])
        assert not {p, q} & set().union(*(value.free_symbols for value in found))
        assert sp.expand(sp.Matrix(equations).jacobian([p, q]).det() - distinguono(a, b)) == 0
    for n in (2, 3, 17, 64):  # con la libreria: pesi qualsiasi, e poi, sui primi due posti, in proporzione
        V, scores = torch.randn(n, 1, dtype=torch.float64), torch.randn(2, n, dtype=torch.float64)
        for in_proportion in (False, True) if n > 2 else (False,):
            scores[1, :2] = scores[0, :2] + 1 if in_proportion else scores[1, :2]
            heads = scores.softmax(dim=1)  # (2, n)
            changed = V.clone()
            changed[:2, 0] += torch.stack([heads[0, 1], -heads[0, 0]])
            one, two = (
                scaled_dot_product_attention(scores, torch.eye(n).double(), x, scale=1)[0] for x in (V, changed)
            )
            shift = (two - one).abs()[:, 0]  # (2,)
            with tesi:
                assert shift[0] < 1e-12 and (shift[1] < 1e-12) == in_proportion
                assert abs(shift[1] - abs(crossed(*heads))) < 1e-12


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
    third = [sp.Symbol(f"p_{i}", positive=True) for i in range(teste)]  # i pesi di un terzo posto, da cui non prendere
    nothing = [sum(p * x for p, x in zip(third, own, strict=True)) for own in (unknowns[:teste], unknowns[teste:])]
    assert not sp.solve(equations + nothing, unknowns, dict=True)  # finché ne hanno: soltanto al limite


@affermazione(
    "equazione-multi-testa",
    vero={"unione": "concatenazione per W^O", "scala": 1 / 8},
    falso=[{"unione": "media delle teste"}, {"unione": "concatenazione"}, {"scala": 1}, {"scala": 1 / 64}],
)
def test_equazione(unione, scala):
    """Scritta testa per testa; poi con chiavi e valori di un’altra frase, con una maschera, con quella del decoder, e
    una posizione alla volta, con le chiavi e i valori di prima tenuti da parte."""
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
        masked = attention_by_formula(attention, x, x, visible=SEE)
        assert torch.allclose(attention(x, mask=SEE), masked, atol=1e-10)
        causal = attention_by_formula(attention, x, x, visible=torch.ones(20, 20).tril() > 0)
        assert torch.allclose(attention(x, is_causal=True), causal, atol=1e-10)
        cache = KVCache(1, H, 20, D_K, D_K, dtype=x.dtype)
        steps = [attention(row, is_causal=True, cache=cache) for row in x.split(1, dim=1)]  # (1, 1, 512) ciascuno
        assert torch.allclose(torch.cat(steps, dim=1), causal, atol=1e-10)


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
    """In ciascuna delle diciotto attenzioni del modello base; e un passo di addestramento vero le muove tutte."""
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
    with tesi:
        assert all(after_a_step())


def after_a_step():
    """Per ogni matrice di proiezione di un modello piccolo, se un passo di addestramento la muove."""
    torch.manual_seed(0)
    small = Transformer(TransformerConfig(n_vocab=14, n_layers=2, d_model=16, d_ff=16, n_heads=2)).double()
    attentions = [module for module in small.modules() if isinstance(module, MultiHeadAttention)]
    before = [[W.detach().clone() for W in attention.per_head()] for attention in attentions]
    train(small, toy_pairs("copia", 8, min_len=3, max_len=4, seed=0), TrainingConfig(1, 64), progress=False)
    for attention, matrices in zip(attentions, before, strict=True):
        for now, old in zip(attention.per_head()[:3], matrices[:3], strict=True):
            yield from (now != old).flatten(1).any(dim=1).tolist()  # una per testa


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


@affermazione(
    "costo-come-una-testa",
    vero={"larghe": lambda d_model, h: d_model // h},
    falso=[{"larghe": lambda d_model, h: d_model}, {"larghe": lambda d_model, h: d_model // 16}],
)
def test_costo(larghe):
    """Operazioni contate da PyTorch, più gli esponenziali, per frasi di più lunghezze e vettori di più componenti; e i
    parametri. Gli esponenziali sono, al più, il 3 per cento. Con due teste, quattro e otto; larghe quanto una, costano
    di più."""

    def cost(d_model, n, n_heads, d):
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            attention = MultiHeadAttention(d_model, n_heads, d, d)
            for need_weights in (True, False):  # e la via di sempre, col kernel fuso
                attention(torch.zeros(1, n, d_model), need_weights=need_weights)
        parameters = sum(p.numel() for p in attention.parameters())
        return counter.get_total_flops() / 2 + n_heads * n * n, parameters

    for d_model, n, h in product((128, 512, 1024), (10, 50, 500), (2, 4, 8)):
        (many, many_parameters), (one, one_parameters) = (
            cost(d_model, n, h, larghe(d_model, h)),
            cost(d_model, n, 1, d_model),
        )
        with torch.device("meta"):
            attention = MultiHeadAttention(d_model, h)
        with tesi:
            assert abs(many / one - 1) < 0.03 and many_parameters == one_parameters
            assert attention.d_k == attention.d_v == larghe(d_model, h)
