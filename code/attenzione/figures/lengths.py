"""Addestrare corto, provare lungo: le lettere giuste per posizione, e dove guarda una testa."""

import matplotlib.pyplot as plt
import torch

from attenzione.attention import causal_mask
from attenzione.embedding import sinusoidal_positions
from attenzione.figures.style import decimal_comma

STYLES = {  # colore, tratto
    "nessuna": ("C5", ":"),
    "apprese": ("C3", "--"),
    "sinusoidi": ("C2", "-."),
    "RoPE": ("C0", "-"),
    "ALiBi": ("C1", (0, (5, 1))),
}
# inventato: un compito, due modi, due semi
EXAMPLE = {
    "viste": 4,
    "curve": {
        "la lettera precedente": {
            "apprese": {"0": [1.0, 1.0, 1.0, 0.3, 0.2, 0.2, 0.2], "1": [1.0, 1.0, 1.0, 0.2, 0.2, 0.1, 0.2]},
            "ALiBi": {"0": [1.0, 1.0, 0.9, 0.9, 0.9, 0.9, 0.9], "1": [1.0, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8]},
        }
    },
}


def lengths_figure(report=EXAMPLE, chance=1 / 8):
    """Le lettere giuste in ogni posizione, un riquadro per compito: una linea per modo, la media dei semi.

    Attorno alla linea la fascia dal minimo al massimo. report: come lo rende attenzione.later.lengths.run, inventato se
    non è dato; chance: chi tira a indovinare. Rende la figura. Errori: ValueError se non c’è nessuna curva.
    """
    tasks, seen = report["curve"], report["viste"]
    if not tasks:
        raise ValueError("report non ha curve: attesa almeno una curva")
    fig, axes = plt.subplots(len(tasks), 1, figsize=(7, 3.4 * len(tasks) + 0.9), squeeze=False, sharex=True)
    for ax, (task, ways) in zip(axes[:, 0], tasks.items(), strict=True):
        ax.axvspan(1, seen, color="#eeeeee")
        ax.axhline(chance, color="#777777", linewidth=1)
        for way, seeds in ways.items():
            curves = torch.tensor(list(seeds.values()))  # (semi, posizioni)
            places = range(2, curves.size(1) + 2)
            color, line = STYLES[way]
            ax.fill_between(places, curves.amin(dim=0), curves.amax(dim=0), color=color, alpha=0.2, linewidth=0)
            ax.plot(places, curves.mean(dim=0), color=color, linestyle=line, label=way)
        ax.set(title=task, ylabel="lettere giuste", ylim=(0, 1.03), xlim=(1, curves.size(1) + 1))
        ax.yaxis.set_major_formatter(decimal_comma(1))
    ax.set(xlabel="posizione", xticks=[1, *range(seen, curves.size(1) + 2, seen)])
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return fig


def position_weights_figure(weights=None, seen=16):
    """I pesi di una testa, posizione per posizione: una mappa per modo, e il bordo di ciò che si è visto.

    weights: un dizionario da un titolo a una tabella (n, n), se None quella di chi confronta le sinusoidi così come
    sono; seen: quante posizioni si sono viste. Rende la figura.
    """
    if weights is None:
        PE = sinusoidal_positions(64, 32)  # (64, 32)
        weights = {"sinusoidi": (PE @ PE.T).masked_fill(~causal_mask(64), -torch.inf).softmax(dim=-1)}
    rows = -(-len(weights) // 2)
    fig, axes = plt.subplots(rows, min(2, len(weights)), figsize=(7, 3.4 * rows), squeeze=False, sharey=True)
    for ax, (title, table) in zip(axes.flat, weights.items(), strict=True):
        n = len(table)
        edges = (0.5, n + 0.5, n + 0.5, 0.5)  # le posizioni da 1
        image = ax.imshow(table.numpy(), vmin=0, vmax=0.5, extent=edges)  # oltre 0,5 tutto scuro: si vedono i piccoli
        ax.plot([seen + 0.5, seen + 0.5, 0.5], [0.5, seen + 0.5, seen + 0.5], color="black", linewidth=1)
        ax.set_title(title)
        ax.set_xticks([1, *range(seen, n + 1, seen)])
        ax.set_yticks([1, *range(seen, n + 1, seen)])
        ax.spines[:].set_visible(False)
    for ax in axes[-1]:
        ax.set_xlabel("chiave")
    for ax in axes[:, 0]:
        ax.set_ylabel("query")
    bar = fig.colorbar(image, ax=axes, ticks=[0, 0.5], shrink=0.7, format=decimal_comma(1), extend="max")
    bar.outline.set_visible(False)
    return fig
