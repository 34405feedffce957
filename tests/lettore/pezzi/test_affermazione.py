"""Le affermazioni nelle pagine costruite: nel capitolo, nel registro, in LaTeX, nel quaderno."""

from io import StringIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils
from test_affermazioni import CITATA, PROVA, UNA

from lettore.ambiente import Ambiente
from lettore.pezzi import affermazione, blocco, glossa, luoghi, originale, registro, rimandi
from lettore.uscite import carta, pagina
from lettore.uscite.quaderni.markdown import Markdown


def estensione(app):
    """I soli pezzi che qui servono, e come si scrivono."""
    app.add_config_value("lettore_ambiente", Ambiente(originale="no"), "")
    for modulo in (luoghi, originale, rimandi, glossa, blocco, affermazione, registro, pagina.nodi, carta.nodi):
        modulo.setup(app)


BLOCCHI = """# 3.4 Embedding e softmax

```{blocco} s3.4-h
```

::::{blocco} s3.4-p1
Testo.

:::{glossa}
Some words.
:::
::::
"""
PAGINE = {
    "index.md": "# Prova\n\n```{toctree}\naffermazioni\nprimo\nsecondo\n```\n",
    "affermazioni.md": "# Registro\n\n```{registro} conteggi\n```\n\n```{registro}\n```\n",
    "primo.md": f"# Primo\n\n{CITATA}",
    "secondo.md": f"{BLOCCHI}\n{UNA}",
}


class Libretto:
    """Un libro di poche pagine, da costruire e ricostruire."""

    def __init__(self, sorgenti: Path):
        self.sorgenti = sorgenti

    def costruisci(self, pagine: dict[str, str], costruttore="html", tutto=False) -> str:
        """Scrive le pagine cambiate e costruisce; rende gli avvisi."""
        for nome, contenuto in pagine.items():
            (self.sorgenti / nome).write_text(contenuto, encoding="utf-8")
        avvisi, uscita = StringIO(), self.sorgenti / "_build"
        impostazioni = {"extensions": ["myst_parser"], "language": "it", "nitpicky": True}
        impostazioni |= {"myst_enable_extensions": ["dollarmath", "colon_fence"]}
        with patch_docutils(), docutils_namespace():
            luoghi = (self.sorgenti, None, uscita, self.sorgenti / "_doctrees", costruttore)
            app = Sphinx(*luoghi, impostazioni, status=None, warning=avvisi)
            estensione(app)
            app.emit("config-inited", app.config)
            app.build(force_all=tutto)
        return avvisi.getvalue()

    def pagina(self, nome: str) -> BeautifulSoup:
        return BeautifulSoup((self.sorgenti / "_build" / nome).read_text(encoding="utf-8"), "html.parser")


@pytest.fixture
def libro(tmp_path):
    (tmp_path / "tests" / "affermazioni").mkdir(parents=True)
    (tmp_path / "tests" / "affermazioni" / "test_3_4.py").write_text(PROVA, encoding="utf-8")
    return Libretto(tmp_path)


def test_nel_capitolo_la_voce_ha_verdetto_smentita_e_rimandi(libro):
    assert libro.costruisci(PAGINE) == ""
    (voce,) = libro.pagina("secondo.html").select(".affermazione")
    assert voce["id"] == "affermazione-matrice-condivisa"
    assert voce.select_one(".affermazione-verdetto").get_text() == "conforme"
    assert "La smentirebbe: due matrici" in voce.get_text()
    assert voce.select_one(".ancora")["href"] == "#affermazione-matrice-condivisa"
    rimandi = {a.get_text(): a["href"] for a in voce.select(".affermazione-rimandi a")}
    assert rimandi == {"blocco s3.4-p1": "#s3-4-p1", "nel registro": "affermazioni.html#registro-matrice-condivisa"}
    (citata,) = libro.pagina("primo.html").select(".affermazione")
    assert "Perché non qui: servono otto GPU." in citata.get_text()
    assert [a.get_text() for a in citata.select(".affermazione-rimandi a")] == ["nel registro"]


def test_il_registro_raccoglie_in_ordine_e_conta(libro):
    libro.costruisci(PAGINE)
    pagina = libro.pagina("affermazioni.html")
    assert [e["id"] for e in pagina.select(".affermazione")] == [
        "registro-matrice-condivisa",
        "registro-tre-giorni-e-mezzo",
    ]
    titoli = [h.get_text().removesuffix("¶") for h in pagina.select("h2")]
    assert titoli[0].startswith("3.4 Embedding e softmax") and len(titoli) == 2
    conteggi = [li.get_text().strip() for li in pagina.select(".registro-conteggi li")]
    assert conteggi[0] == "2 affermazioni dell’articolo, 1 con una prova che può fallire"
    assert {"1 conformi", "1 solo citate", "0 dimostrate"} <= set(conteggi)
    prima, seconda = pagina.select(".affermazione")
    prova = prima.select_one("details.affermazione-prove code").get_text()
    assert prova == "tests/affermazioni/test_3_4.py::test_una_matrice"
    assert (prima["data-sezione"], prima["data-verdetto"], prima["data-esito"]) == ("3.4", "conforme", "confermata")
    assert prima.select_one('a[href="secondo.html#affermazione-matrice-condivisa"]')
    assert not seconda.select("code") and "senza prova" not in seconda.get_text()


def test_il_registro_segue_i_capitoli_e_le_prove_senza_ricostruire_tutto(libro):
    libro.costruisci(PAGINE)
    libro.costruisci({"secondo.md": PAGINE["secondo.md"].replace("conforme", "dimostrata")})
    voce, _ = libro.pagina("affermazioni.html").select(".affermazione")
    assert voce.select_one(".affermazione-verdetto").get_text() == "dimostrata"
    libro.costruisci({"tests/affermazioni/test_3_4.py": PROVA.replace("una_matrice", "la_stessa")})
    assert "test_la_stessa" in libro.pagina("affermazioni.html").get_text()
    libro.costruisci({"secondo.md": BLOCCHI})
    assert len(libro.pagina("affermazioni.html").select(".affermazione")) == 1
    libro.costruisci({"primo.md": f"# Primo\n\n{CITATA}\n{UNA}"})  # lo stesso nome, in un’altra pagina
    assert libro.pagina("affermazioni.html").select_one('a[href="primo.html#affermazione-matrice-condivisa"]')


def test_se_il_registro_compare_dopo_i_capitoli_vi_rimandano(libro):
    libro.costruisci(PAGINE | {"affermazioni.md": "# Registro\n\nNiente.\n"})
    assert not libro.pagina("secondo.html").select('a[href*="affermazioni.html#"]')
    libro.costruisci({"affermazioni.md": PAGINE["affermazioni.md"]})
    assert libro.pagina("secondo.html").select('a[href*="affermazioni.html#"]')


def test_da_ogni_pagina_si_rimanda_a_una_voce(libro):
    verso = "[la voce](#registro-matrice-condivisa), [la riga](#affermazione-matrice-condivisa)"
    assert libro.costruisci(PAGINE | {"primo.md": f"# Primo\n\n{verso}\n\n{CITATA}"}) == ""
    indirizzi = ("affermazioni.html#registro-matrice-condivisa", "secondo.html#affermazione-matrice-condivisa")
    assert all(libro.pagina("primo.html").select_one(f'a[href="{indirizzo}"]') for indirizzo in indirizzi)
    assert "registro-di-un-altro" in libro.costruisci({"primo.md": "# Primo\n\n[la voce](#registro-di-un-altro)\n"})


def test_una_voce_senza_prova_si_vede_nel_registro(libro):
    (libro.sorgenti / "tests" / "affermazioni" / "test_3_4.py").unlink()
    libro.costruisci(PAGINE)
    assert libro.pagina("affermazioni.html").get_text().count("senza prova") == 1


def test_se_cio_che_si_dice_invece_non_e_asserito_si_vede(libro):
    torto = UNA.replace(":smentita", ":esito: smentita\n:invece: tre copie.\n:smentita")
    libro.costruisci(PAGINE | {"secondo.md": f"# Secondo\n\n{BLOCCHI}\n{torto}"})
    assert "senza prova di ciò che dice invece" in libro.pagina("affermazioni.html").get_text()
    asserito = f"{PROVA}    with invece:\n        assert copie < 3\n"
    (libro.sorgenti / "tests" / "affermazioni" / "test_3_4.py").write_text(asserito, encoding="utf-8")
    libro.costruisci({})
    assert "senza prova" not in libro.pagina("affermazioni.html").get_text()


@pytest.mark.parametrize(
    ("malfatta", "atteso"),
    [
        (UNA.replace("conforme", "creduta"), "verdetto «creduta» ignoto"),
        (UNA.replace("s3.4-p1", "s3.4-p9"), "blocco «s3.4-p9» non è fra quelli"),
        (f"{UNA}\n{UNA}", "«matrice-condivisa» già presente in secondo.md, riga 14"),
        (UNA.replace("Gli embedding", "- Gli embedding"), "stanno ciascuna in un capoverso"),
    ],
)
def test_un_affermazione_malfatta_e_un_errore_di_costruzione(libro, malfatta, atteso):
    avvisi = libro.costruisci(PAGINE | {"secondo.md": f"{BLOCCHI}\n{malfatta}"})
    assert atteso in avvisi and "secondo.md:" in avvisi


def test_una_voce_smentita_dice_che_cosa_e_vero_e_viene_prima(libro):
    torto = UNA.replace(":sm", ":esito: smentita in parte\n:invece: le matrici sono due.\n:sm")
    libro.costruisci(PAGINE | {"secondo.md": f"{BLOCCHI}\n{torto}"})
    (voce,) = libro.pagina("secondo.html").select(".affermazione")
    assert voce.select_one(".affermazione-esito").get_text() == "smentita in parte"
    assert "Invece: le matrici sono due." in voce.get_text()
    torti, altre = libro.pagina("affermazioni.html").select("section section")
    assert torti["id"] == "torti" and torti.select_one("#registro-matrice-condivisa")
    assert not altre.select("#registro-matrice-condivisa")


def test_in_latex_le_voci_e_il_registro_ci_sono(libro):
    assert libro.costruisci(PAGINE, "latex") == ""
    (tex,) = (libro.sorgenti / "_build").glob("*.tex")
    tex = tex.read_text(encoding="utf-8")
    assert tex.count(r"\begin{affermazione}") == 4
    assert "La smentirebbe:" in tex and "test\\_una\\_matrice" in tex


def test_nel_quaderno_la_voce_e_citata_senza_rimandi():
    voce = affermazione.affermazione_composta("", verdetto="conforme")
    voce += [nodes.paragraph("", "", nodes.strong("", "conforme"), nodes.Text(" La frase."))]
    voce += [nodes.paragraph("", "La smentirebbe: altro."), nodes.paragraph("", "nel registro")]
    scrittore = Markdown(new_document("prova"))
    voce.walkabout(scrittore)
    assert "".join(scrittore.pezzi) == "> **conforme** La frase.\n>\n> La smentirebbe: altro.\n\n"
