"""I corpora pubblici dell’articolo e del libro: si scaricano una volta, con ripresa, e si controllano.

Gli editori non pubblicano somme di controllo. La prima volta si registra la SHA-256 di ciò che è arrivato
(somme.json, accanto ai file); da allora un file diverso è un errore. È una difesa contro i file guasti o
cambiati, non una prova che la prima copia fosse quella giusta: chi ha una somma fidata la può scrivere lì.
"""

import gzip
import hashlib
import html
import http.client
import json
import re
import shutil
import tarfile
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path

from attenzione.data.corpus import read_parallel
from attenzione.files import locked, replacing, write_text


@dataclass(frozen=True)
class Corpus:
    """Un corpus pubblico. archives: indirizzo di ogni archivio .tgz → coppie di file che se ne prendono."""

    note: str
    archives: dict[str, list[tuple[str, str]]]


LOCK = "scaricamento.in-corso"
STATMT = "https://www.statmt.org"
CORPORA = {
    "europarl-v7-en-it": Corpus(
        "Europarl v7 inglese-italiano, 1,9 milioni di coppie",
        {f"{STATMT}/europarl/v7/it-en.tgz": [("europarl-v7.it-en.en", "europarl-v7.it-en.it")]},
    ),
    "wmt14-en-de": Corpus(
        "WMT 2014 inglese-tedesco, 4,5 milioni di coppie: quello dell’articolo, §5.1",
        {
            f"{STATMT}/wmt13/training-parallel-europarl-v7.tgz": [
                ("training/europarl-v7.de-en.en", "training/europarl-v7.de-en.de")
            ],
            f"{STATMT}/wmt13/training-parallel-commoncrawl.tgz": [("commoncrawl.de-en.en", "commoncrawl.de-en.de")],
            f"{STATMT}/wmt14/training-parallel-nc-v9.tgz": [
                ("training/news-commentary-v9.de-en.en", "training/news-commentary-v9.de-en.de")
            ],
        },
    ),
    "wmt14-en-fr": Corpus(
        "WMT 2014 inglese-francese, 36 milioni di coppie con Giga-Fr-En (gli archivi contengono .gz)",
        {
            f"{STATMT}/wmt13/training-parallel-europarl-v7.tgz": [
                ("training/europarl-v7.fr-en.en", "training/europarl-v7.fr-en.fr")
            ],
            f"{STATMT}/wmt13/training-parallel-commoncrawl.tgz": [("commoncrawl.fr-en.en", "commoncrawl.fr-en.fr")],
            f"{STATMT}/wmt13/training-parallel-un.tgz": [("un/undoc.2000.fr-en.en", "un/undoc.2000.fr-en.fr")],
            f"{STATMT}/wmt14/training-parallel-nc-v9.tgz": [
                ("training/news-commentary-v9.fr-en.en", "training/news-commentary-v9.fr-en.fr")
            ],
            f"{STATMT}/wmt10/training-giga-fren.tar": [
                ("giga-fren.release2.fixed.en.gz", "giga-fren.release2.fixed.fr.gz")
            ],
        },
    ),
    "newstest2013-en-de": Corpus(
        "lo sviluppo dell’articolo, §6.2",
        {f"{STATMT}/wmt14/dev.tgz": [("dev/newstest2013.en", "dev/newstest2013.de")]},
    ),
    "newstest2014-en-de": Corpus(
        "la prova dell’articolo, §6.1",
        {
            f"{STATMT}/wmt14/test-full.tgz": [
                ("test-full/newstest2014-deen-ref.en.sgm", "test-full/newstest2014-deen-ref.de.sgm")
            ]
        },
    ),
    "newstest2014-en-fr": Corpus(
        "la prova dell’articolo, §6.1",
        {
            f"{STATMT}/wmt14/test-full.tgz": [
                ("test-full/newstest2014-fren-ref.en.sgm", "test-full/newstest2014-fren-ref.fr.sgm")
            ]
        },
    ),
}


def load_corpus(name, folder, limit=None):
    """Le coppie (inglese, altra lingua) di un corpus di CORPORA, scaricato in folder se non c’è già.

    limit: quante coppie leggere da ciascun file. Errori: ValueError se il nome non esiste o un file è
    danneggiato; OSError se manca la rete o il posto sul disco.
    """
    if name not in CORPORA:
        raise ValueError(f"name vale «{name}»: atteso uno fra {', '.join(CORPORA)}")
    pairs = []
    for url, files in CORPORA[name].archives.items():
        archive = download(url, folder)
        extracted = extract(archive, [file for pair in files for file in pair])
        for src, tgt in files:
            if src.endswith(".sgm"):  # non ogni riga è una frase: il limite viene dopo
                pairs += segments(read_parallel(extracted[src], extracted[tgt]))[:limit]
            else:
                pairs += read_parallel(extracted[src], extracted[tgt], limit)
    return pairs


def segments(pairs):
    """Da due file SGML letti riga per riga alle sole coppie di frasi, il contenuto dei marcatori <seg>."""
    found = []
    for pair in pairs:
        texts = [re.fullmatch(r"\s*<seg[^>]*>(.*)</seg>\s*", line) for line in pair]
        if all(texts):
            found.append(tuple(html.unescape(text[1]).strip() for text in texts))
    return found


def download(url, folder, timeout=30, chunk=1 << 20):
    """Scarica url in folder, se non c’è già, e ne controlla la somma; rende il percorso del file.

    Un download interrotto lascia un file .parziale, da cui il successivo riprende; il nome definitivo compare
    soltanto quando il file è intero. Due processi non scaricano insieme nella stessa cartella: il secondo aspetta.
    Errori: OSError, che dice che cosa manca (la rete, il posto); ValueError se la somma non è quella registrata.
    """
    folder = Path(folder)
    path = folder / url.rsplit("/", 1)[-1]
    if path.exists():
        return path
    with locked(folder / LOCK):
        if not path.exists():  # mentre si aspettava può averlo scaricato un altro
            partial = path.with_name(path.name + ".parziale")
            fetch(url, partial, timeout, chunk)  # non «replacing»: ciò che è arrivato deve restare
            check_sum(partial, path.name, folder)
            partial.replace(path)
    return path


def fetch(url, partial, timeout, chunk):
    """Porta in partial i byte che mancano, dal punto in cui era arrivato."""
    start = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            resumed = response.status == 206  # senza Range il server ricomincia da capo: anche noi
            start = start if resumed else 0
            left = int(response.headers.get("Content-Length", 0))
            free = shutil.disk_usage(partial.parent).free
            if left > free:
                raise OSError(f"{url}: servono ancora {left} byte e sul disco ne restano {free}")
            with open(partial, "ab" if resumed else "wb") as file:
                while block := response.read(chunk):
                    file.write(block)
                arrived = file.tell()
            if left and arrived < start + left:
                raise http.client.IncompleteRead(b"", start + left - arrived)
    except urllib.error.HTTPError as error:
        if error.code == 416 and start:  # nulla oltre ciò che c’è: il file era già intero, o più lungo del vero
            whole = error.headers.get("Content-Range", "").rpartition("/")[2]
            if whole.isdecimal() and int(whole) != start:
                partial.unlink()
                message = f"{url}: sono arrivati {start} byte, attesi {whole}: file tolto, da riscaricare"
                raise ValueError(message) from error
            return
        raise OSError(f"{url}: il server risponde {error.code}") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise OSError(
            f"{url}: il download si è interrotto ({reason}); serve la rete, e ripetendo il comando riprende da dove era"
        ) from error


def check_sum(partial, name, folder):
    """Confronta la SHA-256 con quella registrata in somme.json, o la registra se è la prima volta."""
    with open(partial, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    path = folder / "somme.json"
    try:
        sums = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except ValueError as error:
        raise ValueError(f"path vale «{path}»: non è un file JSON che si possa leggere") from error
    if sums.setdefault(name, found) != found:
        partial.unlink()
        raise ValueError(f"{name}: la somma SHA-256 è {found}, attesa {sums[name]}: file tolto, da riscaricare")
    write_text(path, json.dumps(sums, indent=1, sort_keys=True) + "\n")


def extract(archive, names):
    """I file chiesti di un archivio tar, estratti in una cartella accanto; rende un dizionario dei percorsi.

    Errori: ValueError se l’archivio è danneggiato o non contiene un file.
    """
    folder = archive.with_name(archive.name + ".estratto")
    paths = {name: folder / Path(name).name for name in names}
    if all(path.exists() for path in paths.values()):
        return paths
    with locked(archive.with_name(LOCK)):
        wanted = {name for name, path in paths.items() if not path.exists()}
        missing = set(wanted)
        try:
            with tarfile.open(archive) as tar:
                for member in tar:
                    name = member.name.removeprefix("./")
                    if name in missing and member.isfile():
                        with replacing(paths[name]) as partial, open(partial, "wb") as file:
                            shutil.copyfileobj(tar.extractfile(member), file)
                        missing.discard(name)
                while tar.fileobj.read(1 << 20):  # fino in fondo, dove sta la somma di controllo del .gz
                    pass
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            for name in wanted:
                paths[name].unlink(missing_ok=True)
            raise ValueError(f"{archive}: l’archivio è danneggiato") from error
    if missing:
        raise ValueError(f"{archive}: mancano {', '.join(sorted(missing))}")
    return paths
