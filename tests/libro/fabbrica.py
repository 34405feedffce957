"""Come si costruisce il libro per provarlo, e come se ne leggono le pagine."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bs4 import BeautifulSoup

from lettore import costruzione
from lettore.ambiente import Ambiente
from lettore.originale import carica

RADICE = Path(__file__).resolve().parents[2]
EPRINT = RADICE.parent / "shared/originale/1706.03762v7.tar.gz"
DEPOSITO = "https://github.com/esempio/libro"
NON_SORGENTI = (".*", "_build", "_originale", "node_modules", "__pycache__", "*.egg-info")


@dataclass(frozen=True)
class Libro:
    """Un libro costruito: dove stanno le pagine e, se c’era, l’originale che le ha riempite."""

    html: Path
    originale: dict | None = None

    @cached_property
    def pagine(self) -> dict[str, BeautifulSoup]:
        """Nome della pagina → albero; senza i modelli del tema, che non sono pagine."""
        file = sorted(f for f in self.html.rglob("*.html") if "_static" not in f.parts)
        return {
            f.relative_to(self.html).as_posix(): BeautifulSoup(f.read_text(encoding="utf-8"), "html.parser")
            for f in file
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


def costruisci(sorgenti: Path, uscita: Path, originale: str, deposito: str = "") -> Libro:
    """Il libro, severo come in «make libro»: ``originale`` e ``deposito`` come in ORIGINALE= e DEPOSITO=."""
    ambiente = Ambiente(originale=originale, deposito=deposito)
    stato = costruzione.costruisci(ambiente, radice=sorgenti, dove=uscita)
    assert stato == 0, "il libro non si costruisce: gli errori di Sphinx sono qui sopra"
    return Libro(uscita / "_build/html", carica(sorgenti) if originale != "no" else None)
