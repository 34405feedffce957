"""Come si costruisce il libro per provarlo, e come se ne leggono le pagine."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from filelock import FileLock

from lettore import costruzione
from lettore.ambiente import Ambiente
from lettore.uscite import Uscita
from lettore.uscite.pagina.sito import SPOSTATE

RADICE = Path(__file__).resolve().parents[2]
DEPOSITO = "https://github.com/esempio/libro"
COMPOSTA = "!document.querySelector('html.primo, [data-si-misura]')"
"""Da aspettare nel browser: la pagina è composta per intero, e ciò che scorre di lato lo sa."""
NON_SORGENTI = (".*", "_build", "_originale", "node_modules", "__pycache__", "*.egg-info")


@dataclass(frozen=True)
class Libro:
    """Un libro costruito: dove stanno le pagine e, se c’era, l’originale che le ha riempite."""

    html: Path
    originale: dict | None = None

    @cached_property
    def pagine(self) -> dict[str, BeautifulSoup]:
        """Nome della pagina → albero; senza i modelli del tema e i rinvii dai vecchi indirizzi, che non sono pagine."""
        file = sorted(f for f in self.html.rglob("*.html") if "_static" not in f.parts)
        nomi = {f.relative_to(self.html).as_posix(): f for f in file}
        return {
            nome: BeautifulSoup(f.read_text(encoding="utf-8"), "html.parser")
            for nome, f in nomi.items()
            if nome.removesuffix(".html") not in SPOSTATE
        }

    @cached_property
    def capitoli(self) -> list[str]:
        """Le pagine con almeno un blocco dell’articolo."""
        return [nome for nome, pagina in self.pagine.items() if pagina.select_one(".blocco")]

    def pagina(self, inizio: str) -> str:
        """Il nome della pagina il cui file comincia così: «3-2-1» → «chapters/articolo/3-2-1-….html»."""
        (nome,) = (n for n in self.pagine if Path(n).name.startswith(inizio))
        return nome


def copia_sorgenti(dove: Path) -> Path:
    """I sorgenti come in un clone appena fatto; ``node_modules`` è un collegamento."""
    shutil.copytree(RADICE, dove, ignore=shutil.ignore_patterns(*NON_SORGENTI))
    (dove / "node_modules").symlink_to(RADICE / "node_modules")
    return dove


def una_volta(comune: Path, nome: str, fai: Callable[[Path], None]) -> Path:
    """La cartella ``comune/nome``, che ``fai`` riempie una volta sola fra tutti i processi di prova."""
    cartella, segno = comune / nome, comune / f"{nome}.fatta"
    with FileLock(comune / f"{nome}.lucchetto"):
        if not segno.exists():
            if cartella.exists():
                pytest.fail(f"{nome}: un’altra prova non è riuscita a costruirla")
            fai(cartella)
            segno.touch()
    return cartella


def eredita(prima: Path, uscita: Path) -> None:
    """Le uscite dei capitoli già eseguiti per ``prima``, accanto alle quali nascerà ``uscita``."""
    shutil.copytree(prima / "_build/.jupyter_cache", uscita / "_build/.jupyter_cache")
    shutil.copy(prima / "_build/.impronta-codice", uscita / "_build")


def costruisci(
    sorgenti: Path, dove: Path, ambiente: Ambiente, uscita: Uscita | None = None, varianti: frozenset[str] = frozenset()
) -> None:
    """Costruisce severo, come «make libro» e gli altri comandi."""
    stato = costruzione.costruisci(ambiente, uscita, varianti, radice=sorgenti, dove=dove)
    assert stato == 0, "non si costruisce: gli errori di Sphinx sono qui sopra"
