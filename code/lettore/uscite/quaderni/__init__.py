"""I quaderni: un .ipynb per capitolo, pronti per il ramo «notebooks», e gli stessi accanto alle pagine."""

from __future__ import annotations

import shutil
from pathlib import Path

from lettore.uscite import Lavoro, Righe, Uscita

from . import costruttore, nella_pagina
from .indirizzi import RAMO, pacchetto
from .ramo import accompagna


def completa(lavoro: Lavoro) -> tuple[Path, Righe]:
    """Mette accanto ai quaderni ciò che va nel ramo; solo allora prendono il posto di quelli di prima."""
    deposito = lavoro.ambiente.deposito
    nuovi, uscita = lavoro.costruito / USCITA.cartella, lavoro.costruito / "quaderni"
    shutil.rmtree(nuovi / "_static", ignore_errors=True)  # ciò che un’estensione prepara per le pagine
    accompagna(lavoro.radice, nuovi, deposito)
    shutil.rmtree(uscita, ignore_errors=True)
    nuovi.rename(uscita)
    righe = [("quanti", str(len(list(uscita.rglob("*.ipynb"))))), ("pacchetto", pacchetto(deposito))]
    if not deposito:
        righe.append(("Binder", f"no: i file per il ramo «{RAMO}» chiedono DEPOSITO=https://github.com/nome/progetto"))
    return uscita, righe


USCITA = Uscita(
    costruttore="quaderni",
    cartella=".quaderni",
    completa=completa,
    opzione="quaderni",
    aiuto="scrive i quaderni dei capitoli, senza eseguirne una cella",
    pronta="I quaderni sono pronti",
    mancata="I quaderni non sono scritti",
    esegue=False,
)


def setup(app):
    costruttore.setup(app)
    nella_pagina.setup(app)
