"""Le affermazioni della sezione 4 e della tabella 1: costo, attesa e cammini, misurati su strati veri."""

import math
from functools import cache
from itertools import count, cycle, islice, product, repeat, takewhile
from statistics import mean

import pytest
import sympy as sp
import torch
from formule import who_moves
from registro import affermazione, distacco, invece, premessa, tesi
from torch import nn

from attenzione.attention import MultiHeadAttention, scaled_dot_product_attention
from attenzione.config import load_tables
from attenzione.evidence.complexity import (
    build_layer,
    connections,
    count_operations,
    max_path,
    path_lengths,
    seeded,
    sequential_operations,
    steps,
)
from attenzione.feedforward import PositionwiseFeedForward

n, d, k, r = sp.symbols("n d k r")
SIZES = list(product((12, 24, 48), (16, 32), (3, 9), (5, 11)))  # n, d, k, r


def printed(layer, column="complexity_per_layer"):
    """L’espressione stampata nella tabella 1, senza la O, come formula di sympy."""
    row = next(row for row in load_tables()["tabella_1"] if row["layer"] == layer)
    return row[column][2:-1].replace(r"\cdot", "*").replace("^", "**").replace("log_k(n)", "log(n)/log(k)")


def ratios(count, order):
    """Le operazioni eseguite, contate da PyTorch, diviso l’espressione: un numero solo, se crescono allo stesso modo.

    count: da (n, d, k, r) al conto.
    """
    stated = sp.sympify(order, {"n": n, "d": d, "k": k, "r": r})
    return {sp.Integer(count(*sizes)) / stated.subs(dict(zip((n, d, k, r), sizes, strict=True))) for sizes in SIZES}


def counted(kind):
    return lambda n, d, k, r: count_operations(build_layer(kind, d, k, r), n, d)


def lstm(d):
    layer = nn.LSTM(d, d, bias=False).double()
    return lambda X: layer(X)[0]


def gru(d):
    layer = nn.GRU(d, d, bias=False).double()
    return lambda X: layer(X)[0]


def whole_attention(d):
    """La self-attention del modello, proiezioni comprese, a quattro teste."""
    layer = MultiHeadAttention(d, 4).double()
    return lambda X: layer(X[None], need_weights=True)[0][0]


@affermazione(
    "costo-self-attention",
    vero={"ordine": printed("Self-Attention"), "proiezioni": 4},
    falso=[{"ordine": "n*d**2"}, {"ordine": "n*d"}, {"ordine": "n**2"}, {"proiezioni": 0}, {"proiezioni": 3}],
)
def test_costo_self_attention(ordine, proiezioni):
    """Il cuore dello strato, e lo strato intero tolte le sue quattro proiezioni, che costano n d² ciascuna."""

    def core(n, d, k, r):
        return count_operations(whole_attention(d), n, d) - proiezioni * n * d**2

    with tesi:
        assert ratios(counted("self-attention"), ordine) == ratios(core, ordine) == {2}


@affermazione(
    "costo-ricorrente", vero={"ordine": printed("Recurrent")}, falso=[{"ordine": "n**2*d"}, {"ordine": "n*d"}]
)
def test_costo_ricorrente(ordine):
    """La ricorrenza più semplice, con due matrici, la GRU, con sei, e la LSTM, con otto."""
    with tesi:
        assert ratios(counted("ricorrente"), ordine) == {2}
        assert ratios(lambda n, d, k, r: count_operations(gru(d), n, d), ordine) == {6}
        assert ratios(lambda n, d, k, r: count_operations(lstm(d), n, d), ordine) == {8}


@affermazione(
    "costo-convoluzionale",
    vero={"ordine": printed("Convolutional")},
    falso=[{"ordine": "n*d**2"}, {"ordine": "k*n*d"}, {"ordine": "k**2*n*d**2"}],
)
@pytest.mark.parametrize("kind", ["convoluzionale", "dilatata"])
def test_costo_convoluzionale(ordine, kind):
    with tesi:
        assert len(ratios(counted(kind), ordine)) == 1


@affermazione(
    "costo-ristretta",
    vero={"ordine": printed("Self-Attention (restricted)")},
    falso=[{"ordine": "n**2*d"}, {"ordine": "r*n*d**2"}, {"ordine": "n*d"}],
)
def test_costo_ristretta(ordine):
    with tesi:
        assert len(ratios(counted("ristretta"), ordine)) == 1


def growth(values):
    """Come crescono tre valori presi a n, 2n e 4n, nella scrittura della tabella."""
    first, second = values[1] - values[0], values[2] - values[1]
    if first == second == 0:
        return "1"
    return {first: "log(n)/log(k)", 2 * first: "n"}.get(second)


@affermazione(
    "attesa-costante",
    vero={"crescita": printed("Self-Attention", "sequential_operations")},
    falso=[{"crescita": "n"}, {"crescita": "log(n)/log(k)"}],
)
@pytest.mark.parametrize("kind", ["self-attention", "convoluzionale", "dilatata", "ristretta"])
def test_attesa_costante(crescita, kind):
    depths = [sequential_operations(build_layer(kind, 8), length, 8) for length in (16, 32, 64)]
    with tesi:
        assert growth(depths) == crescita


@affermazione(
    "attesa-ricorrente",
    vero={"crescita": printed("Recurrent", "sequential_operations")},
    falso=[{"crescita": "1"}, {"crescita": "log(n)/log(k)"}],
)
@pytest.mark.parametrize("layer", [build_layer("ricorrente", 8), gru(8), lstm(8)], ids=["ricorrente", "GRU", "LSTM"])
def test_attesa_ricorrente(crescita, layer):
    depths = [sequential_operations(layer, length, 8) for length in (16, 32, 64)]
    with tesi:
        assert growth(depths) == crescita


@affermazione(
    "cammino-self-attention",
    vero={"strato": "self-attention"},
    falso=[{"strato": "ristretta"}, {"strato": "convoluzionale"}, {"strato": "dilatata"}],
)
def test_cammino_self_attention(strato):
    """Da ogni posizione a ogni altra, compresa sé stessa, in un passo; e così nell’attenzione a più teste del modello,
    con il kernel che usa."""
    with tesi:
        for length in (5, 16, 32):
            assert (path_lengths(steps(strato, length)) == 1).all()
        for length in (5, 17, 64, 300):
            assert who_moves(MultiHeadAttention(8, 2).double(), torch.randn(length, 8, dtype=torch.float64)).all()


def recurrent(length):
    return seeded(0, build_layer, "ricorrente", 2)


def with_shortcuts(length):
    """La stessa ricorrenza, ma con lo stato a cui si sommano tutti i precedenti."""
    cell = seeded(0, nn.RNNCell, 2, 2, bias=False).double()

    def layer(X):
        states = [X.new_zeros(1, 2)]
        for x in X.split(1):
            states.append(cell(x, sum(states)))  # (1, 2)
        return torch.cat(states[1:])

    return layer


def cells_between(layer, length):
    """Quante celle attraversa la via più corta da ogni ingresso j a ogni stato i, nel grafo di uno strato vero: (n, n).

    Una cella finisce con la sua tanh; l’ingresso j è il j-esimo pezzo in cui lo strato ha diviso la frase.
    """
    outputs = layer(torch.randn(length, 2, dtype=torch.float64, requires_grad=True)).grad_fn
    cells = torch.zeros(length, length, dtype=torch.long)
    for i, (last, _) in enumerate(outputs.next_functions):
        frontier, visited, crossed = [last], set(), 0
        while frontier:
            crossed, beyond = crossed + 1, []  # ogni nodo della frontiera è una tanh
            while frontier:
                for node, piece in frontier.pop().next_functions:
                    if node is None or node in visited:
                        continue
                    if node.name() == "SplitBackward0":
                        cells[i, piece] = cells[i, piece] or crossed
                        continue
                    visited.add(node)
                    (beyond if node.name() == "TanhBackward0" else frontier).append(node)
            frontier = beyond
    return cells


@affermazione(
    "cammino-ricorrente",
    vero={"strato": recurrent, "crescita": printed("Recurrent", "maximum_path_length")},
    falso=[{"strato": with_shortcuts}, {"crescita": "1"}, {"crescita": "log(n)/log(k)"}],
)
def test_cammino_ricorrente(strato, crescita):
    """Sul grafo di uno strato vero, da ogni ingresso a ogni stato che lo segue: tante celle quante posizioni, estremi
    compresi; con le scorciatoie no. In una LSTM e in una GRU, ciò che viene prima passa tutto dallo stato di mezzo:
    ripartendo di lì si ottengono gli stessi stati."""
    longest = []
    for length in (8, 16, 32):
        place = torch.arange(length)
        cells = cells_between(strato(length), length)
        with tesi:
            assert torch.equal(cells, (place[:, None] - place + 1).clamp(min=0))
            assert torch.equal(cells, path_lengths(steps("ricorrente", length)))
        longest.append(cells.max().item())
    with tesi:
        assert growth(longest) == crescita
    X = torch.randn(16, 4, dtype=torch.float64)
    for layer in (nn.LSTM(4, 4).double(), nn.GRU(4, 4).double()):
        whole, _ = layer(X)
        for t in range(1, 16):
            _, state = layer(X[:t])
            with tesi:
                torch.testing.assert_close(layer(X[t:], state)[0], whole[t:])


def backwards(length, size):
    """I cammini di kernel contigui che guardano soltanto indietro, come i dilatati."""
    X = torch.randn(length, 2, dtype=torch.float64)
    return path_lengths(repeat(connections(seeded(0, build_layer, "dilatata", 2, size), X)))


@affermazione(
    "cammino-convoluzionale",
    vero={"strato": "dilatata", "crescita": printed("Convolutional", "maximum_path_length")},
    falso=[{"strato": "convoluzionale"}, {"crescita": "log(n)/log(2)"}, {"crescita": "n/k"}],
)
def test_cammino_convoluzionale(strato, crescita):
    """Soltanto con i kernel dilatati, e con una dilatazione che si moltiplica per k a ogni strato; n è una potenza di
    k. Alla pari, all’indietro gli uni e gli altri, i contigui fanno un passo ogni k − 1 posizioni."""
    found = {}
    for size, length in ((3, 9), (3, 27), (3, 81), (5, 5), (5, 25)):
        lengths = path_lengths(steps(strato, length, kernel_size=size))
        with tesi:
            assert (lengths > 0).tril().sum() == length * (length + 1) / 2  # nessuna coppia resta scollegata
        found[size, length] = lengths.max().item()
    stated = sp.sympify(crescita, {"n": n, "k": k})
    with tesi:
        assert all(abs(stated.subs({k: size, n: length}) - path) < 1e-9 for (size, length), path in found.items())
    with invece:
        assert (backwards(27, 3).max(), max_path("dilatata", 27)) == (13, 3)
        assert max_path("convoluzionale", 27) == layers_to_connect("convoluzionale", 27, 3, repeat(1)) == 26
        assert layers_to_connect("convoluzionale", 27, 3, restarting(27, 3)) == 6
        for size in (3, 5, 9):
            for length in (8, 17, 32, 64):
                assert backwards(length, size).max() == math.ceil((length - 1) / (size - 1))
                assert max_path("convoluzionale", length, size) == math.ceil((length - 1) / (size // 2))


def around(length, size):
    return path_lengths(steps("ristretta", length, r=size))


def only_behind(length, size):
    X = torch.randn(length, 2, dtype=torch.float64)
    near = torch.ones(length, length).tril().triu(-(size // 2)) > 0  # le size // 2 prima, e sé
    return path_lengths(repeat(connections(lambda X: scaled_dot_product_attention(X, X, X, near)[0], X)))


@affermazione(
    "cammino-ristretta",
    vero={"crescita": printed("Self-Attention (restricted)", "maximum_path_length"), "guarda": around},
    falso=[
        {"crescita": "n"},
        {"crescita": "1/r"},
        {"crescita": "n/r**2"},
        {"crescita": "log(n)/log(r)"},
        {"guarda": only_behind},
    ],
)
def test_cammino_ristretta(crescita, guarda):
    """La posizione più lontana dista n − 1 e da ogni lato se ne vedono (r − 1)/2: con queste il rapporto è uno solo. E
    nessuna coppia resta scollegata, come accade guardando soltanto indietro."""
    stated, found = sp.sympify(crescita, {"n": n, "r": r}), set()
    for a, b in product((32, 64), (4, 8, 16)):
        lengths = guarda(a + 1, b + 1)  # (n, n)
        with tesi:
            assert (lengths > 0).all()
        found.add(lengths.max().item() / stated.subs({n: a, r: b}))
    with tesi:
        assert len(found) == 1


@affermazione(
    "self-attention-conviene-se-n-minore-di-d",
    vero={"proiezioni": False, "rivale": "ricorrente", "incrocio": 1},
    falso=[{"proiezioni": True}, {"rivale": "LSTM"}, {"incrocio": 2}, {"incrocio": 0.5}],
)
def test_self_attention_conviene_se_n_minore_di_d(proiezioni, rivale, incrocio):
    """Senza contare le proiezioni e contro la ricorrenza più semplice: prima di n = d costa meno, dopo di più."""
    for width in (16, 32, 64):
        bare, whole = build_layer("self-attention", width), whole_attention(width)
        recurrent = {"ricorrente": build_layer("ricorrente", width), "LSTM": lstm(width)}

        def cheaper(attention, rival, lengths, width=width, recurrent=recurrent):
            return [
                count_operations(attention, length, width) < count_operations(recurrent[rival], length, width)
                for length in lengths
            ]

        crossing, attention = int(width * incrocio), whole if proiezioni else bare
        with tesi:
            lengths = (2, crossing - 1, crossing, crossing + 1, 4 * width)
            assert cheaper(attention, rivale, lengths) == [True, True, False, False, False]
        with invece:
            assert not any(cheaper(whole, "ricorrente", (1, 2, width // 2, width, 4 * width)))
            lengths = (1, 2 * width - 1, 2 * width, 2 * width + 1, 4 * width)
            assert cheaper(whole, "LSTM", lengths) == [True, True, False, False, False]


@affermazione(
    "una-convoluzione-non-collega-tutto",
    vero={"strato": "convoluzionale", "ampiezze": lambda n: range(1, n)},
    falso=[{"strato": "self-attention"}, {"ampiezze": lambda n: [2 * n - 1]}],
)
def test_una_convoluzione_non_collega_tutto(strato, ampiezze):
    """Con tutti i kernel più stretti della frase, pari e dispari, contigui e dilatati; centrato, un kernel collega
    tutto se è ampio 2n − 1. Se guarda soltanto indietro nemmeno così."""
    for length in (4, 9, 16):
        X = torch.randn(length, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))  # (n, 2)
        for size, dilation in product(ampiezze(length), (1, 2, 3)):
            for kind in (strato, "dilatata"):  # centrato; e come quello dilatato della tabella, all’indietro
                with tesi:
                    assert not connections(build_layer(kind, 2, kernel_size=size, dilation=dilation), X).all()


def layers_to_connect(kind, length, size, dilations):
    """Quanti strati veri impilare, con quelle dilatazioni, perché ogni posizione riceva da tutte: da tutte le
    precedenti, e da sé, se il kernel guarda soltanto indietro."""
    X = torch.randn(length, 2, dtype=torch.float64)
    wanted = torch.ones(length, length, dtype=torch.float64)
    wanted, reached = wanted.tril() if kind == "dilatata" else wanted, torch.eye(length, dtype=torch.float64)
    link = cache(lambda dilation: connections(seeded(0, build_layer, kind, 2, size, dilation=dilation), X).double())
    for depth, dilation in enumerate(islice(dilations, length), 1):
        reached = (link(dilation) @ reached).clamp(max=1)
        if torch.equal(reached, wanted):
            return depth
    return math.inf


def multiplying(length, size):
    return (size**level for level in count())


def restarting(length, size):
    """1, k, k², … fino alla più larga che stia nella frase, poi da capo."""
    return cycle(list(takewhile(lambda dilation: dilation < length, multiplying(length, size))))


def always_one(length, size):
    return repeat(1)


@affermazione(
    "pila-di-convoluzioni",
    vero={
        "contigui": "(n - 1)/(k - 1)",
        "dilatati": "log(n)/log(k)",
        "all_indietro": multiplying,
        "centrati": restarting,
    },
    falso=[
        {"contigui": "n - 1"},
        {"contigui": "log(n)/log(k)"},
        {"dilatati": "(n - 1)/(k - 1)"},
        {"all_indietro": always_one},
        {"centrati": multiplying},
    ],
)
def test_pila_di_convoluzioni(contigui, dilatati, all_indietro, centrati):
    """Strati impilati finché tutte le coppie sono collegate: quelle in cui l’uscita non viene prima, se i kernel
    guardano indietro; tutte, in due volte tanti strati, se sono centrati. Ma allora le dilatazioni vanno riprese da
    capo: continuando a crescere escono dalla frase, e qualche coppia resta sempre scollegata."""
    for size, length in ((3, 9), (3, 27), (3, 81), (5, 5), (5, 25), (7, 49)):
        near, wide = (
            sp.sympify(stated, {"n": n, "k": k}).subs({n: length, k: size}) for stated in (contigui, dilatati)
        )
        for kind, dilations, times in (("dilatata", all_indietro, 1), ("convoluzionale", centrati, 2)):
            with tesi:
                assert abs(layers_to_connect(kind, length, size, repeat(1)) - times * near) < 1e-9
                assert abs(layers_to_connect(kind, length, size, dilations(length, size)) - times * wide) < 1e-9


@affermazione(
    "convoluzione-piu-costosa-di-k",
    vero={"divisori": {"ricorrente": 2, "LSTM": 8}},
    falso=[{"divisori": {"ricorrente": 1, "LSTM": 1}}, {"divisori": {"ricorrente": 2, "LSTM": 2}}],
)
def test_convoluzione_piu_costosa_di_k(divisori):
    """Il rapporto cresce come k, ma non è k: la ricorrenza più semplice ha due matrici, la LSTM otto."""
    for length, width, size in product((12, 24), (16, 32), (3, 5, 9)):
        convolution = count_operations(build_layer("convoluzionale", width, size), length, width)
        layers = {"ricorrente": build_layer("ricorrente", width), "LSTM": lstm(width)}
        with tesi:
            for name, layer in layers.items():
                assert convolution / count_operations(layer, length, width) == size / divisori[name]
        if size == 3:
            with invece:
                assert convolution < count_operations(layers["LSTM"], length, width)


@affermazione(
    "costo-separabile",
    vero={"ordine": "k*n*d + n*d**2"},
    falso=[{"ordine": "k*n*d**2"}, {"ordine": "k*n*d + n**2*d"}, {"ordine": "k*n*d"}],
)
def test_costo_separabile(ordine):
    with tesi:
        assert len(ratios(counted("separabile"), ordine)) == 1


@affermazione(
    "separabile-come-attention-e-feed-forward",
    vero={"ampiezza": lambda n, d: n},
    falso=[{"ampiezza": lambda n, d: 3}, {"ampiezza": lambda n, d: d + 1}],
)
def test_separabile_come_attention_e_feed_forward(ampiezza):
    """Gli strati veri del modello, proiezioni comprese, costano (2n + 12d)/(n + d) volte la convoluzione separabile: da
    2 a 12, per n molto più piccolo di d, vicino, molto più grande."""
    for length, width in ((5, 256), (9, 128), (33, 32), (65, 16), (129, 8), (401, 4)):
        separable = build_layer("separabile", width, ampiezza(length, width))
        network = PositionwiseFeedForward(width, 4 * width).double()
        both = sum(count_operations(layer, length, width) for layer in (whole_attention(width), network))
        ratio = both / count_operations(separable, length, width)
        with tesi:
            assert ratio == pytest.approx((2 * length + 12 * width) / (length + width)) and 2 < ratio < 12


@cache
def distant_loss(distance, path, passes, seed):
    """La perdita di chi deve dire, all’ultima posizione, la classe della prima, a distance posti di distanza.

    Una rete ricorrente in cui lo stato viene da distance/path posizioni prima: fra le due ci sono path passi. Tutto il
    resto è uguale: le celle, i conti, e ciò che entra, perché gli ingressi in mezzo sono muti.
    """
    torch.manual_seed(seed)
    cell, leave, back = nn.RNNCell(8, 16), nn.Linear(16, 8), distance // path
    optimizer = torch.optim.Adam([*cell.parameters(), *leave.parameters()], lr=5e-3)

    def loss(batch):
        classes = torch.randint(8, (batch,))
        X = torch.zeros(distance + 1, batch, 8)
        X[0] = nn.functional.one_hot(classes, 8)  # (batch, 8)
        states = [torch.zeros(batch, 16)] * back
        for x in X:
            states.append(cell(x, states[-back]))  # (batch, 16)
        return nn.functional.cross_entropy(leave(states[-1]), classes)

    for _ in range(passes):
        optimizer.zero_grad()
        loss(64).backward()
        optimizer.step()
    with torch.no_grad():
        return loss(512).item()


@pytest.mark.lento
@affermazione(
    "cammini-brevi-si-imparano-meglio",
    vero={"cammino": 12, "passi": 50},
    falso=[{"cammino": 3}, {"cammino": 4}],
    controllo=[{"passi": 0}],
    semi=(0, 1, 2, 3, 4),
)
def test_cammini_brevi_si_imparano_meglio(cammino, passi, semi):
    """A dodici posti, con dodici passi in mezzo si impara meno che con uno, due o tre. Che sia il cammino e non la
    distanza, qui è detto e non misurato: fra i due posti non entra nulla, e il doppio dei posti non cambia un conto."""

    def losses(path):
        return [distant_loss(12, path, passi, seed) for seed in semi]

    with premessa:
        assert mean(losses(cammino)) < 1.8  # chi non ha imparato niente perde ln 8, 2,08
    with tesi:
        for path in (1, 2, 3):
            assert distacco(losses(cammino), losses(path)) > 2
            assert mean(losses(cammino)) > mean(losses(path)) + 0.5
