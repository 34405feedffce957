"""I capitoli eseguiti fianco a fianco: le stesse uscite, in ogni ordine; un errore dice dove; il fatto non si rifà."""

from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from sphinx.errors import ExtensionError

from lettore.esecuzione import Capitolo, Progresso, esegui


def capitolo(cartella: Path, nome: str, *celle: str, secondi: int = 1) -> Capitolo:
    quaderno = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cella) for cella in celle])
    quaderno.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    file = cartella / f"{nome}.md"
    file.touch()
    return Capitolo(file, quaderno, secondi)


def uscite(memoria: Path, capitolo: Capitolo) -> list[str]:
    """Ciò che le celle di un capitolo hanno scritto, dalla memoria."""
    _, eseguito = get_cache(memoria).merge_match_into_notebook(capitolo.quaderno)
    return ["".join(uscita.text for uscita in cella.outputs) for cella in eseguito.cells]


@pytest.fixture(scope="module")
def cartella(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("capitoli")


def test_insieme_o_uno_per_volta_le_stesse_uscite(cartella):
    capitoli = [capitolo(cartella, f"c{n}", f"x = {n}", "print(x * x)") for n in range(3)]
    for insieme in (1, 3):
        memoria = cartella / f"memoria-{insieme}"
        esegui(capitoli, memoria, 60, insieme)
        assert [uscite(memoria, uno) for uno in capitoli] == [["", "0\n"], ["", "1\n"], ["", "4\n"]]


def test_comincia_il_piu_lungo_nella_cartella_del_capitolo(cartella):
    scrive = "import os; print(len(os.listdir('segni'))); open(f'segni/{0}', 'w').close()"
    (cartella / "segni").mkdir()
    svelto = capitolo(cartella, "svelto", scrive.replace("{0}", "svelto"), secondi=1)
    lungo = capitolo(cartella, "lungo", scrive.replace("{0}", "lungo"), secondi=9)
    esegui([svelto, lungo], cartella / "memoria-ordine", 60, insieme=1)
    assert uscite(cartella / "memoria-ordine", lungo) == ["0\n"]
    assert uscite(cartella / "memoria-ordine", svelto) == ["1\n"]


def test_una_riga_arrivata_in_due_pezzi_resta_una(cartella):
    """Su una macchina carica il kernel spedisce quando può, anche a metà di una riga."""
    cella = "import time; print('uno', end='', flush=True); time.sleep(0.5); print(' due')"
    lento = capitolo(cartella, "lento", cella)
    esegui([lento], cartella / "memoria-lenta", 60, insieme=1)
    _, eseguito = get_cache(cartella / "memoria-lenta").merge_match_into_notebook(lento.quaderno)
    assert [uscita.text for uscita in eseguito.cells[0].outputs] == ["uno due\n"]


def test_una_cella_che_cade_dice_dove_e_gli_altri_finiscono(cartella):
    sano, guasto = capitolo(cartella, "sano", "print('sano')"), capitolo(cartella, "guasto", "y = 3", "y / 0")
    with pytest.raises(ExtensionError, match=r"guasto\.md: .*(?s:.)*y / 0(?s:.)*ZeroDivisionError"):
        esegui([guasto, sano], cartella / "memoria-guasta", 60, insieme=2)
    assert uscite(cartella / "memoria-guasta", sano) == ["sano\n"]
    with pytest.raises(KeyError):
        uscite(cartella / "memoria-guasta", guasto)


def test_il_progresso_dice_che_cosa_si_esegue_e_quanto_manca(capsys):
    progresso = Progresso(3)
    progresso.scrivi(["microlingua", "giochi"])
    progresso.finito()
    progresso.finito()
    progresso.scrivi(["token"])
    progresso.finito()
    progresso.chiudi()
    righe = capsys.readouterr().err.splitlines()
    assert righe[0] == "Capitoli eseguiti: 0 su 3, ne restano 3; ora microlingua, giochi"
    assert righe[1] == "Capitoli eseguiti: 2 su 3, ne resta 1; ora token"
    assert righe[2].startswith("Capitoli eseguiti: 3, in ")
