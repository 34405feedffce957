"""La direttiva `solo-en`: ciò che una pagina soltanto italiana dice a chi ha scelto la vista inglese.

La mostra la sola pagina, e solo in quella vista: la carta, l’EPUB e i quaderni sono in italiano.
"""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class solo_en(nodes.General, nodes.Element):
    """Parole inglesi nostre."""


class DirettivaSoloEn(SphinxDirective):
    has_content = True

    def run(self):
        if not self.content:
            raise self.error("solo-en: attese delle parole")
        nodo = solo_en()
        self.state.nested_parse(self.content, self.content_offset, nodo)
        return [nodo]


def setup(app):
    app.add_node(solo_en)
    app.add_directive("solo-en", DirettivaSoloEn)
