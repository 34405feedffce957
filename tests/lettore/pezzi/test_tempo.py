"""I tempi di più capitoli: si sommano dalle tappe, e si rifanno quando una cambia."""

from io import StringIO

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from lettore.pezzi.tappa import PAROLE_AL_MINUTO
from lettore.pezzi.tempo import durata
from lettore.sorgente import Pagina

INDICE = """\
# Prova

Tutto {tempo}`capitoli/*`, il primo {tempo}`capitoli/uno`.

```{toctree}
:caption: Parte prima
capitoli/uno
capitoli/due
percorso
```

```{mappa}
```

:::{solo-en}
Read {tempo}`capitoli/uno`.
:::
"""
PERCORSO = "# Percorso\n\n:::{capitoli}\ncapitoli/due\ncapitoli/uno\n:::\n"


def capitolo(titolo: str, minuti: int) -> str:
    tappa = ":::{tappa}\n:aggiunge: una cosa\n:tempo: 5\n:prima: niente\n:::\n\n"
    return f"# {titolo}\n\n{tappa}" + "parola " * PAROLE_AL_MINUTO * minuti


def costruisci(cartella, pagine: dict[str, str]) -> str:
    """Costruisce, o ricostruisce, le pagine; rende gli avvisi."""
    for nome, testo in pagine.items():
        (cartella / nome).parent.mkdir(exist_ok=True)
        (cartella / nome).write_text(testo, encoding="utf-8")
    moduli = [f"lettore.pezzi.{nome}" for nome in ("tappa", "tempo", "capitoli", "solo_en")]
    impostazioni = {
        "extensions": ["myst_parser", *moduli, "lettore.uscite.pagina.nodi"],
        "myst_enable_extensions": ["colon_fence"],
    }
    avvisi, uscita = StringIO(), cartella / "_build"
    with patch_docutils(), docutils_namespace():
        Sphinx(cartella, None, uscita, uscita / "doctrees", "html", impostazioni, status=None, warning=avvisi).build()
    return avvisi.getvalue()


def tempi(cartella, pagina: str, dove: str = "") -> list[str]:
    albero = BeautifulSoup((cartella / "_build" / pagina).read_text(encoding="utf-8"), "html.parser")
    return [t.get_text().replace("\u00a0", " ") for t in albero.select(f'[role="main"] {dove} .tempo')]


@pytest.fixture
def libro(tmp_path):
    pagine = {
        "index.md": INDICE,
        "percorso.md": PERCORSO,
        "capitoli/uno.md": capitolo("Uno", 20),
        "capitoli/due.md": capitolo("Due", 45),
    }
    assert costruisci(tmp_path, pagine) == ""
    return tmp_path


@pytest.mark.parametrize(
    ("minuti", "attesa"), [(0, "0 min"), (48, "48 min"), (60, "1 h"), (65, "1 h 5 min"), (278, "4 h 38 min")]
)
def test_una_durata_si_legge(minuti, attesa):
    assert durata(minuti) == attesa.replace(" ", "\u00a0")


def test_i_tempi_sono_le_somme_delle_tappe(libro):
    assert tempi(libro, "index.html", "section > p")[:2] == ["1 h 5 min", "20 min"]


def test_la_mappa_ha_le_parti_e_i_capitoli_con_i_loro_tempi(libro):
    assert tempi(libro, "index.html", ".mappa") == ["1 h 5 min", "20 min", "45 min"]
    albero = BeautifulSoup((libro / "_build/index.html").read_text(encoding="utf-8"), "html.parser")
    assert albero.select_one(".mappa-parte strong").get_text() == "Parte prima"
    voci = [a["href"] for a in albero.select(".mappa li a")]
    assert voci == ["capitoli/uno.html", "capitoli/due.html", "percorso.html"]


def test_un_elenco_di_capitoli_tiene_l_ordine_e_dice_la_somma(libro):
    assert tempi(libro, "percorso.html", ".capitoli") == ["45 min", "20 min"]
    testo = (libro / "_build/percorso.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert "In tutto 1 h 5 min di lettura." in testo


def test_se_una_tappa_cambia_le_somme_si_rifanno(libro):
    assert costruisci(libro, {"capitoli/uno.md": capitolo("Uno", 30)}) == ""
    assert tempi(libro, "index.html", "section > p")[:2] == ["1 h 15 min", "30 min"]
    assert tempi(libro, "percorso.html", ".capitoli") == ["45 min", "30 min"]


def test_una_pagina_che_non_c_e_e_un_avviso(libro):
    avvisi = costruisci(libro, {"percorso.md": PERCORSO.replace("due", "tre"), "index.md": INDICE.replace("/*", "/x*")})
    assert "nessuna pagina «capitoli/tre»" in avvisi and "nessuna pagina «capitoli/x*»" in avvisi


def test_le_parole_inglesi_sono_della_vista_inglese_e_non_prosa(libro):
    albero = BeautifulSoup((libro / "_build/index.html").read_text(encoding="utf-8"), "html.parser")
    assert albero.select_one("div.solo-en")["lang"] == "en"
    assert "Read" not in Pagina("index.md", INDICE).prosa
