"""Le figure della codifica posizionale, §3.5."""

import math

import matplotlib.pyplot as plt
import torch

from attenzione.embedding import sinusoidal_positions
from attenzione.figures.style import decimal_comma
from attenzione.italian import number


def position_map(n=100, d_model=128):
    """La codifica delle prime n posizioni come mappa: una riga per posizione, una colonna per componente."""
    fig, ax = plt.subplots()
    image = ax.imshow(sinusoidal_positions(n, d_model).numpy(), cmap="cividis", aspect="auto", vmin=-1, vmax=1)
    ax.set(xlabel="componente", ylabel="posizione")
    ax.spines[:].set_visible(False)
    fig.colorbar(image, ticks=[-1, 0, 1])
    return fig


def position_waves(n=60, d_model=512, pairs=(0, 24, 48, 72)):
    """Le stesse codifiche come onde: per ciascuna coppia i, il seno (continuo) e il coseno (tratteggiato).

    I punti sono i valori alle posizioni intere, i soli che il modello riceve. Rende la figura.
    """
    PE = sinusoidal_positions(n, d_model)  # (n, d_model)
    fine = torch.linspace(0, n - 1, 20 * n, dtype=torch.float64)
    fig, axes = plt.subplots(len(pairs), 1, figsize=(7, 1.5 * len(pairs) + 0.6), sharex=True, sharey=True)
    for ax, i in zip(axes, pairs, strict=True):
        angle = fine / 10000 ** (2 * i / d_model)
        ax.plot(fine, angle.sin(), color="C0", label="seno")
        ax.plot(fine, angle.cos(), color="C1", linestyle="--", linewidth=1.5, label="coseno")
        ax.plot(PE[:, 2 * i], color="C0", linestyle="", marker="o", markersize=4)
        ax.set_title(f"$i = {i}$: componenti {2 * i} e {2 * i + 1}", fontsize=13, loc="left")
        ax.set_yticks([-1, 0, 1])
    axes[-1].set_xlabel("posizione")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return fig


def wavelengths(d_model=512):
    """La lunghezza d’onda di ogni coppia, per la formula dell’articolo e per quella di tensor2tensor.

    Sopra tutte, in scala logaritmica; sotto le ultime, contate in giri di 2π. Rende la figura.
    """
    half = d_model // 2
    i = torch.arange(half, dtype=torch.float64)
    paper, t2t = 10000 ** (2 * i / d_model), 10000 ** (i / max(half - 1, 1))
    fig, (whole, end) = plt.subplots(2, 1, figsize=(6, 7))
    for ax, unit, first in ((whole, 2 * math.pi, 0), (end, 1, half - half // 32 - 1)):
        ax.plot(i[first:], unit * paper[first:], label="articolo")
        ax.plot(i[first:], unit * t2t[first:], color="C1", linestyle="--", label="tensor2tensor")
        ax.axhline(10000 * unit, color="black", linewidth=1, linestyle=":")
        ax.set_xlabel("coppia $i$")
        ax.yaxis.set_major_formatter(lambda y, _: number(y, ",.0f"))
    whole.set(yscale="log", ylabel="lunghezza d’onda (posizioni)", ylim=(4, 2e5))
    whole.text(0, 2 * math.pi * 10000 * 1.15, r"$10000 \cdot 2\pi$", va="bottom")
    end.set(ylabel=r"lunghezza d’onda / $2\pi$")
    end.legend(loc="lower right")
    return fig


def position_products(d_model=512, starts=(0, 100, 1000), max_distance=60):
    """Il prodotto scalare fra le codifiche di due posizioni, contro la loro distanza, per più partenze."""
    PE = sinusoidal_positions(max(starts) + max_distance + 1, d_model)
    fig, ax = plt.subplots()
    styles = (("-", 7), ("--", 4), (":", 2))
    for start, color, (line, width) in zip(starts, ("#b8d4ea", "C1", "black"), styles, strict=True):
        products = PE[start : start + max_distance + 1] @ PE[start]  # (max_distance + 1,)
        ax.plot(products, color=color, linestyle=line, linewidth=width, label=f"dalla posizione {start}")
    ax.set(xlabel="distanza fra le due posizioni", ylabel="prodotto scalare", ylim=(0, None))
    ax.yaxis.set_major_formatter(decimal_comma(0))
    ax.legend()
    return fig
