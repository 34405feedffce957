"""Il migliore di N: si estraggono N risposte e si tiene quella col premio più alto. Nessun peso cambia.

Quanto ci si sposta dalla distribuzione di partenza si sa: la KL è al più log N − (N − 1)/N, e quasi quella quando i
premi sono diversi e N volte la probabilità di ciascuna risposta è piccola (Beirami e altri, 2024, arXiv 2401.01879).
"""

import math

import torch

from attenzione.config import check_positive_integer


def best_of(rewards):
    """Quale risposta si tiene, la prima delle migliori: (B,) da (B, N)."""
    return rewards.argmax(dim=-1)


def best_of_probabilities(p, rewards, N):
    """Con che probabilità si tiene ciascuna risposta, in doppia precisione: (n,).

    p: le probabilità di partenza, (n,); rewards: i premi, (n,). La migliore vale al più r con probabilità P(premio ≤ r)
    alla N; chi ha pari premio si divide quella differenza come in p. Errori: ValueError se N non è un intero positivo.
    """
    check_positive_integer("N", N)
    p = p.double()
    _, group = torch.unique(rewards, return_inverse=True)  # (n,): i premi, in ordine
    equal = torch.zeros(group.max() + 1, dtype=torch.float64).index_add(0, group, p)
    up_to = equal.cumsum(dim=0)
    gained = up_to**N - (up_to - equal).clamp(min=0) ** N
    return p * (gained / equal).nan_to_num()[group]


def kl(q, p):
    """La divergenza KL di q da p, in nat: due distribuzioni su n risposte, (n,)."""
    return torch.special.xlogy(q, q / p).nansum().item()


def best_of_bound(N):
    """log N − (N − 1)/N, in nat."""
    check_positive_integer("N", N)
    return math.log(N) - (N - 1) / N
