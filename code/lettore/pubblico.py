"""«make libro PUBBLICO=1»: il sito da mettere in rete, senza le parole degli autori.

``PUBBLICO=1`` non prende né usa l’originale, anche se ``_originale/`` è già lì, e alla fine controlla che nessuna frase
ne sia passata. ``PUBBLICO=con-originale`` lo pubblica: sceglierlo tocca a chi ne ha il diritto, e non è mai il valore
predefinito. ``INDIRIZZO=https://…`` dà al sito gli indirizzi canonici e la mappa delle pagine.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

from lxml import html as html_lxml

from .ambiente import CON, SENZA, Ambiente
from .controlli.inglese import controlla_corse, corse_dell_originale
from .inventario import Blocco, leggi_inventario
from .originale import CARTELLA, carica
from .sorgente import Segnalazione
from .uscite.pagina.sito import SPOSTATE

PAGINE = {".html", ".xhtml"}
TESTI = {".js", ".json", ".md", ".svg", ".tex", ".txt", ".xml"}
NON_PAGINE = {"404.html", "genindex.html", "search.html", *(f"{vecchia}.html" for vecchia in SPOSTATE)}
"""Pagine che i motori di ricerca non devono elencare."""


def sgombera(cartella: Path, ambiente: Ambiente) -> None:
    """Toglie ciò che una costruzione privata può aver lasciato dove nascerà il sito pubblico.

    Accanto alla cartella resta un segno: finché c’è, ciò che contiene è nato pubblico e si tiene (i PDF di più
    edizioni stanno insieme).
    """
    segno = cartella.with_name(f".pubblico-{cartella.name}")
    if ambiente.pubblico != SENZA:
        segno.unlink(missing_ok=True)
    elif not segno.exists():
        shutil.rmtree(cartella, ignore_errors=True)
        segno.parent.mkdir(parents=True, exist_ok=True)
        segno.touch()


def completa(radice: Path, cartella: Path, ambiente: Ambiente) -> list[Segnalazione]:
    """Mette nel sito ciò che chiede la rete; rende le frasi degli autori trovate dove non devono stare."""
    if not ambiente.pubblico:
        return []
    if (cartella / "index.html").is_file():
        scrivi_file_di_rete(cartella, ambiente.indirizzo)
    if ambiente.pubblico == CON:
        return []
    dati = carica(radice)
    if dati is None:
        print("Sito pubblico: qui non c’è una copia dell’originale con cui confrontare le pagine.")
        return []
    return frasi_degli_autori(cartella, dati, leggi_inventario(), radice / CARTELLA)


def scrivi_file_di_rete(cartella: Path, base: str) -> None:
    """``.nojekyll``, ``robots.txt`` e, se si sa l’indirizzo, ``sitemap.xml``."""
    (cartella / ".nojekyll").touch()
    robots = "User-agent: *\nAllow: /\n"
    if base:
        file = sorted(f.relative_to(cartella).as_posix() for f in cartella.rglob("*.html"))
        pagine = [f for f in file if not f.startswith("_") and f not in NON_PAGINE]
        voci = "".join(f"  <url><loc>{escape(base + quote(f))}</loc></url>\n" for f in pagine)
        mappa = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{voci}</urlset>\n'
        (cartella / "sitemap.xml").write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{mappa}', encoding="utf-8")
        robots += f"Sitemap: {base}sitemap.xml\n"
    (cartella / "robots.txt").write_text(robots, encoding="utf-8")


# ---------------------------------------------------------------- le parole degli autori


def frasi_degli_autori(
    cartella: Path, dati: dict, inventario: Mapping[str, Blocco], originale: Path
) -> list[Segnalazione]:
    """Le corse di dieci parole degli autori nei file costruiti e le loro figure, che stanno in ``originale``."""
    corse = corse_dell_originale(dati, inventario)
    esito = []
    for nome, testo in testi(cartella):
        esito += controlla_corse(testo, nome, corse)
    figure = {_impronta(f.read_bytes()): f.name for f in originale.glob("immagini/*") if f.is_file()}
    for file in sorted(f for f in cartella.rglob("*") if f.is_file() and figure):
        if figura := figure.get(_impronta(file.read_bytes())):
            nome = file.relative_to(cartella).as_posix()
            esito.append(Segnalazione(nome, 1, f"una figura degli autori: {figura}"))
    return esito


def testi(cartella: Path) -> Iterator[tuple[str, str]]:
    """Nome e testo di ogni file che si può leggere come parole: pagine, quaderni, indice di ricerca, EPUB."""
    for file in sorted(f for f in cartella.rglob("*") if f.is_file()):
        nome = file.relative_to(cartella).as_posix()
        if file.suffix == ".epub":
            with zipfile.ZipFile(file) as archivio:
                for dentro in archivio.namelist():
                    if (testo := parole_di(Path(dentro).suffix, archivio.read(dentro))) is not None:
                        yield f"{nome}: {dentro}", testo
        elif file.suffix in PAGINE | TESTI | {".ipynb"}:
            yield nome, parole_di(file.suffix, file.read_bytes())


def parole_di(suffisso: str, dati: bytes) -> str | None:
    """Il testo di un file, senza formule né etichette; None se non è un file di parole."""
    if suffisso in PAGINE:
        return parole_della_pagina(dati)
    if suffisso == ".ipynb":
        celle = json.loads(dati)["cells"]
        return "\n".join("".join(cella["source"]) for cella in celle)
    return re.sub(r"<[^>\n]*>", " ", dati.decode("utf-8", "replace")) if suffisso in TESTI else None


def parole_della_pagina(dati: bytes) -> str:
    """Ciò che una pagina dice a chi la legge o l’ascolta: testo e attributi, senza formule né programmi."""
    if not dati.strip():
        return ""
    pagina = html_lxml.document_fromstring(dati, parser=html_lxml.HTMLParser(encoding="utf-8"))
    for elemento in pagina.xpath("//*[contains(concat(' ', @class, ' '), ' katex ')] | //script | //style"):
        elemento.drop_tree()
    attributi = pagina.xpath("//@alt | //@title | //@aria-label | //meta/@content")
    return "\n".join([pagina.text_content(), *map(str, attributi)])


def _impronta(dati: bytes) -> str:
    return hashlib.sha256(dati).hexdigest()
