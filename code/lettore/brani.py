"""`python -m lettore.brani`: il libro a brani, ciascuno con la pagina e il titolo sotto cui sta, per cercarvi.

Un brano sono le frasi sotto uno stesso titolo, o una voce del glossario; quelli lunghi si dividono. È la nostra prosa,
con le formule e il codice scritti alla lettera: restano fuori la traduzione dell’articolo, le glosse, le celle, le
tabelle, gli elenchi di soli collegamenti. Si scrive una volta in `code/attenzione/later/brani.json`, che è una
fotografia del libro: le domande che vi si fanno, e i conti, non cambiano quando una pagina cambia.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from attenzione.files import write_text
from attenzione.later.retrieval import PASSAGES
from attenzione.streams import as_command
from lettore.sorgente import ARGOMENTO, CODICE, FORMULA, FORMULA_A_BLOCCO, RUOLO, Pagina, Riga, leggi_libro

RADICE = Path(__file__).parents[2]
ESCLUSE = ("README.md", "chapters/index.md", "chapters/dopo/usare.md")
"""Chi non si cerca: due copertine, e la pagina che cerca, che contiene le domande."""
PAROLE = 120
"""Quante parole ha un brano, al più, salvo che una frase sola ne abbia di più."""
TITOLO = re.compile(r"#+\s+(.*)")
INUTILI = re.compile(r"^\([\w.:-]+\)=$|^\s*[-*]\s+\[[^\]]*\]\([^)]*\)\s*$|\||^[\s$]*$")
"""Etichette, voci di elenco che sono un collegamento e basta, righe di tabella, righe vuote o di soli dollari."""


def brani(pagina: Pagina) -> list[dict[str, str]]:
    """I brani di una pagina: dizionari con «pagina», «titolo», «testo»."""
    indirizzo = pagina.file.removeprefix("chapters/").removesuffix(".md")
    esito = []
    for titolo, frasi in _sotto_ogni_titolo(pagina):
        for testo in _pezzi(frasi):
            esito.append({"pagina": indirizzo, "titolo": titolo, "testo": testo})
    return esito


def _sotto_ogni_titolo(pagina: Pagina) -> Iterator[tuple[str, list[str]]]:
    titolo, frasi, sezione = "", [], ""
    for riga in pagina.righe:
        if riga.direttive[-1:] == ("voce",) and riga.genere in ("apertura", "chiusura"):
            yield titolo, frasi
            titolo, frasi = ARGOMENTO.search(riga.testo)[1] if riga.genere == "apertura" else sezione, []
        elif riga.genere == "prosa" and not riga.direttive and (trovato := TITOLO.match(riga.testo)):
            yield titolo, frasi
            titolo = sezione = pulita(trovato[1])
            frasi = []
        elif _si_legge(riga):
            frasi.append(pulita(riga.testo))
    yield titolo, frasi


def _si_legge(riga: Riga) -> bool:
    estranee = {"blocco", "glossa", "solo-en"}.intersection(riga.direttive)
    return riga.genere == "prosa" and not estranee and not INUTILI.search(riga.testo)


def _pezzi(frasi: list[str]) -> Iterator[str]:
    pezzo = []
    for frase in filter(None, frasi):
        if pezzo and len(" ".join([*pezzo, frase]).split()) > PAROLE:
            yield " ".join(pezzo)
            pezzo = []
        pezzo.append(frase)
    if pezzo:
        yield " ".join(pezzo)


def pulita(testo: str) -> str:
    """Una riga come si legge: senza i segni di Markdown, con formule e codice alla lettera, senza citazioni."""
    testo = RUOLO.sub(_mostrato, testo)
    testo = CODICE.sub(r"\2", testo)
    for modello in (FORMULA_A_BLOCCO, FORMULA):
        testo = modello.sub(r"\1", testo)
    testo = re.sub(r"\\d(k|v|ff|model)\b", r"d_\1", testo)
    testo = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", testo)
    testo = re.sub(r"^[\s>#*+-]*(?:\d+\.\s+)?|\*+|(?<!\w)_+|_+(?!\w)|[{}\\]", "", testo)
    return " ".join(testo.split())


def _mostrato(trovato: re.Match) -> str:
    return re.sub(r"\s*<[^<>]*>$", "", trovato[3]) if trovato[1] in ("term", "doc", "ref") else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lettore.brani", description="Il libro a brani, in un file JSON.")
    parser.add_argument("file", type=Path, nargs="?", default=PASSAGES)
    tutti = [brano for pagina in leggi_libro(RADICE) if pagina.file not in ESCLUSE for brano in brani(pagina)]
    righe = ",\n".join(json.dumps(brano, ensure_ascii=False) for brano in tutti)
    write_text(parser.parse_args().file, f"[\n{righe}\n]\n")
    print(f"{len(tutti)} brani")
    return 0


if __name__ == "__main__":
    sys.exit(as_command(main))
