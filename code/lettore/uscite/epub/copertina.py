"""La copertina dell’EPUB: il titolo e la mappa dei pesi di attenzione dell’esempio del libro."""

import textwrap

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from attenzione.data.example import TOKENS
from attenzione.figures.style import example_weights

CARTA, INCHIOSTRO, TINTA = "#faf7f0", "#1d2433", "#12437a"
PUNTI = 160  # 10 × 16 pollici: 1600 × 2560 pixel


def copertina(titolo: str, sottotitolo: str) -> Figure:
    """Rende la figura, alta e stretta come la pagina di un libro."""
    figura = Figure(figsize=(10, 16), dpi=PUNTI, facecolor=CARTA)
    scritta = {"x": 0.1, "color": INCHIOSTRO, "va": "top", "family": "DejaVu Serif", "linespacing": 1.35}
    figura.text(y=0.93, s=textwrap.fill(titolo, 13), size=62, weight="bold", **scritta)
    figura.text(y=0.675, s=textwrap.fill(sottotitolo, 27), size=27, **scritta)

    mappa = figura.add_axes((0.22, 0.12, 0.68, 0.425))  # quadrata: 0,68 × 10 = 0,425 × 16
    pesi = example_weights()[0].detach().tolist()  # (n_q, n_k)
    for riga, valori in enumerate(pesi):
        for colonna, peso in enumerate(valori):
            mappa.add_patch(casella(colonna, riga, peso / max(valori)))
    mappa.set(xlim=(-0.5, len(TOKENS) - 0.5), ylim=(len(TOKENS) - 0.5, -0.5))
    for asse in (mappa.xaxis, mappa.yaxis):
        asse.set_ticks(range(len(TOKENS)), TOKENS, size=20, color=INCHIOSTRO, family="DejaVu Serif")
    mappa.tick_params(length=0, pad=10)
    mappa.patch.set_alpha(0)
    mappa.spines[:].set_visible(False)
    figura.text(
        0.1,
        0.055,
        "Traduzione non ufficiale, con note, figure e codice",
        size=17,
        color=INCHIOSTRO,
        family="DejaVu Serif",
    )
    return figura


def casella(x: float, y: float, forza: float) -> Rectangle:
    return Rectangle((x - 0.45, y - 0.45), 0.9, 0.9, facecolor=TINTA, alpha=0.06 + 0.94 * forza, linewidth=0)
