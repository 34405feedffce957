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

import hashlib
import json
import re
from html import escape
from itertools import pairwise
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from docutils.transforms import Transform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from lettore.glossario import leggi_voci
from lettore.inventario import PROSA, capitolo, leggi_inventario
from lettore.originale import ErroreOriginale, carica
from lettore.pubblico import senza_originale

LOG = logging.getLogger(__name__)

TITOLI = {"heading", "title"}
DISEGNI = {"figure", "table"}
RICHIUSI = DISEGNI | {"references"}  # l’inglese dice quasi lo stesso: sta chiuso sotto
MOBILI = {"figure", "table", "caption", "note", "footnote"}  # sulla pagina non seguono l’ordine del testo
PAROLE_IN_FORMULA = r"\\text\{(?!model\}|ff\})"  # «where»: solo allora la formula si dà nelle due lingue
PDF = "https://arxiv.org/pdf/1706.03762v5#page={}"


def ancora(ident: str) -> str:
    """Da identificatore di blocco ad ancora HTML: ``s3.2.1-p1`` → ``s3-2-1-p1``."""
    return ident.replace(".", "-")


class blocco(nodes.General, nodes.Element):
    """Un blocco dell’articolo: uno o due ``lato``."""


class lato(nodes.General, nodes.Element):
    """Il testo di un blocco in una lingua (``lang``)."""


class glossa(nodes.General, nodes.Element):
    """Riassunto inglese di un blocco, parole nostre; ``sola`` se l’originale manca."""


class scheda(nodes.General, nodes.Element):
    """Indicazioni sotto la glossa quando l’originale manca: incipit, luogo, termini nelle due lingue."""


class rimando(nodes.Inline, nodes.TextElement):
    """Rimando interno non ancora risolto a un blocco (``bersaglio``)."""


# ---------------------------------------------------------------- direttive


class Glossa(SphinxDirective):
    has_content = True

    def run(self):
        if not self.content:
            raise self.error("glossa vuota: servono una o due frasi inglesi nostre")
        nodo = glossa()
        self.set_source_info(nodo)
        self.state.nested_parse(self.content, self.content_offset, nodo)
        return [nodo]


class Blocco(SphinxDirective):
    has_content = True
    required_arguments = 1

    def run(self):
        ident = self.arguments[0]
        voce = leggi_inventario().get(ident)
        if voce is None:
            raise self.error(f"blocco «{ident}» ignoto: non è fra quelli dell’inventario (blocchi.yml)")
        self.iscrivi(ident)

        nodo = blocco(ident=ident, kind=voce.kind, ids=[ancora(ident)])
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

    def riempi(self, nodo, voce):
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
            inglese += scheda(ident=voce.id, termini=termini(italiano))
            nodo += inglese
        self.metti_lingua(nodo)
        for uno in nodo.findall(lato):
            if voce.mark and voce.kind in PROSA:
                metti_segno(uno, voce)
            if voce.kind == "caption" and not voce.sub:
                metti_numero(uno, voce)

    def originale(self, voce):
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

    def lato_inglese(self, figli):
        nodo = lato(lang="en")
        self.set_source_info(nodo)
        nodo += figli
        return nodo

    def metti_lingua(self, nodo):
        # docutils 0.21 legge la lingua solo sul nodo di testo, non sugli antenati
        for uno in nodo.findall(lato):
            for testo in uno.findall(nodes.TextElement):
                testo["classes"].append(f"language-{uno['lang']}")

    def iscrivi(self, ident):
        elenco = registro(self.env)
        if ident in elenco:
            doc, riga = elenco[ident]
            raise self.error(f"blocco «{ident}» già presente in {self.env.doc2path(doc, False)}, riga {riga}")
        elenco[ident] = (self.env.docname, self.lineno)


def termini(nodo):
    """I termini di glossario richiamati dentro ``nodo``, nell’ordine, senza ripetizioni."""
    from sphinx.addnodes import pending_xref

    visti = {x["reftarget"]: None for x in nodo.findall(pending_xref) if x["reftype"] == "term"}
    return list(visti)


def metti_segno(nodo, voce):
    """Mette il segno della nota (4, ∗, †) davanti al suo testo, con il ritorno al blocco di partenza."""
    primo = nodo.next_node(nodes.paragraph)
    segno = rimando(bersaglio=voce.of, classes=["segno"], titolo="Torna al testo")
    segno += nodes.superscript("", voce.mark)
    primo.insert(0, [segno, nodes.Text(" ")])


def metti_numero(nodo, voce):
    """Scrive «Figura 1.» o «Tabella 1.» davanti a una didascalia, come la stampa dell’articolo."""
    nomi = {"it": ("Figura", "Tabella"), "en": ("Figure", "Table")}[nodo["lang"]]
    numero = f"{nomi[voce.of.startswith('tab')]} {voce.of[3:]}."
    nodo.next_node(nodes.paragraph).insert(0, [nodes.strong("", numero), nodes.Text(" ")])


# ---------------------------------------------------------------- rimandi


class Rif(SphinxRole):
    """``{rif}`fig2``` scrive il numero stampato (2) e rimanda al blocco."""

    def run(self):
        radice = self.text
        inventario = leggi_inventario()
        bersaglio = radice if radice in inventario else f"{radice}-h"
        if bersaglio not in inventario:
            riga = f"rif «{radice}»: nessun blocco con questo nome nell’inventario"
            messaggio = self.inliner.reporter.error(riga, line=self.lineno)
            return [nodes.inline("", radice)], [messaggio]
        numero = re.sub(r"^(fig|tab|eq|s)", "", radice)
        return [rimando("", numero, bersaglio=bersaglio)], []


class Richiamo(SphinxRole):
    """``{richiamo}`s3.2.1-fn4``` scrive il segno della nota in alto e rimanda alla nota."""

    def run(self):
        voce = leggi_inventario().get(self.text)
        if voce is None or not voce.mark:
            riga = f"richiamo «{self.text}»: non è una nota"
            messaggio = self.inliner.reporter.error(riga, line=self.lineno)
            return [nodes.inline("", self.text)], [messaggio]
        nodo = rimando("", "", nodes.superscript("", voce.mark), bersaglio=self.text, titolo="Nota")
        return [nodo], []


class RisolviRimandi(SphinxPostTransform):
    default_priority = 70

    def run(self, **kwargs):
        for nodo in list(self.document.findall(rimando)):
            luogo = registro(self.env).get(nodo["bersaglio"])
            if luogo is None:  # capitolo non ancora nel libro: resta il numero
                nuovo = nodes.inline("", "", *nodo.children, classes=nodo["classes"])
            else:
                uri = self.app.builder.get_relative_uri(self.env.docname, luogo[0])
                nuovo = nodes.reference(
                    "", "", *nodo.children, internal=True, classes=nodo["classes"],
                    refuri=f"{uri}#{ancora(nodo['bersaglio'])}",
                )
                if "titolo" in nodo:
                    nuovo["reftitle"] = nodo["titolo"]
            nodo.replace_self(nuovo)


# ---------------------------------------------------------------- controlli


class SistemaBlocchi(Transform):
    """I blocchi senza testo proprio: un titolo sta sotto il suo titolo, una figura sotto la sua cella."""

    default_priority = 300

    def apply(self, **kwargs):
        for nodo in list(self.document.findall(blocco)):
            voce = leggi_inventario()[nodo["ident"]]
            indice = nodo.parent.index(nodo)
            prima = nodo.parent[indice - 1] if indice else None
            if nodo.get("titolo"):
                self.titolo(nodo, voce, prima)
            elif nodo.get("disegno"):
                self.disegno(nodo, voce, prima)

    def titolo(self, nodo, voce, prima):
        if not isinstance(prima, nodes.title):
            LOG.error("blocco «%s»: va scritto subito sotto il suo titolo", voce.id, location=nodo)
            return
        if voce.section and not prima.astext().startswith(f"{voce.section} "):
            LOG.error("blocco «%s»: il titolo «%s» non comincia con %s", voce.id, prima.astext(),
                      voce.section, location=nodo)
        nodo["livello"] = livello(nodo.parent)

    def disegno(self, nodo, voce, prima):
        if isinstance(prima, nodes.container) and "cell" in prima["classes"]:
            prima.parent.remove(prima)
            nodo.insert(0, prima)
        elif not any(figlio["lang"] == "it" for figlio in nodo.findall(lato)):
            LOG.error("blocco «%s»: va scritto subito sotto la cella che lo disegna", voce.id, location=nodo)


def livello(sezione):
    n = 0
    while isinstance(sezione, nodes.section):
        n, sezione = n + 1, sezione.parent
    return n


def registro(env) -> dict[str, tuple[str, int]]:
    """Blocchi già letti: identificatore → (documento, riga)."""
    if not hasattr(env, "lettore_blocchi"):
        env.lettore_blocchi = {}
    return env.lettore_blocchi


def dimentica(app, env, docname):
    for ident in [i for i, (doc, _) in registro(env).items() if doc == docname]:
        del registro(env)[ident]


def unisci(app, env, docnames, altro):
    registro(env).update({i: v for i, v in registro(altro).items() if v[0] in docnames})


def controlla_copertura(app, env):
    """Chi comincia una sezione la finisce: ogni suo blocco, una volta, nell’ordine dell’articolo."""
    letti = registro(env)
    inventario = leggi_inventario()
    iniziati = {capitolo(inventario[i]): letti[i] for i in reversed(letti)}
    for ident, voce in inventario.items():
        luogo = iniziati.get(capitolo(voce))
        if luogo and ident not in letti:
            LOG.error("manca il blocco «%s» (%s), che la sezione «%s» deve avere", ident, voce.kind,
                      capitolo(voce), location=luogo)
    ordine = list(inventario)
    per_documento = {}
    for ident, (doc, riga) in letti.items():
        if inventario[ident].kind not in MOBILI:
            per_documento.setdefault(doc, []).append((riga, ordine.index(ident), ident))
    for doc, voci in per_documento.items():
        voci.sort()
        for (_, prima, _), (riga, dopo, ident) in pairwise(voci):
            if dopo < prima:
                LOG.error("blocco «%s» fuori posto: nell’articolo viene prima", ident, location=(doc, riga))


# ---------------------------------------------------------------- HTML


def apri_blocco(self, nodo):
    voce = leggi_inventario()[nodo["ident"]]
    self.body.append(self.starttag(nodo, "div", CLASS="blocco"))
    luogo = f"{voce.id}, pagina {voce.page_v5} dell’articolo" if voce.page_v5 else voce.id
    self.body.append(
        f'<a class="ancora" href="#{ancora(voce.id)}" title="Indirizzo permanente del blocco {escape(luogo)}"'
        f' aria-label="Indirizzo permanente del blocco {escape(luogo)}">§</a>'
    )


def apri_lato(self, nodo):
    attributi = {}
    if nodo.parent.get("titolo"):
        attributi = {"role": "heading", "aria-level": str(nodo.parent.get("livello", 1))}
    classe = f"lato lato-{nodo['lang']}"
    self.body.append(self.starttag(nodo, etichetta(nodo), CLASS=classe, lang=nodo["lang"], **attributi))
    if etichetta(nodo) == "details":
        self.body.append("<summary>As printed in the original</summary>")


def chiudi_lato(self, nodo):
    self.body.append(f"</{etichetta(nodo)}>\n")


def etichetta(nodo):
    """Figure, tabelle e riferimenti dell’originale stanno chiusi sotto i nostri."""
    return "details" if nodo["lang"] == "en" and nodo.parent["kind"] in RICHIUSI else "div"


def chiudi_div(self, nodo):
    self.body.append("</div>\n")


def apri_glossa(self, nodo):
    if nodo.get("sola"):
        self.body.append(self.starttag(nodo, "div", CLASS="glossa glossa-sola"))
    else:
        self.body.append(self.starttag(nodo, "details", CLASS="glossa"))
        self.body.append("<summary>In short, in our words</summary>")


def chiudi_glossa(self, nodo):
    self.body.append("</div>\n" if nodo.get("sola") else "</details>\n")


def visita_scheda(self, nodo):
    voce = leggi_inventario()[nodo["ident"]]
    pezzi = [f'<span class="glossa-etichetta">Our gloss of block {escape(voce.id)}</span>']
    if voce.incipit:
        testo = f"“{escape(voce.incipit)}…”"
        if voce.page_v5:
            indirizzo = PDF.format(voce.page_v5)
            testo = f'<a class="reference external" href="{indirizzo}">{testo} p.&nbsp;{voce.page_v5}</a>'
        pezzi.append(testo)
    coppie = [f"<i>{escape(en)}</i>" + ("" if it == en else f" = <span lang=\"it\">{escape(it)}</span>")
              for it, en in nodo["coppie"]]
    if coppie:
        pezzi.append("; ".join(coppie))
    self.body.append(f'<p class="scheda">{" · ".join(pezzi)}</p>\n')
    raise nodes.SkipNode


class CompletaSchede(SphinxPostTransform):
    """Mette accanto ai termini della scheda la loro forma inglese, dal glossario."""

    default_priority = 6

    def run(self, **kwargs):
        inglese = {v.it.lower(): v.en for v in leggi_voci()}
        for nodo in self.document.findall(scheda):
            nodo["coppie"] = [(t, inglese[t.lower()]) for t in nodo["termini"] if t.lower() in inglese]


# ---------------------------------------------------------------- LaTeX

# gli ambienti sono in assets/tex/libro.sty


def apri_blocco_latex(self, nodo):
    self.body.append(f"\n\\begin{{blocco}}{{{nodo['ident']}}}" + self.hypertarget_to(nodo) + "%\n")


def apri_lato_latex(self, nodo):
    """L’inglese si salta nell’edizione italiana, che è lo stesso libro.tex."""
    self.body.append({"it": "", "en": "\\iflibroitaliano\\else"}[nodo["lang"]] + f"\\begin{{lato{nodo['lang']}}}\n")


def chiudi_lato_latex(self, nodo):
    self.body.append(f"\n\\end{{lato{nodo['lang']}}}" + {"it": "%\n", "en": "\\fi\n"}[nodo["lang"]])


def apri_glossa_latex(self, nodo):
    if not nodo.get("sola"):
        raise nodes.SkipNode


def salta(self, nodo):
    raise nodes.SkipNode


def niente(self, nodo):
    pass


# ---------------------------------------------------------------- avvio


def leggi_originale(app, config):
    """Carica ``_originale/`` se c’è; ``ORIGINALE=no`` e ``PUBBLICO=1`` fanno come se non ci fosse."""
    config.lettore_dati_originale = None
    if not senza_originale():
        try:
            dati = carica(Path(app.confdir))
        except ErroreOriginale as errore:
            LOG.error("originale inglese: %s", errore)
            dati = None
        config.lettore_dati_originale = dati and dati["blocchi"]
    testo = json.dumps(config.lettore_dati_originale, sort_keys=True)
    config.lettore_impronta_originale = hashlib.sha256(testo.encode()).hexdigest()


def setup(app):
    app.add_config_value("lettore_impronta_originale", "", "env")
    app.add_config_value("lettore_dati_originale", None, "")
    app.add_directive("blocco", Blocco)
    app.add_directive("glossa", Glossa)
    app.add_role("rif", Rif())
    app.add_role("richiamo", Richiamo())
    app.add_node(blocco, html=(apri_blocco, chiudi_div),
                 latex=(apri_blocco_latex, lambda self, nodo: self.body.append("\\end{blocco}\n")))
    app.add_node(lato, html=(apri_lato, chiudi_lato), latex=(apri_lato_latex, chiudi_lato_latex))
    app.add_node(glossa, html=(apri_glossa, chiudi_glossa), latex=(apri_glossa_latex, niente))
    app.add_node(scheda, html=(visita_scheda, None), latex=(salta, None))
    app.add_node(rimando)
    app.add_transform(SistemaBlocchi)
    app.add_post_transform(RisolviRimandi)
    app.add_post_transform(CompletaSchede)
    app.connect("config-inited", leggi_originale)
    app.connect("env-purge-doc", dimentica)
    app.connect("env-merge-info", unisci)
    app.connect("env-check-consistency", controlla_copertura)
