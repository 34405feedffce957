"""Le affermazioni su che cosa si ottiene da un modello a pesi fermi."""

import functools
import math

import pytest
import torch
from registro import affermazione, distacco, premessa, tesi

from attenzione.later import steps
from attenzione.later.retrieval import HyperplaneIndex
from attenzione.later.voting import majority


def angle_over_pi(theta):
    return theta / math.pi


def half_one_minus_cosine(theta):
    return (1 - math.cos(theta)) / 2


def angle_over_turn(theta):
    return theta / (2 * math.pi)


@affermazione(
    "iperpiani-angolo",
    vero={"separa": angle_over_pi},
    falso=[{"separa": half_one_minus_cosine}, {"separa": angle_over_turn}],
)
def test_iperpiani_angolo(separa):
    """Due vettori di lunghezze diverse, in tre spazi e a sei angoli: ventimila iperpiani, e quattromila terne."""
    for d in (2, 10, 100):
        for theta in (0.1, 0.5, 1.0, 1.6, 2.4, 3.0):
            u, w = torch.linalg.qr(torch.randn(d, 2, dtype=torch.float64)).Q.T
            pair = torch.stack([3 * u, 0.2 * (math.cos(theta) * u + math.sin(theta) * w)])
            one, other = HyperplaneIndex(pair, 50, 400).codes(pair)  # (400,): cinquanta cifre per numero
            apart = [(one >> bit & 1) != (other >> bit & 1) for bit in range(50)]
            one, other = HyperplaneIndex(pair, 3, 4000).codes(pair)  # (4000,)
            with tesi:
                assert near(torch.cat(apart), separa(theta))
                assert near(one == other, (1 - separa(theta)) ** 3)


def near(happened, p):
    """Se le volte in cui è successo si spiegano con la probabilità p, entro cinque scarti tipo."""
    return abs(happened.double().mean().item() - p) < 5 * math.sqrt(p * (1 - p) / len(happened)) + 1e-3


N_CHAINS = 16


@functools.cache
def chains(seed, n_steps):
    """(risposte di una catena senza caso, di N_CHAINS catene a temperatura 2, quelle giuste), su cento domande."""
    exam = steps.questions(100, generator=torch.Generator().manual_seed(2))  # (100, 8)
    model, generator = steps.build(seed), torch.Generator().manual_seed(seed)
    steps.train(model, with_steps=True, steps=n_steps, seed=seed)
    greedy = steps.write(model, exam, 8)[:, -1]  # (100,)
    drawn = [steps.write(model, exam, 8, tau=2.0, generator=generator)[:, -1] for _ in range(N_CHAINS)]
    return greedy, torch.stack(drawn), exam.sum(dim=1) % 10


@pytest.mark.lento
@affermazione(
    "autocoerenza-piu-di-una-catena",
    vero={"passi": 300, "sbagli": "sparsi", "catene": N_CHAINS},
    falso=[{"sbagli": "tutti uguali"}, {"catene": 2}],
    controllo=[{"passi": 0}],
    semi=(0, 1, 2),
)
def test_autocoerenza_piu_di_una_catena(passi, sbagli, catene, semi):
    """Tre modelli che sommano scrivendo i passi: quanto guadagna la risposta più frequente su una catena sola."""
    alone, voted = [], []
    for seed in semi:
        greedy, answers, right = chains(seed, passi)
        with premessa:
            assert (greedy == right).double().mean() > 0.6
        if sbagli == "tutti uguali":
            answers = torch.where(answers == right, answers, (right + 1) % 10)
        alone.append((answers == right).double().mean().item())
        voted.append((majority(answers[:catene]) == right).double().mean().item())
    with tesi:
        assert min(b - a for a, b in zip(alone, voted, strict=True)) > 0.15 and distacco(voted, alone) > 2
