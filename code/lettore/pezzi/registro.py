"""La direttiva `registro`: tutte le affermazioni del libro in una pagina, che si rilegge quando cambia un capitolo o
una prova.

Prima quelle in cui la prova dà torto all’articolo, poi le altre sezione per sezione; in fondo, pagina per pagina,
quelle di chi è venuto dopo. I nomi delle prove stanno richiusi: li cerca chi le esegue.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import SphinxPostTransform

from lettore.affermazioni import (
    CONFERMATA,
    SENZA_PROVA,
    VERDETTI,
    Affermazione,
    Prova,
    leggi_affermazioni,
    leggi_prove,
)
from lettore.inventario import capitolo, leggi_inventario
from lettore.sorgente import Pagina

from .affermazione import AFFERMAZIONI, Scrittura, rimandi, verso_voce

TORTI = "Dove la prova dà torto all’articolo"


class prove_richiuse(nodes.General, nodes.Element):
    """I nomi delle prove di una voce: un capoverso, che la pagina tiene richiuso."""


class DirettivaRegistro(Scrittura):
    """Tutte le affermazioni del libro, con le loro prove: prima quelle dell’articolo a cui la prova dà torto, poi le
    altre, sezione per sezione nell’ordine dell’articolo, poi quelle venute dopo; con l’argomento «conteggi», solo
    quante sono."""

    optional_arguments = 1

    def run(self):
        if self.arguments not in ([], ["conteggi"]):
            raise self.error(f"registro: argomento «{self.arguments[0]}» ignoto; si scrive «conteggi» o niente")
        self.env.metadata[self.env.docname]["lettore_registro"] = True
        prove = leggi_prove(Path(self.env.srcdir))
        letto = self.env.temp_data  # della pagina che si sta leggendo: due registri leggono il libro una volta
        if "lettore_libro" not in letto:
            letto["lettore_libro"] = leggi_libro(self.env)
        tutte, titoli = letto["lettore_libro"]
        if self.arguments:
            return [conteggi(tutte, prove, self.env.docname)]
        sezioni = per_sezione(tutte)
        torti = [v for gruppo in sezioni.values() for v in gruppo if v.blocco and v.esito != CONFERMATA]
        nodi = [self.sezione("torti", TORTI, torti, prove)] if torti else []
        for sezione, gruppo in sezioni.items():
            if altre := [voce for voce in gruppo if voce not in torti]:
                nome = "sezione-" + sezione.replace(".", "-")
                nodi.append(self.sezione(nome, titoli.get(sezione, sezione), altre, prove))
        return nodi

    def sezione(self, nome: str, titolo: str, voci: list[Affermazione], prove: dict[str, list[Prova]]) -> nodes.Node:
        nodo = nodes.section("", nodes.title("", titolo), ids=[nome], names=[nome])
        self.state.document.note_explicit_target(nodo)
        for voce in voci:
            composta = self.componi(voce, "registro", con_la_prova(voce, prove.get(voce.id, [])))
            composta["sezione"] = sezione_di(voce)
            if voce.id in prove:
                nomi = [nodes.literal("", prova.luogo) for prova in prove[voce.id]]
                composta += prove_richiuse("", nodes.paragraph("", "", *nomi, classes=["affermazione-dato"]))
            nodo += composta
        return nodo


def con_la_prova(voce: Affermazione, prove: list[Prova]) -> list[nodes.Node]:
    nodi = rimandi(verso_voce("", "nel capitolo", luogo="affermazione", ident=voce.id), voce)
    if not prove and voce.verdetto not in SENZA_PROVA:
        nodi.append(nodes.Text(" · senza prova"))
    elif voce.invece and not all(prova.invece for prova in prove):
        nodi.append(nodes.Text(" · senza prova di ciò che dice invece"))
    return nodi


def leggi_libro(env) -> tuple[list[Affermazione], dict[str, str]]:
    """Le affermazioni delle pagine del libro e i titoli delle sezioni, dai sorgenti: i capitoli si possono
    leggere dopo. Le affermazioni malfatte le segnala il loro capitolo."""
    tutte, titoli = [], {}
    for doc in sorted(env.found_docs):
        pagina = Pagina(doc, Path(env.doc2path(doc)).read_text(encoding="utf-8"))
        with suppress(ValueError):
            tutte += leggi_affermazioni(pagina)
        if titolo := re.search(r"^# (.+)$", pagina.testo, re.M):
            di_blocco = [b.id for b in pagina.traduzioni[:1] if b.id in leggi_inventario()]
            sezione = capitolo(leggi_inventario()[di_blocco[0]]) if di_blocco else Path(doc).name
            titoli[sezione] = titolo[1].strip()
    return tutte, titoli


def sezione_di(voce: Affermazione) -> str:
    """La sezione dell’articolo, o il nome della pagina se l’articolo non c’entra."""
    return capitolo(leggi_inventario()[voce.blocco]) if voce.blocco else Path(voce.file).stem


def per_sezione(tutte: list[Affermazione]) -> dict[str, list[Affermazione]]:
    """Sezione dell’articolo → le sue affermazioni, nell’ordine dei blocchi; poi pagina → le affermazioni altrui."""
    posti = {ident: n for n, ident in enumerate(leggi_inventario())}
    gruppi: dict[str, list[Affermazione]] = {}
    for voce in sorted(tutte, key=lambda v: (posti.get(v.blocco, len(posti)), v.file, v.riga)):
        gruppi.setdefault(sezione_di(voce), []).append(voce)
    return gruppi


def conteggi(tutte: list[Affermazione], prove: dict[str, list[Prova]], qui: str) -> nodes.Node:
    """Quante affermazioni, di quale specie, quante con una prova."""
    dell_articolo = [voce for voce in tutte if voce.blocco]
    quante = Counter(voce.verdetto for voce in dell_articolo)
    provate = sum(voce.id in prove for voce in dell_articolo)
    righe = [f"{len(dell_articolo)} affermazioni dell’articolo, {provate} con una prova che può fallire"]
    righe += [f"{quante[verdetto]} {plurale}" for verdetto, plurale in VERDETTI.items()]
    voci = [nodes.Text(riga) for riga in righe]
    if torti := sum(voce.esito != CONFERMATA for voce in dell_articolo):
        testo = nodes.inline("", f"{torti} in cui la prova dà torto, almeno in parte, all’articolo")
        verso = {"refdomain": "std", "reftype": "ref", "reftarget": "torti", "refexplicit": True, "refdoc": qui}
        voci.append(pending_xref("", testo, **verso))
    if dopo := len(tutte) - len(dell_articolo):
        voci.append(nodes.Text(f"{dopo} di chi è venuto dopo, in fondo"))
    elenco = nodes.bullet_list(classes=["registro-conteggi"])
    elenco += [nodes.list_item("", nodes.paragraph("", "", voce)) for voce in voci]
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

    def documento(self, nodo: verso_voce) -> str | None:
        if nodo["luogo"] == "affermazione":
            return AFFERMAZIONI.di(self.env).get(nodo["ident"], (None,))[0]
        return next(iter(pagine(self.env)), None)


def pagine(env) -> list[str]:
    """Le pagine con la direttiva `registro`."""
    return sorted(doc for doc in env.all_docs if "lettore_registro" in env.metadata[doc])


def da_rileggere(app, env, aggiunti, cambiati, tolti):
    """Il registro si rilegge quando cambia una pagina qualsiasi o l’elenco delle prove."""
    prove = leggi_prove(Path(env.srcdir))
    uguali = prove == getattr(env, "lettore_prove", None)
    env.lettore_prove = prove
    return [] if uguali and not (aggiunti or cambiati or tolti) else pagine(env)


def da_riscrivere(app, env):
    """I capitoli con un’affermazione si riscrivono quando la pagina del registro compare o sparisce."""
    prima, env.lettore_registri = getattr(env, "lettore_registri", []), pagine(env)
    return [] if prima == env.lettore_registri else sorted({doc for doc, _ in AFFERMAZIONI.di(env).values()})


def setup(app):
    app.add_directive("registro", DirettivaRegistro)
    app.add_node(prove_richiuse)
    app.add_post_transform(RisolviVersi)
    app.connect("env-get-outdated", da_rileggere)
    app.connect("env-updated", da_riscrivere)
