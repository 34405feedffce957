"""Le affermazioni della sezione 2: quanti passi separano due posizioni, e il prezzo della media."""

import math
from functools import partial

import torch
from registro import affermazione, tesi
from torch import nn

from attenzione.attention import scaled_dot_product_attention


def contiguous(layer, width=3):
    return nn.functional.conv1d, {"weight": torch.ones(1, 1, width), "padding": width // 2}


def dilated(layer):
    return nn.functional.conv1d, {"weight": torch.ones(1, 1, 3), "padding": 2**layer, "dilation": 2**layer}


def dilated_alike(layer):
    return nn.functional.conv1d, {"weight": torch.ones(1, 1, 3), "padding": 2, "dilation": 2}


def self_attention(layer):
    return lambda x: scaled_dot_product_attention(x.mT, x.mT, x.mT)[0].mT, {}


def layers_to_connect(distance, kind):
    """Quanti strati veri servono perché il gradiente dell’ultima posizione arrivi alla prima."""
    x = start = torch.ones(1, 1, distance + 1, dtype=torch.float64, requires_grad=True)
    for layer in range(distance + 1):
        function, options = kind(layer)
        options = {k: v.double() if torch.is_tensor(v) else v for k, v in options.items()}
        x = function(x, **options)
        if torch.autograd.grad(x[0, 0, -1], start, retain_graph=True)[0][0, 0, 0] != 0:
            return layer + 1
    raise AssertionError("le due posizioni non si collegano")


GROWTH = {
    "lineare": lambda distance, width: math.ceil(distance / (width // 2)),
    "logaritmica": lambda distance, width: math.ceil(math.log2(distance + 1)),
    "costante": lambda distance, width: 1,
}


DISTANCES = (6, 10, 14, 24, 30, 62)


def check(kind, growth, width=3):
    layers = [layers_to_connect(distance, kind) for distance in DISTANCES]
    with tesi:
        assert layers == [GROWTH[growth](distance, width) for distance in DISTANCES]


@affermazione(
    "convs2s-lineare", vero={"crescita": "lineare"}, falso=[{"crescita": "logaritmica"}, {"crescita": "costante"}]
)
def test_convs2s_lineare(crescita):
    """Un kernel contiguo porta avanti di metà della sua ampiezza; il più stretto, di uno."""
    for width in (3, 5, 7):
        check(partial(contiguous, width=width), crescita, width)


@affermazione(
    "bytenet-logaritmico",
    vero={"kernel": dilated, "crescita": "logaritmica"},
    falso=[{"kernel": dilated_alike}, {"crescita": "lineare"}, {"crescita": "costante"}],
)
def test_bytenet_logaritmico(kernel, crescita):
    """Vale perché la dilatazione raddoppia a ogni strato: con una fissa la crescita è di nuovo lineare."""
    check(kernel, crescita)


@affermazione(
    "transformer-costante", vero={"crescita": "costante"}, falso=[{"crescita": "lineare"}, {"crescita": "logaritmica"}]
)
def test_transformer_costante(crescita):
    check(self_attention, crescita)


def average(q, K, V):
    return scaled_dot_product_attention(q, K, V)[0]


def plain_sum(q, K, V):
    return len(V) * scaled_dot_product_attention(q, K, V)[0]


@affermazione(
    "la-media-riduce-la-risoluzione",
    vero={"unione": average, "concentrazione": 0.0},
    falso=[{"unione": plain_sum}, {"concentrazione": 1e3}],
)
def test_la_media_riduce_la_risoluzione(unione, concentrazione):
    """Fra n posizioni ugualmente compatibili, di ciò che muta in una arriva un ennesimo; in una somma arriva intero."""
    for n in (2, 5, 64):
        q, K = torch.ones(1, 1), torch.zeros(n, 1)  # (1, 1), (n, 1)
        K[0] = concentrazione
        moved = torch.func.jacrev(lambda V, q=q, K=K: unione(q, K, V))(torch.randn(n, 1))  # (1, 1, n, 1)
        with tesi:
            torch.testing.assert_close(moved, torch.full_like(moved, 1 / n))
