"""L’estensione Sphinx del libro: l’ambiente, l’esecuzione dei capitoli, i pezzi, poi le uscite che li scrivono."""

from . import ambiente, esecuzione, pezzi, uscite


NON_LO_DICONO = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex")
"""Estensioni di altri che mentre si legge non tengono nulla, e non dichiarano che si può leggere in parallelo."""


def leggi_in_parallelo(app, config):
    for nome in NON_LO_DICONO:
        app.extensions[nome].parallel_read_safe = True

SENZA_STATO = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex")
"""Estensioni che Jupyter Book carica sempre: leggendo una pagina non tengono nulla per le altre, ma non lo dichiarano,
e Sphinx leggerebbe una pagina per volta."""


def dichiara_senza_stato(app, config):
    for nome in SENZA_STATO:
        if estensione := app.extensions.get(nome):
            estensione.parallel_read_safe = True


def setup(app):
    app.connect("config-inited", leggi_in_parallelo)
    for modulo in (ambiente, esecuzione, *pezzi.MODULI, *uscite.moduli()):
        modulo.setup(app)
    app.connect("config-inited", dichiara_senza_stato)
    return {"version": "2", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
