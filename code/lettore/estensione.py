"""L’estensione Sphinx del libro: l’ambiente, i pezzi dell’apparato, poi le uscite che li scrivono."""

from . import ambiente, pezzi, uscite


def setup(app):
    ambiente.setup(app)
    for modulo in (*pezzi.MODULI, *uscite.moduli()):
        modulo.setup(app)
    return {"version": "2", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
