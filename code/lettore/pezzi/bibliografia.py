"""Stile bibliografico: i 40 riferimenti con il numero dell’articolo, poi quelli delle note (N1, N2…)."""

import re
from collections.abc import Iterator

import pybtex.plugin
from docutils import nodes
from pybtex.database import Entry
from pybtex.style.formatting.unsrt import Style
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinxcontrib.bibtex.domain import BibtexDomain

from lettore.inventario import Blocco, leggi_inventario

from .luoghi import BLOCCHI
from .rimandi import rimando

ULTIMO = 10_000  # i riferimenti delle note, senza «numero», vengono dopo


class Ordine(BaseSortingStyle):
    def sorting_key(self, voce: Entry) -> tuple[int, str]:
        return int(voce.fields.get("numero", ULTIMO)), voce.key


class Etichette(BaseLabelStyle):
    def format_labels(self, voci: list[Entry]) -> Iterator[str]:
        note = 0
        for voce in voci:
            if "numero" in voce.fields:
                yield voce.fields["numero"]
            else:
                note += 1
                yield f"N{note}"


class Stile(Style):
    default_sorting_style = "articolo"
    default_label_style = "articolo"


class Citazioni(BibtexDomain):
    """Le chiavi di una citazione restano nell’ordine in cui sono scritte: [35, 2, 5], come nell’articolo."""

    def resolve_xref(self, env, fromdocname: str, builder, typ, target: str, node, contnode: nodes.Element):
        ordine = [chiave.strip() for chiave in target.split(",")]
        prima = list(self.citations)
        self.citations.sort(key=lambda c: ordine.index(c.key) if c.key in ordine else len(ordine))
        try:
            return super().resolve_xref(env, fromdocname, builder, typ, target, node, contnode)
        finally:
            self.citations[:] = prima


class CitatoIn(SphinxPostTransform):
    """In fondo a ogni riferimento dell’articolo, i blocchi che lo citano."""

    default_priority = 60  # dopo che la bibliografia è composta, prima che i rimandi si risolvano

    def run(self, **kwargs):
        chiavi = {c.citation_id: c.key for c in self.env.get_domain("cite").citations}
        for voce in self.document.findall(nodes.citation):
            chiave = chiavi.get(voce["ids"][0])
            citanti = [b for b in leggi_inventario().values() if chiave in b.cites and b.id in BLOCCHI.di(self.env)]
            if citanti:
                voce += self.riga(citanti)

    def riga(self, citanti: list[Blocco]) -> nodes.paragraph:
        riga = nodes.paragraph("", "Citato in ", classes=["citato-in"])
        for i, blocco in enumerate(citanti):
            riga += [nodes.Text(", " if i else ""), rimando("", luogo(blocco), bersaglio=blocco.id)]
        return riga


def luogo(blocco: Blocco) -> str:
    """Il nome di un blocco per chi legge: «3.2.1 ¶3», «tabella 2»."""
    if blocco.kind == "table":
        return f"tabella {blocco.id[3:]}"
    numero = re.search(r"-(?:p|li)(\d+)$", blocco.id)
    return f"{blocco.section} ¶{numero[1]}" if numero else str(blocco.section)


def setup(app):
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_domain(Citazioni, override=True)
    app.add_post_transform(CitatoIn)
    for gruppo, classe in (("formatting", Stile), ("sorting", Ordine), ("labels", Etichette)):
        pybtex.plugin.register_plugin(f"pybtex.style.{gruppo}", "articolo", classe)
