"""Il premio contro la KL: quanto si guadagna, e fino a dove, allontanandosi dal modello di partenza."""

import matplotlib.pyplot as plt

from attenzione.figures.style import decimal_comma

STYLES = ("o-", "s--", "^-.", "D:")
EXAMPLE = {"imparato": [(0, 0), (2, 2), (4, 3), (6, 3.5)], "vero": [(0, 0), (2, 2.5), (4, 2.8), (6, 1)]}  # inventato


def reward_figure(curves=None):
    """Una linea per premio: in ascissa la KL dal modello di partenza, in ordinata quanto il premio è salito.

    curves: da un nome ai suoi punti (KL, premio meno quello di partenza). Rende la figura.
    """
    fig, ax = plt.subplots(figsize=(7.5, 4.2))
    for i, (name, points) in enumerate((EXAMPLE if curves is None else curves).items()):
        divergence, reward = zip(*points, strict=True)
        ax.plot(divergence, reward, STYLES[i % len(STYLES)], color=f"C{i}", label=name)
    ax.axhline(0, color="0.6", linewidth=1, zorder=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(decimal_comma(1))
    ax.set(xlabel="KL dal modello di partenza, in nat per risposta", ylabel="premio in più")
    ax.legend(loc="best")
    return fig
