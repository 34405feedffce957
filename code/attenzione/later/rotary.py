"""RoPE, le posizioni come rotazioni di query e chiavi (Su e altri, 2021, arXiv 2104.09864), al posto di §3.5.

Le componenti 2i e 2i + 1 sono un punto del piano, che alla posizione pos gira di un angolo pos · θ_i, con θ_i =
base^(−2i/d_k): le stesse frequenze dei seni e coseni dell’articolo. Il prodotto scalare fra una query girata di pos e
una chiave girata di pos′ dipende soltanto da pos − pos′.
"""

import torch
from torch import nn

from attenzione.config import check_positive_integer


class RotaryPositions(nn.Module):
    """Gira le query o le chiavi di quanto vuole la loro posizione; nessun parametro.

    d_k: la larghezza di una testa, pari; base: 10 000 nell’articolo di RoPE. length: quante posizioni si calcolano
    subito; la tabella si allunga quando serve. Altri codici accoppiano la componente i con la i + d_k/2: è la stessa
    cosa, con le colonne di W^Q e W^K in un altro ordine. Errori: ValueError se d_k non è un intero positivo e pari.
    """

    def __init__(self, d_k, base=10_000.0, length=256):
        super().__init__()
        self.base = base
        cos, sin = (x.to(torch.get_default_dtype()) for x in rotations(length, d_k, base))  # (length, d_k/2)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, x, start=0):
        """x: (..., n, d_k), le posizioni da start in poi. Rende (..., n, d_k), dello stesso tipo."""
        end = start + x.size(-2)
        if end > self.cos.size(0) or self.cos.device != x.device:
            n = max(end, 2 * self.cos.size(0))  # al doppio, per non rifarla a ogni token
            self.cos, self.sin = (t.to(self.cos.dtype).to(x.device) for t in rotations(n, x.size(-1), self.base))
        return rotate(x, self.cos[start:end], self.sin[start:end])

    def _apply(self, function, recurse=True):
        """Chi cambia dispositivo o tipo al modulo ricalcola la tabella: in doppia precisione è esatta anch’essa."""
        super()._apply(function, recurse)
        n, half = self.cos.shape
        self.cos, self.sin = (t.to(self.cos) for t in rotations(n, 2 * half, self.base))
        return self


def rotations(n, d_k, base=10_000.0):
    """Coseni e seni degli angoli delle prime n posizioni, in doppia precisione: due tensori (n, d_k/2).

    Errori: ValueError se d_k non è un intero positivo e pari.
    """
    check_positive_integer("d_k", d_k)
    if d_k % 2:
        raise ValueError(f"d_k vale {d_k}: atteso pari, perché le componenti girano a coppie")
    theta = base ** (-2 * torch.arange(d_k // 2, dtype=torch.float64) / d_k)  # (d_k/2,)
    angles = torch.arange(n, dtype=torch.float64)[:, None] * theta  # (n, d_k/2)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Gira le coppie di componenti vicine di x (..., n, d_k); cos, sin: (n, d_k/2). Rende (..., n, d_k)."""
    even, odd = x.unflatten(-1, (-1, 2)).unbind(dim=-1)  # (..., n, d_k/2) tutti e due
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)  # (..., n, d_k/2, 2)
    return turned.flatten(-2).to(x.dtype)
