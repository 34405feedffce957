"""I programmi che servono a poche pagine: li carica soltanto chi contiene ciò che animano."""

import re

from lettore.pezzi.esperimento import CARTELLA, file_di

PROGRAMMI = {
    "js/visore.js": "<attenzione-vista",  # la vista dell’attenzione, che scrive attenzione.figures.viewer
    "js/ponte.js": "<attenzione-ponte",  # la figura della copertina, che scrive attenzione.figures.bridge
    "js/riprendi.js": 'class="riprendi',
    "js/copia.js": 'class="cell_input',
    "js/glossario.js": '<dl class="glossary',
    "js/registro.js": 'class="registro-conteggi',
}
"""Programma → il segno, nel corpo della pagina, di chi lo chiede."""


ESPERIMENTO = re.compile(r'<div [^>]*class="esperimento"[^>]* data-nome="([\w-]+)"')


def carica(app, pagina, modello, contesto, doctree):
    corpo = contesto.get("body", "")
    programmi = [programma for programma, segno in PROGRAMMI.items() if segno in corpo]
    programmi += ["js/visore.js"] if 'data-nome="guarda"' in corpo else []  # la vista vi nasce dopo
    programmi += [f"{CARTELLA.removeprefix('web/')}/{nome}.js" for nome in file_di(ESPERIMENTO.findall(corpo))]
    for programma in programmi:
        app.add_js_file(programma, loading_method="defer")


def setup(app):
    app.add_css_file("css/visore.css", priority=501)  # dopo i fogli del tema, prima dei nostri
    app.connect("html-page-context", carica)
    app.add_css_file("css/copertina.css", priority=840)
    app.add_css_file("css/esperimenti.css", priority=841)
    app.add_css_file("css/dal-vivo.css", priority=842)
