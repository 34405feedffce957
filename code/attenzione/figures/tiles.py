"""Le tessere di un’immagine, e dove la classe le guarda."""

import matplotlib.pyplot as plt
import torch

from attenzione.figures.style import decimal_comma, draw_cells
from attenzione.later.drawings import draw


def tiles_figure(images=None, weights=None, titles=None):
    """Sopra le immagini, con i bordi delle tessere; sotto, il peso di ogni tessera. Rende la figura.

    images: (quante, lato, lato); weights: (quante, tessere), una griglia quadrata; titles: uno per immagine. Se mancano
    sono disegni a caso con pesi uguali. Errori: ValueError se le tessere non fanno una griglia quadrata.
    """
    if images is None:
        images, weights = draw(4, torch.Generator().manual_seed(0))[0], torch.full((4, 16), 1 / 16)
    count, side, across = len(images), images.size(-1), round(weights.size(1) ** 0.5)
    if across**2 != weights.size(1):
        raise ValueError(f"weights ha {weights.size(1)} tessere: atteso un quadrato perfetto")
    fig, axes = plt.subplots(2, count, figsize=(2.1 * count + 0.8, 4.6), squeeze=False)
    for i in range(count):
        draw_cells(axes[0, i], images[i], vmin=-0.3, vmax=1.3, cmap="Greys")
        for edge in range(0, side + 1, side // across):
            axes[0, i].axhline(edge - 0.5, color="black", linewidth=0.6)
            axes[0, i].axvline(edge - 0.5, color="black", linewidth=0.6)
        mesh = draw_cells(axes[1, i], weights[i].view(across, across), vmin=0, vmax=weights.max().item())
        if titles is not None:
            axes[0, i].set_title(titles[i])
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[], aspect="equal")
    axes[0, 0].set_ylabel("immagine")
    axes[1, 0].set_ylabel("peso")
    fig.colorbar(mesh, ax=axes[1], shrink=0.8, format=decimal_comma(1)).outline.set_visible(False)
    return fig
