"""Ogni blocco tradotto conserva numeri, simboli, citazioni e rimandi del suo originale."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from lettore.controlli.atomi import atomi, semplifica
from lettore.inventario import Blocco
from lettore.sorgente import RUOLO, Pagina, Segnalazione, Traduzione, senza_inserti


def controlla(
    pagina: Pagina, inventario: Mapping[str, Blocco], originale: Mapping[str, dict] | None = None
) -> list[Segnalazione]:
    """Confronta le traduzioni di una pagina con l’inventario e, se c’è, con il testo originale."""
    esito = []
    for traduzione in pagina.traduzioni:
        blocco = inventario.get(traduzione.id)
        if blocco is None:
            messaggio = f"blocco «{traduzione.id}» fuori dall’inventario"
            esito.append(Segnalazione(pagina.file, traduzione.riga, messaggio))
        elif traduzione.italiano.strip() and blocco.kind not in ("references", "figure"):
            inglese = (originale or {}).get(blocco.id, {}).get("myst")
            for guasto in guasti(traduzione, blocco, inglese):
                esito.append(Segnalazione(pagina.file, traduzione.riga, f"blocco {blocco.id}: {guasto}"))
    return esito


def guasti(traduzione: Traduzione, blocco: Blocco, inglese: str | None = None) -> list[str]:
    """Che cosa manca o avanza nella traduzione di un blocco."""
    italiano = traduzione.italiano
    esito = [
        *_differenze("citazione", Counter(blocco.cites), Counter(_valori(italiano, "cite"))),
        *_differenze("rimando", Counter(blocco.refs), Counter(_valori(italiano, "rif"))),
        *_differenze("richiamo", Counter(set(blocco.footnotes)), Counter(set(_valori(italiano, "richiamo")))),
    ]
    if blocco.kind == "table":  # i numeri li scrive il codice, da tabelle.yml
        return esito
    simboli = set().union(*map(atomi, traduzione.formule))
    for atomo in sorted(set().union(*map(atomi, blocco.maths)) - simboli):
        esito.append(f"manca il simbolo {atomo}")
    nella_prosa = numeri(senza_inserti(italiano))
    scritti = nella_prosa | {n for tex in traduzione.formule for n in numeri(semplifica(tex))}
    attesi = {n for tex in blocco.maths for n in numeri(semplifica(tex), italiani=False)}
    if inglese is not None:
        attesi |= numeri(senza_inserti(inglese), italiani=False)
        esito += [f"il numero {numero} non è nell’originale" for numero in sorted(nella_prosa - attesi)]
    return esito + [f"manca il numero {numero}" for numero in sorted(attesi - scritti)]


def numeri(testo: str, italiani: bool = True) -> set[str]:
    """I numeri scritti in cifre, in forma comune: «25\u202f000» → 25000, «28,4» e «28{,}4» → 28.4."""
    if italiani:
        testo = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))", "", testo).replace("{,}", ".")
        testo = re.sub(r"(?<=\d),(?=\d)", ".", testo)
    else:
        testo = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", testo)
        testo = re.sub(r"(?<=\d)K\b", "000", testo)
    return set(re.findall(r"\d+(?:\.\d+)?", testo))


def _differenze(nome: str, attesi: Counter, trovati: Counter) -> list[str]:
    mancano = [f"manca {nome} {chiave}" for chiave in sorted((attesi - trovati).elements())]
    return mancano + [f"{nome} di troppo: {chiave}" for chiave in sorted((trovati - attesi).elements())]


def _valori(testo: str, ruolo: str) -> list[str]:
    """Gli argomenti di un ruolo, separati da virgola: {cite}`a,b` → a, b. Anche {cite:t} e simili."""
    trovati = (m for m in RUOLO.finditer(testo) if m[1].split(":")[0] == ruolo)
    return [chiave.strip() for m in trovati for chiave in m[3].split(",")]
