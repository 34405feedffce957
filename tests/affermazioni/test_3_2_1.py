"""Le affermazioni della sezione 3.2.1: l’attenzione a prodotto scalare scalato."""

import math
from functools import cache, partial
from statistics import mean

import numpy as np
import pytest
import sympy as sp
import torch
from registro import affermazione, distacco, premessa, tesi
from torch.utils.flop_counter import FlopCounterMode

from attenzione.attention import AdditiveAttention, fused_attention, scaled_dot_product_attention
from attenzione.figures import softmax_saturation
from attenzione.measure.timing import best_seconds, pick_clock


def draw(n_q=6, n_k=9, d_k=64, d_v=64, seed=0):
    torch.manual_seed(seed)
    return (torch.randn(n, d, dtype=torch.float64) for n, d in ((n_q, d_k), (n_k, d_k), (n_k, d_v)))


@affermazione(
    "equazione-1", vero={"esponente": -0.5, "asse": 1}, falso=[{"esponente": 0.0}, {"esponente": -1.0}, {"asse": 0}]
)
@pytest.mark.parametrize("d", [8, 64, 512])
def test_equazione_1(esponente, asse, d):
    """La libreria contro la formula scritta con NumPy, per più d_k, in doppia precisione."""
    Q, K, V = draw(d_k=d)
    scores = np.exp(Q.numpy() @ K.numpy().T * d**esponente)  # (6, 9)
    expected = scores / scores.sum(axis=asse, keepdims=True) @ V.numpy()  # (6, 64)
    with tesi:
        for output in (scaled_dot_product_attention(Q, K, V)[0], fused_attention(Q, K, V)):
            assert np.allclose(output.numpy(), expected, rtol=1e-10)


@affermazione(
    "pesi-dalla-softmax",
    vero={"funzione": np.exp},
    falso=[{"funzione": np.square}, {"funzione": lambda x: np.log1p(np.exp(x))}, {"funzione": np.exp2}],
)
@pytest.mark.parametrize("d", [8, 64, 512])
def test_pesi_dalla_softmax(funzione, d):
    """Anche i quadrati e la softplus, divisi per la loro somma, sono positivi e sommano a 1: non sono questi pesi. E
    sono i pesi dei valori: l’uscita, anche del kernel fuso, è la loro somma pesata. Con una maschera, fra le chiavi che
    si possono guardare."""
    Q, K, V = draw(d_k=d)
    for seen in (9, 4):  # tutte le chiavi, poi soltanto le prime
        mask = None if seen == 9 else torch.arange(9)[None] < seen  # (1, 9)
        output, A = scaled_dot_product_attention(Q, K, V, mask)  # (6, 64), (6, 9)
        by_hand = funzione((Q @ K[:seen].T).numpy() / math.sqrt(d))  # (6, seen)
        by_hand = by_hand / by_hand.sum(axis=1, keepdims=True)
        assert (by_hand > 0).all() and np.allclose(by_hand.sum(axis=1), 1)
        with tesi:
            assert np.allclose(A[:, :seen].numpy(), by_hand, rtol=1e-10)
            for y in (output, fused_attention(Q, K, V, mask)):
                assert np.allclose(y.numpy(), by_hand @ V[:seen].numpy(), rtol=1e-10)
    square = torch.cat([K, Q])[:6]  # tante chiavi quante query, per la maschera del decoder
    with tesi:
        rows = [funzione((q @ square[: i + 1].T).numpy() / math.sqrt(d)) for i, q in enumerate(Q)]
        by_hand = np.stack([row / row.sum() @ V[: i + 1].numpy() for i, row in enumerate(rows)])  # (6, 64)
        assert np.allclose(fused_attention(Q, square, V[:6], is_causal=True).numpy(), by_hand, rtol=1e-10)


@affermazione("tutte-le-query-insieme", vero={"per_riga": True}, falso=[{"per_riga": False}])
@pytest.mark.parametrize(("n_q", "d"), [(6, 8), (1, 64), (60, 64), (300, 64), (6, 512)])
def test_tutte_le_query_insieme(per_riga, n_q, d):
    """Una query alla volta dà le stesse righe, anche col kernel fuso; una chiave alla volta no."""
    Q, K, V = draw(n_q=n_q, d_k=d)
    if per_riga:
        rows = [scaled_dot_product_attention(q[None], K, V)[0] for q in Q]  # (1, 64) ciascuna
        expected = torch.cat(rows)
    else:
        expected = sum(scaled_dot_product_attention(Q, k[None], v[None])[0] for k, v in zip(K, V, strict=True))
    with tesi:
        assert torch.allclose(scaled_dot_product_attention(Q, K, V)[0], expected)
        assert torch.allclose(fused_attention(Q, K, V), expected)
        if per_riga:
            assert torch.allclose(torch.cat([fused_attention(q[None], K, V) for q in Q]), expected)


def dot_product_attention(Q, K, V):
    """L’attenzione a prodotto scalare di prima dell’articolo, una coppia alla volta, senza la libreria."""
    scores = np.array([[sum(a * b for a, b in zip(q, k, strict=True)) for k in K] for q in Q])
    weights = np.exp(scores)
    return weights / weights.sum(axis=1, keepdims=True) @ V


@affermazione(
    "identica-salvo-il-fattore",
    vero={"esponente": -0.5},
    falso=[{"esponente": -1}, {"esponente": 0}, {"esponente": -0.25}],
)
@pytest.mark.parametrize("d", [8, 64, 512])
def test_identica_salvo_il_fattore(esponente, d):
    """Al prodotto scalare semplice basta quel fattore, sulle query, per dare quella dell’articolo; con più d_k."""
    Q, K, V = (x.numpy() for x in draw(d_k=d))
    paper, _ = scaled_dot_product_attention(*draw(d_k=d))
    with tesi:
        plain = dot_product_attention(Q * float(d) ** esponente, K, V)
        assert np.allclose(plain, paper.numpy()) and np.allclose(plain, fused_attention(*draw(d_k=d)).numpy())


@affermazione("additiva-un-solo-strato-nascosto", vero={"strati": 1}, falso=[{"strati": 0}, {"strati": 2}])
@pytest.mark.parametrize("d", [8, 64, 512])
def test_additiva_un_solo_strato_nascosto(strati, d):
    """I pesi dell’additiva contro v · tanh(W_q q + W_k k), coppia per coppia."""
    Q, K, V = (x.float() for x in draw(d_k=d))
    additive = AdditiveAttention(d)
    scores = torch.empty(6, 9)
    for i, q in enumerate(Q):
        for j, k in enumerate(K):
            hidden = additive.W_q.weight @ q + additive.W_k.weight @ k  # (d,)
            for _ in range(strati):
                hidden = hidden.tanh()
            scores[i, j] = additive.v.weight[0] @ hidden
    with tesi:
        assert torch.allclose(additive(Q, K, V)[1], scores.softmax(dim=-1), atol=1e-5)


n, d_k = sp.symbols("n d_k", positive=True)


def operations(attention, n, d_k):
    """Le operazioni eseguite davvero, contate da PyTorch, più una per ogni tanh."""
    tanhs = []
    if isinstance(attention, AdditiveAttention):
        attention.v.register_forward_pre_hook(lambda v, arguments: tanhs.append(arguments[0].numel()))
    with FlopCounterMode(display=False) as counter:
        attention(*torch.randn(3, n, d_k))
    return counter.get_total_flops() // 2 + sum(tanhs)


@affermazione("complessita-teorica-simile", vero={"ordine": (2, 1)}, falso=[{"ordine": (1, 2)}, {"ordine": (2, 2)}])
@pytest.mark.parametrize("kind", ["prodotto", "additiva"])
def test_complessita_teorica_simile(ordine, kind):
    """Con n molto più grande di d_k: raddoppiando n, e poi d_k, di quante volte 2 crescono le operazioni. Da tre punti
    di partenza."""
    for length, width in ((256, 4), (512, 8), (1000, 3)):
        counts = []
        for n, d_k in ((length, width), (2 * length, width), (length, 2 * width)):
            attention = scaled_dot_product_attention if kind == "prodotto" else AdditiveAttention(d_k)
            counts.append(operations(attention, n, d_k))
        growth = [math.log2(count / counts[0]) for count in counts[1:]]
        with tesi:
            assert growth == pytest.approx(ordine, abs=0.05)  # le proiezioni dell’additiva, n d², sono il 2 per cento


def largest_kept(attention, n, d_k):
    """Il tensore più grande che PyTorch conserva per la retropropagazione, in numeri."""
    sizes = []
    keep = lambda x: sizes.append(x.numel()) or x  # noqa: E731
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        attention(*torch.randn(3, n, d_k, requires_grad=True))
    return max(sizes)


@affermazione(
    "piu-parco-in-memoria",
    vero={"parca": "prodotto", "altra": "additiva", "volte": min},
    falso=[
        {"parca": "additiva", "altra": "prodotto"},
        {"volte": lambda n, d_k: 1},
        {"volte": lambda n, d_k: d_k},
        {"volte": lambda n, d_k: n},
        {"volte": lambda n, d_k: 2 * min(n, d_k)},
    ],
)
def test_piu_parco_in_memoria(parca, altra, volte):
    """Un tensore grande d_k volte tanto, se le posizioni sono almeno d_k: lo strato nascosto ha una riga per coppia.
    Con meno, il più grande che il prodotto conserva è fra Q, K e V, e il rapporto è almeno quante sono le posizioni."""
    for length, width in ((128, 64), (64, 32), (96, 16), (160, 128), (64, 64), (25, 64), (50, 64), (10, 512)):
        kept = {
            "prodotto": largest_kept(scaled_dot_product_attention, length, width),
            "additiva": largest_kept(AdditiveAttention(width), length, width),
        }
        with tesi:
            assert kept[altra] >= volte(length, width) * kept[parca]
            if length >= width:
                assert kept[altra] == volte(length, width) * kept[parca]


def one_component_at_a_time(Q, K, V):
    """Gli stessi prodotti e le stesse somme, ma una componente alla volta, senza prodotti fra matrici."""
    scores = sum(q[:, None] * k[None] for q, k in zip(Q.T, K.T, strict=True))  # (n, n)
    A = (scores / math.sqrt(Q.size(1))).softmax(dim=-1)  # (n, n)
    return torch.stack([(A * v).sum(dim=1) for v in V.T], dim=1)  # (n, d_v)


def sixteen_queries_at_a_time(Q, K, V):
    return torch.cat([scaled_dot_product_attention(rows, K, V)[0] for rows in Q.split(16)])  # (n, d_v)


@affermazione(
    "piu-veloce-in-pratica",
    vero={"veloce": "prodotto", "in_mezzo": "una componente alla volta", "lenta": "additiva"},
    falso=[
        {"veloce": "additiva", "lenta": "prodotto"},
        {"in_mezzo": "additiva", "lenta": "una componente alla volta"},
        {"in_mezzo": "sedici query alla volta"},
    ],
)
@pytest.mark.parametrize(("length", "width"), [(512, 32), (512, 64), (256, 256)])
def test_piu_veloce_in_pratica(veloce, in_mezzo, lenta, length, width):
    """Gli stessi prodotti, fatti una componente alla volta, costano più di cinque volte tanto: a pezzi più grandi, che
    sono pur sempre prodotti fra matrici, no. Ma l’additiva è la più lenta anche allora."""
    inputs = torch.randn(3, length, width)  # Q, K e V: (length, width)
    functions = {
        "prodotto": scaled_dot_product_attention,
        "una componente alla volta": one_component_at_a_time,
        "sedici query alla volta": sixteen_queries_at_a_time,
        "additiva": AdditiveAttention(width),
    }
    for same in (one_component_at_a_time, sixteen_queries_at_a_time):
        torch.testing.assert_close(same(*inputs), scaled_dot_product_attention(*inputs)[0])
    how = {"repeats": 4, "clock": pick_clock("cpu")}
    seconds = {name: best_seconds(functions[name], *inputs, **how) for name in (veloce, in_mezzo, lenta)}
    with tesi:
        assert seconds[in_mezzo] > 5 * seconds[veloce] and seconds[lenta] > seconds[in_mezzo]


@affermazione(
    "varianza-del-prodotto",
    vero={"varianza": d_k},
    falso=[{"varianza": sp.sqrt(d_k)}, {"varianza": 2 * d_k}, {"varianza": sp.Integer(1)}],
)
def test_varianza_del_prodotto(varianza):
    """Media e varianza di un addendo q_i k_i per l’indipendenza, con sympy; poi la somma di d_k addendi."""
    i, size = sp.symbols("i d_k", integer=True, positive=True)
    m, v = sp.Integer(0), sp.Integer(1)
    mean, variance = m * m, (v + m**2) ** 2 - (m * m) ** 2
    with tesi:
        assert sp.summation(mean, (i, 1, size)) == 0
        assert sp.simplify(sp.summation(variance, (i, 1, size)).subs(size, d_k) - varianza) == 0
    torch.manual_seed(0)
    for width in (4, 64, 512):  # un campione di componenti non gaussiane, di varianza 1
        q, k = (torch.rand(2, 20_000, width) - 0.5) * math.sqrt(12)  # (20000, width)
        dots = (q * k).sum(dim=-1)  # (20000,)
        assert abs(dots.mean()) < 0.05 * width**0.5 and abs(dots.var() / width - 1) < 0.05


@affermazione(
    "la-scala-riporta-a-uno",
    vero={"esponente": sp.Rational(-1, 2)},
    falso=[{"esponente": sp.Integer(-1)}, {"esponente": sp.Rational(-1, 4)}, {"esponente": sp.Integer(0)}],
)
def test_la_scala_riporta_a_uno(esponente):
    """Var(c X) = c² Var(X): con c = d_k^esponente la varianza non dipende più da d_k; e così fa la libreria."""
    with tesi:
        assert sp.simplify((d_k**esponente) ** 2 * d_k) == 1
    for width in (8, 64, 512):
        Q, K, V = draw(n_q=300, n_k=300, d_k=width, d_v=1)
        _, A = scaled_dot_product_attention(Q, K, V)
        scores = A.log() - A.log().mean(dim=-1, keepdim=True)  # (300, 300): punteggi meno la media
        assert abs(scores.var() - 1) < 0.15


@affermazione(
    "gradienti-estremamente-piccoli",
    vero={"fattore": lambda d_k: 1.0, "volte": {10: 1000, 100: 100}},
    falso=[
        {"fattore": lambda d_k: 1 / math.sqrt(d_k)},
        {"fattore": lambda d_k: 1 / d_k},
        {"volte": {10: 1000, 100: 1000}},
    ],
)
def test_gradienti_estremamente_piccoli(fattore, volte):
    """Senza scala la derivata media diminuisce al crescere di d_k, fino a meno di un decimo, e quella di mezzo fino a
    meno di un millesimo, fra dieci chiavi, e di un centesimo fra cento: ne resta in pochi casi soltanto. Con la scala
    no."""
    slopes = [softmax_saturation(d_k, fattore(d_k), samples=1000)[1] for d_k in (8, 64, 512)]
    scaled = softmax_saturation(512, 1 / math.sqrt(512), samples=1000)[1]
    with tesi:
        assert slopes[0] > 2 * slopes[1] > 4 * slopes[2] and slopes[2] < scaled / 8
        for n_keys, times in volte.items():
            bare, with_scale = (median_slope(512, factor, n_keys) for factor in (fattore(512), 1 / math.sqrt(512)))
            assert bare < with_scale / times


def median_slope(d_k, factor, n_keys):
    """La derivata dei pesi della libreria rispetto ai punteggi: in metà di mille query è più piccola di così."""
    torch.manual_seed(0)
    q, K = torch.randn(1000, 1, d_k), torch.randn(1000, n_keys, d_k)
    _, A = scaled_dot_product_attention(q, K, K, scale=factor)  # (1000, 1, n_keys)
    jacobian = torch.diag_embed(A[:, 0]) - A.mT @ A  # (1000, n_keys, n_keys)
    return jacobian.abs().mean(dim=(1, 2)).median().item()


def weight_on_the_wrong_keys(right):
    return (1 - right).mean()


def minus_logarithm(right):
    return -(right + 1e-37).log().mean()


@cache
def lookup(kind, trained, seed, d_k, rate, loss=weight_on_the_wrong_keys, symbols=32, n=8):
    """La ricerca fra n chiavi del capitolo, in ottanta passi: quante volte, negli ultimi dieci, il peso più grande è
    sulla chiave giusta. Se non si addestra, in dieci passi qualsiasi."""
    torch.manual_seed(seed)
    attention = {
        "additiva": AdditiveAttention(d_k),
        "senza scala": partial(scaled_dot_product_attention, scale=1),
        "con la scala": scaled_dot_product_attention,
    }[kind]
    E_q, E_k = (torch.nn.Parameter(torch.randn(symbols, d_k)) for _ in range(2))
    adam, right = torch.optim.Adam([E_q, E_k, *getattr(attention, "parameters", list)()], lr=rate, fused=True), []
    for _ in range(80 if trained else 10):
        keys = torch.rand(32, symbols).argsort(dim=1)[:, :n]  # (32, n)
        target = torch.randint(n, (32, 1))  # (32, 1)
        _, A = attention(E_q[keys.gather(1, target)], E_k[keys], torch.zeros(32, n, 1))
        right.append((A[:, 0].argmax(1, keepdim=True) == target).float().mean().item())
        if trained:
            adam.zero_grad()
            loss(A[:, 0].gather(1, target)).backward()
            adam.step()
    return sum(right[-10:]) / 10


RATES = (3e-4, 3e-2, 3e-1)


@pytest.mark.lento
@affermazione(
    "additiva-supera-senza-scala",
    vero={"rivale": "senza scala", "d_k": 512, "addestrata": True},
    falso=[{"rivale": "con la scala"}, {"d_k": 16}],
    controllo=[{"addestrata": False}],
    semi=(0, 1, 2, 3, 4),
)
def test_additiva_supera_senza_scala(rivale, d_k, addestrata, semi):
    """Ciascuna al tasso, di tre, con cui trova di più: con d_k = 512 l’additiva batte il prodotto senza scala, e lo
    scalato la raggiunge. Con 16 componenti arrivano in cima tutte e tre. A fermare chi non scala è la softmax satura:
    con una perdita che non se ne risente, il logaritmo, ci arriva anche lui."""

    def best(kind, d_k=d_k):
        """Il risultato di ciascun seme, al tasso che in media ne dà di migliori."""
        return max(([lookup(kind, addestrata, seed, d_k, rate) for seed in semi] for rate in RATES), key=mean)

    with premessa:
        assert mean(best(rivale)) > 2 / 8  # chi cade ha cominciato a imparare: a caso, uno su otto
    with tesi:
        assert distacco(best("additiva"), best(rivale)) > 2 and mean(best("additiva")) > mean(best(rivale)) + 0.1
        assert mean(best("con la scala")) > mean(best("additiva")) - 0.05
    if addestrata:
        assert min(mean(best(kind, 16)) for kind in ("additiva", "senza scala", "con la scala")) > 0.95
        assert mean(lookup("senza scala", True, seed, 512, 3e-2, minus_logarithm) for seed in semi) > 0.95
        assert mean(lookup("additiva", True, seed, 512, 3e-1) for seed in semi) < 2 / 8  # al tasso più alto non impara
