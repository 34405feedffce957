"""Le affermazioni della sezione 2: quanti passi separano due posizioni, e il prezzo della media."""

from functools import partial

import torch
from formule import who_moves
from registro import affermazione, tesi
from torch import nn

from attenzione.attention import MultiHeadAttention, fused_attention, scaled_dot_product_attention
from attenzione.evidence.complexity import seeded


def contiguous(layer, width=3):
    return {"weight": torch.ones(1, 1, width), "padding": width // 2}


def dilated(layer):
    return {"weight": torch.ones(1, 1, 3), "padding": 2**layer, "dilation": 2**layer}


def dilated_alike(layer):
    return {"weight": torch.ones(1, 1, 3), "padding": 2, "dilation": 2}


N = 64
DISTANCES = (torch.arange(N)[:, None] - torch.arange(N)).abs()  # (64, 64)


def layers_to_connect(kernel):
    """Quanti strati servono perché ogni posizione arrivi a ogni altra: (64, 64), 0 sulla diagonale, dove non servono.

    Ogni riga del batch è una posizione accesa, da sola; si guarda quali altre si accendono.
    """
    lit, layers = torch.eye(N)[:, None], torch.zeros(N, N)  # (64, 1, 64), (64, 64)
    for layer in range(N):
        if lit.all():
            break
        layers += lit[:, 0] == 0
        lit = (nn.functional.conv1d(lit, **kernel(layer)) > 0).float()
    return layers


GROWTH = {
    "lineare": lambda distance, width: (distance / (width // 2)).ceil(),
    "logaritmica": lambda distance, width: (distance + 1).log2().ceil(),
    "costante": lambda distance, width: distance.clamp(max=1),
}


def check(kernel, growth, width=3):
    layers = layers_to_connect(kernel)
    with tesi:
        assert torch.equal(layers, GROWTH[growth](DISTANCES.float(), width))


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
    """In un solo strato del modello, con il kernel che usa, ogni posizione raggiunge ogni altra: fino a 299 posti."""
    for n in (5, 17, 64, 300):
        attention = seeded(0, MultiHeadAttention, 16, 2).double()
        x = torch.randn(n, 16, dtype=torch.float64)  # (n, 16)
        seen = who_moves(attention, x)  # (n, n)
        weighed = who_moves(lambda x, attention=attention: attention(x, need_weights=True)[0], x)  # (n, n)
        distance = (torch.arange(n)[:, None] - torch.arange(n)).abs().double()
        with tesi:
            assert torch.equal(seen, GROWTH[crescita](distance, 3) <= 1) and torch.equal(seen, weighed)


def average(q, K, V):
    return scaled_dot_product_attention(q, K, V)[0]


def side_by_side(q, K, V):
    return torch.block_diag(*V)  # (n, n): tutte, ciascuna al suo posto


@affermazione(
    "la-media-riduce-la-risoluzione",
    vero={"unione": average, "concentrazione": 0.0},
    falso=[{"unione": side_by_side}, {"concentrazione": 1e3}],
)
def test_la_media_riduce_la_risoluzione(unione, concentrazione):
    """Fra n posizioni ugualmente compatibili, di ciò che muta in una arriva un ennesimo; affiancate, o se una sola
    conta, arriva intero."""
    for n in (2, 5, 64, 300):
        q, K = torch.ones(1, 1), torch.zeros(n, 1)  # (1, 1), (n, 1)
        K[0] = concentrazione
        V = torch.randn(n, 1)  # (n, 1)
        moved = torch.func.jacrev(lambda V, q=q, K=K: unione(q, K, V))(V)  # (1, 1, n, 1)
        with tesi:
            assert torch.allclose(fused_attention(q, K, V), average(q, K, V), atol=1e-6)
            torch.testing.assert_close(moved, torch.full_like(moved, 1 / n))
