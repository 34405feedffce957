"""Stile bibliografico: i 40 riferimenti con il numero dell’articolo, poi quelli delle note (N1, N2…)."""

import pybtex.plugin
from pybtex.style.formatting.unsrt import Style
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle
from sphinxcontrib.bibtex.domain import BibtexDomain

ULTIMO = 10_000  # i riferimenti delle note, senza «numero», vengono dopo


class Ordine(BaseSortingStyle):
    def sorting_key(self, voce):
        return int(voce.fields.get("numero", ULTIMO)), voce.key


class Etichette(BaseLabelStyle):
    def format_labels(self, voci):
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

    def resolve_xref(self, env, fromdocname, builder, typ, target, node, contnode):
        ordine = [chiave.strip() for chiave in target.split(",")]
        self.citations.sort(key=lambda c: ordine.index(c.key) if c.key in ordine else len(ordine))
        return super().resolve_xref(env, fromdocname, builder, typ, target, node, contnode)


def setup(app):
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_domain(Citazioni, override=True)
    for gruppo, classe in (("formatting", Stile), ("sorting", Ordine), ("labels", Etichette)):
        pybtex.plugin.register_plugin(f"pybtex.style.{gruppo}", "articolo", classe)
