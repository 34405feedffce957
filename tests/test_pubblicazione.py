"""I file di GitHub Actions e di Binder: si leggono, e ciò che nominano esiste."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

RADICE = Path(__file__).parents[1]
FILE = sorted((RADICE / ".github/workflows").glob("*.yml"))
BERSAGLI = set(re.findall(r"^([a-z-]+):", (RADICE / "Makefile").read_text("utf-8"), re.M))


def lavori(file: Path) -> dict:
    return yaml.safe_load(file.read_text("utf-8"))["jobs"]


def passi(file: Path) -> list[dict]:
    return [passo for lavoro in lavori(file).values() for passo in lavoro.get("steps", [])]


def test_ci_sono_tutti():
    assert [f.stem for f in FILE] == ["mensile", "prove", "pubblica"]


@pytest.mark.parametrize("file", FILE, ids=lambda f: f.stem)
def test_ogni_azione_e_ufficiale_e_ha_una_versione(file):
    usate = [x["uses"] for x in [*lavori(file).values(), *passi(file)] if "uses" in x]
    for azione in usate:
        if azione.startswith("./"):
            assert (RADICE / azione).is_file(), azione
        else:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", azione), azione


@pytest.mark.parametrize("file", FILE, ids=lambda f: f.stem)
def test_ogni_comando_esiste(file):
    comandi = "\n".join(passo.get("run", "") for passo in passi(file))
    assert set(re.findall(r"\bmake ([a-z-]+)", comandi)) <= BERSAGLI
    for eseguibile in re.findall(r"^\.\S+", comandi, re.M):
        assert (RADICE / eseguibile).stat().st_mode & 0o100, eseguibile


@pytest.mark.parametrize("file", FILE, ids=lambda f: f.stem)
def test_i_comandi_sono_shell_corretta(file):
    for passo in passi(file):
        if "run" in passo:
            testo = re.sub(r"\$\{\{.*?\}\}", "valore", passo["run"])
            subprocess.run(["bash", "-n", "-c", testo], check=True)


@pytest.mark.parametrize("file", FILE, ids=lambda f: f.stem)
def test_i_permessi_sono_i_minimi(file):
    """Tutto legge soltanto; scrive chi deve, e mai un lavoro che esegue i pacchetti installati."""
    assert yaml.safe_load(file.read_text("utf-8"))["permissions"] == {"contents": "read"}
    for nome, lavoro in lavori(file).items():
        if "write" in lavoro.get("permissions", {}).values():
            assert not re.search(r"\bmake |\.ci/run", str(lavoro["steps"])), nome


def test_si_pubblica_senza_l_inglese_degli_autori():
    costruisci = lavori(RADICE / ".github/workflows/pubblica.yml")["costruisci"]
    assert str(costruisci["env"]["PUBBLICO"]) == "1"
    assert not any("ORIGINALE" in str(passo) for passo in costruisci["steps"])


def test_binder_dal_deposito():
    richieste = (RADICE / "binder/requirements.txt").read_text("utf-8").splitlines()
    assert ".[valutazione]" in richieste
    (vincoli,) = (RADICE / "binder" / r.removeprefix("-c ") for r in richieste if r.startswith("-c "))
    assert vincoli.resolve() == RADICE / "requirements.lock"
    versione = (RADICE / "binder/runtime.txt").read_text().strip()
    assert re.fullmatch(r"python-3\.\d+", versione)
