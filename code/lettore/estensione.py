"""L’estensione Sphinx del libro: l’ambiente, l’esecuzione dei capitoli, i pezzi, poi le uscite che li scrivono."""

from . import ambiente, esecuzione, pezzi, uscite


NON_LO_DICONO = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex")
"""Estensioni di altri che mentre si legge non tengono nulla, e non dichiarano che si può leggere in parallelo."""


def leggi_in_parallelo(app, config):
    for nome in NON_LO_DICONO:
        app.extensions[nome].parallel_read_safe = True


def setup(app):
    app.connect("config-inited", leggi_in_parallelo)
    for modulo in (ambiente, esecuzione, *pezzi.MODULI, *uscite.moduli()):
        modulo.setup(app)
    return {"version": "2", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
