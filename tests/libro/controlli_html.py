"""I due controlli sulle pagine costruite che hanno prove proprie: collegamenti interni e risorse in rete."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

CARICANO = {  # ciò che il browser va a prendere da sé, senza che il lettore tocchi nulla
    "script": "src",
    "link": "href",
    "img": "src",
    "iframe": "src",
    "embed": "src",
    "object": "data",
    "video": "src",
    "audio": "src",
    "source": "src",
    "track": "src",
    "use": "href",
    "image": "href",
}
IN_RETE = re.compile(r"^\s*(https?:)?//", re.I)
NEL_CSS = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""", re.I)
NEL_CODICE = re.compile(r"""["'`]((?:https?:)?//[\w.-]+\.[a-z]{2,}[^"'`]*)["'`]""", re.I)


def risorse_in_rete(radice: Path, pagine: dict[str, BeautifulSoup]) -> list[str]:
    """Tutto ciò che una pagina o un foglio di stile caricherebbe da un altro computer."""
    guasti = []
    for nome, pagina in pagine.items():
        for elemento in pagina.find_all(list(CARICANO)):
            valori = [elemento.get(CARICANO[elemento.name]), elemento.get("poster")]
            valori += [v.strip().split(" ")[0] for v in elemento.get("srcset", "").split(",")]
            guasti += [f"{nome}: <{elemento.name}> {v}" for v in valori if v and IN_RETE.match(v)]
        for elemento in pagina.find_all("meta", attrs={"http-equiv": re.compile("refresh", re.I)}):
            if "//" in elemento.get("content", ""):
                guasti.append(f"{nome}: <meta> {elemento['content']}")
        for script in pagina.find_all("script", src=False, type=lambda t: t != "application/json"):  # quelli sono dati
            guasti += [f"{nome}: <script> {v}" for v in NEL_CODICE.findall(script.get_text())]
        stili = [stile.get_text() for stile in pagina.find_all("style")]
        stili += [elemento["style"] for elemento in pagina.find_all(style=True)]
        guasti += [f"{nome}: stile {v}" for stile in stili for v in NEL_CSS.findall(stile)]
    for foglio in sorted(radice.rglob("*.css")):
        testo = foglio.read_text(encoding="utf-8")
        guasti += [f"{foglio.relative_to(radice)}: {v}" for v in NEL_CSS.findall(testo)]
    return guasti


def collegamenti_rotti(radice: Path, pagine: dict[str, BeautifulSoup]) -> list[str]:
    """I riferimenti interni a un file che manca o a un’ancora che la pagina d’arrivo non ha."""
    ancore = {nome: {e["id"] for e in pagina.find_all(id=True)} for nome, pagina in pagine.items()}
    guasti = []
    for nome, pagina in pagine.items():
        for elemento in pagina.find_all([*CARICANO, "a", "form"]):
            attributo = {"a": "href", "form": "action"}.get(elemento.name) or CARICANO[elemento.name]
            indirizzo = urlsplit(elemento.get(attributo) or "")
            if indirizzo.scheme or indirizzo.netloc or not (indirizzo.path or indirizzo.fragment):
                continue
            file = (radice / nome).parent / unquote(indirizzo.path) if indirizzo.path else radice / nome
            if not file.is_file():
                guasti.append(f"{nome}: manca {elemento[attributo]}")
                continue
            arrivo = file.resolve().relative_to(radice.resolve()).as_posix()
            if indirizzo.fragment and arrivo in ancore and unquote(indirizzo.fragment) not in ancore[arrivo]:
                guasti.append(f"{nome}: ancora {elemento[attributo]}")
    return guasti
