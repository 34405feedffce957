"""L’EPUB: il file, le sue pagine lette come XML, i blocchi, le formule, l’indice; niente rete e niente programmi."""

import re
from dataclasses import dataclass
from functools import cached_property
from os.path import normpath
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree
from zipfile import ZIP_STORED, ZipFile

import pytest
import yaml
from bs4 import BeautifulSoup
from controlli_html import collegamenti_rotti, risorse_in_rete
from fabbrica import RADICE, costruisci, eredita, una_volta
from sphinx.errors import ExtensionError

from lettore.ambiente import Ambiente
from lettore.inventario import PROSA, leggi_inventario
from lettore.pezzi.copertura import MOBILI
from lettore.pezzi.luoghi import ancora
from lettore.uscite import epub as uscita_epub
from lettore.uscite.epub.costruttore import IDENTIFICATORE, ScegliFermo, alleggerisci, componi_pagina, momento

INVENTARIO = leggi_inventario()
OPF = "{http://www.idpf.org/2007/opf}"
DC = "{http://purl.org/dc/elements/1.1/}"
SVG = '<img alt="x" src="data:image/svg+xml;base64,PHN2Zy8+">'


@dataclass(frozen=True)
class Epub:
    file: Path
    aperto: Path

    @cached_property
    def nomi(self) -> list[str]:
        with ZipFile(self.file) as libro:
            return libro.namelist()

    @cached_property
    def pagine(self) -> dict[str, BeautifulSoup]:
        testi = {n: (self.aperto / n).read_text(encoding="utf-8") for n in self.nomi if n.endswith(".xhtml")}
        return {nome: BeautifulSoup(testo, "html.parser") for nome, testo in testi.items()}

    @cached_property
    def pacchetto(self):
        return ElementTree.parse(self.aperto / "libro.opf").getroot()

    @cached_property
    def risorse(self) -> dict[str, ElementTree.Element]:
        return {voce.get("href"): voce for voce in self.pacchetto.find(f"{OPF}manifest")}

    @cached_property
    def dorso(self) -> list[str]:
        """Le pagine nell’ordine di lettura."""
        nomi = {voce.get("id"): nome for nome, voce in self.risorse.items()}
        return [nomi[voce.get("idref")] for voce in self.pacchetto.find(f"{OPF}spine")]


@pytest.fixture(scope="session")
def epub(comune, sorgenti, senza) -> Epub:
    """L’EPUB senza l’originale."""

    def costruiscilo(dove: Path) -> None:
        eredita(comune / "senza", dove)
        costruisci(sorgenti, dove, Ambiente(originale="no"), uscita_epub.USCITA)
        with ZipFile(dove / "_build/epub/libro.epub") as libro:
            libro.extractall(dove / "aperto")

    dove = una_volta(comune, "epub", costruiscilo)
    return Epub(dove / "_build/epub/libro.epub", dove / "aperto")


# ---------------------------------------------------------------- il file


@pytest.mark.lento
def test_lo_zip_comincia_col_suo_tipo_non_compresso(epub):
    with ZipFile(epub.file) as libro:
        assert libro.testzip() is None
        primo = libro.infolist()[0]
        assert (primo.filename, primo.compress_type, primo.extra) == ("mimetype", ZIP_STORED, b"")
        assert libro.read("mimetype") == b"application/epub+zip"
        assert b'full-path="libro.opf"' in libro.read("META-INF/container.xml")


@pytest.mark.lento
def test_ogni_file_e_dichiarato_e_ogni_dichiarato_c_e(epub):
    dichiarati = [*epub.risorse, "mimetype", "META-INF/container.xml", "libro.opf"]
    assert sorted(dichiarati) == sorted(epub.nomi)
    assert len({voce.get("id") for voce in epub.risorse.values()}) == len(epub.risorse)
    assert sorted(epub.dorso) == sorted(epub.pagine)
    assert [nome for nome in epub.nomi if nome.endswith(".css")] == ["libro.css"]
    figure = {f"{Path(nome).parent}/{img['src']}" for nome, pagina in epub.pagine.items() for img in pagina("img")}
    disegni = {nome for nome in epub.nomi if nome.endswith((".svg", ".png", ".jpg", ".gif"))}
    assert {normpath(nome) for nome in figure} == disegni
    per_proprieta = {voce.get("properties"): nome for nome, voce in epub.risorse.items()}
    assert per_proprieta["cover-image"] == "copertina.png" and per_proprieta["nav"] == "indice.xhtml"
    for nome, pagina in epub.pagine.items():
        assert (epub.risorse[nome].get("properties") == "mathml") == bool(pagina.math), nome


@pytest.mark.lento
def test_la_scheda_del_libro(epub):
    citazione = yaml.safe_load((RADICE / "CITATION.cff").read_text(encoding="utf-8"))
    scheda = epub.pacchetto.find(f"{OPF}metadata")
    assert ": ".join(e.text for e in scheda.findall(f"{DC}title")) == citazione["title"]
    assert [e.text for e in scheda.findall(f"{DC}language")] == ["it", "en"]
    assert scheda.findtext(f"{DC}identifier") == IDENTIFICATORE
    assert scheda.findtext(f"{DC}creator") == citazione["authors"][0]["name"]
    proprieta = [(e.get("property"), e.text) for e in scheda.findall(f"{OPF}meta")]
    assert {
        ("schema:accessMode", "textual"),
        ("schema:accessibilityFeature", "MathML"),
        ("schema:accessibilityFeature", "alternativeText"),
    } <= set(proprieta)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", dict(proprieta)["dcterms:modified"])


# ---------------------------------------------------------------- le pagine


@pytest.mark.lento
def test_le_pagine_sono_xml_italiano(epub):
    for nome in epub.pagine:
        radice = ElementTree.parse(epub.aperto / nome).getroot()
        assert radice.get("lang") == radice.get("{http://www.w3.org/XML/1998/namespace}lang") == "it", nome


@pytest.mark.lento
def test_niente_programmi_ne_comandi_ne_rete(epub):
    for nome, pagina in epub.pagine.items():
        assert pagina.select("script, button, input, form, iframe, object") == [], nome
        assert [e.name for e in pagina.find_all() if "-" in e.name or any(a.startswith("on") for a in e.attrs)] == []
    for disegno in epub.aperto.rglob("*.svg"):
        assert "<script" not in disegno.read_text(encoding="utf-8"), disegno.name
    assert risorse_in_rete(epub.aperto, epub.pagine) == []


@pytest.mark.lento
def test_i_collegamenti_interni_arrivano(epub):
    assert collegamenti_rotti(epub.aperto, epub.pagine) == []


@pytest.mark.lento
def test_ogni_immagine_e_un_file_con_le_sue_parole(epub):
    immagini = [(nome, img) for nome, pagina in epub.pagine.items() for img in pagina("img")]
    assert len(immagini) > 30
    assert [(nome, img["src"]) for nome, img in immagini if not img.get("alt", "").strip()] == []
    assert [nome for nome, img in immagini if img["src"].startswith("data:")] == []
    assert [nome for nome, pagina in epub.pagine.items() if pagina.svg] == []


@pytest.mark.lento
def test_ogni_formula_e_mathml_col_suo_tex(epub):
    quante = 0
    for nome, pagina in epub.pagine.items():
        for formula in pagina.select(".math"):
            assert formula.math and formula.math.get("alttext", "").strip(), (nome, formula.get_text())
            assert formula.find("annotation", encoding="application/x-tex"), nome
            assert not formula.select(".katex-html, .katex-error, mi > mrow"), nome
            quante += 1
        assert len(pagina("math")) == len(pagina.select(".math")), nome
    assert quante > 300


@pytest.mark.lento
def test_i_colori_li_decide_chi_legge(epub):
    stile = (epub.aperto / "libro.css").read_text(encoding="utf-8")
    colori = re.findall(r"([^{}]+)\{[^}]*\b(?:color|background)\s*:", re.sub(r"/\*.*?\*/", "", stile, flags=re.S))
    assert colori and all("img" in selettore for selettore in colori)
    fissi = re.compile(r"\b(color|background)")
    assert [nome for nome, pagina in epub.pagine.items() if pagina.find(style=fissi)] == []


# ---------------------------------------------------------------- blocchi e indice


@pytest.mark.lento
def test_tutti_i_blocchi_nell_ordine_dell_articolo(epub):
    per_ancora = {ancora(ident): ident for ident in INVENTARIO}
    letti = [per_ancora[e["id"]] for nome in epub.dorso for e in epub.pagine[nome].select(".blocco")]
    assert sorted(letti) == sorted(INVENTARIO) and len(letti) == 129
    fermi = [ident for ident in INVENTARIO if INVENTARIO[ident].kind not in MOBILI]
    assert [ident for ident in letti if ident in set(fermi)] == fermi


@pytest.mark.lento
def test_ogni_capoverso_prima_in_italiano_poi_in_inglese(epub):
    for pagina in epub.pagine.values():
        for blocco in pagina.select(".blocco"):
            if any(INVENTARIO[i].kind in PROSA and ancora(i) == blocco["id"] for i in INVENTARIO):
                assert [lato["lang"] for lato in blocco.select(".lato")] == ["it", "en"], blocco["id"]


@pytest.mark.lento
def test_l_indice_ha_le_parti_e_tutte_le_pagine(epub):
    indice = epub.pagine["indice.xhtml"].find("nav", attrs={"epub:type": "toc"})
    parti = yaml.safe_load((RADICE / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    assert [parte.get_text() for parte in indice("span")] == [parte["caption"] for parte in parti]
    voci = [a["href"] for a in indice("a")]
    assert voci == [nome for nome in epub.dorso if nome not in ("copertina.xhtml", "indice.xhtml")]
    assert not [a.get_text() for a in indice("a") if re.search(r"[$\\]", a.get_text())]


# ---------------------------------------------------------------- le parti


@pytest.mark.parametrize("guasto", ["<p>x", "<p hidden>x</p>", "<p>&nbsp;</p>", '<p a="1" a="2"></p>'])
def test_una_pagina_che_non_e_xml_ferma_la_costruzione(guasto):
    with pytest.raises(ExtensionError, match=r"chapters/x\.xhtml: la pagina non è XML ben formato"):
        componi_pagina("chapters/x.xhtml", "x", guasto)


def test_la_pagina_trova_il_suo_foglio_di_stile():
    assert 'href="../../libro.css"' in componi_pagina("chapters/articolo/x.xhtml", "x", "<p>x</p>")


@pytest.mark.parametrize(
    "corpo, atteso",
    {
        "programma": ("<p>a<script>b</script></p>", "<p>a</p>"),
        "comando": ("<p>a<button>b</button></p>", "<p>a</p>"),
        "vista": (
            f'<attenzione-vista>{SVG}<script type="application/json">1</script></attenzione-vista>',
            SVG.replace(">", "/>"),
        ),
        "ancora": ('<div><a class="ancora" href="#x">§</a>a</div>', "<div>a</div>"),
        "attributo senza valore": ("<details open><p>a</p></details>", '<details open=""><p>a</p></details>'),
        "segno con nome": ("<p>a&nbsp;b</p>", "<p>a\u00a0b</p>"),
        "identificatore doppio": ('<p id="a">1</p><p id="a">2</p>', '<p id="a">1</p><p>2</p>'),
        "grassetto di KaTeX": (
            "<mi><mrow><mn>3</mn></mrow></mi><mi>x</mi>",
            "<mrow><mrow><mn>3</mn></mrow></mrow><mi>x</mi>",
        ),
        "codice nascosto": (
            "<details><summary><p>Mostra</p><p>Nascondi</p></summary></details>",
            "<details><summary>Codice</summary></details>",
        ),
        "soluzione": (
            '<div class="solution dropdown"><p class="admonition-title">S</p><p>x</p></div>',
            '<details class="solution dropdown"><summary class="admonition-title">S</summary><p>x</p></details>',
        ),
    }.values(),
)
def test_cio_che_resta_di_una_pagina(corpo, atteso):
    assert str(alleggerisci(corpo)) == atteso


def test_un_uscita_che_si_muove_lascia_il_testo():
    from docutils import nodes

    def fascio(pagina):
        forme = [("text/html", pagina), ("text/plain", "a parole")]
        return nodes.container(
            "", *(nodes.container("", nodes.raw("", t), mime_type=m) for m, t in forme), nb_element="mime_bundle"
        )

    film, vista, tabella = (
        fascio(p)
        for p in ("<svg></svg><script>1</script>", '<img class="vista-ferma"><script>1</script>', "<table></table>")
    )
    documento = nodes.container("", film, vista, tabella)
    ScegliFermo.run(SimpleNamespace(document=documento))
    assert [[forma["mime_type"] for forma in f] for f in (film, vista, tabella)] == [
        ["text/plain"],
        ["text/html", "text/plain"],
        ["text/html", "text/plain"],
    ]


def test_una_data_che_lo_zip_non_conosce_diventa_la_prima_che_conosce():
    assert momento("0")[:3] == (1980, 1, 1)
    assert momento("1500000000")[:3] == (2017, 7, 14)
