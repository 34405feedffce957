"""`python -m lettore.prosa file.txt.gz`: la prosa italiana del libro, una frase per riga, per addestrarvi un modello.

È la nostra: restano fuori la traduzione dell’articolo, che è un’opera derivata, le glosse e ogni parola inglese; e le
celle, le tabelle, le frasi con formule, codice, rimandi o citazioni, che senza non si leggono. Una riga vuota separa le
pagine. Gli stessi capitoli danno lo stesso file, byte per byte: tenerlo da parte è tenere una fotografia del libro.
"""

from __future__ import annotations

import argparse
import gzip
import re
import sys
from pathlib import Path

from attenzione.files import replacing
from attenzione.streams import as_command
from lettore.sorgente import CODICE, FORMULA, FORMULA_A_BLOCCO, RUOLO, VUOTO, Pagina, cancella, leggi_libro

RADICE = Path(__file__).parents[2]
MOSTRATI = ("term", "doc", "ref")
SEGNI = re.compile(r"^[\s>#*+:-]*(?:\d+\.\s+)?|\*+|(?<!\w)_+|_+(?!\w)|\\(?=\W)|!?\[|\]")
"""I segni di Markdown che nella pagina non si leggono: titoli, elenchi, corsivi, collegamenti."""


def frasi(pagina: Pagina) -> list[str]:
    """Le frasi di una pagina, in ordine, senza segni di Markdown."""
    senza_formule = cancella(cancella(pagina.testo, FORMULA_A_BLOCCO), FORMULA)
    rese = []
    for riga, testo, resto in zip(pagina.righe, pagina.prosa.split("\n"), senza_formule.split("\n"), strict=False):
        if riga.genere != "prosa" or "blocco" in riga.direttive or "|" in testo or mancante(riga.testo, resto):
            continue
        frase = " ".join(SEGNI.sub("", testo.replace(VUOTO, "")).split())
        if re.search(r"[^\W\d_]{2}.*[.!?…»):;]$", frase):
            rese.append(frase)
    return rese


def mancante(riga: str, senza_formule: str) -> bool:
    """Se dalla riga manca qualcosa che nella pagina si legge: una formula, del codice, un ruolo."""
    ruoli = [trovato[1] for trovato in RUOLO.finditer(riga)]
    return VUOTO in senza_formule or any(r not in MOSTRATI for r in ruoli) or bool(CODICE.search(RUOLO.sub("", riga)))


def prosa(radice: Path) -> str:
    """La prosa di tutto il libro, le pagine separate da una riga vuota."""
    pagine = ["".join(f"{frase}\n" for frase in frasi(pagina)) for pagina in leggi_libro(radice)]
    return "\n".join(filter(None, pagine))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lettore.prosa", description="La prosa del libro in un file .gz.")
    parser.add_argument("file", type=Path)
    testo = prosa(RADICE)
    with replacing(parser.parse_args().file) as parziale:
        parziale.write_bytes(gzip.compress(testo.encode("utf-8"), mtime=0))
    print(f"{testo.count(chr(10))} righe, {len(testo.split())} parole")
    return 0


if __name__ == "__main__":
    sys.exit(as_command(main))
