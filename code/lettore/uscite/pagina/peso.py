"""La pagina pesa poco: le sole regole di stile che servono; formule, programmi e figure non fermano il primo testo.

Il tema carica i suoi fogli per intero e 1,5 MB di icone in ogni pagina. Qui, a libro
costruito, i fogli diventano due: via le regole di classi che nessuna pagina e nessun programma nomina.
``_static/stile.css`` ha dentro le icone usate e il carattere del testo, e ``layout.html`` lo carica prima di tutto.
``_static/formule.css`` ha KaTeX con i suoi due caratteri, e sta nel corpo della pagina, poco prima della prima formula:
il browser scrive ciò che viene prima senza aspettarlo.
"""

from __future__ import annotations

import base64
import logging
import re
from io import BytesIO
from math import ceil
from pathlib import Path, PurePosixPath
from posixpath import normpath

import tinycss2.ast
from fontTools import subset
from fontTools.ttLib import TTFont

from .modello import CARTELLA as DAL_VIVO

FOGLIO = "stile.css"
FOGLIO_DELLE_FORMULE = "formule.css"
DEL_LIBRO_DEL_TEMA = "sphinx-book-theme.js"  # vuole la colonna destra, che qui non c’è; il resto lo fa colonna.js
SENZA_USO = ("doctools.js", "sphinx_highlight.js", "translations.js", "design-tabs.js", "togglebutton.js")
"""Programmi di Sphinx e delle estensioni che nel libro non hanno nulla da fare."""

PAROLE_SENZA_USO = re.compile(r"\s*(?:let|var) toggle")  # i dati di togglebutton.js, scritti nella pagina

DEL_TEMA = ("basic.css", "styles/pydata-sphinx-theme.css")
RIFATTI = ("pygments.css", "exercise.css", "togglebutton.css", "sphinx-book-theme.css", "mystnb.")
"""I fogli di ciò che i nostri disegnano da capo: il codice, gli esercizi, la griglia, le celle."""

INUTILI = (
    "scripts/*",
    "styles/*.map",
    "vendor/fontawesome/webfonts/*",
    "katex/fonts/*.ttf",
    "caratteri/source-serif-4-*.woff",
    "styles/sphinx-book-theme.css",
    "mystnb.*.css",
    "modello/*.js",  # i moduli, che modello.py ha fuso in uno
    *("searchtools.js", "language_data.js"),
    *SENZA_USO,
)
"""Ciò che il tema copia, o serve a costruire, e che nessuna pagina carica."""

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
DELLE_FORMULE = ("1em KaTeX_Main", "italic 1em KaTeX_Math")
IN_FORMULA = re.compile(
    r'<span(?: class="(?:m(?:ord|bin|rel|op|open|close|punct|inner)\b|delim|op-)[^"]*")?(?: style="[^"]*")?>([^<]+)<'
)
"""I segni delle formule; gli spicchi delle parentesi grandi stanno in elementi senza classe."""

BLOCCO = re.compile(r"<(/?)(section|h[1-6]|div|p|ul|ol|dl|table|figure|details|blockquote|pre)\b[^>]*>")
CON_IL_SEGUENTE = re.compile(r"<h[1-6]|\bblocco-caption\b|\baffermazione\b")
"""I blocchi a cui il foglio dà uno stile secondo ciò che li segue: in mezzo non si mette nulla."""

ICONE = re.compile("[\ue000-\uf8ff]")
IMMAGINE = re.compile(r'<img\b[^>]*?\bsrc="(?!data:)([^"]+)"[^>]*>')
NEL_TESTO, NEL_TELEFONO = 735, 360
"""Le larghezze (px) oltre le quali una figura esce dalla colonna del codice, o sul telefono rimpicciolisce."""

LEGGIBILE = 11
"""Il corpo (px) sotto il quale una figura non si rimpicciolisce: scorre."""

CORPI = re.compile(r"scale\((0\.\d+) -\1\)")  # come matplotlib scrive il corpo di una parola, in centesimi di punto
MISURE = re.compile(r'<svg\b[^>]*? width="([\d.]+)pt" height="([\d.]+)pt"', re.S)  # come le scrive matplotlib


# ---------------------------------------------------------------- programmi e figure


def alleggerisci(app, pagina, modello, contesto, doctree):
    """Nessun programma ferma il testo, nessuna figura lontana si scarica prima del tempo."""
    if app.builder.name != "html":
        return
    tolti = (DEL_LIBRO_DEL_TEMA, *SENZA_USO)
    contesto["script_files"] = [
        p
        for p in contesto["script_files"]
        if not str(p.filename).split("?")[0].endswith(tolti)
        and not PAROLE_SENZA_USO.match(p.attributes.get("body") or "")
    ]
    for programma in contesto["script_files"]:
        if programma.filename:
            programma.attributes.setdefault("defer", "defer")
        elif "DOCUMENTATION_OPTIONS" in programma.attributes.get("body", ""):
            programma.attributes["type"] = "module"  # un modulo aspetta i programmi rinviati che lo precedono
    if "body" in contesto:
        disegni = {nome: Path(app.srcdir, file) for file, nome in app.builder.images.items()}
        contesto["body"] = IMMAGINE.sub(lambda m: figura(m, disegni), contesto["body"])
        foglio = contesto["pathto"](f"_static/{FOGLIO_DELLE_FORMULE}", 1)
        contesto["body"], contesto["formule"] = con_il_foglio(contesto["body"], foglio)


def con_il_foglio(corpo: str, foglio: str) -> tuple[str, bool]:
    """Il corpo con il foglio delle formule prima del blocco che ha la prima, e se una formula c’è.

    I caratteri sono nel foglio, e si chiamano subito: pronti prima che la formula si disegni, nessuna riga si sposta.
    """
    prima = corpo.find('class="katex')
    if prima < 0:
        return corpo, False
    posto, precedente, aperti = 0, "", []
    for segno in BLOCCO.finditer(corpo, 0, prima):
        if segno[1]:
            del aperti[-1:]
            continue
        if set(aperti) <= {"section"}:  # un blocco del testo, non un pezzo di un altro
            titolo_della_sezione = segno[2][0] == "h" and precedente.startswith("<section")
            if not titolo_della_sezione and not CON_IL_SEGUENTE.search(precedente):
                posto = segno.start()
            precedente = segno[0]
        aperti.append(segno[2])
    carica = "".join(f"document.fonts.load('{carattere}');" for carattere in DELLE_FORMULE)
    return f'{corpo[:posto]}<link rel="stylesheet" href="{foglio}"><script>{carica}</script>\n{corpo[posto:]}', True


def figura(immagine: re.Match, disegni: dict[str, Path]) -> str:
    """L’immagine con le sue misure, così la pagina non salta, e da caricare quando si avvicina."""
    file = disegni.get(PurePosixPath(immagine[1]).name)
    misure = classe = ""
    prima = dopo = ""
    if file and (trovate := misure_del_disegno(file)):
        larga, alta = trovate
        misure = f' width="{larga}" height="{alta}"'
        classe = " larga" * (larga > NEL_TESTO) + " ingrandibile" * (larga > NEL_TELEFONO)
        classe = f' class="{classe.strip()}"' if classe and " class=" not in immagine[0] else ""
        if larga > NEL_TELEFONO and (minima := larghezza_minima(file, larga)):
            prima, dopo = f'<span class="quadro" style="--larga: {larga}px; --minima: {minima}px">', "</span>"
    return f'{prima}<img loading="lazy" decoding="async"{misure}{classe}{immagine[0].removeprefix("<img")}{dopo}'


def larghezza_minima(file: Path, larga: int) -> int:
    """La larghezza (px) a cui le parole più piccole di un disegno hanno corpo ``LEGGIBILE``; 0 senza parole."""
    corpi = [float(centesimi) * 100 * 96 / 72 for centesimi in CORPI.findall(file.read_text("utf-8"))]
    return ceil(larga * min(1, LEGGIBILE / min(corpi))) if corpi else 0


def misure_del_disegno(file: Path) -> tuple[int, int] | None:
    """Larghezza e altezza (px) di un SVG di matplotlib; None se non lo è."""
    if file.suffix != ".svg" or not (trovate := MISURE.search(file.read_text("utf-8"))):
        return None
    larga, alta = (round(float(punti) * 96 / 72) for punti in trovate.groups())
    return larga, alta


# ---------------------------------------------------------------- il foglio di stile


def scrivi_foglio(app, errore):
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
    scritti = {FOGLIO: "", FOGLIO_DELLE_FORMULE: ""}
    for nome in (*DEL_TEMA, *nomi_dei_fogli):
        testo = con_indirizzi((statici / nome).read_text(encoding="utf-8"), nome)
        regole = tinycss2.parse_stylesheet(testo, skip_comments=True, skip_whitespace=True)
        foglio = FOGLIO_DELLE_FORMULE if nome.startswith("katex/") else FOGLIO
        scritti[foglio] += "".join(f"{scritta}\n" for scritta in (scrivi(r, nomi) for r in regole) if scritta)
    nelle_formule = {testo for pagina in pagine for testo in IN_FORMULA.findall(pagina)}
    segni = set().union(ICONE.findall(scritti[FOGLIO]), *nelle_formule)
    scritti = {foglio: con_caratteri(css, statici, segni) for foglio, css in scritti.items()}
    scritti[FOGLIO] += carattere_del_testo(statici / "caratteri", set().union(*pagine))
    for foglio, css in scritti.items():
        (statici / foglio).write_text(css, encoding="utf-8")
    for file in (f for modello in INUTILI for f in statici.glob(modello)):
        file.unlink()


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
        self.interi, self.inizi = set(), ()
        for pagina in pagine:
            for valore in re.findall(r'\b(?:class|id)="([^"]*)"', pagina):
                self.interi.update(valore.split())
        for programma in programmi:
            self.interi.update(re.findall(r"-?[A-Za-z_][\w-]*", programma))
            self.inizi += tuple(re.findall(r"""[A-Za-z_][\w-]+(?=\$\{)|[A-Za-z_][\w-]+-(?=["'`])""", programma))

    def __contains__(self, nome: str) -> bool:
        return nome in self.interi or nome.startswith(self.inizi)


def scrivi(regola: tinycss2.ast.Node, nomi: Nomi) -> str:
    """Una regola in forma breve, con i soli selettori che possono valere; vuota se non ne resta nessuno."""
    if regola.type == "error":
        raise ValueError(f"foglio di stile, riga {regola.source_line}: {regola.message}")
    if regola.type == "at-rule":
        testa = f"@{regola.at_keyword}{tinycss2.serialize(regola.prelude)}"
        if regola.lower_at_keyword in ("charset", "import"):
            return ""
        if regola.lower_at_keyword not in ("media", "supports", "layer"):
            return tinycss2.serialize([regola])
        interne = tinycss2.parse_rule_list(regola.content, skip_comments=True, skip_whitespace=True)
        corpo = "".join(scrivi(interna, nomi) for interna in interne)
        return f"{testa.strip()}{{{corpo}}}" if corpo else ""
    selettori = [s for s in per_virgola(regola.prelude) if puo_valere(s, nomi)]
    corpo = re.sub(r"\s+", " ", tinycss2.serialize(regola.content)).strip()
    return f"{','.join(selettori)}{{{corpo}}}" if selettori and corpo else ""


def per_virgola(pezzi: list[tinycss2.ast.Node]) -> list[str]:
    """I selettori di una regola; le virgole fra parentesi sono già dentro il loro pezzo."""
    selettori = [[]]
    for pezzo in pezzi:
        if pezzo == ",":
            selettori.append([])
        else:
            selettori[-1].append(pezzo)
    return [re.sub(r"\s+", " ", tinycss2.serialize(s)).strip() for s in selettori]


def puo_valere(selettore: str, nomi: Nomi) -> bool:
    """Falso solo se chiede una classe o un identificatore che nessuno nomina; fra parentesi non si guarda."""
    prima, fuori = "", re.sub(r"\[[^\]]*\]", "", selettore)
    while fuori != prima:  # una coppia di parentesi alla volta, dalle più interne
        prima, fuori = fuori, re.sub(r"\([^()]*\)", "", fuori)
    chiesti = re.findall(r"[.#]((?:\\.|[\w-])+)", fuori)
    return all("\\" in nome or nome in nomi for nome in chiesti)


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
    app.connect("html-page-context", alleggerisci, priority=900)
    app.connect("build-finished", scrivi_foglio, priority=900)
