"""Il quaderno pulito di un capitolo: un ``.ipynb`` che gira da solo, da scaricare o da aprire in rete.

Parte dall’albero già risolto di Sphinx, quindi non vi restano direttive: blocchi bilingui come
italiano con l’inglese citato, macro espanse, rimandi e termini come testo, uscite tolte.
"""

from __future__ import annotations

from collections.abc import Iterator

import nbformat
from docutils import nodes

from .indirizzi import pacchetto
from .markdown import Markdown

APERTURA = (
    "> Quaderno del libro «L’attenzione è tutto ciò che serve». Per eseguirlo serve il pacchetto "
    "`attenzione`: `{installa}`"
)
PREPARA = """\
# Dove il pacchetto del libro c’è già, questa cella non fa nulla
from importlib.util import find_spec

if find_spec("attenzione") is None:
"""
INSTALLA = """\
    print("Manca il pacchetto attenzione: lo installo")
    %pip install --quiet "{pacchetto}"
"""
SPIEGA = """\
    raise ModuleNotFoundError("manca attenzione; dalla cartella del libro: pip install '{pacchetto}'")
"""


def celle_di_apertura(con_codice: bool, deposito: str) -> list[nbformat.NotebookNode]:
    """Che cos’è e che cosa chiede; se poi ci sono celle di codice, anche quella che procura il pacchetto."""
    celle = [nbformat.v4.new_markdown_cell(APERTURA.format(installa=f'pip install "{pacchetto(deposito)}"'))]
    if con_codice:
        codice = PREPARA + (INSTALLA if deposito else SPIEGA).format(pacchetto=pacchetto(deposito))
        celle.append(nbformat.v4.new_code_cell(codice.strip(), metadata={"tags": ["ambiente"]}))
    return celle


def quaderno(doctree: nodes.document, deposito: str) -> nbformat.NotebookNode:
    """Il quaderno di un capitolo, dal suo albero risolto; celle di testo e di codice nell’ordine."""
    celle: list[nbformat.NotebookNode] = []
    testo: list[str] = []

    def chiudi() -> None:
        if insieme := "".join(testo).strip():
            celle.append(nbformat.v4.new_markdown_cell(insieme))
        testo.clear()

    def scendi(nodo: nodes.Node, livello: int) -> None:
        for figlio in nodo.children:
            if isinstance(figlio, nodes.container) and "cell" in figlio["classes"]:
                chiudi()
                celle.extend(celle_di_codice(figlio))
            elif isinstance(figlio, nodes.section):
                scendi(figlio, livello + 1)
            elif contiene_celle(figlio):
                scendi(figlio, livello)
            else:
                scrittore = Markdown(doctree)
                scrittore.livello = livello
                figlio.walkabout(scrittore)
                testo.append("".join(scrittore.pezzi))

    scendi(doctree, 0)
    chiudi()
    celle = celle_di_apertura(any(c.cell_type == "code" for c in celle), deposito) + celle
    for i, cella in enumerate(celle):  # identificatori stabili: due costruzioni, gli stessi byte
        cella["id"] = f"cella-{i}"
    metadati = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return nbformat.v4.new_notebook(cells=celle, metadata=metadati)


def contiene_celle(nodo: nodes.Node) -> bool:
    return any("cell" in c["classes"] for c in nodo.findall(nodes.container))


def celle_di_codice(nodo: nodes.container) -> Iterator[nbformat.NotebookNode]:
    etichette = [classe.removeprefix("tag_") for classe in nodo["classes"] if classe.startswith("tag_")]
    for ingresso in nodo.findall(nodes.container):
        if "cell_input" in ingresso["classes"]:
            for codice in ingresso.findall(nodes.literal_block):
                yield nbformat.v4.new_code_cell(codice.astext(), metadata={"tags": etichette} if etichette else {})
