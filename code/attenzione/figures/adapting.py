"""Un modello portato altrove: quanto impara lì e quanto perde del dominio di prima."""

import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator

from attenzione.figures.style import decimal_comma

STYLES = ("o-", "s-", "^-", "D-", "v--", "x:")
EXAMPLE = {"intero": [(2.4, 1.9), (1.2, 2.6), (0.9, 3.0)], "LoRA 1": [(2.4, 1.9), (2.2, 2.0)]}  # inventato


def adapting_figure(paths=EXAMPLE):
    """Una linea per modo di adattare: in ascissa la perdita sul dominio nuovo, in ordinata quella sul vecchio.

    paths: da un nome ai suoi punti (nuovo, vecchio), il primo prima di adattare, lo stesso per tutti; chi ne ha due
    soli è un punto, senza linea. Rende la figura.
    """
    fig, ax = plt.subplots(figsize=(7, 4.8))
    for i, (name, points) in enumerate(paths.items()):
        new, old = zip(*points, strict=True)
        if len(points) == 2:  # soltanto dove si arriva: la strada non si sa
            new, old = new[1:], old[1:]
        ax.plot(new, old, STYLES[i % len(STYLES)], color=f"C{i}", label=name)
    start = next(iter(paths.values()))[0]
    ax.plot(*start, "o", color="black", markersize=9)
    ax.annotate("prima", start, xytext=(0, -20), textcoords="offset points", ha="center")
    ax.invert_xaxis()
    ax.margins(0.12)
    ax.set(xlabel="perdita sul dominio nuovo (a destra è più bassa)", ylabel="perdita sul dominio di prima")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=(1, 2, 5, 10)))  # passi che una cifra basta a scrivere
        axis.set_major_formatter(decimal_comma(1))
    ax.legend(loc="upper left")
    return fig
