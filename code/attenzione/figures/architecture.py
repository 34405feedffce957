"""Le figure 1 e 2 dell’articolo, disegnate dal codice con le forme dei tensori."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

# i colori dell’articolo, schiariti perché il testo nero si legga anche in grigio
COLORS = {"prodotto": "#cfc9ea", "softmax": "#cdeacb", "maschera": "#f7cfdd", "scala": "#fdf0bd",
          "lineare": "#dfe5ea", "attenzione": "#fbdcb2", "feed-forward": "#cbe8f3", "norma": "#f4f3c2",
          "embedding": "#f8d6dc"}


def _box(ax, x, y, text, kind, width=2.6, height=0.62):
    corner = (x - width / 2, y - height / 2)
    ax.add_patch(FancyBboxPatch(corner, width, height, linewidth=1.2, edgecolor="black", facecolor=COLORS[kind],
                                boxstyle="round,pad=0,rounding_size=0.08"))
    ax.text(x, y, text, ha="center", va="center", fontsize=12)


def _arrow(ax, *points):
    """Linea spezzata per i punti dati, con la freccia sull’ultimo tratto."""
    xs, ys = zip(*points, strict=True)
    ax.plot(xs[:-1], ys[:-1], color="black", linewidth=1.2, solid_capstyle="butt")
    head = {"arrowstyle": "-|>", "color": "black", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", points[-1], points[-2], arrowprops=head)


def _shape(ax, x, y, text, ha="left"):
    ax.text(x, y, text, ha=ha, va="center", fontsize=12, color="#444444")


def _canvas(width, height, scale=0.62):
    fig, ax = plt.subplots(figsize=(width * scale, height * scale))
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return fig, ax


def scaled_dot_product_diagram(d_k="$d_k$", d_v="$d_v$", n_q="$n_q$", n_k="$n_k$"):
    """Figura 2 a sinistra: l’attenzione a prodotto scalare scalato, con la forma di ciò che passa.

    Ogni argomento è un testo o un numero da scrivere nelle forme. Rende la figura.
    """
    fig, ax = _canvas(9, 8.4)
    _scaled_dot_product(ax, d_k, d_v, n_q, n_k)
    return fig


def multi_head_figure(n_heads=8, d_model=512):
    """Figura 2 intera: a sinistra una testa, a destra ``n_heads`` teste in parallelo. Rende la figura.

    n_heads: teste (h), divisore di d_model; d_model: componenti di ogni vettore. ValueError se non lo divide.
    """
    if n_heads < 1 or d_model % n_heads:
        raise ValueError(f"n_heads vale {n_heads}: atteso un divisore di d_model = {d_model}")
    d_k = d_model // n_heads
    fig, ax = _canvas(19.5, 8.4)
    _scaled_dot_product(ax, d_k, d_k, "$n_q$", "$n_k$")
    _multi_head(ax, 14.5, n_heads, d_model, d_k)
    return fig


def _scaled_dot_product(ax, d_k, d_v, n_q, n_k):
    steps = [(1.6, "prodotto $QK^T$", "prodotto", f"{n_q} × {n_k}"),
             (2.9, r"scala: $/\sqrt{d_k}$", "scala", ""),
             (4.2, "maschera (facoltativa)", "maschera", ""),
             (5.5, "softmax, riga per riga", "softmax", f"{n_q} × {n_k}, righe a somma 1"),
             (6.9, "prodotto $AV$", "prodotto", f"{n_q} × {d_v}")]
    *lower, (top, text, kind, shape) = steps
    _box(ax, 4.15, top, text, kind, width=6.7)
    _arrow(ax, (4.15, top + 0.31), (4.15, 7.9))
    _shape(ax, 4.3, 7.6, shape)
    for (y, text, kind, shape), (above, *_) in zip(lower, steps[1:], strict=True):
        _box(ax, 2.6, y, text, kind, width=3.6)
        _arrow(ax, (2.6, y + 0.31), (2.6, above - 0.31))
        _shape(ax, 2.75, (y + above) / 2, shape)
    for x, name, top, shape in ((1.6, "Q", 1.29, f"{n_q} × {d_k}"), (3.6, "K", 1.29, f"{n_k} × {d_k}"),
                                (6.7, "V", 6.59, f"{n_k} × {d_v}")):
        _arrow(ax, (x, 0.75), (x, top))
        ax.text(x, 0.55, f"${name}$", ha="center", va="center", fontsize=15)
        _shape(ax, x, 0.15, shape, ha="center")


def _multi_head(ax, x, n_heads, d_model, d_k):
    for shift in (0.36, 0.18, 0):                               # tre copie bastano a dire «tante»
        for dx in (-2.6, 0, 2.6):
            _box(ax, x + dx + shift, 1.9 + shift, "lineare" if not shift else "", "lineare", width=2.0)
        _box(ax, x + shift, 3.9 + shift, "attenzione a prodotto\nscalare scalato" if not shift else "", "prodotto",
             width=7.2, height=1.0)
    for dx, name in ((-2.6, "V"), (0, "K"), (2.6, "Q")):
        _arrow(ax, (x + dx, 0.75), (x + dx, 1.59))
        _arrow(ax, (x + dx, 2.21), (x + dx, 3.4))
        _shape(ax, x + dx + 0.15, 2.95, str(d_k))
        ax.text(x + dx, 0.55, f"${name}$", ha="center", va="center", fontsize=15)
        _shape(ax, x + dx, 0.15, f"$n$ × {d_model}", ha="center")
    ax.text(x + 4.2, 4.3, f"{n_heads} teste", ha="left", va="center", fontsize=13)
    _arrow(ax, (x, 4.4), (x, 5.39))
    _shape(ax, x + 0.15, 5.1, str(d_k))
    _box(ax, x, 5.7, f"concatenazione: {n_heads} × {d_k} = {d_model}", "scala", width=5.2)
    _arrow(ax, (x, 6.01), (x, 6.59))
    _box(ax, x, 6.9, "lineare: $W^O$", "lineare", width=3.0)
    _arrow(ax, (x, 7.21), (x, 7.9))
    _shape(ax, x + 0.15, 7.6, f"$n$ × {d_model}")


def transformer_diagram(n_layers=6, n_heads=8, d_model=512, d_ff=2048):
    """Figura 1: l’architettura del Transformer, con i numeri del modello dato. Rende la figura.

    n_layers: strati per pila (N); n_heads: teste (h); d_model, d_ff: dimensioni. Interi positivi.
    """
    fig, ax = _canvas(15, 17.2, scale=0.6)
    encoder, decoder = 4.0, 11.0
    for x, bottom, top in ((encoder, 4.3, 10.1), (decoder, 4.3, 13.2)):
        ax.add_patch(FancyBboxPatch((x - 2.3, bottom), 4.6, top - bottom, linewidth=1.2, facecolor="#f3f3f3",
                                    boxstyle="round,pad=0,rounding_size=0.25", edgecolor="black"))
    ax.text(encoder - 2.5, 7.2, f"{n_layers} ×", ha="right", va="center", fontsize=15)
    ax.text(decoder + 2.5, 8.7, f"{n_layers} ×", ha="left", va="center", fontsize=15)

    heads = f"{n_heads} teste"
    _column(ax, encoder, 5.5, [(f"attenzione multi-testa\n{heads}", "attenzione"),
                               (f"feed-forward\n{d_model} → {d_ff} → {d_model}", "feed-forward")])
    _column(ax, decoder, 5.5, [(f"attenzione multi-testa\nmascherata, {heads}", "attenzione"),
                               (f"attenzione multi-testa\n{heads}", "attenzione"),
                               (f"feed-forward\n{d_model} → {d_ff} → {d_model}", "feed-forward")])
    # l’uscita dell’encoder entra di lato in ogni strato del decoder
    _arrow(ax, (encoder, 9.91), (encoder, 10.6), (7.4, 10.6), (7.4, 8.3), (decoder - 1.85, 8.3))
    ax.text(5.6, 10.75, f"$n$ × {d_model}", ha="center", va="bottom", fontsize=12, color="#444444")

    for x, word, side in ((encoder, "ingressi", -1), (decoder, "uscite\n(spostate a destra)", 1)):
        ax.text(x, 0.45, word, ha="center", va="center", fontsize=13)
        _arrow(ax, (x, 0.95), (x, 1.39))
        _box(ax, x, 1.7, f"embedding, {d_model}", "embedding", width=3.4)
        _arrow(ax, (x, 2.01), (x, 2.8))
        ax.text(x, 3.0, "⊕", ha="center", va="center", fontsize=20)
        ax.text(x + side * 2.4, 3.0, "codifica\nposizionale", ha="center", va="center", fontsize=12)
        ax.plot([x + side * 1.35, x + side * 0.25], [3.0, 3.0], color="black", linewidth=1.2)
        _arrow(ax, (x, 3.22), (x, 5.08))

    _arrow(ax, (decoder, 12.99), (decoder, 13.99))
    _box(ax, decoder, 14.3, "lineare", "lineare")
    _arrow(ax, (decoder, 14.61), (decoder, 15.09))
    _box(ax, decoder, 15.4, "softmax", "softmax")
    _arrow(ax, (decoder, 15.71), (decoder, 16.4))
    ax.text(decoder, 16.75, "probabilità di uscita", ha="center", va="center", fontsize=13)
    return fig


def _column(ax, x, y, sublayers):
    """Una colonna di sottostrati dal basso, ciascuno con «somma e norma» e la sua connessione residuale."""
    for text, kind in sublayers:
        _box(ax, x, y, text, kind, width=3.7, height=0.86)
        _arrow(ax, (x, y + 0.43), (x, y + 0.87))
        _box(ax, x, y + 1.18, "somma e norma", "norma", width=3.7)
        _arrow(ax, (x, y - 0.85), (x - 2.1, y - 0.85), (x - 2.1, y + 1.18), (x - 1.85, y + 1.18))
        if (text, kind) != sublayers[-1]:
            _arrow(ax, (x, y + 1.49), (x, y + 2.37))
        y += 2.8
