"""Le voci di glossary.md: un lemma, il suo inglese, la definizione, le forme da evitare.

Una voce si scrive così, fra le sezioni della pagina:

    :::{voce} attenzione a prodotto scalare scalato
    :en: scaled dot-product attention
    :grammatica: f.; l’attenzione a prodotto scalare scalato
    :sezione: 3.2.1
    :evitare: attenzione con prodotto puntiforme scalato; attenzione a prodotto a punti
    :cerca: attenzione con prodotto puntiforme scalato; attenzione a prodotto a punti
    Definizione in una o due frasi semplici.
    :::

`forme` sono le altre forme con cui il libro usa il termine, quando né il lemma né la grammatica le dicono:
verbi, plurali, nomi abbreviati («addestrare», «reti»); servono al controllo del cammino. `evitare` è ciò che il lettore
legge sotto «Da non chiamare», `cerca` ciò che il controllo dei termini segnala: parole intere, maiuscole indifferenti,
salvo le forme precedute da «=».
Le sigle hanno anche `sciolta-en` e `sciolta-it`; i nomi propri `tipo: nome`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lettore.sorgente import Direttiva, Pagina, leggi_pagina

GLOSSARIO = Path(__file__).parents[2] / "glossary.md"
OPZIONI = ("en", "grammatica", "forme", "sezione", "evitare", "cerca", "sciolta-en", "sciolta-it", "tipo")
TIPI = ("termine", "sigla", "nome")


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
    """Le voci di un file; per gli errori si veda `voci_della_pagina`."""
    return voci_della_pagina(leggi_pagina(percorso, percorso.parent))


def voci_della_pagina(pagina: Pagina) -> list[Voce]:
    """Tutte le voci, nell’ordine della pagina. Una voce malfatta o doppia è un ValueError con file e riga."""
    voci: dict[str, Voce] = {}
    for direttiva in pagina.tutte_le_direttive:
        if direttiva.nome != "voce":
            continue
        try:
            voce = _voce(direttiva)
            if doppia := voci.get(voce.it.casefold()):
                raise ValueError(f"la voce «{voce.it}» c’è già alla riga {doppia.riga}")
        except ValueError as errore:
            raise ValueError(f"{pagina.file}:{direttiva.riga}: {errore}") from None
        voci[voce.it.casefold()] = voce
    return list(voci.values())


def _voce(direttiva: Direttiva) -> Voce:
    if not direttiva.chiusa:
        raise ValueError(f"la voce «{direttiva.argomento}» non è chiusa")
    opzioni = dict(direttiva.opzioni)
    for nome, quante in Counter(nome for nome, _ in direttiva.opzioni).items():
        if quante > 1:
            raise ValueError(f"opzione «{nome}» scritta due volte")
    return crea_voce(direttiva.argomento, opzioni, direttiva.corpo, direttiva.riga)


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
