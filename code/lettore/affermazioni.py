"""Il registro delle affermazioni: che cosa l’articolo afferma, con quale verdetto, quale prova lo decide.

Un’affermazione si scrive nel capitolo, subito dopo la cella che la decide:

    ```{affermazione} varianza-del-prodotto
    :blocco: s3.2.1-fn4
    :verdetto: dimostrata
    :smentita: una varianza diversa da $\\dk$ anche per un solo $\\dk$.
    L’affermazione dell’articolo, in una frase nostra.
    ```

`smentita` dice che cosa l’avrebbe smentita; `scala`, per una «riprodotta in scala», che cosa cambia alle
dimensioni vere; `motivo`, per una «solo citata», perché qui non si esegue; `esito`, se la prova dà torto.
Ogni altra ha una prova in tests/affermazioni/, riconosciuta dal decoratore `affermazione("id", …)`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lettore.controlli.testo import RECINTO, Riga, righe
from lettore.inventario import leggi_inventario

VERDETTI = {
    "dimostrata": "dimostrate",
    "verificata": "verificate",
    "ricalcolata": "ricalcolate",
    "riprodotta in scala": "riprodotte in scala",
    "solo citata": "solo citate",
}
"""I verdetti, dal più forte al più debole, con il loro plurale."""

CITATA, SCALATA = "solo citata", "riprodotta in scala"
ESITI = ("confermata", "smentita in parte", "smentita")
OPZIONI = ("blocco", "verdetto", "smentita", "scala", "motivo", "esito")
PROVE = "tests/affermazioni"

OPZIONE = re.compile(r"^\s*:([\w-]+):\s*(.*?)\s*$")


@dataclass(frozen=True)
class Affermazione:
    """Una voce del registro; `file` e `riga` dicono dove è scritta."""

    id: str
    frase: str
    blocco: str
    verdetto: str
    smentita: str
    scala: str = ""
    motivo: str = ""
    esito: str = "confermata"
    file: str = ""
    riga: int = 0


def crea_affermazione(
    ident: str, opzioni: dict[str, str], frase: str, file: str = "", riga: int = 0
) -> Affermazione:
    """Una voce controllata; le opzioni sono quelle della direttiva. ValueError se qualcosa non va."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", ident):
        raise ValueError(f"affermazione «{ident}»: l’identificatore è fatto di minuscole, cifre e trattini")
    errore = f"affermazione «{ident}»: "
    if ignote := sorted(opzioni.keys() - set(OPZIONI)):
        raise ValueError(f"{errore}opzioni sconosciute: {', '.join(ignote)}")
    for nome in ("blocco", "verdetto", "smentita"):
        if not opzioni.get(nome):
            raise ValueError(f"{errore}manca «:{nome}:»")
    voce = Affermazione(id=ident, frase=frase.strip(), file=file, riga=riga, **opzioni)
    if voce.verdetto not in VERDETTI:
        raise ValueError(f"{errore}verdetto «{voce.verdetto}» ignoto; quelli noti: {', '.join(VERDETTI)}")
    if voce.esito not in ESITI:
        raise ValueError(f"{errore}esito «{voce.esito}» ignoto; quelli noti: {', '.join(ESITI)}")
    if voce.blocco not in leggi_inventario():
        raise ValueError(f"{errore}il blocco «{voce.blocco}» non è fra quelli dell’inventario (blocchi.yml)")
    for nome, verdetto in (("scala", SCALATA), ("motivo", CITATA)):
        if bool(getattr(voce, nome)) != (voce.verdetto == verdetto):
            atteso = "manca" if voce.verdetto == verdetto else f"vale solo per una «{verdetto}» la riga"
            raise ValueError(f"{errore}{atteso} «:{nome}:»")
    if not voce.frase or re.search(r"\n\s*\n", voce.frase):
        raise ValueError(f"{errore}serve un solo capoverso, con ciò che l’articolo afferma")
    return voce


def leggi_affermazioni(testo: str, file: str = "") -> list[Affermazione]:
    """Le affermazioni di un sorgente, nell’ordine. Una malfatta è un ValueError con file e riga."""
    esito = []
    for riga, voce in _lette(testo, file):
        if isinstance(voce, ValueError):
            raise ValueError(f"{file}:{riga}: {voce}")
        esito.append(voce)
    return esito


def difetti(testo: str) -> list[tuple[int, str]]:
    """Riga e messaggio di ogni affermazione malfatta."""
    return [(riga, str(voce)) for riga, voce in _lette(testo, "") if isinstance(voce, ValueError)]


def _lette(testo: str, file: str) -> Iterator[tuple[int, Affermazione | ValueError]]:
    for apre, opzioni, frase in _direttive(testo):
        try:
            voce = crea_affermazione(RECINTO.match(apre.testo)[3], opzioni, frase, file, apre.numero)
        except ValueError as errore:
            voce = errore
        yield apre.numero, voce


def _direttive(testo: str) -> Iterator[tuple[Riga, dict[str, str], str]]:
    apre, opzioni, frase = None, {}, []
    for riga in righe(testo):
        if not riga.direttive or riga.direttive[-1] != "affermazione":
            continue
        if riga.genere == "apertura":
            apre, opzioni, frase = riga, {}, []
        elif riga.genere == "opzione":
            nome, valore = OPZIONE.match(riga.testo).groups()
            opzioni[nome] = valore
        elif riga.genere == "chiusura":
            yield apre, opzioni, "\n".join(frase)
        else:
            frase.append(riga.testo)


def leggi_capitoli(radice: Path) -> list[Affermazione]:
    """Tutte le affermazioni dei capitoli, file per file."""
    file = sorted(radice.glob("chapters/**/*.md"))
    testi = {f.relative_to(radice).as_posix(): f.read_text(encoding="utf-8") for f in file}
    return [voce for nome, testo in testi.items() for voce in leggi_affermazioni(testo, nome)]


def leggi_prove(radice: Path) -> dict[str, list[str]]:
    """Identificatore → le prove che lo decidono («tests/affermazioni/test_3_5.py::test_…»).

    Si legge il sorgente senza eseguirlo: il libro si costruisce anche dove manca pytest.
    """
    prove: dict[str, list[str]] = {}
    for file in sorted((radice / PROVE).glob("test_*.py")):
        for nodo in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for ident in _identificatori(nodo):
                prove.setdefault(ident, []).append(f"{PROVE}/{file.name}::{nodo.name}")
    return prove


def _identificatori(nodo: ast.AST) -> Iterator[str]:
    for decoratore in getattr(nodo, "decorator_list", ()):
        match decoratore:
            case ast.Call(func=ast.Name(id="affermazione"), args=[ast.Constant(value=str() as ident), *_]):
                yield ident
