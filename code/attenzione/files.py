"""Scrivere un file intero o non scriverlo: si scrive accanto, e il nome lo prende soltanto alla fine."""

import os
from contextlib import contextmanager
from pathlib import Path


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
