"""Le affermazioni della sezione 2: quanti passi separano due posizioni, e il prezzo della media."""

import math

import torch
from registro import affermazione
from torch import nn

from attenzione.attention import scaled_dot_product_attention


def contiguous(layer):
    return nn.functional.conv1d, {"weight": torch.ones(1, 1, 3), "padding": 1}


def dilated(layer):
    return nn.functional.conv1d, {"weight": torch.ones(1, 1, 3), "padding": 2**layer, "dilation": 2**layer}


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
    "lineare": lambda distance: distance,
    "logaritmica": lambda distance: math.ceil(math.log2(distance + 1)),
    "costante": lambda distance: 1,
}


def check(kind, growth):
    assert [layers_to_connect(d, kind) for d in (3, 15, 31)] == [GROWTH[growth](d) for d in (3, 15, 31)]


@affermazione(
    "convs2s-lineare", vero={"crescita": "lineare"}, falso=[{"crescita": "logaritmica"}, {"crescita": "costante"}]
)
def test_convs2s_lineare(crescita):
    check(contiguous, crescita)


@affermazione(
    "bytenet-logaritmico", vero={"crescita": "logaritmica"}, falso=[{"crescita": "lineare"}, {"crescita": "costante"}]
)
def test_bytenet_logaritmico(crescita):
    check(dilated, crescita)


@affermazione(
    "transformer-costante", vero={"crescita": "costante"}, falso=[{"crescita": "lineare"}, {"crescita": "logaritmica"}]
)
def test_transformer_costante(crescita):
    check(self_attention, crescita)


@affermazione("la-media-riduce-la-risoluzione", vero={"concentrazione": 0.0}, falso=[{"concentrazione": 1e3}])
def test_la_media_riduce_la_risoluzione(concentrazione):
    """Con pesi uguali, valori diversi danno la stessa uscita; con i pesi su una posizione sola no."""
    q, K = torch.ones(1, 1), torch.tensor([[concentrazione], [0.0]])  # (1, 1), (2, 1)
    different, equal = torch.tensor([[2.0], [0.0]]), torch.tensor([[1.0], [1.0]])  # (2, 1), (2, 1)
    one, other = (scaled_dot_product_attention(q, K, V)[0] for V in (different, equal))
    assert torch.allclose(one, other)
