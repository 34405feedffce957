"""Attenzione a basso rango: chiavi e valori riassunti in poche righe (Wang e altri, 2020, arXiv 2006.04768).

Le n chiavi diventano k miscugli di chiavi, con una matrice (k, n) imparata; così i valori. I punteggi sono n × k. La
matrice lega le posizioni al loro numero: la lunghezza è fissata, e una maschera causale non ha più senso, perché ogni
miscuglio può contenere il futuro.
"""

import math

import torch
from torch import nn

from attenzione.attention import scaled_dot_product_attention
from attenzione.config import check_positive_integer


class LowRankAttention(nn.Module):
    """L’attenzione di una o più teste con n posizioni riassunte in rank righe.

    E, F: (rank, n), i miscugli delle chiavi e dei valori, gli stessi per tutte le teste. Errori: ValueError se una
    grandezza non è un intero positivo, o una sequenza non è lunga n.
    """

    def __init__(self, n, rank):
        super().__init__()
        check_positive_integer("n", n)
        check_positive_integer("rank", rank)
        self.E = nn.Parameter(torch.randn(rank, n) / math.sqrt(n))
        self.F = nn.Parameter(torch.randn(rank, n) / math.sqrt(n))

    def forward(self, Q, K, V):
        """Q, K: (..., n, d_k); V: (..., n, d_v). Rende (uscita, pesi): (..., n, d_v) e (..., n, rank)."""
        if K.size(-2) != self.E.size(1):
            raise ValueError(f"K ha {K.size(-2)} righe: attese le n = {self.E.size(1)} con cui il modulo è costruito")
        return scaled_dot_product_attention(Q, self.E @ K, self.F @ V)


def singular_values(weights):
    """I valori singolari delle mappe, dal più grande, divisi per la radice della somma dei quadrati: (..., n).

    weights: (..., n, n). Il quadrato dice quale parte dell’energia della mappa sta in quella direzione.
    """
    values = torch.linalg.svdvals(weights)  # (..., n)
    return values / values.norm(dim=-1, keepdim=True)


def rank_error(weights, rank):
    """Quanto resta fuori dalla migliore approssimazione di rango rank: norma dello scarto su norma della mappa.

    weights: (..., n, n). Rende (...), fra 0 e 1.
    """
    return singular_values(weights)[..., rank:].norm(dim=-1)
