"""Il libro in EPUB."""

from __future__ import annotations

from pathlib import Path

from lettore.uscite import Lavoro, Righe, Uscita

from .costruttore import LibroEpub, ScegliFermo


def completa(lavoro: Lavoro) -> tuple[Path, Righe]:
    return lavoro.costruito / USCITA.cartella / "libro.epub", []


USCITA = Uscita(
    costruttore="epub",
    cartella="epub",
    completa=completa,
    opzione="epub",
    aiuto="costruisce l’EPUB invece dell’HTML",
)


def setup(app):
    app.add_builder(LibroEpub, override=True)
    app.add_post_transform(ScegliFermo)
