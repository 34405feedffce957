"""La perdita di sviluppo da valori di partenza diversi: una linea per seme, un segno per variante."""

import matplotlib.pyplot as plt

from attenzione.evidence.initialisation import LABELS
from attenzione.figures.style import decimal_comma

STYLES = {
    "xavier": "o-",
    "solo-punteggi": "s--",
    "un-quinto": "v:",
    "un-terzo": "^-.",
    "solo-rami": "D--",
    "un-mezzo": "P-",
}
# inventato: due varianti, una con due semi
EXAMPLE = {
    "varianti": {
        "xavier": {"semi": {"0": {"sviluppo": {"400": 6.1, "800": 5.0, "1200": 4.4}}}},
        "un-mezzo": {
            "semi": {
                "0": {"sviluppo": {"400": 6.0, "800": 4.4, "1200": 3.7}},
                "1": {"sviluppo": {"400": 6.1, "800": 4.5, "1200": 3.8}},
            }
        },
    }
}


def initialisation_figure(report=EXAMPLE):
    """La perdita contro i passi: un segno e un colore per variante, una linea per seme. Rende la figura.

    report: come lo rende attenzione.evidence.initialisation.run, inventato se non è dato; le varianti e i semi che
    mancano si saltano. Errori: ValueError se non c’è nessuna curva.
    """
    fig, ax = plt.subplots(figsize=(7, 5.4))
    for i, (name, style) in enumerate(STYLES.items()):
        seeds = report["varianti"].get(name, {}).get("semi", {}).values()
        for first, seed in enumerate(seeds):
            curve = seed["sviluppo"]
            label = LABELS[name] if first == 0 else None
            ax.plot(list(map(int, curve)), list(curve.values()), style, color=f"C{i}", markersize=6, label=label)
    if not ax.lines:
        raise ValueError("report non ha curve: attesa almeno una variante con un seme")
    ax.set(xlabel="passi", ylabel="perdita di sviluppo (nat per token)")
    ax.yaxis.set_major_formatter(decimal_comma(1))
    ax.xaxis.set_major_locator(plt.MaxNLocator(6, integer=True))
    fig.legend(loc="outside upper center", ncols=2)
    return fig
