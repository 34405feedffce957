"""Da dove viene il sorgente: scaricato da arXiv, oppure un archivio, una cartella, un .tex del lettore.

L’archivio si apre tutto in memoria, entro limiti contati sui byte letti davvero: niente di ciò che contiene
tocca il disco prima di essere riconosciuto.
"""

import gzip
import http.client
import io
import re
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

URL_EPRINT = "https://arxiv.org/e-print/1706.03762v7"
ATTESO = "serve l’e-print arXiv 1706.03762v7: il .tar.gz, la cartella che contiene, o il suo .tex principale"

LIMITE_SCARICATO = 20 * 2**20  # byte; l’e-print ne pesa 1,1 milioni
LIMITE_ESTRATTO = 64 * 2**20  # byte in tutto, decompressi
LIMITE_FILE = 500  # elementi dell’archivio; l’e-print ne ha 18
PAUSA = 2  # secondi fra i due tentativi di scaricare

_AGENTE = "attenzione-libro/0.1 (libro bilingue, scarica una volta il sorgente di 1706.03762v7)"
_PEZZO = 2**16

_ALTRI_FORMATI = {
    b"%PDF": "un PDF, non il sorgente TeX",
    b"PK\x03\x04": "un archivio zip",
    b"BZh": "un archivio bzip2",
    b"\xfd7zXZ": "un archivio xz",
    b"<!DOCTYPE": "una pagina HTML",
    b"<!doctype": "una pagina HTML",
    b"<html": "una pagina HTML",
}


class ErroreOriginale(Exception):  # noqa: N818
    """Il sorgente dell’articolo non si può usare; il messaggio dice la causa e che cosa serviva."""


@dataclass(frozen=True)
class Sorgenti:
    """I file di un articolo: come si chiama la fonte, qual è il .tex principale, come se ne legge uno."""

    nome: str
    principale: str
    leggi: Callable[[str], bytes | None]


# ------------------------------------------------------------------ scaricare


def scarica(destinazione: Path, url: str = URL_EPRINT, attesa: float = 30, scadenza: float = 300) -> None:
    """Scarica ``url`` nel file ``destinazione``, con un secondo tentativo se la rete o il server mancano.

    ``attesa`` è il tempo massimo senza ricevere nulla, ``scadenza`` quello dell’intero scaricamento: secondi.
    """
    motivo = ""
    for tentativo in (1, 2):
        try:
            return _scarica_una_volta(destinazione, url, attesa, scadenza)
        except urllib.error.HTTPError as errore:
            motivo = f"il server risponde {errore.code} ({errore.reason})"
            errore.close()
            if errore.code < 500:
                break
        except (OSError, http.client.HTTPException) as errore:
            motivo = _motivo_di_rete(errore, attesa)
        if tentativo == 1:
            _avvisa(f"Scaricamento non riuscito: {motivo}. Riprovo una volta.\n")
            time.sleep(PAUSA)
    raise ErroreOriginale(
        f"non riesco a scaricare l’originale da {url}: {motivo}.\n"
        "Senza rete si può dare una copia propria con --da PERCORSO (o ORIGINALE=PERCORSO): " + ATTESO + "."
    )


def _scarica_una_volta(destinazione: Path, url: str, attesa: float, scadenza: float) -> None:
    richiesta = urllib.request.Request(url, headers={"User-Agent": _AGENTE})
    fine = time.monotonic() + scadenza
    ricevuti = 0
    with urllib.request.urlopen(richiesta, timeout=attesa) as risposta, destinazione.open("wb") as file:
        annunciati = risposta.headers.get("Content-Length")
        while pezzo := risposta.read1(_PEZZO):
            ricevuti += len(pezzo)
            if ricevuti > LIMITE_SCARICATO:
                raise ErroreOriginale(
                    f"{url} manda più di {_mega(LIMITE_SCARICATO)}: non è l’e-print, che pesa circa 1,1 MB."
                )
            if time.monotonic() > fine:
                raise TimeoutError
            file.write(pezzo)
            if sys.stderr.isatty():
                _avvisa(f"\rScarico l’originale: {_mega(ricevuti)}")
    if annunciati and annunciati.isdigit() and ricevuti < int(annunciati):
        raise http.client.IncompleteRead(b"", int(annunciati) - ricevuti)
    _avvisa(f"{chr(13) if sys.stderr.isatty() else ''}Scaricato l’originale da {url}: {_mega(ricevuti)}\n")


def _motivo_di_rete(errore: Exception, attesa: float) -> str:
    causa = errore.reason if isinstance(errore, urllib.error.URLError) else errore
    if isinstance(causa, TimeoutError):
        return f"il server è troppo lento (nessuna risposta utile in {attesa:g} s)"
    if isinstance(causa, http.client.IncompleteRead):
        return "il collegamento si è interrotto a metà"
    return f"il server non si raggiunge ({causa})"


def _avvisa(testo: str) -> None:
    sys.stderr.write(testo)
    sys.stderr.flush()


def _mega(quanti: int) -> str:
    return f"{quanti / 2**20:.1f} MB".replace(".", ",")


# ------------------------------------------------------------------ aprire


def apri(percorso: Path, nome: str | None = None) -> Sorgenti:
    """I sorgenti che stanno in ``percorso``: cartella, .tex, archivio .tar o .tar.gz, .tex compresso."""
    nome = nome or percorso.absolute().name
    try:
        if percorso.is_dir():
            return _apri_cartella(percorso, nome)
        if not percorso.is_file():
            raise ErroreOriginale(f"{percorso}: questo file non c’è; {ATTESO}.")
        if percorso.suffix == ".tex":
            return Sorgenti(nome, percorso.name, _lettore_di_cartella(percorso.parent, nome))
        return _apri_file(percorso, nome)
    except OSError as errore:
        raise _illeggibile(percorso, errore) from errore


def _illeggibile(percorso: Path, errore: OSError) -> ErroreOriginale:
    return ErroreOriginale(f"{percorso}: non si riesce a leggere ({errore.strerror or errore}); {ATTESO}.")


def _apri_cartella(cartella: Path, nome: str) -> Sorgenti:
    leggi = _lettore_di_cartella(cartella, nome)
    return Sorgenti(nome, _principale([f.name for f in cartella.glob("*.tex")], leggi, nome), leggi)


def _lettore_di_cartella(cartella: Path, nome: str) -> Callable[[str], bytes | None]:
    radice = cartella.resolve()

    def leggi(richiesto: str) -> bytes | None:
        try:
            file = (radice / richiesto).resolve()
            if not file.is_relative_to(radice):
                raise ErroreOriginale(f"{nome}: «{richiesto}» porta fuori dalla cartella; {ATTESO}.")
            if not file.is_file():
                return None
            with file.open("rb") as aperto:
                return _leggi_entro(aperto, LIMITE_ESTRATTO, nome)
        except OSError as errore:
            raise _illeggibile(radice / richiesto, errore) from errore

    return leggi


def _apri_file(percorso: Path, nome: str) -> Sorgenti:
    with percorso.open("rb") as file:
        compresso = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            dati = _leggi_entro(gzip.GzipFile(fileobj=file) if compresso else file, LIMITE_ESTRATTO, nome)
        except (EOFError, zlib.error, gzip.BadGzipFile) as errore:
            raise ErroreOriginale(f"{nome}: l’archivio è troncato o rovinato; {ATTESO}.") from errore
    if not dati:
        raise ErroreOriginale(f"{nome}: il file è vuoto; {ATTESO}.")
    if b"\\documentclass" in dati and b"\0" not in dati:
        return Sorgenti(nome, "articolo.tex", {"articolo.tex": dati}.get)
    contenuto = _leggi_tar(dati, nome)
    principale = _principale([n for n in contenuto if n.endswith(".tex")], contenuto.get, nome)
    cartella = PurePosixPath(principale).parent
    return Sorgenti(nome, PurePosixPath(principale).name, lambda f: contenuto.get(_pulito(cartella / f)))


def _leggi_tar(dati: bytes, nome: str) -> dict[str, bytes]:
    """Il contenuto di un archivio tar, dopo aver rifiutato tutto ciò che un e-print non ha."""
    contenuto: dict[str, bytes] = {}
    resto = LIMITE_ESTRATTO
    try:
        with tarfile.open(fileobj=io.BytesIO(dati), mode="r:") as archivio:
            for quanti, elemento in enumerate(archivio, 1):
                if quanti > LIMITE_FILE:
                    raise ErroreOriginale(
                        f"{nome}: rifiutato, l’archivio ha più di {LIMITE_FILE} file; l’e-print ne ha 18."
                    )
                _rifiuta_ostile(elemento, nome)
                if elemento.isfile():
                    letto = _leggi_entro(archivio.extractfile(elemento), resto, nome)
                    resto -= len(letto)
                    contenuto[_pulito(PurePosixPath(elemento.name))] = letto
            # tarfile si ferma in silenzio a un’intestazione mozza: la fine vera è un blocco di zeri.
            if dati[archivio.offset : archivio.offset + tarfile.BLOCKSIZE] != bytes(tarfile.BLOCKSIZE):
                raise tarfile.ReadError("manca la fine dell’archivio")
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as errore:
        if dati[257:262] == b"ustar":
            raise ErroreOriginale(f"{nome}: l’archivio è troncato o rovinato; {ATTESO}.") from errore
        raise ErroreOriginale(f"{nome}: {_che_cosa_e(dati)}; {ATTESO}.") from errore
    return contenuto


def _rifiuta_ostile(elemento: tarfile.TarInfo, nome: str) -> None:
    percorso = PurePosixPath(elemento.name)
    disco = re.match("[A-Za-z]:", elemento.name)
    if percorso.is_absolute() or ".." in percorso.parts or "\\" in elemento.name or disco:
        raise ErroreOriginale(f"{nome}: rifiutato, «{elemento.name}» uscirebbe dalla cartella di estrazione; {ATTESO}.")
    if not (elemento.isfile() or elemento.isdir()):
        raise ErroreOriginale(
            f"{nome}: rifiutato, «{elemento.name}» è un collegamento o un dispositivo, non un file; {ATTESO}."
        )


def _leggi_entro(file: io.BufferedIOBase, limite: int, nome: str) -> bytes:
    """Tutto il file, ma mai più di ``limite`` byte letti davvero, dica ciò che vuole l’archivio."""
    dati = bytearray()
    while pezzo := file.read(_PEZZO):
        dati += pezzo
        if len(dati) > limite:
            raise ErroreOriginale(
                f"{nome}: rifiutato, decompresso supera {_mega(LIMITE_ESTRATTO)}; l’e-print ne occupa 2,3."
            )
    return bytes(dati)


def _pulito(percorso: PurePosixPath) -> str:
    """Il nome senza «./» e doppie barre; un «..» resta, e nessun file dell’archivio ce l’ha."""
    return str(percorso).removeprefix("./")


def _che_cosa_e(dati: bytes) -> str:
    for inizio, che_cosa in _ALTRI_FORMATI.items():
        if dati.startswith(inizio):
            return f"è {che_cosa}"
    return "non è un archivio tar né un file TeX"


def _principale(nomi: list[str], leggi: Callable[[str], bytes | None], nome: str) -> str:
    """Il .tex da cui comincia l’articolo: quello con \\documentclass fuori dai commenti."""
    for candidato in sorted(nomi, key=lambda n: (n.count("/"), n != "ms.tex", n)):
        if re.search(rb"(?m)^[^%\n]*\\documentclass", leggi(candidato) or b""):
            return candidato
    raise ErroreOriginale(f"{nome}: non c’è un file .tex con \\documentclass; {ATTESO}.")
