"""Formule, programmi e figure non fermano il primo testo della pagina; i fogli di stile li scrive ``fogli``."""

from __future__ import annotations

import re
from math import ceil
from pathlib import Path, PurePosixPath

from .fogli import FOGLIO_DELLE_FORMULE

DEL_LIBRO_DEL_TEMA = "sphinx-book-theme.js"  # vuole la colonna destra, che qui non c’è; il resto lo fa colonna.js
SENZA_USO = ("doctools.js", "sphinx_highlight.js", "translations.js", "design-tabs.js", "togglebutton.js")
"""Programmi di Sphinx e delle estensioni che nel libro non hanno nulla da fare."""

INUTILI = (
    "scripts/*",
    "styles/*.map",
    "vendor/fontawesome/webfonts/*",
    "katex/fonts/*.ttf",
    "caratteri/source-serif-4-*.woff",
    "styles/sphinx-book-theme.css",
    "mystnb.*.css",
    "images/logo_*",  # di Colab e Binder
    "modello/*.js",  # i moduli, che modello.py ha fuso in uno
    *("searchtools.js", "language_data.js"),
    *SENZA_USO,
)
"""Ciò che il tema copia, o serve a costruire, e che nessuna pagina carica."""

PAROLE_SENZA_USO = re.compile(r"\s*(?:let|var) toggle")  # i dati di togglebutton.js, scritti nella pagina

DELLE_FORMULE = ("1em KaTeX_Main", "italic 1em KaTeX_Math")
PRIMA_SCHERMATA = 1000  # segni di testo: una formula che viene dopo, aprendo la pagina su un telefono, non si vede
BLOCCO = re.compile(r"<(/?)(section|h[1-6]|div|p|ul|ol|dl|table|figure|details|blockquote|pre)\b[^>]*>")
CON_IL_SEGUENTE = re.compile(r"<h[1-6]|\bblocco-caption\b|\baffermazione\b")
"""I blocchi a cui il foglio dà uno stile secondo ciò che li segue: in mezzo non si mette nulla."""

IMMAGINE = re.compile(r'<img\b[^>]*?\bsrc="(?!data:)([^"]+)"[^>]*>')
NEL_TESTO, NEL_TELEFONO = 735, 360
"""Le larghezze (px) oltre le quali una figura esce dalla colonna del codice, o sul telefono rimpicciolisce."""

LEGGIBILE = 11
"""Il corpo (px) sotto il quale una figura non si rimpicciolisce: scorre."""

CORPI = re.compile(r"scale\((0\.\d+) -\1\)")  # come matplotlib scrive il corpo di una parola, in centesimi di punto
MISURE = re.compile(r'<svg\b[^>]*? width="([\d.]+)pt" height="([\d.]+)pt"', re.S)  # come le scrive matplotlib


def alleggerisci(app, pagina, modello, contesto, doctree):
    """Nessun programma ferma il testo, nessuna figura lontana si scarica prima del tempo."""
    if app.builder.name != "html":
        return
    tolti = (DEL_LIBRO_DEL_TEMA, *SENZA_USO)
    contesto["script_files"] = [
        p
        for p in contesto["script_files"]
        if not str(p.filename).split("?")[0].endswith(tolti)
        and not PAROLE_SENZA_USO.match(p.attributes.get("body") or "")
    ]
    for programma in contesto["script_files"]:
        if programma.filename:
            programma.attributes.setdefault("defer", "defer")
        elif "DOCUMENTATION_OPTIONS" in programma.attributes.get("body", ""):
            programma.attributes["type"] = "module"  # un modulo aspetta i programmi rinviati che lo precedono
    if "body" in contesto:
        disegni = {nome: Path(app.srcdir, file) for file, nome in app.builder.images.items()}
        contesto["body"] = IMMAGINE.sub(lambda m: figura(m, disegni), contesto["body"])
        foglio = contesto["pathto"](f"_static/{FOGLIO_DELLE_FORMULE}", 1)
        contesto["body"], contesto["formule"] = con_il_foglio(contesto["body"], foglio)


def con_il_foglio(corpo: str, foglio: str) -> tuple[str, bool]:
    """Il corpo con il foglio delle formule prima del blocco che ha la prima, e se una formula c’è.

    I caratteri sono nel foglio, e si chiamano subito: pronti prima che la formula si disegni, nessuna riga si sposta.
    Se la formula è lontana il foglio arriva dopo l’altro, e non gli toglie la rete; Chromium lo concede ai fogli che
    stanno dopo la prima immagine, e prima del testo c’è sempre il segno del libro.
    """
    prima = corpo.find('class="katex')
    if prima < 0:
        return corpo, False
    posto, precedente, aperti = 0, "", []
    for segno in BLOCCO.finditer(corpo, 0, prima):
        if segno[1]:
            del aperti[-1:]
            continue
        if set(aperti) <= {"section"}:  # un blocco del testo, non un pezzo di un altro
            titolo_della_sezione = segno[2][0] == "h" and precedente.startswith("<section")
            if not titolo_della_sezione and not CON_IL_SEGUENTE.search(precedente):
                posto = segno.start()
            precedente = segno[0]
        aperti.append(segno[2])
    carica = "".join(f"document.fonts.load('{carattere}');" for carattere in DELLE_FORMULE)
    testo = " ".join(re.sub(r"<[^>]*>", "", corpo[:prima]).split())
    adagio = ' fetchpriority="low"' * (len(testo) > PRIMA_SCHERMATA)
    collega = f'<link rel="stylesheet" href="{foglio}"{adagio}><script>{carica}</script>'
    return f"{corpo[:posto]}{collega}\n{corpo[posto:]}", True


def figura(immagine: re.Match, disegni: dict[str, Path]) -> str:
    """L’immagine con le sue misure, così la pagina non salta, e da caricare quando si avvicina."""
    file = disegni.get(PurePosixPath(immagine[1]).name)
    misure = classe = ""
    prima = dopo = ""
    if file and (trovate := misure_del_disegno(file)):
        larga, alta = trovate
        misure = f' width="{larga}" height="{alta}"'
        classe = " larga" * (larga > NEL_TESTO) + " ingrandibile" * (larga > NEL_TELEFONO)
        classe = f' class="{classe.strip()}"' if classe and " class=" not in immagine[0] else ""
        if larga > NEL_TELEFONO and (minima := larghezza_minima(file, larga)):
            prima, dopo = f'<span class="quadro" style="--larga: {larga}px; --minima: {minima}px">', "</span>"
    return f'{prima}<img loading="lazy" decoding="async"{misure}{classe}{immagine[0].removeprefix("<img")}{dopo}'


def larghezza_minima(file: Path, larga: int) -> int:
    """La larghezza (px) a cui le parole più piccole di un disegno hanno corpo ``LEGGIBILE``; 0 senza parole."""
    corpi = [float(centesimi) * 100 * 96 / 72 for centesimi in CORPI.findall(file.read_text("utf-8"))]
    return ceil(larga * min(1, LEGGIBILE / min(corpi))) if corpi else 0


def misure_del_disegno(file: Path) -> tuple[int, int] | None:
    """Larghezza e altezza (px) di un SVG di matplotlib; None se non lo è."""
    if file.suffix != ".svg" or not (trovate := MISURE.search(file.read_text("utf-8"))):
        return None
    larga, alta = (round(float(punti) * 96 / 72) for punti in trovate.groups())
    return larga, alta


def togli_inutili(app, errore):
    if errore or app.builder.name != "html":
        return
    for file in (f for modello in INUTILI for f in Path(app.outdir, "_static").glob(modello)):
        file.unlink()


def setup(app):
    app.connect("html-page-context", alleggerisci, priority=900)
    app.connect("build-finished", togli_inutili, priority=950)  # dopo i fogli, che ne leggono alcuni
