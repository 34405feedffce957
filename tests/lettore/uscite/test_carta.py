"""Le edizioni di carta: quale si sceglie, che cosa si chiede a LaTeX, che cosa si legge nel suo diario."""

import pytest
from sphinx.util import texescape

from lettore.costruzione import RADICE, main
from lettore.notazione import leggi_notazione
from lettore.uscite import ErroreUscita
from lettore.uscite.carta.edizioni import FILE, Edizione, componi, esige_latex, guasti, pagine
from lettore.uscite.carta.latex import in_tex, indice_dei_simboli

DIARIO = r"""
Missing character: There is no ℝ (U+211D) in font [texgyrepagella-italic.otf]!
LaTeX Warning: Hyper reference `chapters/articolo/3-architettura-del-modello:un
a-che-manca' on page 3 undefined on input line 12.
Overfull \hbox (3.2pt too wide) in paragraph at lines 1--2
Overfull \hbox (12.7pt too wide) in paragraph at lines 3--4
Output written on libro.xdv (412 pages, 10507884 bytes).
"""


def test_le_edizioni_non_si_sovrascrivono():
    nomi = {Edizione(italiana, grande).nome for italiana in (False, True) for grande in (False, True)}
    assert nomi == {"libro", "libro-it", "libro-grande", "libro-grande-it"}
    assert Edizione(italiana=True, grande=True).descrizione == "solo italiano, a caratteri grandi"
    assert Edizione(italiana=True).sorgente == "\\def\\edizioneItaliana{}\\input{libro.tex}\n"


def test_senza_latex_si_dice_che_cosa_manca(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ErroreUscita) as errore:
        esige_latex()
    for nome in ("xelatex (texlive-xetex)", "latexmk (latexmk)", "apt-get install", "MacTeX"):
        assert nome in str(errore.value)
    assert main(["--pdf", "--in", str(tmp_path / "uscita")]) == 1  # prima di eseguire i capitoli
    assert "xelatex" in capsys.readouterr().err and not (tmp_path / "uscita").exists()


def test_un_file_che_manca_a_latex_si_dice(monkeypatch, tmp_path):
    for nome, testo in (("xelatex", ""), ("latexmk", ""), ("kpsewhich", "echo /tex/fancyhdr.sty")):
        (tmp_path / nome).write_text(f"#!/bin/sh\n{testo}\n")
        (tmp_path / nome).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(ErroreUscita, match=r"hyph-it.tex \(texlive-lang-italian\)") as errore:
        esige_latex()
    assert "fancyhdr" not in str(errore.value)


def test_i_pacchetti_sono_in_apt():
    assert set(FILE.values()) - {"texlive-latex-base"} <= set((RADICE / "apt.txt").read_text().split())


def test_i_guasti_del_diario():
    carattere, rimando, riga = guasti(DIARIO)
    assert "ℝ" in carattere and "una-che-manca" in rimando and "13 punti" in riga
    assert pagine(DIARIO) == 412
    assert guasti("Underfull \\hbox (badness 10000) in paragraph at lines 1--2") == []


def test_un_errore_di_latex_arriva_a_chi_costruisce(monkeypatch, tmp_path):
    comandi = tmp_path / "bin"
    comandi.mkdir()
    (tmp_path / "diario").write_text("! Undefined control sequence.\nl.7 \\boh\n")
    (comandi / "latexmk").write_text("#!/bin/sh\ncp diario libro.log\nexit 12\n")
    (comandi / "latexmk").chmod(0o755)
    monkeypatch.setenv("PATH", str(comandi), prepend=":")
    with pytest.raises(ErroreUscita, match="Undefined control sequence") as errore:
        componi(tmp_path, Edizione())
    assert "l.7 \\boh" in str(errore.value)


def test_l_indice_dei_simboli_ha_tutte_le_schede():
    notazione = leggi_notazione()
    indice = indice_dei_simboli(notazione)
    assert indice.count("\\rigasimbolo") == len(notazione["simboli"])
    texescape.init()
    assert in_tex("vettore di $\\R^d$, 50 %") == "vettore di $\\R^d$, 50 \\%"
