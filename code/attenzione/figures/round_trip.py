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
WIDTH, HEIGHT, STEP_X, STEP_Y, TOP = 2.2, 1.05, 2.7, 1.5, 5.9


def round_trip_figure():
    """Otto caselle su due colonne, l’andata e il ritorno; sotto, larga, quella degli strati. Rende la figura."""
    fig = blank_figure(figsize=(5.3, 7.1))
    ax = fig.add_axes((0, 0, 1, 1), xlim=(0, 5.3), ylim=(0, 7.1))
    ax.axis("off")
    for x, boxes, color in ((0.2, DOWN, "C0"), (0.2 + STEP_X, UP, "C1")):
        for i, (title, text) in enumerate(boxes):
            y = TOP - i * STEP_Y
            _box(ax, x, y, WIDTH, HEIGHT, color)
            ax.text(x + WIDTH / 2, y + 0.86, title, ha="center", va="center", weight="bold")
            ax.text(x + WIDTH / 2, y + 0.36, text, ha="center", va="center", fontsize=12)
            if i:
                ends = (x + WIDTH / 2, y + STEP_Y), (x + WIDTH / 2, y + HEIGHT)
                _arrow(ax, *(ends if color == "C0" else ends[::-1]))
    bottom = TOP - 3 * STEP_Y
    _box(ax, 0.2, 0.3, STEP_X + WIDTH, 0.6, "#555555")
    ax.text(0.2 + (STEP_X + WIDTH) / 2, 0.6, "gli strati del modello", ha="center", va="center", weight="bold")
    _arrow(ax, (0.2 + WIDTH / 2, bottom), (0.2 + WIDTH / 2, 0.9))
    _arrow(ax, (0.2 + STEP_X + WIDTH / 2, 0.9), (0.2 + STEP_X + WIDTH / 2, bottom))
    for x, label in ((0.35, "$E$"), (0.35 + STEP_X, "$E^T$")):  # la stessa matrice, due volte
        y = bottom + (HEIGHT + STEP_Y) / 2
        ax.text(x + WIDTH / 2, y, label, va="center")
    return fig


def _box(ax, x, y, width, height, color):
    ax.add_patch(FancyBboxPatch((x, y), width, height, "round,pad=0.04", facecolor="white", edgecolor=color))


def _arrow(ax, start, end):
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "#555555", "shrinkA": 4, "shrinkB": 4})
