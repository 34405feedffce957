"""`python -m lettore.frasi [file…]`: la prosa del libro una frase per riga, le direttive di prosa fra due punti.

Con una frase per riga, a una parola cambiata corrisponde una riga cambiata. Una frase finisce con . ! ? … seguiti da
spazio e da ciò che può aprirne un’altra, anche dentro virgolette e parentesi; mai dentro codice, formule, ruoli,
collegamenti, né dopo un’abbreviazione o l’iniziale di un nome. Non si tocca ciò che prosa non è: intestazione, celle,
recinti letterali, tabelle, formule, opzioni, titoli, etichette, commenti, HTML.

Gli apici restano ai recinti letterali: una direttiva il cui corpo è prosa sta fra due punti, e chi legge il sorgente
come semplice Markdown non la vede come codice. Un file si scrive solo se dice ancora lo stesso (`differenza`).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import NamedTuple

from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from attenzione.files import write_text
from attenzione.streams import as_command
from lettore.sorgente import ESTENSIONI, OPZIONE, SENZA_PROSA

RADICE = Path(__file__).parents[2]
MYST = create_md_parser(MdParserConfig(enable_extensions=ESTENSIONI), RendererHTML)

A_CAPO = re.compile(r"(\\| {2,})\n[ \t]*|[ \t]*\n[ \t]*")
"""Un a capo nel sorgente; il gruppo c’è se è un a capo anche nella pagina."""

FINE = re.compile(r"(?<=[^\s(\[«])[.!?…]+[»”’)\]*_]*( +)(?=(\S))")
"""La fine di una frase e lo spazio che la segue; il secondo gruppo è il primo carattere della prossima."""

ABBREVIATA = re.compile(
    r"(?<![\w.])(?:p\. es|es|ecc|cfr?|pp?|pagg?|figg?|sez|cap|eqq?|art|vol|nn?|vv?|dott|sig|prof"
    r"|al|e\.g|i\.e|etc|vs|figs|eqs|secs?|(?-i:[A-Z]))\.$",
    re.IGNORECASE,
)
"""Il punto di un’abbreviazione, italiana o delle glosse inglesi, o dell’iniziale di un nome: non chiude la frase."""

VELO = "\ufffc"
APRONO_UN_INSERTO = "`$[!{<&\\"
APRONO_UNA_FRASE = "«“([*" + VELO


class Pezzo(NamedTuple):
    """Un capoverso o un recinto, con le righe del file che occupa: da `inizio`, da zero, a `fine` esclusa."""

    token: Token
    inizio: int
    fine: int
    riferimenti: dict


class Correzione(NamedTuple):
    """Le righe da mettere al posto di quelle fra `inizio` e `fine`, e che cosa non va in quelle."""

    inizio: int
    fine: int
    righe: list[str]
    messaggio: str


def correggi(testo: str) -> str:
    """Il testo con una frase per riga e le direttive di prosa fra due punti."""
    righe = testo.split("\n")
    for correzione in reversed(_correzioni(testo)):
        righe[correzione.inizio : correzione.fine] = correzione.righe
    return "\n".join(righe)


def difetti(testo: str) -> list[tuple[int, str]]:
    """Riga e messaggio di ogni capoverso e di ogni recinto che non è nella forma del libro."""
    return [(correzione.inizio + 1, correzione.messaggio) for correzione in _correzioni(testo)]


def differenza(prima: str, dopo: str) -> int | None:
    """La riga di `prima` da cui i due sorgenti dicono cose diverse, a parte spazi e recinti; None se non c’è."""
    for uno, altro in zip_longest(_senso(prima), _senso(dopo), fillvalue=(0, None)):
        if uno[1] != altro[1]:
            return uno[0] + 1
    return None


# ---------------------------------------------------------------- la struttura


def _pezzi(testo: str, da: int = 0) -> Iterator[Pezzo]:
    """I capoversi e i recinti di prosa, anche annidati, nell’ordine; `da` è la riga del file dove il testo comincia."""
    riferimenti: dict = {}
    tokens = MYST.parse(testo, riferimenti)
    for prima, token in zip([None, *tokens], tokens, strict=False):
        recinto = _di_prosa(token)
        if recinto or (token.type == "inline" and prima.type == "paragraph_open"):
            yield Pezzo(token, da + token.map[0], da + token.map[1], riferimenti)
        if recinto:
            opzioni, corpo = _dividi(token.content)
            yield from _pezzi(corpo, da + token.map[0] + 1 + len(opzioni))


def _di_prosa(token: Token) -> bool:
    """Vero per i recinti che racchiudono prosa: le direttive, salvo quelle letterali, e i due punti senza nome."""
    if token.type not in ("fence", "colon_fence"):
        return False
    nome = re.match(r"\s*\{([^}]+)\}", token.info)
    return nome[1] not in SENZA_PROSA if nome else token.type == "colon_fence"


def _dividi(contenuto: str) -> tuple[list[str], str]:
    """Le righe delle opzioni di una direttiva e il suo corpo."""
    righe = contenuto.split("\n")
    if righe[0].startswith("---"):
        quante = next((i for i, riga in enumerate(righe[1:], 2) if riga.startswith("---")), len(righe))
    else:
        quante = sum(1 for _ in takewhile(OPZIONE.match, righe))
    return righe[:quante], "\n".join(righe[quante:])


def _senso(testo: str, da: int = 0) -> Iterator[tuple[int, tuple]]:
    """Ciò che un sorgente dice, token per token, con la riga; spazi e segni dei recinti di prosa non contano."""
    riga, riferimenti = da, {}
    for token in MYST.parse(testo, riferimenti):
        riga = da + token.map[0] if token.map else riga
        if _di_prosa(token):
            opzioni, corpo = _dividi(token.content)
            yield riga, ("apre", token.info.split(), opzioni)
            yield from _senso(corpo, riga + 1 + len(opzioni))
            yield riga, ("chiude",)
        elif token.type == "inline":
            yield riga, tuple(MYST.renderer.renderInline(token.children, MYST.options, riferimenti).split())
        else:
            yield riga, (token.type, token.tag, token.attrs, token.info, token.markup, token.content, token.hidden)


# ---------------------------------------------------------------- le correzioni


def _correzioni(testo: str) -> list[Correzione]:
    righe, trovate = testo.split("\n"), []
    for pezzo in _pezzi(testo):
        trovate += _capoverso(pezzo, righe) if pezzo.token.type == "inline" else _recinto(pezzo, righe)
    return sorted(c for c in trovate if c.righe != righe[c.inizio : c.fine])


def _capoverso(pezzo: Pezzo, righe: list[str]) -> list[Correzione]:
    """Le frasi del capoverso, sotto la prima: di un segno d’elenco resta il posto, quello di citazione si ripete."""
    testo = pezzo.token.content
    prefisso = righe[pezzo.inizio].rstrip().removesuffix(testo.split("\n")[0].rstrip())
    rientro = re.sub(r"[^>\t]", " ", prefisso)
    prima, *altre = frasi(testo, pezzo.riferimenti)
    nuove = [prefisso + prima, *(rientro + frase for frase in altre)]
    return [Correzione(pezzo.inizio, pezzo.fine, nuove, "il capoverso non ha una frase per riga")]


def _recinto(pezzo: Pezzo, righe: list[str]) -> list[Correzione]:
    """La riga che apre il recinto e quella che lo chiude, con più due punti di ogni recinto interno."""
    segno = pezzo.token.markup
    interni = re.findall(r"^[ \t>]*(:{3,})", correggi(_dividi(pezzo.token.content)[1]), re.M)
    minimo = len(segno) if segno[0] == ":" else 3
    due_punti = ":" * max([minimo, *(len(interno) + 1 for interno in interni)])
    sue = [pezzo.inizio]
    if re.fullmatch(rf"[ \t>]*{segno}{segno[0]}*[ \t]*", righe[pezzo.fine - 1]):
        sue.append(pezzo.fine - 1)
    messaggio = f"la direttiva si apre e si chiude con {due_punti}"
    return [
        Correzione(n, n + 1, [re.sub(rf"{segno}{segno[0]}*", due_punti, righe[n], count=1)], messaggio) for n in sue
    ]


def frasi(testo: str, riferimenti: dict) -> list[str]:
    """Le righe di un capoverso: una per frase, e una a ogni a capo che la pagina conserva.

    Due frasi restano insieme se la seconda, a capo, sarebbe letta come un elenco, un titolo, un’etichetta.
    `riferimenti` sono le destinazioni dei collegamenti che il capoverso nomina soltanto.
    """
    testo = A_CAPO.sub(lambda a_capo: f"{a_capo[1]}\n" if a_capo[1] else " ", testo)
    velato = _velato(testo, riferimenti)
    for fine in reversed(list(FINE.finditer(velato))):
        seguito, inizio = testo[fine.end() :], fine[2]
        if ABBREVIATA.search(velato[: fine.start() + 1]):
            continue
        if (inizio.isupper() or inizio.isdecimal() or inizio in APRONO_UNA_FRASE) and _e_capoverso(seguito):
            testo = testo[: fine.start(1)] + "\n" + seguito
    return testo.split("\n")


def _velato(testo: str, riferimenti: dict) -> str:
    """Il testo con VELO al posto di codice, formule, ruoli, collegamenti, HTML, caratteri protetti."""
    stato, velato = StateInline(testo, MYST, riferimenti, []), []
    while stato.pos < stato.posMax:
        inizio = stato.pos
        MYST.inline.skipToken(stato)
        pezzo = testo[inizio : stato.pos]
        inserto = len(pezzo) > 1 and pezzo[0] in APRONO_UN_INSERTO
        velato.append(VELO * len(pezzo) if inserto else pezzo)
    return "".join(velato)


def _e_capoverso(testo: str) -> bool:
    """Vero se la prima riga del testo, da sola, Markdown la prende per prosa."""
    return [token.type for token in MYST.parse(testo.split("\n")[0])] == ["paragraph_open", "inline", "paragraph_close"]


# ---------------------------------------------------------------- il comando


def pagine() -> list[Path]:
    """I file che il comando guarda se non gliene si danno altri: i capitoli e il glossario."""
    return [*sorted(RADICE.glob("chapters/**/*.md")), RADICE / "glossary.md"]


def main(argomenti: list[str] | None = None) -> int:
    lettore = argparse.ArgumentParser(prog="python -m lettore.frasi", description=__doc__.split("\n\n")[0])
    lettore.add_argument("file", nargs="*", type=Path, help="i sorgenti (tutti i capitoli e il glossario)")
    lettore.add_argument("--controlla", action="store_true", help="non scrive: dice che cosa non è in forma")
    scelte = lettore.parse_args(argomenti)
    esito = 0
    for file in scelte.file or pagine():
        testo = file.read_text(encoding="utf-8")
        guasti = difetti(testo) if scelte.controlla else scrivi(file, testo)
        for riga, messaggio in guasti:
            print(f"{file}:{riga}: {messaggio}")
            esito = 1
    return esito


def scrivi(file: Path, testo: str) -> list[tuple[int, str]]:
    """Mette in forma il file, per intero o per nulla; rende riga e messaggio di ciò che glielo impedisce."""
    nuovo = correggi(testo)
    if (riga := differenza(testo, nuovo)) is not None:
        return [(riga, "in forma direbbe altro: il file resta com’era")]
    if nuovo != testo:
        write_text(file, nuovo)
    return []


if __name__ == "__main__":
    sys.exit(as_command(main))
