"""I messaggi su un grafo (Gilmer e altri, 2017, arXiv 1704.01212): una sequenza è un cammino, e la self-attention è uno
scambio di messaggi sul grafo completo.
"""

import math

import torch
from torch import nn

from attenzione.config import check_positive_integer
from attenzione.later.recurrent import GRU


def pass_messages(h, graph, message, update):
    """Un giro: ogni nodo somma i messaggi che riceve, e con la somma aggiorna il suo vettore.

    h: (..., n, d); graph: (n, n) booleana, vera in riga i e colonna j se il nodo i riceve da j; message(h_i, h_j): dai
    vettori di chi riceve (..., n, 1, d) e di chi manda (..., 1, n, d) ai messaggi (..., n, n, d_m); update(h, m): dai
    vettori e dalle somme (..., n, d_m) ai vettori nuovi. La somma non sa in che ordine i messaggi arrivano.
    Errori: ValueError se graph non è una tabella (n, n), TypeError se non è booleana.
    """
    n = h.size(-2)
    if graph.shape != (n, n):
        raise ValueError(f"graph ha forma {tuple(graph.shape)}: attesa ({n}, {n}), una riga e una colonna per nodo")
    if graph.dtype != torch.bool:
        raise TypeError(f"graph ha tipo {graph.dtype}: atteso torch.bool, vero dove un nodo riceve da un altro")
    messages = message(h.unsqueeze(-2), h.unsqueeze(-3))  # (..., n, n, d_m)
    total = messages.masked_fill(~graph.unsqueeze(-1), 0).sum(dim=-2)  # (..., n, d_m)
    return update(h, total)


def path_graph(n, both=False, device=None):
    """Il cammino: ogni nodo riceve da quello prima; con both anche da quello dopo. Rende (n, n) booleana."""
    ones = torch.ones(n, n, dtype=torch.bool, device=device)
    before = ones.tril(-1) & ones.triu(-1)
    return before | before.T if both else before


def attention_by_messages(X, W_q, W_k, W_v, graph):
    """La self-attention di una testa, §3.2.1, come un giro di messaggi.

    Da j a i va il valore di j, moltiplicato per l’esponenziale del punteggio, e accanto l’esponenziale solo; chi riceve
    divide l’una somma per l’altra. X: (..., n, d_model); W_q, W_k: (d_model, d_k); W_v: (d_model, d_v). Rende
    (..., n, d_v). Non sottrae il massimo dei punteggi: è una dimostrazione, non la via da usare.
    """

    def message(x_i, x_j):
        scores = (x_i @ W_q * (x_j @ W_k)).sum(dim=-1, keepdim=True) / math.sqrt(W_k.size(1))  # (..., n, n, 1)
        weight = scores.exp()
        return torch.cat([weight * (x_j @ W_v), weight], dim=-1)  # (..., n, n, d_v + 1)

    def update(_, total):
        return total[..., :-1] / total[..., -1:]  # (..., n, d_v)

    return pass_messages(X, graph, message, update)


class PathNetwork(nn.Module):
    """Una rete su grafi, sul cammino che va da sinistra a destra: rounds giri con le stesse matrici.

    Il messaggio è il vettore di chi manda per W_m (d, d), e l’aggiornamento una GRU. Dopo r giri ogni posizione sa
    delle r precedenti, e di nessun’altra. Errori: ValueError se una grandezza non è un intero positivo.
    """

    def __init__(self, d, rounds):
        super().__init__()
        check_positive_integer("rounds", rounds)
        self.rounds, self.gru = rounds, GRU(d, d)
        self.W_m = nn.Parameter(nn.init.xavier_uniform_(torch.empty(d, d)))

    def forward(self, x):
        """x: (B, n, d). Rende (B, n, d)."""
        for _ in range(self.rounds):
            sent = nn.functional.pad((x @ self.W_m)[:, :-1], (0, 0, 1, 0))  # (B, n, d): dal nodo prima
            x = self.update(x, sent)
        return x

    def step(self, x, state=None):
        """x: (B, d). Rende (B, d) e lo stato: ciò che il nodo di prima ha mandato a ogni giro, (B, rounds, d)."""
        (received,) = state or (x.new_zeros(len(x), self.rounds, x.size(-1)),)
        sent = []
        for message in received.unbind(dim=1):
            sent.append(x @ self.W_m)
            x = self.update(x, message)
        return x, (torch.stack(sent, dim=1),)

    def update(self, h, m):
        """h, m: (..., d). Rende i vettori nuovi, (..., d): la GRU prende h come stato e m come ingresso."""
        new, _ = self.gru.step(m.flatten(0, -2), (h.flatten(0, -2),))
        return new.view_as(h)
