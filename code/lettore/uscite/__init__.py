"""Le uscite del libro, una per file o cartella: la pagina, la carta, l’EPUB, i quaderni.

Ciascuna registra in ``setup(app)`` come scrive i pezzi, e si presenta alla costruzione con ``USCITA``. Aggiungere
un’uscita è aggiungere un modulo qui.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from lettore.ambiente import Ambiente

Righe = list[tuple[str, str]]
"""Etichetta e testo, per il riepilogo di una costruzione."""


class ErroreUscita(Exception):  # noqa: N818
    """L’uscita non si può comporre: il messaggio dice perché e che cosa fare."""


@dataclass(frozen=True)
class Lavoro:
    """Ciò che serve per completare un’uscita: i sorgenti, ``_build``, le richieste di chi costruisce."""

    radice: Path
    costruito: Path
    ambiente: Ambiente
    varianti: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Uscita:
    """Un’uscita come la vede la costruzione: quale costruttore la fa, dove, con quali parole.

    ``opzione`` è quella di ``lettore.costruzione``: l’uscita che non ne ha è la predefinita; ``varianti`` sono le
    altre sue opzioni. ``esige`` dà ErroreUscita se alla macchina manca qualcosa; ``completa``, a Sphinx finito, fa il
    resto e rende il prodotto con le sue righe del riepilogo.
    """

    costruttore: str
    cartella: str  # in _build
    completa: Callable[[Lavoro], tuple[Path, Righe]]
    opzione: str = ""
    aiuto: str = ""
    varianti: Mapping[str, str] = field(default_factory=dict)
    pronta: str = "Il libro è pronto"
    mancata: str = "Il libro non è costruito"
    esegue: bool = True  # se nel prodotto ci sono le uscite delle celle
    esige: Callable[[], None] | None = None


def moduli() -> list[ModuleType]:
    """I moduli di questo pacchetto, in ordine alfabetico."""
    return [import_module(f"{__name__}.{modulo.name}") for modulo in iter_modules(__path__)]


def tutte() -> list[Uscita]:
    return [modulo.USCITA for modulo in moduli()]


def predefinita() -> Uscita:
    """L’uscita di chi non ne sceglie una."""
    return next(uscita for uscita in tutte() if not uscita.opzione)
