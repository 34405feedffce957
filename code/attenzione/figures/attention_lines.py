"""Le figure 3, 4 e 5 dell’articolo: due colonne di parole e una linea per ogni peso di attenzione."""

import torch
from matplotlib.patches import Rectangle

from attenzione.data import example
from attenzione.evidence.heads import KINDS
from attenzione.figures.style import blank_figure, example_weights

# otto teste: un colore (sicuro per i daltonici) e un tratteggio (che resta in grigio) ciascuna
HEAD_STYLES = (
    ("#0072B2", "-"),
    ("#D55E00", (0, (5, 1.5))),
    ("#009E73", (0, (1.2, 1))),
    ("#7A5195", (0, (5, 1, 1, 1))),
    ("#E69F00", (0, (8, 2))),
    ("#CC79A7", (0, (3, 1, 1, 1, 1, 1))),
    ("#56B4E9", (0, (2.5, 2.5))),
    ("#000000", (0, (10, 2, 2, 2))),
)
ROW, LINES, CHARACTER, SQUARE = 0.27, 2.1, 0.112, 0.24  # in pollici: riga, spazio delle linee, lettera, casella
FAINT = 0.02  # i pesi più piccoli non si disegnano


def attention_of(model, src, tgt, kind="encoder", layer=-1):
    """I pesi di attenzione di uno strato di model su una frase: (h, n_q, n_k).

    src, tgt: elenchi di identificatori di token; tgt comincia con BOS, e se non serve basta [BOS]. kind: «encoder»,
    «decoder» o «encoder-decoder»; layer: quale strato, da 0 (o da −1, l’ultimo, all’indietro).
    Errori: ValueError se kind o layer non ci sono.
    """
    if kind not in KINDS:
        raise ValueError(f"kind vale «{kind}»: atteso uno fra {', '.join(KINDS)}")
    n_layers = model.config.n_layers
    if not -n_layers <= layer < n_layers:
        raise ValueError(f"layer vale {layer}: atteso un intero da {-n_layers} a {n_layers - 1}")
    device, training = model.embedding.E.device, model.training
    model.eval()
    with torch.no_grad():
        weights = model.attention_weights(torch.tensor([src], device=device), torch.tensor([tgt], device=device))
    model.train(training)
    return weights[kind][layer][0].cpu()


def attention_lines(weights=None, queries=None, keys=None, heads=None, word=None):
    """Linee di attenzione, la forma delle figure 3, 4 e 5: a sinistra chi guarda, a destra a chi si guarda.

    weights: (h, n_q, n_k), i pesi di h teste; queries, keys: le parole a sinistra e a destra (keys come queries se
    None). heads: quali teste, contate da 0; tutte (al più otto) se None. word: la posizione della sola parola di cui
    mostrare le linee; tutte se None. Linee più spesse e scure per pesi più grandi. Senza argomenti mostra l’esempio
    del libro. Rende la figura. Errori: ValueError se forme, teste o posizione non vanno d’accordo.
    """
    return attention_panels(weights, queries, keys, [(heads, word)])


def attention_panels(weights=None, queries=None, keys=None, views=((None, None), (None, 0))):
    """Più disegni della stessa frase, uno sotto l’altro: le figure 4 e 5. Rende la figura.

    weights, queries, keys: come in attention_lines; views: le coppie (heads, word), una per disegno.
    """
    if weights is None:
        weights, queries, keys = example_weights(), example.TOKENS, example.TOKENS
    weights, keys = torch.as_tensor(weights).detach().cpu(), queries if keys is None else keys
    if weights.dim() != 3 or weights.shape[1:] != (len(queries), len(keys)):
        raise ValueError(
            f"weights ha forma {tuple(weights.shape)}: attesa (h, {len(queries)}, {len(keys)}), "
            "una riga per query e una colonna per chiave"
        )
    left = CHARACTER * max(map(len, queries)) + 0.15
    right = CHARACTER * max(map(len, keys)) + 0.15
    height = ROW * (max(len(queries), len(keys)) + 2)
    width = left + LINES + right + SQUARE * max(len(_heads(weights, heads)) for heads, _ in views) + 0.05
    fig = blank_figure(figsize=(width, height * len(views)))
    for i, (heads, word) in enumerate(views):
        ax = fig.add_axes((0, 1 - (i + 1) / len(views), 1, 1 / len(views)))
        ax.set(xlim=(-left, width - left), ylim=(height - 1.5 * ROW, -1.5 * ROW))
        ax.axis("off")
        _draw_lines(ax, weights, queries, keys, _heads(weights, heads), word, right)
    return fig


def _heads(weights, heads):
    heads = list(range(weights.size(0))) if heads is None else list(heads)
    if not 1 <= len(heads) <= len(HEAD_STYLES) or not all(0 <= head < weights.size(0) for head in heads):
        raise ValueError(f"heads vale {heads}: attese da 1 a {len(HEAD_STYLES)} teste, da 0 a {weights.size(0) - 1}")
    return heads


def _draw_lines(ax, weights, queries, keys, heads, word, right):
    if word is not None and not 0 <= word < len(queries):
        raise ValueError(f"word vale {word}: attesa una posizione da 0 a {len(queries) - 1}")
    rows = range(len(queries)) if word is None else [word]
    for side, words, x in (("right", queries, -0.1), ("left", keys, LINES + 0.1)):
        for i, text in enumerate(words):
            quiet = word is not None and side == "right" and i != word
            ax.text(
                x,
                i * ROW,
                text,
                ha=side,
                va="center_baseline",
                fontsize=13,
                color="#595959" if quiet else "black",
                weight="bold" if i == word and side == "right" else "normal",
            )
    if word is not None:
        edge = ax.get_xlim()[0]
        ax.add_patch(Rectangle((edge, (word - 0.5) * ROW), -0.04 - edge, ROW, facecolor="#d9d9d9"))
    for place, head in enumerate(heads):
        color, dashes = HEAD_STYLES[head % len(HEAD_STYLES)]
        dashes = dashes if len(heads) > 1 else "-"
        shift = (place - (len(heads) - 1) / 2) * 0.5 * ROW / len(HEAD_STYLES)  # le teste non si coprono
        column = LINES + right + place * SQUARE
        for i in rows:
            for j, weight in enumerate(weights[head, i].tolist()):
                if weight >= FAINT:
                    ax.plot(
                        [0, LINES],
                        [i * ROW + shift, j * ROW + shift],
                        color=color,
                        linestyle=dashes,
                        linewidth=0.6 + 3 * weight,
                        alpha=min(1, 0.12 + weight),
                    )
                if word is not None:
                    ax.add_patch(
                        Rectangle(
                            (column, (j - 0.45) * ROW), SQUARE * 0.9, ROW * 0.9, facecolor=color, alpha=min(1, weight)
                        )
                    )
        if len(heads) > 1:
            ax.text(column + 0.45 * SQUARE, -ROW, str(head + 1), ha="center", va="center", fontsize=12)
            ax.plot([column, column + 0.9 * SQUARE], [-0.55 * ROW] * 2, color=color, linewidth=4, solid_capstyle="butt")
    if len(heads) > 1:
        ax.text(LINES + right - 0.08, -ROW, "testa", ha="right", va="center", fontsize=12)
    else:
        ax.text(LINES / 2, -ROW, f"testa {heads[0] + 1}", ha="center", va="center", fontsize=12)
