"""`_static/glossario.js`: le definizioni del glossario, già composte, per i suggerimenti senza rete."""

from __future__ import annotations

import json
from pathlib import Path

from bs4 import BeautifulSoup

from lettore.pezzi.voce import pagine_di_voci


def togli_i_vecchi(app):
    """Le pagine che si rifanno porterebbero il riassunto dei suggerimenti di prima, che da capo non hanno."""
    Path(app.outdir, "_static", "glossario.js").unlink(missing_ok=True)


def scrivi_suggerimenti(app, errore):
    """`_static/glossario.js`: per ogni àncora di termine, lemma, inglese e definizione già composti."""
    if errore or app.builder.name != "html":
        return
    suggerimenti = {}
    for docname in sorted(pagine_di_voci(app.env)):
        pagina = Path(app.builder.get_outfilename(docname))
        suggerimenti |= suggerimenti_della_pagina(pagina.read_text(encoding="utf-8"))
    testo = json.dumps(suggerimenti, ensure_ascii=False, indent=0, sort_keys=True).replace("</", "<\\/")
    statici = Path(app.outdir, "_static")
    statici.mkdir(exist_ok=True)
    statici.joinpath("glossario.js").write_text(f"window.GLOSSARIO = {testo};\n", encoding="utf-8")


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
        lemma = f"<p><strong>{termine.get_text().strip()}</strong> {lingua}</p>"
        suggerimenti[termine["id"]] = lemma + "".join(str(testo) for testo in testi)
    return suggerimenti


def setup(app):
    app.connect("builder-inited", togli_i_vecchi)
    app.connect("build-finished", scrivi_suggerimenti)
