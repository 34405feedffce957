"""«make libro», «make pdf» e le altre uscite: procura l’originale, esegue i capitoli, costruisce, dice com’è andata."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from attenzione.streams import as_command

from . import impronte, pubblico, uscite
from .ambiente import Ambiente, ambiente_del_comando, quanti_core, variabili_dei_figli
from .inventario import leggi_inventario
from .originale import ErroreOriginale, carica, importa
from .uscite import ErroreUscita, Lavoro, Uscita

RADICE = Path(__file__).resolve().parents[2]


def procura_originale(radice: Path, ambiente: Ambiente) -> bool:
    """Importa l’originale se serve; dice se la parte inglese c’è. ``ORIGINALE=no`` o ``PUBBLICO=1``: resta fuori."""
    if ambiente.senza_originale:
        return False
    da = ambiente.originale or None
    destinazione = radice / "_originale"
    if da is None and carica(radice):
        return True
    try:
        importa(da, destinazione)
    except ErroreOriginale as errore:
        if da:
            raise
        print(f"Originale inglese: {errore}", file=sys.stderr)
    return carica(radice) is not None


def dimentica_uscite_vecchie(radice: Path, costruito: Path) -> None:
    """Butta le uscite dei capitoli se il codice della libreria è cambiato dall’ultima costruzione."""
    segno = impronte.della_libreria(radice, costruito)
    if not segno.vale:
        shutil.rmtree(costruito / ".jupyter_cache", ignore_errors=True)
        segno.lascia()


def aggiorna(radice: Path, costruito: Path, uscita: Uscita, ambiente: Ambiente) -> int:
    """Lancia Sphinx su ciò che è cambiato, o su tutto se è cambiato ciò da cui tutto dipende; rende il suo stato.

    Dopo una costruzione fallita si rifà tutto: Sphinx non ripete gli avvisi delle pagine che ha già letto.
    """
    segno = impronte.delle_pagine(radice, costruito, uscita.costruttore, ambiente)
    da_capo = not segno.vale
    segno.togli()
    stato = jupyter_book(radice, costruito, uscita, ambiente, da_capo=da_capo)
    if stato == 0:
        segno.lascia()
    return stato


def jupyter_book(radice: Path, costruito: Path, uscita: Uscita, ambiente: Ambiente, *, da_capo: bool = True) -> int:
    """Lancia Jupyter Book; rende il suo stato di uscita.

    Gli avvisi vanno dove vanno quelli di chi lo chiama; ciò che racconta di sé, in ``diario-….txt``. ``da_capo``
    rilegge ogni sorgente e riscrive ogni pagina.
    """
    richiesta = {
        "radice": str(radice),
        "cartella": str(costruito / uscita.cartella),
        "alberi": str(costruito / f".doctrees-{uscita.costruttore}"),
        "costruttore": uscita.costruttore,
        "esegue": uscita.esegue,
        "force_all": da_capo,
        "freshenv": da_capo,
        "jobs": quanti_core(),
    }
    costruito.mkdir(parents=True, exist_ok=True)
    comando = [sys.executable, "-m", "lettore.lancio", json.dumps(richiesta)]
    with (costruito / f"diario-{uscita.costruttore}.txt").open("w", encoding="utf-8") as diario:
        return subprocess.run(comando, stdout=diario, env=variabili_dei_figli(ambiente)).returncode


def costruisci(
    ambiente: Ambiente,
    uscita: Uscita | None = None,
    varianti: frozenset[str] = frozenset(),
    radice: Path = RADICE,
    dove: Path | None = None,
) -> int:
    """Costruisce un’uscita del libro (l’HTML) in ``dove/_build`` e stampa il riepilogo; rende lo stato di uscita."""
    uscita = uscita or uscite.predefinita()
    costruito = (dove or radice) / "_build"
    inizio = time.monotonic()
    try:
        if uscita.esige:
            uscita.esige()
        inglese = procura_originale(radice, ambiente)
        pubblico.sgombera(costruito / uscita.cartella, ambiente)
        if uscita.esegue:
            dimentica_uscite_vecchie(radice, costruito)
        if stato := aggiorna(radice, costruito, uscita, ambiente):
            print(f"\n{uscita.mancata}: gli errori sono qui sopra, con file e riga.", file=sys.stderr)
            return stato
        if parole := pubblico.completa(radice, costruito / uscita.cartella, ambiente):
            for guasto in parole:
                print(f"{guasto.file}:{guasto.riga}: {guasto.messaggio}", file=sys.stderr)
            print("\nIl libro non si può pubblicare: porta parole o figure degli autori.", file=sys.stderr)
            return 1
        prodotto, righe = uscita.completa(Lavoro(radice, costruito, ambiente, varianti))
    except (ErroreOriginale, ErroreUscita) as errore:
        print(f"Errore: {errore}", file=sys.stderr)
        return 1
    print(f"\n{uscita.pronta}: {prodotto}")
    righe += [("tempo", f"{time.monotonic() - inizio:.0f} s"), ("inglese", da_dove_l_inglese(radice, inglese))]
    for etichetta, testo in righe:
        print(f"  {etichetta:<10} {testo}")
    return 0


def da_dove_l_inglese(radice: Path, inglese: bool) -> str:
    if inglese:
        return f"degli autori, {carica(radice)['trovati']} blocchi su {len(leggi_inventario())}"
    return "glosse nostre: l’originale si aggiunge con make libro ORIGINALE=percorso.tar.gz"


def main(argomenti: list[str] | None = None) -> int:
    lettore = argparse.ArgumentParser(prog="python -m lettore.costruzione", description=__doc__)
    scelta = lettore.add_mutually_exclusive_group()
    for uscita in uscite.tutte():
        if uscita.opzione:
            scelta.add_argument(
                f"--{uscita.opzione}", dest="uscita", action="store_const", const=uscita, help=uscita.aiuto
            )
        for nome, aiuto in uscita.varianti.items():
            lettore.add_argument(
                f"--{nome}", dest="varianti", action="append_const", const=nome, default=[], help=aiuto
            )
    lettore.add_argument("--in", dest="dove", type=Path, help="cartella che conterrà _build (qui)")
    scelte = lettore.parse_args(argomenti)
    return costruisci(ambiente_del_comando(), scelte.uscita, frozenset(scelte.varianti), dove=scelte.dove)


if __name__ == "__main__":
    sys.exit(as_command(main))
