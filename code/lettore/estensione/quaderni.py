"""Il quaderno pulito di ogni capitolo: un ``.ipynb`` che gira da solo, da scaricare o da aprire in rete.

Parte dall’albero già risolto di Sphinx, quindi non vi restano direttive: blocchi bilingui come
italiano con l’inglese citato, macro espanse, rimandi e termini come testo, uscite tolte.

``DEPOSITO``, una variabile d’ambiente, è l’indirizzo pubblico del progetto: senza, i quaderni non sanno da dove
installare il pacchetto, e le pagine non offrono Colab né Binder.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx import addnodes
from sphinx.builders.dummy import DummyBuilder
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node, solution_node
from sphinx_exercise.utils import get_node_number

from lettore.notazione import macro_katex

from .blocco import blocco, glossa, lato, scheda

PACCHETTO, RAMO = "attenzione[valutazione]", "notebooks"
APERTURA = (
    "> Quaderno del libro «L’attenzione è tutto ciò che serve». Per eseguirlo serve il pacchetto "
    "`attenzione`: `{installa}`"
)
PREPARA = """\
# Dove il pacchetto del libro c’è già, questa cella non fa nulla
from importlib.util import find_spec

if find_spec("attenzione") is None:
"""
INSTALLA = """\
    print("Manca il pacchetto attenzione: lo installo")
    %pip install --quiet "{pacchetto}"
"""
SPIEGA = """\
    raise ModuleNotFoundError("manca attenzione; dalla cartella del libro: pip install '{pacchetto}'")
"""


def deposito() -> str:
    """L’indirizzo del progetto, come lo dà ``DEPOSITO``; vuoto se non c’è.

    Errori: ValueError se non è un indirizzo https o file.
    """
    indirizzo = os.environ.get("DEPOSITO", "").rstrip("/").removesuffix(".git")
    if indirizzo and not re.fullmatch(r"(https|file)://[\w./~-]+", indirizzo):
        raise ValueError(f"DEPOSITO vale «{indirizzo}»: atteso un indirizzo come https://github.com/nome/progetto")
    return indirizzo


def pacchetto() -> str:
    """Che cosa dare a pip: dal deposito, se si sa dov’è, o dalla cartella del libro."""
    dove = deposito()
    return f"{PACCHETTO} @ git+{dove}" if dove else PACCHETTO.replace("attenzione", ".")


def celle_di_apertura(con_codice: bool) -> list[nbformat.NotebookNode]:
    """Che cos’è e che cosa chiede; se poi ci sono celle di codice, anche quella che procura il pacchetto."""
    celle = [nbformat.v4.new_markdown_cell(APERTURA.format(installa=f'pip install "{pacchetto()}"'))]
    if con_codice:
        codice = PREPARA + (INSTALLA if deposito() else SPIEGA).format(pacchetto=pacchetto())
        celle.append(nbformat.v4.new_code_cell(codice.strip(), metadata={"tags": ["ambiente"]}))
    return celle


def nome_nel_ramo(docname: str) -> str:
    """Il file di un capitolo fra i quaderni: «passi/1-tensori.ipynb»."""
    return docname.removeprefix("chapters/") + ".ipynb"


def indirizzi_di_lancio(docname: str) -> dict[str, str]:
    """Dove aprire il quaderno di un capitolo, servizio per servizio; nulla se il deposito non è su GitHub."""
    github = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", deposito())
    if github is None:
        return {}
    return {
        "Colab": f"https://colab.research.google.com/github/{github[1]}/blob/{RAMO}/{nome_nel_ramo(docname)}",
        "Binder": f"https://mybinder.org/v2/gh/{github[1]}/{RAMO}?urlpath=lab/tree/{nome_nel_ramo(docname)}",
    }


def espandi(tex: str) -> str:
    """Sostituisce le macro del libro con il loro TeX, perché Jupyter non le conosce."""
    macro = macro_katex()
    nomi = "|".join(sorted((re.escape(m[1:]) for m in macro), key=len, reverse=True))

    def corpo(m):  # le graffe servono solo dove il corpo porta o riceve un apice o un pedice
        testo = macro["\\" + m[2]]
        return f"{m[1]}{{{testo}}}" if m[1] or m[3] else testo

    return re.sub(rf"([_^]?)\\({nomi})(?![A-Za-z])(?=\s*([_^])?)", corpo, tex)


class Markdown(nodes.NodeVisitor):
    """Scrive in Markdown i nodi che un capitolo può contenere; uno sconosciuto è un errore."""

    def __init__(self, documento):
        super().__init__(documento)
        self.pezzi: list[str] = []
        self.livello = 0
        self.elenchi: list[str] = []

    # -- aiuti
    def rendi(self, nodo) -> str:
        altro = Markdown(self.document)
        altro.livello = self.livello
        for figlio in nodo.children:
            figlio.walkabout(altro)
        return "".join(altro.pezzi).strip()

    def citato(self, testo: str) -> None:
        righe = "\n".join(f"> {r}".rstrip() for r in testo.split("\n"))
        self.pezzi.append(f"{righe}\n\n")

    def salta(self, nodo):
        raise nodes.SkipNode

    def attraversa(self, nodo):
        pass

    # -- testo in linea
    def visit_Text(self, nodo):
        self.pezzi.append(nodo.astext().replace("\n", " "))

    depart_Text = attraversa

    def visit_emphasis(self, nodo):
        self.pezzi.append("*")

    depart_emphasis = visit_emphasis

    def visit_strong(self, nodo):
        self.pezzi.append("**")

    depart_strong = visit_strong

    def visit_superscript(self, nodo):
        self.pezzi.append(f"<sup>{nodo.astext()}</sup>")
        raise nodes.SkipNode

    def visit_literal(self, nodo):
        self.pezzi.append(f"`{nodo.astext()}`")
        raise nodes.SkipNode

    def visit_math(self, nodo):
        self.pezzi.append(f"${espandi(nodo.astext())}$")
        raise nodes.SkipNode

    def visit_reference(self, nodo):
        uri = nodo.get("refuri", "")
        if not uri.startswith("http"):
            return
        self.pezzi.append(f"[{self.rendi(nodo)}]({uri})")
        raise nodes.SkipNode

    depart_reference = attraversa

    # -- blocchi
    def visit_section(self, nodo):
        self.livello += 1

    def depart_section(self, nodo):
        self.livello -= 1

    def visit_title(self, nodo):
        if isinstance(nodo.parent, nodes.Admonition):  # esercizio o soluzione
            self.pezzi.append(f"**{self.rendi(nodo) or nodo.parent['titolo']}**\n\n")
            raise nodes.SkipNode
        self.pezzi.append(f"{'#' * self.livello} {self.rendi(nodo)}\n\n")
        raise nodes.SkipNode

    def depart_paragraph(self, nodo):
        self.pezzi.append("\n\n")

    def visit_math_block(self, nodo):
        numero = f" \\tag{{{nodo['number']}}}" if nodo.get("number") else ""
        self.pezzi.append(f"$$\n{espandi(nodo.astext().strip())}{numero}\n$$\n\n")
        raise nodes.SkipNode

    def visit_literal_block(self, nodo):
        self.pezzi.append(f"```{nodo.get('language', '')}\n{nodo.astext()}\n```\n\n")
        raise nodes.SkipNode

    def visit_list_item(self, nodo):
        segno = "1. " if isinstance(nodo.parent, nodes.enumerated_list) else "- "
        corpo = self.rendi(nodo).replace("\n", "\n" + " " * len(segno))
        self.pezzi.append(f"{segno}{corpo}\n")
        raise nodes.SkipNode

    def depart_bullet_list(self, nodo):
        self.pezzi.append("\n")

    depart_enumerated_list = depart_bullet_list

    def visit_definition_list_item(self, nodo):
        termine, definizione = nodo.children[0], nodo.children[-1]
        self.pezzi.append(f"**{self.rendi(termine)}**: {self.rendi(definizione)}\n\n")
        raise nodes.SkipNode

    def visit_table(self, nodo):
        righe = [[self.rendi(c).replace("\n", " ") for c in r.children] for r in nodo.findall(nodes.row)]
        tabella = ["| " + " | ".join(r) + " |" for r in righe]
        tabella.insert(1, "|" + "---|" * len(righe[0]))
        self.pezzi.append("\n".join(tabella) + "\n\n")
        raise nodes.SkipNode

    def visit_block_quote(self, nodo):
        self.citato(self.rendi(nodo))
        raise nodes.SkipNode

    # -- nodi del libro
    def visit_blocco(self, nodo):
        if nodo.get("titolo"):
            raise nodes.SkipNode

    def visit_lato(self, nodo):
        if nodo["lang"] == "en":
            self.citato(self.rendi(nodo))
            raise nodes.SkipNode

    def visit_glossa(self, nodo):
        if not nodo.get("sola"):
            raise nodes.SkipNode

    def visit_riquadro(self, nodo):
        self.citato(self.rendi(nodo))
        raise nodes.SkipNode

    def visit_affermazione(self, nodo):
        voce = nodo.deepcopy()
        voce.remove(voce.children[-1])  # i rimandi, che fuori dal libro non portano in nessun posto
        self.visit_riquadro(voce)


SALTATI = (
    nodes.comment, nodes.target, nodes.raw, nodes.image, nodes.figure, nodes.caption, nodes.legend,
    nodes.system_message, nodes.substitution_definition, nodes.label, scheda, addnodes.index,
    addnodes.toctree, addnodes.highlightlang,
)
ATTRAVERSATI = (
    nodes.document, nodes.paragraph, nodes.inline, nodes.container, nodes.bullet_list,
    nodes.enumerated_list, nodes.definition_list, nodes.compound, blocco, lato, glossa,
    exercise_node, exercise_enumerable_node, solution_node,
)


def _completa():
    for classe in SALTATI:
        setattr(Markdown, f"visit_{classe.__name__}", Markdown.salta)
    for classe in ATTRAVERSATI:
        for verso in ("visit", "depart"):
            nome = f"{verso}_{classe.__name__}"
            if not hasattr(Markdown, nome):
                setattr(Markdown, nome, Markdown.attraversa)


_completa()


def quaderno(doctree) -> nbformat.NotebookNode:
    """Il quaderno di un capitolo, dal suo albero risolto; celle di testo e di codice nell’ordine."""
    celle: list[nbformat.NotebookNode] = []
    testo: list[str] = []

    def chiudi():
        if insieme := "".join(testo).strip():
            celle.append(nbformat.v4.new_markdown_cell(insieme))
        testo.clear()

    def scendi(nodo, livello):
        for figlio in nodo.children:
            if isinstance(figlio, nodes.container) and "cell" in figlio["classes"]:
                chiudi()
                celle.extend(celle_di_codice(figlio))
            elif isinstance(figlio, nodes.section):
                scendi(figlio, livello + 1)
            elif contiene_celle(figlio):
                scendi(figlio, livello)
            else:
                scrittore = Markdown(doctree)
                scrittore.livello = livello
                figlio.walkabout(scrittore)
                testo.append("".join(scrittore.pezzi))

    scendi(doctree, 0)
    chiudi()
    celle = celle_di_apertura(any(c.cell_type == "code" for c in celle)) + celle
    for i, cella in enumerate(celle):  # identificatori stabili: due costruzioni, gli stessi byte
        cella["id"] = f"cella-{i}"
    metadati = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=celle, metadata=metadati)


def contiene_celle(nodo) -> bool:
    return any("cell" in c["classes"] for c in nodo.findall(nodes.container))


def celle_di_codice(nodo):
    etichette = [classe.removeprefix("tag_") for classe in nodo["classes"] if classe.startswith("tag_")]
    for ingresso in nodo.findall(nodes.container):
        if "cell_input" in ingresso["classes"]:
            for codice in ingresso.findall(nodes.literal_block):
                yield nbformat.v4.new_code_cell(codice.astext(), metadata={"tags": etichette} if etichette else {})


class Quaderni(DummyBuilder):
    """Scrive i soli quaderni, con i nomi che hanno nel loro ramo; non compone pagine."""

    name = "quaderni"
    epilog = ""


def figura_non_eseguita(app, env, nodo, contenuto):
    """Le figure nascono da celle che qui non girano: del rimando restano le parole."""
    if app.builder.name == Quaderni.name and nodo["reftarget"].startswith("fig-"):
        return contenuto
    return None


def file_del_quaderno(app, docname) -> Path:
    if app.builder.name == Quaderni.name:
        return Path(app.outdir, nome_nel_ramo(docname))
    return Path(app.outdir, "_sources", f"{docname}.ipynb")


def prepara(app, doctree, docname):
    """Scrive il quaderno di ogni capitolo; va fatto prima che le formule diventino HTML."""
    if app.builder.name not in ("html", Quaderni.name) or "kernelspec" not in app.env.metadata[docname]:
        return
    for esercizio in doctree.findall(exercise_enumerable_node):
        esercizio["titolo"] = f"Esercizio {get_node_number(app, esercizio, 'exercise')}"
    file = file_del_quaderno(app, docname)
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(quaderno(doctree), file)


def nel_menu(app, pagina, modello, contesto, doctree):
    """Il tema offre il ``.ipynb`` solo con i bottoni di Colab o Binder: qui anche senza."""
    if file_del_quaderno(app, pagina).exists():
        contesto["ipynb_source"] = f"{pagina}.ipynb"


LOGHI = {"Colab": "_static/images/logo_colab.png", "Binder": "_static/images/logo_binder.svg"}


def bottoni_di_lancio(app, pagina, modello, contesto, doctree):
    """Colab e Binder; quelli del tema porterebbero al ``.md`` del capitolo, che là non si apre."""
    indirizzi = indirizzi_di_lancio(pagina)
    if indirizzi and "ipynb_source" in contesto:
        voci = [
            {"type": "link", "text": nome, "tooltip": f"Apri il quaderno in {nome}", "icon": LOGHI[nome], "url": url}
            for nome, url in indirizzi.items()
        ]
        contesto["header_buttons"].append(
            {"type": "group", "tooltip": "Esegui il quaderno in rete", "icon": "fas fa-rocket", "buttons": voci,
             "label": "launch-buttons"}
        )  # fmt: skip


def setup(app):
    app.add_builder(Quaderni)
    app.connect("missing-reference", figura_non_eseguita)
    app.connect("doctree-resolved", prepara, priority=800)
    app.connect("html-page-context", nel_menu, priority=400)
    app.connect("html-page-context", bottoni_di_lancio, priority=600)
