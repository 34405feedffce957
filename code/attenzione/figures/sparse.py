"""Gli schemi fissi dell’attenzione sparsa: quali caselle sono piene."""

import matplotlib.pyplot as plt

from attenzione.figures.style import draw_cells
from attenzione.later.sparse import fixed_mask, global_mask, strided_mask, window_mask


def sparse_figure(masks=None):
    """Una tabella per maschera: piena la casella che la query (riga) può guardare. Rende la figura.

    masks: un dizionario da un titolo a una maschera (n, n); quattro schemi di 16 posizioni se None.
    """
    if masks is None:
        masks = {
            "finestra": window_mask(16, 4),
            "finestra e passi": strided_mask(16, 4),
            "blocchi e riassunti": fixed_mask(16, 4),
            "finestra e globali": global_mask(16, 3, [0]),
        }
    fig, axes = plt.subplots(1, len(masks), figsize=(2.6 * len(masks), 3.1), squeeze=False)
    for ax, (title, mask) in zip(axes[0], masks.items(), strict=True):
        draw_cells(ax, mask.double(), vmin=0, vmax=1.4)
        ax.set(title=title, xticks=[], yticks=[], aspect="equal", xlabel="chiave")
    axes[0, 0].set_ylabel("query")
    return fig
