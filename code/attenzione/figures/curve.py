"""La curva di addestramento: la perdita sull’insieme di sviluppo, passo per passo."""

import math

import matplotlib.pyplot as plt

from attenzione.figures.style import decimal_comma


def learning_curve(steps=(0, 1000, 2000, 4000, 8000), losses=(8.5, 5.0, 4.0, 3.4, 3.1), n_vocab=5000):
    """La perdita contro i passi, e la perdita di chi tira a indovinare fra n_vocab token, ln n_vocab.

    steps, losses: i passi e le perdite, in nat per token, inventati se non sono dati. Rende la figura.
    Errori: ValueError se non sono altrettanti.
    """
    if len(steps) != len(losses):
        raise ValueError(f"losses ha {len(losses)} valori: attesi {len(steps)}, uno per passo")
    fig, ax = plt.subplots(figsize=(7, 4))
    ax.plot(steps, losses, "o-", markersize=4, label="sullo sviluppo")
    ax.axhline(math.log(n_vocab), color="black", linestyle=(0, (5, 2)), linewidth=1.2, label="a caso, $\\ln n_{vocab}$")
    ax.set(xlabel="passi", ylabel="perdita (nat per token)", ylim=(0, math.log(n_vocab) * 1.1), xlim=(0, None))
    ax.yaxis.set_major_formatter(decimal_comma(0))
    ax.xaxis.set_major_locator(plt.MaxNLocator(5, integer=True))
    ax.legend()
    return fig
