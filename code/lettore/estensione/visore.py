"""La vista dell’attenzione: carica visore.js e visore.css soltanto nelle pagine che la contengono.

L’elemento e i suoi dati li scrive una cella, con attenzione.figures.viewer.
"""


def carica(app, pagina, modello, contesto, doctree):
    if "<attenzione-vista" in contesto.get("body", ""):
        app.add_css_file("css/visore.css")
        app.add_js_file("js/visore.js", loading_method="defer")


def setup(app):
    app.connect("html-page-context", carica)
