"""I controlli del libro: ogni difetto con file e riga. Si eseguono con `python -m lettore.controlli`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from lettore import affermazioni, frasi
from lettore.controlli import cammino, fedelta, inglese, passi, simboli, termini, testi_alternativi, tipografia
from lettore.glossario import Voce, leggi_voci
from lettore.inventario import leggi_inventario
from lettore.notazione import leggi_notazione
from lettore.originale import carica
from lettore.sorgente import Pagina, Segnalazione, leggi_libro

__all__ = ["Segnalazione", "controlla_libro", "controlla_pagina"]

RADICE = Path(__file__).parents[3]
PERMESSO = frozenset({"note-permission"})
"""Il permesso sulle figure, che NOTICE cita alla lettera."""


def controlla_libro(radice: Path = RADICE, originale: dict | None = None) -> list[Segnalazione]:
    """Tutti i controlli su capitoli, glossario e README.

    `originale` è ciò che rende `lettore.originale.carica`; senza, si guarda in `_originale/`, e se non
    c’è si saltano i confronti con le parole degli autori.
    """
    originale = originale or carica(radice)
    voci, pagine = leggi_voci(radice / "glossary.md"), leggi_libro(radice)
    esito = [segnalazione for pagina in pagine for segnalazione in controlla_pagina(pagina, voci, originale)]
    esito += cammino.controlla(_cammino(radice, pagine), voci, leggi_notazione())
    esito += passi.controlla_libro((p for p in pagine if p.file.startswith("chapters/")), "chapters")
    if originale:
        esito += _frasi_degli_autori(radice, pagine, originale)
    return sorted(set(esito))


def controlla_pagina(pagina: Pagina, voci: list[Voce], originale: dict | None = None) -> list[Segnalazione]:
    """I controlli che guardano una pagina sola."""
    esito = termini.controlla(pagina, voci) + tipografia.controlla(pagina)
    esito += simboli.controlla(pagina, leggi_notazione())
    esito += passi.controlla(pagina) + testi_alternativi.controlla(pagina) + affermazioni.difetti(pagina)
    if pagina.file != "README.md":
        esito += [Segnalazione(pagina.file, riga, messaggio) for riga, messaggio in frasi.difetti(pagina.testo)]
    if pagina.file.startswith("chapters/") and pagina.file.count("/") == 2:  # un capitolo, non uno strumento
        esito += passi.controlla_capitolo(pagina)
    if pagina.file.startswith("chapters/"):
        inventario = leggi_inventario()
        esito += inglese.controlla(pagina, inventario)
        esito += fedelta.controlla(pagina, inventario, originale and originale["blocchi"])
    return esito


def _cammino(radice: Path, pagine: list[Pagina]) -> Iterator[tuple[str, Pagina]]:
    """Le pagine del cammino, ciascuna con la sua Parte; quelle che mancano si saltano."""
    per_file = {pagina.file: pagina for pagina in pagine}
    ordine = cammino.indice((radice / "_toc.yml").read_text(encoding="utf-8"))
    return ((parte, per_file[file]) for parte, file in ordine if file in per_file)


def _frasi_degli_autori(radice: Path, pagine: list[Pagina], originale: dict) -> list[Segnalazione]:
    tutte = inglese.corse_dell_originale(originale, leggi_inventario())
    senza_permesso = inglese.corse_dell_originale(originale, leggi_inventario(), PERMESSO)
    esito = []
    for file, testo in _file_di_testo(radice, pagine):
        esito += inglese.controlla_corse(testo, file, senza_permesso if file == "NOTICE" else tutte)
    return esito


def _file_di_testo(radice: Path, pagine: list[Pagina]) -> Iterator[tuple[str, str]]:
    """Nome e testo dei file di testo che git segue o seguirebbe; senza git, delle sole pagine."""
    comando = ["git", "-C", str(radice), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        elenco = subprocess.run(comando, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        elenco = [pagina.file for pagina in pagine]
    for file in sorted(set(elenco) - {"", "package-lock.json"}):
        try:
            yield file, (radice / file).read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
