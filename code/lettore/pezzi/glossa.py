"""La direttiva `glossa`: il riassunto inglese di un blocco, e le indicazioni sotto di essa se l’originale manca."""

from __future__ import annotations

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from lettore.glossario import leggi_voci


class glossa(nodes.General, nodes.Element):
    """Riassunto inglese di un blocco, parole nostre; ``sola`` se l’originale manca."""


class scheda_di_blocco(nodes.General, nodes.Element):
    """Indicazioni sotto la glossa quando l’originale manca: incipit, luogo, termini nelle due lingue."""


class DirettivaGlossa(SphinxDirective):
    has_content = True

    def run(self):
        if not self.content:
            raise self.error("glossa vuota: servono una o due frasi inglesi nostre")
        nodo = glossa()
        self.set_source_info(nodo)
        self.state.nested_parse(self.content, self.content_offset, nodo)
        return [nodo]


def termini(nodo: nodes.Node) -> list[str]:
    """I termini di glossario richiamati dentro ``nodo``, nell’ordine, senza ripetizioni."""
    visti = {x["reftarget"]: None for x in nodo.findall(pending_xref) if x["reftype"] == "term"}
    return list(visti)


class CompletaSchede(SphinxPostTransform):
    """Mette accanto ai termini della scheda la loro forma inglese, dal glossario."""

    default_priority = 6

    def run(self, **kwargs):
        inglese = {v.it.lower(): v.en for v in leggi_voci()}
        for nodo in self.document.findall(scheda_di_blocco):
            nodo["coppie"] = [(t, inglese[t.lower()]) for t in nodo["termini"] if t.lower() in inglese]


def setup(app):
    app.add_node(glossa)
    app.add_node(scheda_di_blocco)
    app.add_directive("glossa", DirettivaGlossa)
    app.add_post_transform(CompletaSchede)
