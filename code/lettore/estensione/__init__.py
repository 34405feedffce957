"""Estensione Sphinx del libro: blocchi bilingui, note, formule, glossario, quaderni, bibliografia."""

from . import bibliografia, blocco, formule, glossario, interfaccia, note, quaderni, web


def setup(app):
    for modulo in (blocco, note, formule, glossario, bibliografia, quaderni, interfaccia, web):
        modulo.setup(app)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
