"""Scrivere un file intero o non scriverlo: si scrive accanto, e il nome lo prende soltanto alla fine."""

import os
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextmanager
def replacing(path):
    """Cede il percorso provvisorio in cui scrivere; se il blocco finisce bene, quel file diventa path.

    Se il blocco fallisce il provvisorio sparisce e path resta com’era. Un’interruzione, anche kill -9, non lascia mai
    un file a metà col nome vero. Le cartelle che mancano si creano. Ciò che non è un file, come /dev/stdout o una pipe,
    non si sostituisce: si cede com’è.
    """
    path = Path(path).resolve()  # di un collegamento, il file a cui porta
    if path.exists() and not path.is_file():
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".parziale")
    try:
        yield partial
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path, text):
    """Scrive text in path, in UTF-8, per intero o niente."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def locked(path, wait=True):
    """Esegue il blocco un processo per volta, fra quanti chiedono lo stesso path: un file che c’è soltanto intanto.

    Chi trova chiuso aspetta, o con wait=False riceve BlockingIOError. Se il processo muore, anche per kill -9, la
    serratura si apre da sé. Dove il sistema non sa chiudere un file il blocco si esegue e basta.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with close_lock(path, wait) if fcntl else nullcontext():
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def close_lock(path, wait):
    """Apre il file path, lo chiude agli altri processi e lo rende; quando si chiude il file torna libero."""
    while True:
        file = open(path, "a")  # noqa: SIM115
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise
        except OSError:  # certe cartelle di rete
            return file
        with suppress(FileNotFoundError):  # chi l’aveva può averla tolta mentre si aspettava: allora si ricomincia
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        file.close()
