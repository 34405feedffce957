"""Le figure sullo scuro: una sola immagine, che porta le due tavolozze e segue i colori della pagina che la contiene.

Un disegno SVG dentro una pagina vede ``prefers-color-scheme`` della pagina (``color-scheme``), non solo del sistema:
basta che i suoi colori siano variabili. Ogni colore chiaro ha il suo scuro, calcolato: la carta diventa la carta
scura, il nero l’inchiostro chiaro, gli altri tengono la tinta e rovesciano la luce (in OKLab, dove la luce è quella
che si vede), così «più scuro» di una mappa di calore diventa «più luminoso» e il testo nelle caselle resta leggibile.
Le tinte delle serie, che distinguono linee sottili, hanno le loro; e ciò che traspare, sullo scuro traspare di meno.
"""

from __future__ import annotations

import base64
import io
import re
from functools import cache
from pathlib import Path

from PIL import Image

CARTA = ("#fffefb", "#17181b")
"""La carta, chiara e scura: gli stessi colori di ``--carta`` in ``web/css/pagina.css``."""

INCHIOSTRO = ("#000000", "#e5e1d9")
LUCE_DELLA_CARTA, LUCE_DELL_INCHIOSTRO = 0.21, 0.91
FORZA = 0.85  # i mezzi toni, un poco più luminosi
GRADINO = ((0.313, 0.3725), (0.345, 0.557))
"""Dove, in una mappa, il numero nella casella passa dal nero al bianco: (buio del chiaro, luce dello scuro), da 0 a 1.
Lì la luce sale in fretta, perché nelle mezze luci non si leggerebbe né l’uno né l’altro."""

TINTE = {
    "#0072b2": "#56b4e9",
    "#d55e00": "#ff9550",
    "#009e73": "#4cd2a5",
    "#7a5195": "#c7a0e0",
    "#cc79a7": "#f09bcb",
    "#56b4e9": "#9ad4f5",
    "#e69f00": "#f0c04a",
}
"""Le tinte delle serie sullo scuro: quelle di ``.vista-viva`` in ``web/css/visore.css``."""

COLORE = re.compile(r"(?<=[:\s\"'])#[0-9a-fA-F]{6}\b")
TRASPARE = re.compile(r"(?<=[\s\"])((?:stroke-|fill-)?opacity): (0?\.\d+)")
SEGNO = "/* due tavolozze */"
ROVESCIA = "image{filter:invert(.92) hue-rotate(180deg)}"
PUNTI = re.compile(r'base64,\s*([A-Za-z0-9+/=\s]+)"')
DENTRO = re.compile(r'src="data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)"')


@cache
def scuro(colore: str) -> str:
    """Il colore da usare sulla carta scura al posto di ``colore`` (``#rrggbb``)."""
    if colore in ("#ffffff", CARTA[0]):
        return CARTA[1]
    if colore == INCHIOSTRO[0]:
        return INCHIOSTRO[1]
    if colore in TINTE:
        return TINTE[colore]
    luce, a, b = in_oklab(colore)
    nuova = LUCE_DELLA_CARTA + rovesciata(1 - luce) * (LUCE_DELL_INCHIOSTRO - LUCE_DELLA_CARTA)
    for quanto in (1, 0.85, 0.7, 0.5, 0.3, 0):  # la tinta più piena che lo schermo sa fare
        rgb = da_oklab(nuova, a * quanto, b * quanto)
        if all(-0.002 <= c <= 1.002 for c in rgb):
            break
    return "#" + "".join(f"{round(255 * min(1, max(0, a_gamma(c)))):02x}" for c in rgb)


def rovesciata(buio: float) -> float:
    """La luce sullo scuro, da 0 (la carta) a 1 (l’inchiostro), di ciò che sul chiaro è buio altrettanto."""
    (x0, y0), (x1, y1) = GRADINO
    if buio <= x0:
        return buio**FORZA
    if buio <= x1:
        return y0 + (buio - x0) * (y1 - y0) / (x1 - x0)
    return y1 + (buio - x1) * (1 - y1) / (1 - x1)


def velata(opaco: float) -> float:
    """Quanto copre, sullo scuro, ciò che sul chiaro copre ``opaco``: una linea debole deve ancora vedersi."""
    return opaco**0.5


def in_oklab(colore: str) -> tuple[float, float, float]:
    r, g, b = (da_gamma(int(colore[i : i + 2], 16) / 255) for i in (1, 3, 5))
    l, m, s = (
        (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3),
        (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3),
        (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3),
    )
    return (
        0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
        1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
    )


def da_oklab(luce: float, a: float, b: float) -> tuple[float, float, float]:
    l, m, s = (
        (luce + 0.3963377774 * a + 0.2158037573 * b) ** 3,
        (luce - 0.1055613458 * a - 0.0638541728 * b) ** 3,
        (luce - 0.0894841775 * a - 1.2914855480 * b) ** 3,
    )
    return (
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    )


def da_gamma(c: float) -> float:
    return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4


def a_gamma(c: float) -> float:
    return 12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055


def due_tavolozze(svg: str) -> str:
    """Il disegno con i colori come variabili, chiari e scuri. Uno già fatto resta com’è."""
    if SEGNO in svg or "<svg" not in svg:
        return svg
    nomi: dict[str, str] = {}

    def variabile(m: re.Match[str]) -> str:
        colore = m[0].lower()
        return f"var(--{nomi.setdefault(colore, f'c{len(nomi)}')})"

    testa, svg_, resto = svg.partition("<svg")
    apertura, maggiore, corpo = resto.partition(">")
    corpo = COLORE.sub(variabile, corpo)
    corpo = TRASPARE.sub(
        lambda m: f"{m[1]}: calc({m[2]} * var(--giorno) + {velata(float(m[2])):.3f} * var(--notte))", corpo
    )
    chiari = "".join(f"--{n}:{CARTA[0] if c == '#ffffff' else c};" for c, n in nomi.items())
    scuri = "".join(f"--{n}:{scuro(c)};" for c, n in nomi.items())
    stile = (
        f"<style>{SEGNO}svg{{color-scheme:light dark;--giorno:1;--notte:0;{chiari}}}"
        f"@media (prefers-color-scheme:dark){{svg{{fill:{INCHIOSTRO[1]};--giorno:0;--notte:1;{scuri}}}"
        f"{ROVESCIA if chiare(svg) else ''}}}</style>"
    )
    return testa + svg_ + apertura + maggiore + stile + corpo


def chiare(svg: str) -> bool:
    """Se fra le mappe a punti del disegno ce n’è una che parte dal bianco; una di tinte piene resta com’è."""
    for dati in PUNTI.findall(svg):
        massimi = Image.open(io.BytesIO(base64.b64decode(dati))).convert("L").getextrema()
        if massimi[1] > 240:
            return True
    return False


def ricolora(app, errore):
    if errore or app.builder.name != "html":
        return
    for file in Path(app.outdir, "_images").glob("*.svg"):
        prima = file.read_text("utf-8")
        if (dopo := due_tavolozze(prima)) != prima:
            file.write_text(dopo, encoding="utf-8")


def nella_pagina(app, pagina, modello, contesto, doctree):
    """I disegni che stanno dentro la pagina stessa: la figura ferma di una vista."""

    def dentro(m: re.Match[str]) -> str:
        svg = due_tavolozze(base64.b64decode(m[1]).decode("utf-8"))
        return f'src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"'

    if app.builder.name == "html" and "body" in contesto:
        contesto["body"] = DENTRO.sub(dentro, contesto["body"])


def setup(app):
    app.connect("html-page-context", nella_pagina)
    app.connect("build-finished", ricolora)
