"""Estensione Sphinx del libro: un modulo per ciascun pezzo dell’apparato, registrato nell’ordine che segue."""

from . import (
    affermazioni,
    bibliografia,
    blocco,
    epub,
    formule,
    glossario,
    interfaccia,
    latex,
    misure,
    note,
    peso,
    quaderni,
    sito,
    visore,
    web,
)

MODULI = (
    blocco, note, misure, affermazioni, formule, glossario, bibliografia, quaderni, interfaccia, visore, web,
    latex, epub, peso, sito,
)  # fmt: skip


def setup(app):
    for modulo in MODULI:
        modulo.setup(app)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
