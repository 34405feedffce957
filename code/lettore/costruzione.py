"""«make libro»: procura l’originale, esegue i capitoli, costruisce l’HTML, dice com’è andata."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from attenzione.device import describe_device, pick_device

from . import pubblico
from .inventario import leggi_inventario
from .originale import ErroreOriginale, carica, importa

RADICE = Path(__file__).resolve().parents[2]
CARTELLE = {"html": "html", "pdflatex": "latex", "epub": "epub"}


def procura_originale(radice: Path) -> bool:
    """Importa l’originale se serve; dice se la parte inglese c’è. ``ORIGINALE=no`` o ``PUBBLICO=1``: resta fuori."""
    if pubblico.senza_originale():
        return False
    da = os.environ.get("ORIGINALE") or None
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


def dimentica_uscite_vecchie(radice: Path, uscita: Path) -> None:
    """Butta le uscite dei capitoli se il codice della libreria è cambiato dall’ultima costruzione."""
    segno = uscita / "_build" / ".impronta-codice"
    attuale = impronta_codice(radice)
    if not segno.exists() or segno.read_text() != attuale:
        shutil.rmtree(uscita / "_build" / ".jupyter_cache", ignore_errors=True)
        segno.parent.mkdir(parents=True, exist_ok=True)
        segno.write_text(attuale)


def ambiente_pulito() -> dict[str, str]:
    """L’ambiente dei capitoli: gli eseguibili di questo Python davanti agli altri, e un thread di calcolo.

    Con più thread le somme si fanno in un altro ordine: i numeri della pagina dipenderebbero da quanti core
    ha la macchina. E un seme per gli insiemi: matplotlib sceglie da uno di essi se disegnare prima l’SVG o il
    PDF, e il secondo disegno può spostarsi di un soffio. Chi vuole altrimenti dà le due variabili.
    """
    percorso = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", **os.environ, "PATH": percorso}


def jupyter_book(radice: Path, uscita: Path, costruttore: str) -> int:
    """Lancia Jupyter Book, severo (``-W -n``); rende il suo stato di uscita."""
    scelta = ["custom", "--custom-builder", "epub"] if costruttore == "epub" else [costruttore]
    comando = [Path(sys.executable).with_name("jupyter-book"), "build", "--all", "-W", "-n", "--keep-going",
               "--path-output", uscita, "--builder", *scelta, radice]
    return subprocess.run(comando, env=ambiente_pulito()).returncode


def costruisci(radice: Path = RADICE, uscita: Path | None = None, costruttore: str = "html") -> int:
    """Costruisce il libro in ``uscita/_build`` e stampa il riepilogo; rende lo stato di uscita."""
    uscita = uscita or radice
    inizio = time.monotonic()
    try:
        inglese = procura_originale(radice)
        pubblico.sgombera(uscita / "_build" / CARTELLE[costruttore])
    except ErroreOriginale as errore:
        print(f"Errore: {errore}", file=sys.stderr)
        return 1
    dimentica_uscite_vecchie(radice, uscita)
    stato = jupyter_book(radice, uscita, costruttore)
    if stato:
        print("\nIl libro non è costruito: gli errori sono qui sopra, con file e riga.", file=sys.stderr)
        return stato
    if guasti := pubblico.completa(radice, uscita / "_build" / CARTELLE[costruttore]):
        for guasto in guasti:
            print(f"{guasto.file}:{guasto.riga}: {guasto.messaggio}", file=sys.stderr)
        print("\nIl sito non si può pubblicare: porta parole o figure degli autori.", file=sys.stderr)
        return 1
    file = {"html": "html/index.html", "pdflatex": "latex/libro.pdf", "epub": "epub/libro.epub"}[costruttore]
    durata = time.monotonic() - inizio
    print(f"\nIl libro è pronto: {uscita / '_build' / file}")
    print(f"  tempo      {durata:.0f} s")
    print(f"  eseguito   su {describe_device(pick_device())}")
    if inglese:
        blocchi = carica(radice)["trovati"]
        print(f"  inglese    degli autori, {blocchi} blocchi su {len(leggi_inventario())}")
    else:
        print("  inglese    glosse nostre: l’originale si aggiunge con make libro ORIGINALE=percorso.tar.gz")
    return 0


def main(argomenti=None) -> int:
    import argparse

    lettore = argparse.ArgumentParser(prog="python -m lettore.costruzione", description=__doc__)
    lettore.add_argument("--pdf", action="store_true", help="costruisce il PDF con LaTeX invece dell’HTML")
    lettore.add_argument("--epub", action="store_true", help="costruisce l’EPUB invece dell’HTML")
    lettore.add_argument("--in", dest="uscita", type=Path, help="cartella che conterrà _build (qui)")
    scelte = lettore.parse_args(argomenti)
    costruttore = "pdflatex" if scelte.pdf else "epub" if scelte.epub else "html"
    return costruisci(uscita=scelte.uscita, costruttore=costruttore)


if __name__ == "__main__":
    sys.exit(main())
