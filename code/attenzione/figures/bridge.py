"""La figura della copertina: una frase, sotto la sua traduzione, e quanto ogni parola scritta guarda quelle lette."""

from attenzione.evidence.words import word_attention
from attenzione.figures.attention_lines import CHARACTER, FAINT
from attenzione.figures.style import blank_figure
from attenzione.figures.viewer import as_json, view_of

GAP, HEIGHT = 0.2, 1.2  # in pollici: fra due parole, fra le due righe


def bridge_view(model, tokenizer, pairs, layer=0, word=0, alt="Una frase e la sua traduzione"):
    """La vista <attenzione-ponte> di più frasi: i pesi encoder-decoder di uno strato, in media sulle sue teste.

    pairs: coppie (frase, traduzione); layer: contato da 0; word: la parola della prima traduzione che si vede accesa
    all’inizio e nella figura ferma. alt: la figura ferma, a parole. Errori: ValueError se pairs è vuoto, o se layer o
    word non ci sono.
    """
    pairs = list(pairs)
    if not pairs:
        raise ValueError("pairs è vuoto: attesa almeno una coppia (frase, traduzione)")
    if not 0 <= layer < model.config.n_layers:
        raise ValueError(f"layer vale {layer}: atteso un intero da 0 a {model.config.n_layers - 1}")
    sentences = []
    for pair in pairs:
        weights, queries, keys = word_attention(model, tokenizer, *pair)["encoder-decoder"]
        sentences.append((weights[layer].mean(dim=0)[:-1], queries[:-1], keys))  # senza la riga della fine
    data = {
        "parola": word,
        "frasi": [as_json(weights[None, None], queries, keys) for weights, queries, keys in sentences],
    }
    return view_of(data, bridge_figure(*sentences[0], word), alt, "attenzione-ponte")


def bridge_figure(weights, queries, keys, word=None):
    """Due righe di parole e una linea per ogni peso: in alto ciò che si legge, in basso ciò che si scrive.

    weights: (n_q, n_k); queries, keys: le parole in basso e in alto; word: la posizione, in basso, della parola di cui
    spiccano le linee; nessuna se None. Rende la figura. Errori: ValueError se word non c’è.
    """
    if word is not None and not 0 <= word < len(queries):
        raise ValueError(f"word vale {word}: attesa una posizione da 0 a {len(queries) - 1}")
    width = max(_length(queries), _length(keys)) + GAP
    fig = blank_figure(figsize=(width, HEIGHT + 0.8))
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(HEIGHT + 0.4, -0.4))
    ax.axis("off")
    top, bottom = _centres(keys, width), _centres(queries, width)
    for texts, places, y in ((keys, top, 0), (queries, bottom, HEIGHT)):
        for i, (text, x) in enumerate(zip(texts, places, strict=True)):
            bold = y > 0 and i == word
            ax.text(x, y, text, ha="center", va="center_baseline", fontsize=14, weight="bold" if bold else "normal")
    for i, row in enumerate(weights.tolist()):
        on = word is None or i == word
        for j, weight in enumerate(row):
            if weight >= FAINT:
                ax.plot(
                    [bottom[i], top[j]],
                    [HEIGHT - 0.2, 0.2],
                    color="#0072B2" if on else "#595959",
                    linewidth=0.6 + 4 * weight,
                    alpha=min(1, 0.15 + weight) if on else 0.25 * weight,
                )
    return fig


def _length(texts):
    return sum(CHARACTER * len(text) + GAP for text in texts)


def _centres(texts, width):
    """Il mezzo di ogni parola, con la riga al centro della figura."""
    x, centres = (width - _length(texts)) / 2, []
    for text in texts:
        side = CHARACTER * len(text) + GAP
        centres.append(x + side / 2)
        x += side
    return centres
