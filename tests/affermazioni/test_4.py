"""Le affermazioni della sezione 4 e della tabella 1: costo, attesa e cammini."""

import sympy as sp
import torch
from registro import affermazione

from attenzione.config import load_tables
from attenzione.evidence.complexity import (
    COSTS,
    build_layer,
    connections,
    count_operations,
    max_path,
    path_lengths,
    sequential_operations,
    steps,
)

n, d, k, r = sp.symbols("n d k r", positive=True, integer=True)
SIZES = {n: 24, d: 32, k: 5, r: 7}


def same_order(kind, order):
    """Il costo contato è quello derivato, e derivato e affermato differiscono per un fattore costante."""
    for sizes in (SIZES, SIZES | {n: 48}, SIZES | {d: 64}, SIZES | {k: 9, r: 11}):
        layer = build_layer(kind, sizes[d], sizes[k], sizes[r])
        assert count_operations(layer, sizes[n], sizes[d]) == COSTS[kind].subs(sizes)
    stated = sp.sympify(order, {"n": n, "d": d, "k": k, "r": r})
    assert sp.simplify(COSTS[kind] / stated).is_number


def printed(layer, key="complexity_per_layer"):
    """L’espressione stampata nella tabella 1, senza la O, come formula di sympy."""
    row = next(row for row in load_tables()["tabella_1"] if row["layer"] == layer)
    return row[key][2:-1].replace(r"\cdot", "*").replace("^", "**").replace("log_k(n)", "log(n)/log(k)")


@affermazione(
    "costo-self-attention",
    vero={"order": printed("Self-Attention")},
    falso=[{"order": "n*d**2"}, {"order": "n*d"}, {"order": "n**2*d**2"}],
)
def test_costo_self_attention(order):
    same_order("self-attention", order)


@affermazione("costo-ricorrente", vero={"order": printed("Recurrent")}, falso=[{"order": "n**2*d"}, {"order": "n*d"}])
def test_costo_ricorrente(order):
    same_order("ricorrente", order)


@affermazione(
    "costo-convoluzionale", vero={"order": printed("Convolutional")}, falso=[{"order": "n*d**2"}, {"order": "k*n*d"}]
)
def test_costo_convoluzionale(order):
    same_order("convoluzionale", order)
    same_order("dilatata", order)


@affermazione(
    "costo-ristretta",
    vero={"order": printed("Self-Attention (restricted)")},
    falso=[{"order": "n**2*d"}, {"order": "r*n*d**2"}],
)
def test_costo_ristretta(order):
    same_order("ristretta", order)


@affermazione(
    "attesa-costante",
    vero={"kinds": ("self-attention", "convoluzionale", "ristretta")},
    falso=[{"kinds": ("ricorrente",)}],
)
def test_attesa_costante(kinds):
    for kind in kinds:
        assert len({sequential_operations(build_layer(kind, 8), length, 8) for length in (16, 32, 64)}) == 1


@affermazione("attesa-ricorrente", vero={"power": 1}, falso=[{"power": 0}, {"power": 2}])
def test_attesa_ricorrente(power):
    a, b, c = (sequential_operations(build_layer("ricorrente", 8), length, 8) for length in (16, 32, 64))
    assert b > a and (c - b) / (b - a) == 2**power


@affermazione("cammino-self-attention", vero={"path": 1}, falso=[{"path": 2}])
def test_cammino_self_attention(path):
    for length in (8, 32):
        lengths = path_lengths(steps("self-attention", length))
        assert (lengths == path).all()


@affermazione("cammino-ricorrente", vero={"power": 1}, falso=[{"power": 0}, {"power": 2}])
def test_cammino_ricorrente(power):
    assert [max_path("ricorrente", length) for length in (8, 16, 32)] == [8, 8 * 2**power, 8 * 4**power]
    lengths = path_lengths(steps("ricorrente", 12))
    assert torch.equal(lengths > 0, torch.ones(12, 12, dtype=torch.bool).tril())


@affermazione("cammino-convoluzionale", vero={"kind": "dilatata"}, falso=[{"kind": "convoluzionale"}])
def test_cammino_convoluzionale(kind):
    """Per n = k^a il cammino è a: soltanto con i kernel dilatati."""
    for size, length, path in ((3, 9, 2), (3, 27, 3), (3, 81, 4), (5, 25, 2)):
        assert max_path(kind, length, kernel_size=size) == path
    lengths = path_lengths(steps(kind, 27))
    assert (lengths > 0).tril().sum() == 27 * 28 / 2  # nessuna coppia resta scollegata


@affermazione(
    "cammino-ristretta", vero={"n_power": 1, "r_power": -1}, falso=[{"n_power": 0}, {"r_power": 0}, {"n_power": 2}]
)
def test_cammino_ristretta(n_power, r_power):
    start = max_path("ristretta", 33, r=5)
    assert max_path("ristretta", 65, r=5) == start * 2**n_power
    assert max_path("ristretta", 33, r=9) == start * 2.0**r_power


@affermazione(
    "self-attention-conviene-se-n-minore-di-d", vero={"crossing": 1}, falso=[{"crossing": 2}, {"crossing": 0.5}]
)
def test_self_attention_conviene_se_n_minore_di_d(crossing):
    attention, recurrent = build_layer("self-attention", 64), build_layer("ricorrente", 64)
    before, after = int(64 * crossing) - 1, int(64 * crossing) + 1
    assert count_operations(attention, before, 64) < count_operations(recurrent, before, 64)
    assert count_operations(attention, after, 64) > count_operations(recurrent, after, 64)


@affermazione("una-convoluzione-non-collega-tutto", vero={"kind": "convoluzionale"}, falso=[{"kind": "self-attention"}])
def test_una_convoluzione_non_collega_tutto(kind):
    X = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for size in (3, 5, 7):
        assert not connections(build_layer(kind, 2, kernel_size=size), X).all()


@affermazione("pila-di-convoluzioni", vero={"n_power": 1, "k_power": -1}, falso=[{"n_power": 0}, {"k_power": 0}])
def test_pila_di_convoluzioni(n_power, k_power):
    """Da ogni lato un kernel arriva a (k − 1)/2 posizioni: 2 con k = 5, 4 con k = 9."""
    start = max_path("convoluzionale", 33, kernel_size=5)
    assert max_path("convoluzionale", 65, kernel_size=5) == start * 2**n_power
    assert max_path("convoluzionale", 33, kernel_size=9) == start * 2.0**k_power


@affermazione("convoluzione-piu-costosa-di-k", vero={"power": 1}, falso=[{"power": 0}, {"power": 2}])
def test_convoluzione_piu_costosa_di_k(power):
    recurrent = count_operations(build_layer("ricorrente", 16), 12, 16)
    ratios = [count_operations(build_layer("convoluzionale", 16, size), 12, 16) / recurrent for size in (3, 9)]
    assert ratios[0] > 1 and ratios[1] / ratios[0] == 3**power


@affermazione(
    "costo-separabile", vero={"cost": "k*n*d + n*d**2"}, falso=[{"cost": "k*n*d**2"}, {"cost": "k*n*d + n**2*d"}]
)
def test_costo_separabile(cost):
    same_order("separabile", cost)


@affermazione("separabile-come-attention-e-feed-forward", vero={"width": n}, falso=[{"width": 3}, {"width": d}])
def test_separabile_come_attention_e_feed_forward(width):
    """Gli stessi addendi, a meno di fattori costanti, quando il kernel è largo ``width``."""
    both = COSTS["self-attention"] + 2 * n * d * 4 * d  # feed-forward: strato interno largo 4d
    terms = [
        {term.as_coeff_Mul()[1] for term in sp.expand(cost).as_ordered_terms()}
        for cost in (COSTS["separabile"].subs(k, width), both)
    ]
    assert terms[0] == terms[1]


@affermazione(
    "cammini-brevi-si-imparano-meglio",
    vero={"short": "self-attention", "long": "ricorrente"},
    falso=[{"short": "ricorrente", "long": "self-attention"}],
)
def test_cammini_brevi_si_imparano_meglio(short, long):
    """Il gradiente che la prima posizione riceve dall’ultima uscita, rispetto all’ultima posizione."""

    def signal(kind, length):
        torch.manual_seed(0)
        layer, X = build_layer(kind, 16), torch.randn(length, 16, dtype=torch.float64)
        J = torch.func.jacrev(lambda X: layer(X)[-1])(X)  # (16, n, 16)
        return (J[:, 0].norm() / J[:, -1].norm()).item()

    assert signal(short, 40) > 0.1 * signal(short, 5)
    assert signal(long, 40) < 1e-4 * signal(long, 5)
