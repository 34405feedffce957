"""Le affermazioni su come si adatta e si rimpicciolisce un modello già addestrato."""

import copy
import math
from itertools import pairwise

import torch
from registro import affermazione, invece, tesi
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from attenzione.later.adapters import Adapted, Adapter
from attenzione.later.distillation import distillation_loss
from attenzione.later.four_bits import integer_levels, nf4_levels, quantize_groups
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.lora import add_lora, merge


@affermazione(
    "lora-si-fonde",
    vero={"correzione": "LoRA", "scala": "alpha / r", "fusa": True},
    falso=[{"correzione": "adattatore"}, {"scala": "1"}, {"fusa": False}],
)
def test_lora_si_fonde(correzione, scala, fusa):
    """Rango 1, 4, 16 e due scale, correzioni a caso. Una matrice da sola: i minimi quadrati ne trovano una che la
    sostituisce? E un modello di due strati: stesse uscite, stessi parametri, stesse operazioni di quello di prima."""
    config = LanguageModelConfig(n_vocab=30, n_layers=2, d_model=32, d_ff=48, n_heads=4, n_kv_heads=2, p_drop=0.0)
    model = LanguageModel(config).double().eval()
    tokens = torch.randint(4, 30, (3, 20))
    for rank, alpha in ((1, 1), (1, 8), (4, 2), (16, 16), (16, 4)):
        linear = nn.Linear(24, 24, bias=False, dtype=torch.float64)
        if correzione == "LoRA":
            corrected = at_random(add_lora(linear, rank, alpha, names=["weight"]))
        else:
            corrected = at_random(Adapted(linear, Adapter(24, rank).double()))
        with tesi:
            assert far_from_linear(corrected) < 1e-9
        adapted = at_random(add_lora(copy.deepcopy(model), rank, alpha))
        by_hand = LanguageModel(config).double().eval()
        by_hand.load_state_dict(merged_state(adapted.state_dict(), alpha / rank if scala == "alpha / r" else 1))
        with torch.no_grad():
            apart = adapted(tokens)
            own = merge(adapted) if fusa else adapted
            with tesi:
                assert torch.allclose(by_hand(tokens), apart, atol=1e-9)
                assert torch.allclose(own(tokens), apart, atol=1e-9) and not torch.allclose(
                    model(tokens), apart, atol=1
                )
                assert shapes(own) == shapes(model) and operations(own, tokens) == operations(model, tokens)


def at_random(module):
    """Ogni correzione che parte da zero prende numeri a caso."""
    for name, p in module.named_parameters():
        if name.endswith(("B_lora", "up.weight")):
            nn.init.normal_(p)
    return module


@torch.no_grad()
def far_from_linear(layer, d=24):
    """Quanto la miglior matrice con bias, trovata su punti a caso, manca l’uscita su altri punti: parte del totale."""
    x = torch.randn(8 * d, d, dtype=torch.float64)
    x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)  # (8 d, d + 1): il bias
    y = layer(x[:, :-1])
    half = 4 * d
    best = torch.linalg.lstsq(x[:half], y[:half]).solution  # (d + 1, d)
    return ((x[half:] @ best - y[half:]).norm() / y[half:].norm()).item()


def merged_state(state, factor):
    """I parametri del modello con ogni correzione, letta per nome, sommata alla sua matrice."""
    plain = {}
    for name, tensor in state.items():
        path, found, rest = name.partition("parametrizations.")
        if not found:
            plain[name] = tensor
        elif rest.endswith(".original"):
            A, B = (state[name.removesuffix("original") + f"0.{matrix}_lora"] for matrix in "AB")
            plain[path + rest.removesuffix(".original")] = tensor + factor * A @ B
    return plain


def shapes(model):
    return {name: p.shape for name, p in model.named_parameters()}


def operations(model, tokens):
    with FlopCounterMode(display=False) as counter:
        model(tokens)
    return counter.get_total_flops()


def float_levels():
    """I numeri in virgola mobile a 4 bit, due di esponente e uno di mantissa, da −1 a 1: lo zero c’è due volte."""
    positive = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6]) / 6
    return torch.cat([-positive.flip(0), positive])


@affermazione(
    "nf4-livelli-ugualmente-usati",
    vero={"livelli": nf4_levels},
    falso=[{"livelli": integer_levels}, {"livelli": float_levels}],
)
def test_nf4_livelli_ugualmente_usati(livelli):
    """La parte di una normale più vicina a ciascun livello: esatta, se il livello più alto sta al quantile 1 − 31/960
    degli autori; e poi contata su ottocentomila pesi, a gruppi di 64, ciascuno con il suo massimo."""
    top = -torch.special.ndtri(torch.tensor((1 / 32 + 1 / 30) / 2, dtype=torch.float64)).item()
    levels = [top * level for level in livelli().tolist()]
    edges = [-math.inf, *((a + b) / 2 for a, b in pairwise(levels)), math.inf]
    below = [(1 + math.erf(edge / math.sqrt(2))) / 2 for edge in edges]
    shares = [b - a for a, b in pairwise(below)]  # 16
    with tesi:
        assert max(abs(share - 1 / 16) for share in shares) < 0.01
    with invece:
        assert min(shares) > 0.0555 and max(shares) < 0.0715
        used = shares_in_groups("nf4")
        assert used[0] < 0.02 and used[-1] < 0.02 and max(used) > 0.09
        assert entropy(shares_in_groups("interi")) + 0.3 < entropy(used) < 3.9


def shares_in_groups(kind):
    W = torch.randn(800, 1024, generator=torch.Generator().manual_seed(0))
    packed, _ = quantize_groups(W, kind)
    codes = torch.stack([packed // 16, packed % 16]).flatten().long()
    return (torch.bincount(codes, minlength=16) / codes.numel()).tolist()


def entropy(shares):
    return -sum(p * math.log2(p) for p in shares if p)


@affermazione(
    "distillazione-differenza-dei-logit",
    vero={"tau": (30, 300), "maestro": "a media zero", "diviso": "il vocabolario"},
    falso=[{"tau": (1, 10)}, {"maestro": "a media tre"}, {"diviso": "τ volte il vocabolario"}],
)
def test_distillazione_differenza_dei_logit(tau, maestro, diviso):
    """Tre vocabolari, logit a caso: il gradiente della perdita, contro la differenza. Dieci volte la temperatura, un
    decimo dell’errore."""
    for n_vocab in (5, 50, 500):
        z, v = (centred(torch.randn(4, n_vocab, dtype=torch.float64)) for _ in range(2))
        z.requires_grad_()
        v = v + 3 if maestro == "a media tre" else v
        errors = []
        for t in tau:
            (gradient,) = torch.autograd.grad(distillation_loss(z, v, temperature=t), z)
            n = n_vocab * t if diviso == "τ volte il vocabolario" else n_vocab
            expected = (z - v) / n / 4  # media su quattro token
            errors.append(((gradient - expected).norm() / expected.norm()).item())
        with tesi:
            assert errors[0] < 0.1 and errors[1] < 0.01 and 8 < errors[0] / errors[1] < 12


def centred(x):
    return x - x.mean(dim=1, keepdim=True)
