"""Il libro di carta: ciò che in LaTeX va disposto diversamente che nella pagina.

Lo stile, con gli ambienti dei blocchi e delle note, è in ``assets/tex/libro.sty``.
"""

import re
import tomllib
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.builders.latex.nodes import thebibliography
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.texescape import escape
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node
from sphinx_exercise.utils import get_node_number

from lettore.notazione import leggi_notazione, macro_latex
from lettore.pezzi.blocco import RICHIUSI, blocco_bilingue, lato
from lettore.pezzi.glossa import glossa
from lettore.pezzi.notazione import ancora_del_simbolo

INDICE_DEI_SIMBOLI = r"""
\chapter{Indice dei simboli}
Il numero è quello della pagina con la scheda del simbolo.\par
\begin{indicesimboli}
%s\end{indicesimboli}
"""


class SullaCarta(SphinxPostTransform):
    default_priority = 700
    formats = ("latex",)


class Riferimenti(SullaCarta):
    """I riferimenti restano nel loro capitolo: Sphinx e Jupyter Book li portano in fondo al libro."""

    default_priority = 760  # dopo che Sphinx li ha raccolti

    def run(self, **kwargs):
        posto = next((n for n in self.document.findall(blocco_bilingue) if n["ident"] == "refs"), None)
        elenchi = list(self.document.findall(thebibliography))
        if posto is None or not elenchi:
            return
        for elenco in elenchi:
            elenco.parent.remove(elenco)
        italiano = next(posto.findall(lato))
        italiano.children = []
        italiano += elenchi


class IngleseRichiuso(SullaCarta):
    """Di figure, tabelle e riferimenti l’inglese direbbe lo stesso: nella pagina sta chiuso, sulla carta non c’è."""

    def run(self, **kwargs):
        for nodo in self.document.findall(blocco_bilingue):
            if nodo["kind"] in RICHIUSI:
                for inglese in [figlio for figlio in nodo.findall(lato) if figlio["lang"] == "en"]:
                    inglese.parent.remove(inglese)


class Glosse(SullaCarta):
    """Dove l’originale manca, la glossa dice di essere nostra."""

    def run(self, **kwargs):
        for nodo in self.document.findall(glossa):
            if nodo.get("sola"):
                nodo.next_node(nodes.paragraph).insert(0, [nodes.emphasis("", "In our words."), nodes.Text(" ")])


class Esercizi(SullaCarta):
    """Un esercizio è meta di rimandi, che ne dicono il numero.

    L’àncora che gli dà sphinx-exercise in LaTeX ha un altro nome.
    """

    def run(self, **kwargs):
        for capitolo in self.document.findall(addnodes.start_of_file):
            for nodo in list(capitolo.findall(lambda n: isinstance(n, exercise_node | exercise_enumerable_node))):
                meta = rf"\phantomsection\label{{\detokenize{{{capitolo['docname']}:{nodo['label']}}}}}"
                nodo.parent.insert(nodo.parent.index(nodo), nodes.raw("", meta, format="latex"))
        esercizi = getattr(self.env, "sphinx_exercise_registry", {})
        for rimando in list(self.document.findall(addnodes.number_reference)):
            if voce := esercizi.get(rimando.get("refuri", "").partition("#")[2]):  # LaTeX ne conterebbe le sezioni
                detto = rimando["title"] % get_node_number(self.app, voce["node"], "exercise")
                rimando.replace_self(nodes.reference("", detto, internal=True, refuri=rimando["refuri"]))


class Schede(SullaCarta):
    """Le schede di glossario e notazione hanno uno stile loro."""

    def run(self, **kwargs):
        for nodo in list(self.document.findall(nodes.definition_list)):
            if {"glossary", "notazione"} & set(nodo["classes"]):
                avvolgi(nodo, "schede")


class Tabelle(SullaCarta):
    """Le caselle vuote non alzano la riga; una tabella di molte colonne ha uno stile suo, più minuto."""

    colonne = 6

    def run(self, **kwargs):
        for casella in self.document.findall(nodes.entry):
            casella.children = [figlio for figlio in casella.children if figlio.astext() or figlio.children]
        for nodo in list(self.document.findall(nodes.table)):
            if next(nodo.findall(nodes.tgroup))["cols"] > self.colonne:
                avvolgi(nodo, "tabella-larga")


class CelleIntere(SullaCarta):
    """Una cella breve, o la sua uscita, non si spezza fra due pagine; un’uscita di poche righe le sta accanto."""

    accanto = 4

    def run(self, **kwargs):
        testi = list(self.document.findall(lambda n: isinstance(n, nodes.literal_block | nodes.image)))
        for nodo, dopo in zip(testi, [*testi[1:], None], strict=True):
            if isinstance(nodo, nodes.image):
                continue
            righe = _righe(nodo)
            if _sta_in(nodo, "cell_input") and _sta_in(dopo, "cell_output") and _righe(dopo) <= self.accanto:
                righe += _righe(dopo) + 2
            spazio = nodes.raw("", f"\n\\cellaintera{{{righe}}}\n", format="latex")
            nodo.parent.insert(nodo.parent.index(nodo), spazio)


def _sta_in(nodo: nodes.Node | None, classe: str) -> bool:
    """Se è un testo, e il contenitore ha quella classe."""
    return isinstance(nodo, nodes.literal_block) and classe in nodo.parent.get("classes", ())


def _righe(testo: nodes.literal_block) -> int:
    return testo.astext().count("\n") + 1


def avvolgi(nodo: nodes.Element, classe: str) -> None:
    """Mette un nodo in una scatola con quella classe: un ambiente di libro.sty."""
    scatola = nodes.container(classes=[classe])
    nodo.replace_self(scatola)
    scatola += nodo


def indice_dei_simboli(notazione: dict) -> str:
    """Una riga per simbolo, nell’ordine delle schede: il segno, che cos’è, la pagina della scheda."""
    righe = []
    for simbolo in notazione["simboli"]:
        frase = re.split(r"(?<=\.)\s", simbolo["significato"], maxsplit=1)[0]
        segno = simbolo["tex"].split("=")[0]
        pagina = rf"\detokenize{{glossary:{ancora_del_simbolo(simbolo['simbolo'])}}}"
        righe.append(rf"\rigasimbolo{{{segno}}}{{{in_tex(frase)}}}{{{pagina}}}" + "\n")
    return INDICE_DEI_SIMBOLI % "".join(righe)


def in_tex(testo: str) -> str:
    """Una frase Markdown con formule, in TeX."""
    pezzi = re.split(r"\$([^$]+)\$", re.sub(r"[`*]", "", testo))
    return "".join(f"${pezzo}$" if i % 2 else escape(pezzo, "xelatex") for i, pezzo in enumerate(pezzi))


def prepara_preambolo(app, config):
    config.latex_elements["preamble"] = "\\usepackage{libro}\n" + macro_latex()


def prepara_costruttore(app):
    if app.builder.format != "latex":
        return
    progetto = tomllib.loads((Path(app.confdir) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    app.builder.context |= {"release": progetto["version"], "releasename": "versione"}
    app.builder.context["atendofbody"] = indice_dei_simboli(leggi_notazione())


def setup(app):
    for trasformazione in (Riferimenti, IngleseRichiuso, Glosse, Esercizi, Schede, Tabelle, CelleIntere):
        app.add_post_transform(trasformazione)
    app.connect("config-inited", prepara_preambolo)
    app.connect("builder-inited", prepara_costruttore)
