"""I ruoli ``rif`` e ``richiamo``, e i rimandi ai blocchi, che si risolvono a libro letto."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxRole

from lettore.inventario import leggi_inventario

from .luoghi import BLOCCHI, ancora


class rimando(nodes.Inline, nodes.TextElement):
    """Rimando interno non ancora risolto a un blocco (``bersaglio``)."""


class RuoloRif(SphinxRole):
    """``{rif}`fig2``` scrive il numero stampato (2) e rimanda al blocco."""

    def run(self):
        radice = self.text
        inventario = leggi_inventario()
        bersaglio = radice if radice in inventario else f"{radice}-h"
        if bersaglio not in inventario:
            riga = f"rif «{radice}»: nessun blocco con questo nome nell’inventario"
            messaggio = self.inliner.reporter.error(riga, line=self.lineno)
            return [nodes.inline("", radice)], [messaggio]
        numero = re.sub(r"^(fig|tab|eq|s)", "", radice)
        return [rimando("", numero, bersaglio=bersaglio)], []


class RuoloRichiamo(SphinxRole):
    """``{richiamo}`s3.2.1-fn4``` scrive il segno della nota in alto e rimanda alla nota."""

    def run(self):
        voce = leggi_inventario().get(self.text)
        if voce is None or not voce.mark:
            riga = f"richiamo «{self.text}»: non è una nota"
            messaggio = self.inliner.reporter.error(riga, line=self.lineno)
            return [nodes.inline("", self.text)], [messaggio]
        nodo = rimando("", "", nodes.superscript("", voce.mark), bersaglio=self.text, titolo="Nota")
        return [nodo], []


class RisolviRimandi(SphinxPostTransform):
    default_priority = 70

    def run(self, **kwargs):
        for nodo in list(self.document.findall(rimando)):
            luogo = BLOCCHI.di(self.env).get(nodo["bersaglio"])
            if luogo is None:  # capitolo non ancora nel libro: resta il numero
                nuovo = nodes.inline("", "", *nodo.children, classes=nodo["classes"])
            else:
                uri = self.app.builder.get_relative_uri(self.env.docname, luogo[0])
                nuovo = nodes.reference(
                    "",
                    "",
                    *nodo.children,
                    internal=True,
                    classes=nodo["classes"],
                    refuri=f"{uri}#{ancora(nodo['bersaglio'])}",
                )
                if "titolo" in nodo:
                    nuovo["reftitle"] = nodo["titolo"]
            nodo.replace_self(nuovo)


def setup(app):
    app.add_node(rimando)
    app.add_role("rif", RuoloRif())
    app.add_role("richiamo", RuoloRichiamo())
    app.add_post_transform(RisolviRimandi)
