"""Le stanze di `lettore`: gli import scendono soltanto, e ogni modulo si importa da solo."""

import ast
import graphlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

CODICE = Path(__file__).resolve().parents[2] / "code"
PIANI = [
    {"sorgente", "inventario", "notazione", "glossario", "affermazioni", "ambiente", "inglese"},
    {"originale", "frasi"},
    {"controlli", "pezzi"},
    {"uscite"},
]
"""Le stanze di ogni piano, dal basso; le altre (la costruzione, l’estensione, i comandi) stanno in cima."""

LEGGERE = {*PIANI[0], "originale", "controlli", "lancio"}
PESANTI = {"torch", "sphinx", "nbformat", "pypandoc"}
"""Pacchetti che le stanze leggere non caricano."""


def nome(file: Path) -> str:
    parti = file.relative_to(CODICE).with_suffix("").parts
    return ".".join(parti[:-1] if parti[-1] == "__init__" else parti)


FILE = {nome(file): file for file in sorted((CODICE / "lettore").rglob("*.py"))}


def stanza(modulo: str) -> str:
    return f"{modulo}.".split(".")[1]


def piano(modulo: str) -> int:
    return next((i for i, stanze in enumerate(PIANI) if stanza(modulo) in stanze), len(PIANI))


def importati(modulo: str, sorgente: str, file: Path) -> list[tuple[int, str]]:
    """(riga, modulo) di ogni import, anche dentro le funzioni; di `from x import y` il modulo y, se lo è."""
    esito = []
    pacchetto = modulo if file.name == "__init__.py" else modulo.rpartition(".")[0]
    for nodo in ast.walk(ast.parse(sorgente)):
        if isinstance(nodo, ast.Import):
            esito += [(nodo.lineno, alias.name) for alias in nodo.names]
        elif isinstance(nodo, ast.ImportFrom):
            sopra = pacchetto.split(".")[: pacchetto.count(".") + 2 - nodo.level] if nodo.level else []
            da = ".".join([*sopra, *filter(None, [nodo.module])])
            interi = [f"{da}.{alias.name}" for alias in nodo.names]
            esito += [(nodo.lineno, intero if intero in FILE else da) for intero in interi]
    return esito


FRECCE = {modulo: importati(modulo, file.read_text("utf-8"), file) for modulo, file in FILE.items()}


def che_salgono(frecce: dict[str, list[tuple[int, str]]]) -> list[str]:
    return [
        f"{FILE[da].relative_to(CODICE.parent)}:{riga}: {da} importa {a}, che sta più in alto"
        for da, sue in frecce.items()
        for riga, a in sue
        if a.startswith("lettore.") and da != "lettore" and piano(a) > piano(da)
    ]


def test_nessun_import_sale():
    assert che_salgono(FRECCE) == []


def test_una_freccia_che_sale_si_dice_con_file_e_riga():
    file = FILE["lettore.glossario"]
    for scritto in ("from lettore.controlli import termini", "from .controlli.termini import modello"):
        frecce = importati("lettore.glossario", f"import re\n\n\ndef f():\n    {scritto}\n", file)
        (errore,) = che_salgono({"lettore.glossario": frecce})
        assert errore.startswith("code/lettore/glossario.py:5: ") and "lettore.controlli.termini" in errore


def test_nessun_import_in_tondo():
    nostre = {modulo: {a for _, a in sue if a in FILE} for modulo, sue in FRECCE.items()}
    try:
        graphlib.TopologicalSorter(nostre).prepare()
    except graphlib.CycleError as errore:
        pytest.fail(" → ".join(errore.args[1]))


# ---------------------------------------------------------------- ognuno da solo

PROVA = """
import importlib, sys

moduli, vietati = (argomento.split() for argomento in sys.argv[1:])
for modulo in moduli:
    for nostro in [nome for nome in sys.modules if nome.partition(".")[0] == "lettore"]:
        del sys.modules[nostro]
    try:
        importlib.import_module(modulo)
    except Exception as errore:
        print(f"{modulo}: {errore!r}")
    if caricati := sorted(set(vietati) & sys.modules.keys()):
        sys.exit(f"{modulo} carica {', '.join(caricati)}")
"""


def importa_da_soli(moduli: list[str], vietati: set[str]) -> str:
    """Ciò che va storto importando i moduli in un processo nuovo, ciascuno senza gli altri di `lettore`.

    I pacchetti altrui restano caricati da uno all’altro; al primo che ne carica uno vietato ci si ferma.
    """
    comando = [sys.executable, "-c", PROVA, " ".join(moduli), " ".join(vietati)]
    ambiente = os.environ | {"PYTHONPATH": str(CODICE), "OMP_NUM_THREADS": "1"}
    esito = subprocess.run(comando, capture_output=True, text=True, env=ambiente, timeout=120)
    return esito.stdout + (esito.stderr if esito.returncode else "")


def test_ogni_modulo_si_importa_da_solo():
    assert importa_da_soli(list(FILE), set()) == ""


def test_le_stanze_leggere_non_caricano_pacchetti_pesanti():
    assert importa_da_soli([modulo for modulo in FILE if stanza(modulo) in LEGGERE], PESANTI) == ""


def test_un_modulo_guasto_o_pesante_si_trova():
    assert "lettore.non_esiste: ModuleNotFoundError" in importa_da_soli(["lettore.non_esiste"], set())
    assert importa_da_soli(["lettore.sorgente"], {"markdown_it"}) == "lettore.sorgente carica markdown_it\n"
