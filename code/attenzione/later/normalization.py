"""RMSNorm, la normalizzazione senza media (Zhang e Sennrich, 2019, arXiv 1910.07467), al posto di quella di §3.1."""

import torch
from torch import nn

from attenzione.config import check_positive_integer


class RMSNorm(nn.Module):
    """Divide ogni vettore per la radice della media dei quadrati delle sue componenti, poi moltiplica per g.

    La layer normalization toglie prima la media e aggiunge alla fine un bias; qui non c’è né l’una né l’altro. g:
    (d_model,), il guadagno, che parte da 1; eps: si somma alla media dei quadrati, perché un vettore nullo resti nullo.
    Errori: ValueError se d_model non è un intero positivo.
    """

    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        check_positive_integer("d_model", d_model)
        self.g = nn.Parameter(torch.ones(d_model))  # (d_model,)
        self.eps = eps

    def forward(self, x):
        """x: (..., d_model). Rende (..., d_model)."""
        mean_square = x.square().mean(dim=-1, keepdim=True)  # (..., 1)
        return x * (mean_square + self.eps).rsqrt() * self.g
