"""Le figure dei sei passi: una per passo, sulla frase di cinque token."""

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from attenzione.attention import scaled_dot_product_attention
from attenzione.data import example
from attenzione.figures.style import draw_cells
from attenzione.italian import number

HATCHES = ("", "//", "..", "xx")


def tensor_axes(batch=3, n_heads=example.H, n=example.N, d_model=example.D_MODEL, d_k=example.D_K):
    """Cinque tabelle, da zero a quattro assi, ciascuna con la sua forma e il nome di ogni asse. Rende la figura.

    Un numero; (d_model,); (n, d_model); (batch, n, d_model); (batch, n_heads, n, d_k).
    """
    fig, axes = plt.subplot_mosaic(
        [["0", "1", "2"], ["3", "3", "3"], ["4", "4", "4"]], figsize=(8.5, 10), height_ratios=[1, 1.1, 2.2]
    )
    _tables(axes["0"], {"": (0, 0)}, 1, 1, "0 assi: un numero", "()")
    axes["0"].set(xlim=(-d_model / 2, d_model / 2 + 1), ylim=(n / 2 + 0.5, -n / 2 + 0.5))
    _tables(axes["1"], {"": (0, 0)}, 1, d_model, "1 asse: un vettore", f"({d_model},)")
    _tables(axes["2"], {"": (0, 0)}, n, d_model, "2 assi: una matrice", f"({n}, {d_model})")
    row = {f"frase {b}": (b * (d_model + 1.5), 0) for b in range(batch)}
    _tables(axes["3"], row, n, d_model, "3 assi: più frasi", f"({batch}, {n}, {d_model})")
    grid = {f"frase {b}, testa {j}": (b * (d_k + 4), j * (n + 2)) for j in range(n_heads) for b in range(batch)}
    _tables(axes["4"], grid, n, d_k, "4 assi: più frasi, più teste", f"({batch}, {n_heads}, {n}, {d_k})")
    for name in "1234":
        axes[name].set_xlabel("componente →")
    for name in "234":
        axes[name].set_ylabel("← posizione")
    return fig


def _tables(ax, corners, rows, columns, title, shape):
    """Disegna una tabella di rows × columns caselle per ogni angolo in alto a sinistra {scritta: (x, y)}."""
    for label, (x, y) in corners.items():
        ax.text(x + columns / 2, y - 0.2, label, ha="center", va="bottom", fontsize=12)
        for row in range(rows):
            for column in range(columns):
                ax.add_patch(Rectangle((x + column, y + row), 1, 1, facecolor="#DCE9F5", edgecolor="#1F4E79"))
    right = max(x for x, _ in corners.values()) + columns
    bottom = max(y for _, y in corners.values()) + rows
    top = -1.2 if len(corners) > 1 else -0.2
    ax.set(xlim=(-0.2, right + 0.2), ylim=(bottom + 0.2, top), aspect="equal", xticks=[], yticks=[])
    ax.set_title(f"{title}\n{shape}", fontsize=13)
    ax.spines[:].set_visible(False)


def score_map(scores=None, queries=example.TOKENS, keys=example.TOKENS, digits=1):
    """Mappa di punteggi di segno qualsiasi, con la scala dei colori: una riga per query, una colonna per chiave.

    scores: (n_q, n_k), i prodotti QKᵀ dell’esempio se None. Rende la figura.
    ValueError se le etichette non sono tante quante le righe e le colonne.
    """
    scores = example.Q @ example.K.T if scores is None else torch.as_tensor(scores)
    if scores.shape != (len(queries), len(keys)):
        raise ValueError(
            f"scores ha forma {tuple(scores.shape)}: attesa ({len(queries)}, {len(keys)}), "
            "una riga per query e una colonna per chiave"
        )
    fig, ax = plt.subplots(figsize=(3 + 0.95 * len(keys), 1.4 + 0.7 * len(queries)))
    bar = fig.colorbar(draw_cells(ax, scores), ax=ax, format=lambda x, _: _signed(x, 0))
    bar.outline.set_visible(False)
    ax.set_xticks(range(len(keys)), keys)
    ax.set_yticks(range(len(queries)), queries)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set_xlabel("chiave: chi è cercato →", style="italic", loc="left", labelpad=12)
    ax.set_ylabel("← query: chi cerca", style="italic", loc="top", labelpad=12)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    dark = scores.min() + 0.6 * (scores.max() - scores.min())
    for row, line in enumerate(scores.tolist()):
        for column, score in enumerate(line):
            ax.text(
                column,
                row,
                _signed(score, digits),
                ha="center",
                va="center",
                color="white" if score > dark else "black",
            )
    return fig


def product_spread(sizes=(4, 64, 512), samples=20_000, seed=0):
    """Come si distribuiscono i prodotti scalari di vettori estratti a caso, prima e dopo la divisione per √d_k.

    sizes: i valori di d_k, al più quattro; samples: le coppie estratte per ciascuno. Rende la figura.
    """
    generator = torch.Generator().manual_seed(seed)
    fig, (raw, scaled) = plt.subplots(1, 2, figsize=(9, 4))
    widest = 3 * math.sqrt(max(sizes))
    for d_k, style in zip(sizes, ("-", "--", ":", "-."), strict=False):
        q, k = torch.randn(2, samples, d_k, generator=generator)
        products = (q * k).sum(dim=-1)  # (samples,)
        for ax, values, limit in ((raw, products, widest), (scaled, products / math.sqrt(d_k), 4)):
            density, edges = torch.histogram(values, bins=41, range=(-limit, limit), density=True)
            ax.plot(((edges[1:] + edges[:-1]) / 2).tolist(), density.tolist(), style, label=f"$d_k$ = {d_k}")
    raw.set(title="$q \\cdot k$", xlabel="prodotto scalare", yticks=[], ylabel="quanto spesso")
    scaled.set(title="$q \\cdot k\\,/\\sqrt{d_k}$", xlabel="prodotto scalare diviso", yticks=[])
    raw.legend()
    return fig


def softmax_steps(scores=None, labels=example.TOKENS):
    """Una riga di punteggi, i suoi esponenziali e i pesi, in tre grafici a barre affiancati. Rende la figura.

    scores: (n_k,), i punteggi di «mangia» nell’esempio se None; labels: un’etichetta per punteggio.
    ValueError se non sono tante quante i punteggi.
    """
    scores = example.Q[2] @ example.K.T / math.sqrt(example.D_K) if scores is None else torch.as_tensor(scores)
    if scores.shape != (len(labels),):
        raise ValueError(f"scores ha forma {tuple(scores.shape)}: attesa ({len(labels)},), un numero per etichetta")
    fig, axes = plt.subplots(1, 3, figsize=(10, 4), sharey=True)
    rows = {"punteggi $s_j$": scores, "esponenziali $e^{s_j}$": scores.exp(), "pesi": scores.softmax(dim=0)}
    for ax, (title, row) in zip(axes, rows.items(), strict=True):
        bars = ax.barh(range(len(labels)), row.tolist(), color="C0")
        ax.bar_label(bars, [_signed(x, 2) for x in row.tolist()], padding=3, fontsize=12)
        low, high = min(0.0, row.min().item()), row.max().item()
        room = 0.32 * (high - low)
        left = low - room if low < 0 else low
        ax.set(title=title, xlim=(left, high + room), xticks=[])
        ax.axvline(0, color="black", linewidth=1)
        ax.spines["bottom"].set_visible(False)
    axes[0].set_yticks(range(len(labels)), labels)
    axes[0].invert_yaxis()
    for ax in axes:
        ax.tick_params(length=0)
    return fig


def weighted_sum_figure(weights=None, values=None, labels=example.TOKENS):
    """La somma pesata come tabella: i pesi, i valori, ogni valore per il suo peso e, sotto, la somma.

    weights: (n_k,); values: (n_k, d_v); quelli di «mangia» nell’esempio se None. Rende la figura.
    ValueError se pesi, valori ed etichette non sono in egual numero.
    """
    weights = (example.Q[2] @ example.K.T / math.sqrt(example.D_K)).softmax(dim=0) if weights is None else weights
    values = example.V if values is None else values
    if not len(weights) == len(values) == len(labels):
        raise ValueError(f"{len(weights)} pesi, {len(values)} valori, {len(labels)} etichette: attesi in egual numero")
    products = weights[:, None] * values  # (n_k, d_v)
    tables = {"pesi": weights[:, None], "valori": values, "peso × valore": products}
    fig, axes = plt.subplots(
        1,
        3,
        figsize=(9.5, 0.8 + 0.62 * (len(labels) + 1)),
        sharey=True,
        width_ratios=[1.2, values.shape[1], values.shape[1]],
    )
    for ax, (title, table) in zip(axes, tables.items(), strict=True):
        _numbers(ax, table, 0)
        ax.set(title=title, xlim=(-0.5, table.shape[1] - 0.5), ylim=(len(labels) + 0.6, -0.5), xticks=[])
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    axes[0].set_yticks([*range(len(labels)), len(labels) + 0.1], [*labels, "somma"])
    _numbers(axes[0], weights.sum().view(1, 1), len(labels) + 0.1, "#FBE3C8")
    _numbers(axes[2], products.sum(dim=0, keepdim=True), len(labels) + 0.1, "#FBE3C8")
    return fig


def _numbers(ax, table, top, color="#DCE9F5"):
    """Scrive ogni numero di table (righe, colonne) in una casella, dalla riga di ordinata top in giù."""
    for row, line in enumerate(table.tolist()):
        for column, x in enumerate(line):
            ax.add_patch(Rectangle((column - 0.46, top + row - 0.42), 0.92, 0.84, facecolor=color, edgecolor="#1F4E79"))
            ax.text(column, top + row, _signed(x, 2), ha="center", va="center")


def example_deletions(query=1):
    """I pesi di una query dell’esempio e l’effetto di togliere ciascun token: (5,), (5,).

    L’effetto è la distanza fra l’uscita con e senza la chiave e il valore di quel token.
    """
    output, weights = scaled_dot_product_attention(example.Q, example.K, example.V)
    rest = [[i for i in range(example.N) if i != j] for j in range(example.N)]
    without = torch.stack([scaled_dot_product_attention(example.Q, example.K[r], example.V[r])[0][query] for r in rest])
    return weights[query], (without - output[query]).norm(dim=1)


def weights_and_effects(words=example.TOKENS, weights=None, effects=None, names=("",)):
    """Il peso di ogni parola e l’effetto di toglierla, in due grafici a barre affiancati. Rende la figura.

    weights, effects: (righe, parole), una riga per modello e un nome per riga in names (al più quattro); quelli
    della query «gatta» nell’esempio se None. ValueError se le grandezze non vanno d’accordo.
    """
    if weights is None:
        weights, effects = (row[None] for row in example_deletions())
    weights, effects = torch.as_tensor(weights), torch.as_tensor(effects)
    if not weights.shape == effects.shape == (len(names), len(words)):
        raise ValueError(
            f"weights ha forma {tuple(weights.shape)} ed effects {tuple(effects.shape)}: "
            f"attesa ({len(names)}, {len(words)}), una riga per nome e una colonna per parola"
        )
    fig, axes = plt.subplots(1, 2, figsize=(9, 1.3 + 0.65 * len(words)), sharey=True)
    thick = 0.8 / len(names)
    for ax, table, title in zip(axes, (weights, effects), ("peso", "effetto di togliere la parola"), strict=True):
        for i, (name, row) in enumerate(zip(names, table, strict=True)):
            places = [j + (i - (len(names) - 1) / 2) * thick for j in range(len(words))]
            ax.barh(places, row.tolist(), 0.9 * thick, color=f"C{i}", hatch=HATCHES[i], edgecolor="white", label=name)
        ax.set(title=title, xlim=(0, 1.05 * table.max().item()))
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        ax.xaxis.set_major_formatter(lambda x, _: number(x, "g"))
        ax.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(words)), words)
    axes[0].invert_yaxis()
    if len(names) > 1:
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    return fig


def _signed(x, digits):
    """Il numero x con la virgola e il segno meno tipografico; mai «−0»."""
    text = number(x, f".{digits}f")
    return text.replace("-", "−") if text.strip("-0,") else text.removeprefix("-")
