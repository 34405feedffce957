"""La direttiva `esperimento`: una domanda, e qualcosa da muovere per rispondere.

Ciò che si muove è in ``web/esperimenti``, un file per nome. Il corpo è ciò che se ne legge dove nulla si muove: sulla
carta, nell’EPUB, nei quaderni, nella pagina senza programmi; lì una riga dice anche dove si muove.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

CARTELLA = "web/esperimenti"
COMUNI = ("base", "esempio")
"""I file di tutti gli esperimenti, nell’ordine in cui si caricano."""

DAL_VIVO = ("figura", "guarda", "numeri", "prova", "senza", "traduci")
"""Gli esperimenti che chiedono il traduttore: «prova» sulla copertina, gli altri in una pagina loro."""

DATI = {"beam": "beam-alberi"} | dict.fromkeys(DAL_VIVO, "vivo")
"""Il file che un esperimento vuole prima di sé: numeri, o il traduttore che più esperimenti dividono."""


class esperimento(nodes.General, nodes.Element):
    """``nome`` è il file che lo anima, ``pagina`` dove sta; figli: la domanda, e ciò che si legge altrove."""


def nomi(radice: Path) -> list[str]:
    """Gli esperimenti che ci sono."""
    return sorted({file.stem for file in (radice / CARTELLA).glob("*.js")}.difference(COMUNI, DATI.values()))


def file_di(usati: list[str]) -> list[str]:
    """I file che una pagina con questi esperimenti carica, in ordine; nessuno se non ne ha."""
    suoi = [file for nome in sorted(set(usati)) for file in (DATI.get(nome), nome) if file]
    return list(dict.fromkeys([*COMUNI, *suoi])) if suoi else []


class DirettivaEsperimento(SphinxDirective):
    has_content = True
    required_arguments = 1
    option_spec: ClassVar = {"domanda": directives.unchanged_required}

    def run(self):
        nome, ci_sono = self.arguments[0], nomi(Path(self.env.srcdir))
        if nome not in ci_sono:
            raise self.error(f"esperimento «{nome}»: atteso uno fra {', '.join(ci_sono)}")
        if "domanda" not in self.options:
            raise self.error(f"esperimento «{nome}»: manca la domanda")
        if not self.content:
            raise self.error(f"esperimento «{nome}»: manca il testo per dove non si muove nulla")
        nodo = esperimento(nome=nome, pagina=self.env.docname, ids=[f"esperimento-{nome}"])
        self.set_source_info(nodo)
        testi, messaggi = self.state.inline_text(self.options["domanda"], self.lineno)
        tipo = nodes.strong("", "Esperimento", classes=["esperimento-tipo"])
        nodo += nodes.paragraph("", "", tipo, nodes.Text(" "), *testi, classes=["esperimento-domanda"])
        nodo += messaggi
        fermo = nodes.container(classes=["esperimento-fermo"])
        self.state.nested_parse(self.content, self.content_offset, fermo)
        nodo += fermo
        return [nodo]


class DoveSiMuove(SphinxPostTransform):
    """L’indirizzo a cui l’esperimento si muove, per intero se si sa dove sta il libro; nella pagina non si scrive."""

    default_priority = 5

    def run(self, **kwargs):
        for nodo in list(self.document.findall(esperimento)):
            luogo = f"{nodo['pagina']}.html#{nodo['ids'][0]}"
            base = self.config.lettore_ambiente.indirizzo
            dove = nodes.literal("", luogo)
            if base:
                dove = nodes.reference("", "", dove, refuri=base + luogo)
            testi = [nodes.Text("Si muove nella pagina web, "), dove, nodes.Text(".")]
            nodo += nodes.paragraph("", "", *testi, classes=["esperimento-dove"])


def setup(app):
    app.add_node(esperimento)
    app.add_directive("esperimento", DirettivaEsperimento)
    app.add_post_transform(DoveSiMuove)
