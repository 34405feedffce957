"""I fogli di stile del libro: le sole regole, i soli segni e le sole proprietà che servono, in tre file.

Il tema carica i suoi fogli per intero e 1,5 MB di icone in ogni pagina. Qui, a libro costruito, restano le regole di
ciò che una pagina o un programma nomina:

- ``stile.css``, con le icone usate e il carattere del testo: ciò che le pagine scrivono, e il primo testo lo aspetta;
- ``formule.css``: KaTeX con i suoi due caratteri, nel corpo della pagina, poco prima della prima formula;
- ``programmi.css``: ciò che soltanto un programma disegna (esperimenti, finestre, ricerca), in fondo alla pagina.

Il browser scrive ciò che viene prima di un foglio senza aspettarlo.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from posixpath import normpath

import tinycss2
from fontTools import subset
from fontTools.ttLib import TTFont
from tinycss2.ast import Node

from .modello import CARTELLA as DAL_VIVO

FOGLIO, FOGLIO_DELLE_FORMULE, FOGLIO_DEI_PROGRAMMI = "stile.css", "formule.css", "programmi.css"

DEL_TEMA = ("basic.css", "styles/pydata-sphinx-theme.css")
RIFATTI = ("pygments.css", "exercise.css", "togglebutton.css", "sphinx-book-theme.css", "mystnb.")
"""I fogli di ciò che i nostri disegnano da capo: il codice, gli esercizi, la griglia, le celle."""

logging.getLogger("fontTools").setLevel(logging.ERROR)  # le date dei caratteri sono vecchie, e va bene così

TRATTI = ("kern", "liga", "ccmp", "locl", "mark")
"""Le proprietà OpenType che un carattere tiene, se non si dice altro."""

TESTO = {
    "400-normal": (400, "normal", TRATTI),
    "400-italic": (400, "italic", ()),
    "600-normal": (600, "normal", ()),
}
"""Il carattere del testo: i file di Fontsource, con peso, stile, e ciò che se ne tiene oltre ai segni."""

IN_LINEA = ("fa-solid-900", "KaTeX_Main-Regular", "KaTeX_Math-Italic")
IN_FORMULA = re.compile(
    r'<span(?: class="(?:m(?:ord|bin|rel|op|open|close|punct|inner)\b|delim|op-)[^"]*")?(?: style="[^"]*")?>([^<]+)<'
)
"""I segni delle formule; gli spicchi delle parentesi grandi stanno in elementi senza classe."""

ICONE = re.compile("[\ue000-\uf8ff]")


Scelta = Callable[[str], bool]
"""Se un selettore va in un foglio."""


# ---------------------------------------------------------------- le regole


def scrivi_fogli(app, errore):
    if errore or app.builder.name != "html":
        return
    statici = Path(app.outdir, "_static")
    fogli = sorted(app.builder.globalcontext["css_files"], key=lambda foglio: foglio.priority)
    nomi_dei_fogli = [str(foglio.filename).split("?")[0].removeprefix("_static/") for foglio in fogli]
    nomi_dei_fogli = [nome for nome in nomi_dei_fogli if not PurePosixPath(nome).name.startswith(RIFATTI)]
    pagine = [file.read_text(encoding="utf-8") for file in Path(app.outdir).rglob("*.html")]
    muti = {"scripts", DAL_VIVO}  # i programmi del tema, il modello e i suoi pesi: non nominano classi nostre
    programmi = [f.read_text("utf-8") for f in statici.rglob("*.js") if muti.isdisjoint(f.parts)]
    nomi = Nomi(pagine, programmi)
    scritti = dict.fromkeys((FOGLIO, FOGLIO_DELLE_FORMULE, FOGLIO_DEI_PROGRAMMI), "")
    for nome in (*DEL_TEMA, *nomi_dei_fogli):
        regole = leggi(con_indirizzi((statici / nome).read_text(encoding="utf-8"), nome))
        if nome.startswith("katex/"):
            scritti[FOGLIO_DELLE_FORMULE] += riscrivi(regole, lambda selettore: nomi.foglio_di(selettore) is not None)
            continue
        for foglio in (FOGLIO, FOGLIO_DEI_PROGRAMMI):
            suoi = riscrivi(regole, lambda selettore, foglio=foglio: nomi.foglio_di(selettore) == foglio)
            scritti[foglio] += suoi
    vive = proprieta_vive("".join(scritti.values()), [*pagine, *programmi])
    scritti = {foglio: riscrivi(leggi(css), proprieta=vive) for foglio, css in scritti.items()}
    nelle_formule = {testo for pagina in pagine for testo in IN_FORMULA.findall(pagina)}
    segni = set().union(*map(ICONE.findall, scritti.values()), *nelle_formule)
    scritti = {foglio: con_caratteri(css, statici, segni) for foglio, css in scritti.items()}
    scritti[FOGLIO] += carattere_del_testo(statici / "caratteri", set().union(*pagine))
    for foglio, css in scritti.items():
        (statici / foglio).write_text(css, encoding="utf-8")


def con_indirizzi(css: str, nome: str) -> str:
    """Gli indirizzi di un foglio, scritti da ``_static`` in giù."""
    cartella = PurePosixPath(nome).parent

    def sposta(m: re.Match[str]) -> str:
        return f"url({normpath(cartella / m[1])})"

    return re.sub(r"""url\(["']?(?!data:|#|["'])([^"')]+)["']?\)""", sposta, css)


class Nomi:
    """Ciò che può essere una classe o un identificatore: nelle etichette delle pagine, o una parola di un programma.

    Un programma può anche comporre un nome (``vista-t${i}``, ``"bs-" + lato``): allora vale come comincia.
    """

    def __init__(self, pagine: list[str], programmi: list[str]):
        self.delle_pagine, self.dei_programmi, self.inizi = set(), set(), ()
        for pagina in pagine:
            for valore in re.findall(r'\b(?:class|id)="([^"]*)"', pagina):
                self.delle_pagine.update(valore.split())
            self.delle_pagine.update(re.findall(r'classList\.add\("([\w-]+)"\)', pagina))  # prima del testo
        for programma in programmi:
            self.dei_programmi.update(re.findall(r"-?[A-Za-z_][\w-]*", programma))
            self.inizi += tuple(re.findall(r"""[A-Za-z_][\w-]+(?=\$\{)|[A-Za-z_][\w-]+-(?=["'`])""", programma))

    def foglio_di(self, selettore: str) -> str | None:
        """Il foglio di un selettore; None se chiede una classe che nessuno nomina. Fra parentesi non si guarda."""
        prima, fuori = "", re.sub(r"\[[^\]]*\]", "", selettore)
        while fuori != prima:  # una coppia di parentesi alla volta, dalle più interne
            prima, fuori = fuori, re.sub(r"\([^()]*\)", "", fuori)
        chiesti = re.findall(r"[.#]((?:\\.|[\w-])+)", fuori)
        altri = [nome for nome in chiesti if "\\" not in nome and nome not in self.delle_pagine]
        if not altri:
            return FOGLIO
        if all(nome in self.dei_programmi or nome.startswith(self.inizi) for nome in altri):
            return FOGLIO_DEI_PROGRAMMI
        return None


def leggi(css: str) -> list[Node]:
    return tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)


def riscrivi(regole: list[Node], scelto: Scelta | None = None, proprieta: set[str] | None = None) -> str:
    """Le regole in forma breve: i selettori ``scelto``, le ``proprieta`` (``--nome``) date. Senza, tutti e tutte."""
    return "".join(f"{scritta}\n" for scritta in (riscrivi_una(r, scelto, proprieta) for r in regole) if scritta)


def riscrivi_una(regola: Node, scelto: Scelta | None, proprieta: set[str] | None) -> str:
    if regola.type == "error":
        raise ValueError(f"foglio di stile, riga {regola.source_line}: {regola.message}")
    if regola.type == "at-rule":
        testa = f"@{regola.at_keyword}{tinycss2.serialize(regola.prelude)}"
        if regola.lower_at_keyword in ("charset", "import"):
            return ""
        if regola.lower_at_keyword not in ("media", "supports", "layer", "container"):
            return tinycss2.serialize([regola]) if scelto is None or scelto("") else ""  # caratteri, animazioni
        interne = tinycss2.parse_rule_list(regola.content, skip_comments=True, skip_whitespace=True)
        corpo = "".join(riscrivi_una(interna, scelto, proprieta) for interna in interne)
        return f"{testa.strip()}{{{corpo}}}" if corpo else ""
    selettori = [s for s in per_virgola(regola.prelude) if scelto is None or scelto(s)]
    corpo = ";".join(dichiarazioni(regola.content, proprieta)) if selettori else ""
    return f"{','.join(selettori)}{{{corpo}}}" if corpo else ""


def dichiarazioni(contenuto: list[Node], proprieta: set[str] | None) -> Iterator[str]:
    for voce in tinycss2.parse_blocks_contents(contenuto, skip_comments=True, skip_whitespace=True):
        if voce.type != "declaration":
            raise ValueError(f"foglio di stile, riga {voce.source_line}: attesa una dichiarazione, c’è {voce.type}")
        if voce.name.startswith("--") and proprieta is not None and voce.name not in proprieta:
            continue
        valore = re.sub(r"\s+", " ", tinycss2.serialize(voce.value)).strip()
        yield f"{voce.name}:{valore}{' !important' if voce.important else ''}"


def proprieta_vive(css: str, altrove: list[str]) -> set[str]:
    """Le proprietà che qualcuno chiede: una regola, anche per mezzo di un’altra proprietà, una pagina, un programma."""
    vive, chiede = set(), {}
    for testo in altrove:
        vive.update(re.findall(r"--[a-z][\w-]*", testo))
    for nome, valore in re.findall(r"(?<=[{;\s])([\w-]+):([^;{}]*)", css):
        chieste = set(re.findall(r"var\(\s*(--[\w-]+)", valore))
        if nome.startswith("--"):
            chiede.setdefault(nome, set()).update(chieste)
        else:
            vive |= chieste
    da_seguire = list(vive)
    while da_seguire:
        nuove = chiede.get(da_seguire.pop(), set()) - vive
        vive |= nuove
        da_seguire += nuove
    return vive


def per_virgola(pezzi: list[Node]) -> list[str]:
    """I selettori di una regola; le virgole fra parentesi sono già dentro il loro pezzo."""
    selettori = [[]]
    for pezzo in pezzi:
        if pezzo == ",":
            selettori.append([])
        else:
            selettori[-1].append(pezzo)
    return [re.sub(r"\s+", " ", tinycss2.serialize(s)).strip() for s in selettori]


# ---------------------------------------------------------------- caratteri


def con_caratteri(css: str, caratteri: Path, segni: set[str]) -> str:
    """Il foglio con i caratteri ridotti ai segni usati, e dentro le icone e i due di quasi ogni formula.

    Questi arrivano insieme alle regole: nessuna riga si sposta quando arrivano, nessuna richiesta in più.
    """

    def scegli(m: re.Match[str]) -> str:
        file = caratteri / m[1]
        dati = sottoinsieme(file.with_suffix(".ttf"), segni)
        if file.stem in IN_LINEA:
            return f'src:url(data:font/woff2;base64,{base64.b64encode(dati).decode()}) format("woff2")'
        file.write_bytes(dati)
        return f'src:url({m[1]}) format("woff2")'

    css = re.sub(r"@font-face\{[^}]*fa-(?:regular|brands)-400[^}]*\}", "", css)  # il libro usa le sole icone piene
    return re.sub(r'src:\s*url\(([^)]+\.woff2)\) format\("woff2"\)[^;}]*', scegli, css)


def carattere_del_testo(cartella: Path, segni: set[str]) -> str:
    """Le regole del carattere del testo, ridotto ai segni che le pagine scrivono; i file stanno nel foglio.

    Corsivo e grassetto compresi: una pagina ha lo stesso disegno a ogni visita, e nessuna riga si sposta dopo.
    """
    regole = ""
    for nome, (peso, stile, tratti) in TESTO.items():
        dati = sottoinsieme(cartella / f"source-serif-4-latin-{nome}.woff", segni, tratti)
        regole += (
            f'@font-face{{font-family:"Source Serif 4";font-style:{stile};font-weight:{peso};font-display:block;'
            f'src:url(data:font/woff2;base64,{base64.b64encode(dati).decode()}) format("woff2")}}\n'
        )
    return regole


def sottoinsieme(file: Path, segni: set[str], tratti: tuple[str, ...] = TRATTI) -> bytes:
    """Il carattere con i soli segni dati, in WOFF2; ``tratti``: le proprietà OpenType che si tengono."""
    carattere = TTFont(file, recalcTimestamp=False)
    potatore = subset.Subsetter(subset.Options(hinting=False, layout_features=list(tratti)))
    potatore.populate(text="".join(segni))
    potatore.subset(carattere)
    carattere.flavor = "woff2"
    uscita = BytesIO()
    carattere.save(uscita)
    return uscita.getvalue()


def setup(app):
    app.connect("build-finished", scrivi_fogli, priority=900)
