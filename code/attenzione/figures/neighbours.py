"""I vicini con iperpiani a caso: quanti se ne ritrovano, e quanti confronti costa."""

import matplotlib.pyplot as plt

from attenzione.figures.style import decimal_comma

STYLES = ("o", "s", "^", "D")
# inventato: due conti di cifre, tre numeri di tavole
EXAMPLE = {
    4: {"tables": [1, 4, 16], "found": [0.4, 0.8, 1.0], "formula": [0.41, 0.82, 0.99], "compared": [0.1, 0.3, 0.7]},
    8: {"tables": [1, 4, 16], "found": [0.2, 0.5, 0.8], "formula": [0.18, 0.49, 0.83], "compared": [0.01, 0.03, 0.1]},
}


def neighbours_figure(measured=None):
    """A sinistra il richiamo contro le tavole, misurato (segni) e dalla formula (linee); a destra contro i confronti.

    measured: da quante cifre per tavola a un dizionario con gli elenchi «tables» (quante tavole), «found» e «formula»
    (la parte dei vicini ritrovata e la sua probabilità), «compared» (la parte dei vettori confrontata). Rende la
    figura.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), sharey=True)
    for i, (n_bits, found) in enumerate((EXAMPLE if measured is None else measured).items()):
        left.plot(found["tables"], found["formula"], color=f"C{i}")
        left.plot(found["tables"], found["found"], STYLES[i], color=f"C{i}", label=f"{n_bits} cifre")
        right.plot(found["compared"], found["found"], STYLES[i] + "-", color=f"C{i}")
    left.set(xlabel="tavole", ylabel="vicini ritrovati", ylim=(0, 1.03), xscale="log")
    left.set_xscale("log", base=2)
    left.xaxis.set_major_formatter(lambda x, _: f"{x:.0f}")
    right.set(xlabel="parte dei brani confrontata", xlim=(0, 1))
    for axis in (left.yaxis, right.xaxis):
        axis.set_major_formatter(decimal_comma(1))
    left.legend(loc="upper left")
    return fig
