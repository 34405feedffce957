"""Che cosa è cambiato dall’ultima costruzione: i riassunti dei file da cui dipende ciò che si può non rifare."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from attenzione.files import write_text

from .ambiente import Ambiente

LIBRERIA = ("code/attenzione", "modelli")
"""Ciò che i capitoli eseguono: se cambia, le loro uscite non valgono più."""

APPARATO = (
    *("code/lettore", "web", "assets", "_config.yml", "_toc.yml"),
    *("references.bib", "requirements.lock", "package-lock.json"),
)
"""Ciò da cui dipende ogni pagina: se cambia, si rilegge e si riscrive tutto."""


def riassunto(radice: Path, nomi: Iterable[str], *altro: object) -> str:
    """Lo SHA-256 dei file dati, o contenuti nelle cartelle date, e di ``altro``."""
    somma = hashlib.sha256(repr(altro).encode())
    for nome in nomi:
        posto = radice / nome
        file = [posto] if posto.is_file() else sorted(f for f in posto.rglob("*") if f.is_file())
        for uno in file:
            if uno.suffix != ".pyc":
                somma.update(uno.relative_to(radice).as_posix().encode())
                somma.update(uno.read_bytes())
    return somma.hexdigest()


class Segno:
    """Un riassunto tenuto accanto a ciò che si è costruito: dice se è ancora quello."""

    def __init__(self, file: Path, attuale: str):
        self.file, self.attuale = file, attuale

    @property
    def vale(self) -> bool:
        return self.file.is_file() and self.file.read_text(encoding="utf-8") == self.attuale

    def lascia(self) -> None:
        write_text(self.file, self.attuale)

    def togli(self) -> None:
        self.file.unlink(missing_ok=True)


def della_libreria(radice: Path, costruito: Path) -> Segno:
    return Segno(costruito / ".impronta-codice", riassunto(radice, LIBRERIA))


def delle_pagine(radice: Path, costruito: Path, costruttore: str, ambiente: Ambiente) -> Segno:
    """Di un’uscita intera, con le richieste di chi la costruisce.

    Da dove è venuto l’originale non conta: se le sue parole cambiano, Sphinx lo sa e rilegge.
    """
    ambiente = replace(ambiente, originale="no" if ambiente.senza_originale else "")
    return Segno(costruito / f".impronta-{costruttore}", riassunto(radice, (*LIBRERIA, *APPARATO), ambiente))
