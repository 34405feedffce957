"""Le voci di glossario e la notazione nelle pagine costruite."""

import json
import shutil
from io import StringIO

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils
from test_glossario import DUE, SIGLA, UNA, VOCI

from lettore.glossario import GLOSSARIO
from lettore.pezzi.notazione import ancora_del_simbolo


def costruisci(cartella, pagine, costruttore="html"):
    """Costruisce un libro di poche pagine; rende gli avvisi."""
    for nome, testo in pagine.items():
        (cartella / nome).write_text(testo, encoding="utf-8")
    avvisi = StringIO()
    impostazioni = {
        "extensions": ["myst_parser", "lettore_di_prova"],
        "language": "it",
        "myst_enable_extensions": ["dollarmath", "colon_fence"],
        "nitpicky": True,
    }
    with patch_docutils(), docutils_namespace():
        uscita = cartella / "_build"
        luoghi = (cartella, None, uscita, uscita / "doctrees", costruttore)
        app = Sphinx(*luoghi, impostazioni, status=None, warning=avvisi)
        app.build(force_all=True)
    return avvisi.getvalue()


@pytest.fixture
def libro(tmp_path, monkeypatch):
    """Una cartella vuota dove l’estensione del glossario si carica da sola."""
    (tmp_path / "estensione").mkdir()
    testo = (
        "from lettore.pezzi import notazione, voce\n"
        "from lettore.uscite.pagina import suggerimenti\n\n"
        "def setup(app):\n"
        "    for modulo in (notazione, voce, suggerimenti):\n"
        "        modulo.setup(app)\n"
    )
    (tmp_path / "estensione" / "lettore_di_prova.py").write_text(testo, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "estensione")
    sorgenti = tmp_path / "libro"
    sorgenti.mkdir()
    return sorgenti


INDICE = "# Prova\n\n```{toctree}\ndopo\nprima\nglossary\n```\n"
PAGINE = {
    "index.md": INDICE,
    "dopo.md": "# 1 Dopo\n\nTesto.\n\n## Sezione\n\nUna {term}`Chiave` e le {term}`GPU <gpu>`.\n",
    "prima.md": "# 2 Prima\n\nUna {term}`chiave` e una {term}`query`.\n",
    "glossary.md": f"# Glossario\n\n{UNA}\n{DUE}\n{SIGLA}\n{UNA.replace('} chiave', '} mai usata')}",
}


def voce_html(libro, lemma):
    pagina = BeautifulSoup((libro / "_build" / "glossary.html").read_text(encoding="utf-8"), "html.parser")
    return pagina.select_one(f"dl.glossary dt#term-{lemma}").find_next_sibling("dd")


def test_la_pagina_ha_inglese_definizione_e_forme_da_evitare(libro):
    assert costruisci(libro, PAGINE) == ""
    chiave = voce_html(libro, "chiave")
    assert chiave.select_one("[lang=en]").get_text() == "key"
    assert "la chiave, le chiavi" in chiave.get_text()
    assert "Da non chiamare: key (nel testo corrente); identità." in chiave.get_text()
    gpu = voce_html(libro, "GPU").select_one(".voce-inglese").get_text()
    assert gpu.startswith("graphics processing unit = unità di elaborazione grafica")


def test_la_prima_occorrenza_segue_l_indice(libro):
    costruisci(libro, PAGINE)
    prima = voce_html(libro, "chiave").select_one(".prima-occorrenza a")
    assert (prima["href"], prima.get_text()) == ("dopo.html#sezione", "1 Dopo")
    assert voce_html(libro, "GPU").select_one(".prima-occorrenza a")["href"] == "dopo.html#sezione"
    assert voce_html(libro, "query").select_one(".prima-occorrenza a")["href"].startswith("prima.html#")
    assert voce_html(libro, "mai-usata").select_one(".prima-occorrenza") is None


def test_un_termine_ignoto_e_un_avviso_con_file_e_riga(libro):
    avvisi = costruisci(libro, PAGINE | {"prima.md": "# 2 Prima\n\nUn {term}`cancello`.\n"})
    assert "prima.md:3" in avvisi and "cancello" in avvisi


@pytest.mark.parametrize(
    ("voce", "atteso"),
    [
        (UNA.replace(":en: key\n", ""), "manca «:en:»"),
        (UNA.replace("grammatica", "genere"), "genere"),
        (f"{UNA}\n{UNA}", "la voce «chiave» c’è già"),
    ],
)
def test_una_voce_malfatta_e_un_errore_di_costruzione(libro, voce, atteso):
    avvisi = costruisci(libro, {"index.md": f"# Prova\n\n{voce}\n{DUE}"})
    assert atteso in avvisi and "index.md" in avvisi


def suggerimenti(libro, pagina) -> dict[str, str]:
    testo = (libro / "_build/_static/glossario" / f"{pagina}.js").read_text(encoding="utf-8")
    assert testo.startswith("window.GLOSSARIO = {") and "</" not in testo
    return json.loads(testo.removeprefix("window.GLOSSARIO = ").removesuffix(";\n"))


def test_ogni_pagina_ha_pronte_le_definizioni_che_richiama_e_sono_sempre_uguali(libro):
    costruisci(libro, PAGINE)
    cartella = libro / "_build/_static/glossario"
    primi = {f.name: f.read_bytes() for f in cartella.iterdir()}
    costruisci(libro, PAGINE)
    assert {f.name: f.read_bytes() for f in cartella.iterdir()} == primi
    assert sorted(suggerimenti(libro, "dopo")) == ["term-GPU", "term-chiave"]
    assert sorted(suggerimenti(libro, "prima")) == ["term-chiave", "term-query"]
    chiave = suggerimenti(libro, "dopo")["term-chiave"]
    assert "<strong>chiave</strong>" in chiave and 'lang="en"' in chiave and "d_k" in chiave
    assert "href" not in chiave and " id=" not in chiave and "Prima occorrenza" not in chiave
    assert "graphics processing unit" in suggerimenti(libro, "dopo")["term-GPU"]


def test_in_latex_le_voci_e_le_schede_ci_sono(libro):
    pagine = PAGINE | {"glossary.md": PAGINE["glossary.md"] + "\n```{notazione} simboli\n```\n"}
    assert costruisci(libro, pagine, "latex") == ""
    (tex,) = (libro / "_build").glob("*.tex")
    tex = tex.read_text(encoding="utf-8")
    assert "Da non chiamare: key" in tex
    assert "Prima occorrenza: " in tex and "si legge" in tex


def test_la_pagina_del_libro_si_costruisce_intera(libro):
    shutil.copy(GLOSSARIO, libro / "glossary.md")
    avvisi = costruisci(libro, {"index.md": "# Prova\n\n```{toctree}\nglossary\n```\n"})
    assert avvisi == ""
    pagina = BeautifulSoup((libro / "_build" / "glossary.html").read_text(encoding="utf-8"), "html.parser")
    assert len(pagina.select("dl.glossary dt")) == len(VOCI)
    simboli = [dt["id"] for dt in pagina.select("dl.notazione dt[id]")]
    assert {"simbolo-d-k", "simbolo-K-T", "simbolo-W-i-Q"} <= set(simboli)
    assert "T trasposto" in pagina.get_text()
    assert not pagina.select(".system-message")


def test_una_scheda_si_raggiunge_da_un_capitolo(libro):
    pagine = {"glossary.md": "# Simboli\n\n```{notazione} simboli\n```\n"}
    pagine["index.md"] = "# Prova\n\n[K](glossary.md#simbolo-K-T)\n\n```{toctree}\nglossary\n```\n"
    assert costruisci(libro, pagine) == ""
    assert 'href="glossary.html#simbolo-K-T"' in (libro / "_build" / "index.html").read_text(encoding="utf-8")
    avvisi = costruisci(libro, pagine | {"index.md": pagine["index.md"].replace("K-T", "K-Z")})
    assert "simbolo-K-Z" in avvisi


def test_una_parte_ignota_della_notazione_e_un_errore(libro):
    avvisi = costruisci(libro, {"index.md": "# Prova\n\n```{notazione} colori\n```\n"})
    assert "parte «colori» sconosciuta" in avvisi


def test_i_simboli_hanno_ancore_leggibili():
    assert ancora_del_simbolo("W_i^Q") == "simbolo-W-i-Q"
    assert ancora_del_simbolo("√d_k") == "simbolo-radice-d-k"
    assert ancora_del_simbolo("n") != ancora_del_simbolo("N")
