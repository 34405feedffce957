"""La colonna: le parti del libro, ripiegate; sotto la pagina che si legge, i suoi titoli."""

from __future__ import annotations

from bs4 import BeautifulSoup
from bs4.element import Tag

from .composto import con_pedici


def componi(indice: str, titoli: str) -> str:
    """L’indice del libro come lo scrive il tema, con una parte per riquadro e i titoli della pagina al loro posto."""
    albero = BeautifulSoup(indice, "html.parser")
    for nome in albero.select("p.caption"):
        parte = albero.new_tag("details", attrs={"class": "parte"})
        riga = albero.new_tag("summary")
        riga.string = nome.get_text()
        elenco = nome.find_next_sibling("ul")
        nome.replace_with(parte)
        parte.append(riga)
        parte.append(elenco.extract())
        if elenco.select_one(".current") or "current" in elenco.get("class", ()):
            parte["open"] = ""
    for sezioni in albero.select("li > details"):
        sezioni["class"] = ["sezioni"]
        voce = sezioni.parent.find("a")
        sezioni.summary["aria-label"] = f"Sezioni di {voce.get_text()}"
        sezioni.summary.clear()
    correnti = albero.select("li.current > a.current")
    if correnti:
        pagina = correnti[-1]
        pagina["aria-current"] = "page"
        metti_titoli(albero, pagina, titoli)
    return str(albero)


def metti_titoli(albero: BeautifulSoup, pagina: Tag, titoli: str) -> None:
    voci = BeautifulSoup(titoli, "html.parser").select("li.toc-h2 > a")
    if not voci:
        return
    elenco = albero.new_tag("ul", attrs={"class": "in-questa-pagina", "aria-label": "In questa pagina"})
    for voce in voci:
        del voce["class"]
        riga = albero.new_tag("li")
        riga.append(voce.extract())
        elenco.append(riga)
    pagina.insert_after(elenco)


def prepara(app, pagina, modello, contesto, doctree):
    """La funzione c’è da subito, perché il tema prova i modelli mentre prepara la pagina, e chiede quando la si usa."""

    def colonna() -> str:
        scelte = {"startdepth": 0, "kind": "sidebar", "includehidden": True, "titles_only": True}
        indice = contesto["generate_toctree_html"](maxdepth=4, collapse=False, show_nav_level=1, **scelte)
        return con_pedici(componi(str(indice), str(contesto["generate_toc_html"]())))

    contesto["colonna"] = colonna


def setup(app):
    app.add_js_file("js/colonna.js", loading_method="defer")
    app.add_js_file("js/stampa.js", loading_method="defer")
    app.connect("html-page-context", prepara, priority=100)
