"""Le quattro note del libro: Nota, Perché, Verifica, Luogo comune."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

NOMI = {"nota": "Nota", "perche": "Perché", "verifica": "Verifica", "luogo-comune": "Luogo comune"}


class riquadro(nodes.General, nodes.Element):
    """Una nota: ``tipo`` è una chiave di ``NOMI``, il primo figlio è il titolo."""


class DirettivaNota(SphinxDirective):
    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        if not self.content:
            raise self.error(f"nota «{self.name}» vuota")
        nodo = riquadro(tipo=self.name)
        self.set_source_info(nodo)
        titolo = nodes.paragraph(
            "", "", nodes.strong("", NOMI[self.name], classes=["riquadro-tipo"]), classes=["riquadro-titolo"]
        )
        if self.arguments:
            testi, messaggi = self.state.inline_text(self.arguments[0], self.lineno)
            titolo += [nodes.Text(" "), *testi, *messaggi]
        nodo += titolo
        self.state.nested_parse(self.content, self.content_offset, nodo)
        return [nodo]


def setup(app):
    app.add_node(riquadro)
    for nome in NOMI:
        app.add_directive(nome, DirettivaNota)
