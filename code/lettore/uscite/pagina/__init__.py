"""Il libro in HTML."""

from __future__ import annotations

from pathlib import Path

from lettore.uscite import Lavoro, Righe, Uscita

from . import (
    aiuti,
    colonna,
    composto,
    figure_scure,
    file_del_browser,
    fogli,
    interfaccia,
    katex,
    lingua,
    margine,
    modello,
    nodi,
    peso,
    programmi,
    ricerca,
    simboli,
    sito,
    suggerimenti,
)

MODULI = (
    *(nodi, katex, simboli, margine, suggerimenti, interfaccia, lingua, composto, figure_scure),
    *(colonna, programmi, file_del_browser, aiuti, ricerca, peso, fogli, sito, modello),
)


def completa(lavoro: Lavoro) -> tuple[Path, Righe]:
    return lavoro.costruito / USCITA.cartella / "index.html", []


USCITA = Uscita(costruttore="html", cartella="html", completa=completa)


def setup(app):
    for modulo in MODULI:
        modulo.setup(app)
