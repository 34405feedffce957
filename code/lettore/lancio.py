"""Sphinx, in un processo suo: ``python -m lettore.lancio`` con la richiesta in JSON, come la scrive la costruzione.

In un processo a parte perché Sphinx trova e lascia tracce in quello che lo ospita, e perché le variabili d’ambiente
dei capitoli si danno prima che Python cominci.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

from attenzione.streams import as_command


def lancia(radice: str, cartella: str, alberi: str, costruttore: str, esegue: bool, **altro: bool | int) -> int:
    """Costruisce con la configurazione del libro, severo (``-W -n``) e senza fermarsi al primo avviso.

    Rende lo stato di uscita; un errore che ha fermato Sphinx arriva com’è.
    """
    from jupyter_book.sphinx import build_sphinx

    impostazioni = {
        "nitpicky": True,
        "latex_individualpages": False,
        "external_toc_path": Path(radice, "_toc.yml").as_posix(),
    }
    if not esegue:
        impostazioni["nb_execution_mode"] = "off"
    stato = build_sphinx(
        radice,
        cartella,
        builder=costruttore,
        doctreedir=alberi,
        path_config=Path(radice, "_config.yml"),
        confoverrides=impostazioni,
        noconfig=True,
        warningiserror=True,
        keep_going=True,
        **altro,
    )
    if isinstance(stato, Exception):  # una cella che cade, un guasto di Sphinx: con tutta la sua storia
        raise stato
    return stato


if __name__ == "__main__":
    sys.exit(as_command(partial(lancia, **json.loads(sys.argv[1]))))
