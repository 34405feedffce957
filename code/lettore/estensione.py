"""L’estensione Sphinx del libro: l’ambiente, l’esecuzione dei capitoli, i pezzi, poi le uscite che li scrivono."""

from . import ambiente, esecuzione, pezzi, uscite

SENZA_STATO = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex")
"""Estensioni che Jupyter Book carica sempre: leggendo una pagina non tengono nulla per le altre, ma non lo dichiarano,
e Sphinx leggerebbe una pagina per volta."""


def dichiara_senza_stato(app, config):
    for nome in SENZA_STATO:
        if estensione := app.extensions.get(nome):
            estensione.parallel_read_safe = True


def setup(app):
    for modulo in (ambiente, esecuzione, *pezzi.MODULI, *uscite.moduli()):
        modulo.setup(app)
    app.connect("config-inited", dichiara_senza_stato)
    return {"version": "2", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
