"""Pesi a 4 bit: a gruppi di 64, ciascuno con la sua scala, e due numeri in un byte.

La quantizzazione è quella di attenzione.quantization, riga per riga: qui una riga è un gruppo. «interi» dà i livelli a
distanze uguali; «nf4», il NormalFloat di QLoRA (Dettmers e altri, 2023, arXiv 2305.14314), li infittisce attorno allo
zero, dove i pesi sono di più: se un peso è normale, ogni livello ne riceve circa quanti ne ricevono gli altri.
"""

from functools import cache

import torch
from torch import nn
from torch.nn.utils import parametrize

from attenzione.later.lora import find, matrices
from attenzione.quantization import output_axis, quantize_rows

GROUP = 64
OFFSET = 0.9677083
"""La coda da cui partono i quantili di NF4: quella del codice degli autori (bitsandbytes, create_normal_map)."""


@cache
def nf4_levels():
    """I 16 livelli di NF4, da −1 a 1: sette quantili negativi della normale, lo zero, otto positivi. (16,)."""
    positive = torch.special.ndtri(torch.linspace(OFFSET, 0.5, 9, dtype=torch.float64)[:-1])  # (8,)
    negative = -torch.special.ndtri(torch.linspace(OFFSET, 0.5, 8, dtype=torch.float64)[:-1])  # (7,)
    levels = torch.cat([negative, torch.zeros(1, dtype=torch.float64), positive]).sort().values
    return (levels / levels.max()).float()


def integer_levels():
    """I 15 livelli degli interi a 4 bit, da −1 a 1, e uno che non si usa mai (−8/7). (16,)."""
    return torch.arange(-8, 8) / 7


LEVELS = {"nf4": nf4_levels, "interi": integer_levels}


def quantize_groups(W, kind="nf4"):
    """W: (righe, colonne), un multiplo di GROUP numeri. Rende (packed, scale): uint8 (gruppi, 32), float32 (gruppi,).

    I gruppi sono i numeri di W, presi in fila per righe; scale è il massimo del gruppo senza il segno. Errori:
    ValueError se i numeri non sono un multiplo di GROUP o kind è ignoto; quelli di quantize_rows.
    """
    if kind not in LEVELS:
        raise ValueError(f"kind vale «{kind}»: atteso uno fra {', '.join(LEVELS)}")
    if W.numel() % GROUP:
        raise ValueError(f"W ha {W.numel()} numeri: atteso un multiplo di {GROUP}")
    groups = W.detach().float().reshape(-1, GROUP)  # (gruppi, 64)
    codes, step = quantize_rows(groups, bits=4)  # da −7 a 7
    scale = 7 * step  # (gruppi,)
    if kind == "interi":
        codes = codes + 8
    else:
        levels = nf4_levels().to(W.device)
        middles = (levels[1:] + levels[:-1]) / 2  # (15,)
        codes = torch.bucketize((groups / scale[:, None]).contiguous(), middles)
    codes = codes.to(torch.uint8)  # (gruppi, 64), da 0 a 15
    return codes[:, ::2] * 16 + codes[:, 1::2], scale


def dequantize_groups(packed, scale, shape, kind="nf4"):
    """La matrice float32 di forma shape che packed e scale rappresentano."""
    codes = torch.stack([packed // 16, packed % 16], dim=-1).flatten(1).long()  # (gruppi, 64)
    return (LEVELS[kind]().to(packed.device)[codes] * scale[:, None]).reshape(shape)


class FourBits(nn.Module):
    """Ciò che sta al posto di una matrice a 4 bit: la conserva impacchettata, e la ridà in float32 a chi la usa."""

    def __init__(self, name, W, kind="nf4"):
        super().__init__()
        self.transposed, self.kind = output_axis(name, W) == 1, kind
        self.shape = tuple(W.T.shape if self.transposed else W.shape)

    def right_inverse(self, W):
        """Dalla matrice ai suoi (packed, scale): in un gruppo stanno ingressi vicini di una stessa unità d’uscita."""
        return quantize_groups(W.T if self.transposed else W, self.kind)

    def forward(self, packed, scale):
        W = dequantize_groups(packed, scale, self.shape, self.kind)
        return W.T if self.transposed else W


def freeze_in_four_bits(model, kind="nf4", names=None):
    """Congela il modello e porta a 4 bit le matrici di names (quelle degli strati se None), sul posto. Rende model."""
    model.requires_grad_(False)
    for name in matrices(model) if names is None else names:
        module, last = find(model, name)
        parametrize.register_parametrization(module, last, FourBits(last, getattr(module, last), kind))
    return model


def stored_bytes(model):
    """I byte che i parametri del modello occupano in memoria, come sono conservati."""
    return sum(p.numel() * p.element_size() for p in model.parameters())
