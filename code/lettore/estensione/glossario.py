"""Le direttive `voce` e `notazione`, la prima occorrenza dei termini, i testi dei suggerimenti.

Una voce iscrive il suo lemma fra i termini di Sphinx: {term}`…` lo trova, senza badare alle
maiuscole, e un termine ignoto è un avviso. Dove un termine compare per la prima volta si sa
solo a libro letto: la riga «Prima occorrenza» si riempie allora. A pagine scritte, le
definizioni già composte finiscono in `_static/glossario.js`, per i suggerimenti senza rete.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.domains.std import make_glossary_term
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from lettore.glossario import OPZIONI, crea_voce
from lettore.notazione import NOTAZIONE, leggi_notazione, simboli_del_gruppo

TRASLITTERA = {"√": "radice ", "∇": "nabla ", "∈": "appartiene ", "×": "per", "·": " punto "} | dict(
    zip("αβγεμτ", ("alfa", "beta", "gamma", "epsilon", "mi", "tau"), strict=True)
)


class Voce(SphinxDirective):
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
        pagine(self.env).add(self.env.docname)
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
        lista = nodes.definition_list(
            "", nodes.definition_list_item("", termine, definizione), classes=["glossary"]
        )
        return [addnodes.glossary("", lista, sorted=False)]


def inglese(voce) -> nodes.paragraph:
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


class Notazione(SphinxDirective):
    """Una parte di notazione.yml: `convenzioni`, `lettere`, `dubbi`, `indici` o `simboli`."""

    required_arguments = 1

    def run(self):
        parti = {
            "convenzioni": self.convenzioni,
            "lettere": self.lettere,
            "dubbi": self.dubbi,
            "indici": self.indici,
            "simboli": self.simboli,
        }
        parte = self.arguments[0]
        if parte not in parti:
            raise self.error(f"parte «{parte}» sconosciuta; quelle note: {', '.join(parti)}")
        self.env.note_dependency(str(NOTAZIONE))
        try:
            self.notazione = leggi_notazione()
        except ValueError as errore:
            raise self.error(str(errore)) from None
        return parti[parte]()

    def convenzioni(self):
        return self.testo([f"- {frase}" for frase in self.notazione["convenzioni"]])

    def lettere(self):
        voci = []
        for lettera in self.notazione["lettere_sovraccariche"]:
            significati = [f"- {significato}" for significato in lettera["significati"]]
            righe = [*significati, "", f"Regola: {lettera['regola']}"]
            voci.append(([nodes.Text(lettera["lettera"])], righe))
        return [self.elenco(voci)]

    def dubbi(self):
        return [self.elenco((self.frase(d["domanda"]), [d["risposta"]]) for d in self.notazione["dubbi"])]

    def indici(self):
        indici = self.notazione["indici_liberi"].items()
        return self.testo([f"- ${lettera}$: {significato}." for lettera, significato in indici])

    def simboli(self):
        sezioni = []
        for gruppo, titolo in self.notazione["gruppi"].items():
            sezione = nodes.section("", nodes.title("", titolo), names=[nodes.fully_normalize_name(titolo)])
            self.state.document.note_implicit_target(sezione, sezione)
            simboli = simboli_del_gruppo(self.notazione, gruppo)
            sezione += [indice(simbolo) for simbolo in simboli]
            sezione += self.elenco((formule(s["tex"]), scheda(s), ancora(s["simbolo"])) for s in simboli)
            sezioni.append(sezione)
        return sezioni

    def elenco(self, voci) -> nodes.definition_list:
        """Un elenco di definizioni da terne (lemma, righe Markdown, àncora facoltativa)."""
        elenco = nodes.definition_list(classes=["notazione"])
        for lemma, righe, *identificatore in voci:
            termine = nodes.term("", "", *lemma, ids=identificatore)
            if identificatore:
                self.state.document.note_explicit_target(termine)
            elenco += nodes.definition_list_item("", termine, nodes.definition("", *self.testo(righe)))
        return elenco

    def testo(self, righe: list[str]) -> list[nodes.Node]:
        scatola = nodes.container()
        self.state.nested_parse(StringList(righe, NOTAZIONE.name), 0, scatola)
        return scatola.children

    def frase(self, testo: str) -> list[nodes.Node]:
        figli, messaggi = self.state.inline_text(testo, self.lineno)
        return [*figli, *messaggi]


def formule(tex: str) -> list[nodes.Node]:
    """Le formule di un lemma, una per virgola spaziata: così possono andare a capo fra l’una e l’altra."""
    nodi = []
    for pezzo in re.split(r",\s*\\(?:quad|;)\s*", tex):
        nodi += [nodes.math("", pezzo), nodes.Text(", ")]
    return nodi[:-1]


def indice(simbolo: dict) -> nodes.Node:
    """Le voci d’indice di un simbolo: il suo nome e ogni altra scrittura, perché la ricerca porti alla scheda."""
    altrove = ", ".join(s["scrittura"] for s in simbolo.get("altrove", []))
    virgola = r",\s+(?![^(\[{]*[)\]}])"  # non quelle fra parentesi
    grafie = [simbolo["simbolo"], *re.split(virgola, re.sub("[«»$`]", "", altrove))]
    voci = {grafia: None for grafia in grafie if grafia and ";" not in grafia}
    return addnodes.index(entries=[("single", voce, ancora(simbolo["simbolo"]), "", None) for voce in voci])


def scheda(simbolo: dict) -> list[str]:
    """La scheda di un simbolo in Markdown: che cos’è, i suoi dati, le scritture altrui."""
    codice = f"`{simbolo['codice']}`" if simbolo["codice"] != "—" else "—"
    dati = {
        "si legge": f"«{simbolo['si_legge']}»",
        "forma": simbolo["forma"],
        "modello base": simbolo["modello_base"],
        "nel codice": codice,
        "sezione": simbolo["sezione"],
    }
    righe = [simbolo["significato"], ""]
    righe += [" · ".join(f"*{nome}* {valore}" for nome, valore in dati.items() if valore != "—"), ""]
    if "nota" in simbolo:
        righe += [simbolo["nota"], ""]
    if simbolo.get("altrove"):
        righe += ["Altrove si trova scritto:", ""]
        righe += [f"- {_scrittura(s)} ({s['dove']}): {s['verdetto']}." for s in simbolo["altrove"]]
    return righe


def _scrittura(scrittura: dict) -> str:
    forma = scrittura["scrittura"]
    return forma if forma.startswith("«") else f"`{forma}`"


def ancora(simbolo: str) -> str:
    """L’àncora di un simbolo: «W_i^Q» → «simbolo-W-i-Q»; maiuscole e minuscole restano distinte."""
    for segno, nome in TRASLITTERA.items():
        simbolo = simbolo.replace(segno, nome)
    return "simbolo-" + re.sub(r"[^A-Za-z0-9]+", "-", simbolo).strip("-")


def iscrivi_simboli(app, doctree):
    """Rende le schede raggiungibili da Markdown: `[testo](glossary.md#simbolo-K-T)`."""
    ancore = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for termine in doctree.findall(nodes.term):
        for nome in termine["ids"]:
            if nome.startswith("simbolo-"):
                ancore[nome] = (termine.line, nome, termine.astext())


# ---------------------------------------------------------------- prima occorrenza


def usi(env) -> dict[str, dict[str, tuple[str, str]]]:
    """Documento → termine → (àncora, titolo di sezione) del primo richiamo in quel documento."""
    if not hasattr(env, "lettore_usi_dei_termini"):
        env.lettore_usi_dei_termini = {}
    return env.lettore_usi_dei_termini


def pagine(env) -> set[str]:
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


def _luogo(nodo) -> tuple[str, str] | None:
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
    pagine(env).discard(docname)


def unisci(app, env, docnames, altro):
    usi(env).update({doc: voci for doc, voci in usi(altro).items() if doc in docnames})
    pagine(env).update(pagine(altro) & set(docnames))


def da_riscrivere(app, env):
    """Le pagine di voci si riscrivono quando cambiano i richiami nei capitoli."""
    prime = sorted(prime_occorrenze(env).items())
    impronta = hashlib.sha256(json.dumps(prime).encode()).hexdigest()
    if impronta == getattr(env, "lettore_impronta_dei_termini", None):
        return []
    env.lettore_impronta_dei_termini = impronta
    return sorted(pagine(env))


def prime_occorrenze(env) -> dict[str, tuple[str, str, str]]:
    """Termine → (documento, àncora, titolo) del primo richiamo, nell’ordine dell’indice."""
    prime = {}
    for docname in nell_ordine(env, env.config.root_doc):
        if docname not in pagine(env):
            for termine, luogo in usi(env).get(docname, {}).items():
                prime.setdefault(termine, (docname, *luogo))
    return prime


def nell_ordine(env, docname):
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


# ---------------------------------------------------------------- suggerimenti


def scrivi_suggerimenti(app, errore):
    """`_static/glossario.js`: per ogni àncora di termine, lemma, inglese e definizione già composti."""
    if errore or app.builder.name != "html":
        return
    suggerimenti = {}
    for docname in sorted(pagine(app.env)):
        pagina = Path(app.builder.get_outfilename(docname))
        suggerimenti |= suggerimenti_della_pagina(pagina.read_text(encoding="utf-8"))
    testo = json.dumps(suggerimenti, ensure_ascii=False, indent=0, sort_keys=True).replace("</", "<\\/")
    statici = Path(app.outdir, "_static")
    statici.mkdir(exist_ok=True)
    statici.joinpath("glossario.js").write_text(f"window.GLOSSARIO = {testo};\n", encoding="utf-8")


def suggerimenti_della_pagina(html: str) -> dict[str, str]:
    """I suggerimenti di una pagina già costruita, senza collegamenti né identificatori."""
    suggerimenti = {}
    for termine in BeautifulSoup(html, "html.parser").select("dl.glossary dt[id]"):
        definizione = termine.find_next_sibling("dd")
        testi = definizione.select(".definizione")
        for collegamento in termine.select("a.headerlink"):
            collegamento.decompose()
        for collegamento in definizione.find_all("a"):
            collegamento.unwrap()
        for elemento in definizione.find_all(id=True):
            del elemento["id"]
        lingua = definizione.select_one(".sciolta") or definizione.select_one(".inglese")
        lemma = f"<p><strong>{termine.get_text().strip()}</strong> {lingua}</p>"
        suggerimenti[termine["id"]] = lemma + "".join(str(testo) for testo in testi)
    return suggerimenti


def setup(app):
    app.add_directive("voce", Voce)
    app.add_directive("notazione", Notazione)
    app.connect("doctree-read", iscrivi_simboli)
    app.connect("doctree-read", raccogli_usi)
    app.connect("env-purge-doc", dimentica)
    app.connect("env-merge-info", unisci)
    app.connect("env-updated", da_riscrivere)
    app.connect("doctree-resolved", scrivi_occorrenze)
    app.connect("build-finished", scrivi_suggerimenti)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
