"""La distillazione (Hinton, Vinyals e Dean, 2015, arXiv 1503.02531): un allievo impara le probabilità di un maestro."""

import math

from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

from attenzione.config import check_fraction


def distillation_loss(logits, teacher_logits, targets=None, temperature=1.0, hard=0.0):
    """La perdita dell’allievo, media sui token: (1 − hard) τ² KL(maestro ‖ allievo) + hard · entropia incrociata.

    logits, teacher_logits: (..., n_vocab); targets: (...), i token giusti, che servono se hard non è zero. Le
    probabilità della KL sono a temperatura τ; τ² tiene il gradiente della stessa grandezza quando τ cambia. Il maestro
    non riceve gradiente. Errori: ValueError se la temperatura non è positiva, hard non è fra 0 e 1 o mancano i targets.
    """
    check_fraction("hard", hard)
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature vale {temperature}: atteso un numero positivo")
    if hard and targets is None:
        raise ValueError(f"targets vale None: attesi i token giusti, con hard = {hard}")
    student = log_softmax(logits.flatten(0, -2) / temperature, dim=-1)  # (token, n_vocab)
    teacher = softmax(teacher_logits.detach().flatten(0, -2) / temperature, dim=-1)  # (token, n_vocab)
    soft = temperature**2 * kl_div(student, teacher, reduction="batchmean")
    return soft if not hard else (1 - hard) * soft + hard * cross_entropy(logits.flatten(0, -2), targets.flatten())
