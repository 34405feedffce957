"""Le tre famiglie: chi vede chi; e gli otto cambiamenti, uno dopo l’altro."""

import matplotlib.pyplot as plt
import torch

from attenzione.attention import causal_mask
from attenzione.figures.style import decimal_comma, draw_cells

# inventato: tre modelli, due semi
EXAMPLE = {
    "modelli": {
        "encoder e decoder": {"perdita": {"0": 2.1, "1": 2.0}},
        "solo decoder": {"perdita": {"0": 1.9, "1": 1.95}},
        "pre-norm": {"perdita": {"0": 1.9, "1": 1.85}},
    }
}


def sight_figure(n=4):
    """Chi vede chi nelle tre famiglie, su 2n posizioni: piena la casella che la query (riga) può guardare.

    In T5 le prime n sono la frase di partenza e le altre la risposta. Rende la figura.
    """
    both = causal_mask(2 * n)
    both[:n, :n] = True
    masks = {"BERT: riempie": torch.ones(2 * n, 2 * n), "GPT: continua": causal_mask(2 * n), "T5: trasforma": both}
    fig, axes = plt.subplots(1, 3, figsize=(7.4, 3))
    for ax, (title, mask) in zip(axes, masks.items(), strict=True):
        draw_cells(ax, mask.double(), vmin=0, vmax=1.4)
        ax.set(title=title, xticks=[], yticks=[], aspect="equal", xlabel="chiave")
    axes[0].set_ylabel("query")
    axes[2].axhline(n - 0.5, color="black", linewidth=1.5)
    axes[2].axvline(n - 0.5, color="black", linewidth=1.5)
    return fig


def changes_figure(report=EXAMPLE):
    """La perdita dopo ogni cambiamento, un punto per seme, nell’ordine dei modelli. Rende la figura.

    report: come lo rende attenzione.later.changes.run, inventato se non è dato. Errori: ValueError se non ha modelli.
    """
    if not report["modelli"]:
        raise ValueError("report non ha modelli: atteso almeno un modello")
    names = list(report["modelli"])
    losses = torch.tensor([list(report["modelli"][name]["perdita"].values()) for name in names])  # (modelli, semi)
    fig, ax = plt.subplots(figsize=(7, 0.42 * len(names) + 1.1))
    rows = torch.arange(len(names))
    ax.plot(losses.mean(dim=1), rows, color="#999999", linewidth=1, zorder=1)
    for seed, marker in zip(losses.T, "oDs^v<>", strict=False):
        ax.scatter(seed, rows, marker=marker, color="C0", alpha=0.8, zorder=2)
    ax.set(yticks=rows, xlabel="perdita sul testo tenuto da parte (nat per lettera)")
    ax.set_yticklabels([names[0], *(f"+ {name}" for name in names[1:])])
    ax.invert_yaxis()
    ax.grid(axis="x", alpha=0.4)
    ax.xaxis.set_major_formatter(decimal_comma(2))
    return fig
