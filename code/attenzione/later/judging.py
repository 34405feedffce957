"""Un giudice fra due risposte, con i suoi vizi (Zheng e altri, 2023), e come si smascherano.

Il giudice preferisce la prima risposta con probabilità σ(differenza di merito + vizio di posizione + vizio di lunghezza
per differenza di lunghezza), con σ(x) = 1/(1 + e^−x): la regola di Bradley e Terry (1952), più i vizi.
"""

import torch


def prefers_first(merit, position=0.0, length=0.0, longer=0.0):
    """Con che probabilità il giudice sceglie la prima: merito della prima meno quello della seconda, più i vizi.

    longer: quanto la prima è più lunga della seconda. Numeri o tensori della stessa forma. Rende un tensore.
    """
    return torch.as_tensor(merit + position + length * longer, dtype=torch.float64).sigmoid()


def verdicts(probability, count, generator=None):
    """Quante volte, su count, sceglie la prima: conti della stessa forma di probability."""
    chances = probability.expand(count, *probability.shape)
    return torch.bernoulli(chances, generator=generator).sum(dim=0)


def unmask(first, swapped):
    """Differenza di merito e vizio di posizione, da due frequenze: (merito, vizio).

    first: quanto spesso vince A se sta davanti; swapped: quanto spesso vince B se sta davanti lei. I logit sono
    vizio + merito e vizio − merito: la semidifferenza è il merito, la semisomma il vizio. Ciò che non dipende dal
    posto, come il gusto per le risposte lunghe, resta nel merito. Errori: ValueError se una frequenza è 0 o 1.
    """
    first, swapped = (torch.as_tensor(x, dtype=torch.float64) for x in (first, swapped))
    for name, x in (("first", first), ("swapped", swapped)):
        if ((x <= 0) | (x >= 1)).any():
            raise ValueError(f"{name} vale {x.tolist()}: attesa una frequenza fra 0 e 1, esclusi")
    return (first.logit() - swapped.logit()) / 2, (first.logit() + swapped.logit()) / 2
