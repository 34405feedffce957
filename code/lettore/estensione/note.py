"""Le quattro note del libro (Nota, Perché, Verifica, Luogo comune) e la tappa in testa ai capitoli."""

from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

NOMI = {"nota": "Nota", "perche": "Perché", "verifica": "Verifica", "luogo-comune": "Luogo comune"}


class riquadro(nodes.General, nodes.Element):
    """Una nota: ``tipo`` è una chiave di ``NOMI``, il primo figlio è il titolo."""


class Riquadro(SphinxDirective):
    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        if not self.content:
            raise self.error(f"nota «{self.name}» vuota")
        nodo = riquadro(tipo=self.name)
        self.set_source_info(nodo)
        titolo = nodes.paragraph("", "", nodes.strong("", NOMI[self.name], classes=["riquadro-tipo"]),
                                 classes=["riquadro-titolo"])
        if self.arguments:
            testi, messaggi = self.state.inline_text(self.arguments[0], self.lineno)
            titolo += [nodes.Text(" "), *testi, *messaggi]
        nodo += titolo
        self.state.nested_parse(self.content, self.content_offset, nodo)
        return [nodo]


class Tappa(SphinxDirective):
    """La riga in testa a un capitolo: che cosa aggiunge, quanto dura, che cosa viene prima."""

    option_spec: ClassVar = {"aggiunge": directives.unchanged_required, "tempo": directives.nonnegative_int,
                             "prima": directives.unchanged_required}

    def run(self):
        if mancano := [nome for nome in self.option_spec if nome not in self.options]:
            raise self.error(f"tappa: mancano le voci {', '.join(mancano)}")
        secondi = self.options["tempo"]
        tempo = f"circa {secondi}\u00a0s su due core" if secondi else "niente da eseguire"
        riga = (f"**In questa tappa** {self.options['aggiunge']} · **Tempo** {tempo}"
                f" · **Prima** {self.options['prima']}")
        nodo = nodes.container(classes=["tappa"])
        self.state.nested_parse(StringList([riga], self.get_source_info()[0]), self.content_offset, nodo)
        return [nodo]


def apri_html(self, nodo):
    self.body.append(self.starttag(nodo, "div", CLASS=f"riquadro riquadro-{nodo['tipo']}", role="note"))


def chiudi_html(self, nodo):
    self.body.append("</div>\n")


def apri_latex(self, nodo):
    self.body.append(f"\n\\begin{{riquadro}}{{{nodo['tipo']}}}\n")


def chiudi_latex(self, nodo):
    self.body.append("\n\\end{riquadro}\n")


def setup(app):
    app.add_node(riquadro, html=(apri_html, chiudi_html), latex=(apri_latex, chiudi_latex))
    for nome in NOMI:
        app.add_directive(nome, Riquadro)
    app.add_directive("tappa", Tappa)
