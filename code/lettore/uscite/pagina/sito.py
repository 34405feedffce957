"""Il sito pubblico: indirizzi canonici, la pagina «non trovata», l’avviso che l’inglese degli autori non c’è."""


def prepara(app, config):
    config.html_context["pubblico"] = config.lettore_ambiente.pubblico
    config.html_baseurl = config.lettore_ambiente.indirizzo


def non_trovata(app):
    """``404.html``, che GitHub Pages mostra al posto di ogni pagina che manca."""
    ambiente = app.config.lettore_ambiente
    if ambiente.pubblico and app.builder.name == "html":
        yield "404", {"title": "Pagina non trovata", "base": ambiente.indirizzo}, "404.html"


def setup(app):
    app.connect("config-inited", prepara)
    app.connect("html-collect-pages", non_trovata)
