"""Le direttive `capitoli`, un elenco di pagine con il tempo di ciascuna e la somma, e `mappa`, tutto il libro."""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from .tappa import minuti_di
from .tempo import chi_somma, dalla_radice, durata, pagine


class capitoli(nodes.General, nodes.Element):
    """Un elenco di pagine non ancora scritto; senza ``modelli``, tutte le parti del libro."""


class DirettivaCapitoli(SphinxDirective):
    has_content = True

    def run(self):
        if not self.content:
            raise self.error("capitoli: attesa una pagina per riga")
        chi_somma(self.env)
        nodo = capitoli(modelli=dalla_radice(self.content, self.env.docname))
        self.set_source_info(nodo)
        return [nodo]


class DirettivaMappa(SphinxDirective):
    def run(self):
        chi_somma(self.env)
        return [capitoli()]


class ScriviCapitoli(SphinxPostTransform):
    default_priority = 5  # prima che si compongano le formule dei titoli

    def run(self, **kwargs):
        for nodo in list(self.document.findall(capitoli)):
            if "modelli" in nodo:
                sue = pagine(self.env, nodo["modelli"], nodo)
                nodo.replace_self([self.elenco(sue), nodes.paragraph("", self.somma(sue), classes=["capitoli-somma"])])
            else:
                nodo.replace_self(nodes.container("", *self.parti(), classes=["mappa"]))

    def parti(self) -> Iterator[nodes.Node]:
        radice = self.env.get_doctree(self.config.root_doc)
        for parte in radice.findall(addnodes.toctree):
            sue = [doc for _, prima in parte["entries"] for doc in self.scendi(prima)]
            titolo = nodes.paragraph("", "", nodes.strong("", parte["caption"]), classes=["mappa-parte"])
            titolo += [nodes.Text(" · "), nodes.inline("", self.somma_di(sue), classes=["tempo"])]
            yield nodes.container("", titolo, self.elenco(sue))

    def scendi(self, doc: str) -> Iterator[str]:
        yield doc
        for altro in self.env.toctree_includes.get(doc, []):
            yield from self.scendi(altro)

    def elenco(self, sue: list[str]) -> nodes.bullet_list:
        elenco = nodes.bullet_list(classes=["capitoli"])
        for doc in sue:
            titolo = [parte.deepcopy() for parte in self.env.titles[doc].children]
            uri = self.app.builder.get_relative_uri(self.env.docname, doc)
            voce = nodes.paragraph("", "", nodes.reference("", "", *titolo, internal=True, refuri=uri))
            if quanti := minuti_di(self.env, doc):
                voce += [nodes.Text(" "), nodes.inline("", durata(quanti), classes=["tempo"])]
            elenco += nodes.list_item("", voce)
        return elenco

    def somma_di(self, sue: list[str]) -> str:
        return durata(sum(minuti_di(self.env, doc) or 0 for doc in sue))

    def somma(self, sue: list[str]) -> str:
        return f"In tutto {self.somma_di(sue)} di lettura."


def setup(app):
    app.add_node(capitoli)
    app.add_directive("capitoli", DirettivaCapitoli)
    app.add_directive("mappa", DirettivaMappa)
    app.add_post_transform(ScriviCapitoli)
