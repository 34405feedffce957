"""La direttiva `inglese`: ciò che una pagina soltanto italiana dice a chi ha scelto la vista inglese.

La mostra la sola pagina, e solo in quella vista: la carta, l’EPUB e i quaderni sono in italiano.
"""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class inglese(nodes.General, nodes.Element):
    """Parole inglesi nostre."""


class DirettivaInglese(SphinxDirective):
    has_content = True

    def run(self):
        if not self.content:
            raise self.error("inglese: attese delle parole")
        nodo = inglese()
        self.state.nested_parse(self.content, self.content_offset, nodo)
        return [nodo]


def setup(app):
    app.add_node(inglese)
    app.add_directive("inglese", DirettivaInglese)
