"""Ciò che si ritocca nel corpo di una pagina già scritta: le forme, le tabelle larghe, le tappe, gli esercizi.

MyST-NB e sphinx-exercise scrivono il loro HTML in un modo solo, sempre quello: lo si riconosce dal testo, senza
rileggere l’albero di migliaia di formule.
"""

from __future__ import annotations

import re

CODICE = re.compile(
    r'(<div class="highlight-(?:ipython3|python)[^"]*"><div class="highlight"><pre>)(.*?)(</pre>)', re.S
)
COMMENTO = re.compile(r'(?m)^(?=.*\S.* <span class="c1">)(.*?</span>|.*?\S)( +)(<span class="c1">#[^<]*</span>)(\n|\Z)')
TABELLA = re.compile(r'<table class="([^"]*\btable\b[^"]*)"(.*?)</table>', re.S)
ESERCIZIO = re.compile(
    r'<div class="exercise admonition" id="([^"]+)">\s*<p class="admonition-title">(.*?)</p>\s*'
    r'<section id="exercise-content">\n(.*?)</section>\n</div>',
    re.S,
)
SOLUZIONE = re.compile(
    r'<div class="solution dropdown admonition" id="([^"]+)">\s*'
    r'<p class="admonition-title">.*?(Esercizio \d+).*?</p>\s*'
    r'<section id="solution-content">\n(.*?)</section>\n</div>',
    re.S,
)
TAPPA = re.compile(r'(<div class="tappa [^>]*>\s*<p>)(.*?)(?=</p>)', re.S)
SIMBOLO = re.compile(r"(?<=[\s>(√])([A-Za-z])_([A-Za-z]+)(?=[\s<)?.,;:])")
TITOLO = re.compile(r"(<h[1-6]>)([^<]*_[^<]*)(?=<)")
VOCE = re.compile(r"(<a (?![^>]*\bexternal\b)[^>]*>)([^<]*_[^<]*)(?=</a>)")

COLONNE_LARGHE = 8
"""Da quante colonne una tabella chiede tutta la larghezza della pagina."""


def ritocca(corpo: str) -> str:
    corpo = CODICE.sub(lambda m: m[1] + separa_forme(m[2]) + m[3], corpo)
    corpo = con_pedici(corpo)
    corpo = TABELLA.sub(segna_larga, corpo)
    corpo = TAPPA.sub(voci_della_tappa, corpo)
    corpo = ESERCIZIO.sub(
        lambda m: f'<div class="esercizio" id="{m[1]}">\n<p class="esercizio-titolo">{m[2].strip()}</p>\n{m[3]}</div>',
        corpo,
    )
    return SOLUZIONE.sub(
        lambda m: (
            f'<details class="soluzione" id="{m[1]}">\n'
            f"<summary>Soluzione dell’{m[2].lower()}</summary>\n{m[3]}</details>"
        ),
        corpo,
    )


def con_pedici(html: str) -> str:
    """I simboli scritti alla buona nei titoli e nei rimandi ai titoli («√d_k»), con il loro pedice."""

    def componi(m: re.Match[str]) -> str:
        return m[1] + SIMBOLO.sub(r"<i>\1</i><sub>\2</sub>", f" {m[2]} ")[1:-1]

    return VOCE.sub(componi, TITOLO.sub(componi, html))


def separa_forme(codice: str) -> str:
    """Il commento in fondo a una riga di codice, con lo spazio che lo precede: sul telefono va su una riga sua.

    Lì ha il rientro della sua riga (``--rientro-di-riga``). L’a capo sta dentro: una riga a blocco non ne vuole altri.
    """

    def forma(m: re.Match[str]) -> str:
        rientro = len(m[1]) - len(m[1].lstrip(" "))
        stile = f' style="--rientro-di-riga: {rientro}ch"' if rientro else ""
        return f'{m[1]}<span class="forma"{stile}><span class="spazio">{m[2]}</span>{m[3]}{m[4]}</span>'

    return COMMENTO.sub(forma, codice)


def segna_larga(m: re.Match[str]) -> str:
    riga = m[2].partition("</tr>")[0]
    larga = " larga" if len(re.findall("<t[hd]\\b", riga)) >= COLONNE_LARGHE else ""
    return f'<table class="{m[1]}{larga}"{m[2]}</table>'


def voci_della_tappa(m: re.Match[str]) -> str:
    """Ogni voce un pezzo solo: va a capo intera, senza il segno che la divide dalla vicina."""
    voci = re.split(r" · (?=<strong>)", m[2])
    return m[1] + "\n".join(f'<span class="voce">{voce}</span>' for voce in voci)


def applica(app, pagina, modello, contesto, doctree):
    if app.builder.name == "html" and "body" in contesto:
        contesto["body"] = ritocca(contesto["body"])
    for vicina in ("prev", "next"):
        if contesto.get(vicina):
            titolo = con_pedici(f"<a >{contesto[vicina]['title']}</a>")[4:-4]
            contesto[vicina] = contesto[vicina] | {"title": titolo}


def setup(app):
    app.connect("html-page-context", applica)
