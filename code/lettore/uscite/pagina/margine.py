"""Il margine: le affermazioni e le note brevi che, sullo schermo largo, stanno accanto a ciò che giudicano.

Una fila di note finisce dove finisce il pezzo che la precede, e cresce verso l’alto, accanto a quello e a ciò che gli
sta sopra. Ciò che sta sopra dev’essere stretto (prosa, celle) e alto abbastanza, fino al titolo o alla fila di prima.
Lo si decide qui, a occhio, dal numero di righe: o tutta la fila trova posto, o resta tutta nel testo. Un blocco
dell’articolo è stretto finché si legge in una lingua sola: la fila che conta su di esso sta nel margine solo allora.
Sotto la larghezza che ha un margine, il foglio di stile le rimette tutte nel testo. Le pagine fuori dell’articolo non
hanno margine: il loro testo sta nel mezzo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import ceil
from pathlib import Path

from docutils import nodes

from lettore.inventario import PROSA
from lettore.pezzi.affermazione import affermazione_composta
from lettore.pezzi.blocco import blocco_bilingue, lato
from lettore.pezzi.note import riquadro

from .peso import NEL_TESTO as NEL_TESTO_PX
from .peso import misure_del_disegno

NOTA_BREVE = 220
"""I segni oltre i quali una nota resta nel testo."""

NEL_MARGINE, NEL_TESTO, NEL_CODICE = (33, 22), (70, 30), (79, 21)
"""Segni per riga, altezza di una riga (px), al corpo di partenza."""

IN_PICCOLO = ("footnote", "note", "caption")

FORMULA_BREVE = 24
"""I segni di TeX oltre i quali una formula nel margine va a capo, o esce."""

ABBASTANZA = 2000
RESPIRO = 60


COMANDO = re.compile(r"\\[a-zA-Z]+|[^{}^_\\]")


def scritto(nodo: nodes.Element) -> str:
    """Il testo com’è lungo sulla pagina: di una formula contano i segni, non il TeX che li scrive."""
    testo = nodo.astext()
    for formula in nodo.findall(nodes.math):
        testo = testo.replace(formula.astext(), "x" * len(COMANDO.findall(formula.astext())), 1)
    return testo


def alto(testo: str, quale: tuple[int, int]) -> int:
    segni, riga = quale
    return riga * sum(max(1, ceil(len(r) / segni)) for r in testo.split("\n") or [""])


def accosta(app, documento: nodes.document, docname: str) -> None:
    if app.builder.name != "html":
        return
    for voce in list(documento.findall(affermazione_composta)):
        if "affermazione-in-affermazione" in voce["classes"]:
            sussurra(voce)
    if not any(True for _ in documento.findall(blocco_bilingue)):
        return
    in_fila = list(pezzi(documento))
    inizio = ultima = 0
    while inizio < len(in_fila):
        fine = inizio
        while fine < len(in_fila) and e_breve(in_fila[fine]):
            fine += 1
        if fine > inizio and metti(in_fila[inizio:fine], in_fila[ultima:inizio], Path(app.srcdir)):
            ultima = fine
        inizio = fine + 1


def spazio(precedono: list[nodes.Element], radice: Path, *, in_una_lingua: bool) -> int:
    """Quanto è alto ciò che precede, all’indietro fino al titolo o al primo pezzo largo (px)."""
    totale = 0
    for pezzo in reversed(precedono):
        largo = e_largo(pezzo, radice, in_una_lingua=in_una_lingua)
        if totale > ABBASTANZA or isinstance(pezzo, nodes.title) or largo:
            break
        totale += altezza(pezzo) + sum(misure(figura, radice)[1] for figura in pezzo.findall(nodes.image))
    return totale


def e_largo(pezzo: nodes.Element, radice: Path, *, in_una_lingua: bool) -> bool:
    if isinstance(pezzo, blocco_bilingue):
        return pezzo["kind"] != "equation" and not (in_una_lingua and pezzo["kind"] in PROSA)
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
    if any(len(formula.astext()) > FORMULA_BREVE for formula in pezzo.findall(nodes.math)):
        return False
    if isinstance(pezzo, affermazione_composta):
        return "affermazione-in-affermazione" in pezzo["classes"]
    semplice = isinstance(pezzo, riquadro) and pezzo["tipo"] == "nota" and len(pezzo.astext()) <= NOTA_BREVE
    return semplice and all(isinstance(figlio, nodes.paragraph) for figlio in pezzo.children)


def metti(fila: list[nodes.Element], precedono: list[nodes.Element], radice: Path) -> bool:
    """Avvolge nel margine la fila, se vi trova posto."""
    alta = RESPIRO + sum(20 + alto(scritto(capoverso), NEL_MARGINE) for breve in fila for capoverso in breve.children)
    if spazio(precedono, radice, in_una_lingua=False) >= alta:
        classi = ["a-margine"]
    elif spazio(precedono, radice, in_una_lingua=True) >= alta:
        classi = ["a-margine", "in-una-lingua"]
    else:
        return False
    genitore = fila[0].parent
    genitore.insert(genitore.index(fila[0]), involto := nodes.container(classes=classi))
    for breve in fila:
        genitore.remove(breve)
        involto += breve
    return True


def altezza(pezzo: nodes.Element) -> int:
    if isinstance(pezzo, affermazione_composta | nodes.comment | nodes.target):
        return 0
    righe = 0
    for codice in pezzo.findall(nodes.literal_block):
        if not nascosto(codice, pezzo):
            righe += alto(codice.astext().rstrip("\n"), NEL_CODICE) + 26
    for testo in pezzo.findall(nodes.paragraph):
        if not isinstance(testo.parent, lato) or testo.parent["lang"] == "it":
            righe += alto(scritto(testo), NEL_TESTO) + 14
    righe += 60 * sum(1 for _ in pezzo.findall(nodes.math_block))
    return righe * 3 // 4 if pezzo.get("kind") in IN_PICCOLO else righe


def nascosto(codice: nodes.literal_block, pezzo: nodes.Element) -> bool:
    """Il codice di una cella che mostra la sola figura."""
    return pezzo.get("hide_mode") == "input" and "cell_input" in codice.parent["classes"]


def setup(app):
    # le frasi hanno già i loro termini e le loro formule, e i quaderni (800) le hanno prese intere
    app.connect("doctree-resolved", accosta, priority=850)
