"""Un solo termine per concetto: le varianti scartate dal glossario non si usano."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lettore.controlli.testo import Segnalazione, cancella, numero_di_riga, prosa
from lettore.glossario import Voce

NOMI = ("Attention Is All You Need", "Machine Learning", "Neural Information Processing Systems")
"""Nomi propri che contengono forme cercate."""

SPIEGATE = re.compile(
    r"«[^«»]{1,80}»"  # citate fra virgolette
    r"|(?<=\()\*[^*\n]+\*(?=[^()]*\))"  # l’inglese fra parentesi, in corsivo: (*attention*)
    r"|(?<=[,;:] )\*[^*\n]+\*(?=[^()]*\))"
)


def controlla(testo: str, file: str, voci: Iterable[Voce]) -> list[Segnalazione]:
    """Le varianti scartate nella prosa di un file.

    Parole intere; maiuscole indifferenti, salvo per le forme scritte con «=» davanti. Una forma non conta
    dentro un termine del glossario che la contiene («layer» in «layer normalization»), dentro codice,
    formule, glosse, e dove la si spiega: fra «» o in corsivo fra parentesi.
    """
    voci = list(voci)
    pulito = cancella(prosa(testo), SPIEGATE)
    for nome in NOMI:
        pulito = cancella(pulito, modello(nome))
    esito = []
    for voce in voci:
        for forma in voce.cerca:
            cercato = modello(forma)
            dove = pulito
            for altra in voci:
                if altra.it != voce.it and cercato.search(altra.it):
                    dove = cancella(dove, modello(altra.it))
            for trovata in cercato.finditer(dove):
                messaggio = f"«{trovata[0]}» è una variante scartata: si scrive «{voce.it}»"
                esito.append(Segnalazione(file, numero_di_riga(dove, trovata.start()), messaggio))
    return sorted(set(esito))


def modello(forma: str) -> re.Pattern:
    """La forma come parola intera; spazi e a capo si equivalgono, e così i due apostrofi."""
    esatta = forma.startswith("=")
    tex = re.escape(forma.removeprefix("=")).replace("\\ ", r"\s+").replace("’", "[’']")
    return re.compile(rf"(?<!\w){tex}(?!\w)", 0 if esatta else re.IGNORECASE)
