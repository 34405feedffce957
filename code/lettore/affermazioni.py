"""Il registro delle affermazioni: che cosa un articolo afferma, che specie di prova lo decide, dove sta.

Un’affermazione si scrive nel capitolo, subito dopo la cella che la decide:

    :::{affermazione} varianza-del-prodotto
    :blocco: s3.2.1-fn4
    :verdetto: dimostrata
    :smentita: una varianza diversa da $\\dk$ anche per un solo $\\dk$.
    L’affermazione dell’articolo, in una frase nostra.
    :::

Nella Parte III le affermazioni vengono da altri articoli: al posto di `blocco` c’è `fonte`, la chiave di
`references.bib`.

`smentita` dice che cosa l’avrebbe smentita; `scala`, per una «riprodotta in scala», che cosa cambia alle
dimensioni vere; `motivo`, per chi non ha una prova, perché qui non si decide; `esito`, se la prova dà torto, e
allora `invece`, che cosa sarebbe stato vero e di quanto l’articolo ne è lontano: la prova asserisce anche questo.
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
    "conforme": "conformi",
    "misurata": "misurate",
    "ricalcolata": "ricalcolate",
    "riprodotta in scala": "riprodotte in scala",
    "lettura": "letture",
    "solo citata": "solo citate",
}
"""Le specie di prova, con il loro plurale: le dice la pagina del registro."""

SCALATA, SENZA_PROVA = "riprodotta in scala", ("lettura", "solo citata")
CONFERMATA = "confermata"
ESITI = (CONFERMATA, "smentita in parte", "smentita")
OPZIONI = ("blocco", "fonte", "verdetto", "smentita", "scala", "motivo", "esito", "invece")
PROVE = "tests/affermazioni"


@dataclass(frozen=True)
class Affermazione:
    """Una voce del registro; `file` e `riga` dicono dove è scritta."""

    id: str
    frase: str
    verdetto: str
    smentita: str
    blocco: str = ""
    fonte: str = ""
    scala: str = ""
    motivo: str = ""
    esito: str = CONFERMATA
    invece: str = ""
    file: str = ""
    riga: int = 0


def crea_affermazione(ident: str, opzioni: dict[str, str], frase: str, file: str = "", riga: int = 0) -> Affermazione:
    """Una voce controllata; le opzioni sono quelle della direttiva. ValueError se qualcosa non va."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", ident):
        raise ValueError(f"affermazione «{ident}»: l’identificatore è fatto di minuscole, cifre e trattini")
    errore = f"affermazione «{ident}»: "
    if ignote := sorted(opzioni.keys() - set(OPZIONI)):
        raise ValueError(f"{errore}opzioni sconosciute: {', '.join(ignote)}")
    for nome in ("verdetto", "smentita"):
        if not opzioni.get(nome):
            raise ValueError(f"{errore}manca «:{nome}:»")
    if bool(opzioni.get("blocco")) == bool(opzioni.get("fonte")):
        raise ValueError(f"{errore}serve «:blocco:», se l’afferma l’articolo, o «:fonte:», se lo afferma un altro")
    voce = Affermazione(id=ident, frase=frase.strip(), file=file, riga=riga, **opzioni)
    if voce.verdetto not in VERDETTI:
        raise ValueError(f"{errore}verdetto «{voce.verdetto}» ignoto; quelli noti: {', '.join(VERDETTI)}")
    if voce.esito not in ESITI:
        raise ValueError(f"{errore}esito «{voce.esito}» ignoto; quelli noti: {', '.join(ESITI)}")
    if voce.blocco and voce.blocco not in leggi_inventario():
        raise ValueError(f"{errore}il blocco «{voce.blocco}» non è fra quelli dell’inventario (blocchi.yml)")
    for nome, serve, quando in (
        ("scala", voce.verdetto == SCALATA, f"una «{SCALATA}»"),
        ("motivo", voce.verdetto in SENZA_PROVA, " o ".join(f"una «{verdetto}»" for verdetto in SENZA_PROVA)),
        ("invece", voce.esito != CONFERMATA, "un esito che dà torto"),
    ):
        if bool(getattr(voce, nome)) != serve:
            raise ValueError(f"{errore}{'manca' if serve else f'vale solo per {quando} la riga'} «:{nome}:»")
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


@dataclass(frozen=True)
class Prova:
    """Una prova del registro, dal suo sorgente: dove sta, se è una replica (ha semi e controllo), e se asserisce ciò
    che la voce dice invece dell’articolo."""

    luogo: str
    replica: bool
    invece: bool = False


def leggi_prove(radice: Path) -> dict[str, list[Prova]]:
    """Identificatore → le prove che lo decidono («tests/affermazioni/test_3_5.py::test_…»).

    Si legge il sorgente senza eseguirlo: il libro si costruisce anche dove manca pytest.
    """
    prove: dict[str, list[Prova]] = {}
    for file in sorted((radice / PROVE).glob("test_*.py")):
        for nodo in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for ident, replica in _identificatori(nodo):
                luogo = f"{PROVE}/{file.name}::{nodo.name}"
                prove.setdefault(ident, []).append(Prova(luogo, replica, _asserisce(nodo, "invece")))
    return prove


def _identificatori(nodo: ast.AST) -> Iterator[tuple[str, bool]]:
    for decoratore in getattr(nodo, "decorator_list", ()):
        match decoratore:
            case ast.Call(func=ast.Name(id="affermazione"), args=[ast.Constant(value=str() as ident), *_]):
                yield ident, any(argomento.arg == "semi" for argomento in decoratore.keywords)


def _asserisce(prova: ast.AST, posto: str) -> bool:
    """Se la prova ha un blocco `with posto:` con un assert dentro."""
    blocchi = [nodo for nodo in ast.walk(prova) if isinstance(nodo, ast.With)]
    suoi = [nodo for nodo in blocchi if any(getattr(voce.context_expr, "id", "") == posto for voce in nodo.items)]
    return any(isinstance(nodo, ast.Assert) for blocco in suoi for nodo in ast.walk(blocco))
