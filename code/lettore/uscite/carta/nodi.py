"""I nostri nodi in LaTeX; gli ambienti sono in assets/tex/libro.sty."""

from __future__ import annotations

from docutils import nodes

from lettore.pezzi.affermazione import affermazione_composta
from lettore.pezzi.blocco import blocco_bilingue, lato
from lettore.pezzi.esperimento import esperimento
from lettore.pezzi.glossa import glossa, scheda_di_blocco
from lettore.pezzi.note import riquadro
from lettore.pezzi.registro import prove_richiuse
from lettore.pezzi.solo_en import solo_en


def apri_blocco(self, nodo):
    self.body.append(f"\n\\begin{{blocco}}{{{nodo['ident']}}}" + self.hypertarget_to(nodo) + "%\n")


def chiudi_blocco(self, nodo):
    self.body.append("\\end{blocco}\n")


def apri_lato(self, nodo):
    """L’inglese si salta nell’edizione italiana, che è lo stesso libro.tex."""
    self.body.append({"it": "", "en": "\\iflibroitaliano\\else"}[nodo["lang"]] + f"\\begin{{lato{nodo['lang']}}}\n")


def chiudi_lato(self, nodo):
    self.body.append(f"\n\\end{{lato{nodo['lang']}}}" + {"it": "%\n", "en": "\\fi\n"}[nodo["lang"]])


def apri_glossa(self, nodo):
    if not nodo.get("sola"):
        raise nodes.SkipNode


def salta(self, nodo):
    raise nodes.SkipNode


def niente(self, nodo):
    pass


def apri_riquadro(self, nodo):
    self.body.append(f"\n\\begin{{riquadro}}{{{nodo['tipo']}}}\n")


def chiudi_riquadro(self, nodo):
    self.body.append("\n\\end{riquadro}\n")


def apri_esperimento(self, nodo):
    self.body.append("\n\\begin{riquadro}{esperimento}" + self.hypertarget_to(nodo) + "%\n")


def apri_affermazione(self, nodo):
    self.body.append("\n\\begin{affermazione}" + self.hypertarget_to(nodo) + "%\n")


def chiudi_affermazione(self, nodo):
    self.body.append("\n\\end{affermazione}\n")


def setup(app):
    app.add_node(blocco_bilingue, override=True, latex=(apri_blocco, chiudi_blocco))
    app.add_node(lato, override=True, latex=(apri_lato, chiudi_lato))
    app.add_node(glossa, override=True, latex=(apri_glossa, niente))
    app.add_node(scheda_di_blocco, override=True, latex=(salta, None))
    app.add_node(riquadro, override=True, latex=(apri_riquadro, chiudi_riquadro))
    app.add_node(esperimento, override=True, latex=(apri_esperimento, chiudi_riquadro))
    app.add_node(affermazione_composta, override=True, latex=(apri_affermazione, chiudi_affermazione))
    app.add_node(prove_richiuse, override=True, latex=(niente, niente))
    app.add_node(solo_en, override=True, latex=(salta, None))
