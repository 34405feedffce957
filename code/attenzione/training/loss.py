"""L’entropia incrociata con label smoothing, §5.4."""

import math

from torch import nn

from attenzione.config import check_fraction


def label_smoothing_loss(logits, targets, eps_ls=0.1, pad_id=0):
    """La somma, sui token veri, dell’entropia incrociata fra la distribuzione smussata e il modello.

    logits: (..., n_vocab); targets: (...), PAD dove non c’è nulla da predire. La distribuzione smussata dà
    1 − ε al token giusto e spartisce ε in parti uguali fra tutti gli n_vocab token, quello giusto compreso:
    q(k) = (1 − ε)[k = y] + ε / n_vocab. Rende uno scalare, in nat; per la media si divide per i token veri.
    La divergenza KL(q ‖ p) di altri codici è questa perdita meno l’entropia di q (smoothed_entropy), che non
    dipende dal modello: stessi gradienti, altri valori.
    Errori: ValueError se le forme non vanno d’accordo o eps_ls non è fra 0 compreso e 1 escluso.
    """
    if logits.shape[:-1] != targets.shape:
        expected = tuple(logits.shape[:-1])
        raise ValueError(f"targets ha forma {tuple(targets.shape)}: attesa quella dei logit, {expected}")
    check_fraction("eps_ls", eps_ls)
    return nn.functional.cross_entropy(
        logits.flatten(0, -2), targets.flatten(), ignore_index=pad_id, label_smoothing=eps_ls, reduction="sum"
    )


def smoothed_entropy(n_vocab, eps_ls=0.1):
    """L’entropia, in nat, della distribuzione smussata su n_vocab token: la perdita più bassa possibile."""
    check_fraction("eps_ls", eps_ls)
    if eps_ls == 0:
        return 0.0
    others = eps_ls / n_vocab
    gold = 1 - eps_ls + others
    return -gold * math.log(gold) - (n_vocab - 1) * others * math.log(others)
