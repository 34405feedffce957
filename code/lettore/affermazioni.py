"""Il registro delle affermazioni: che cosa l’articolo afferma, con quale verdetto, quale prova lo decide.

Un’affermazione si scrive nel capitolo, subito dopo la cella che la decide:

    :::{affermazione} varianza-del-prodotto
    :blocco: s3.2.1-fn4
    :verdetto: dimostrata
    :smentita: una varianza diversa da $\\dk$ anche per un solo $\\dk$.
    L’affermazione dell’articolo, in una frase nostra.
    :::

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

from lettore.inventario import leggi_inventario
from lettore.sorgente import Direttiva, Pagina, Segnalazione

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


def crea_affermazione(ident: str, opzioni: dict[str, str], frase: str, file: str = "", riga: int = 0) -> Affermazione:
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


def leggi_affermazioni(pagina: Pagina) -> list[Affermazione]:
    """Le affermazioni di una pagina, nell’ordine. Una malfatta è un ValueError con file e riga."""
    esito = []
    for direttiva in _direttive(pagina):
        try:
            esito.append(_crea(direttiva, pagina.file))
        except ValueError as errore:
            raise ValueError(f"{pagina.file}:{direttiva.riga}: {errore}") from None
    return esito


def difetti(pagina: Pagina) -> list[Segnalazione]:
    """Le affermazioni malfatte di una pagina."""
    esito = []
    for direttiva in _direttive(pagina):
        try:
            _crea(direttiva, pagina.file)
        except ValueError as errore:
            esito.append(Segnalazione(pagina.file, direttiva.riga, str(errore)))
    return esito


def _direttive(pagina: Pagina) -> list[Direttiva]:
    return [direttiva for direttiva in pagina.tutte_le_direttive if direttiva.nome == "affermazione"]


def _crea(direttiva: Direttiva, file: str) -> Affermazione:
    return crea_affermazione(direttiva.argomento, dict(direttiva.opzioni), direttiva.corpo, file, direttiva.riga)


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
