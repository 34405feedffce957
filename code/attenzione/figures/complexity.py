"""Le figure della complessità e dei cammini, §4."""

import matplotlib.pyplot as plt
import torch
from matplotlib.ticker import NullFormatter

from attenzione.italian import number

NAMES = {
    "self-attention": "self-attention",
    "ricorrente": "ricorrente",
    "convoluzionale": "convoluzionale contigua",
    "dilatata": "convoluzionale dilatata",
    "ristretta": "self-attention ristretta",
}
LINES = {
    "self-attention": ("C0", "-", "o"),
    "ricorrente": ("C1", "--", "s"),
    "convoluzionale": ("C2", "-.", "^"),
    "dilatata": ("C3", "-.", "v"),
    "ristretta": ("C7", ":", "D"),
}


def layer_costs(d=512, kernel_size=3, r=32):
    """Le operazioni di uno strato contro n, per d fissato; la riga verticale segna n = d. Rende la figura."""
    from attenzione.evidence import complexity  # sympy si carica soltanto per queste due figure

    values = {complexity.d: d, complexity.k: kernel_size, complexity.r: r}
    lengths = 2.0 ** torch.arange(4, 14)
    fig, ax = plt.subplots(figsize=(7, 4.6))
    for kind in ("convoluzionale", "ricorrente", "self-attention", "ristretta"):
        cost = complexity.sp.lambdify(complexity.n, complexity.COSTS[kind].subs(values))
        color, line, _ = LINES[kind]
        ax.loglog(lengths, cost(lengths.double()), color=color, linestyle=line, label=NAMES[kind])
    ax.axvline(d, color="#777777", linewidth=1)
    ax.text(d * 0.93, ax.get_ylim()[0] * 1.6, f"$n = d = {d}$", ha="right")
    ax.set(xlabel="lunghezza della sequenza $n$", ylabel="operazioni per strato")
    _plain_numbers(ax.xaxis)
    fig.legend(loc="outside upper center", ncols=2)
    return fig


def longest_paths(lengths=(8, 16, 32, 64), kernel_size=3, r=9):
    """La lunghezza massima del cammino contro n, cercata nei collegamenti di strati veri. Rende la figura."""
    from attenzione.evidence import complexity

    fig, ax = plt.subplots(figsize=(7, 4.6))
    for kind, (color, line, marker) in LINES.items():
        paths = [complexity.max_path(kind, n, kernel_size, r) for n in lengths]
        ax.loglog(lengths, paths, color=color, linestyle=line, marker=marker, label=NAMES[kind])
    ax.set(xlabel="lunghezza della sequenza $n$", ylabel="passi del cammino più lungo")
    ax.set_xticks(lengths)
    ax.set_yticks([1, 2, 4, 8, 16, 32, 64])
    for axis in (ax.xaxis, ax.yaxis):
        _plain_numbers(axis)
    fig.legend(loc="outside upper center", ncols=2)
    return fig


def _plain_numbers(axis):
    axis.set_major_formatter(lambda x, _: number(x, ",.0f"))
    axis.set_minor_formatter(NullFormatter())
