"""L’inventario dei blocchi dell’articolo: che cosa c’è da tradurre, in che ordine, con quale impronta.

I dati stanno in ``blocchi.yml`` e non contengono frasi degli autori: un blocco si riconosce
normalizzandone il testo e confrontando l’impronta.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import yaml

FILE_INVENTARIO = Path(__file__).with_name("blocchi.yml")

PROSA = {"paragraph", "list-item", "footnote", "caption", "note", "acknowledgements"}
"""I generi di blocco che chiedono, oltre alla traduzione, una glossa inglese nostra."""

_LETTERE = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
    | {"ı": "i", "đ": "d", "Đ": "D"}
)

# I blocchi senza numero di sezione si raggruppano secondo l’inizio dell’identificatore.
_CAPITOLI = {
    "title": "titolo",
    "authors": "titolo",
    "note": "titolo",
    "abs": "sommario",
    "ack": "ringraziamenti",
    "refs": "riferimenti",
}


@dataclass(frozen=True)
class Blocco:
    """Un blocco dell’articolo; i nomi dei campi sono quelli di ``blocchi.yml``, dove sono spiegati."""

    id: str
    kind: str
    section: str | None
    heading: str | None
    incipit: str
    words: int
    norm_len: int
    fingerprint: str
    symbols: tuple[str, ...] = ()
    maths: tuple[str, ...] = ()
    text_in_maths: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    of: str | None = None
    mark: str | None = None
    footnotes: tuple[str, ...] = ()
    number: int | None = None
    level: int | None = None
    run_in: bool = False
    run_in_heading: str | None = None
    only_in: str | None = None
    page_v5: int | None = None
    images: tuple[str, ...] = ()
    labels_in_image: tuple[str, ...] = ()
    sub: bool = False
    entries: int | None = None

    @property
    def nel_tex(self) -> bool:
        """Falso per ciò che stampa soltanto il foglio di stile e che nei .tex non c’è."""
        return self.only_in != "style-file"


@cache
def leggi_inventario(percorso: Path = FILE_INVENTARIO) -> dict[str, Blocco]:
    """I blocchi per identificatore, in ordine di lettura. ValueError se il file è incoerente."""
    noti = {campo.name for campo in fields(Blocco)}
    blocchi: dict[str, Blocco] = {}
    for voce in yaml.safe_load(percorso.read_text(encoding="utf-8")):
        nome = voce.get("id")
        if ignoti := voce.keys() - noti:
            raise ValueError(f"{percorso.name}: nel blocco {nome} campi sconosciuti: {sorted(ignoti)}")
        if nome in blocchi:
            raise ValueError(f"{percorso.name}: il blocco {nome} compare due volte")
        blocchi[nome] = Blocco(**{k: tuple(v) if isinstance(v, list) else v for k, v in voce.items()})
    return blocchi


def capitolo(blocco: Blocco) -> str:
    """Il gruppo del blocco: il numero della sezione o, se non ne ha, un nome («titolo», «sommario»…)."""
    if blocco.section is not None:
        return blocco.section
    return _CAPITOLI.get(blocco.id.split("-")[0], "appendice")


def normalizza(testo: str) -> str:
    """Il testo ridotto a [a-z0-9]: senza accenti, maiuscole, spazi, segni."""
    scomposto = unicodedata.normalize("NFKD", testo.translate(_LETTERE))
    return re.sub(r"[^a-z0-9]", "", scomposto.lower())


def normalizza_formula(tex: str) -> str:
    """Il TeX di un’equazione, macro già espanse, ridotto a [a-z0-9]."""
    return re.sub(r"[^a-z0-9]", "", tex.lower())


def impronta(contenuto: str | bytes) -> str:
    """Le prime 16 cifre dello sha256 di un testo già normalizzato, o dei byte di una figura."""
    dati = contenuto.encode("ascii") if isinstance(contenuto, str) else contenuto
    return hashlib.sha256(dati).hexdigest()[:16]
