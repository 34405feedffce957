"""``_static/glossario/``: per ogni pagina, le definizioni dei soli termini che richiama, già composte."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from bs4 import BeautifulSoup

from lettore.pezzi.voce import pagine_di_voci

CARTELLA = "glossario"
RICHIAMO = re.compile(r'class="reference internal" href="[^"]*#(term-[^"]+)"')


def nome_dello_scritto(pagina: str) -> str:
    return f"{CARTELLA}/{pagina.removeprefix('chapters/').replace('/', '-')}.js"


def togli_i_vecchi(app):
    """Le pagine che si rifanno porterebbero il riassunto dei suggerimenti di prima, che da capo non hanno."""
    shutil.rmtree(Path(app.outdir, "_static", CARTELLA), ignore_errors=True)
    Path(app.outdir, "_static", "glossario.js").unlink(missing_ok=True)  # quando era uno per tutte


def chiedi(app, pagina, modello, contesto, doctree):
    """Carica le definizioni soltanto chi ne richiama."""
    if app.builder.name == "html" and RICHIAMO.search(contesto.get("body", "")):
        app.add_js_file(nome_dello_scritto(pagina), loading_method="defer")


def scrivi_suggerimenti(app, errore):
    """Per ogni pagina: àncora del termine → lemma, inglese e definizione."""
    if errore or app.builder.name != "html":
        return
    definizioni = {}
    for docname in sorted(pagine_di_voci(app.env)):
        pagina = Path(app.builder.get_outfilename(docname))
        definizioni |= suggerimenti_della_pagina(pagina.read_text(encoding="utf-8"))
    cartella = Path(app.outdir, "_static", CARTELLA)
    cartella.mkdir(parents=True, exist_ok=True)
    for docname in sorted(app.env.found_docs):
        pagina = Path(app.builder.get_outfilename(docname)).read_text(encoding="utf-8")
        richiami = sorted(set(RICHIAMO.findall(pagina)))
        usate = {termine: definizioni[termine] for termine in richiami if termine in definizioni}
        if usate:
            testo = json.dumps(usate, ensure_ascii=False, indent=0).replace("</", "<\\/")
            Path(app.outdir, "_static", nome_dello_scritto(docname)).write_text(
                f"window.GLOSSARIO = {testo};\n", encoding="utf-8"
            )


def suggerimenti_della_pagina(html: str) -> dict[str, str]:
    """I suggerimenti di una pagina già costruita, senza collegamenti né identificatori."""
    suggerimenti = {}
    for termine in BeautifulSoup(html, "html.parser").select("dl.glossary dt[id]"):
        definizione = termine.find_next_sibling("dd")
        testi = definizione.select(".definizione")
        for collegamento in termine.select("a.headerlink"):
            collegamento.decompose()
        for collegamento in definizione.find_all("a"):
            collegamento.unwrap()
        for elemento in definizione.find_all(id=True):
            del elemento["id"]
        lingua = definizione.select_one(".sciolta") or definizione.select_one(".inglese")
        nome = termine.get_text().strip()
        uguale = lingua and lingua.get_text().strip(" ().").casefold() == nome.casefold()
        lemma = f"<p><strong>{nome}</strong> {'' if uguale else lingua}</p>"
        suggerimenti[termine["id"]] = lemma + "".join(str(testo) for testo in testi)
    return suggerimenti


def setup(app):
    app.connect("builder-inited", togli_i_vecchi)
    app.connect("html-page-context", chiedi)
    app.connect("build-finished", scrivi_suggerimenti)
