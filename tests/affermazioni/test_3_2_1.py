"""Le affermazioni della sezione 3.2.1: l’attenzione a prodotto scalare scalato."""

import math
from functools import partial

import numpy as np
import pytest
import sympy as sp
import torch
from registro import affermazione

from attenzione.attention import AdditiveAttention, scaled_dot_product_attention
from attenzione.figures import softmax_saturation
from attenzione.measure.timing import best_seconds


def draw(n_q=6, n_k=9, d_k=64, d_v=64, seed=0):
    torch.manual_seed(seed)
    return (torch.randn(n, d, dtype=torch.float64) for n, d in ((n_q, d_k), (n_k, d_k), (n_k, d_v)))


@affermazione(
    "equazione-1", vero={"esponente": -0.5, "asse": 1}, falso=[{"esponente": 0.0}, {"esponente": -1.0}, {"asse": 0}]
)
def test_equazione_1(esponente, asse):
    """La libreria contro la formula scritta con NumPy, con d_k = 64, in doppia precisione."""
    Q, K, V = draw()
    scores = np.exp(Q.numpy() @ K.numpy().T * 64**esponente)  # (6, 9)
    expected = scores / scores.sum(axis=asse, keepdims=True) @ V.numpy()  # (6, 64)
    assert np.allclose(scaled_dot_product_attention(Q, K, V)[0].numpy(), expected, rtol=1e-10)


@affermazione("pesi-dalla-softmax", vero={"asse": -1, "somma": 1.0}, falso=[{"asse": -2}, {"somma": 9.0}])
def test_pesi_dalla_softmax(asse, somma):
    Q, K, V = draw()
    _, A = scaled_dot_product_attention(Q, K, V)  # (6, 9)
    assert (A > 0).all() and torch.allclose(A.sum(dim=asse), torch.tensor(somma).double())


@affermazione("tutte-le-query-insieme", vero={"per_riga": True}, falso=[{"per_riga": False}])
def test_tutte_le_query_insieme(per_riga):
    """Una query alla volta dà le stesse righe; una chiave alla volta no."""
    Q, K, V = draw()
    if per_riga:
        rows = [scaled_dot_product_attention(q[None], K, V)[0] for q in Q]  # (1, 64) ciascuna
        expected = torch.cat(rows)
    else:
        expected = sum(scaled_dot_product_attention(Q, k[None], v[None])[0] for k, v in zip(K, V, strict=True))
    assert torch.allclose(scaled_dot_product_attention(Q, K, V)[0], expected)


@affermazione(
    "identica-salvo-il-fattore",
    vero={"fattore": 1 / math.sqrt(64)},
    falso=[{"fattore": 1 / 64}, {"fattore": 1.0}, {"fattore": 1 / math.sqrt(512)}],
)
def test_identica_salvo_il_fattore(fattore):
    """Il prodotto scalare semplice, con il fattore applicato alle query, è l’algoritmo dell’articolo."""
    Q, K, V = draw()
    plain, _ = scaled_dot_product_attention(Q * fattore, K, V, scale=1)
    assert torch.allclose(plain, scaled_dot_product_attention(Q, K, V)[0])


@affermazione("additiva-un-solo-strato-nascosto", vero={"strati": 1}, falso=[{"strati": 0}, {"strati": 2}])
def test_additiva_un_solo_strato_nascosto(strati):
    """I pesi dell’additiva contro v · tanh(W_q q + W_k k), coppia per coppia."""
    Q, K, V = (x.float() for x in draw())
    additive = AdditiveAttention(64)
    scores = torch.empty(6, 9)
    for i, q in enumerate(Q):
        for j, k in enumerate(K):
            hidden = additive.W_q.weight @ q + additive.W_k.weight @ k  # (64,)
            for _ in range(strati):
                hidden = hidden.tanh()
            scores[i, j] = additive.v.weight[0] @ hidden
    assert torch.allclose(additive(Q, K, V)[1], scores.softmax(dim=-1), atol=1e-5)


n, d_k = sp.symbols("n d_k", positive=True)


@affermazione(
    "complessita-teorica-simile",
    vero={"ordine": n**2 * d_k},
    falso=[{"ordine": n * d_k**2}, {"ordine": n**2 * d_k**2}, {"ordine": n**2}],
)
def test_complessita_teorica_simile(ordine):
    """Le operazioni dei punteggi, per n e poi d_k grandi: stesso ordine, a meno di una costante."""
    product, additive = n**2 * d_k, 2 * n * d_k**2 + 2 * n**2 * d_k
    for operations in (product, additive):
        ratio = sp.limit(sp.limit(operations / ordine, n, sp.oo), d_k, sp.oo)
        assert ratio.is_finite and ratio > 0


def largest_kept(attention, n, d_k):
    """Il tensore più grande che PyTorch conserva per la retropropagazione, in numeri."""
    sizes = []
    keep = lambda x: sizes.append(x.numel()) or x  # noqa: E731
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        attention(*torch.randn(3, n, d_k, requires_grad=True))
    return max(sizes)


@affermazione(
    "piu-parco-in-memoria",
    vero={"parca": "prodotto", "altra": "additiva"},
    falso=[{"parca": "additiva", "altra": "prodotto"}, {"altra": "prodotto"}],
)
def test_piu_parco_in_memoria(parca, altra):
    kept = {
        "prodotto": largest_kept(scaled_dot_product_attention, 128, 64),
        "additiva": largest_kept(AdditiveAttention(64), 128, 64),
    }
    assert kept[altra] == 64 * kept[parca]


@affermazione(
    "piu-veloce-in-pratica",
    vero={"veloce": "prodotto", "lenta": "additiva"},
    falso=[{"veloce": "additiva", "lenta": "prodotto"}],
)
def test_piu_veloce_in_pratica(veloce, lenta):
    inputs = torch.randn(3, 512, 64)  # Q, K e V: (512, 64)
    seconds = {
        "prodotto": best_seconds(scaled_dot_product_attention, *inputs),
        "additiva": best_seconds(AdditiveAttention(64), *inputs),
    }
    assert seconds[lenta] > 2 * seconds[veloce]


@affermazione(
    "varianza-del-prodotto",
    vero={"media": 0, "varianza": 64},
    falso=[{"media": 1}, {"varianza": 8}, {"varianza": 128}, {"varianza": 1}],
)
def test_varianza_del_prodotto(media, varianza):
    """Per d_k = 64: prima i momenti di un addendo, con sympy, poi un campione di componenti non gaussiane."""
    m, v = sp.Integer(0), sp.Integer(1)
    assert 64 * m * m == media and 64 * ((v + m**2) ** 2 - (m * m) ** 2) == varianza
    torch.manual_seed(0)
    q, k = (torch.rand(2, 100_000, 64) - 0.5) * math.sqrt(12)  # (100000, 64), varianza 1
    dots = (q * k).sum(dim=-1)  # (100000,)
    assert abs(dots.mean() - media) < 0.1 and abs(dots.var() - varianza) < 1


@affermazione(
    "la-scala-riporta-a-uno",
    vero={"esponente": sp.Rational(-1, 2)},
    falso=[{"esponente": sp.Integer(-1)}, {"esponente": sp.Rational(-1, 4)}, {"esponente": sp.Integer(0)}],
)
def test_la_scala_riporta_a_uno(esponente):
    """Var(c X) = c² Var(X): con c = d_k^esponente la varianza non dipende più da d_k; poi la libreria."""
    assert sp.simplify((d_k**esponente) ** 2 * d_k) == 1
    Q, K, V = draw(n_q=200, n_k=200, d_k=512, d_v=1)
    _, A = scaled_dot_product_attention(Q, K, V)
    scores = A.log() - A.log().mean(dim=-1, keepdim=True)  # (200, 200): punteggi meno la media
    assert abs(scores.var() - 1) < 0.1


@affermazione(
    "gradienti-estremamente-piccoli",
    vero={"fattore": lambda d_k: 1.0},
    falso=[{"fattore": lambda d_k: 1 / math.sqrt(d_k)}, {"fattore": lambda d_k: 1 / d_k}],
)
def test_gradienti_estremamente_piccoli(fattore):
    """Senza scala la derivata media diminuisce al crescere di d_k, fino a un decimo; con la scala no."""
    slopes = [softmax_saturation(d_k, fattore(d_k), samples=1000)[1] for d_k in (8, 64, 512)]
    scaled = softmax_saturation(512, 1 / math.sqrt(512), samples=1000)[1]
    assert slopes[0] > 2 * slopes[1] > 4 * slopes[2] and slopes[2] < scaled / 8


def train_lookup(attention, d_k, steps=60, symbols=32, n=8):
    """La ricerca fra n chiavi del capitolo: quante volte il peso più grande è sulla chiave giusta."""
    E_q, E_k = (torch.nn.Parameter(torch.randn(symbols, d_k)) for _ in range(2))
    adam, right = torch.optim.Adam([E_q, E_k, *getattr(attention, "parameters", list)()], lr=3e-3), []
    for _ in range(steps):
        keys = torch.rand(32, symbols).argsort(dim=1)[:, :n]  # (32, n)
        target = torch.randint(n, (32, 1))  # (32, 1)
        _, A = attention(E_q[keys.gather(1, target)], E_k[keys], torch.zeros(32, n, 1))
        loss = -(A[:, 0].gather(1, target) + 1e-9).log().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        right.append((A[:, 0].argmax(1, keepdim=True) == target).float().mean().item())
    return sum(right[-10:]) / 10


@pytest.mark.lento
@affermazione("additiva-supera-senza-scala", vero={"scala": 1}, falso=[{"scala": None}])
def test_additiva_supera_senza_scala(scala):
    """Con d_k = 512: l’additiva batte il prodotto senza scala, e non quello dell’articolo (scala None)."""
    torch.manual_seed(0)
    additive = train_lookup(AdditiveAttention(512), 512)
    torch.manual_seed(0)
    assert additive > train_lookup(partial(scaled_dot_product_attention, scale=scala), 512) + 0.1
