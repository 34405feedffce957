"""Le regole della casa che valgono per ogni sorgente: forma, dipendenze dichiarate, annotazioni."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

RADICE = Path(__file__).parents[1]
STANZE = {"attenzione": "code/attenzione", "lettore": "code/lettore", "prove": "tests"}
DA_SPHINX = {"self", "cls", "app", "env", "config", "nodo", "doctree", "docname", "builder", "node", "typ"}
DA_SPHINX |= {"outfilename", "event_arg"}
"""Gli argomenti che danno Python, Sphinx e docutils: di che tipo sono lo dicono loro."""


def sorgenti(cartella: str) -> dict[str, ast.Module]:
    file = sorted((RADICE / cartella).rglob("*.py"))
    return {f.relative_to(RADICE).as_posix(): ast.parse(f.read_text("utf-8")) for f in file}


@pytest.mark.parametrize("comando", [["check"], ["format", "--check"]], ids=["ruff", "forma"])
def test_ruff_non_ha_nulla_da_dire(comando):
    fatto = subprocess.run([sys.executable, "-m", "ruff", *comando, RADICE], capture_output=True, text=True)
    assert fatto.returncode == 0, fatto.stdout


def importati(albero: ast.Module) -> set[str]:
    """I pacchetti che un sorgente importa, anche dentro le funzioni, oltre alla libreria di Python."""
    nomi = set()
    for nodo in ast.walk(albero):
        if isinstance(nodo, ast.Import):
            nomi |= {nome.name.split(".")[0] for nome in nodo.names}
        elif isinstance(nodo, ast.ImportFrom) and nodo.level == 0:
            nomi.add(nodo.module.split(".")[0])
    return nomi - set(sys.stdlib_module_names)


def nudo(richiesta: str) -> str:
    """Il nome di un pacchetto come lo scrive pyproject: «PyYAML>=6» → «pyyaml»."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", richiesta)[0]).lower()


@pytest.mark.parametrize("stanza", STANZE)
def test_ogni_pacchetto_importato_e_dichiarato(stanza):
    progetto = tomllib.loads((RADICE / "pyproject.toml").read_text("utf-8"))["project"]
    scelte = progetto["optional-dependencies"]
    ammesse = {
        "attenzione": ("valutazione", "benchmark"),
        "lettore": ("libro",),
        "prove": ("libro", "prove"),
    }[stanza]
    dichiarati = {nudo(r) for r in progetto["dependencies"]} | {nudo(r) for s in ammesse for r in scelte[s]}
    nostri = {"attenzione", "lettore"} | {f.stem for f in (RADICE / "tests").rglob("*.py")}
    dove = packages_distributions()
    mancano = {}
    for file, albero in sorgenti(STANZE[stanza]).items():
        for nome in importati(albero) - nostri:
            distribuzioni = {nudo(d) for d in dove.get(nome, [nome])}
            if not distribuzioni & dichiarati:
                mancano.setdefault(nome, file)
    assert mancano == {}


def argomenti(albero: ast.Module):
    """Ogni argomento di ogni funzione: (riga, argomento, se è di una funzione che chiama Sphinx, con ``app``)."""
    for nodo in ast.walk(albero):
        if isinstance(nodo, ast.FunctionDef | ast.AsyncFunctionDef):
            tutti = [*nodo.args.posonlyargs, *nodo.args.args, *nodo.args.kwonlyargs]
            di_sphinx = any(arg.arg == "app" for arg in tutti[:2])
            yield from ((nodo.lineno, arg, di_sphinx) for arg in tutti)


def test_in_attenzione_gli_argomenti_non_hanno_annotazioni():
    """Le forme, che un tipo non sa dire, le dice la docstring."""
    annotati = [
        f"{file}:{riga}: {arg.arg}"
        for file, albero in sorgenti("code/attenzione").items()
        for riga, arg, _ in argomenti(albero)
        if arg.annotation
    ]
    assert annotati == []


def test_in_lettore_ogni_argomento_ha_la_sua_annotazione():
    nudi = [
        f"{file}:{riga}: {arg.arg}"
        for file, albero in sorgenti("code/lettore").items()
        for riga, arg, di_sphinx in argomenti(albero)
        if not arg.annotation and arg.arg not in DA_SPHINX and not di_sphinx
    ]
    assert nudi == []


def test_i_file_di_prova_hanno_nomi_diversi():
    """Le cartelle di prova non sono pacchetti: due file di ugual nome, in una corsa sola, non si raccolgono."""
    nomi = Counter(file.name for file in (RADICE / "tests").rglob("test_*.py"))
    assert {nome: quante for nome, quante in nomi.items() if quante > 1} == {}
