"""Un solo termine per concetto: le varianti scartate dal glossario non si usano."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from lettore.glossario import Voce
from lettore.sorgente import Pagina, Segnalazione, cancella, numero_di_riga

NOMI = ("Attention Is All You Need", "Machine Learning", "Neural Information Processing Systems")
"""Nomi propri che contengono forme cercate."""

SPIEGATE = re.compile(
    r"«[^«»]{1,80}»"  # citate fra virgolette
    r"|(?<=\()\*[^*\n]+\*(?=[^()]*\))"  # l’inglese fra parentesi, in corsivo: (*attention*)
    r"|(?<=[,;:] )\*[^*\n]+\*(?=[^()]*\))"
)


def controlla(pagina: Pagina, voci: Iterable[Voce]) -> list[Segnalazione]:
    """Le varianti scartate nella prosa di una pagina.

    Parole intere; maiuscole indifferenti, salvo per le forme scritte con «=» davanti. Una forma non conta
    dentro un termine del glossario che la contiene («layer» in «layer normalization»), dentro codice,
    formule, glosse, e dove la si spiega: fra «» o in corsivo fra parentesi.
    """
    pulito = cancella(pagina.prosa, SPIEGATE)
    for nome in NOMI:
        pulito = cancella(pulito, modello(nome))
    esito = set()
    for voce, cercato, contenenti in _ricerche(tuple(voci)):
        if not cercato.search(pulito):
            continue
        dove = pulito
        for termine in contenenti:
            dove = cancella(dove, termine)
        for trovata in cercato.finditer(dove):
            messaggio = f"«{trovata[0]}» è una variante scartata: si scrive «{voce.it}»"
            esito.add(Segnalazione(pagina.file, numero_di_riga(dove, trovata.start()), messaggio))
    return sorted(esito)


@cache
def _ricerche(voci: tuple[Voce, ...]) -> list[tuple[Voce, re.Pattern, list[re.Pattern]]]:
    """Per ogni forma scartata, il suo modello e quelli dei termini che la contengono lecitamente."""
    ricerche = []
    for voce in voci:
        for forma in voce.cerca:
            cercato = modello(forma)
            contenenti = [modello(v.it) for v in voci if v is not voce and cercato.search(v.it)]
            ricerche.append((voce, cercato, contenenti))
    return ricerche


@cache
def modello(forma: str) -> re.Pattern:
    """La forma come parola intera; spazi e a capo si equivalgono, e così i due apostrofi."""
    esatta = forma.startswith("=")
    tex = re.escape(forma.removeprefix("=")).replace("\\ ", r"\s+").replace("’", "[’']")
    return re.compile(rf"(?<!\w){tex}(?!\w)", 0 if esatta else re.IGNORECASE)
