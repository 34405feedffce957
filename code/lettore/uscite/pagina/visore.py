"""La vista dell’attenzione: carica visore.js soltanto nelle pagine che la contengono.

L’elemento e i suoi dati li scrive una cella, con attenzione.figures.viewer. Il suo foglio di stile sta con gli altri.
"""


def carica(app, pagina, modello, contesto, doctree):
    if "<attenzione-vista" in contesto.get("body", ""):
        app.add_js_file("js/visore.js", loading_method="defer")


def setup(app):
    app.add_css_file("css/visore.css", priority=501)  # dopo i fogli del tema, prima di libro.css
    app.connect("html-page-context", carica)
