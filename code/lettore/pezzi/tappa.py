"""La direttiva `tappa`, in testa ai capitoli."""

import re
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from lettore.sorgente import Pagina

PAROLE_AL_MINUTO = 150
"""A che velocità si legge: più piano di un romanzo. Lo dice anche la pagina che spiega come si usa il libro."""

PAROLA = re.compile(r"[^\W\d_]+")


def minuti(testo: str) -> int:
    """I minuti per leggere un capitolo, dal suo sorgente; almeno uno.

    Si contano le parole della prosa italiana, soluzioni e didascalie comprese, e i nomi delle celle che si vedono.
    """
    pagina = Pagina("", testo)
    celle = [cella.corpo for cella in pagina.celle if "hide-input" not in cella.preambolo]
    return max(1, round(len(PAROLA.findall(" ".join([pagina.prosa, *celle]))) / PAROLE_AL_MINUTO))


def minuti_di(env, docname: str) -> int | None:
    """I minuti di un capitolo già letto; None se non ha una tappa."""
    return env.metadata[docname].get("lettore_minuti")


class DirettivaTappa(SphinxDirective):
    """La riga in testa a un capitolo: che cosa aggiunge, quanto si legge e quanto dura, che cosa viene prima."""

    option_spec: ClassVar = {
        "aggiunge": directives.unchanged_required,
        "tempo": directives.nonnegative_int,
        "prima": directives.unchanged_required,
    }

    def run(self):
        if mancano := [nome for nome in self.option_spec if nome not in self.options]:
            raise self.error(f"tappa: mancano le voci {', '.join(mancano)}")
        capitolo = Path(self.env.doc2path(self.env.docname)).read_text(encoding="utf-8")
        self.env.metadata[self.env.docname]["lettore_minuti"] = quanti = minuti(capitolo)
        secondi = self.options["tempo"]
        voci = {
            "In questa tappa": self.options["aggiunge"],
            "Lettura": f"circa {quanti}\u00a0min",
            "Calcolo": f"circa {secondi}\u00a0s su due core" if secondi else "niente da eseguire",
            "Prima": self.options["prima"],
        }
        riga = " · ".join(f"**{nome}** {testo}" for nome, testo in voci.items())
        nodo = nodes.container(classes=["tappa"])
        self.state.nested_parse(StringList([riga], self.get_source_info()[0]), self.content_offset, nodo)
        return [nodo]


def setup(app):
    app.add_directive("tappa", DirettivaTappa)
