"""I controlli del libro: ogni difetto con file e riga. Si eseguono con `python -m lettore.controlli`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lettore import affermazioni
from lettore.controlli import alternative, cammino, fedelta, inglese, passi, simboli, termini, tipografia
from lettore.controlli.testo import Segnalazione
from lettore.glossario import leggi_voci
from lettore.inventario import leggi_inventario
from lettore.notazione import leggi_notazione
from lettore.originale import carica

__all__ = ["Segnalazione", "controlla_libro"]

RADICE = Path(__file__).parents[3]
PERMESSO = frozenset({"note-permission"})
"""Il permesso sulle figure, che NOTICE cita alla lettera."""


def controlla_libro(radice: Path = RADICE, originale: dict | None = None) -> list[Segnalazione]:
    """Tutti i controlli su capitoli, glossario e README.

    `originale` è ciò che rende `lettore.originale.carica`; senza, si guarda in `_originale/`, e se non
    c’è si saltano i confronti con le parole degli autori.
    """
    originale = originale or carica(radice)
    voci, notazione, inventario = leggi_voci(radice / "glossary.md"), leggi_notazione(), leggi_inventario()
    pagine = {str(p.relative_to(radice)): p.read_text(encoding="utf-8") for p in _pagine(radice)}
    esito = []
    for file, testo in pagine.items():
        esito += termini.controlla(testo, file, voci)
        esito += tipografia.controlla(testo, file)
        esito += simboli.controlla(testo, file, notazione)
        esito += passi.controlla(testo, file)
        esito += alternative.controlla(testo, file)
        esito += [Segnalazione(file, riga, messaggio) for riga, messaggio in affermazioni.difetti(testo)]
        if file.startswith(("chapters/passi/", "chapters/articolo/", "chapters/laboratorio/")):
            esito += passi.controlla_capitolo(testo, file)
        if file.startswith("chapters/"):
            esito += inglese.controlla(testo, file, inventario)
            esito += fedelta.controlla(testo, file, inventario, originale and originale["blocchi"])
    esito += _cammino(radice, pagine, voci, notazione)
    capitoli = [testo for file, testo in pagine.items() if file.startswith("chapters/")]
    esito += passi.controlla_libro(capitoli, "chapters")
    if originale:
        esito += _frasi_degli_autori(radice, originale, inventario)
    return sorted(set(esito))


def _cammino(radice: Path, pagine: dict[str, str], voci, notazione) -> list[Segnalazione]:
    ordine = cammino.indice((radice / "_toc.yml").read_text(encoding="utf-8"))
    return cammino.controlla(
        (cammino.Pagina(parte, file, pagine[file]) for parte, file in ordine if file in pagine), voci, notazione
    )


def _pagine(radice: Path) -> list[Path]:
    tutte = [*sorted(radice.glob("chapters/**/*.md")), radice / "glossary.md", radice / "README.md"]
    return [p for p in tutte if p.is_file() and ".ipynb_checkpoints" not in p.parts]


def _frasi_degli_autori(radice: Path, originale: dict, inventario) -> list[Segnalazione]:
    tutte = inglese.corse_dell_originale(originale, inventario)
    senza_permesso = inglese.corse_dell_originale(originale, inventario, PERMESSO)
    esito = []
    for file, testo in _file_di_testo(radice):
        esito += inglese.controlla_corse(testo, file, senza_permesso if file == "NOTICE" else tutte)
    return esito


def _file_di_testo(radice: Path):
    """I file di testo che git segue o seguirebbe; senza git, le sole pagine."""
    comando = ["git", "-C", str(radice), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        elenco = subprocess.run(comando, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        elenco = [str(p.relative_to(radice)) for p in _pagine(radice)]
    for file in sorted(set(elenco) - {"", "package-lock.json"}):
        try:
            yield file, (radice / file).read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
