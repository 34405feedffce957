"""L’estensione Sphinx del libro: l’ambiente, i pezzi dell’apparato, poi le uscite che li scrivono."""

from . import ambiente, pezzi, uscite


def setup(app):
    ambiente.setup(app)
    for modulo in (*pezzi.MODULI, *uscite.moduli()):
        modulo.setup(app)
    # l’indice di Jupyter Book la carica sempre: lavora a libro letto, ma non dice che le pagine si leggono insieme
    if numerazione := app.extensions.get("sphinx_multitoc_numbering"):
        numerazione.parallel_read_safe = True
    return {"version": "2", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
