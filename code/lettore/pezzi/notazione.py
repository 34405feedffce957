"""La direttiva `notazione`: le parti di notazione.yml, e le schede dei simboli, ciascuna con la sua àncora."""

from __future__ import annotations

import re
from collections.abc import Iterable

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from lettore.notazione import NOTAZIONE, ancora_del_simbolo, leggi_notazione, simboli_del_gruppo


class DirettivaNotazione(SphinxDirective):
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

    def convenzioni(self) -> list[nodes.Node]:
        return self.testo([f"- {frase}" for frase in self.notazione["convenzioni"]])

    def lettere(self) -> list[nodes.Node]:
        voci = []
        for lettera in self.notazione["lettere_sovraccariche"]:
            significati = [f"- {significato}" for significato in lettera["significati"]]
            righe = [*significati, "", f"Regola: {lettera['regola']}"]
            voci.append(([nodes.Text(lettera["lettera"])], righe))
        return [self.elenco(voci)]

    def dubbi(self) -> list[nodes.Node]:
        return [self.elenco((self.frase(d["domanda"]), [d["risposta"]]) for d in self.notazione["dubbi"])]

    def indici(self) -> list[nodes.Node]:
        indici = self.notazione["indici_liberi"].items()
        return self.testo([f"- ${lettera}$: {significato}." for lettera, significato in indici])

    def simboli(self) -> list[nodes.Node]:
        sezioni = []
        for gruppo, titolo in self.notazione["gruppi"].items():
            sezione = nodes.section("", nodes.title("", titolo), names=[nodes.fully_normalize_name(titolo)])
            self.state.document.note_implicit_target(sezione, sezione)
            simboli = simboli_del_gruppo(self.notazione, gruppo)
            sezione += [indice(simbolo) for simbolo in simboli]
            sezione += self.elenco(
                (formule(s["tex"]), righe_della_scheda(s), ancora_del_simbolo(s["simbolo"])) for s in simboli
            )
            sezioni.append(sezione)
        return sezioni

    def elenco(self, voci: Iterable[tuple]) -> nodes.definition_list:
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
    ancora = ancora_del_simbolo(simbolo["simbolo"])
    return addnodes.index(entries=[("single", voce, ancora, "", None) for voce in voci])


def righe_della_scheda(simbolo: dict) -> list[str]:
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


def iscrivi_simboli(app, doctree):
    """Rende le schede raggiungibili da Markdown: `[testo](glossary.md#simbolo-K-T)`."""
    ancore = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for termine in doctree.findall(nodes.term):
        for nome in termine["ids"]:
            if nome.startswith("simbolo-"):
                ancore[nome] = (termine.line, nome, termine.astext())


def setup(app):
    app.add_directive("notazione", DirettivaNotazione)
    app.connect("doctree-read", iscrivi_simboli)
