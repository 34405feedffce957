"""La Tabella 3 a colpo d’occhio: quanto cambia la perplessità cambiando un pezzo, §6.2."""

import matplotlib.pyplot as plt

from attenzione.config import load_tables
from attenzione.evidence.replica import ROWS
from attenzione.figures.style import decimal_comma

LABELS = {
    "A-h1": "una testa",
    "A-h32": "32 teste",
    "B-dk32": "chiavi corte",
    "B-dk16": "chiavi cortissime",
    "C-N8": "più strati",
    "C-d256": "vettori più corti",
    "C-ff1024": "FFN più stretta",
    "D-p0.0": "niente dropout",
    "E": "posizioni apprese",
}


def replay_figure(ratios=None):
    """Quante volte la perplessità di ogni variante è quella della sua riga di riferimento; 1 è come il base.

    A sinistra i numeri stampati nella Tabella 3. A destra, se sono dati, quelli rifatti in piccolo: ratios va
    dal nome della riga («A-h1»…) al rapporto. Più a destra è peggio. Rende la figura.
    """
    printed = {row["nome"]: row["celle"] for row in load_tables()["tabella_3"]}
    names = sorted([*(name for name, _ in ROWS.values()), "D-p0.0"], key=lambda name: name[0])
    panels = {"stampato": {name: printed[name]["ppl_dev"] / printed["base"]["ppl_dev"] for name in names}}
    if ratios is not None:
        panels["riprodotto in scala"] = {name: ratios[name] for name in names if name in ratios}
    fig, axes = plt.subplots(1, len(panels), figsize=(7, 4.6), sharey=True, squeeze=False)
    for ax, (title, values) in zip(axes[0], panels.items(), strict=True):
        ax.hlines(list(values), 1, list(values.values()), color="0.6")
        ax.plot(list(values.values()), list(values), "o", markersize=9)
        ax.axvline(1, color="black", linewidth=1)
        ax.set(title=title, xlabel="volte la perplessità\ndel riferimento")
        ax.xaxis.set_major_formatter(decimal_comma(1))
        ax.margins(x=0.12)
    axes[0, 0].set_yticks(names, [f"({name[0]}) {LABELS[name]}" for name in names])
    axes[0, 0].invert_yaxis()
    return fig
