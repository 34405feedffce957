"""La rete feed-forward, §3.3, alle dimensioni del modello base."""

import functools
from dataclasses import replace

import torch
from registro import affermazione
from torch.nn import functional as F

from attenzione.config import BASE
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.model import Transformer


@functools.cache
def base_network():
    """La rete in doppia precisione, con b_1 e b_2 a caso, e dieci vettori."""
    torch.manual_seed(0)
    network = PositionwiseFeedForward(512, 2048).double()
    with torch.no_grad():
        network.b_1.normal_()
        network.b_2.normal_()
    return network, torch.randn(1, 10, 512, dtype=torch.float64)


@functools.cache
def model():
    return Transformer(replace(BASE, n_vocab=100))


def networks():
    return [m for m in model().modules() if isinstance(m, PositionwiseFeedForward)]


@affermazione(
    "ffn-equazione",
    vero={"attivazione": F.relu, "b_1": 1, "b_2": 1},
    falso=[{"attivazione": F.gelu}, {"attivazione": F.leaky_relu}, {"attivazione": torch.tanh}, {"b_1": 0}, {"b_2": 0}],
)
def test_equazione(attivazione, b_1, b_2):
    network, x = base_network()
    hidden = attivazione(x @ network.W_1 + b_1 * network.b_1)  # (1, 10, 2048)
    expected = hidden @ network.W_2 + b_2 * network.b_2  # (1, 10, 512)
    assert torch.allclose(network(x), expected, atol=1e-10)


@affermazione("ffn-separatamente-e-allo-stesso-modo", vero={"mosse": 1}, falso=[{"mosse": 10}, {"mosse": 2}])
def test_separatamente(mosse):
    """Cambiando un token si muove una sola uscita; mescolando i token si mescolano le uscite."""
    network, x = base_network()
    changed = x.clone()
    changed[0, 4] += 1
    assert ((network(changed) - network(x)).abs() > 1e-10).any(dim=-1).sum() == mosse
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(network(x[:, order]), network(x)[:, order], atol=1e-10)


@affermazione("ffn-due-convoluzioni", vero={"ampiezza": 1}, falso=[{"ampiezza": 3}, {"ampiezza": 5}])
def test_due_convoluzioni(ampiezza):
    """Gli stessi pesi in ogni posto del kernel: con più di un posto si vedono i vicini."""
    network, x = base_network()
    first, second = (W.T[:, :, None].expand(-1, -1, ampiezza) for W in (network.W_1, network.W_2))
    hidden = F.conv1d(x.mT, first, network.b_1, padding="same").relu()  # (1, 2048, 10)
    output = F.conv1d(hidden, second, network.b_2, padding="same").mT  # (1, 10, 512)
    assert torch.allclose(network(x), output, atol=1e-10)


@affermazione("ffn-in-ogni-strato", vero={"reti": 12}, falso=[{"reti": 6}, {"reti": 1}])
def test_in_ogni_strato(reti):
    layers = [*model().encoder, *model().decoder]
    found = [[m for m in layer.modules() if isinstance(m, PositionwiseFeedForward)] for layer in layers]
    assert all(len(inside) == 1 for inside in found) and sum(map(len, found)) == reti


@affermazione(
    "ffn-dimensioni",
    vero={"d_model": 512, "d_ff": 2048},
    falso=[{"d_ff": 512}, {"d_ff": 1024}, {"d_ff": 4096}, {"d_model": 1024, "d_ff": 4096}],
)
def test_dimensioni(d_model, d_ff):
    for network in networks():
        shapes = [tuple(p.shape) for p in (network.W_1, network.b_1, network.W_2, network.b_2)]
        assert shapes == [(d_model, d_ff), (d_ff,), (d_ff, d_model), (d_model,)]


@affermazione("ffn-parametri-diversi", vero={"matrici": 12}, falso=[{"matrici": 1}, {"matrici": 6}])
def test_parametri_diversi(matrici):
    """Tante matrici in memoria quante sono le reti, e con numeri diversi."""
    for name in ("W_1", "W_2"):
        first_rows = torch.stack([getattr(network, name)[0].detach() for network in networks()])
        assert len({getattr(network, name).data_ptr() for network in networks()}) == matrici
        assert len(first_rows.unique(dim=0)) == matrici
