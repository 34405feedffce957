"""La perdita contro i parametri, con la legge adattata; e la stessa prova misurata in due modi."""

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.ticker import LogLocator

from attenzione.figures.style import decimal_comma
from attenzione.italian import number
from attenzione.later.scaling import Law, interval

STYLES = ("o", "s", "^", "D", "v")
# inventati: quattro larghezze, due quantità di dati, e una legge
EXAMPLE_LAW = Law(0.9, 20.0, 60.0, 0.5, 0.45)
EXAMPLE = {
    "entropia": 0.9,
    "gradini": [
        {"parametri": N, "lettere": D, "perdita": EXAMPLE_LAW(N, D)}
        for D in (80_000, 800_000)
        for N in (1_500, 5_000, 18_000, 70_000)
    ],
}


def ladder_figure(report=EXAMPLE, law=EXAMPLE_LAW, laws=None, held_out=()):
    """La perdita di ogni gradino contro i suoi parametri, una linea per quantità di dati: la legge, e i punti.

    report: come lo rende attenzione.later.ladder.record, inventato se non è dato; law: la legge adattata; laws: quelle
    del bootstrap, di cui si disegna la fascia di E; held_out: i gradini di report fuori dall’adattamento, con una
    stella al loro posto. Rende la figura.
    """
    runs = [run for run in report["gradini"] if run not in held_out]
    sizes = sorted({run["lettere"] for run in runs})
    largest = max(run["parametri"] for run in report["gradini"])
    x = torch.logspace(3, math.log10(1.4 * largest), 100, dtype=torch.float64)
    fig, ax = plt.subplots(figsize=(7, 5.6))
    for i, (D, marker) in enumerate(zip(sizes, STYLES, strict=False)):
        ax.plot(x.tolist(), law(x, D).tolist(), color=f"C{i}", linewidth=1.5)
        points = [(run["parametri"], run["perdita"]) for run in runs if run["lettere"] == D]
        ax.plot(*zip(*points, strict=True), marker, color=f"C{i}", markersize=6, label=f"{number(D, ',')} lettere")
    if held_out:
        points = [(run["parametri"], run["perdita"]) for run in held_out]
        ax.plot(*zip(*points, strict=True), "*", color="C7", markersize=13, label="fuori dall’adattamento")
    if laws is not None:
        ax.axhspan(*interval(laws.E), color="#777777", alpha=0.25, linewidth=0)
    ax.axhline(report["entropia"], color="black", linewidth=1.2, linestyle="--")
    ax.text(1050, report["entropia"], "entropia", va="bottom", fontsize=12)
    ax.set_xscale("log")
    bottom = report["entropia"] - 0.15  # la fascia può scendere molto più in basso
    ax.set(xlabel="parametri", ylabel="perdita (nat per lettera)", xlim=(1000, 1.4 * largest), ylim=(bottom, None))
    ax.xaxis.set_major_formatter(lambda x, _: number(x, ",.0f"))
    ax.yaxis.set_major_formatter(decimal_comma(1))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return fig


def exam_figure(sizes=(300, 600, 1_000, 1_500), right=(0.2, 0.6, 0.9, 1.0), passed=None, questions=20):
    """La stessa prova in due modi: le domande giuste, e gli esami di questions domande superati senza un errore.

    sizes: i parametri di ogni modello; right: la frazione di domande giuste; passed: la frazione di esami superati,
    right alla potenza questions se None, che è anche la linea che si disegna. Rende la figura. Errori: ValueError se le
    lunghezze sono diverse.
    """
    powers = [p**questions for p in right]
    passed = powers if passed is None else passed
    if not len(sizes) == len(right) == len(passed):
        raise ValueError(f"sizes ne ha {len(sizes)}, right {len(right)}, passed {len(passed)}: attesi altrettanti")
    fig, ax = plt.subplots(figsize=(7, 4.4))
    ax.plot(sizes, right, "o-", color="C0", label="domande giuste, $p$")
    ax.plot(sizes, powers, "-", color="C1", label=f"$p^{{{questions}}}$")
    ax.plot(sizes, passed, "s", color="C1", label=f"esami di {questions} tutti giusti")
    ax.set_xscale("log")
    ax.set(xlabel="parametri", ylim=(-0.02, 1.03))
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(lambda x, _: number(x, ",.0f"))
    ax.xaxis.set_minor_formatter(lambda x, _: "")
    ax.yaxis.set_major_formatter(decimal_comma(1))
    ax.legend(loc="upper left")
    return fig
