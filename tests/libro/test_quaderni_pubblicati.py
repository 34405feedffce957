"""I quaderni del ramo «notebooks»: gli stessi delle pagine, dove i bottoni li cercano, con che cosa li fa girare."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from fabbrica import DEPOSITO, RADICE, costruisci, una_volta
from IPython.core.inputtransformer2 import TransformerManager

from lettore.ambiente import Ambiente, ErroreAmbiente, leggi_ambiente
from lettore.uscite import quaderni
from lettore.uscite.quaderni.capitolo import celle_di_apertura
from lettore.uscite.quaderni.indirizzi import indirizzi_di_lancio, nome_nel_ramo
from lettore.uscite.quaderni.ramo import LICENZE

CAPITOLI = [
    file.relative_to(RADICE).with_suffix("").as_posix()
    for file in sorted((RADICE / "chapters").rglob("*.md"))
    if "kernelspec:" in file.read_text("utf-8")
]
ATTENZIONE = "chapters/articolo/3-2-1-attenzione-a-prodotto-scalare-scalato"
LANCI = {
    "Colab": "https://colab.research.google.com/github/esempio/libro/blob/notebooks/"
    "articolo/3-2-1-attenzione-a-prodotto-scalare-scalato.ipynb",
    "Binder": "https://mybinder.org/v2/gh/esempio/libro/notebooks?urlpath=lab/tree/"
    "articolo/3-2-1-attenzione-a-prodotto-scalare-scalato.ipynb",
}


@pytest.fixture(scope="module")
def ramo(comune, sorgenti) -> Path:
    """Ciò che «make quaderni» scrive quando si pubblica."""

    def scrivili(dove: Path) -> None:
        costruisci(sorgenti, dove, Ambiente(originale="no", deposito=DEPOSITO), quaderni.USCITA)

    return una_volta(comune, "ramo", scrivili) / "_build/quaderni"


def test_sono_quelli_delle_pagine(ramo, senza):
    """Non eseguire le celle non cambia un byte; le uscite non ci sono in ogni caso."""
    scritti = {f.relative_to(ramo).as_posix(): f.read_bytes() for f in ramo.rglob("*.ipynb")}
    assert scritti == {nome_nel_ramo(c): (senza.html / "_sources" / f"{c}.ipynb").read_bytes() for c in CAPITOLI}


def test_accanto_ci_sono_indice_licenze_e_binder_e_null_altro(ramo):
    altri = {f.relative_to(ramo).as_posix() for f in ramo.rglob("*") if f.is_file() and f.suffix != ".ipynb"}
    binder = {"binder/requirements.txt", "binder/runtime.txt", "requirements.lock"}
    assert altri == {"README.md", *LICENZE} | binder


def test_l_indice_li_elenca_tutti_una_volta(ramo):
    elenco = (ramo / "README.md").read_text("utf-8")
    nel_testo = re.findall(r"\]\(([\w/-]+\.ipynb)\)", elenco)
    assert sorted(nel_testo) == sorted(nome_nel_ramo(c) for c in CAPITOLI)
    assert all(url in elenco for url in LANCI.values())


def test_binder_prende_il_pacchetto_dal_deposito(ramo):
    richieste = (ramo / "binder/requirements.txt").read_text("utf-8").splitlines()
    assert f"attenzione[valutazione] @ git+{DEPOSITO}" in richieste and ".[valutazione]" not in richieste
    (vincoli,) = (r.removeprefix("-c ") for r in richieste if r.startswith("-c "))
    assert (ramo / "binder" / vincoli).resolve() == (ramo / "requirements.lock").resolve()


def bottoni(libro, capitolo) -> dict[str, str]:
    voci = libro.pagine[f"{capitolo}.html"].select(".dropdown-launch-buttons a")
    return {v.get_text(strip=True): v["href"] for v in voci}


@pytest.mark.parametrize("capitolo", CAPITOLI)
def test_i_bottoni_portano_al_quaderno(senza, ramo, capitolo):
    trovati = bottoni(senza, capitolo)
    assert trovati == indirizzi_di_lancio(capitolo, DEPOSITO) and len(trovati) == 2
    for url in trovati.values():
        assert (ramo / re.split(r"/blob/notebooks/|/lab/tree/|=lab/tree/", url)[1]).is_file()


def test_gli_indirizzi_sono_proprio_questi(senza):
    assert bottoni(senza, ATTENZIONE) == LANCI


def test_senza_deposito_nessun_bottone(con):
    assert not any(p.select(".dropdown-launch-buttons") for p in con.pagine.values())


@pytest.mark.parametrize("deposito", ["https://github.com/esempio/libro.git", "https://github.com/esempio/libro/"])
def test_lo_stesso_deposito_scritto_altrimenti(deposito):
    assert indirizzi_di_lancio(ATTENZIONE, leggi_ambiente({"DEPOSITO": deposito}).deposito) == LANCI


def test_fuori_da_github_niente_bottoni():
    assert indirizzi_di_lancio(ATTENZIONE, "https://esempio.it/libro") == {}


def test_un_deposito_che_non_e_un_indirizzo():
    with pytest.raises(ErroreAmbiente, match="DEPOSITO vale"):
        Ambiente(deposito='https://esempio.it/"; rm')


# ---------------------------------------------------------------- la prima cella


def esegui_prima_cella(monkeypatch, deposito: str) -> list[tuple[str, str]]:
    """La esegue come se ``attenzione`` mancasse; rende i comandi dati a IPython."""
    monkeypatch.setattr("importlib.util.find_spec", lambda nome: None)
    cella = celle_di_apertura(True, deposito)[1].source
    assert len(cella.splitlines()) <= 6
    comandi: list[tuple[str, str]] = []

    class Falso:
        def run_line_magic(self, nome, riga):
            comandi.append((nome, riga))

    exec(TransformerManager().transform_cell(cella), {"get_ipython": Falso})
    return comandi


def test_se_manca_il_pacchetto_si_installa_e_lo_si_dice(monkeypatch, capsys):
    comandi = esegui_prima_cella(monkeypatch, DEPOSITO)
    assert comandi == [("pip", f'install --quiet "attenzione[valutazione] @ git+{DEPOSITO}"')]
    assert "Manca il pacchetto attenzione" in capsys.readouterr().out


def test_se_manca_il_pacchetto_e_il_deposito_si_spiega(monkeypatch):
    with pytest.raises(ModuleNotFoundError, match=r"pip install '\.\[valutazione\]'"):
        esegui_prima_cella(monkeypatch, "")


@pytest.mark.parametrize("deposito", ["", DEPOSITO])
def test_dove_il_pacchetto_c_e_non_fa_nulla(capsys, deposito):
    exec(TransformerManager().transform_cell(celle_di_apertura(True, deposito)[1].source), {})
    assert capsys.readouterr() == ("", "")


def moduli(file: Path) -> set[str]:
    """I moduli che le celle di un quaderno importano."""
    celle = [c.source for c in nbformat.read(file, as_version=4).cells if c.cell_type == "code"]
    alberi = [n for c in celle for n in ast.walk(ast.parse(TransformerManager().transform_cell(c)))]
    interi = {a.name for n in alberi if isinstance(n, ast.Import) for a in n.names}
    return {m.split(".")[0] for m in interi | {n.module for n in alberi if isinstance(n, ast.ImportFrom)}}


def test_cio_che_si_installa_basta(ramo):
    """I quaderni importano soltanto il pacchetto, ciò che esso porta con sé e ciò che c’è sempre."""
    progetto = tomllib.loads((RADICE / "pyproject.toml").read_text("utf-8"))["project"]
    richieste = progetto["dependencies"] + progetto["optional-dependencies"]["valutazione"]
    portati = {re.match(r"[\w-]+", r)[0].replace("pyyaml", "yaml") for r in richieste}
    usati = set().union(*(moduli(f) for f in ramo.rglob("*.ipynb")))
    assert {"torch", "attenzione", "sacrebleu"} <= usati
    assert usati - set(sys.stdlib_module_names) - portati <= {"attenzione", "IPython"}
