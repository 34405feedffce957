"""Il tasso di apprendimento e l’ottimizzatore, §5.3."""

import torch

from attenzione.config import check_positive_integer


def lrate(step, d_model, warmup_steps=4000):
    """Il tasso di apprendimento al passo step, equazione (3).

    Cresce in proporzione a step fino a warmup_steps, poi cala come 1/√step. step: intero da 1.
    Errori: ValueError se step, d_model o warmup_steps non sono interi positivi.
    """
    check_positive_integer("step", step)
    check_positive_integer("d_model", d_model)
    check_positive_integer("warmup_steps", warmup_steps)
    return d_model**-0.5 * min(step**-0.5, step * warmup_steps**-1.5)


def adam(model):
    """Adam con β_1 = 0,9, β_2 = 0,98 e ε = 10⁻⁹; il tasso lo fissa lrate a ogni passo."""
    return torch.optim.Adam(model.parameters(), lr=0.0, betas=(0.9, 0.98), eps=1e-9, fused=True)
