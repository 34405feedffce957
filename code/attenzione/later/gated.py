"""SwiGLU, la rete feed-forward con una porta (Shazeer, 2020, arXiv 2002.05202), al posto di quella di §3.3."""

import torch
from torch import nn
from torch.nn.functional import silu

from attenzione.config import check_positive_integer


class SwiGLU(nn.Module):
    """FFN(x) = (Swish(x W) ⊗ x V) W_2, con Swish(a) = a σ(a): metà delle unità nascoste fa da porta all’altra metà.

    W, V: (d_model, d_ff); W_2: (d_ff, d_model); nessun bias, come nell’articolo di Shazeer. Le matrici sono tre: per
    avere i parametri di una rete di §3.3 d_ff è due terzi della sua. init_gain: moltiplica i valori di partenza.
    Errori: ValueError se una grandezza non è un intero positivo.
    """

    def __init__(self, d_model, d_ff, init_gain=1.0):
        super().__init__()
        self.W = starting_matrix(d_model, d_ff, init_gain)
        self.V = starting_matrix(d_model, d_ff, init_gain)
        self.W_2 = starting_matrix(d_ff, d_model, init_gain)

    def forward(self, x):
        """x: (..., d_model). Rende (..., d_model)."""
        return (silu(x @ self.W) * (x @ self.V)) @ self.W_2  # (..., d_ff) → (..., d_model)


class UnbiasedFeedForward(nn.Module):
    """FFN(x) = max(0, x W_1) W_2: la rete di §3.3 senza b_1 e b_2. Stessi argomenti ed errori di SwiGLU."""

    def __init__(self, d_model, d_ff, init_gain=1.0):
        super().__init__()
        self.W_1 = starting_matrix(d_model, d_ff, init_gain)
        self.W_2 = starting_matrix(d_ff, d_model, init_gain)

    def forward(self, x):
        """x: (..., d_model). Rende (..., d_model)."""
        return (x @ self.W_1).relu() @ self.W_2  # (..., d_ff) → (..., d_model)


def starting_matrix(d_in, d_out, init_gain=1.0):
    """Una matrice (d_in, d_out) coi valori di partenza di Xavier, moltiplicati per init_gain."""
    for name, value in (("d_in", d_in), ("d_out", d_out)):
        check_positive_integer(name, value)
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(d_in, d_out), init_gain))
