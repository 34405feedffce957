"""I passi sono piccoli: celle brevi e strette, e ogni capitolo dichiara quanto tempo chiede."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from statistics import median

from lettore.inventario import leggi_inventario
from lettore.sorgente import Pagina, Segnalazione

MASSIMO, NOVE_DECIMI, MEDIANA = 25, 15, 6
LARGHEZZA = 79


def controlla(pagina: Pagina) -> list[Segnalazione]:
    """Nessuna cella sopra le 25 righe non vuote, nessuna riga di cella sopra i 79 caratteri."""
    lunghe = [
        Segnalazione(pagina.file, cella.riga, f"cella di {righe_piene(cella.corpo)} righe: al più {MASSIMO}")
        for cella in pagina.celle
        if righe_piene(cella.corpo) > MASSIMO
    ]
    return lunghe + larghe(pagina)


def larghe(pagina: Pagina) -> list[Segnalazione]:
    """Le righe di cella, commento compreso, che nella pagina non si vedono senza scorrere."""
    esito = []
    for cella in pagina.celle:
        prima = cella.riga + 1 + cella.preambolo.count("\n")
        for n, riga in enumerate(cella.corpo.split("\n"), prima):
            if len(riga) > LARGHEZZA:
                messaggio = f"riga di cella di {len(riga)} caratteri: al più {LARGHEZZA}"
                esito.append(Segnalazione(pagina.file, n, messaggio))
    return esito


def controlla_capitolo(pagina: Pagina) -> list[Segnalazione]:
    """Un capitolo ha l’intestazione di jupytext e una {tappa} con il suo tempo.

    La pagina dei riferimenti, che non ha nulla da leggere né da eseguire, ne è dispensata.
    """
    blocchi = (leggi_inventario().get(traduzione.id) for traduzione in pagina.traduzioni)
    if {blocco and blocco.kind for blocco in blocchi} == {"heading", "references"}:
        return []
    intestazione = "\n".join(r.testo for r in pagina.righe if r.genere == "intestazione")
    esito = []
    if not re.search(r"^jupytext:", intestazione, re.M) or not re.search(r"^kernelspec:", intestazione, re.M):
        esito.append(Segnalazione(pagina.file, 1, "manca l’intestazione con jupytext e kernelspec"))
    tappe = [dict(direttiva.opzioni) for direttiva in pagina.tutte_le_direttive if direttiva.nome == "tappa"]
    if not any(tappa.get("tempo", "").isdecimal() for tappa in tappe):
        esito.append(Segnalazione(pagina.file, 1, "manca la riga del tempo: una {tappa} con «:tempo:» in secondi"))
    return esito


def controlla_libro(pagine: Iterable[Pagina], file: str) -> list[Segnalazione]:
    """Sull’insieme delle celle: mediana entro 6 righe, nove su dieci entro 15."""
    lunghezze = sorted(righe_piene(cella.corpo) for pagina in pagine for cella in pagina.celle)
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
