"""Lo stile delle figure e la mappa dei pesi, uguale in tutto il libro."""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.ticker import FuncFormatter

from attenzione.attention import scaled_dot_product_attention
from attenzione.data import example
from attenzione.italian import number


def use_style():
    """Applica lo stile del libro; in un quaderno chiede figure vettoriali (SVG e PDF)."""
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")  # figure uguali a ogni costruzione, byte per byte
    plt.style.use(Path(__file__).with_name("libro.mplstyle"))
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:  # fuori da un quaderno non serve
        return
    set_matplotlib_formats("svg", "pdf")


def blank_figure(**kwargs):
    """Una figura vuota di cui si decide ogni posto, senza la disposizione automatica dello stile.

    Il motore è un segnaposto e non None, perché a ogni salvataggio matplotlib sostituisce None con quello dello stile.
    """
    return plt.figure(layout=PlaceHolderLayoutEngine(adjust_compatible=True, colorbar_gridspec=True), **kwargs)


def decimal_comma(digits):
    """Formato per gli assi: numeri con ``digits`` decimali e la virgola."""
    return FuncFormatter(lambda x, _: number(x, f".{digits}f"))


def draw_cells(ax, values, **kwargs):
    """Disegna una matrice come caselle vettoriali, la prima riga in alto; rende il disegno, per la barra dei colori.

    values: (righe, colonne); kwargs: ciò che pcolormesh accetta (cmap, vmin, vmax). Per matrici piccole: è una
    forma per casella.
    """
    edges = [torch.arange(size + 1) - 0.5 for size in reversed(values.shape)]
    mesh = ax.pcolormesh(*edges, values, edgecolors="face", linewidth=0.3, **kwargs)
    ax.invert_yaxis()
    return mesh


def example_weights():
    """I pesi delle due teste dell’esempio del libro: (2, 5, 5)."""
    e = example
    return scaled_dot_product_attention(e.X @ e.W_q, e.X @ e.W_k, e.X @ e.W_v)[1]


def attention_map(weights=None, queries=example.TOKENS, keys=example.TOKENS, title=None, digits=2):
    """Mappa dei pesi di attenzione: una riga per query, una colonna per chiave.

    weights: (n_q, n_k), numeri fra 0 e 1, quelli della prima testa dell’esempio se None; queries, keys: le
    etichette delle righe e delle colonne. digits: decimali scritti in ogni casella, None per non scriverli.
    Rende la figura. ValueError se le etichette non sono tante quante le righe e le colonne.
    """
    weights = example_weights()[0] if weights is None else weights
    weights = torch.as_tensor(weights).detach().cpu()
    if weights.shape != (len(queries), len(keys)):
        raise ValueError(
            f"weights ha forma {tuple(weights.shape)}: attesa ({len(queries)}, {len(keys)}), "
            "una riga per query e una colonna per chiave"
        )
    fig, ax = plt.subplots(figsize=(1.6 + 0.95 * len(keys), 1.2 + 0.7 * len(queries)))
    draw_cells(ax, weights, vmin=0, vmax=1)
    ax.set_xticks(range(len(keys)), keys)
    ax.set_yticks(range(len(queries)), queries)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlabel="chiave: a chi si guarda", ylabel="query: chi guarda", title=title)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    if digits is not None:
        for row, line in enumerate(weights.tolist()):
            for column, weight in enumerate(line):
                ax.text(
                    column,
                    row,
                    number(weight, f".{digits}f"),
                    ha="center",
                    va="center",
                    color="white" if weight > 0.55 else "black",
                )
    return fig
