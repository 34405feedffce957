"""«make servi»: costruisce il libro, lo serve e lo ricostruisce a ogni modifica dei sorgenti."""

import sys

from livereload import Server

from .costruzione import RADICE, costruisci

SORGENTI = ["chapters/**/*.md", "glossary.md", "references.bib", "_config.yml", "_toc.yml", "assets/**/*",
            "code/**/*.py", "code/**/*.yml", "tests/affermazioni/*.py"]


def main() -> int:
    if stato := costruisci():
        return stato
    servitore = Server()
    for modello in SORGENTI:
        servitore.watch(str(RADICE / modello), costruisci)
    servitore.serve(root=str(RADICE / "_build" / "html"), host="127.0.0.1", port=8000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
