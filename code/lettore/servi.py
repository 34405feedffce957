"""«make servi»: costruisce il libro, lo serve e lo ricostruisce a ogni modifica dei sorgenti."""

import sys
from functools import partial

from livereload import Server

from attenzione.streams import as_command

from .ambiente import ambiente_del_comando
from .costruzione import RADICE, costruisci

SORGENTI = [
    "chapters/**/*.md",
    "glossary.md",
    "references.bib",
    "_config.yml",
    "_toc.yml",
    "assets/**/*",
    "web/**/*",
    "code/**/*.py",
    "code/**/*.yml",
    "tests/affermazioni/*.py",
]


def main() -> int:
    ricostruisci = partial(costruisci, ambiente_del_comando())
    if stato := ricostruisci():
        return stato
    servitore = Server()
    for modello in SORGENTI:
        servitore.watch(str(RADICE / modello), ricostruisci)
    servitore.serve(root=str(RADICE / "_build" / "html"), host="127.0.0.1", port=8000)
    return 0


if __name__ == "__main__":
    sys.exit(as_command(main))
