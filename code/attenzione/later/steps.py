"""Rispondere subito o scrivere i passi: l’ultima cifra di una somma, da un modello piccolo (Wei e altri, 2022).

La domanda è una fila di cifre e il segno di uguale; la risposta l’ultima cifra della loro somma. Chi risponde subito
scrive una cifra; chi scrive i passi scrive le somme parziali, e l’ultima è la risposta. Tutto il resto è uguale.
"""

import torch
from torch.nn.functional import cross_entropy

from attenzione.config import check_positive_integer
from attenzione.device import seed_everything
from attenzione.later.language_model import LanguageModel, LanguageModelConfig

N_DIGITS = 8
ZERO, EQUALS = 3, 13  # i token da 3 a 12 sono le cifre; 0, 1 e 2 restano PAD, BOS ed EOS


def questions(count, n_digits=N_DIGITS, generator=None):
    """Domande a caso: (count, n_digits), cifre da 0 a 9."""
    check_positive_integer("n_digits", n_digits)
    return torch.randint(0, 10, (count, n_digits), generator=generator)


def partial_sums(digits):
    """L’ultima cifra di ogni somma parziale: (..., n) da (..., n). L’ultima è la risposta."""
    return digits.cumsum(dim=-1) % 10


def as_tokens(digits, with_steps):
    """Domanda, segno di uguale, risposta: (B, n + 1 + n) con i passi, (B, n + 2) senza."""
    sums = partial_sums(digits)
    equals = torch.full_like(digits[:, :1], EQUALS)
    return torch.cat([digits + ZERO, equals, (sums if with_steps else sums[:, -1:]) + ZERO], dim=1)


def build(seed=0, n_layers=1, n_digits=N_DIGITS):
    """Un decoder di n_layers strati, largo 64, con due teste."""
    seed_everything(seed)
    sizes = dict(n_layers=n_layers, d_model=64, d_ff=128, n_heads=2, p_drop=0.0, max_len=2 * n_digits + 1)
    return LanguageModel(LanguageModelConfig(n_vocab=EQUALS + 1, **sizes))


def train(model, with_steps, steps=200, known=None, seed=0):
    """Addestra con Adam, 64 domande a passo; si impara soltanto ciò che segue l’uguale. Rende le perdite.

    known: le sole domande da cui prendere, (N, n); se None sono sempre nuove. Il tasso sale a 0,005 in 20 passi, poi
    scende a zero in linea retta.
    """
    generator = torch.Generator().manual_seed(1000 + seed)
    adam = torch.optim.Adam(model.parameters())
    losses = []
    for step in range(steps):
        adam.param_groups[0]["lr"] = 0.005 * min((step + 1) / 20, 1 - step / steps)
        if known is None:
            digits = questions(64, generator=generator)
        else:
            digits = known[torch.randint(len(known), (64,), generator=generator)]
        tokens = as_tokens(digits, with_steps)
        n = digits.size(1)
        logits = model(tokens[:, :-1], checked=True)[:, n:]  # dall’uguale in poi
        loss = cross_entropy(logits.flatten(0, 1), tokens[:, n + 1 :].flatten())
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return losses


@torch.inference_mode()
def write(model, digits, count, tau=0.0, generator=None):
    """Ciò che il modello scrive dopo l’uguale: (B, count), cifre da 0 a 9, fra le sole cifre.

    tau: la temperatura; 0 vuol dire la cifra più probabile. Con i passi count è quante sono le cifre, senza è 1.
    """
    tokens = torch.cat([digits + ZERO, torch.full_like(digits[:, :1], EQUALS)], dim=1)  # (B, n + 1)
    for _ in range(count):
        logits = model(tokens, checked=True)[:, -1, ZERO:EQUALS]  # (B, 10)
        if tau == 0:
            chosen = logits.argmax(dim=-1, keepdim=True)
        else:
            chosen = torch.multinomial((logits / tau).softmax(dim=-1), 1, generator=generator)
        tokens = torch.cat([tokens, chosen + ZERO], dim=1)
    return tokens[:, digits.size(1) + 1 :] - ZERO
