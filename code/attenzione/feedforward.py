"""La rete feed-forward posizione per posizione, §3.3."""

import torch
from torch import nn


class PositionwiseFeedForward(nn.Module):
    """FFN(x) = max(0, x W_1 + b_1) W_2 + b_2, equazione (2): la stessa rete a ogni posizione.

    È lo stesso calcolo di due convoluzioni con kernel di ampiezza 1: W_1 trasposta, (d_ff, d_model), è il
    kernel (d_ff, d_model, 1) della prima. init_gain: moltiplica i valori di partenza di W_1 e W_2.
    """

    def __init__(self, d_model, d_ff, init_gain=1.0):
        super().__init__()
        self.W_1 = nn.Parameter(nn.init.xavier_uniform_(torch.empty(d_model, d_ff), init_gain))
        self.b_1 = nn.Parameter(torch.zeros(d_ff))
        self.W_2 = nn.Parameter(nn.init.xavier_uniform_(torch.empty(d_ff, d_model), init_gain))
        self.b_2 = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        """x: (..., d_model). Rende (..., d_model)."""
        rows = x.reshape(-1, x.size(-1))  # (posizioni, d_model)
        hidden = torch.addmm(self.b_1, rows, self.W_1).relu_()  # (posizioni, d_ff)
        return torch.addmm(self.b_2, hidden, self.W_2).view_as(x)  # (..., d_model)
