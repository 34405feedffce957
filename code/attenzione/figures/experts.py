"""Il carico degli esperti mentre imparano."""

import matplotlib.pyplot as plt
import torch

from attenzione.figures.style import decimal_comma

STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)), (0, (8, 2)))


def load_figure(histories=None):
    """La parte delle scelte di ciascun esperto, passo dopo passo: un riquadro per addestramento. Rende la figura.

    histories: da un titolo a una tabella (passi, n_experts), righe che sommano a 1; inventata se None. La linea grigia
    è il carico uguale per tutti. Errori: ValueError se gli esperti sono più dei tratti, otto.
    """
    if histories is None:
        steps = torch.linspace(0, 1, 50)[:, None]
        histories = {"inventato": (0.25 + steps * torch.tensor([0.3, 0.1, -0.2, -0.2])).clamp(min=0)}
    fig, axes = plt.subplots(1, len(histories), figsize=(4.6 * len(histories), 3.6), squeeze=False, sharey=True)
    for ax, (title, history) in zip(axes[0], histories.items(), strict=True):
        n_experts = history.size(1)
        if n_experts > len(STYLES):
            raise ValueError(f"history ha {n_experts} esperti: attesi al più {len(STYLES)}")
        ax.axhline(1 / n_experts, color="#777777", linewidth=1)
        for i, style in enumerate(STYLES[:n_experts]):
            ax.plot(range(1, len(history) + 1), history[:, i], linestyle=style, color=f"C{i}", label=f"esperto {i + 1}")
        ax.set(title=title, xlabel="passo", ylim=(0, 0.6))
    axes[0, 0].set_ylabel("parte delle scelte")
    axes[0, 0].yaxis.set_major_formatter(decimal_comma(1))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig
