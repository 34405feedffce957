"""I simboli nelle formule: come si legge, che cos’è, la forma; nella pagina, le sole schede di quelli che usa.

KaTeX scrive il nome di ogni simbolo che riconosce (``data-s="d-k"``, vedi ``lettore.notazione``); qui si scelgono le
schede, che ``popover.js`` apre.
"""

from __future__ import annotations

import json
import re
from html import escape

from lettore.inglese import in_inglese, leggi_inglese
from lettore.notazione import ancora_del_simbolo, leggi_notazione, segni

from .katex import componi

NELLA_PAGINA = re.compile(r'data-s="([^"]+)"')


def prepara(app):
    """Compone le schede una volta sola, prima che le pagine si scrivano."""
    app.lettore_schede = schede(app) if app.builder.name == "html" else {}


def schede(app) -> dict[str, dict]:
    """Nome del simbolo → la sua scheda, nelle due lingue, in HTML."""
    inglese = leggi_inglese()
    simboli = [s for s in leggi_notazione()["simboli"] if segni(s)]
    grezze = {
        ancora_del_simbolo(s["simbolo"]).removeprefix("simbolo-"): {
            "segno": ", ".join(f"${tex}$" for tex in segni(s)),
            "legge": s["si_legge"],
            "che": s["significato"],
            "en": inglese["simboli"][s["simbolo"]],
            "forma": s["forma"],
            "forma_en": in_inglese("forme", s["forma"]),
            "base": s["modello_base"],
            "base_en": in_inglese("forme", s["modello_base"]),
            "codice": s["codice"],
        }
        for s in simboli
    }
    formule = {f for scheda in grezze.values() for testo in scheda.values() for f in re.findall(r"\$([^$]+)\$", testo)}
    ordinate = sorted(formule)
    composte = dict(zip(ordinate, componi(app, [(f, False) for f in ordinate], uscita="mathml"), strict=True))

    def html(testo: str) -> str:
        pezzi = re.split(r"\$([^$]+)\$", testo)
        return "".join(formula(composte[pezzo]["html"]) if i % 2 else escape(pezzo) for i, pezzo in enumerate(pezzi))

    return {
        nome: {voce: html(testo) for voce, testo in scheda.items() if testo != "—"} for nome, scheda in grezze.items()
    }


def formula(composta: str) -> str:
    """Il solo MathML, senza il sorgente."""
    return re.sub(
        r"</?semantics>|<annotation.*?</annotation>|^<span class=\"katex\">|</span>$", "", composta, flags=re.S
    )


def metti(app, pagina, modello, contesto, doctree):
    """In fondo al testo, le schede dei simboli che la pagina usa, nell’ordine in cui compaiono."""
    if app.builder.name != "html" or "body" not in contesto:
        return
    usati = dict.fromkeys(NELLA_PAGINA.findall(contesto["body"]))
    if usati:
        dati = json.dumps({nome: app.lettore_schede[nome] for nome in usati}, ensure_ascii=False)
        testo = dati.replace("</", "<\\/")
        contesto["body"] += f'<script type="application/json" id="simboli">{testo}</script>\n'


def setup(app):
    app.connect("builder-inited", prepara)
    app.connect("html-page-context", metti)
