"""Gli aiuti alla lettura: i loro programmi, ciò che sanno del libro, i richiami che parlano di un’altra pagina.

Un richiamo a una figura, a una tabella, a un’equazione o a una nota apre ciò che dice; se sta in un’altra pagina, da
disco il browser non la legge: la didascalia, o la formula, si scrive nella pagina che la richiama, a libro composto.
"""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from posixpath import dirname, join, normpath

from bs4 import BeautifulSoup
from bs4.element import Tag

from attenzione.files import write_text
from lettore.pezzi.luoghi import BLOCCHI

PROGRAMMI = ("popover", "indirizzi", "memoria", "tasti", "zoom", "inglese")
RICHIAMI = re.compile(r'(<script type="application/json" id="richiami">).*?(</script>)', re.S)
ALTROVE = re.compile(r'<a class="reference internal"[^>]*? href="([^"#]+\.html)#((?:fig|tab|eq)[\w-]*|[\w-]+-fn\d+)"')
NON_CAPITOLI = {"genindex", "search", "404"}


def metti(app, pagina, modello, contesto, doctree):
    """In fondo alla pagina ciò che i programmi chiedono: che pagina è, di che libro, e il posto dei richiami."""
    if app.builder.name != "html":
        return
    progetto = {
        "pagina": pagina,
        "capitolo": pagina in app.env.found_docs and pagina != app.config.root_doc,
        "versione": version("attenzione"),
        "deposito": app.config.lettore_ambiente.deposito,
    }
    dati = scritto("progetto", progetto)
    if ALTROVE.search(contesto.get("body", "")):
        dati += scritto("richiami", {})
    contesto["dati_degli_aiuti"] = dati


def scritto(nome: str, dati: dict) -> str:
    testo = json.dumps(dati, ensure_ascii=False).replace("</", "<\\/")
    return f'<script type="application/json" id="{nome}">{testo}</script>\n'


# ---------------------------------------------------------------- richiami da una pagina all’altra


def scrivi_richiami(app, errore):
    """Riempie il posto dei richiami in ogni pagina che ne ha; rifare il libro dà le stesse pagine."""
    if errore or app.builder.name != "html":
        return
    contenuti = Contenuti(Path(app.outdir))
    for docname in sorted({doc for doc, _ in BLOCCHI.di(app.env).values()} | set(app.env.found_docs)):
        file = Path(app.builder.get_outfilename(docname))
        pagina = file.read_text(encoding="utf-8") if file.is_file() else ""
        if 'id="richiami"' not in pagina:
            continue
        trovati = {}
        for href, ancora in sorted(set(ALTROVE.findall(pagina))):
            if html := contenuti.di(normpath(join(dirname(docname), href)), ancora):
                trovati[f"{href}#{ancora}"] = html
        nuovo = scritto("richiami", trovati).rstrip("\n")
        nuova = RICHIAMI.sub(lambda _, nuovo=nuovo: nuovo, pagina)
        if nuova != pagina:
            write_text(file, nuova)


class Contenuti:
    """Che cosa dice un blocco di una pagina già scritta, in breve; ogni pagina si legge una volta sola."""

    def __init__(self, cartella: Path):
        self.cartella, self.letti = cartella, {}

    def di(self, pagina: str, ancora: str) -> str:
        if pagina not in self.letti:
            file = self.cartella / pagina
            testo = file.read_text(encoding="utf-8") if file.is_file() else ""
            self.letti[pagina] = BeautifulSoup(testo, "lxml")
        albero = self.letti[pagina]
        blocco = albero.find(id=f"{ancora}-cap") or albero.find(id=ancora)
        return breve(blocco) if blocco else ""


def breve(blocco: Tag) -> str:
    """Le due lingue di un blocco, senza collegamenti; di un’equazione, il solo MathML."""
    pezzi = []
    for lato in blocco.select(":scope > div.lato"):
        copia = BeautifulSoup(str(lato), "lxml").select_one(".lato")
        for via in copia.select(".ancora, .headerlink, .segno, .eqno, details, .katex-html, annotation, script"):
            via.decompose()
        for involto in copia.select("a, .katex, .katex-mathml, semantics"):
            involto.unwrap()
        for e in copia.find_all(id=True):
            del e["id"]
        testo = copia.decode_contents().strip()
        if testo:
            pezzi.append(f'<div class="lato-{lato["lang"]}" lang="{lato["lang"]}">{testo}</div>')
    return "".join(pezzi)


def setup(app):
    for nome in PROGRAMMI:
        app.add_js_file(f"js/{nome}.js", loading_method="defer", priority=910)  # dopo lettura.js
    app.add_css_file("css/aiuti.css", priority=850)  # dopo i fogli del disegno
    app.connect("html-page-context", metti, priority=700)
    app.connect("build-finished", scrivi_richiami, priority=700)
