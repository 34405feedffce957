"""Rifare il libro dopo una modifica dà, byte per byte, ciò che darebbe farlo da capo; e non rifà il resto."""

import filecmp
import re
from pathlib import Path

import pytest
from test_guasti import prepara, prova

from lettore import costruzione
from lettore.ambiente import Ambiente

SEZIONI = ("1", "3.2", "3.4", "5", "7")


@pytest.fixture
def radice(tmp_path) -> Path:
    return prepara(tmp_path / "libro", {f"capitolo-{sezione}": prova(sezione) for sezione in SEZIONI})


def costruisci(radice: Path, dove: str) -> Path:
    """La cartella delle pagine; ``dove`` ne distingue due costruzioni degli stessi sorgenti."""
    uscita = radice.with_name(dove)
    assert costruzione.costruisci(Ambiente(originale="no"), radice=radice, dove=uscita) == 0
    return uscita / "_build/html"


def diversi(una: Path, altra: Path) -> list[str]:
    nomi = {f.relative_to(cartella).as_posix() for cartella in (una, altra) for f in cartella.rglob("*") if f.is_file()}
    return sorted(filecmp.cmpfiles(una, altra, nomi, shallow=False)[1] + filecmp.cmpfiles(una, altra, nomi)[2])


MODIFICHE = {
    "una frase": ("capitolo-1.md", "una formula, $x^2$", "un’altra formula, $x^3$"),
    "un titolo": ("capitolo-7.md", "# 7 Prova", "# 7 Prova nuova"),
    "l’inglese di un termine": ("glossario.md", ":en: word", ":en: spoken word"),
}


@pytest.mark.parametrize("modifica", MODIFICHE)
def test_rifare_e_come_fare_da_capo(radice, modifica):
    nome, prima, dopo = MODIFICHE[modifica]
    html = costruisci(radice, "rifatto")
    file = radice / nome
    assert prima in file.read_text("utf-8")
    file.write_text(file.read_text("utf-8").replace(prima, dopo), "utf-8")
    assert diversi(costruisci(radice, "rifatto"), costruisci(radice, "da-capo")) == []
    assert re.search("nuova|x<|x</|spoken", (html / f"{file.stem}.html").read_text("utf-8"))


def test_una_frase_cambiata_non_rifa_le_altre_pagine(radice):
    html = costruisci(radice, "rifatto")
    prima = {file.name: file.stat().st_mtime_ns for file in html.glob("capitolo-*.html")}
    capitolo = radice / "capitolo-1.md"
    capitolo.write_text(capitolo.read_text("utf-8").replace("una formula", "un’altra formula"), "utf-8")
    costruisci(radice, "rifatto")
    dopo = {file.name: file.stat().st_mtime_ns for file in html.glob("capitolo-*.html")}
    assert {nome for nome in prima if dopo[nome] != prima[nome]} == {"capitolo-1.html"}


def test_dopo_un_guasto_si_rifa_tutto(radice):
    """Sphinx non ripete gli avvisi delle pagine già lette: senza ricominciare, la seconda volta passerebbe."""
    capitolo = radice / "capitolo-1.md"
    sano = capitolo.read_text("utf-8")
    capitolo.write_text(sano.replace("{term}`parola`", "{term}`pappardella`", 1), "utf-8")
    for _ in range(2):
        uscita = radice.with_name("guasto")
        assert costruzione.costruisci(Ambiente(originale="no"), radice=radice, dove=uscita) != 0
    capitolo.write_text(sano, "utf-8")
    assert costruzione.costruisci(Ambiente(originale="no"), radice=radice, dove=uscita) == 0
