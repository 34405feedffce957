"""Le direttive `affermazione`, nei capitoli, e `registro`, che le raccoglie tutte in una pagina.

Nel capitolo un’affermazione è una riga quieta: verdetto, frase, che cosa la smentirebbe, i rimandi al
blocco dell’articolo e al registro. La pagina del registro si rilegge quando cambia un capitolo o una prova.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from lettore.affermazioni import (
    CITATA,
    OPZIONI,
    VERDETTI,
    Affermazione,
    crea_affermazione,
    leggi_affermazioni,
    leggi_prove,
)
from lettore.inventario import capitolo, leggi_inventario
from lettore.sorgente import Pagina

from .blocco import rimando


class affermazione(nodes.General, nodes.Element):
    """Una voce del registro, nel capitolo o nella pagina del registro: due o più capoversi."""


class verso_voce(nodes.Inline, nodes.TextElement):
    """Rimando da risolvere, dal capitolo alla pagina del registro o viceversa (``luogo``, ``ident``)."""


class Scrittura(SphinxDirective):
    """Ciò che le due direttive hanno in comune: come si compone una voce."""

    def componi(self, voce: Affermazione, luogo: str, rimandi: list[nodes.Node]) -> affermazione:
        nodo = affermazione(verdetto=voce.verdetto, ids=[f"{luogo}-{voce.id}"], classes=[f"affermazione-in-{luogo}"])
        self.set_source_info(nodo)
        frase, *altro = self.paragrafi([voce.frase, *dati(voce)])
        etichette = [nodes.strong("", voce.verdetto, classes=["affermazione-verdetto"]), nodes.Text(" ")]
        if voce.esito != "confermata":
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
    etichette = {"smentita": "La smentirebbe:", "scala": "In scala:", "motivo": "Perché non qui:"}
    return [f"*{etichetta}* {testo}" for nome, etichetta in etichette.items() if (testo := getattr(voce, nome))]


def al_blocco(voce: Affermazione) -> list[nodes.Node]:
    testo = nodes.Text(f"blocco {voce.blocco}")
    return [rimando("", "", testo, bersaglio=voce.blocco, titolo="Il capoverso dell’articolo")]


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
        elenco = voci(self.env)
        if voce.id in elenco:
            doc, riga = elenco[voce.id]
            raise self.error(f"affermazione «{voce.id}» già presente in {self.env.doc2path(doc, False)}, riga {riga}")
        elenco[voce.id] = (self.env.docname, self.lineno)
        registro = verso_voce("", "nel registro", luogo="registro", ident=voce.id)
        return [self.componi(voce, "affermazione", [*al_blocco(voce), nodes.Text(" · "), registro])]


class Registro(Scrittura):
    """Tutte le affermazioni del libro, sezione per sezione nell’ordine dell’articolo, con le loro prove;
    con l’argomento «conteggi», solo quante sono."""

    optional_arguments = 1

    def run(self):
        if self.arguments not in ([], ["conteggi"]):
            raise self.error(f"registro: argomento «{self.arguments[0]}» ignoto; si scrive «conteggi» o niente")
        self.env.metadata[self.env.docname]["lettore_registro"] = True
        prove = leggi_prove(Path(self.env.srcdir))
        tutte, titoli = leggi_libro(self.env)
        if self.arguments:
            return [conteggi(tutte, prove)]
        nodi = []
        for sezione, gruppo in per_sezione(tutte).items():
            nome = "sezione-" + sezione.replace(".", "-")
            nodo = nodes.section("", nodes.title("", titoli.get(sezione, sezione)), ids=[nome], names=[nome])
            self.state.document.note_explicit_target(nodo)
            nodo += [self.componi(voce, "registro", rimandi(voce, prove.get(voce.id, []))) for voce in gruppo]
            nodi.append(nodo)
        return nodi


def rimandi(voce: Affermazione, prove: list[str]) -> list[nodes.Node]:
    nodi = [verso_voce("", "nel capitolo", luogo="affermazione", ident=voce.id), nodes.Text(" · "), *al_blocco(voce)]
    for prova in prove:
        nodi += [nodes.Text(" · "), nodes.literal("", prova)]
    if not prove and voce.verdetto != CITATA:
        nodi.append(nodes.Text(" · senza prova"))
    return nodi


def leggi_libro(env) -> tuple[list[Affermazione], dict[str, str]]:
    """Le affermazioni delle pagine del libro e i titoli delle sezioni, dai sorgenti: i capitoli si possono
    leggere dopo. Le affermazioni malfatte le segnala il loro capitolo."""
    tutte, titoli = [], {}
    for doc in sorted(env.found_docs):
        pagina = Pagina(doc, Path(env.doc2path(doc)).read_text(encoding="utf-8"))
        with suppress(ValueError):
            tutte += leggi_affermazioni(pagina)
        for blocco in pagina.traduzioni[:1]:
            titolo = re.search(r"^# (.+)$", pagina.testo, re.M)
            if titolo and blocco.id in leggi_inventario():
                titoli[capitolo(leggi_inventario()[blocco.id])] = titolo[1].strip()
    return tutte, titoli


def per_sezione(tutte: list[Affermazione]) -> dict[str, list[Affermazione]]:
    """Sezione dell’articolo → le sue affermazioni, nell’ordine dei blocchi."""
    inventario = leggi_inventario()
    posti = {ident: n for n, ident in enumerate(inventario)}
    gruppi: dict[str, list[Affermazione]] = {}
    for voce in sorted(tutte, key=lambda v: (posti[v.blocco], v.file, v.riga)):
        gruppi.setdefault(capitolo(inventario[voce.blocco]), []).append(voce)
    return gruppi


def conteggi(tutte: list[Affermazione], prove: dict[str, list[str]]) -> nodes.Node:
    """Quante affermazioni, con quale verdetto, quante con una prova."""
    quante = Counter(voce.verdetto for voce in tutte)
    provate = sum(voce.id in prove for voce in tutte)
    righe = [f"{len(tutte)} affermazioni, {provate} con una prova che può fallire"]
    righe += [f"{quante[verdetto]} {plurale}" for verdetto, plurale in VERDETTI.items()]
    if torti := sum(voce.esito != "confermata" for voce in tutte):
        righe.append(f"{torti} in cui la prova dà torto, almeno in parte, all’articolo")
    elenco = nodes.bullet_list(classes=["registro-conteggi"])
    elenco += [nodes.list_item("", nodes.paragraph("", riga)) for riga in righe]
    return elenco


# ---------------------------------------------------------------- rimandi e ricostruzione


class RisolviVersi(SphinxPostTransform):
    default_priority = 70

    def run(self, **kwargs):
        for nodo in list(self.document.findall(verso_voce)):
            doc = self.documento(nodo)
            if doc is None:  # il capitolo o il registro non sono in questo libro: resta il testo
                nuovo = nodes.inline("", "", *nodo.children)
            else:
                uri = f"{self.app.builder.get_relative_uri(self.env.docname, doc)}#{nodo['luogo']}-{nodo['ident']}"
                nuovo = nodes.reference("", "", *nodo.children, internal=True, refuri=uri)
            nodo.replace_self(nuovo)

    def documento(self, nodo) -> str | None:
        if nodo["luogo"] == "affermazione":
            return voci(self.env).get(nodo["ident"], (None,))[0]
        return next(iter(pagine(self.env)), None)


def voci(env) -> dict[str, tuple[str, int]]:
    """Affermazioni già lette: identificatore → (documento, riga)."""
    if not hasattr(env, "lettore_affermazioni"):
        env.lettore_affermazioni = {}
    return env.lettore_affermazioni


def pagine(env) -> list[str]:
    """Le pagine con la direttiva `registro`."""
    return sorted(doc for doc in env.all_docs if "lettore_registro" in env.metadata[doc])


def dimentica(app, env, docname):
    for ident in [i for i, (doc, _) in voci(env).items() if doc == docname]:
        del voci(env)[ident]


def unisci(app, env, docnames, altro):
    voci(env).update({i: v for i, v in voci(altro).items() if v[0] in docnames})


def da_rileggere(app, env, aggiunti, cambiati, tolti):
    """Il registro si rilegge quando cambia una pagina qualsiasi o l’elenco delle prove."""
    prove = leggi_prove(Path(env.srcdir))
    uguali = prove == getattr(env, "lettore_prove", None)
    env.lettore_prove = prove
    return [] if uguali and not (aggiunti or cambiati or tolti) else pagine(env)


def da_riscrivere(app, env):
    """I capitoli con un’affermazione si riscrivono quando la pagina del registro compare o sparisce."""
    prima, env.lettore_registri = getattr(env, "lettore_registri", []), pagine(env)
    return [] if prima == env.lettore_registri else sorted({doc for doc, _ in voci(env).values()})


# ---------------------------------------------------------------- HTML e LaTeX

def apri_html(self, nodo):
    self.body.append(self.starttag(nodo, "div", CLASS="affermazione", role="note"))
    titolo = "Indirizzo permanente dell’affermazione"
    self.body.append(f'<a class="ancora" href="#{nodo["ids"][0]}" title="{titolo}" aria-label="{titolo}">§</a>')


def chiudi_html(self, nodo):
    self.body.append("</div>\n")


def apri_latex(self, nodo):
    self.body.append("\n\\begin{affermazione}" + self.hypertarget_to(nodo) + "%\n")


def chiudi_latex(self, nodo):
    self.body.append("\n\\end{affermazione}\n")


def setup(app):
    app.add_directive("affermazione", DirettivaAffermazione)
    app.add_directive("registro", Registro)
    app.add_node(affermazione, html=(apri_html, chiudi_html), latex=(apri_latex, chiudi_latex))
    app.add_node(verso_voce)
    app.add_post_transform(RisolviVersi)
    app.connect("env-get-outdated", da_rileggere)
    app.connect("env-purge-doc", dimentica)
    app.connect("env-merge-info", unisci)
    app.connect("env-updated", da_riscrivere)
