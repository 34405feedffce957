"""La tappa: il tempo di lettura lo calcola chi costruisce, quello di calcolo lo dice il capitolo."""

from io import StringIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from lettore.pezzi.tappa import PAROLE_AL_MINUTO, minuti

RADICE = Path(__file__).resolve().parents[3]
TAPPA = ":::{tappa}\n:aggiunge: una cosa\n:tempo: 5\n:prima: niente\n:::\n\n"
UN_MINUTO = "parola " * PAROLE_AL_MINUTO + "\n\n"


@pytest.fixture(scope="module")
def riga(tmp_path_factory):
    """La tappa di un capitolo di tre minuti, com’è nella pagina."""
    cartella = tmp_path_factory.mktemp("tappa")
    (cartella / "index.md").write_text("# Prova\n\n" + TAPPA + 3 * UN_MINUTO, encoding="utf-8")
    impostazioni = {"extensions": ["myst_parser", "lettore.pezzi.tappa"], "myst_enable_extensions": ["colon_fence"]}
    avvisi, uscita = StringIO(), cartella / "_build"
    with patch_docutils(), docutils_namespace():
        Sphinx(cartella, None, uscita, uscita / "doctrees", "html", impostazioni, status=None, warning=avvisi).build()
    assert avvisi.getvalue() == ""
    pagina = BeautifulSoup((uscita / "index.html").read_text(encoding="utf-8"), "html.parser")
    return pagina.select_one(".tappa").get_text().replace("\u00a0", " ")


def test_la_pagina_dice_quanto_si_legge_e_quanto_si_calcola(riga):
    assert "Lettura circa 3 min" in riga and "Calcolo circa 5 s su due core" in riga


@pytest.mark.parametrize(
    "in_piu",
    [
        "::::{blocco} s1-p1\nUna.\n\n:::{glossa}\n" + UN_MINUTO + ":::\n::::\n",
        "$$\n" + r"\alpha " * PAROLE_AL_MINUTO + "\n$$\n",
        "```{code-cell} ipython3\n:tags: [hide-input]\n" + UN_MINUTO + "```\n",
    ],
    ids=["l’inglese", "le formule", "una cella chiusa"],
)
def test_non_si_conta_cio_che_non_si_legge_come_prosa(in_piu):
    assert minuti(2 * UN_MINUTO + in_piu) == 2


def test_le_celle_si_leggono_e_un_capitolo_breve_chiede_un_minuto():
    assert minuti(2 * UN_MINUTO + "```{code-cell} ipython3\n" + UN_MINUTO + "```\n") == 3
    assert minuti("Poche parole.\n") == 1


def test_il_libro_dichiara_la_velocita():
    assert f"a {PAROLE_AL_MINUTO} parole al minuto" in (RADICE / "chapters/come-si-usa.md").read_text(encoding="utf-8")
