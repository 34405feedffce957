"""La vista inglese: il dizionario per il browser, l’avviso in cima, le righe inglesi sotto i nostri disegni.

Le parole sono in ``inglese.yml``. Nella pagina si leggono in italiano: le cambia ``inglese.js``, quando si sceglie EN.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from attenzione.files import write_text
from lettore.inglese import leggi_inglese, titolo_inglese
from lettore.pezzi.luoghi import BLOCCHI

CON_BLOCCHI = re.compile(r'class="(?:[\w -]* )?blocco[ "]')
BLOCCO = re.compile(r'(<div class="[^"]*\bblocco" id="([\w-]+)">\s*<a class="ancora"[^>]*>§</a>)')
FUORI = ("genindex", "search")
"""Le pagine che non stanno nell’indice e hanno un titolo inglese."""


def metti(app, pagina, modello, contesto, doctree):
    """Se è una pagina dell’articolo, l’avviso in cima e, nei blocchi che di inglese non hanno altro, la riga nostra."""
    if app.builder.name != "html":
        return
    inglese = leggi_inglese()
    corpo = contesto.get("body", "")
    contesto["articolo"] = bool(CON_BLOCCHI.search(corpo))
    contesto["avviso_en"] = inglese["avvisi"]["blocchi" if contesto["articolo"] else "solo-italiano"]
    if corpo:
        contesto["body"] = BLOCCO.sub(lambda m: m[1] + riga_nostra(inglese["blocchi"].get(m[2])), corpo)


def riga_nostra(testo: str | None) -> str:
    return f'<div class="lato nostra-en" lang="en"><p>{escape(testo)}</p></div>' if testo else ""


def scrivi_parole(app, errore):
    """``_static/parole.js``: il dizionario, con i titoli delle pagine che il libro contiene."""
    if errore or app.builder.name != "html":
        return
    inglese = leggi_inglese()
    blocchi: dict[str, list[str]] = {}
    for ident, (doc, _) in BLOCCHI.di(app.env).items():
        blocchi.setdefault(doc, []).append(ident)
    pagine = {doc: titolo_inglese(doc, blocchi.get(doc, [])) for doc in sorted({*app.env.found_docs, *FUORI})}
    parole = {parte: inglese[parte] for parte in ("interfaccia", "schemi", "esperimenti", "tabelle")}
    parole["pagine"] = {doc: titolo for doc, titolo in pagine.items() if titolo}
    testo = json.dumps(parole, ensure_ascii=False, indent=0).replace("</", "<\\/")
    write_text(Path(app.outdir, "_static", "parole.js"), f"window.INGLESE = {testo};\n")
    if app.config.root_doc != "index":
        write_text(Path(app.outdir, "index.html"), RINVIO.format(f"{app.config.root_doc}.html"))


RINVIO = """<!doctype html>
<html lang="it">
<meta charset="utf-8">
<title>L’attenzione è tutto ciò che serve</title>
<script>location.replace("{0}" + location.search + location.hash);</script>
<noscript><meta http-equiv="refresh" content="0; url={0}"></noscript>
<p><a href="{0}">L’attenzione è tutto ciò che serve</a></p>
</html>
"""
"""La prima pagina, che porta alla copertina con la lingua chiesta nell’indirizzo."""


def setup(app):
    app.connect("html-page-context", metti, priority=600)
    app.connect("build-finished", scrivi_parole, priority=400)
