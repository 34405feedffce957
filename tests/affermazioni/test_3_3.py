"""La rete feed-forward, §3.3, alle dimensioni del modello base."""

import copy
import functools
from dataclasses import replace
from itertools import product

import torch
from formule import generated_logits, who_moves
from registro import affermazione, tesi
from torch.nn import functional as F

from attenzione.attention import MultiHeadAttention
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
    """Il modello base, con b_1 e b_2 a caso in ciascuna delle sue dodici reti."""
    torch.manual_seed(0)
    model = Transformer(replace(BASE, n_vocab=100)).eval()
    for layer in (*model.encoder, *model.decoder):
        layer.feed_forward.b_1.data.normal_()
        layer.feed_forward.b_2.data.normal_()
    return model


@functools.cache
def silent():
    """Lo stesso modello con l’attenzione spenta."""
    silent = copy.deepcopy(model())
    for module in silent.modules():
        if isinstance(module, MultiHeadAttention):
            module.W_o.data.zero_()
    return silent


@torch.no_grad()
def through_silent_layers(x):
    """Ciò che rende ciascuno dei dodici strati, con l’attenzione spenta. x: (1, n, 512)."""
    return [layer(x) for layer in silent().encoder] + [layer(x, x) for layer in silent().decoder]


def used_networks():
    """Le reti che il modello intero usa, nell’ordine, ciascuna col suo numero."""
    used, hooks = [], []
    for i, network in enumerate(networks()):
        hooks.append(network.register_forward_hook(lambda m, x, y, i=i: used.append(i)))
    with torch.no_grad():
        model()(torch.arange(5, 10)[None], torch.arange(20, 26)[None])
    for hook in hooks:
        hook.remove()
    return used


def networks():
    return [layer.feed_forward for layer in (*model().encoder, *model().decoder)]


def nothing(x):
    return x


@affermazione(
    "ffn-equazione",
    vero={"dentro": F.relu, "fuori": nothing, "b_1": 1, "b_2": 1},
    falso=[{"dentro": F.gelu}, {"dentro": F.leaky_relu}, {"fuori": F.relu}, {"b_1": 0}, {"b_2": 0}],
)
def test_equazione(dentro, fuori, b_1, b_2):
    """In doppia precisione, e poi ciascuna delle dodici reti del modello base; che rende lo stesso anche quando genera
    un token alla volta, con conti scritti a parte."""
    network, x = base_network()
    for net, vectors, atol in [(network, x, 1e-10), *((net, x.float(), 1e-4) for net in networks())]:
        with torch.no_grad():
            hidden = dentro(vectors @ net.W_1 + b_1 * net.b_1)  # (1, 10, 2048)
            expected = fuori(hidden @ net.W_2 + b_2 * net.b_2)  # (1, 10, 512)
            with tesi:
                assert torch.allclose(net(vectors), expected, atol=atol)
    src, tgt = torch.arange(5, 10)[None], torch.arange(20, 26)[None]  # (1, 5), (1, 6)
    with torch.no_grad(), tesi:
        assert torch.allclose(generated_logits(model(), src, tgt), model()(src, tgt), atol=1e-3)


def alone(network, x):
    return network(x)


def with_neighbours(network, x):
    return network(x + x.roll(1, dims=1))  # (1, 10, 512): una posizione vede anche quella prima


def one_for_each_position(network, x):
    return network(x) * torch.arange(1, x.size(1) + 1)[:, None]  # (1, n, 512): separate, ma ciascuna a modo suo


@affermazione(
    "ffn-separatamente-e-allo-stesso-modo",
    vero={"rete": alone},
    falso=[{"rete": with_neighbours}, {"rete": one_for_each_position}],
)
def test_separatamente(rete):
    """Cambiando un token si muove la sua uscita soltanto; mescolando i token si mescolano le uscite. E gli strati del
    modello, spenta l’attenzione, rendono a ogni vettore ciò che gli rendono quando è solo."""
    network, x = base_network()
    order, before = torch.randperm(10, generator=torch.Generator().manual_seed(0)), rete(network, x)
    for i in range(10):
        changed = x.clone()
        changed[0, i] += 1
        moved = ((rete(network, changed) - before).abs() > 1e-10).any(dim=-1)[0]  # (10,)
        with tesi:
            assert moved.nonzero().flatten().tolist() == [i]
    with tesi:
        assert torch.allclose(rete(network, x[:, order]), rete(network, x)[:, order], atol=1e-10)
    together = torch.cat(through_silent_layers(x.float()))  # (12, 10, 512)
    single = [torch.cat(through_silent_layers(x[:, i : i + 1].float())) for i in range(10)]  # (12, 1, 512) ciascuno
    with tesi:
        assert torch.allclose(together, torch.cat(single, dim=1), atol=1e-4)
    thin = PositionwiseFeedForward(16, 64).double()
    for n in (5, 17, 64, 300):
        with tesi:
            assert torch.equal(who_moves(functools.partial(rete, thin), torch.randn(n, 16).double()), torch.eye(n) > 0)


@affermazione("ffn-due-convoluzioni", vero={"ampiezza": 1}, falso=[{"ampiezza": 3}, {"ampiezza": 5}])
def test_due_convoluzioni(ampiezza):
    """Gli stessi pesi in ogni posto del kernel: con più di un posto si vedono i vicini. Lo stesso per ogni rete del
    modello, mentre il modello la usa."""

    def twice(network, x):
        first, second = (W.T[:, :, None].expand(-1, -1, ampiezza) for W in (network.W_1, network.W_2))
        hidden = F.conv1d(x.mT, first, network.b_1, padding="same").relu()  # (1, 2048, n)
        return F.conv1d(hidden, second, network.b_2, padding="same").mT  # (1, n, 512)

    network, x = base_network()
    with tesi:
        assert torch.allclose(network(x), twice(network, x), atol=1e-10)
    seen = []
    hooks = [n.register_forward_hook(lambda m, args, y: seen.append((m, args[0], y))) for n in networks()]
    with torch.no_grad():
        model()(torch.arange(5, 10)[None], torch.arange(20, 26)[None])
        for hook in hooks:
            hook.remove()
        with tesi:
            for network, x, output in seen:
                assert torch.allclose(output, twice(network, x), atol=1e-3)
    assert {id(network) for network, _, _ in seen} == set(map(id, networks()))


def norm(x):
    return F.layer_norm(x, (512,))


@affermazione("ffn-in-ogni-strato", vero={"reti": 1}, falso=[{"reti": 0}, {"reti": 2}])
def test_in_ogni_strato(reti):
    """Spenta l’attenzione, di ogni strato resta la rete: una, con il suo residuo e la sua normalizzazione. Con b_1 e
    b_2 a caso: di zero una rete senza bias rende zero, e non si vedrebbe."""
    x = torch.randn(1, 7, 512)  # (1, 7, 512)
    outputs = through_silent_layers(x)
    with torch.no_grad():
        expected = []
        for layer in (*model().encoder, *model().decoder):
            after = norm(x) if layer in model().encoder else norm(norm(x))  # (1, 7, 512)
            for _ in range(reti):
                after = norm(after + layer.feed_forward(after))
            expected.append(after)
    with tesi:
        assert torch.allclose(torch.cat(outputs), torch.cat(expected), atol=1e-4)
    assert len(outputs) == 12


@affermazione(
    "ffn-dimensioni",
    vero={"d_model": 512, "d_ff": 2048},
    falso=[{"d_ff": 512}, {"d_ff": 1024}, {"d_ff": 4096}, {"d_model": 1024, "d_ff": 4096}],
)
def test_dimensioni(d_model, d_ff):
    for network in networks():
        shapes = [tuple(p.shape) for p in (network.W_1, network.b_1, network.W_2, network.b_2)]
        with tesi:
            assert shapes == [(d_model, d_ff), (d_ff,), (d_ff, d_model), (d_model,)]


@affermazione(
    "ffn-parametri-diversi",
    vero={"parametro": "W_1", "reti": (0,)},
    falso=[
        {"reti": range(12)},
        {"reti": (3, 4)},
        {"parametro": "W_2", "reti": range(12)},
        {"parametro": "W_2", "reti": (0, 6)},
        {"parametro": "b_1", "reti": range(6)},
        {"parametro": "b_2", "reti": (10, 11)},
    ],
)
def test_parametri_diversi(parametro, reti):
    """Un vettore solo, in cinque posizioni, a tutte le reti: da ciascuna la stessa uscita in ogni posizione, e un’altra
    da ogni altra rete. Cambiato un parametro, uno qualsiasi, cambia l’uscita della sua rete soltanto; non così se due
    reti o più ne hanno uno in comune. Nel modello intero, poi, ciascuna si usa una volta; e lo strato che la contiene,
    spenta l’attenzione, rende anch’esso la stessa uscita in ogni posizione."""
    nets = copy.deepcopy(networks())
    for i in reti:
        setattr(nets[i], parametro, getattr(nets[reti[0]], parametro))
    x = torch.randn(512, generator=torch.Generator().manual_seed(0)).expand(1, 5, 512)  # (1, 5, 512)

    @torch.no_grad()
    def outputs():
        return torch.cat([net(x) for net in nets])  # (12, 5, 512)

    before = outputs()
    different = torch.cdist(before[:, 0], before[:, 0]) > 1e-2  # (12, 12)
    with tesi:
        assert torch.allclose(before, before[:, :1].expand_as(before), atol=1e-5)
        assert len(different.unique(dim=0)) == 12
        assert used_networks() == list(range(12))
        outputs_of_layers = torch.cat(through_silent_layers(x))  # (12, 5, 512)
        assert torch.allclose(outputs_of_layers, outputs_of_layers[:, :1].expand_as(outputs_of_layers), atol=1e-4)
    for i, name in product(range(12), ("W_1", "b_1", "W_2", "b_2")):
        parameter = getattr(nets[i], name).data
        parameter.neg_()
        moved = (outputs() - before).abs().amax(dim=(1, 2)) > 1e-3  # (12,)
        parameter.neg_()
        with tesi:
            assert moved.nonzero().flatten().tolist() == [i]
