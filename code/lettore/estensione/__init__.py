"""Estensione Sphinx del libro: blocchi bilingui, note, affermazioni, formule, glossario, quaderni, bibliografia."""

from . import affermazioni, bibliografia, blocco, formule, glossario, interfaccia, latex, note, quaderni, visore, web


def setup(app):
    for modulo in (blocco, note, affermazioni, formule, glossario, bibliografia, quaderni, interfaccia, visore, web,
                   latex):
        modulo.setup(app)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
