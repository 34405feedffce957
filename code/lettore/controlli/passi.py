"""I passi sono piccoli: celle brevi, e ogni capitolo dichiara quanto tempo chiede."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from statistics import median

from lettore.controlli.testo import Segnalazione, blocchi, celle, righe
from lettore.inventario import leggi_inventario

MASSIMO, NOVE_DECIMI, MEDIANA = 25, 15, 6


def controlla(testo: str, file: str) -> list[Segnalazione]:
    """Nessuna cella sopra le 25 righe non vuote."""
    return [
        Segnalazione(file, cella.riga, f"cella di {righe_piene(cella.codice)} righe: al più {MASSIMO}")
        for cella in celle(testo)
        if righe_piene(cella.codice) > MASSIMO
    ]


def controlla_capitolo(testo: str, file: str) -> list[Segnalazione]:
    """Un capitolo ha l’intestazione di jupytext e una {tappa} con il suo tempo.

    La pagina dei riferimenti, che non ha nulla da leggere né da eseguire, ne è dispensata.
    """
    if {leggi_inventario()[b.id].kind for b in blocchi(testo)} == {"heading", "references"}:
        return []
    classificate = righe(testo)
    intestazione = "\n".join(r.testo for r in classificate if r.genere == "intestazione")
    esito = []
    if not re.search(r"^jupytext:", intestazione, re.M) or not re.search(r"^kernelspec:", intestazione, re.M):
        esito.append(Segnalazione(file, 1, "manca l’intestazione con jupytext e kernelspec"))
    tempi = [r for r in classificate if r.genere == "opzione" and r.direttive[-1] == "tappa"]
    if not any(re.match(r":tempo:\s*\d+\s*$", r.testo) for r in tempi):
        esito.append(Segnalazione(file, 1, "manca la riga del tempo: una {tappa} con «:tempo:» in secondi"))
    return esito


def controlla_libro(testi: Iterable[str], file: str) -> list[Segnalazione]:
    """Sull’insieme delle celle: mediana entro 6 righe, nove su dieci entro 15."""
    lunghezze = sorted(righe_piene(cella.codice) for testo in testi for cella in celle(testo))
    if not lunghezze:
        return []
    esito = []
    if (mezzo := median(lunghezze)) > MEDIANA:
        esito.append(Segnalazione(file, 0, f"celle: mediana di {mezzo:g} righe, al più {MEDIANA}"))
    if (nove := lunghezze[math.ceil(0.9 * len(lunghezze)) - 1]) > NOVE_DECIMI:
        messaggio = f"celle: nove su dieci stanno entro {nove} righe, si chiede {NOVE_DECIMI}"
        esito.append(Segnalazione(file, 0, messaggio))
    return esito


def righe_piene(codice: str) -> int:
    return sum(bool(riga.strip()) for riga in codice.splitlines())
