"""Il compito del ricordo per ogni architettura: quanto riesce e quanto costa, contro la lunghezza."""

from statistics import mean

import matplotlib.pyplot as plt

from attenzione.figures.style import decimal_comma
from attenzione.italian import number

FAMILIES = {
    "una finestra, o i vicini": ("MLP a finestra", "GNN sul cammino", "ByteNet", "ConvS2S"),
    "uno stato che si riscrive": ("RNN", "LSTM", "GRU", "GRU con attenzione"),
    "tutte le posizioni, o la loro somma": ("self-attention", "attenzione lineare", "RWKV", "S4", "Mamba"),
}
STYLES = ("o-", "s--", "^-.", "D:", "v-")
# inventato: due architetture sole
EXAMPLE = {"self-attention": [[1.0, 0.99], [0.99, 0.97]], "RNN": [[0.8, 0.3], [0.7, 0.2]]}
EXAMPLE_COSTS = {
    "self-attention": {8: (20_000, 900), 64: (32_000, 9_000)},
    "RNN": {8: (18_000, 128), 64: (18_000, 128)},
}


def recall_figure(accuracies=EXAMPLE, pairs=(2, 8), costs=EXAMPLE_COSTS, reference=None):
    """Una riga per famiglia: a sinistra la frazione di cifre giuste contro la lunghezza, a destra le moltiplicazioni.

    accuracies: da ogni architettura a un elenco per seme, un numero per ciascuna voce di pairs; si disegna la media, e
    una fascia dal seme peggiore al migliore. costs: da ogni architettura al dizionario reso da step_costs. Con p coppie
    la sequenza ha 4p token. reference: un altro termine di paragone oltre al caso, un numero per ciascuna voce di
    pairs, tratteggiato; None se non c’è. Le architetture che mancano si saltano. Rende la figura.
    """
    lengths = [4 * p for p in pairs]
    fig, axes = plt.subplots(len(FAMILIES), 2, figsize=(9.5, 11.5), sharex="col", sharey="col")
    for (family, names), (left, right) in zip(FAMILIES.items(), axes, strict=True):
        for i, (name, style) in enumerate(zip(names, STYLES, strict=False)):
            if name not in accuracies:
                continue
            by_length = list(zip(*accuracies[name], strict=True))
            left.fill_between(lengths, [*map(min, by_length)], [*map(max, by_length)], color=f"C{i}", alpha=0.2, lw=0)
            left.plot(lengths, [*map(mean, by_length)], style, color=f"C{i}", label=name)
            right.plot(list(costs[name]), [cost for cost, _ in costs[name].values()], style, color=f"C{i}")
        left.axhline(0.1, color="#777777", linewidth=1)
        if reference is not None:
            left.plot(lengths, reference, "--", color="#777777", linewidth=1)
        left.set_title(family, loc="left")
        left.set(ylabel="cifre giuste", ylim=(0, 1.03), xticks=lengths)
        left.yaxis.set_major_formatter(decimal_comma(1))
        left.legend(loc="upper left", bbox_to_anchor=(0, -0.18), ncols=2)
        right.set_xscale("log", base=2)
        right.set_yscale("log")
        right.set(ylabel="moltiplicazioni per token")
        for axis in (right.xaxis, right.yaxis):
            axis.set_major_formatter(lambda x, _: number(x, ",.0f"))
            axis.set_minor_formatter(lambda x, _: "")
        right.set_yticks([20_000, 50_000, 100_000])
    for ax in axes[-1]:
        ax.set_xlabel("lunghezza $n$")
    return fig
