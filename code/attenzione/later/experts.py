"""Più reti al posto di quella di §3.3, e di esse poche per ogni vettore: la mixture of experts.

È di Shazeer e altri (2017, arXiv 1701.06538), che la mettono fra due LSTM; il peso unico e la perdita che distribuisce
il carico sono di Fedus, Zoph e Shazeer (2021, arXiv 2101.03961).
"""

import torch
from torch import nn

from attenzione.config import check_positive_integer
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.later.gated import starting_matrix

WEIGHTS = ("softmax", "sigmoid", "probability")


class MixtureOfExperts(nn.Module):
    """Σ w_i FFN_i(x) sui k esperti che il router sceglie per x: quelli dai punteggi x W_router più alti.

    weights dice come i punteggi dei k scelti diventano i pesi w_i. «softmax»: la softmax fra loro soltanto, come in
    Mixtral; «sigmoid»: 1/(1 + e^−s) di ciascuno, diviso per la somma dei k, come in DeepSeek-V3 (senza il suo fattore);
    «probability»: la softmax su tutti gli esperti, e non si normalizza, come in Switch, dove k = 1. W_router:
    (d_model, n_experts); bias: (n_experts,), si somma ai punteggi per scegliere e per nient’altro, e nessun gradiente
    lo muove. Dopo ogni forward, routing è la coppia (scelti, probabilità) dell’ultimo ingresso: (…, k) e
    (…, n_experts). Errori: ValueError se una grandezza non è un intero positivo, k supera n_experts, weights non c’è.
    """

    def __init__(self, d_model, d_ff, n_experts=4, k=2, weights="softmax", init_gain=1.0):
        super().__init__()
        for name, value in (("n_experts", n_experts), ("k", k)):
            check_positive_integer(name, value)
        if k > n_experts:
            raise ValueError(f"k vale {k}: atteso al più n_experts = {n_experts}")
        if weights not in WEIGHTS:
            raise ValueError(f"weights vale «{weights}»: atteso uno fra {', '.join(WEIGHTS)}")
        self.k, self.weights, self.routing = k, weights, None
        self.W_router = starting_matrix(d_model, n_experts)
        self.register_buffer("bias", torch.zeros(n_experts))
        self.experts = nn.ModuleList(PositionwiseFeedForward(d_model, d_ff, init_gain) for _ in range(n_experts))

    def forward(self, x):
        """x: (..., d_model). Rende (..., d_model): ogni esperto vede soltanto i vettori che l’hanno scelto."""
        chosen, weights = self.route(x)  # (..., k), (..., k)
        rows, chosen, weights = x.reshape(-1, x.size(-1)), chosen.flatten(0, -2), weights.flatten(0, -2)
        output = torch.zeros_like(rows)  # (posizioni, d_model)
        for i, expert in enumerate(self.experts):
            row, place = (chosen == i).nonzero(as_tuple=True)
            if len(row):
                output = output.index_add(0, row, weights[row, place, None] * expert(rows[row]))
        return output.view_as(x)

    def route(self, x):
        """I k esperti scelti per ogni vettore, dal più alto, e i loro pesi: (..., k) e (..., k). x: (..., d_model)."""
        scores = x @ self.W_router  # (..., n_experts)
        chosen = (scores + self.bias).topk(self.k, dim=-1).indices  # (..., k)
        if self.weights == "sigmoid":
            probabilities = scores.sigmoid() / scores.sigmoid().sum(dim=-1, keepdim=True)
            weights = scores.sigmoid().gather(-1, chosen)
            weights = weights / weights.sum(dim=-1, keepdim=True)
        else:
            probabilities = scores.softmax(dim=-1)
            weights = probabilities.gather(-1, chosen)
            if self.weights == "softmax":
                weights = scores.gather(-1, chosen).softmax(dim=-1)
        self.routing = chosen, probabilities
        return chosen, weights


def load(chosen, n_experts):
    """La parte delle scelte che tocca a ciascun esperto: (n_experts,), somma 1. chosen: interi, di qualsiasi forma."""
    return torch.bincount(chosen.flatten(), minlength=n_experts) / chosen.numel()


def balance_loss(chosen, probabilities):
    """La perdita ausiliaria, n_experts Σ f_i P_i: 1 quando il carico è uguale per tutti.

    f_i: la parte delle scelte che tocca all’esperto i; P_i: la media delle sue probabilità, la sola che ha un
    gradiente. chosen: (..., k); probabilities: (..., n_experts), come in MixtureOfExperts.routing. Rende un numero.
    """
    n_experts = probabilities.size(-1)
    P = probabilities.flatten(0, -2).mean(dim=0)  # (n_experts,)
    return n_experts * (load(chosen, n_experts) * P).sum()
