"""Il tetto di una macchina, e i lavori misurati sotto di esso."""

import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator, NullFormatter

from attenzione.italian import number

MARKERS = "os^vDPX*"
# inventato: un tetto di 50 miliardi di operazioni e di 10 miliardi di byte al secondo, e tre lavori
EXAMPLE = {
    "operazioni_al_secondo": 50e9,
    "byte_al_secondo": 10e9,
    "punti": [
        {"nome": "somma", "operazioni": 1e6, "byte": 12e6, "secondi": 1.5e-3},
        {"nome": "matrice per vettore", "operazioni": 1e6, "byte": 2e6, "secondi": 2.5e-4},
        {"nome": "prodotto di matrici", "operazioni": 1e9, "byte": 6e6, "secondi": 2.5e-2},
    ],
}


def roofline_figure(report=EXAMPLE):
    """Operazioni al secondo contro operazioni per byte, in scala logaritmica, sotto il tetto della macchina.

    report: come quello di attenzione.measure.roofline.measure, inventato se non è dato. Rende la figura.
    Errori: ValueError se non ha punti.
    """
    points = report["punti"]
    if not points:
        raise ValueError("report non ha punti: atteso almeno un lavoro misurato")
    peak, bandwidth = report["operazioni_al_secondo"], report["byte_al_secondo"]
    ridge = peak / bandwidth
    intensities = [p["operazioni"] / p["byte"] for p in points]
    low, high = min(*intensities, ridge) / 2, max(*intensities, ridge) * 2
    fig, ax = plt.subplots(figsize=(7, 5.6))
    ax.loglog([low, ridge, high], [bandwidth * low / 1e9, peak / 1e9, peak / 1e9], color="black")
    ax.axvline(ridge, color="#777777", linewidth=1, linestyle=(0, (5, 2)))
    ax.text(ridge / 1.12, 0.02, "limita la memoria", ha="right", transform=ax.get_xaxis_transform())
    ax.text(ridge * 1.12, 0.02, "limita il calcolo", transform=ax.get_xaxis_transform())
    for i, (point, intensity) in enumerate(zip(points, intensities, strict=True)):
        rate = point["operazioni"] / point["secondi"] / 1e9
        ax.loglog(intensity, rate, MARKERS[i % len(MARKERS)], markersize=10, color=f"C{i}", label=point["nome"])
    ax.set(xlabel="operazioni per byte", ylabel="miliardi di operazioni al secondo")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator())
        axis.set_major_formatter(lambda x, _: number(x, "g"))
        axis.set_minor_formatter(NullFormatter())
    fig.legend(loc="outside upper center", ncols=2)
    return fig
