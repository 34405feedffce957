"""Il sito pubblico: indirizzi canonici, la pagina «non trovata», l’avviso che l’inglese degli autori non c’è."""

from lettore.pubblico import indirizzo, modo


def prepara(app, config):
    config.html_context["pubblico"] = modo()
    config.html_baseurl = indirizzo()


def non_trovata(app):
    """``404.html``, che GitHub Pages mostra al posto di ogni pagina che manca."""
    if modo() and app.builder.name == "html":
        yield "404", {"title": "Pagina non trovata", "base": indirizzo()}, "404.html"


def setup(app):
    app.connect("config-inited", prepara)
    app.connect("html-collect-pages", non_trovata)
