"""La direttiva `tappa`, in testa ai capitoli."""

from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective


class DirettivaTappa(SphinxDirective):
    """La riga in testa a un capitolo: che cosa aggiunge, quanto dura, che cosa viene prima."""

    option_spec: ClassVar = {
        "aggiunge": directives.unchanged_required,
        "tempo": directives.nonnegative_int,
        "prima": directives.unchanged_required,
    }

    def run(self):
        if mancano := [nome for nome in self.option_spec if nome not in self.options]:
            raise self.error(f"tappa: mancano le voci {', '.join(mancano)}")
        secondi = self.options["tempo"]
        tempo = f"circa {secondi}\u00a0s su due core" if secondi else "niente da eseguire"
        riga = f"**In questa tappa** {self.options['aggiunge']} · **Tempo** {tempo} · **Prima** {self.options['prima']}"
        nodo = nodes.container(classes=["tappa"])
        self.state.nested_parse(StringList([riga], self.get_source_info()[0]), self.content_offset, nodo)
        return [nodo]


def setup(app):
    app.add_directive("tappa", DirettivaTappa)
