"""La scrittura in MyST: ciò che esce, riletto da un analizzatore Markdown vero, dice le stesse cose."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lettore.originale.myst import equazione, formula, paragrafo, proteggi, tabella
from lettore.originale.tex import SEGNO_TESTATA, leggi_con_pandoc

myst_config = pytest.importorskip("myst_parser.config.main")
myst_mdit = pytest.importorskip("myst_parser.parsers.mdit")
renderer = pytest.importorskip("markdown_it.renderer")

_ESTENSIONI = {
    "amsmath",
    "attrs_block",
    "attrs_inline",
    "colon_fence",
    "deflist",
    "dollarmath",
    "fieldlist",
    "html_admonition",
    "html_image",
    "strikethrough",
    "substitution",
    "tasklist",
}


@pytest.fixture(scope="module")
def analizza():
    """Il Markdown → i segni dell’unico capoverso: (tipo, contenuto)."""
    configurazione = myst_config.MdParserConfig(enable_extensions=_ESTENSIONI)
    analizzatore = myst_mdit.create_md_parser(configurazione, renderer.RendererHTML)

    def fai(markdown: str) -> list[tuple[str, str]]:
        segni = analizzatore.parse(markdown)
        assert [s.type for s in segni] == ["paragraph_open", "inline", "paragraph_close"], markdown
        return [(s.type, s.content) for s in segni[1].children]

    return fai


def nodi_di(tex: str) -> list:
    """I nodi in riga che pandoc ricava da un capoverso di TeX."""
    blocchi = leggi_con_pandoc(f"\\documentclass{{a}}\\begin{{document}}{tex}\\end{{document}}", "prova")
    return blocchi[0]["c"]


def parole(testo: str) -> list[dict]:
    """Il testo come lo darebbe pandoc: parole e spazi."""
    nodi = []
    for parola in testo.split(" "):
        nodi += [{"t": "Str", "c": parola}, {"t": "Space"}] if parola else []
    return nodi[:-1]


_PEZZI = st.text(st.sampled_from("\\`*_{}[]()<>$~#&|^!@+-=.:;%\"'/ a1é")) | st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn", "Zs", "Zl", "Zp"))
)
_INIZI = [
    "# ",
    "- ",
    "+ ",
    "* ",
    "12. ",
    "3) ",
    "> ",
    "=== ",
    "--- ",
    "``` ",
    "::: ",
    "$$ ",
    "% ",
    "(a)= ",
    "+++ ",
    ": ",
    ":a: b ",
    "[a]: b ",
    "[^a]: b ",
    "{{ a }} ",
    "{a}`b` ",
    "<b> ",
    "<!-- ",
    "\\begin{x} ",
    "http://a.b ",
    "&amp; ",
    "- [ ] ",
    "~~~ ",
    "***a*** ",
    "![a](b) ",
    "{#a} ",
    "1986. ",
    "$a$ ",
    "\\",
]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(_INIZI), st.lists(_PEZZI, max_size=4))
def test_il_testo_torna_uguale(analizza, inizio, pezzi):
    testo = " ".join((inizio + " ".join(pezzi)).split())
    if not testo:
        return
    segni = analizza(paragrafo(parole(testo)))
    assert {tipo for tipo, _ in segni} == {"text"}
    assert "".join(contenuto for _, contenuto in segni) == testo


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("\\`*_{}[]<>$~#&a1 "), min_size=1))
def test_il_corsivo_tiene(analizza, testo):
    testo = " ".join(f"a{testo}a".split())
    segni = analizza(paragrafo([{"t": "Emph", "c": parole(testo)}]))
    assert segni[0][0] == "em_open"
    assert segni[-1][0] == "em_close"
    assert "".join(contenuto for tipo, contenuto in segni if tipo == "text") == testo


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("`a_*\\{ "), min_size=1).filter(str.strip))
def test_il_codice_tiene(analizza, testo):
    testo = " ".join(testo.split())
    segni = analizza(paragrafo([{"t": "Code", "c": [["", [], []], testo]}]))
    assert segni == [("code_inline", testo)]


@pytest.mark.parametrize(
    ("tex", "myst"),
    [
        (r"\emph{piano }poi", "*piano* poi"),
        (r"\textbf{\emph{due}}", "***due***"),
        (r"``doppie'' e `semplici' e \"dritte\"", None),
        (r"a--b --- c ... \ldots", "a–b — c ... …"),
        (r"\verb|a`b_c|", "``a`b_c``"),
        (r"\textsc{Nips} \underline{x}", "Nips x"),
        (r"x\textsuperscript{2}\textsubscript{i}", "x{sup}`2`{sub}`i`"),
        (r"\cite{a}, \citep{b,c}, \citet{d}", "{cite}`a`, {cite}`b,c`, {cite}`d`"),
        (r"$a\text{ se $b$}$", r"{math}`a\text{ se $b$}`"),
        (r"$ x $ ok", "$x$ ok"),
        (r"\url{https://a.b/c\_d}", None),
        (r"\href{https://a.b}{qui [o lì]}", r"[qui \[o lì\]](<https://a.b>)"),
        ("1986. Un anno.", r"1986\. Un anno."),
        ("3.14 resta", "3.14 resta"),
        ("-0.3 resta", "-0.3 resta"),
        (r"\# a", r"\# a"),
    ],
)
def test_paragrafi(tex, myst, analizza):
    scritto = paragrafo(nodi_di(tex))
    assert "\n" not in scritto
    if myst is not None:
        assert scritto == myst
    analizza(scritto)


def test_virgolette_come_nell_originale():
    scritto = paragrafo(nodi_di("\"dritte\" ``doppie'' `semplici' l'uno"))
    assert scritto == '"dritte" “doppie” ‘semplici’ l’uno'


def test_indirizzi():
    assert paragrafo(nodi_di(r"\url{https://a.b/c_d}")) == "<https://a.b/c_d>"


@pytest.mark.parametrize(
    ("tex", "atteso"),
    [
        ("x = 1", "$$\nx = 1\n$$"),
        ("\\begin{equation*}\n x\n\n = 1\n\\end{equation*}", "$$\nx\n= 1\n$$"),
        ("\\begin{gather}\na\\\\\nb\n\\end{gather}", "$$\n\\begin{gathered}\na\\\\\nb\n\\end{gathered}\n$$"),
        ("\\begin{align}\\label{a}\na&b\\\\\n\\end{align}", "$$\n\\begin{aligned}\na&b\n\\end{aligned}\n$$"),
    ],
)
def test_equazioni(tex, atteso):
    assert equazione(tex) == atteso


def test_formula_su_piu_righe():
    assert formula("a\n  + b") == "$a + b$"


def test_tabella_riletta_da_myst():
    """Le celle vuote e quelle che sembrano elenchi restano celle, riga per riga."""
    docutils_core = pytest.importorskip("docutils.core")
    from docutils import nodes
    from myst_parser.docutils_ import Parser

    righe = [["", "A", "- b"], [SEGNO_TESTATA, "", ""], ["1.", "", ""], ["", "", "# c"], ["", "", ""]]
    scritta = tabella([[parole(cella) for cella in riga] for riga in righe])
    scelte = {"myst_enable_extensions": ["dollarmath"], "halt_level": 2}
    documento = docutils_core.publish_doctree(scritta, parser=Parser(), settings_overrides=scelte)
    celle = [[c.astext() for c in riga.findall(nodes.entry)] for riga in documento.findall(nodes.row)]
    assert celle == [righe[0], *righe[2:]]
    assert len(next(documento.findall(nodes.thead)).children) == 1


def test_proteggi_non_tocca_il_resto():
    testo = 'L’uno, l\'altro: 50% (circa) "così" – 3.5!'
    assert proteggi(testo) == testo
