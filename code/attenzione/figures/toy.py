"""Le figure dei compiti giocattolo."""

import matplotlib.pyplot as plt

from attenzione.figures.style import attention_map
from attenzione.italian import number


def depth_figure(scores=None, trained=4):
    """L’accuratezza contro la profondità delle parentesi, fino a quella vista in addestramento e oltre.

    scores: da profondità ad accuratezza, fra 0 e 1 (una discesa inventata se None); trained: la profondità più grande
    vista in addestramento. La linea punteggiata è chi risponde a caso. Rende la figura. Errori: ValueError se scores
    è vuoto.
    """
    scores = {depth: min(1, 1.5 - depth / 8) for depth in range(1, 8)} if scores is None else scores
    if not scores:
        raise ValueError("scores è vuoto: attesa almeno una profondità")
    fig, ax = plt.subplots(figsize=(6, 4))
    seen = [depth for depth in scores if depth <= trained]
    new = [depth for depth in scores if depth >= trained]  # il punto di confine unisce le due linee
    ax.plot(seen, [scores[depth] for depth in seen], "o-", label="profondità viste")
    ax.plot(new, [scores[depth] for depth in new], "s--", label="mai viste", zorder=1)
    ax.axhline(0.5, color="#595959", linestyle=":", label="a caso")
    ax.set(xlabel="profondità", ylabel="accuratezza", ylim=(0.4, 1.03))
    ax.set_xticks(list(scores))
    ax.yaxis.set_major_formatter(lambda x, _: number(x, ".0%"))
    ax.legend()
    return fig


def letter_map(weights=None, queries="abcd", keys="dcba"):
    """La mappa dei pesi di una testa fra singole lettere: caselle piccole e senza numeri. Rende la figura.

    weights: (n_q, n_k), l’antidiagonale se None; queries, keys: le etichette, un carattere ciascuna. Errori: quelli
    di attention_map.
    """
    if weights is None:
        weights = [[float(i + j == len(keys) - 1) for j in range(len(keys))] for i in range(len(queries))]
    fig = attention_map(weights, list(queries), list(keys), digits=None)
    cell = min(0.4, 4.5 / len(keys))  # in pollici: su un telefono si legge ancora
    fig.set_size_inches(1.4 + cell * len(keys), 1.2 + cell * len(queries))
    return fig
