"""Stile bibliografico: i 40 riferimenti con il numero dell’articolo, poi quelli delle note (N1, N2…)."""

import pybtex.plugin
from pybtex.style.formatting.unsrt import Style
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle

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


def setup(app):
    for gruppo, classe in (("formatting", Stile), ("sorting", Ordine), ("labels", Etichette)):
        pybtex.plugin.register_plugin(f"pybtex.style.{gruppo}", "articolo", classe)
