"""Le celle con l’etichetta «misura»: i loro numeri cambiano da una volta all’altra, e la pagina lo dice."""

from docutils import nodes
from sphinx.transforms import SphinxTransform

AVVISO = "Misurato sulla macchina che ha costruito questa pagina: altrove, o un’altra volta, i numeri sono altri."


def e_una_misura(nodo: nodes.Node | None) -> bool:
    return isinstance(nodo, nodes.container) and "tag_misura" in nodo["classes"]


class AvvisoDiMisura(SphinxTransform):
    """Una riga dopo ogni misura; una sola dopo più misure di fila."""

    default_priority = 400

    def apply(self):
        for cella in list(self.document.findall(e_una_misura)):
            if not e_una_misura(cella.next_node(descend=False, siblings=True)):
                avviso = nodes.paragraph("", AVVISO, classes=["misura"])
                cella.parent.insert(cella.parent.index(cella) + 1, avviso)


def setup(app):
    app.add_transform(AvvisoDiMisura)
