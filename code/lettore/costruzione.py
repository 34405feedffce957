"""«make libro», «make pdf» e le altre uscite: procura l’originale, esegue i capitoli, costruisce, dice com’è andata."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from . import pubblico, uscite
from .ambiente import Ambiente, ambiente_del_comando, variabili_dei_figli
from .inventario import leggi_inventario
from .originale import ErroreOriginale, carica, importa
from .uscite import ErroreUscita, Lavoro, Righe, Uscita

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


def impronta_codice(radice: Path) -> str:
    """Riassume il codice e il modello che i capitoli usano: se cambiano, le uscite in memoria non valgono più."""
    somma = hashlib.sha256()
    for cartella in ("code/attenzione", "modelli"):
        for file in sorted((radice / cartella).rglob("*")):
            if file.suffix in {".py", ".yml", ".mplstyle", ".json", ".safetensors"}:
                somma.update(file.read_bytes())
    return somma.hexdigest()


def dimentica_uscite_vecchie(radice: Path, costruito: Path) -> None:
    """Butta le uscite dei capitoli se il codice della libreria è cambiato dall’ultima costruzione."""
    segno = costruito / ".impronta-codice"
    attuale = impronta_codice(radice)
    if not segno.exists() or segno.read_text() != attuale:
        shutil.rmtree(costruito / ".jupyter_cache", ignore_errors=True)
        segno.parent.mkdir(parents=True, exist_ok=True)
        segno.write_text(attuale)


def jupyter_book(
    radice: Path, costruito: Path, uscita: Uscita, ambiente: Ambiente, *, force_all: bool = True, freshenv: bool = True
) -> int:
    """Lancia Jupyter Book; rende il suo stato di uscita.

    Gli avvisi vanno dove vanno quelli di chi lo chiama; ciò che racconta di sé, in ``diario-….txt``. ``force_all``
    riscrive ogni pagina, ``freshenv`` rilegge ogni sorgente.
    """
    richiesta = {
        "radice": str(radice),
        "cartella": str(costruito / uscita.cartella),
        "alberi": str(costruito / (".doctrees" if uscita.esegue else f".doctrees-{uscita.costruttore}")),
        "costruttore": uscita.costruttore,
        "esegue": uscita.esegue,
        "force_all": force_all,
        "freshenv": freshenv,
        "jobs": os.cpu_count() or 1,
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
        if stato := jupyter_book(radice, costruito, uscita, ambiente):
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
    righe.append(("tempo", f"{time.monotonic() - inizio:.0f} s"))
    for etichetta, testo in [*righe, *dati_comuni(radice, uscita, inglese)]:
        print(f"  {etichetta:<10} {testo}")
    return 0


def dati_comuni(radice: Path, uscita: Uscita, inglese: bool) -> Righe:
    """Su che cosa sono stati eseguiti i capitoli, da dove viene l’inglese."""
    righe = []
    if uscita.esegue:
        from attenzione.device import describe_device, pick_device

        righe.append(("eseguito", f"su {describe_device(pick_device())}"))
    if inglese:
        righe.append(("inglese", f"degli autori, {carica(radice)['trovati']} blocchi su {len(leggi_inventario())}"))
    else:
        righe.append(("inglese", "glosse nostre: l’originale si aggiunge con make libro ORIGINALE=percorso.tar.gz"))
    return righe


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
    sys.exit(main())
