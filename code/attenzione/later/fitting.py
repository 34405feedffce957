"""Addestrare un modello piccolo su esempi fatti sul momento, sempre nuovi: un ciclo solo per le prove brevi."""

import torch


def fit(model, loss_of, steps, seed=0, rate=0.006):
    """Addestra model con Adam, e lo rende in valutazione.

    loss_of(model, generator) rende la perdita di un batch nuovo, estratto con generator, che parte da seed. rate: il
    tasso di apprendimento più alto; sale nei primi 50 passi, e nella seconda metà scende fino a zero.
    """
    generator = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98))
    for step in range(steps):
        adam.param_groups[0]["lr"] = rate * min(1, (step + 1) / 50, 2 * (1 - step / steps))
        loss = loss_of(model, generator)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model.eval()
