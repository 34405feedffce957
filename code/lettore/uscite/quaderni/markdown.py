"""I nodi di un capitolo scritti in Markdown, per le celle di testo di un quaderno."""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node, solution_node

from lettore.notazione import espandi
from lettore.pezzi.blocco import blocco_bilingue, lato
from lettore.pezzi.glossa import glossa, scheda_di_blocco
from lettore.pezzi.solo_en import solo_en


class Markdown(nodes.NodeVisitor):
    """Scrive in Markdown i nodi che un capitolo può contenere; uno sconosciuto è un errore."""

    def __init__(self, documento: nodes.document):
        super().__init__(documento)
        self.pezzi: list[str] = []
        self.livello = 0

    # -- aiuti
    def rendi(self, nodo: nodes.Node) -> str:
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
    def visit_blocco_bilingue(self, nodo):
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

    visit_esperimento = visit_riquadro

    def visit_affermazione_composta(self, nodo):
        voce = nodo.deepcopy()
        voce.remove(voce.children[-1])  # i rimandi, che fuori dal libro non portano in nessun posto
        self.visit_riquadro(voce)


SALTATI = (
    nodes.comment,
    nodes.target,
    nodes.raw,
    nodes.image,
    nodes.figure,
    nodes.caption,
    nodes.legend,
    nodes.system_message,
    nodes.substitution_definition,
    nodes.label,
    scheda_di_blocco,
    solo_en,
    addnodes.index,
    addnodes.toctree,
    addnodes.highlightlang,
)
ATTRAVERSATI = (
    nodes.document,
    nodes.paragraph,
    nodes.inline,
    nodes.container,
    nodes.bullet_list,
    nodes.enumerated_list,
    nodes.definition_list,
    nodes.compound,
    blocco_bilingue,
    lato,
    glossa,
    exercise_node,
    exercise_enumerable_node,
    solution_node,
)


def _completa() -> None:
    for classe in SALTATI:
        setattr(Markdown, f"visit_{classe.__name__}", Markdown.salta)
    for classe in ATTRAVERSATI:
        for verso in ("visit", "depart"):
            nome = f"{verso}_{classe.__name__}"
            if not hasattr(Markdown, nome):
                setattr(Markdown, nome, Markdown.attraversa)


_completa()
