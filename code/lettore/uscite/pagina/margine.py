"""Il margine: le affermazioni e le note brevi che, sullo schermo largo, stanno accanto a ciò che segue.

Ciò che segue dev’essere stretto (prosa, celle) e alto abbastanza: altrimenti, prima di un blocco a due lingue o di una
tabella larga, resterebbe un vuoto. Lo si decide qui, a occhio, dal numero di righe; se non basta, la nota resta nel
testo. Sotto la larghezza che ha un margine, il foglio di stile le rimette tutte nel testo.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from pathlib import Path

from docutils import nodes

from lettore.pezzi.affermazione import affermazione_composta
from lettore.pezzi.blocco import blocco_bilingue
from lettore.pezzi.note import riquadro

from .peso import NEL_TESTO as NEL_TESTO_PX
from .peso import misure_del_disegno

NOTA_BREVE = 220
"""I segni oltre i quali una nota resta nel testo."""

NEL_MARGINE, NEL_TESTO, NEL_CODICE = (33, 21), (68, 30), (79, 21)
"""Segni per riga, altezza di una riga (px), al corpo di partenza."""

ABBASTANZA = 2000


def alto(testo: str, quale: tuple[int, int]) -> int:
    segni, riga = quale
    return riga * sum(max(1, ceil(len(r) / segni)) for r in testo.split("\n") or [""])


def accosta(app, documento: nodes.document, docname: str) -> None:
    if app.builder.name != "html":
        return
    for voce in list(documento.findall(affermazione_composta)):
        if "affermazione-in-affermazione" in voce["classes"]:
            sussurra(voce)
    in_fila = list(pezzi(documento))
    inizio = 0
    while inizio < len(in_fila):
        fine = inizio
        while fine < len(in_fila) and e_breve(in_fila[fine]):
            fine += 1
        metti(in_fila[inizio:fine], spazio(in_fila[fine:], Path(app.srcdir)))
        inizio = fine + 1


def spazio(seguono: list[nodes.Element], radice: Path) -> int:
    """Quanto è alto ciò che segue, fino al primo pezzo largo (px)."""
    totale = 0
    for pezzo in seguono:
        if totale > ABBASTANZA or e_largo(pezzo, radice):
            break
        totale += altezza(pezzo) + sum(misure(figura, radice)[1] for figura in pezzo.findall(nodes.image))
    return totale


def e_largo(pezzo: nodes.Element, radice: Path) -> bool:
    if isinstance(pezzo, blocco_bilingue):
        return pezzo["kind"] != "equation"
    if any(True for tipo in (nodes.table, nodes.raw) for _ in pezzo.findall(tipo)):
        return True
    return any(misure(figura, radice)[0] > NEL_TESTO_PX for figura in pezzo.findall(nodes.image))


def misure(figura: nodes.image, radice: Path) -> tuple[int, int]:
    """Larghezza e altezza (px); una figura che non si sa misurare è larga."""
    return misure_del_disegno(radice / figura["uri"].lstrip("/")) or (NEL_TESTO_PX + 1, 0)


def sussurra(voce: affermazione_composta) -> None:
    """Nel capitolo: la specie, la frase, e dove l’articolo ha torto che cosa si è trovato. Il resto è nel registro."""
    frase, *dati = voce.children
    for dato in dati:
        if not (dato.children and isinstance(dato[0], nodes.emphasis) and dato[0].astext() == "Invece:"):
            voce.remove(dato)
    registro = [r for dato in dati for r in dato.findall(nodes.reference) if "registro-" in r.get("refuri", "")]
    if registro:
        specie = frase.next_node(nodes.strong)
        verso = nodes.reference("", "", *specie.children, internal=True, refuri=registro[0]["refuri"])
        verso["reftitle"] = "Nel registro: la prova, e che cosa la smentirebbe"
        specie.children = []
        specie += verso


def pezzi(documento: nodes.document) -> Iterator[nodes.Element]:
    """Titoli e pezzi del testo, in fila, senza le sezioni che li contengono."""
    for figlio in documento.children:
        if isinstance(figlio, nodes.section):
            yield from pezzi(figlio)
        elif isinstance(figlio, nodes.Element):
            yield figlio


def e_breve(pezzo: nodes.Element) -> bool:
    if isinstance(pezzo, affermazione_composta):
        return "affermazione-in-affermazione" in pezzo["classes"]
    semplice = isinstance(pezzo, riquadro) and pezzo["tipo"] == "nota" and len(pezzo.astext()) <= NOTA_BREVE
    return semplice and all(isinstance(figlio, nodes.paragraph) for figlio in pezzo.children)


def metti(brevi: list[nodes.Element], posto: int) -> None:
    """Nel margine quante, dalla prima, trovano posto: l’ultima può scendere un poco accanto a ciò che è largo."""
    for breve in brevi:
        posto -= 30 + sum(alto(capoverso.astext(), NEL_MARGINE) for capoverso in breve.children)
        if posto < 0:
            return
        breve["classes"].append("a-margine")


def altezza(pezzo: nodes.Element) -> int:
    if isinstance(pezzo, nodes.title):
        return 80
    if isinstance(pezzo, affermazione_composta | nodes.comment | nodes.target):
        return 0
    righe = 0
    for codice in pezzo.findall(nodes.literal_block):
        righe += alto(codice.astext().rstrip("\n"), NEL_CODICE) + 26
    for testo in pezzo.findall(nodes.paragraph):
        righe += alto(testo.astext(), NEL_TESTO) + 14
    return righe + 60 * sum(1 for _ in pezzo.findall(nodes.math_block))


def setup(app):
    # le frasi hanno già i loro termini e le loro formule, e i quaderni (800) le hanno prese intere
    app.connect("doctree-resolved", accosta, priority=850)
