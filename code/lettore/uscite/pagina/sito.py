"""Gli indirizzi del sito: i canonici, la pagina «non trovata», i rinvii dai capitoli che hanno cambiato posto."""

SPOSTATE = {"chapters/passi/scheda-grafica": "chapters/laboratorio/scheda-grafica"}
"""Dov’era un capitolo, e dov’è: chi ha conservato il vecchio indirizzo arriva al nuovo."""


def prepara(app, config):
    config.html_context["pubblico"] = config.lettore_ambiente.pubblico
    config.html_baseurl = config.lettore_ambiente.indirizzo


def non_trovata(app):
    """``404.html``, che GitHub Pages mostra al posto di ogni pagina che manca."""
    ambiente = app.config.lettore_ambiente
    if ambiente.pubblico and app.builder.name == "html":
        yield "404", {"title": "Pagina non trovata", "base": ambiente.indirizzo}, "404.html"


def spostate(app):
    """Una pagina di solo rinvio a ogni indirizzo vecchio di un capitolo che il libro contiene."""
    if app.builder.name == "html":
        for vecchia, nuova in SPOSTATE.items():
            if nuova in app.env.found_docs:
                yield vecchia, {"title": "Pagina spostata", "nuova": nuova}, "spostata.html"


def setup(app):
    app.connect("config-inited", prepara)
    app.connect("html-collect-pages", non_trovata)
    app.connect("html-collect-pages", spostate)
