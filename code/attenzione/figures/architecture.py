"""Le figure 1 e 2 dell’articolo, disegnate dal codice con le forme dei tensori."""

from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import torch
from matplotlib.patches import Circle, FancyBboxPatch
from torch import nn

from attenzione.attention import MultiHeadAttention
from attenzione.config import BASE, TransformerConfig
from attenzione.embedding import Embedding, LearnedPositionalEncoding, SinusoidalPositionalEncoding
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.figures.style import blank_figure
from attenzione.italian import number
from attenzione.layers import DecoderLayer, EncoderLayer, Residual
from attenzione.model import Transformer

# i colori dell’articolo, schiariti perché il testo nero si legga anche in grigio
COLORS = {
    "prodotto": "#cfc9ea",
    "softmax": "#cdeacb",
    "maschera": "#f7cfdd",
    "scala": "#fdf0bd",
    "lineare": "#dfe5ea",
    "attenzione": "#fbdcb2",
    "feed-forward": "#cbe8f3",
    "normalizzazione": "#f4f3c2",
    "embedding": "#f8d6dc",
}


def _box(ax, x, y, text, kind, width, height=0.36):
    corner = (x - width / 2, y - height / 2)
    ax.add_patch(
        FancyBboxPatch(
            corner,
            width,
            height,
            linewidth=1.2,
            edgecolor="black",
            facecolor=COLORS[kind],
            boxstyle="round,pad=0,rounding_size=0.08",
        )
    )
    ax.text(x, y, text, ha="center", va="center", fontsize=12)


def _arrow(ax, *points):
    """Linea spezzata per i punti dati, con la freccia sull’ultimo tratto."""
    xs, ys = zip(*points, strict=True)
    ax.plot(xs[:-1], ys[:-1], color="black", linewidth=1.2, solid_capstyle="butt")
    head = {"arrowstyle": "-|>", "color": "black", "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", points[-1], points[-2], arrowprops=head)


def _shape(ax, x, y, text, ha="left"):
    ax.text(x, y, text, ha=ha, va="center", fontsize=12, color="#444444")


def _canvas(width, height):
    """Un foglio di width per height pollici, che sono anche le unità del disegno."""
    fig = blank_figure(figsize=(width, height))
    ax = fig.add_axes((0, 0, 1, 1), aspect="equal", xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    return fig, ax


def scaled_dot_product_diagram(d_k="$d_k$", d_v="$d_v$", n_q="$n_q$", n_k="$n_k$"):
    """Figura 2 a sinistra: l’attenzione a prodotto scalare scalato, con la forma di ciò che passa.

    Ogni argomento è un testo o un numero da scrivere nelle forme. Rende la figura.
    """
    fig, ax = _canvas(3.7, 4.6)
    _scaled_dot_product(ax, d_k, d_v, n_q, n_k)
    return fig


def multi_head_figure(n_heads=8, d_model=512):
    """Figura 2 intera: a sinistra una testa, a destra ``n_heads`` teste in parallelo. Rende la figura.

    n_heads: teste (h), divisore di d_model; d_model: componenti di ogni vettore. ValueError se non lo divide.
    """
    if n_heads < 1 or d_model % n_heads:
        raise ValueError(f"n_heads vale {n_heads}: atteso un divisore di d_model = {d_model}")
    d_k = d_model // n_heads
    fig, ax = _canvas(7.7, 4.6)
    _scaled_dot_product(ax, d_k, d_k, "$n_q$", "$n_k$")
    _multi_head(ax, 5.6, n_heads, d_model, d_k)
    return fig


def _scaled_dot_product(ax, d_k, d_v, n_q, n_k):
    steps = [
        (0.95, "prodotto $QK^T$", "prodotto", f"{n_q} × {n_k}"),
        (1.68, r"scala: $/\sqrt{d_k}$", "scala", f"{n_q} × {n_k}"),
        (2.41, "maschera (facoltativa)", "maschera", f"{n_q} × {n_k}"),
        (3.14, "softmax per righe", "softmax", f"{n_q} × {n_k}"),
        (3.87, "prodotto $AV$", "prodotto", f"{n_q} × {d_v}"),
    ]
    *lower, (top, text, kind, shape) = steps
    _box(ax, 1.85, top, text, kind, width=3.5)
    _arrow(ax, (1.85, top + 0.18), (1.85, 4.5))
    _shape(ax, 1.93, 4.28, shape)
    for (y, text, kind, shape), (above, *_) in zip(lower, steps[1:], strict=True):
        _box(ax, 1.2, y, text, kind, width=2.2)
        _arrow(ax, (1.2, y + 0.18), (1.2, above - 0.18))
        _shape(ax, 1.28, (y + above) / 2 - 0.03, shape)
    for x, name, top, shape in (
        (0.55, "Q", 0.77, f"{n_q} × {d_k}"),
        (1.75, "K", 0.77, f"{n_k} × {d_k}"),
        (3.0, "V", 3.69, f"{n_k} × {d_v}"),
    ):
        _arrow(ax, (x, 0.48), (x, top))
        ax.text(x, 0.36, f"${name}$", ha="center", va="center", fontsize=15)
        _shape(ax, x, 0.1, shape, ha="center")


def _multi_head(ax, x, n_heads, d_model, d_k):
    for shift in (0.2, 0.1, 0):  # tre copie bastano a dire «tante»
        for dx in (-1.2, 0, 1.2):
            _box(ax, x + dx + shift, 1.0 + shift, "lineare" if not shift else "", "lineare", width=0.95)
        _box(
            ax,
            x + shift,
            2.24 + shift,
            "attenzione a prodotto\nscalare scalato" if not shift else "",
            "prodotto",
            width=3.35,
            height=0.58,
        )
    for dx, name in ((-1.2, "Q"), (0, "K"), (1.2, "V")):
        _arrow(ax, (x + dx, 0.48), (x + dx, 0.82))
        _arrow(ax, (x + dx, 1.18), (x + dx, 1.95))
        _shape(ax, x + dx + 0.07, 1.72, f"$n$ × {d_k}")
        ax.text(x + dx, 0.36, f"${name}$", ha="center", va="center", fontsize=15)
        _shape(ax, x + dx, 0.1, f"$n$ × {d_model}", ha="center")
    ax.text(x + 1.85, 2.87, "1 testa" if n_heads == 1 else f"{n_heads} teste", ha="right", va="center", fontsize=13)
    _arrow(ax, (x, 2.53), (x, 3.05))
    _shape(ax, x - 0.08, 2.87, f"$n$ × {d_k}", ha="right")
    _box(ax, x, 3.23, f"concatenazione: {n_heads} × {d_k} = {n_heads * d_k}", "scala", width=3.0)
    _arrow(ax, (x, 3.41), (x, 3.69))
    _shape(ax, x + 0.08, 3.55, f"$n$ × {d_model}")
    _box(ax, x, 3.87, "lineare: $W^O$", "lineare", width=1.9)
    _arrow(ax, (x, 4.05), (x, 4.5))
    _shape(ax, x + 0.08, 4.28, f"$n$ × {d_model}")


# i moduli che la figura 1 conosce: quelli con un riquadro, quelli che ne contengono altri, quelli che non si disegnano
POSITIONS = (SinusoidalPositionalEncoding, LearnedPositionalEncoding)
LAYERS = (EncoderLayer, DecoderLayer)
BOXES = (Embedding, *POSITIONS, MultiHeadAttention, PositionwiseFeedForward, nn.LayerNorm)
CONTAINERS = (Transformer, nn.ModuleList, *LAYERS, Residual)
SILENT = (nn.Dropout, nn.Identity)
# misure della figura 1, in pollici
ROW, WIDTH, GAP, BRANCH = 0.22, 2.5, 0.2, 1.48


@dataclass
class Call:
    """La chiamata di un modulo: la forma (posizioni, componenti) di ciò che rende e le chiamate che contiene.

    masked, memory: per l’attenzione, se ha la maschera causale e se guarda la memoria dell’encoder.
    """

    module: nn.Module
    masked: bool = False
    memory: bool = False
    shape: tuple = ()
    calls: list = field(default_factory=list)

    def drawing(self):
        """Ciò che si vede della chiamata: due strati con lo stesso disegno si raggruppano."""
        return (type(self.module), box_text(self), self.shape, [call.drawing() for call in self.calls])


def transformer_diagram(model=BASE, n=None, m=None):
    """Figura 1: l’architettura di model, letta dal suo albero di moduli eseguito su due frasi finte.

    model: un Transformer, oppure una TransformerConfig (i suoi pesi non occupano memoria). n, m: quanti token
    hanno l’ingresso e l’uscita; None per scrivere le lettere. In ogni riquadro la forma di ciò che ne esce, senza
    l’asse del batch; gli strati uguali si raggruppano. Rende la figura.
    Errori: TypeError se model è altro o contiene un modulo senza riquadro, ValueError se n o m non sono positivi.
    """
    root = call_tree(model, 5 if n is None else n, 6 if m is None else m)
    # due embedding: dal secondo comincia il decoder
    _, start = [i for i, call in enumerate(root.calls) if isinstance(call.module, Embedding)]
    n, m = "n" if n is None else n, "m" if m is None else m  # da qui in poi sono scritte
    fig, ax = _canvas(6.64, 8.6)
    encoder, decoder = 1.78, 4.86  # le mezzerie delle due colonne
    memory, _ = _draw_column(ax, encoder, -1, root.calls[:start], n)
    top, entrances = _draw_column(ax, decoder, 1, root.calls[start:], m)
    shape = _shape_text(root.calls[start - 1].shape, n)
    _draw_memory(ax, encoder, memory, (encoder + decoder) / 2, decoder, entrances, shape)
    shape = _shape_text(root.shape, m)
    for text, kind in (("lineare", "lineare"), ("softmax", "softmax")):
        _arrow(ax, (decoder, top), (decoder, top + 0.3))
        top = _rows(ax, decoder, top + 0.3, [(text, shape)], kind)
    _arrow(ax, (decoder, top), (decoder, top + 0.3))
    ax.text(decoder, top + 0.34, "probabilità di uscita", ha="center", va="bottom", fontsize=13)
    ax.set(xlim=(0, 6.64), ylim=(-0.5, top + 0.62))
    fig.set_size_inches(6.64, top + 1.12)
    return fig


def call_tree(model, n, m):
    """Esegue model su due frasi finte di n e m token; rende la sua Call, con dentro tutte le altre in ordine."""
    for name, value in (("n", n), ("m", m)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} vale {value}: atteso un intero positivo, oppure None")
    if isinstance(model, TransformerConfig):
        with torch.device("meta"):  # le forme senza i numeri
            model = Transformer(model)
    if not isinstance(model, Transformer):
        raise TypeError(f"model è un {type(model).__name__}: atteso un Transformer o una TransformerConfig")
    for name, module in model.named_modules():
        if not isinstance(module, (*BOXES, *CONTAINERS, *SILENT)):
            raise TypeError(f"il modulo «{name}» è un {type(module).__name__}: la figura 1 non ha un riquadro per lui")

    opened = [Call(None)]

    def enter(module, args, kwargs):
        memory = isinstance(module, MultiHeadAttention) and len(args) > 1
        call = Call(module, masked=kwargs.get("is_causal", False), memory=memory)
        opened[-1].calls.append(call)
        opened.append(call)

    def leave(module, args, result):
        output = result[0] if isinstance(result, tuple) else result
        opened.pop().shape = tuple(output.shape[1:])

    hooks = [module.register_forward_pre_hook(enter, with_kwargs=True) for module in model.modules()]
    hooks += [module.register_forward_hook(leave) for module in model.modules()]
    device = model.embedding.E.device
    tokens = torch.full((1, max(n, m)), model.config.bos_id, device="cpu" if device.type == "meta" else device)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):  # il disegno non consuma numeri casuali
            model(tokens[:, :n], tokens[:, :m])
    finally:
        for hook in hooks:
            hook.remove()
    return _without_silent(opened[0].calls[0])


def _without_silent(call):
    call.calls = [_without_silent(inner) for inner in call.calls if not isinstance(inner.module, SILENT)]
    return call


def box_text(call, added=False):
    """Le righe del riquadro di una chiamata e il suo colore; added: se normalizza anche la somma residuale."""
    module = call.module
    if isinstance(module, MultiHeadAttention):
        lines = ["attenzione multi-testa"]
        if call.masked:
            lines.append("mascherata")
        lines.append("1 testa" if module.n_heads == 1 else f"{module.n_heads} teste")
        return lines, "attenzione"
    if isinstance(module, PositionwiseFeedForward):
        return ["feed-forward", f"$d_{{ff}}$ = {module.W_1.size(1)}"], "feed-forward"
    if isinstance(module, nn.LayerNorm):
        return ["somma e normalizzazione", ""] if added else ["normalizzazione"], "normalizzazione"
    if isinstance(module, Embedding):
        return ["embedding"], "embedding"
    if isinstance(module, POSITIONS):
        learned = isinstance(module, LearnedPositionalEncoding)
        return ["posizioni\napprese" if learned else "codifica\nposizionale"], "posizioni"
    return [], None


def _shape_text(shape, length):
    """«n × 512»: la prima grandezza col nome della lunghezza, la seconda col suo numero."""
    length = f"${length}$" if isinstance(length, str) else length
    width = number(shape[1], ",") if shape[1] >= 10_000 else shape[1]
    return f"{length} × {width}"


def _rows(ax, x, y, rows, kind):
    """Un riquadro con la base in y: una riga di testo, oppure una coppia a sinistra e a destra. Rende la cima."""
    top = y + ROW * len(rows) + 0.14
    _box(ax, x, (y + top) / 2, "", kind, width=WIDTH, height=top - y)
    for i, row in enumerate(rows):
        where = {"y": top - 0.07 - ROW * (i + 0.5), "va": "center_baseline", "fontsize": 12}
        if isinstance(row, str):
            ax.text(x, s=row, ha="center", **where)
            continue
        ax.text(x - WIDTH / 2 + 0.1, s=row[0], ha="left", **where)
        ax.text(x + WIDTH / 2 - 0.1, s=row[1], ha="right", color="#333333", **where)
    return top


def _draw_call(ax, x, y, call, length, added=False):
    lines, kind = box_text(call, added)
    return _rows(ax, x, y, [*lines[:-1], (lines[-1], _shape_text(call.shape, length))], kind)


def _draw_column(ax, x, side, calls, length):
    """Una colonna dal basso; side: −1 encoder, 1 decoder. Rende la cima e le altezze a cui entra la memoria."""
    entrances, y = [], 0.0
    words = "ingressi" if side < 0 else "uscite (spostate a destra)"
    ax.text(x, -0.36, words, ha="center", va="center", fontsize=13)
    _arrow(ax, (x, -0.2), (x, y))
    for same, group in groupby(calls, key=Call.drawing):
        group = list(group)
        call = group[0]
        if isinstance(call.module, POSITIONS):
            y = _draw_positions(ax, x, y, side, call, length)
        elif isinstance(call.module, LAYERS):
            bottom = y = y + 0.26
            ax.plot([x, x], [bottom - 0.26, bottom], color="black", linewidth=1.2)
            for inner in call.calls:
                y, entrance = _draw_sublayer(ax, x, y, side, inner, length)
                entrances += entrance
            _draw_panel(ax, x, side, bottom, y + 0.13, len(group))
            ax.plot([x, x], [y, y + 0.13], color="black", linewidth=1.2)
            y += 0.13
        else:
            if same != calls[0].drawing():
                _arrow(ax, (x, y), (x, y + 0.3))
                y += 0.3
            y = _draw_call(ax, x, y, call, length)
    return y, entrances


def _draw_panel(ax, x, side, bottom, top, times):
    """Il fondo grigio di un gruppo di strati uguali, con quante volte si ripete."""
    left = x - WIDTH / 2 - (0.36 if side < 0 else 0.14)
    ax.add_patch(
        FancyBboxPatch(
            (left, bottom),
            WIDTH + 0.5,
            top - bottom,
            linewidth=1.2,
            facecolor="#f0f0f0",
            edgecolor="black",
            boxstyle="round,pad=0,rounding_size=0.14",
            zorder=0,
        )
    )
    ax.text(
        x + side * (WIDTH / 2 + 0.34),
        top + 0.04,
        f"{times} ×",
        fontsize=16,
        va="bottom",
        ha="left" if side < 0 else "right",
    )


def _draw_positions(ax, x, y, side, call, length):
    """Il segno di somma e, di lato, l’onda delle sinusoidi o la tabella delle posizioni apprese."""
    y, wave = y + 0.36, x + side * 0.52
    _arrow(ax, (x, y - 0.36), (x, y - 0.12))
    ax.add_patch(Circle((x, y), 0.12, facecolor="white", edgecolor="black", linewidth=1.2))
    ax.plot([x - 0.12, x + 0.12], [y, y], [x, x], [y - 0.12, y + 0.12], color="black", linewidth=1.2)
    ax.plot([x + side * 0.12, wave - side * 0.17], [y, y], color="black", linewidth=1.2)
    ax.add_patch(Circle((wave, y), 0.17, facecolor="white", edgecolor="black", linewidth=1.2))
    t = np.linspace(-1, 1, 40)
    if isinstance(call.module, LearnedPositionalEncoding):
        for line in (-0.06, 0, 0.06):
            ax.plot([wave - 0.09, wave + 0.09], [y + line, y + line], color="black", linewidth=1.2)
    else:
        ax.plot(wave + 0.15 * t, y + 0.08 * np.sin(np.pi * t), color="black", linewidth=1.2)
    ax.text(wave + side * 0.24, y, box_text(call)[0][0], ha="right" if side < 0 else "left", va="center", fontsize=12)
    ax.text(
        x - side * 0.22,
        y,
        _shape_text(call.shape, length),
        ha="left" if side < 0 else "right",
        va="center",
        fontsize=12,
        color="#333333",
    )
    return y + 0.12


def _draw_sublayer(ax, x, y, side, call, length):
    """Un sottostrato: i riquadri nell’ordine in cui sono stati chiamati e la connessione residuale attorno.

    Rende la cima e le altezze a cui entra la memoria.
    """
    inner = call.calls if isinstance(call.module, Residual) else [call]
    post = len(inner) > 1 and isinstance(inner[-1].module, nn.LayerNorm)
    start, entrances = y, []
    for i, part in enumerate(inner):
        first = y == start
        if isinstance(part.module, MultiHeadAttention):
            turn = y + (0.2 if first else 0.08)
            y = turn + 0.28
            entrances += _draw_entrance(ax, x, (start if first else turn - 0.08), turn, y, part.memory)
        else:
            _arrow(ax, (x, y), (x, y + (0.36 if first else GAP)))
            y += 0.36 if first else GAP
        middle, y = y, _draw_call(ax, x, y, part, length, added=post and i == len(inner) - 1)
    if not isinstance(call.module, Residual):
        return y, entrances
    if not post:  # pre-norm: in cima c’è la sola somma
        _arrow(ax, (x, y), (x, y + GAP))
        middle, y = y + GAP, _rows(ax, x, y + GAP, [("somma", _shape_text(call.shape, length))], "scala")
    middle = (middle + y) / 2
    _arrow(
        ax,
        (x, start + 0.09),
        (x + side * BRANCH, start + 0.09),
        (x + side * BRANCH, middle),
        (x + side * WIDTH / 2, middle),
    )
    return y, entrances


def _draw_entrance(ax, x, start, turn, top, memory):
    """Le tre frecce sotto l’attenzione: da una sola linea, o due dalla memoria (chiavi e valori) e una da sotto."""
    for dx, from_memory in ((-0.7, memory), (0, memory), (0.7, False)):
        bottom = turn + 0.1 if from_memory else turn
        _arrow(ax, (x + dx, bottom), (x + dx, top))
    ax.plot([x, x, x + 0.7], [start, turn, turn], color="black", linewidth=1.2)
    if not memory:
        ax.plot([x - 0.7, x, x], [turn, turn, top - 0.1], color="black", linewidth=1.2)
    return [turn + 0.1] if memory else []


def _draw_memory(ax, x, y, middle, decoder, entrances, shape):
    """Dalla cima dell’encoder all’attenzione di ogni gruppo di strati del decoder."""
    ax.text(x + 0.1, y + 0.2, rf"$\mathbf{{z}}$: {shape}", ha="left", va="center", fontsize=12, color="#333333")
    up = y + 0.42
    ax.plot([x, x, middle], [y, up, up], color="black", linewidth=1.2)
    for entrance in entrances:
        ax.plot([middle, middle, decoder], [up, entrance, entrance], color="black", linewidth=1.2)
