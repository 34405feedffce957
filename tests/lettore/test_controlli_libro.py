"""Il libro passa i suoi controlli, e un guasto messo in una sua copia si trova."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lettore.controlli import RADICE, controlla_libro, controlla_pagina
from lettore.glossario import leggi_voci
from lettore.originale import carica
from lettore.sorgente import leggi_pagina


@pytest.fixture(scope="module")
def capitolo():
    return leggi_pagina(RADICE / "chapters/articolo/3-2-1-attenzione-a-prodotto-scalare-scalato.md", RADICE)


@pytest.fixture
def libretto(tmp_path):
    """Un libro di una pagina sola, in un deposito git."""
    for file in ("glossary.md", "_toc.yml"):
        shutil.copy(RADICE / file, tmp_path)
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "prova.md").write_text("# Prova\n\nL'encoder.\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def test_libro_pulito(radice_con_originale):
    segnalazioni = controlla_libro(RADICE, radice_con_originale and carica(radice_con_originale))
    assert segnalazioni == [], "\n".join(f"{s.file}:{s.riga}: {s.messaggio}" for s in segnalazioni)


def test_il_capitolo_e_pulito(capitolo):
    assert controlla_pagina(capitolo, leggi_voci()) == []


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
    ],
)
def test_un_guasto_nel_capitolo_si_trova_con_file_e_riga(capitolo, prima, dopo, atteso):
    assert prima in capitolo.testo, "il capitolo non contiene più il bersaglio: il guasto si mette altrove"
    guasto = replace(capitolo, testo=capitolo.testo.replace(prima, dopo))
    trovate = [s for s in controlla_pagina(guasto, leggi_voci()) if atteso in s.messaggio]
    assert trovate and {s.file for s in trovate} == {capitolo.file} and all(s.riga > 0 for s in trovate)


def test_una_frase_degli_autori_si_trova_in_qualunque_file(libretto, originale):
    frase = originale["blocchi"]["s7-p1"]["myst"]
    (libretto / "appunti.py").write_text(f'"""{frase}"""\n', encoding="utf-8")
    (trovata, *_) = [s for s in controlla_libro(libretto, originale) if s.file == "appunti.py"]
    assert trovata.riga == 1 and "degli autori" in trovata.messaggio


def test_il_comando_scrive_i_difetti_ed_esce_con_1(libretto, monkeypatch, capsys):
    from lettore.controlli import __main__ as comando

    monkeypatch.setattr(comando, "controlla_libro", lambda: controlla_libro(libretto))
    assert comando.main() == 1
    assert "chapters/prova.md:3: apostrofo dritto" in capsys.readouterr().out


def test_il_comando_si_esegue_come_modulo():
    esito = subprocess.run(
        [sys.executable, "-m", "lettore.controlli"], capture_output=True, text=True, cwd=Path(__file__).parent
    )
    assert esito.returncode in (0, 1) and "Difetti:" in esito.stderr
