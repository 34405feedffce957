"""La direttiva `voce`, e la prima occorrenza di ogni termine.

Una voce iscrive il suo lemma fra i termini di Sphinx: {term}`…` lo trova, senza badare alle maiuscole, e un termine
ignoto è un avviso. Dove un termine compare per la prima volta si sa solo a libro letto: la riga «Prima occorrenza» si
riempie allora.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.domains.std import make_glossary_term
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from lettore.glossario import OPZIONI, Voce, crea_voce


class DirettivaVoce(SphinxDirective):
    """Una voce di glossario: lemma, inglese, definizione, forme da evitare, prima occorrenza."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = dict.fromkeys(OPZIONI, directives.unchanged)

    def run(self):
        try:
            voce = crea_voce(self.arguments[0], self.options, "\n".join(self.content))
        except ValueError as errore:
            raise self.error(str(errore)) from None
        if voce.it.casefold() in (termine.casefold() for termine in self.env.get_domain("std")._terms):
            raise self.error(f"la voce «{voce.it}» c’è già")
        pagine_di_voci(self.env).add(self.env.docname)
        termine = make_glossary_term(
            self.env, [nodes.Text(voce.it)], None, *self.get_source_info(), None, self.state.document
        )
        definizione = nodes.definition("", inglese(voce))
        self.state.nested_parse(self.content, self.content_offset, definizione)
        for figlio in definizione[1:]:
            figlio["classes"].append("definizione")
        if voce.evitare:
            testo = f"Da non chiamare: {'; '.join(voce.evitare)}."
            definizione += nodes.paragraph("", testo, classes=["da-non-chiamare"])
        definizione += nodes.paragraph("", "", classes=["prima-occorrenza"], lemma=voce.it.casefold())
        lista = nodes.definition_list("", nodes.definition_list_item("", termine, definizione), classes=["glossary"])
        return [addnodes.glossary("", lista, sorted=False)]


def inglese(voce: Voce) -> nodes.paragraph:
    """La riga sotto il lemma: l’inglese o la sigla sciolta, la grammatica, la sezione dell’articolo."""
    riga = nodes.paragraph(classes=["voce-inglese"])
    if voce.sciolta_en:
        sciolta = [_in_inglese(voce.sciolta_en), nodes.Text(f" = {voce.sciolta_it}")]
        riga += nodes.inline("", "", *sciolta, classes=["sciolta"])
    else:
        riga += _in_inglese(voce.en)
    riga += nodes.Text(f" · {voce.grammatica}")
    if voce.sezione != "fuori dall’articolo":
        riga += nodes.Text(f" · nell’articolo: {voce.sezione}")
    return riga


def _in_inglese(testo: str) -> nodes.inline:
    return nodes.inline("", "", nodes.emphasis("", testo), classes=["inglese", "language-en"])


# ---------------------------------------------------------------- prima occorrenza


def usi(env) -> dict[str, dict[str, tuple[str, str]]]:
    """Documento → termine → (àncora, titolo di sezione) del primo richiamo in quel documento."""
    if not hasattr(env, "lettore_usi_dei_termini"):
        env.lettore_usi_dei_termini = {}
    return env.lettore_usi_dei_termini


def pagine_di_voci(env) -> set[str]:
    """I documenti che contengono voci."""
    if not hasattr(env, "lettore_pagine_di_voci"):
        env.lettore_pagine_di_voci = set()
    return env.lettore_pagine_di_voci


def raccogli_usi(app, doctree):
    trovati = {}
    for richiamo in doctree.findall(addnodes.pending_xref):
        termine = richiamo["reftarget"].casefold()
        if richiamo["reftype"] == "term" and termine not in trovati and (luogo := _luogo(richiamo)):
            trovati[termine] = luogo
    usi(app.env)[app.env.docname] = trovati


def _luogo(nodo: nodes.Node | None) -> tuple[str, str] | None:
    """L’àncora più vicina e il titolo del capitolo; niente dentro un testo inglese."""
    identificatore = capitolo = None
    while nodo is not None and not isinstance(nodo, nodes.document):
        if nodo.get("lang") == "en":
            return None
        sezione = isinstance(nodo, nodes.section)
        titolata = sezione and bool(nodo.children) and isinstance(nodo[0], nodes.title)
        if titolata or not sezione:  # il corpo di un esercizio è una sezione senza titolo, e senza àncora
            identificatore = identificatore or next(iter(nodo.get("ids", ())), None)
        capitolo = nodo if titolata else capitolo
        nodo = nodo.parent
    return capitolo and (identificatore, capitolo[0].astext())


def dimentica(app, env, docname):
    usi(env).pop(docname, None)
    pagine_di_voci(env).discard(docname)


def unisci(app, env, docnames, altro):
    usi(env).update({doc: voci for doc, voci in usi(altro).items() if doc in docnames})
    pagine_di_voci(env).update(pagine_di_voci(altro) & set(docnames))


def da_riscrivere(app, env):
    """Le pagine di voci si riscrivono quando cambiano i richiami nei capitoli."""
    prime = sorted(prime_occorrenze(env).items())
    impronta = hashlib.sha256(json.dumps(prime).encode()).hexdigest()
    if impronta == getattr(env, "lettore_impronta_dei_termini", None):
        return []
    env.lettore_impronta_dei_termini = impronta
    return sorted(pagine_di_voci(env))


def prime_occorrenze(env) -> dict[str, tuple[str, str, str]]:
    """Termine → (documento, àncora, titolo) del primo richiamo, nell’ordine dell’indice."""
    prime = {}
    for docname in nell_ordine(env, env.config.root_doc):
        if docname not in pagine_di_voci(env):
            for termine, luogo in usi(env).get(docname, {}).items():
                prime.setdefault(termine, (docname, *luogo))
    return prime


def nell_ordine(env, docname) -> Iterator[str]:
    """I documenti nell’ordine in cui si leggono."""
    yield docname
    for figlio in env.toctree_includes.get(docname, ()):
        yield from nell_ordine(env, figlio)


def scrivi_occorrenze(app, doctree, docname):
    """Riempie le righe «Prima occorrenza»; se il termine non è mai richiamato, la toglie."""
    prime = None
    for riga in list(doctree.findall(lambda n: isinstance(n, nodes.paragraph) and "lemma" in n)):
        prime = prime or prime_occorrenze(app.env)
        if riga["lemma"] not in prime:
            riga.parent.remove(riga)
            continue
        documento, identificatore, titolo = prime[riga["lemma"]]
        rimando = make_refnode(app.builder, docname, documento, identificatore, nodes.inline("", titolo))
        riga += [nodes.Text("Prima occorrenza: "), rimando, nodes.Text(".")]


def setup(app):
    app.add_directive("voce", DirettivaVoce)
    app.connect("doctree-read", raccogli_usi)
    app.connect("env-purge-doc", dimentica)
    app.connect("env-merge-info", unisci)
    app.connect("env-updated", da_riscrivere)
    app.connect("doctree-resolved", scrivi_occorrenze)
