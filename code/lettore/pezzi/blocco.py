"""Il blocco bilingue: un capoverso dell’articolo, due lingue, un solo indirizzo permanente.

Nel sorgente si scrive::

    ::::{blocco} s3.2.1-p1
    Testo italiano.

    :::{glossa}
    Our own English gloss.
    :::
    ::::

L’inglese degli autori non sta nel sorgente: viene da ``_originale/``, se il lettore lo ha
importato; altrimenti la colonna inglese è la glossa. Identificatori e obblighi vengono
dall’inventario (``blocchi.yml``): un blocco ignoto, doppio, senza traduzione o senza glossa,
un capitolo a cui manca un blocco sono errori con file e riga.
"""

from __future__ import annotations

import re

from docutils import nodes
from docutils.statemachine import StringList
from docutils.transforms import Transform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from lettore.inventario import PROSA, Blocco, leggi_inventario

from .glossa import glossa, scheda_di_blocco, termini
from .luoghi import BLOCCHI, ancora
from .rimandi import rimando

LOG = logging.getLogger(__name__)

TITOLI = {"heading", "title"}
DISEGNI = {"figure", "table"}
RICHIUSI = DISEGNI | {"references"}  # l’inglese dice quasi lo stesso: sta chiuso sotto
PAROLE_IN_FORMULA = r"\\text\{(?!model\}|ff\})"  # «where»: solo allora la formula si dà nelle due lingue


class blocco_bilingue(nodes.General, nodes.Element):
    """Un blocco dell’articolo: uno o due ``lato``."""


class lato(nodes.General, nodes.Element):
    """Il testo di un blocco in una lingua (``lang``)."""


class DirettivaBlocco(SphinxDirective):
    has_content = True
    required_arguments = 1

    def run(self):
        ident = self.arguments[0]
        voce = leggi_inventario().get(ident)
        if voce is None:
            raise self.error(f"blocco «{ident}» ignoto: non è fra quelli dell’inventario (blocchi.yml)")
        BLOCCHI.iscrivi(self, ident)

        nodo = blocco_bilingue(ident=ident, kind=voce.kind, ids=[ancora(ident)])
        self.set_source_info(nodo)
        nodo["classes"] += [f"blocco-{voce.kind}"]
        if voce.kind in TITOLI and not self.content:
            nodo["titolo"] = True
            nodo += self.lato_inglese([nodes.paragraph("", voce.heading or voce.incipit)])
            self.metti_lingua(nodo)
            return [nodo]
        if voce.kind in DISEGNI:
            nodo["disegno"] = True
        elif not self.content:
            raise self.error(f"blocco «{ident}» senza traduzione italiana")
        self.riempi(nodo, voce)
        return [nodo]

    def riempi(self, nodo: blocco_bilingue, voce: Blocco) -> None:
        italiano = lato(lang="it")
        self.set_source_info(italiano)
        self.state.nested_parse(self.content, self.content_offset, italiano)
        glosse = list(italiano.findall(glossa))
        for g in glosse:
            g.parent.remove(g)
        if self.content and not italiano.children:
            raise self.error(f"blocco «{voce.id}» senza traduzione italiana")
        if (voce.kind in PROSA) != (len(glosse) == 1):
            atteso = "una glossa" if voce.kind in PROSA else "nessuna glossa"
            raise self.error(f"blocco «{voce.id}»: attesa {atteso}, trovate {len(glosse)}")

        if italiano.children:
            nodo += italiano
        originale = self.originale(voce)
        if voce.kind in TITOLI:  # titolo in linea («Encoder:»): l’inglese è l’incipit stesso
            nodo += self.lato_inglese([nodes.paragraph("", "", nodes.strong("", voce.incipit))])
        elif originale:
            inglese = self.lato_inglese(originale)
            if glosse:
                inglese += glosse
            nodo += inglese
        elif glosse:
            glosse[0]["sola"] = True
            inglese = self.lato_inglese(glosse)
            inglese += scheda_di_blocco(ident=voce.id, termini=termini(italiano))
            nodo += inglese
        self.metti_lingua(nodo)
        for uno in nodo.findall(lato):
            if voce.mark and voce.kind in PROSA:
                metti_segno(uno, voce)
            if voce.kind == "caption" and not voce.sub:
                metti_numero(uno, voce)

    def originale(self, voce: Blocco) -> list[nodes.Node]:
        """I nodi inglesi del blocco, o una lista vuota se mancano o dicono lo stesso dell’italiano."""
        dati = (self.config.lettore_dati_originale or {}).get(voce.id)
        if not dati or (voce.kind == "equation" and not re.search(PAROLE_IN_FORMULA, dati["myst"])):
            return []
        if voce.kind == "figure":
            immagini = [i for i in dati["immagini"] if i.endswith(".png")]
            return [nodes.image(uri=f"/_originale/{i}", alt=f"The original {voce.id}") for i in immagini]
        scatola = nodes.Element()
        righe = StringList(dati["myst"].split("\n"), f"_originale/blocchi.json ({voce.id})")
        self.state.nested_parse(righe, 0, scatola)
        return scatola.children

    def lato_inglese(self, figli: list[nodes.Node]) -> lato:
        nodo = lato(lang="en")
        self.set_source_info(nodo)
        nodo += figli
        return nodo

    def metti_lingua(self, nodo: blocco_bilingue) -> None:
        # docutils 0.21 legge la lingua solo sul nodo di testo, non sugli antenati
        for uno in nodo.findall(lato):
            for testo in uno.findall(nodes.TextElement):
                testo["classes"].append(f"language-{uno['lang']}")


def metti_segno(nodo: lato, voce: Blocco) -> None:
    """Mette il segno della nota (4, ∗, †) davanti al suo testo, con il ritorno al blocco di partenza."""
    primo = nodo.next_node(nodes.paragraph)
    segno = rimando(bersaglio=voce.of, classes=["segno"], titolo="Torna al testo")
    segno += nodes.superscript("", voce.mark)
    primo.insert(0, [segno, nodes.Text(" ")])


def metti_numero(nodo: lato, voce: Blocco) -> None:
    """Scrive «Figura 1.» o «Tabella 1.» davanti a una didascalia, come la stampa dell’articolo."""
    figura, tabella = {"it": ("Figura", "Tabella"), "en": ("Figure", "Table")}[nodo["lang"]]
    numero = f"{tabella if voce.of.startswith('tab') else figura} {voce.of[3:]}."
    nodo.next_node(nodes.paragraph).insert(0, [nodes.strong("", numero), nodes.Text(" ")])


class SistemaBlocchi(Transform):
    """I blocchi senza testo proprio: un titolo sta sotto il suo titolo, una figura sotto la sua cella."""

    default_priority = 300

    def apply(self, **kwargs):
        for nodo in list(self.document.findall(blocco_bilingue)):
            voce = leggi_inventario()[nodo["ident"]]
            indice = nodo.parent.index(nodo)
            prima = nodo.parent[indice - 1] if indice else None
            if nodo.get("titolo"):
                self.titolo(nodo, voce, prima)
            elif nodo.get("disegno"):
                self.disegno(nodo, voce, prima)

    def titolo(self, nodo: blocco_bilingue, voce: Blocco, prima: nodes.Node | None) -> None:
        if not isinstance(prima, nodes.title):
            LOG.error("blocco «%s»: va scritto subito sotto il suo titolo", voce.id, location=nodo)
            return
        if voce.section and not prima.astext().startswith(f"{voce.section} "):
            LOG.error(
                "blocco «%s»: il titolo «%s» non comincia con %s", voce.id, prima.astext(), voce.section, location=nodo
            )
        nodo["livello"] = livello(nodo.parent)

    def disegno(self, nodo: blocco_bilingue, voce: Blocco, prima: nodes.Node | None) -> None:
        if isinstance(prima, nodes.container) and "cell" in prima["classes"]:
            prima.parent.remove(prima)
            nodo.insert(0, prima)
        elif not any(figlio["lang"] == "it" for figlio in nodo.findall(lato)):
            LOG.error("blocco «%s»: va scritto subito sotto la cella che lo disegna", voce.id, location=nodo)


def livello(sezione: nodes.Node) -> int:
    n = 0
    while isinstance(sezione, nodes.section):
        n, sezione = n + 1, sezione.parent
    return n


def setup(app):
    app.add_node(blocco_bilingue)
    app.add_node(lato)
    app.add_directive("blocco", DirettivaBlocco)
    app.add_transform(SistemaBlocchi)
