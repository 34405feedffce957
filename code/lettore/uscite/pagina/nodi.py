"""I nostri nodi nella pagina, e in ciò che dalla pagina deriva: l’HTML."""

from __future__ import annotations

from html import escape

from docutils import nodes

from lettore.inventario import leggi_inventario
from lettore.pezzi.affermazione import affermazione_composta
from lettore.pezzi.blocco import RICHIUSI, blocco_bilingue, lato
from lettore.pezzi.esperimento import DAL_VIVO, esperimento
from lettore.pezzi.glossa import glossa, scheda_di_blocco
from lettore.pezzi.luoghi import ancora
from lettore.pezzi.note import riquadro
from lettore.pezzi.registro import prove_richiuse
from lettore.pezzi.solo_en import solo_en

PDF = "https://arxiv.org/pdf/1706.03762v5#page={}"


def chiudi_div(self, nodo):
    self.body.append("</div>\n")


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
        numera(nodo)
    classe = f"lato lato-{nodo['lang']}"
    self.body.append(self.starttag(nodo, etichetta(nodo), CLASS=classe, lang=nodo["lang"], **attributi))
    if etichetta(nodo) == "details":
        self.body.append("<summary>As printed in the original</summary>")


def numera(titolo: lato) -> None:
    """Il numero della sezione davanti al titolo inglese: si vede quando quello italiano, che lo porta, non c’è."""
    numero = leggi_inventario()[titolo.parent["ident"]].section
    testo = titolo.next_node(nodes.paragraph)
    if numero and testo:
        testo.insert(0, nodes.inline("", f"{numero} ", classes=["numero-en"]))


def chiudi_lato(self, nodo):
    self.body.append(f"</{etichetta(nodo)}>\n")


def etichetta(nodo: lato) -> str:
    """Figure, tabelle e riferimenti dell’originale stanno chiusi sotto i nostri."""
    return "details" if nodo["lang"] == "en" and nodo.parent["kind"] in RICHIUSI else "div"


def apri_solo_en(self, nodo):
    self.body.append(self.starttag(nodo, "div", CLASS="solo-en", lang="en"))


def apri_glossa(self, nodo):
    if nodo.get("sola"):
        self.body.append(self.starttag(nodo, "div", CLASS="glossa glossa-sola"))
    else:
        self.body.append(self.starttag(nodo, "details", CLASS="glossa"))
        self.body.append("<summary>In short</summary>")


def chiudi_glossa(self, nodo):
    self.body.append("</div>\n" if nodo.get("sola") else "</details>\n")


def visita_scheda(self, nodo):
    voce = leggi_inventario()[nodo["ident"]]
    pezzi = ["Our gloss"]
    if voce.incipit:
        testo = f"“{escape(voce.incipit)}…”"
        if voce.page_v5:
            indirizzo = PDF.format(voce.page_v5)
            testo = f'<a class="reference external" href="{indirizzo}">{testo} p.&nbsp;{voce.page_v5}</a>'
        pezzi.append(testo)
    coppie = [
        f"<i>{escape(en)}</i>" + ("" if it == en else f' = <span lang="it">{escape(it)}</span>')
        for it, en in nodo["coppie"]
    ]
    lessico = f'<span class="scheda-lessico"> · {"; ".join(coppie)}</span>' if coppie else ""
    self.body.append(f'<p class="scheda">{" · ".join(pezzi)}{lessico}</p>\n')
    raise nodes.SkipNode


def apri_riquadro(self, nodo):
    self.body.append(self.starttag(nodo, "div", CLASS=f"riquadro riquadro-{nodo['tipo']}", role="note"))


def apri_esperimento(self, nodo):
    nodo.children = [figlio for figlio in nodo.children if "esperimento-dove" not in figlio["classes"]]
    dati = {"role": "group", "aria-label": "Esperimento", "data-nome": nodo["nome"]}
    if nodo["nome"] in DAL_VIVO:
        dati["data-bilingue"] = ""  # nella vista inglese le sue parole diventano inglesi: inglese.js
    self.body.append(self.starttag(nodo, "div", CLASS="esperimento", **dati))


def apri_affermazione(self, nodo):
    dati = {}
    if "sezione" in nodo:  # nel registro: le legge chi sceglie quali vedere
        dati = {f"data-{voce}": nodo[voce] for voce in ("sezione", "verdetto", "esito")}
    self.body.append(self.starttag(nodo, "div", CLASS="affermazione", role="note", **dati))
    titolo = "Indirizzo permanente dell’affermazione"
    self.body.append(f'<a class="ancora" href="#{nodo["ids"][0]}" title="{titolo}" aria-label="{titolo}">§</a>')


def apri_prove(self, nodo):
    self.body.append('<details class="affermazione-prove"><summary>la prova</summary>')


def chiudi_prove(self, nodo):
    self.body.append("</details>\n")


def setup(app):
    app.add_node(blocco_bilingue, override=True, html=(apri_blocco, chiudi_div))
    app.add_node(lato, override=True, html=(apri_lato, chiudi_lato))
    app.add_node(glossa, override=True, html=(apri_glossa, chiudi_glossa))
    app.add_node(scheda_di_blocco, override=True, html=(visita_scheda, None))
    app.add_node(riquadro, override=True, html=(apri_riquadro, chiudi_div))
    app.add_node(esperimento, override=True, html=(apri_esperimento, chiudi_div))
    app.add_node(affermazione_composta, override=True, html=(apri_affermazione, chiudi_div))
    app.add_node(prove_richiuse, override=True, html=(apri_prove, chiudi_prove))
    app.add_node(solo_en, override=True, html=(apri_solo_en, chiudi_div))
