"""Il calcolo per rispondere: quante risposte giuste, contro quanti token si sono scritti."""

import matplotlib.pyplot as plt

from attenzione.figures.style import decimal_comma
from attenzione.italian import number

STYLES = ("o-", "s--", "^-.", "D:")
# inventato: due modi di spendere
EXAMPLE = {"maggioranza": {8: 0.4, 32: 0.6, 128: 0.8}, "una giusta basta": {8: 0.4, 32: 0.8, 128: 1.0}}


def spending_figure(curves=None):
    """Una linea per modo di spendere: la parte di risposte giuste contro i token scritti, in scala logaritmica.

    curves: da un nome a un dizionario dai token scritti per domanda alla parte di risposte giuste. Rende la figura.
    """
    fig, ax = plt.subplots(figsize=(7.5, 4.2))
    for i, (name, points) in enumerate((EXAMPLE if curves is None else curves).items()):
        ax.plot(list(points), list(points.values()), STYLES[i], color=f"C{i}", label=name)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(lambda x, _: number(x, ",.0f"))
    ax.yaxis.set_major_formatter(decimal_comma(1))
    ax.set(xlabel="token scritti per domanda", ylabel="risposte giuste", ylim=(0, 1.03))
    ax.legend(loc="best")
    return fig
