"""Il libro in HTML."""

from __future__ import annotations

from pathlib import Path

from lettore.uscite import Lavoro, Righe, Uscita

from . import file_del_browser, interfaccia, katex, nodi, peso, programmi, ricerca, sito, suggerimenti


def completa(lavoro: Lavoro) -> tuple[Path, Righe]:
    return lavoro.costruito / USCITA.cartella / "index.html", []


USCITA = Uscita(costruttore="html", cartella="html", completa=completa)


def setup(app):
    for modulo in (nodi, katex, suggerimenti, interfaccia, programmi, file_del_browser, ricerca, peso, sito):
        modulo.setup(app)
