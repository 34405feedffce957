"""Le affermazioni sugli esperti e sulle immagini."""

import torch
from registro import affermazione, tesi
from torch.utils.flop_counter import FlopCounterMode

from attenzione.feedforward import PositionwiseFeedForward
from attenzione.later.experts import WEIGHTS, MixtureOfExperts
from attenzione.later.patches import VisionTransformer


def all_of_them(n_experts, k):
    return n_experts


def the_chosen(n_experts, k):
    return k


@affermazione(
    "moe-parametri-e-operazioni",
    vero={"parametri": all_of_them, "operazioni": the_chosen, "router": 1},
    falso=[{"operazioni": all_of_them}, {"parametri": the_chosen}, {"router": 0}],
)
def test_moe_parametri_e_operazioni(parametri, operazioni, router):
    """Sei coppie di esperti e di scelti, due grandezze; le operazioni le conta PyTorch mentre lo strato gira."""
    for d_model, d_ff, n in ((16, 64, 50), (48, 32, 9)):
        one, x = PositionwiseFeedForward(d_model, d_ff), torch.randn(n, d_model)
        for n_experts, k in ((4, 2), (8, 2), (8, 1), (16, 4), (3, 3), (2, 1)):
            layer = MixtureOfExperts(d_model, d_ff, n_experts, k)
            more = router * d_model * n_experts  # la matrice del router
            with tesi:
                assert size(layer) == parametri(n_experts, k) * size(one) + more
                assert operations(layer, x) == operazioni(n_experts, k) * operations(one, x) + 2 * n * more


def size(layer):
    return sum(p.numel() for p in layer.parameters())


def operations(layer, x):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        layer(x)
    return counter.get_total_flops()


@affermazione(
    "moe-un-peso-normalizzato",
    vero={"con_gradiente": {"probability"}, "scelti": 1},
    falso=[
        {"con_gradiente": set()},
        {"con_gradiente": {"probability", "softmax"}},
        {"con_gradiente": {"probability", "sigmoid"}},
        {"scelti": 2},
    ],
)
def test_moe_un_peso_normalizzato(con_gradiente, scelti):
    """Per ogni modo di fare i pesi, quattro numeri di esperti: la derivata della perdita lungo dieci direzioni del
    router, col gradiente e per differenze."""
    for n_experts in (2, 4, 8, 16):
        x, target = torch.randn(2, 40, 12, dtype=torch.float64)
        found = set()
        for way in WEIGHTS:
            moe = MixtureOfExperts(12, 20, n_experts, scelti, weights=way).double()

            def loss(moe=moe, x=x, target=target):
                return (moe(x) - target).square().sum()

            (gradient,) = torch.autograd.grad(loss(), moe.W_router, allow_unused=True, materialize_grads=True)
            W, step = moe.W_router.data.clone(), 1e-6
            for _ in range(10):
                direction = torch.randn_like(W)
                with torch.no_grad():
                    moe.W_router.copy_(W + step * direction)
                    above = loss()
                    moe.W_router.copy_(W - step * direction)
                    slope = ((above - loss()) / (2 * step)).item()
                by_gradient = (gradient * direction).sum().item()
                with tesi:
                    assert abs(by_gradient - slope) < 1e-4 * max(1, abs(slope))
                found |= {way} if abs(slope) > 1e-3 else set()
        with tesi:
            assert found == con_gradiente


@affermazione(
    "vit-convoluzione",
    vero={"passo": 1, "tessera": "per righe", "ordine": "per righe"},
    falso=[{"passo": 0.5}, {"tessera": "per colonne"}, {"ordine": "per colonne"}],
)
def test_vit_convoluzione(passo, tessera, ordine):
    """Ciò che negli strati entra davvero, per quattro coppie di lati, contro la convoluzione di PyTorch."""
    for side, size in ((16, 4), (12, 2), (18, 6), (32, 8)):
        vit = VisionTransformer(side, size, n_classes=3).double()
        images, entering = torch.randn(3, side, side, dtype=torch.float64), []
        vit.positions.register_forward_pre_hook(lambda module, args, entering=entering: entering.append(args[0]))
        vit(images)
        kernel = vit.W_patch.T.reshape(-1, 1, size, size)  # (d_model, 1, size, size)
        kernel = kernel if tessera == "per righe" else kernel.mT
        grid = torch.nn.functional.conv2d(images[:, None], kernel, stride=int(passo * size))  # (3, d_model, …, …)
        grid = grid if ordine == "per righe" else grid.mT
        expected = grid.flatten(2).mT  # (3, posizioni, d_model)
        tiles = entering[0][:, 1:]  # davanti c’è la classe
        with tesi:
            assert tiles.shape == expected.shape
            assert torch.allclose(tiles, expected)
