"""Il sorgente MyST visto dai controlli: prosa, codice, formule, blocchi, sempre con la loro riga.

Chi cerca nella prosa non deve inciampare nel resto: `prosa` rende il testo con lo stesso
numero di righe e di caratteri, dove tutto ciò che prosa non è diventa il segno VUOTO.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

VUOTO = "\ufffc"

SENZA_PROSA = {
    *("code-cell", "code-block", "code", "math", "toctree", "figure", "image", "notazione", "bibliography"),
    *("raw", "include", "literalinclude", "mermaid", "tableofcontents"),
}
"""Direttive il cui corpo non è prosa; lo stesso vale per i recinti senza direttiva."""

ARGOMENTO_DI_PROSA = {"nota", "perche", "verifica", "luogo-comune", "exercise", "solution", "admonition"}

RECINTO = re.compile(r"^ {0,3}(`{3,}|~{3,}|:{3,})\s*(?:\{([^}]+)\})?\s*(.*?)\s*$")
OPZIONE_DI_PROSA = re.compile(r"^\s*:?(?:aggiunge|prima|caption|alt|smentita|scala|motivo):\s*\"?(.*?)\"?\s*$")
OPZIONE = re.compile(r"^\s*:[\w-]+:(?:\s|$)")
RUOLO = re.compile(r"\{([A-Za-z][\w:+-]*)\}(`+)(.+?)(?<!`)\2(?!`)", re.S)
CODICE = re.compile(r"(?<!`)(`+)(?!`)((?:[^\n]|\n(?!\s*\n))+?)(?<!`)\1(?!`)")
FORMULA_A_BLOCCO = re.compile(r"(?<!\\)\$\$(.+?)(?<!\\)\$\$", re.S)
FORMULA = re.compile(r"(?<![\\$\w])\$(?![\s$])((?:[^$\n]|\\\$|\n(?!\s*\n))+?)(?<![\s\\])\$(?![\d$])")


class Segnalazione(NamedTuple):
    """Un difetto: dove e quale."""

    file: str
    riga: int
    messaggio: str


class Riga(NamedTuple):
    """Una riga del sorgente; `direttive` sono quelle che la contengono, dalla più esterna."""

    numero: int
    testo: str
    genere: str  # intestazione, apertura, chiusura, opzione, codice, formula, prosa
    direttive: tuple[str, ...]


class Cella(NamedTuple):
    """Una cella di codice; `opzioni` è il suo preambolo YAML o a due punti."""

    riga: int
    opzioni: str
    codice: str


class Blocco(NamedTuple):
    """Un blocco tradotto: identificatore, riga, testo italiano e glossa, come sono scritti."""

    id: str
    riga: int
    italiano: str
    glossa: str


def righe(testo: str) -> list[Riga]:
    """Classifica ogni riga del sorgente."""
    esito, aperti, in_testa, in_opzioni, yaml = [], [], False, False, False
    for numero, riga in enumerate(testo.splitlines(), 1):
        nomi = tuple(nome for _, nome in aperti)
        letterale = bool(aperti) and _letterale(aperti[-1])
        if in_testa or (numero == 1 and riga.rstrip() == "---"):
            genere = "intestazione"
            in_testa = numero == 1 or riga.rstrip() != "---"
        elif aperti and _chiude(riga, aperti[-1][0]):
            genere = "chiusura"
            aperti.pop()
        elif in_opzioni and (yaml or riga.rstrip() == "---"):
            genere = "opzione"
            yaml = not yaml if riga.rstrip() == "---" else yaml
            in_opzioni = yaml
        elif in_opzioni and OPZIONE.match(riga):
            genere = "opzione"
        elif letterale:
            genere = "formula" if aperti[-1][1] == "math" else "codice"
            in_opzioni = False
        elif recinto := RECINTO.match(riga):
            genere = "apertura"
            aperti.append((recinto[1], recinto[2] or ""))
            nomi = tuple(nome for _, nome in aperti)
            in_opzioni, yaml = bool(recinto[2]), False
        else:
            genere = "prosa"
            in_opzioni = False
        esito.append(Riga(numero, riga, genere, nomi))
    return esito


def _letterale(aperto: tuple[str, str]) -> bool:
    segno, nome = aperto
    return nome in SENZA_PROSA or (not nome and not segno.startswith(":"))


def _chiude(riga: str, segno: str) -> bool:
    riga = riga.strip()
    return set(riga) == {segno[0]} and len(riga) >= len(segno)


def prosa(testo: str, senza: tuple[str, ...] = ("glossa",)) -> str:
    """Il testo con VUOTO al posto di ciò che non è prosa italiana.

    Restano i titoli delle note, le didascalie, i testi alternativi, il testo mostrato dai collegamenti e
    dai termini; spariscono codice, formule, opzioni, ruoli, indirizzi e i corpi delle direttive in `senza`.
    """
    pulite = (VUOTO * len(r.testo) if set(r.direttive) & set(senza) else _prosa_di(r) for r in righe(testo))
    return _senza_inserti("\n".join(pulite))


def _prosa_di(riga: Riga) -> str:
    """La parte di una riga che è prosa, al suo posto."""
    if riga.genere == "prosa":
        return riga.testo
    trovata, gruppo = None, 1
    if riga.genere == "apertura":
        trovata, gruppo = RECINTO.match(riga.testo), 3
        if trovata[2] not in ARGOMENTO_DI_PROSA:
            trovata = None
    elif riga.genere == "opzione":
        trovata = OPZIONE_DI_PROSA.match(riga.testo)
    if not trovata:
        return _vuota(riga.testo)
    inizio, fine = trovata.span(gruppo)
    return VUOTO * inizio + riga.testo[inizio:fine] + VUOTO * (len(riga.testo) - fine)


def _senza_inserti(testo: str) -> str:
    """Toglie dalla prosa formule, codice, ruoli, indirizzi, etichette."""
    testo = re.sub(r"<!--.*?-->", _vuoto, testo, flags=re.S)
    testo = re.sub(r"^%.*$|^\([\w.:-]+\)=\s*$|^\{[#.][^}]*\}\s*$", _vuoto, testo, flags=re.M)
    testo = RUOLO.sub(_ruolo, testo)
    testo = CODICE.sub(_vuoto, testo)
    testo = FORMULA_A_BLOCCO.sub(_vuoto, testo)
    testo = FORMULA.sub(_vuoto, testo)
    testo = re.sub(r"(?<=\])\([^()\s]*(?:\s\"[^\"]*\")?\)|(?<=\])\{[^}]*\}", _vuoto, testo)
    testo = re.sub(r"<[/a-zA-Z][^>\n]*>|https?://[^\s)>]+|[\w.+-]+@[\w-]+\.[\w.]+", _vuoto, testo)
    return re.sub(r"\[\^[\w-]+\]", _vuoto, testo)


def _ruolo(trovato: re.Match) -> str:
    """Di {term}`testo <bersaglio>` resta il testo; degli altri ruoli niente."""
    tutto, contenuto = trovato[0], trovato[3]
    if trovato[1] not in ("term", "doc", "ref"):
        return _vuota(tutto)
    mostrato = re.sub(r"\s*<[^<>]*>$", "", contenuto)
    if trovato[1] != "term" and mostrato == contenuto:
        return _vuota(tutto)
    inizio = tutto.index(contenuto)
    return VUOTO * inizio + mostrato + _vuota(tutto[inizio + len(mostrato) :])


def _vuoto(trovato: re.Match) -> str:
    return _vuota(trovato[0])


def _vuota(testo: str) -> str:
    return re.sub(r"[^\n]", VUOTO, testo)


def cancella(testo: str, modello: str | re.Pattern, se: Callable[[re.Match], bool] | None = None) -> str:
    """Mette VUOTO al posto di ciò che il modello trova (e che soddisfa `se`)."""
    return re.sub(modello, lambda m: _vuoto(m) if se is None or se(m) else m[0], testo)


def numero_di_riga(testo: str, posizione: int) -> int:
    return testo.count("\n", 0, posizione) + 1


def formule(testo: str) -> Iterator[tuple[int, str]]:
    """Ogni formula del sorgente con la riga in cui comincia: in linea, a blocco, in {math}."""
    for inizio, _, tex in posti_delle_formule(testo):
        yield numero_di_riga(testo, inizio), tex


def posti_delle_formule(testo: str) -> Iterator[tuple[int, int, str]]:
    """Ogni formula con la posizione in cui comincia e quella in cui finisce."""
    visibile, aperta, inizio = [], [], 0
    for riga in [*righe(testo), Riga(0, "", "", ())]:
        if riga.genere == "formula":
            aperta.append(riga.testo)
        elif aperta:
            tex = "\n".join(aperta)
            yield inizio - len(tex) - 1, inizio - 1, tex
            aperta = []
        visibile.append(riga.testo if _con_formule(riga) else _vuota(riga.testo))
        inizio += len(riga.testo) + 1
    visibile = CODICE.sub(_vuoto, RUOLO.sub(_vuoto, "\n".join(visibile)))
    for modello in (FORMULA_A_BLOCCO, FORMULA):
        for trovata in modello.finditer(visibile):
            yield *trovata.span(), trovata[1]
        visibile = modello.sub(_vuoto, visibile)


def _con_formule(riga: Riga) -> bool:
    """Le formule stanno nella prosa, nei titoli delle note e nelle opzioni di un’affermazione."""
    return riga.genere in ("prosa", "apertura") or (riga.genere == "opzione" and riga.direttive[-1] == "affermazione")


def celle(testo: str) -> list[Cella]:
    """Le celle di codice eseguite, in ordine."""
    esito: list[Cella] = []
    dentro = False
    for riga in righe(testo):
        if riga.genere == "apertura" and riga.direttive[-1] == "code-cell":
            esito.append(Cella(riga.numero, "", ""))
            dentro = True
        elif dentro and riga.genere == "opzione":
            esito[-1] = esito[-1]._replace(opzioni=esito[-1].opzioni + riga.testo + "\n")
        elif dentro and riga.genere == "codice":
            esito[-1] = esito[-1]._replace(codice=esito[-1].codice + riga.testo + "\n")
        else:
            dentro = False
    return esito


def blocchi(testo: str) -> list[Blocco]:
    """I blocchi tradotti, con l’italiano e la glossa separati."""
    esito: list[Blocco] = []
    for riga in righe(testo):
        if riga.genere == "apertura" and riga.direttive[-1] == "blocco":
            esito.append(Blocco(RECINTO.match(riga.testo)[3], riga.numero, "", ""))
        elif "blocco" in riga.direttive and (riga.genere != "chiusura" or riga.direttive[-1] != "blocco"):
            lingua = "glossa" if "glossa" in riga.direttive else "italiano"
            if lingua == "glossa" and riga.genere in ("apertura", "chiusura"):
                continue
            esito[-1] = esito[-1]._replace(**{lingua: getattr(esito[-1], lingua) + riga.testo + "\n"})
    return esito


def parole(testo: str) -> list[str]:
    """Le parole di un testo MyST come le conta l’inventario: con una lettera o una cifra, senza formule
    e senza citazioni."""
    testo = _senza_inserti(testo).replace(VUOTO, " ")
    return [parola for parola in testo.split() if re.search(r"\w", parola)]
