"""I comandi e i file nominati nei README esistono, e i due README dicono le stesse cose."""

import re
import subprocess
from pathlib import Path

import pytest

RADICE = Path(__file__).parents[1]
LETTI = {nome: (RADICE / nome).read_text("utf8") for nome in ("README.md", "README.en.md")}
BERSAGLI = set(re.findall(r"^([a-z-]+):", (RADICE / "Makefile").read_text("utf8"), re.M))


def comandi(testo):
    """I comandi ``make …`` nell’ordine, nei blocchi e nel testo."""
    return re.findall(r"\bmake [a-z-]+(?: [A-Z]+=[^\s`]+)?", testo)


def test_stessi_comandi_nelle_due_lingue():
    assert comandi(LETTI["README.md"]) == comandi(LETTI["README.en.md"])
    blocchi = [re.findall(r"```sh\n(.*?)```", testo, re.S) for testo in LETTI.values()]
    assert blocchi[0] == blocchi[1]


@pytest.mark.parametrize("nome", LETTI)
def test_ogni_comando_esiste(nome):
    citati = {c.split()[1] for c in comandi(LETTI[nome])}
    assert {"libro", "test", "notebook", "pdf", "servi"} <= citati <= BERSAGLI


@pytest.mark.parametrize("nome", LETTI)
def test_ogni_file_esiste(nome):
    citati = re.findall(r"\]\(([^)#]+)\)", LETTI[nome]) + re.findall(r"`([\w./-]+(?:/|\.\w+))`", LETTI[nome])
    for file in citati:
        if not file.startswith(("http", "_build", ".venv", ".ipynb")):
            assert (RADICE / file).exists(), file


def test_aiuto_elenca_ogni_comando():
    uscita = subprocess.run(["make", "aiuto"], cwd=RADICE, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make (\S+)", uscita, re.M)) == BERSAGLI


def test_le_variabili_di_make_addestra_arrivano_intere(tmp_path):
    """Anche con spazi, apici e virgolette; al posto di Python uno script che scrive gli argomenti che riceve."""
    finto = tmp_path / "finto"
    finto.write_text("#!/bin/bash\nprintf '%s\\n' \"$@\"\n")
    finto.chmod(0o755)
    comando = ["make", "-s", "-o", "ambiente", "addestra", f"PY={finto}"]
    for date, argomenti in (
        ({}, ["--ricetta", "modelli/europarl-en-it/ricetta.yml"]),
        ({"DATI": "a b"}, ["--ricetta", "modelli/europarl-en-it/ricetta.yml", "--dati", "a b"]),
        (
            {"RICETTA": "la mia.yml", "DATI": 'l\'altra "cartella"; echo', "VARIANTE": "una testa"},
            ["--ricetta", "la mia.yml", "--dati", 'l\'altra "cartella"; echo', "--variante", "una testa"],
        ),
    ):
        variabili = [f"{nome}={valore}" for nome, valore in date.items()]
        fatto = subprocess.run([*comando, *variabili], cwd=RADICE, capture_output=True, text=True, check=True)
        assert fatto.stdout.splitlines() == ["-m", "attenzione", "addestra", *argomenti]


def test_la_prova_continua_lancia_il_comando_del_readme():
    assert (RADICE / ".ci" / "run").read_text().rstrip().endswith("make test")


def test_versioni_bloccate():
    """Ogni pacchetto che pyproject chiede sta nel file delle versioni, una volta sola e con la sua versione."""
    import tomllib

    progetto = tomllib.loads((RADICE / "pyproject.toml").read_text("utf8"))["project"]
    chiesti = progetto["dependencies"] + [p for e in ("libro", "prove") for p in progetto["optional-dependencies"][e]]
    righe = (RADICE / "requirements.lock").read_text().split()
    bloccati = [re.sub(r"[-_.]+", "-", r.split("==")[0]).lower() for r in righe]
    assert len(bloccati) == len(set(bloccati)) and all("==" in r and "+" not in r for r in righe)
    for pacchetto in chiesti:
        assert re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", pacchetto)[0]).lower() in bloccati, pacchetto


def test_nessun_file_generato_nel_deposito():
    file = subprocess.run(["git", "ls-files"], cwd=RADICE, capture_output=True, text=True, check=True).stdout.split()
    vietati = ("build/", "_build/", "_originale/", "node_modules/", ".venv/")
    assert not [f for f in file if f.startswith(vietati) or f.endswith((".ipynb", ".pyc", ".pdf"))]
