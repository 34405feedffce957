"""La decodifica, §6.1: l’albero della beam search, la distribuzione di un passo con temperatura, top-k e top-p, e che
cosa cambia con l’ampiezza del beam."""

import matplotlib.pyplot as plt
import torch
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch

from attenzione.decoding import filter_logits
from attenzione.figures.style import blank_figure, decimal_comma
from attenzione.italian import number

COLUMN, ROW, BOX = 1.62, 0.6, (1.16, 0.46)  # in pollici: passo, riga, casella
LONGEST = 13  # lettere che stanno in una casella
PATHS = (("#0072B2", "-", "la frase che vince"), ("#D55E00", (0, (2.5, 1.2)), "quella di greedy"))

# un albero inventato: per ogni passo le ipotesi tenute e le prime scartate, (log-probabilità, token)
EXAMPLE_LEVELS = (
    ([(-0.6, ("il",)), (-1.1, ("la",))], [(-2.9, ("un",))]),
    ([(-1.5, ("la", "gatta")), (-1.9, ("il", "gatto"))], [(-2.2, ("il", "topo"))]),
    ([(-1.8, ("la", "gatta", "mangia")), (-2.6, ("il", "gatto", "mangia"))], [(-3.9, ("il", "gatto", "ha"))]),
)
EXAMPLE_PATHS = (("la", "gatta", "mangia"), ("il", "gatto", "mangia"))


def beam_tree(levels=EXAMPLE_LEVELS, paths=EXAMPLE_PATHS, label=str):
    """I primi passi della beam search: una colonna per passo, una casella per ipotesi, la sua log-probabilità.

    levels: per ogni passo la coppia (tenute, scartate), elenchi di (log_prob, tokens) dove tokens è l’intera
    sequenza fin lì; le scartate sono in grigio, senza casella. paths: le sequenze di cui marcare la strada, al più
    due, quella che vince e quella di greedy; label: dal token a ciò che si scrive. Rende la figura.
    Errori: ValueError se un’ipotesi prosegue una sequenza che il passo prima non ha tenuto.
    """
    rows = max(len(kept) + len(discarded) for kept, discarded in levels)
    width, height = COLUMN * len(levels) + 0.75, ROW * (rows + 1.7)
    fig = blank_figure(figsize=(width, height))
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(-0.75, width - 0.75), ylim=(height - 1.6 * ROW, -1.6 * ROW))
    ax.axis("off")
    middle = (rows - 1) / 2 * ROW
    ax.text(-0.4, middle, "inizio", ha="center", va="center", fontsize=12)
    ends = {(): (-0.1, middle)}  # dove finisce la casella di ogni sequenza tenuta
    for step, (kept, discarded) in enumerate(levels, start=1):
        ax.text((step - 0.5) * COLUMN, -1.05 * ROW, f"passo {step}", ha="center", va="center", fontsize=13)
        nodes = [(tuple(tokens), value, True) for value, tokens in kept]
        nodes += [(tuple(tokens), value, False) for value, tokens in discarded]
        for tokens, _, _ in nodes:
            if tokens[:-1] not in ends:
                raise ValueError(
                    f"l’ipotesi {tokens} prosegue una sequenza non tenuta: attesa una di quelle del passo {step - 1}"
                )
        # accanto alla sequenza che proseguono, le più probabili in alto
        nodes.sort(key=lambda node: (ends[node[0][:-1]][1], -node[1]))
        top, new_ends = middle - (len(nodes) - 1) / 2 * ROW, {}
        for i, (tokens, value, is_kept) in enumerate(nodes):
            x, y = (step - 0.5) * COLUMN, top + i * ROW
            on = [style for path, style in zip(paths, PATHS, strict=False) if tuple(path[:step]) == tokens]
            _draw_edge(ax, ends[tokens[:-1]], (x - BOX[0] / 2, y), on, is_kept)
            if is_kept:
                fill = "#d6e8f5" if on and on[0] is PATHS[0] else "white"
                corner = (x - BOX[0] / 2, y - BOX[1] / 2)
                ax.add_patch(
                    FancyBboxPatch(
                        corner,
                        *BOX,
                        boxstyle="round,pad=0,rounding_size=0.06",
                        facecolor=fill,
                        edgecolor="black",
                        zorder=2,
                    )
                )
                new_ends[tokens] = (x + BOX[0] / 2, y)
            name = str(label(tokens[-1]))
            name = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
            score = number(value, ".2f").replace("-", "−")
            ax.text(
                x,
                y,
                f"{name}\n{score}",
                ha="center",
                va="center",
                fontsize=12,
                linespacing=0.95,
                zorder=3,
                color="black" if is_kept else "#595959",
            )
        ends = new_ends
    lines = [Line2D([], [], color=color, linestyle=dashes, linewidth=3) for color, dashes, _ in PATHS[: len(paths)]]
    ax.legend(
        lines,
        [name for _, _, name in PATHS[: len(paths)]],
        loc="lower center",
        ncols=2,
        fontsize=12,
        bbox_to_anchor=(0.5, 0),
    )
    return fig


def _draw_edge(ax, start, end, on, is_kept):
    for i, (color, dashes, _) in enumerate(on):
        shift = (i - (len(on) - 1) / 2) * 0.07  # due strade sullo stesso arco non si coprono
        ax.plot(
            [start[0], end[0]], [start[1] + shift, end[1] + shift], color=color, linestyle=dashes, linewidth=3, zorder=1
        )
    if not on:
        color, dashes = ("black", "-") if is_kept else ("#8c8c8c", (0, (2, 2)))
        ax.plot([start[0], end[0]], [start[1], end[1]], color=color, linestyle=dashes, linewidth=1, zorder=1)


def next_token_figure(logits=None, labels=None, taus=(0.5, 1, 2), top_k=5, top_p=0.9, shown=10):
    """La distribuzione del token successivo: sopra a varie temperature, sotto ciò che top-k e top-p lasciano.

    logits: (n_vocab,), di un solo passo, inventati se None; labels: dall’identificatore a ciò che si scrive; taus:
    le temperature; shown: quanti token mostrare, dal più probabile. Rende la figura.
    Errori: quelli di filter_logits; ValueError se i token sono meno di shown.
    """
    logits = torch.linspace(0, 1, 40).pow(3).mul(6) if logits is None else torch.as_tensor(logits).detach().cpu()
    if logits.dim() != 1 or logits.numel() < shown:
        raise ValueError(f"logits ha forma {tuple(logits.shape)}: attesa (n_vocab,), con almeno {shown} token")
    order = logits.argsort(descending=True, stable=True)[:shown]  # (shown,)
    names = [labels(i) if labels else str(i) for i in order.tolist()]
    fig, (above, below) = plt.subplots(2, 1, figsize=(7, 7.4), layout="constrained")
    places, width = torch.arange(shown), 0.8 / len(taus)
    for i, (tau, hatch) in enumerate(zip(taus, ("", "//", "..", "xx"), strict=False)):
        probs = filter_logits(logits, tau).softmax(dim=-1)[order]  # (shown,)
        name = f"τ = {number(tau, 'g')}"
        above.bar(places + (i - (len(taus) - 1) / 2) * width, probs, width, hatch=hatch, edgecolor="white", label=name)
    above.set(title="a tre temperature" if len(taus) == 3 else "a varie temperature", ylabel="probabilità")
    above.legend()

    probs = logits.softmax(dim=-1)[order]  # (shown,)
    filtered = (
        (f"top-k, k = {top_k}", filter_logits(logits, top_k=top_k), "#0072B2", "//"),
        (f"top-p, p = {number(top_p, 'g')}", filter_logits(logits, top_p=top_p), "#D55E00", ".."),
    )
    below.plot(places, probs, "D", color="black", markersize=7, label="prima", zorder=3)
    for i, (name, kept, color, hatch) in enumerate(filtered):
        left = int(kept.isfinite().sum())  # quanti token restano
        below.bar(
            places + (i - 0.5) * 0.4,
            kept.softmax(dim=-1)[order],
            0.4,
            color=color,
            hatch=hatch,
            edgecolor="white",
            label=f"{name} ({left} token)",
        )
    below.set(title="con τ = 1, ciò che resta dopo il taglio", ylabel="probabilità")
    below.legend()
    for ax in (above, below):
        ax.set_xticks(places, names, rotation=40, ha="right", rotation_mode="anchor")
        ax.tick_params(axis="x", length=0)
        ax.yaxis.set_major_formatter(decimal_comma(2))
    return fig


# prove inventate, come le registra attenzione.translator.searches
EXAMPLE_TRIALS = tuple(
    {
        "ampiezza": beam,
        "alpha": alpha,
        "BLEU": bleu + alpha,
        "lunghezza": ratio + 0.04 * alpha,
        "log_prob": log_prob - alpha,
    }
    for beam, bleu, ratio, log_prob in ((1, 20.0, 1.0, -12.0), (4, 21.5, 0.97, -11.0), (16, 21.2, 0.95, -10.6))
    for alpha in (0.0, 0.6)
)


def width_figure(trials=EXAMPLE_TRIALS):
    """Che cosa cambia con l’ampiezza del beam: log-probabilità, BLEU, lunghezza; una linea per penalità di lunghezza.

    trials: dizionari con «ampiezza», «alpha», «log_prob», «BLEU», «lunghezza», uno per ogni prova. Rende la figura.
    Errori: ValueError se a un’ampiezza manca una delle penalità.
    """
    widths, alphas = (sorted({trial[key] for trial in trials}) for key in ("ampiezza", "alpha"))
    found = {(trial["ampiezza"], trial["alpha"]): trial for trial in trials}
    if len(found) != len(widths) * len(alphas):
        raise ValueError(f"trials ha {len(found)} prove: attese {len(widths) * len(alphas)}, una per ampiezza e alpha")
    fig, axes = plt.subplots(3, 1, figsize=(7, 8), sharex=True, layout="constrained")
    measures = (
        ("log_prob", "log-probabilità\ndi una frase"),
        ("BLEU", "BLEU"),
        ("lunghezza", "lunghezza, volte\nil riferimento"),
    )
    for ax, (key, label) in zip(axes, measures, strict=True):
        for alpha, marker, dashes in zip(alphas, "os^D", ("-", "--", "-.", ":"), strict=False):
            values = [found[beam, alpha][key] for beam in widths]
            ax.plot(widths, values, marker=marker, linestyle=dashes, label=f"α = {number(alpha, 'g')}")
        ax.set_ylabel(label)
        ax.locator_params(axis="y", nbins=6, steps=[1, 2, 5, 10])
        ax.yaxis.set_major_formatter(decimal_comma({"log_prob": 1, "BLEU": 1, "lunghezza": 2}[key]))
    axes[-1].set_xscale("log", base=2)
    axes[-1].set_xticks(widths, map(str, widths))
    axes[-1].set_xlabel("ampiezza del beam")
    axes[0].legend(ncols=2)
    return fig
