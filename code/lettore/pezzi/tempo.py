"""Il ruolo `tempo`: quanto si leggono, in tutto, le pagine dette; la somma dei minuti delle loro tappe.

`` {tempo}`passi/*` ``: pagine rispetto a quella che si scrive, separate da spazi; l’asterisco ne prende più d’una. Le
tappe si sommano a libro letto, e chi ne dice la somma si riscrive quando una cambia.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from posixpath import dirname, join, normpath

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

from .tappa import minuti_di

LOG = logging.getLogger(__name__)


class tempo(nodes.Inline, nodes.TextElement):
    """Un tempo di lettura non ancora sommato: ``modelli`` delle pagine, rispetto alla radice del libro."""


class RuoloTempo(SphinxRole):
    def run(self):
        chi_somma(self.env)
        nodo = tempo(modelli=dalla_radice(self.text.split(), self.env.docname))
        self.set_source_info(nodo)
        return [nodo], []


def chi_somma(env) -> None:
    """Segna la pagina che si legge come una che dice tempi altrui."""
    env.metadata[env.docname]["lettore_somma"] = True


def dalla_radice(modelli: Iterable[str], docname: str) -> list[str]:
    return [normpath(join(dirname(docname), modello)) for modello in modelli]


def pagine(env, modelli: Iterable[str], nodo: nodes.Node) -> list[str]:
    """Le pagine dei modelli, ciascuna una volta; un modello che non ne trova nessuna è un avviso."""
    trovate = {}
    for modello in modelli:
        sue = [doc for doc in sorted(env.all_docs) if fnmatchcase(doc, modello)]
        if not sue:
            LOG.warning("tempo: nessuna pagina «%s»", modello, location=nodo, type="tempo")
        trovate |= dict.fromkeys(sue)
    return list(trovate)


def durata(minuti: int) -> str:
    """«48 min», «2 h», «2 h 5 min»: con gli spazi che non si spezzano."""
    ore, resto = divmod(minuti, 60)
    return "\u00a0".join([f"{ore}\u00a0h"] * (ore > 0) + [f"{resto}\u00a0min"] * (resto > 0 or not ore))


class SommaTempi(SphinxPostTransform):
    default_priority = 5

    def run(self, **kwargs):
        for nodo in list(self.document.findall(tempo)):
            quanti = sum(minuti_di(self.env, doc) or 0 for doc in pagine(self.env, nodo["modelli"], nodo))
            nodo.replace_self(nodes.inline("", durata(quanti), classes=["tempo"]))


def da_riscrivere(app, env):
    """Se una tappa cambia, le pagine che dicono tempi altrui."""
    tempi = {doc: quanti for doc in sorted(env.all_docs) if (quanti := minuti_di(env, doc))}
    prima, env.lettore_tempi = getattr(env, "lettore_tempi", None), tempi
    return [] if prima == tempi else sorted(doc for doc in env.all_docs if "lettore_somma" in env.metadata[doc])


def setup(app):
    app.add_node(tempo)
    app.add_role("tempo", RuoloTempo())
    app.add_post_transform(SommaTempi)
    app.connect("env-updated", da_riscrivere)
