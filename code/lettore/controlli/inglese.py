"""L’inglese degli autori non sta nel deposito: né nei blocchi, né nelle glosse, né altrove."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lettore.inventario import Blocco
from lettore.sorgente import VUOTO, Pagina, Segnalazione, numero_di_riga, parole

CORSA = 10
"""Parole di fila che bastano a riconoscere una frase degli autori."""

QUOTA, SEMPRE_AMMESSE = 0.4, 8
"""Lunghezza di una glossa, in parti del blocco; otto parole sono ammesse anche per i blocchi brevissimi."""

VIETATE = {"en", "english", "inglese", "originale", "original"}
_INGLESI = """
the of and to is are we our that with for from this by as be which it not these was were has have can each
"""
_ITALIANE = """
il lo la gli le di del della dei delle e è che un una per con da non si nel nella al alla ogni come più sono
"""
COMUNI_INGLESI, COMUNI_ITALIANE = frozenset(_INGLESI.split()), frozenset(_ITALIANE.split())
SENZA_FRASI = {"authors", "title", "references", "equation", "table", "figure"}
"""Generi di blocco fatti di nomi, numeri o formule: ripeterli non è copiare una frase."""


def controlla(pagina: Pagina, inventario: Mapping[str, Blocco]) -> list[Segnalazione]:
    """Direttive inglesi, capoversi inglesi nei blocchi, glosse troppo lunghe."""
    esito = [
        Segnalazione(pagina.file, direttiva.riga, f"direttiva «{direttiva.nome}»: l’inglese non sta nel sorgente")
        for direttiva in pagina.tutte_le_direttive
        if direttiva.nome.lower() in VIETATE
    ]
    for capoverso in re.finditer(r"[^\n]+(?:\n[^\n]+)*", pagina.prosa):
        riga = numero_di_riga(pagina.prosa, capoverso.start())
        if "blocco" in pagina.righe[riga - 1].direttive and e_inglese(capoverso[0]):
            esito.append(Segnalazione(pagina.file, riga, "capoverso inglese in un blocco, fuori dalla glossa"))
    for traduzione in pagina.traduzioni:
        blocco = inventario.get(traduzione.id)
        quante = len(parole(traduzione.glossa))
        if blocco and quante > (limite := max(int(QUOTA * blocco.words), SEMPRE_AMMESSE)):
            messaggio = f"blocco {blocco.id}: glossa di {quante} parole, al più {limite}"
            esito.append(Segnalazione(pagina.file, traduzione.riga, messaggio))
    return esito


def e_inglese(testo: str) -> bool:
    """Vero se in almeno otto parole quelle comuni inglesi sono una su otto e più delle italiane."""
    tutte = re.findall(r"[a-zàèéìòù]+", testo.replace(VUOTO, " ").lower())
    inglesi = sum(parola in COMUNI_INGLESI for parola in tutte)
    italiane = sum(parola in COMUNI_ITALIANE for parola in tutte)
    return len(tutte) >= 8 and inglesi * 8 >= len(tutte) and inglesi > italiane


def corse(testi: Iterable[str]) -> set[tuple[str, ...]]:
    """Le file di dieci parole di seguito nei testi dati."""
    return {fila for testo in testi for fila, _ in _file_di_parole(testo)}


def corse_dell_originale(
    dati: dict, inventario: Mapping[str, Blocco], senza: frozenset[str] = frozenset()
) -> set[tuple[str, ...]]:
    """Le corse dei blocchi importati, tolti quelli fatti di nomi e quelli in `senza`."""
    return corse(
        blocco["myst"]
        for nome, blocco in dati["blocchi"].items()
        if "myst" in blocco and nome not in senza and inventario[nome].kind not in SENZA_FRASI
    )


def controlla_corse(testo: str, file: str, originali: set[tuple[str, ...]]) -> list[Segnalazione]:
    """Le righe dove comincia una corsa di parole degli autori; di più corse sovrapposte, la prima."""
    esito, ultima = [], -CORSA
    for i, (fila, inizio) in enumerate(_file_di_parole(testo)):
        if fila in originali:
            if i - ultima > 1:
                messaggio = f"dieci parole di fila degli autori: «{' '.join(fila[:4])}…»"
                esito.append(Segnalazione(file, numero_di_riga(testo, inizio), messaggio))
            ultima = i
    return esito


def _file_di_parole(testo: str) -> Iterable[tuple[tuple[str, ...], int]]:
    """Ogni fila di dieci parole con la posizione della prima; formule, ruoli e codice non contano."""
    pulito = re.sub(r"\{[\w:]+\}`[^`\n]*`|(?<!\\)\$[^$\n]*\$|`[^`\n]*`", lambda m: " " * len(m[0]), testo)
    trovate = list(re.finditer(r"[a-z0-9]+", pulito.lower()))
    for i in range(len(trovate) - CORSA + 1):
        fila = trovate[i : i + CORSA]
        yield tuple(parola[0] for parola in fila), fila[0].start()
