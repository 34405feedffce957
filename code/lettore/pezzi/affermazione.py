"""La direttiva `affermazione`: nel capitolo, una riga quieta.

Verdetto, frase, che cosa la smentirebbe, i rimandi al blocco dell’articolo e al registro.
"""

from __future__ import annotations

from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from lettore.affermazioni import CONFERMATA, OPZIONI, Affermazione, crea_affermazione

from .luoghi import Elenco
from .rimandi import rimando

AFFERMAZIONI = Elenco("affermazione", "lettore_affermazioni")


class affermazione_composta(nodes.General, nodes.Element):
    """Una voce del registro, nel capitolo o nella pagina del registro: due o più capoversi."""


class verso_voce(nodes.Inline, nodes.TextElement):
    """Rimando da risolvere, dal capitolo alla pagina del registro o viceversa (``luogo``, ``ident``)."""


class Scrittura(SphinxDirective):
    """Ciò che le due direttive hanno in comune: come si compone una voce."""

    def componi(self, voce: Affermazione, luogo: str, rimandi: list[nodes.Node]) -> affermazione_composta:
        nodo = affermazione_composta(
            verdetto=voce.verdetto, esito=voce.esito, ids=[f"{luogo}-{voce.id}"], classes=[f"affermazione-in-{luogo}"]
        )
        self.set_source_info(nodo)
        nodo["names"] = nodo["ids"][:]
        self.state.document.note_explicit_target(nodo)  # vi si rimanda da ogni pagina, [così](#registro-…)
        frase, *altro = self.paragrafi([voce.frase, *dati(voce)])
        etichette = [nodes.strong("", voce.verdetto, classes=["affermazione-verdetto"]), nodes.Text(" ")]
        if voce.esito != CONFERMATA:
            etichette += [nodes.strong("", voce.esito, classes=["affermazione-esito"]), nodes.Text(" ")]
        frase[:0] = etichette
        altro.append(nodes.paragraph("", "", *rimandi, classes=["affermazione-rimandi"]))
        for capoverso in altro:
            capoverso["classes"].append("affermazione-dato")
        nodo += [frase, *altro]
        return nodo

    def paragrafi(self, testi: list[str]) -> list[nodes.paragraph]:
        scatola = nodes.container()
        righe = "\n\n".join(testi).split("\n")
        self.state.nested_parse(StringList(righe, self.get_source_info()[0]), self.content_offset, scatola)
        capoversi = [figlio for figlio in scatola.children if isinstance(figlio, nodes.paragraph)]
        if len(capoversi) != len(testi):
            raise self.error("affermazione: la frase e le sue righe stanno ciascuna in un capoverso")
        return capoversi


def dati(voce: Affermazione) -> list[str]:
    """Le righe sotto la frase, in Markdown."""
    etichette = {
        "invece": "Invece:",
        "smentita": "La smentirebbe:",
        "scala": "In scala:",
        "motivo": "Perché non qui:",
    }
    righe = [f"*{etichetta}* {testo}" for nome, etichetta in etichette.items() if (testo := getattr(voce, nome))]
    return [*righe, f"*L’afferma:* {{cite}}`{voce.fonte}`"] if voce.fonte else righe


def rimandi(verso: verso_voce, voce: Affermazione) -> list[nodes.Node]:
    """Al capitolo o al registro, e al capoverso dell’articolo se la frase è sua."""
    if not voce.blocco:
        return [verso]
    testo = nodes.Text(f"blocco {voce.blocco}")
    capoverso = rimando("", "", testo, bersaglio=voce.blocco, titolo="Il capoverso dell’articolo")
    return [capoverso, nodes.Text(" · "), verso]


class DirettivaAffermazione(Scrittura):
    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = dict.fromkeys(OPZIONI, directives.unchanged)

    def run(self):
        try:
            voce = crea_affermazione(self.arguments[0], self.options, "\n".join(self.content))
        except ValueError as errore:
            raise self.error(str(errore)) from None
        AFFERMAZIONI.iscrivi(self, voce.id)
        registro = verso_voce("", "nel registro", luogo="registro", ident=voce.id)
        return [self.componi(voce, "affermazione", rimandi(registro, voce))]


def setup(app):
    app.add_directive("affermazione", DirettivaAffermazione)
    app.add_node(affermazione_composta)
    app.add_node(verso_voce)
    AFFERMAZIONI.collega(app)
