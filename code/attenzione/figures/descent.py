"""La discesa del gradiente come iterazione: la ragnatela per tre tassi, la valle stretta, il rumore dei batch."""

from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from matplotlib.ticker import MultipleLocator

from attenzione.figures.style import decimal_comma
from attenzione.italian import number

VALLEY = ((13.0, 12.0), (12.0, 13.0))  # le derivate seconde della valle: curvature 1 e 25, lungo le diagonali
STYLES = ("-", "--", "-.")


def cobweb_figure(rates=(0.2, 0.9, 1.1), start=0.0, target=3.0, steps=8):
    """La ragnatela di w ← G(w) per la perdita (w − target)², un riquadro per tasso; nell’ultimo le distanze.

    rates: tre tassi; start: da dove si parte; steps: quanti passi. Rende la figura. ValueError se i tassi non sono tre.
    """
    if len(rates) != 3:
        raise ValueError(f"rates ha {len(rates)} tassi: attesi 3, uno per riquadro")
    fig, axes = plt.subplots(2, 2, figsize=(6.4, 6.8))
    low, high = target - 5, target + 5
    for i, (ax, rate) in enumerate(zip(axes.flat, rates, strict=False)):
        path = [start]
        for _ in range(steps):
            path.append(path[-1] - rate * 2 * (path[-1] - target))
        axes[1, 1].plot(
            [abs(w - target) for w in path],
            "osD"[i],
            linestyle=STYLES[i],
            color=f"C{i}",
            label=_rate(rate),
            markersize=5,
        )
        corners = [point for w, after in pairwise(path) for point in ((w, after), (after, after))]
        ax.plot((low, high), (low, high), color="0.55", linewidth=1.2)
        ax.plot((low, high), [w - rate * 2 * (w - target) for w in (low, high)], color="black")
        ax.plot(*zip((path[0], low), *corners, strict=True), color=f"C{i}", linewidth=1.5)
        ax.plot(target, target, "o", color="black")
        ax.set(title=_rate(rate), xlabel="$w$", ylabel="$G(w)$", xlim=(low, high), ylim=(low, high), aspect="equal")
    axes[1, 1].set(title="passo per passo", xlabel="passo", ylabel="distanza dal punto fisso", yscale="log")
    axes[1, 1].set_yticks([0.1, 1, 10], ["0,1", "1", "10"])
    axes[1, 1].minorticks_off()
    axes[1, 1].legend(loc="lower left")
    for ax in axes.flat:
        ax.xaxis.set_major_locator(MultipleLocator(2))
    return fig


def valley_figure(rates=(0.02, 0.076), noisy=(0.2, 0.02), steps=40, noisy_steps=300, seed=0):
    """Sopra, due cammini nella valle stretta, uno per tasso; sotto, w con batch diversi a ogni passo.

    rates: i tassi nella valle, per steps passi; noisy: i tassi fissi sotto, per noisy_steps passi, cui si aggiunge
    il tasso che cala come 1/(2·passo). Rende la figura.
    """
    fig, (valley, noise) = plt.subplots(2, 1, figsize=(6, 8.6), height_ratios=[1.4, 1])
    curvatures = torch.tensor(VALLEY)  # (2, 2)
    grid = torch.linspace(-2.2, 2.2, 120)
    points = torch.cartesian_prod(grid, grid)  # (14400, 2)
    heights = ((points @ curvatures) * points).sum(dim=1).view(120, 120) / 2  # (120, 120)
    valley.contour(grid, grid, heights.T, levels=[0.1, 0.5, 1.5, 4, 9, 18, 32, 55], colors="0.65", linewidths=0.8)
    for i, rate in enumerate(rates):
        path = [torch.tensor([2.0, -1.2])]  # (2,)
        for _ in range(steps):
            path.append(path[-1] - rate * curvatures @ path[-1])
        valley.plot(
            *torch.stack(path).T,
            "os"[i],
            linestyle=STYLES[i],
            color=f"C{i}",
            linewidth=1.3,
            markersize=4,
            label=_rate(rate, 3),
        )
    valley.plot(0, 0, "*", color="black", markersize=13)
    valley.set(
        xlabel="$w_1$",
        ylabel="$w_2$",
        aspect="equal",
        title=f"una valle stretta, {steps} passi",
        xticks=range(-2, 3),
        yticks=range(-2, 3),
    )
    valley.legend()
    generator = torch.Generator().manual_seed(seed)
    draws = (3 + torch.randn(noisy_steps, 10, generator=generator)).mean(dim=1).tolist()  # medie di dieci misure
    schedules = [(_rate(rate, 2), [rate] * noisy_steps) for rate in noisy]
    schedules.append(("tasso che cala", [1 / (2 * step) for step in range(1, noisy_steps + 1)]))
    for i, (label, schedule) in enumerate(schedules):
        path = [0.0]
        for rate, draw in zip(schedule, draws, strict=True):
            path.append(path[-1] - rate * 2 * (path[-1] - draw))
        noise.plot(path, STYLES[i], label=label, linewidth=(1, 2, 2)[i], color=f"C{i}")
    noise.axhline(3, color="0.55", linewidth=1.2)
    noise.set(xlabel="passo", ylabel="$w$", ylim=(1.5, 3.9), title="un batch diverso a ogni passo")
    noise.yaxis.set_major_formatter(decimal_comma(1))
    noise.legend(loc="lower right")
    return fig


def _rate(rate, digits=1):
    return "tasso " + number(rate, f".{digits}f")
