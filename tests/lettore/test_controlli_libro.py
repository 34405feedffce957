"""Il libro passa i suoi controlli, e un guasto messo in una sua copia si trova."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lettore.controlli import RADICE, controlla_libro
from lettore.originale import carica, importa

ARCHIVIO = RADICE.parent / "shared" / "originale" / "1706.03762v7.tar.gz"


@pytest.fixture(scope="module")
def originale(tmp_path_factory):
    """Le parole degli autori, da `_originale/` o dall’archivio; None se non ci sono."""
    if dati := carica(RADICE):
        return dati
    return importa(str(ARCHIVIO), tmp_path_factory.mktemp("originale")) if ARCHIVIO.exists() else None


@pytest.fixture
def copia(tmp_path):
    """Una copia delle pagine del libro in un deposito git vuoto."""
    shutil.copytree(RADICE / "chapters", tmp_path / "chapters", ignore=shutil.ignore_patterns(".*"))
    for file in ("glossary.md", "_toc.yml"):
        shutil.copy(RADICE / file, tmp_path)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def test_libro_pulito(originale):
    segnalazioni = controlla_libro(RADICE, originale)
    assert segnalazioni == [], "\n".join(f"{s.file}:{s.riga}: {s.messaggio}" for s in segnalazioni)


@pytest.mark.parametrize(
    ("prima", "dopo", "atteso"),
    [
        ("Prendiamo un token", "Prendiamo un gettone", "variante scartata"),
        ("l’", "l'", "apostrofo dritto"),
        ("$\\dk$", "$d_{attn}$", "grafia che il libro non usa"),
        ("{rif}`fig2`", "2", "manca rimando fig2"),
        (":tempo:", ":durata:", "manca la riga del tempo"),
        ("    alt:", "    altro:", "senza «alt:»"),
        (":verdetto: dimostrata", ":verdetto: creduta", "verdetto «creduta» ignoto"),
        ("{cite}`bahdanau2014neural`", "", "manca citazione"),
        ("{term}`retropropagazione`", "retropropagazione", "«retropropagazione» arriva senza presentazione"),
    ],
)
def test_un_guasto_nel_capitolo_si_trova_con_file_e_riga(copia, prima, dopo, atteso):
    capitolo = copia / "chapters" / "articolo" / "3-2-1-attenzione-a-prodotto-scalare-scalato.md"
    testo = capitolo.read_text(encoding="utf-8")
    if prima not in testo:
        pytest.skip(f"il capitolo non contiene più «{prima}»")
    capitolo.write_text(testo.replace(prima, dopo), encoding="utf-8")
    trovate = [s for s in controlla_libro(copia) if atteso in s.messaggio]
    assert trovate and trovate[0].file == str(capitolo.relative_to(copia)) and trovate[0].riga > 0


def test_una_frase_degli_autori_si_trova_in_qualunque_file(copia, originale):
    if originale is None:
        pytest.skip("manca l’originale")
    frase = originale["blocchi"]["s7-p1"]["myst"]
    (copia / "appunti.py").write_text(f'"""{frase}"""\n', encoding="utf-8")
    (trovata, *_) = [s for s in controlla_libro(copia, originale) if s.file == "appunti.py"]
    assert trovata.riga == 1 and "degli autori" in trovata.messaggio


def test_il_comando_scrive_i_difetti_ed_esce_con_1(copia, monkeypatch, capsys):
    from lettore.controlli import __main__ as comando

    (copia / "chapters" / "prova.md").write_text("# Prova\n\nL'encoder.\n", encoding="utf-8")
    monkeypatch.setattr(comando, "controlla_libro", lambda: controlla_libro(copia))
    assert comando.main() == 1
    assert "chapters/prova.md:3: apostrofo dritto" in capsys.readouterr().out


def test_il_comando_si_esegue_come_modulo():
    esito = subprocess.run(
        [sys.executable, "-m", "lettore.controlli"], capture_output=True, text=True, cwd=Path(__file__).parent
    )
    assert esito.returncode in (0, 1) and "Difetti:" in esito.stderr
