"""L’originale inglese: lo si importa una volta dal sorgente dell’articolo, poi lo si legge dal disco.

Le parole degli autori non stanno in questo deposito. ``importa`` le prende dall’e-print di arXiv, o dalla
copia di chi legge, e le scrive in ``_originale/``, che git ignora; ``carica`` le rende al libro.
"""

import copy
import hashlib
import json
import tempfile
from collections import defaultdict, deque
from functools import lru_cache
from pathlib import Path, PurePosixPath

from attenzione.files import replacing, write_text
from lettore.inventario import Blocco, leggi_inventario, normalizza
from lettore.originale.myst import scrivi
from lettore.originale.prelievo import ATTESO, URL_EPRINT, ErroreOriginale, Sorgenti, apri, scarica
from lettore.originale.tex import (
    SEGNO_NOTA,
    Candidato,
    appiattisci,
    candidati,
    leggi_con_pandoc,
    nodi,
    prepara,
    risolvi_rimandi,
    testo_semplice,
)

__all__ = ["CARTELLA", "ErroreOriginale", "carica", "importa"]

CARTELLA = "_originale"
_FILE = "blocchi.json"
_GENERI = {
    "heading": "titolo",
    "authors": "autori",
    "references": "riferimenti",
    "equation": "equazione",
    "table": "tabella",
    "figure": "figura",
}


def carica(radice: Path) -> dict | None:
    """Ciò che ``importa`` ha scritto in ``radice/_originale``; None se non c’è.

    Il file si legge e si verifica una volta per processo, finché non cambia; a ogni chiamata ne viene una copia.
    Solleva ErroreOriginale se è rovinato: JSON illeggibile, blocchi ritoccati, immagini sparite.
    """
    cartella = Path(radice) / CARTELLA
    try:
        stato = (cartella / _FILE).stat()
        dati = _leggi(cartella / _FILE, stato.st_mtime_ns, stato.st_size)
        immagini = [i for blocco in dati["blocchi"].values() for i in blocco.get("immagini", ())]
        integro = all((cartella / i).is_file() for i in immagini)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        integro = False
    if not integro:
        raise ErroreOriginale(f"{cartella}: il contenuto è rovinato; va rifatto con «python -m lettore.originale».")
    return copy.deepcopy(dati)


@lru_cache(maxsize=4)
def _leggi(file: Path, modificato: int, lungo: int) -> dict:
    """Il contenuto del file in quello stato. ValueError se l’impronta dei blocchi non è quella scritta."""
    dati = json.loads(file.read_bytes())
    if dati["impronta"] != _impronta(dati["blocchi"]):
        raise ValueError(f"{file}: i blocchi non sono quelli importati")
    return dati


def importa(
    da: str | None,
    destinazione: Path,
    *,
    inventario: dict[str, Blocco] | None = None,
    url: str = URL_EPRINT,
    attesa: float = 30,
) -> dict:
    """Riconosce i blocchi dell’articolo e li scrive in ``destinazione``; rende ciò che ``carica`` leggerà.

    ``da``: archivio, cartella o .tex; None per scaricare da ``url`` (``attesa``: secondi senza risposta).
    Su ogni errore solleva ErroreOriginale e lascia ``destinazione`` com’era.
    """
    blocchi = inventario or leggi_inventario()
    with tempfile.TemporaryDirectory() as temporanea:
        if da:
            percorso, nome = Path(da), None
        else:
            percorso, nome = Path(temporanea) / "e-print", url
            scarica(percorso, url, attesa)
        sorgenti = apri(percorso, nome)
        try:
            riconosciuti = riconosci(sorgenti, blocchi)
        except RecursionError as errore:
            raise ErroreOriginale(f"{sorgenti.nome}: il TeX è annidato troppo a fondo; {ATTESO}.") from errore
    scritti, immagini = _componi(riconosciuti)
    riassunto = {
        "fonte": sorgenti.nome.encode(errors="replace").decode(),
        "impronta": _impronta(scritti),
        "trovati": len(scritti),
        "assenti": [nome for nome in blocchi if nome not in scritti],
        "blocchi": scritti,
    }
    try:
        _salva(Path(destinazione), riassunto, immagini)
    except OSError as errore:
        motivo = errore.strerror or errore
        raise ErroreOriginale(f"{destinazione}: non si riesce a scrivere ({motivo}).") from errore
    return riassunto


# ------------------------------------------------------------------ riconoscere


def riconosci(sorgenti: Sorgenti, inventario: dict[str, Blocco]) -> dict[str, Candidato]:
    """A ogni blocco dell’inventario il suo pezzo di sorgente; ErroreOriginale se ne manca uno.

    Conta l’impronta, non il posto; fra pezzi uguali («Multi-Head Attention» è un titolo e anche
    un’etichetta di figura) decidono il genere e poi l’ordine di lettura.
    """
    albero = leggi_con_pandoc(prepara(appiattisci(sorgenti), sorgenti.nome), sorgenti.nome)
    risolvi_rimandi(albero)
    attesi: dict[tuple[str, str], deque[str]] = defaultdict(deque)
    for blocco in inventario.values():
        attesi[_GENERI.get(blocco.kind, "testo"), blocco.fingerprint].append(blocco.id)
    trovati: dict[str, Candidato] = {}
    sconosciuti = []
    for candidato in candidati(albero, sorgenti.leggi):
        if coda := attesi[candidato.genere, candidato.impronta]:
            trovati[coda.popleft()] = candidato
        else:
            sconosciuti.append(candidato)
    if mancanti := [b for b in inventario.values() if b.nel_tex and b.id not in trovati]:
        quanti = f"{len(trovati)} blocchi su {len(trovati) + len(mancanti)}"
        raise _altra_versione(sorgenti.nome, quanti, mancanti[0], sconosciuti)
    _richiama_note(albero, trovati, sorgenti.nome)
    return {nome: trovati[nome] for nome in inventario if nome in trovati}


def _altra_versione(nome: str, quanti: str, mancante: Blocco, sconosciuti: list[Candidato]) -> ErroreOriginale:
    if mancante.kind == "figure":
        senza_file = [i for c in sconosciuti if c.genere == "figura" for i, dati in c.contenuto if not dati]
        perche = f"manca il file {senza_file[0]}" if senza_file else "le immagini sono diverse"
    else:
        inizio = normalizza(mancante.incipit)
        simili = any(inizio and c.testo.startswith(inizio) for c in sconosciuti)
        perche = "c’è un testo che comincia così, ma è diverso" if simili else "nessun testo comincia così"
    incipit = f" («{mancante.incipit}»)" if mancante.incipit else ""
    return ErroreOriginale(
        f"{nome}: non è la versione attesa dell’articolo: riconosciuti {quanti}.\n"
        f"Il primo che non torna è {mancante.id}{incipit}: {perche};\n{ATTESO}."
    )


def _richiama_note(albero: list, trovati: dict[str, Candidato], nome_fonte: str) -> None:
    """Scrive in ogni nodo Note il suo blocco; un richiamo ripetuto ha quello della nota che ripete."""
    for nome, candidato in trovati.items():
        if candidato.nota:
            candidato.nota["blocco"] = nome
    note: dict[str, str | None] = {}
    for nodo in (n for n in nodi(albero) if n["t"] == "Note"):
        testo = testo_semplice(nodo["c"])
        if testo.startswith(SEGNO_NOTA):
            nodo["blocco"] = note.get(testo.strip(SEGNO_NOTA))
        else:
            note[str(len(note) + 1)] = nodo.get("blocco")
    for nome, candidato in trovati.items():
        if any(n["t"] == "Note" and not n.get("blocco") for n in nodi(candidato.contenuto)):
            raise ErroreOriginale(f"{nome_fonte}: {nome} ha una nota che l’articolo atteso non ha; {ATTESO}.")


# ------------------------------------------------------------------ scrivere


def _componi(riconosciuti: dict[str, Candidato]) -> tuple[dict[str, dict], dict[str, bytes]]:
    """I blocchi come andranno nel file, e le immagini da mettergli accanto."""
    scritti: dict[str, dict] = {}
    immagini: dict[str, bytes] = {}
    for nome, candidato in riconosciuti.items():
        if candidato.genere == "figura":
            file = {f"immagini/{PurePosixPath(i).name}": dati for i, dati in candidato.contenuto}
            immagini |= file
            scritti[nome] = {"immagini": list(file)}
        else:
            scritti[nome] = {"myst": scrivi(candidato)}
    return scritti, immagini


def _salva(destinazione: Path, riassunto: dict, immagini: dict[str, bytes]) -> None:
    """Scrive tutto, blocchi.json per ultimo: finché non c’è, vale l’importazione di prima.

    Un’immagine entra soltanto se ha l’impronta dell’inventario: riscriverla non può guastare l’importazione di prima.
    """
    for nome, dati in immagini.items():
        with replacing(destinazione / nome) as provvisorio:
            provvisorio.write_bytes(dati)
    write_text(destinazione / _FILE, json.dumps(riassunto, ensure_ascii=False, indent=1) + "\n")


def _impronta(blocchi: dict) -> str:
    return hashlib.sha256(json.dumps(blocchi, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
