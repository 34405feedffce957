"""«make libro» e «make pdf»: procura l’originale, esegue i capitoli, costruisce il libro, dice com’è andata."""

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
from .carta import Edizione, ErroreCarta, componi, esige_latex, guasti, leggi_diario, pagine, scegli_edizione
from .inventario import leggi_inventario
from .originale import ErroreOriginale, carica, importa

RADICE = Path(__file__).resolve().parents[2]
PRODOTTI = {"html": "html/index.html", "latex": "latex/libro.pdf", "epub": "epub/libro.epub"}
"""Costruttore → che cosa fa, in ``_build``."""


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


def costruisci(
    radice: Path = RADICE, uscita: Path | None = None, costruttore: str = "html", edizione: Edizione | None = None
) -> int:
    """Costruisce il libro in ``uscita/_build`` e stampa il riepilogo; rende lo stato di uscita.

    ``costruttore`` è uno di ``PRODOTTI``; con «latex», ``edizione`` dice quale PDF si compone.
    """
    uscita = uscita or radice
    inizio = time.monotonic()
    try:
        if edizione:
            esige_latex()
        inglese = procura_originale(radice)
        pubblico.sgombera(uscita / "_build" / costruttore)
    except (ErroreOriginale, ErroreCarta) as errore:
        print(f"Errore: {errore}", file=sys.stderr)
        return 1
    dimentica_uscite_vecchie(radice, uscita)
    stato = jupyter_book(radice, uscita, costruttore)
    if stato:
        print("\nIl libro non è costruito: gli errori sono qui sopra, con file e riga.", file=sys.stderr)
        return stato
    if guasti_del_sito := pubblico.completa(radice, uscita / "_build" / costruttore):
        for guasto in guasti_del_sito:
            print(f"{guasto.file}:{guasto.riga}: {guasto.messaggio}", file=sys.stderr)
        print("\nIl libro non si può pubblicare: porta parole o figure degli autori.", file=sys.stderr)
        return 1
    file = uscita / "_build" / PRODOTTI[costruttore]
    if edizione:
        print("\nCompongo il PDF: qualche minuto.", flush=True)
        try:
            file = componi(file.parent, edizione)
        except ErroreCarta as errore:
            print(f"Errore: {errore}", file=sys.stderr)
            return 1
    print(f"\nIl libro è pronto: {file}")
    if edizione:
        diario = leggi_diario(file.parent, edizione)
        print(f"  edizione   {edizione.descrizione}: {pagine(diario)} pagine, {file.stat().st_size / 1e6:.1f} MB")
        for guasto in guasti(diario):
            print(f"  attenzione {guasto}", file=sys.stderr)
    print(f"  tempo      {time.monotonic() - inizio:.0f} s")
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
    lettore.add_argument("--pdf", action="store_true", help="compone il PDF; LINGUA=it lascia fuori l’inglese")
    lettore.add_argument("--grande", action="store_true", help="con --pdf: a caratteri grandi")
    lettore.add_argument("--epub", action="store_true", help="costruisce l’EPUB invece dell’HTML")
    lettore.add_argument("--in", dest="uscita", type=Path, help="cartella che conterrà _build (qui)")
    scelte = lettore.parse_args(argomenti)
    try:
        edizione = scegli_edizione(os.environ.get("LINGUA"), scelte.grande) if scelte.pdf else None
    except ErroreCarta as errore:
        print(f"Errore: {errore}", file=sys.stderr)
        return 1
    costruttore = "latex" if scelte.pdf else "epub" if scelte.epub else "html"
    return costruisci(uscita=scelte.uscita, costruttore=costruttore, edizione=edizione)


if __name__ == "__main__":
    sys.exit(main())
