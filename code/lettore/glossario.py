"""Le voci di glossary.md: un lemma, il suo inglese, la definizione, le forme da evitare.

Una voce si scrive così, fra le sezioni della pagina:

    ```{voce} attenzione a prodotto scalare scalato
    :en: scaled dot-product attention
    :grammatica: f.; l’attenzione a prodotto scalare scalato
    :sezione: 3.2.1
    :evitare: attenzione con prodotto puntiforme scalato; attenzione a prodotto a punti
    :cerca: attenzione con prodotto puntiforme scalato; attenzione a prodotto a punti
    Definizione in una o due frasi semplici.
    ```

`forme` sono le altre forme con cui il libro usa il termine, quando né il lemma né la grammatica le dicono:
verbi, plurali, nomi abbreviati («addestrare», «reti»); servono al controllo del cammino. `evitare` è ciò che il lettore
legge sotto «Da non chiamare», `cerca` ciò che il controllo dei termini segnala: parole intere, maiuscole indifferenti,
salvo le forme precedute da «=».
Le sigle hanno anche `sciolta-en` e `sciolta-it`; i nomi propri `tipo: nome`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GLOSSARIO = Path(__file__).parents[2] / "glossary.md"
OPZIONI = ("en", "grammatica", "forme", "sezione", "evitare", "cerca", "sciolta-en", "sciolta-it", "tipo")
TIPI = ("termine", "sigla", "nome")

APRE = re.compile(r"^(`{3,}|:{3,})\{voce\}\s*(.*?)\s*$")
OPZIONE = re.compile(r"^:([a-z-]+):\s*(.*?)\s*$")


@dataclass(frozen=True)
class Voce:
    """Una voce del glossario; `riga` è quella del lemma in glossary.md."""

    it: str
    en: str
    grammatica: str
    sezione: str
    evitare: tuple[str, ...]
    cerca: tuple[str, ...]
    sciolta_en: str
    sciolta_it: str
    tipo: str
    forme: tuple[str, ...]
    definizione: str
    riga: int


def leggi_voci(percorso: Path = GLOSSARIO) -> list[Voce]:
    """Tutte le voci, nell’ordine della pagina. Una voce malfatta o doppia è un errore con file e riga."""
    righe = percorso.read_text(encoding="utf-8").splitlines()
    voci, viste, i = [], {}, 0
    while i < len(righe):
        if not (apre := APRE.match(righe[i])):
            i += 1
            continue
        inizio, corpo = i + 1, []
        i += 1
        while i < len(righe) and righe[i].rstrip() != apre[1]:
            corpo.append(righe[i])
            i += 1
        try:
            if i == len(righe):
                raise ValueError(f"la voce «{apre[2]}» non è chiusa da {apre[1]}")
            voce = crea_voce(apre[2], *_dividi(corpo), riga=inizio)
            if (chiave := voce.it.casefold()) in viste:
                raise ValueError(f"la voce «{voce.it}» c’è già alla riga {viste[chiave]}")
        except ValueError as errore:
            raise ValueError(f"{percorso.name}:{inizio}: {errore}") from None
        viste[chiave] = inizio
        voci.append(voce)
        i += 1
    return voci


def crea_voce(lemma: str, opzioni: dict[str, str], definizione: str, riga: int = 0) -> Voce:
    """Una voce controllata; le opzioni sono quelle della direttiva `voce`."""
    if not lemma:
        raise ValueError("voce senza lemma")
    if "(" in lemma or "/" in lemma:
        raise ValueError(f"il lemma «{lemma}» contiene parentesi o barre: serve una voce per forma")
    for nome in opzioni.keys() - set(OPZIONI):
        raise ValueError(f"voce «{lemma}»: opzione sconosciuta «{nome}»; quelle note: {', '.join(OPZIONI)}")
    for nome in ("en", "grammatica", "sezione"):
        if not opzioni.get(nome):
            raise ValueError(f"voce «{lemma}»: manca «:{nome}:»")
    if not definizione.strip():
        raise ValueError(f"voce «{lemma}»: manca la definizione")
    sciolta_en, sciolta_it = opzioni.get("sciolta-en", ""), opzioni.get("sciolta-it", "")
    if bool(sciolta_en) != bool(sciolta_it):
        raise ValueError(f"voce «{lemma}»: una sigla si scioglie in inglese e in italiano, tutt’e due")
    tipo = opzioni.get("tipo") or ("sigla" if sciolta_en else "termine")
    if tipo not in TIPI:
        raise ValueError(f"voce «{lemma}»: tipo sconosciuto «{tipo}»; quelli noti: {', '.join(TIPI)}")
    altre = _elenco(opzioni.get("forme", ""))
    return Voce(
        it=lemma,
        en=opzioni["en"],
        grammatica=opzioni["grammatica"],
        sezione=opzioni["sezione"],
        evitare=_elenco(opzioni.get("evitare", "")),
        cerca=_elenco(opzioni.get("cerca", "")),
        sciolta_en=sciolta_en,
        sciolta_it=sciolta_it,
        tipo=tipo,
        forme=tuple(dict.fromkeys((lemma, *_flesse(lemma, opzioni["grammatica"]), *altre))),
        definizione=definizione.strip(),
        riga=riga,
    )


def _dividi(corpo: list[str]) -> tuple[dict[str, str], str]:
    """Divide il corpo di una voce in opzioni e definizione."""
    opzioni = {}
    for i, riga in enumerate(corpo):
        if not (trovata := OPZIONE.match(riga)):
            return opzioni, "\n".join(corpo[i:])
        if trovata[1] in opzioni:
            raise ValueError(f"opzione «{trovata[1]}» scritta due volte")
        opzioni[trovata[1]] = trovata[2]
    return opzioni, ""


def _flesse(lemma: str, grammatica: str) -> Iterator[str]:
    """Le forme che la grammatica scrive per intero: «f.; la chiave, le chiavi» → chiavi."""
    for pezzo in re.split(r"[;,]", re.sub(r"\([^)]*\)", "", grammatica)):
        forma = re.sub(r"^(?:(?:il|lo|la|i|gli|le)\s+|l’)", "", pezzo.strip())
        if desinenze := re.fullmatch(r"(\w+)o/a|(\w+)i/e", forma):
            radice = desinenze[1] or desinenze[2]
            yield from (radice + vocale for vocale in forma[-3:].split("/"))
        elif len(forma.split()) == len(lemma.split()) and forma[:2].casefold() == lemma[:2].casefold():
            yield forma


def _elenco(testo: str) -> tuple[str, ...]:
    return tuple(forma.strip() for forma in testo.split(";") if forma.strip())
