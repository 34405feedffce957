"""Da confronti a un premio: il modello di Bradley e Terry, e la rete che ne impara il premio (arXiv 2203.02155, §3.5).

Ogni risposta ha un premio, un numero; chi confronta due risposte preferisce la prima con probabilità σ(r − r′), dove σ
è la funzione logistica. Dei premi contano le differenze: aggiungere a tutti lo stesso numero non cambia nulla.
"""

import copy

import torch
from torch import nn
from torch.nn.functional import logsigmoid

from attenzione.later.answers import counted


def preferred(first, second, generator=None):
    """Se un giudice preferisce la prima risposta, estratto a sorte secondo i premi: sì o no, come first e second."""
    return torch.rand(first.shape, generator=generator) < torch.sigmoid(first - second)


def preference_loss(chosen, rejected):
    """Meno il logaritmo della probabilità dei confronti, in media: chosen e rejected sono i premi, (B,) tutti e due."""
    return -logsigmoid(chosen - rejected).mean()


def strengths(wins, steps=50):
    """I premi più verosimili di n risposte, a media zero: (n,). wins: (n, n), quante volte la riga batte la colonna.

    Con il metodo di Newton, sulla perdita di tutti i confronti. Errori: ValueError se le risposte si dividono in due
    gruppi di cui il secondo non batte mai il primo: i premi più verosimili sarebbero infiniti.
    """
    wins = wins.double()
    n = len(wins)
    linked = wins > 0
    for _ in range(n):
        linked = linked | (linked.double() @ linked.double() > 0)
    if not (linked | torch.eye(n, dtype=torch.bool)).all():
        raise ValueError(
            "wins divide le risposte in due gruppi: atteso che da ognuna si arrivi a ogni altra, per vittorie"
        )
    rewards = torch.zeros(n, dtype=torch.float64)
    for _ in range(steps):
        p = torch.sigmoid(rewards[:, None] - rewards)  # (n, n)
        played = wins + wins.T
        gradient = (wins - played * p).sum(dim=1)
        weights = played * p * (1 - p)
        curvature = weights.sum(dim=1).diag() - weights + 1 / n  # + 1/n: la media resta zero
        step = torch.linalg.solve(curvature, gradient)
        rewards = rewards + step / max(1.0, step.abs().max().item())
    return rewards - rewards.mean()


class RewardModel(nn.Module):
    """Un modello linguistico che, invece dei token, dà un numero: la rete di model, copiata, e un vettore w in cima.

    Parte da zero per ogni risposta. Il numero si legge al token di fine della risposta.
    """

    def __init__(self, model, end_id):
        super().__init__()
        self.body = copy.deepcopy(model)
        self.w = nn.Parameter(torch.zeros_like(model.embedding.E[0]))  # (d_model,)
        self.end_id = end_id

    def forward(self, questions, answers):
        """questions: (B, n); answers: (B, m). Rende i premi (B,)."""
        states = self.body.run(torch.cat([questions, answers], dim=1))[:, questions.size(1) :]  # (B, m, d_model)
        last = counted(answers, self.end_id).sum(dim=1) - 1  # (B,)
        return states[torch.arange(len(answers)), last] @ self.w
