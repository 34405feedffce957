"""Ogni blocco tradotto conserva numeri, simboli, citazioni e rimandi del suo originale."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from lettore.controlli.formule import atomi, semplifica
from lettore.controlli.testo import RUOLO, Blocco, Segnalazione, blocchi, formule
from lettore.inventario import Blocco as Voce


def controlla(
    testo: str, file: str, inventario: Mapping[str, Voce], originale: Mapping[str, dict] | None = None
) -> list[Segnalazione]:
    """Confronta i blocchi di un file con l’inventario e, se c’è, con il testo originale."""
    esito = []
    for blocco in blocchi(testo):
        voce = inventario.get(blocco.id)
        if voce is None:
            esito.append(Segnalazione(file, blocco.riga, f"blocco «{blocco.id}» fuori dall’inventario"))
        elif blocco.italiano.strip() and voce.kind not in ("references", "figure"):
            inglese = (originale or {}).get(blocco.id, {}).get("myst")
            for guasto in guasti(blocco, voce, inglese):
                esito.append(Segnalazione(file, blocco.riga, f"blocco {blocco.id}: {guasto}"))
    return esito


def guasti(blocco: Blocco, voce: Voce, inglese: str | None = None) -> list[str]:
    """Che cosa manca o avanza nella traduzione di un blocco."""
    italiano = blocco.italiano
    esito = [
        *_differenze("citazione", Counter(voce.cites), Counter(_valori(italiano, "cite"))),
        *_differenze("rimando", Counter(voce.refs), Counter(_valori(italiano, "rif"))),
        *_differenze("richiamo", Counter(set(voce.footnotes)), Counter(set(_valori(italiano, "richiamo")))),
    ]
    if voce.kind == "table":  # i numeri li scrive il codice, da tabelle.yml
        return esito
    tradotte = [tex for _, tex in formule(italiano)]
    simboli = set().union(*map(atomi, tradotte))
    for atomo in sorted(set().union(*map(atomi, voce.maths)) - simboli):
        esito.append(f"manca il simbolo {atomo}")
    scritti = numeri(_prosa(italiano)) | Counter(n for tex in tradotte for n in numeri(semplifica(tex)))
    attesi = Counter(set(n for tex in voce.maths for n in numeri(semplifica(tex), italiani=False)))
    if inglese is not None:
        nel_testo = numeri(_prosa(inglese), italiani=False)
        attesi = Counter(set(attesi) | set(nel_testo))
        for numero in sorted(set(numeri(_prosa(italiano))) - set(attesi)):
            esito.append(f"il numero {numero} non è nell’originale")
    for numero in sorted(set(attesi) - set(scritti)):
        esito.append(f"manca il numero {numero}")
    return esito


def numeri(testo: str, italiani: bool = True) -> Counter[str]:
    """I numeri scritti in cifre, in forma comune: «25\u202f000» → 25000, «28,4» e «28{,}4» → 28.4."""
    if italiani:
        testo = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))", "", testo).replace("{,}", ".")
        testo = re.sub(r"(?<=\d),(?=\d)", ".", testo)
    else:
        testo = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", testo)
        testo = re.sub(r"(?<=\d)K\b", "000", testo)
    return Counter(re.findall(r"\d+(?:\.\d+)?", testo))


def _differenze(nome: str, attesi: Counter, trovati: Counter) -> list[str]:
    mancano = [f"manca {nome} {chiave}" for chiave in sorted((attesi - trovati).elements())]
    return mancano + [f"{nome} di troppo: {chiave}" for chiave in sorted((trovati - attesi).elements())]


def _valori(testo: str, ruolo: str) -> list[str]:
    """Gli argomenti di un ruolo, separati da virgola: {cite}`a,b` → a, b. Anche {cite:t} e simili."""
    trovati = (m for m in RUOLO.finditer(testo) if m[1].split(":")[0] == ruolo)
    return [chiave.strip() for m in trovati for chiave in m[3].split(",")]


def _prosa(testo: str) -> str:
    """Il testo senza ruoli (i rimandi hanno i loro numeri) e senza formule."""
    testo = RUOLO.sub(lambda m: m[3].split("<")[0] if m[1] == "term" else " ", testo)
    return re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$|https?://\S+|<[^>]+>", " ", testo, flags=re.S)
