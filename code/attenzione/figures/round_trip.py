"""Il giro di una parola: dal testo ai vettori e ritorno, Parte 0."""

from matplotlib.patches import FancyBboxPatch

from attenzione.figures.style import blank_figure

DOWN = [
    ("testo", "the debate is closed."),
    ("token", "▁the ▁debate ▁is\n▁closed ."),
    ("ID", "un numero d’ordine\nper token"),
    ("vettori", "una riga di $E$\nper token"),
]
UP = [
    ("testo", "la prima parola"),
    ("token", "uno, per esempio\nil più probabile"),
    ("logit e softmax", "una probabilità per\ntoken del vocabolario"),
    ("vettore", "uscita del decoder"),
]
WIDTH, HEIGHT, STEP_X, STEP_Y = 2.2, 1.05, 2.7, 1.5


def round_trip_figure():
    """Otto caselle su due colonne: a sinistra l’andata, a destra il ritorno, in basso gli strati. Rende la figura."""
    fig = blank_figure(figsize=(5.3, 6.6))
    ax = fig.add_axes((0, 0, 1, 1), xlim=(0, 5.3), ylim=(0, 6.6))
    ax.axis("off")
    for x, boxes, color in ((0.2, DOWN, "C0"), (0.2 + STEP_X, UP, "C1")):
        for i, (title, text) in enumerate(boxes):
            y = 5.4 - i * STEP_Y
            ax.add_patch(FancyBboxPatch((x, y), WIDTH, HEIGHT, "round,pad=0.04", facecolor="white", edgecolor=color))
            ax.text(x + WIDTH / 2, y + 0.86, title, ha="center", va="center", weight="bold")
            ax.text(x + WIDTH / 2, y + 0.36, text, ha="center", va="center", fontsize=12)
            if i:
                ends = (x + WIDTH / 2, y + STEP_Y), (x + WIDTH / 2, y + HEIGHT)
                _arrow(ax, *(ends if color == "C0" else ends[::-1]))
    bottom = 5.4 - 3 * STEP_Y
    _arrow(ax, (0.2 + WIDTH, bottom + HEIGHT / 2), (0.2 + STEP_X, bottom + HEIGHT / 2))
    ax.text(0.2 + (STEP_X + WIDTH) / 2, bottom - 0.32, "gli strati del modello", ha="center", va="center")
    for x, label in ((0.35, "$E$"), (0.35 + STEP_X, "$E^T$")):  # la stessa matrice, due volte
        y = bottom + (HEIGHT + STEP_Y) / 2
        ax.text(x + WIDTH / 2, y, label, va="center")
    return fig


def _arrow(ax, start, end):
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "#555555", "shrinkA": 4, "shrinkB": 4})
