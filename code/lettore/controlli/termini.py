"""Un solo termine per concetto: le varianti scartate dal glossario non si usano."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from lettore.glossario import Voce
from lettore.sorgente import Pagina, Segnalazione, cancella, numero_di_riga

NOMI = ("Attention Is All You Need", "Machine Learning", "Neural Information Processing Systems")
"""Nomi propri che contengono forme cercate."""

PAROLA = re.compile(r"\w+")
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
    parole = set(PAROLA.findall(pulito.casefold()))
    esito = set()
    for voce, prima, cercato, contenenti in _ricerche(tuple(voci)):
        if prima not in parole or not cercato.search(pulito):
            continue
        dove = pulito
        for termine in contenenti:
            dove = cancella(dove, termine)
        for trovata in cercato.finditer(dove):
            messaggio = f"«{trovata[0]}» è una variante scartata: si scrive «{voce.it}»"
            esito.add(Segnalazione(pagina.file, numero_di_riga(dove, trovata.start()), messaggio))
    return sorted(esito)


@cache
def _ricerche(voci: tuple[Voce, ...]) -> list[tuple[Voce, str, re.Pattern, list[re.Pattern]]]:
    """Per ogni forma scartata: la voce, la prima parola (senza la quale non serve cercarla), il suo modello e quelli
    dei termini che la contengono lecitamente."""
    ricerche = []
    for voce in voci:
        for forma in voce.cerca:
            prima, cercato = PAROLA.search(forma)[0].casefold(), modello(forma)
            altre = [v.it for v in voci if v is not voce and prima in v.it.casefold()]
            contenenti = [modello(lemma) for lemma in altre if cercato.search(lemma)]
            ricerche.append((voce, prima, cercato, contenenti))
    return ricerche


@cache
def modello(forma: str) -> re.Pattern:
    """La forma come parola intera; spazi e a capo si equivalgono, e così i due apostrofi."""
    esatta = forma.startswith("=")
    tex = re.escape(forma.removeprefix("=")).replace("\\ ", r"\s+").replace("’", "[’']")
    return re.compile(rf"(?<!\w){tex}(?!\w)", 0 if esatta else re.IGNORECASE)
