"""La ricerca del libro: una voce per titolo, un indice piccolo, i testi degli estratti pagina per pagina.

Al posto di quella di Sphinx, che trova pagine e le scarica intere per mostrarne un estratto. A libro costruito si
rileggono le pagine: ogni titolo, termine e simbolo è una voce, con il testo che gli sta sotto. L’indice è un programma,
``_static/ricerca/indice.js``, e così i testi, uno per pagina: si caricano anche da file, dove ``fetch`` non arriva. Le
parole le riduce ``web/js/ricerca-motore.js``, lo stesso programma che poi cerca.
"""

from __future__ import annotations

import json
import keyword
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import lxml.html
from lxml import etree
from lxml.html import HtmlElement
from sphinx.errors import ExtensionError

from lettore.glossario import Voce, leggi_voci
from lettore.notazione import espandi
from lettore.pezzi.voce import nell_ordine, pagine_di_voci

from .katex import trova_node

CARTELLA = "ricerca"
PARTI = {
    "chapters/passi/": "passi",
    "chapters/articolo/": "articolo",
    "chapters/laboratorio/": "laboratorio",
    "chapters/dopo/": "dopo",
    "chapters/domande": "domande",
    "glossary": "glossario",
}
"""Come comincia il nome di una pagina → la parte del libro; ogni altra è uno strumento."""

FUORI = {
    *("katex-html", "headerlink", "ancora", "lato-en", "glossa", "cell_output", "affermazione-rimandi"),
    *("affermazione-prove", "registro-scelte", "toctree-wrapper", "prima-occorrenza", "tappa"),
}
COMANDI = {"script", "style", "button", "svg", "nav", "summary"}
"""Ciò che della pagina non si cerca: l’inglese, le uscite delle celle, i comandi."""

OVUNQUE = re.compile(rf"\b(?:{'|'.join((*keyword.kwlist, 'print', 'number', 'torch', 'range', 'f', 'x', '[0-9]'))})\b")
"""Le parole che stanno in quasi ogni cella: chi cerca non le scrive, e l’indice pesa meno."""

BRANI = {"p", "li", "dd", "dt", "tr", "figcaption", "div"}
TITOLI = {"h1", "h2", "h3", "h4", "h5"}


def senza_sphinx(app):
    """L’indice e la pagina di Sphinx non servono: la pagina è la nostra."""
    app.builder.search = False
    Path(app.outdir, "searchindex.js").unlink(missing_ok=True)  # di una costruzione vecchia


def pagina_di_ricerca(app):
    if app.builder.name == "html":
        yield "search", {"title": "Ricerca"}, "search.html"


# ---------------------------------------------------------------- le voci di una pagina


def voci_della_pagina(html: str) -> tuple[str, list[dict]]:
    """Il titolo di una pagina costruita e le sue voci, con i brani: ``[àncora o "", testo]``."""
    albero = lxml.html.fromstring(html)
    (articolo,) = albero.find_class("bd-article") or [albero]
    for elemento in list(articolo.iter(etree.Element)):
        if elemento.tag in COMANDI or not FUORI.isdisjoint(elemento.classes):
            elemento.drop_tree()
    for formula in articolo.find_class("katex"):
        tex = formula.findtext(".//annotation") or ""
        for figlio in list(formula):
            formula.remove(figlio)
        formula.text = piana(tex)
    for segno in articolo.iter("sub", "sup"):  # <i>d</i><sub>k</sub> → d_k; non il numero di una nota
        prima = segno.getprevious()
        if prima is not None and prima.tag in ("i", "em") and not prima.tail:
            segno.text = ("_" if segno.tag == "sub" else "^") + (segno.text or "")
    sezioni = [s for s in articolo.iter("section") if any(f.tag in TITOLI for f in s)]
    voci = []
    for sezione in sezioni:
        voci.append(voce_della_sezione(sezione))
        for elenco in [e for e in sezione.iter("dl") if "glossary" in e.classes or "notazione" in e.classes]:
            if sezione_di(elenco) is sezione:
                voci += voci_dell_elenco(elenco)
    titolo = voci[0]["titolo"] if voci else ""
    if voci:
        voci[0]["ancora"] = ""  # la pagina dal principio
    return titolo, voci


def voce_della_sezione(sezione: HtmlElement) -> dict:
    titolo = next(f for f in sezione if f.tag in TITOLI)
    propria = next((f.get("id") for f in sezione if f.tag == "span" and f.get("id") and not f.text_content()), None)
    brani = []
    for brano in sezione.iter(*BRANI):
        if sezione_di(brano) is not sezione or not foglia(brano) or in_elenco(brano) or solo_rimando(brano):
            continue
        if testo := re.sub(r"\s*(?:URL: )?https?://\S+", "", righe(brano)):  # chi cerca non scrive un indirizzo
            brani.append([ancora_di(brano, sezione), testo])
    codice = [OVUNQUE.sub(" ", righe(c)) for c in sezione.iter("pre") if sezione_di(c) is sezione]
    return {
        "ancora": propria or sezione.get("id", ""),
        "titolo": righe(titolo),
        "genere": "",
        "altri": "",
        "brani": unisci(brani),
        "codice": " ".join(codice),
    }


def sezione_di(elemento: HtmlElement) -> HtmlElement | None:
    return next((a for a in elemento.iterancestors("section") if any(f.tag in TITOLI for f in a)), None)


def foglia(brano: HtmlElement) -> bool:
    """Un brano che non ne contiene altri; un ``div`` soltanto se è una formula a blocco."""
    if brano.tag == "div":
        return "math" in brano.classes
    if brano.tag == "p" and any(a.tag == "tr" for a in brano.iterancestors()):
        return False
    return brano.tag == "tr" or not any(d is not brano and d.tag in BRANI for d in brano.iter())


def solo_rimando(brano: HtmlElement) -> bool:
    """Una riga d’indice, che è un collegamento e basta: risponde la pagina a cui porta."""
    collegamento = brano.find(".//a")
    return (
        any(a.tag == "li" for a in (brano, *brano.iterancestors()))
        and collegamento is not None
        and (righe(collegamento) == righe(brano))
    )


def in_elenco(brano: HtmlElement) -> bool:
    """Sotto una voce del glossario, che sta per conto suo."""
    return any(a.tag == "dl" and {"glossary", "notazione"} & set(a.classes) and a.find("dt[@id]") is not None
               for a in brano.iterancestors())  # fmt: skip


def ancora_di(brano: HtmlElement, sezione: HtmlElement) -> str:
    """L’indirizzo permanente più vicino al brano, dentro la sua sezione; vuoto se è quello della sezione."""
    for elemento in [brano, *brano.iterancestors()]:
        if elemento is sezione:
            break
        if (ancora := elemento.get("id")) and "/" not in ancora:
            return ancora
    return ""


def voci_dell_elenco(elenco: HtmlElement) -> Iterator[dict]:
    """I termini e i simboli: ogni ``dt`` con un’àncora è una voce."""
    termini = "glossary" in elenco.classes
    for termine in elenco.iterchildren("dt"):
        if not termine.get("id"):
            continue
        definizione = termine.getnext()
        titolo = righe(termine)
        altri = [] if termini else [*grafie(titolo), *(righe(c) for c in definizione.iter("code"))]
        inglese = definizione.find_class("voce-inglese")
        if inglese:
            altri = [righe(e) for e in inglese[0].iter("em")]
            inglese[0].drop_tree()
        altri += [righe(e) for e in definizione.find_class("da-non-chiamare")]
        testo = " ".join(righe(b) for b in definizione.iter("p", "li", "dd") if foglia(b))
        yield {
            "ancora": termine.get("id"),
            "titolo": titolo,
            "genere": "t" if termini else "s",
            "altri": " ".join(altri),
            "brani": [["", testo or righe(definizione)]],
            "codice": termine.get("id").removeprefix("simbolo-").replace("-", "_"),
        }


def grafie(simbolo: str) -> list[str]:
    """Le scritture corte di un simbolo con due indici: «W_i^Q ∈ …» → W_Q, W^Q."""
    corto = re.match(r"(\w+)_\w\^(\w+)", simbolo)
    return [f"{corto[1]}_{corto[2]}", f"{corto[1]}^{corto[2]}"] if corto else []


def righe(elemento: HtmlElement) -> str:
    return re.sub(r"\s+", " ", elemento.text_content().replace("\u00b6", "")).strip()


def unisci(brani: list[list[str]]) -> list[list[str]]:
    """I brani vicini con la stessa àncora, in pezzi da leggere in un’occhiata: meno involucri, stesso testo."""
    uniti: list[list[str]] = []
    for ancora, testo in brani:
        if uniti and uniti[-1][0] == ancora and len(uniti[-1][1]) + len(testo) < 500:
            uniti[-1][1] += " " + testo
        else:
            uniti.append([ancora, testo])
    return uniti


# ---------------------------------------------------------------- formule in una riga

NOMI = {
    **dict(alpha="α", beta="β", gamma="γ", delta="δ", epsilon="ε", eta="η", theta="θ", lambda_="λ", mu="μ", pi="π"),
    **dict(rho="ρ", sigma="σ", tau="τ", phi="φ", omega="ω", Delta="Δ", Sigma="Σ", Omega="Ω", nabla="∇", varepsilon="ε"),
    **dict(times="×", cdot="·", le="≤", leq="≤", ge="≥", geq="≥", ne="≠", neq="≠", approx="≈", sim="∼", to="→", pm="±"),
    **dict(rightarrow="→", infty="∞", sum="Σ", prod="∏", in_="∈", partial="∂", ldots="…", dots="…", cdots="…", mid="|"),
    **dict(quad=" ", qquad=" ", top="T", R="ℝ", log="log", exp="exp", max="max", min="min", ll="≪", gg="≫", circ="∘"),
}
STILI = "mathrm|mathbf|mathbb|mathcal|mathit|text|textit|operatorname|boldsymbol|mathsf|textrm|hat|bar|tilde"
NOMI = {nome.rstrip("_"): segno for nome, segno in NOMI.items()}


def piana(tex: str) -> str:
    """Una formula come la si scriverebbe in una riga di testo: ``\\frac{QK^T}{\\sqrt{\\dk}}`` → ``QK^T/√d_k``."""
    testo = espandi(re.sub(r"(\\[A-Za-z]+)(?=\\)", r"\1 ", tex))
    testo = re.sub(r"\\(?:begin|end)\{[^}]*\}(?:\{[^}]*\})?|\\label\{[^}]*\}|\\\\|&", " ", testo)
    testo = re.sub(r"\\(?:left|right|[bB]igg?[lr]?)\b", " ", testo)
    testo = re.sub(r"\\([A-Za-z]+) ?", lambda m: NOMI.get(m[1], m[0]), testo)
    prima = ""
    while prima != testo:  # dalle graffe più interne
        prima = testo
        testo = re.sub(rf"\\(?:{STILI})\s*\{{([^{{}}]*)\}}", r" \1", testo)
        testo = re.sub(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", lambda m: f"{chiuso(m[1])}/{chiuso(m[2])}", testo)
        testo = re.sub(r"\\sqrt\s*\{([^{}]*)\}", lambda m: f"√{chiuso(m[1])}", testo)
        testo = re.sub(r"\\(?:under|over)(?:brace|line|set)\s*\{([^{}]*)\}", r"\1", testo)
        testo = re.sub(r"([_^])\s*\{([^{}]*)\}", lambda m: m[1] + re.sub(r"\s*\\,\s*|\s+", "", m[2]), testo)
        testo = re.sub(r"(?<![\\\w}])\{([^{}\\]*)\}", r"\1", testo)
    testo = re.sub(r"\\[,;:! ]", " ", testo)
    testo = re.sub(r"\\([A-Za-z]+) ?", lambda m: f"{m[1]} " if len(m[1]) > 2 else "", testo)
    testo = re.sub(r"\s+", " ", re.sub(r"[{}\\$]", "", testo))
    return re.sub(r" ?([_^]) ?| (?=[,;)])|(?<=[(√]) ", lambda m: m[1] or "", testo).strip()


def chiuso(testo: str) -> str:
    """Fra parentesi se è più di un segno solo."""
    return testo if re.fullmatch(r"[√\w^.\\]+|\\?\w+_\{?\w+\}?", testo.strip()) else f"({testo.strip()})"


# ---------------------------------------------------------------- l’indice


ALTRE_PAROLE = {
    "flash attention": "FlashAttention",
    "sacchetto di parole": "senza posizioni il cane morde l’uomo",
    "bag of words": "senza posizioni il cane morde l’uomo",
    "smettere di scrivere": "quando ha finito e deve fermarsi",
    "smettere": "fermarsi",
    "schedule di Noam": "tasso di apprendimento scende",
    "attenzione non è spiegazione": "l’attenzione è una spiegazione",
    "fidarsi": "fidarmi",
    "IA": "AI",
    "intelligenza artificiale": "AI",
    "telefono": "telefonino",
    "analisi sintattica": "parsing a costituenti",
    "testa multipla": "attenzione multi-testa",
}
"""Come lo dice chi cerca → come lo dicono i titoli, dove il glossario non arriva: «smettere» non è un termine."""


def sinonimi(voci: list[Voce]) -> list[list[str]]:
    """Le coppie (come lo si può chiamare, come lo chiama il libro)."""
    coppie = dict(ALTRE_PAROLE)
    for voce in voci:
        for altro in (voce.en, voce.sciolta_en, voce.sciolta_it, *voce.evitare):
            altro = re.sub(r"\s*\([^)]*\)", "", altro).strip(" .")
            if altro and altro.casefold() != voce.it.casefold():
                coppie.setdefault(altro.casefold(), voce.it)
    return [list(coppia) for coppia in sorted(coppie.items())]


def parte_di(nome: str) -> str:
    return next((parte for inizio, parte in PARTI.items() if nome.startswith(inizio)), "strumenti")


def nome_del_testo(pagina: str) -> str:
    return pagina.removeprefix("chapters/").replace("/", "-")


def scrivi(cartella: Path, motore: Path, pagine: dict[str, str], coppie: list[list[str]]) -> None:
    """L’indice e i testi in ``cartella``; ``pagine``: nome → HTML, nell’ordine del libro."""
    elenco, voci, testi = [], [], {}
    for nome, html in pagine.items():
        titolo, sue = voci_della_pagina(html)
        if not sue:
            continue
        testi[nome] = [[pezzo for brano in voce["brani"] for pezzo in brano] for voce in sue]
        for voce in sue:
            testo = " ".join(testo for _, testo in voce["brani"])
            voci.append(voce | {"pagina": len(elenco), "testo": testo, "brani": None})
        elenco.append([nome, titolo, parte_di(nome)])
    programma = str(Path(__file__).with_name("ricerca.js"))
    dati = json.dumps({"motore": str(motore), "pagine": elenco, "voci": voci, "sinonimi": coppie})
    esito = subprocess.run([trova_node(), programma], input=dati, capture_output=True, text=True)
    if esito.returncode:
        raise ExtensionError(f"l’indice della ricerca non si scrive: {esito.stderr.strip()[-500:]}")
    shutil.rmtree(cartella, ignore_errors=True)
    cartella.mkdir(parents=True)
    (cartella / "indice.js").write_text(f"window.RICERCA_INDICE={esito.stdout};\n", encoding="utf-8")
    for nome, suoi in testi.items():
        testo = json.dumps(suoi, ensure_ascii=False, separators=(",", ":"))
        file = cartella / f"{nome_del_testo(nome)}.js"
        file.write_text(f"RICERCA_TESTI({json.dumps(nome)},{testo});\n", encoding="utf-8")


def scrivi_indice(app, errore):
    if errore or app.builder.name != "html":
        return
    nomi = dict.fromkeys(n for n in nell_ordine(app.env, app.config.root_doc) if n in app.env.found_docs)
    pagine = {nome: Path(app.builder.get_outfilename(nome)).read_text(encoding="utf-8") for nome in nomi}
    motore = Path(app.confdir, "web/js/ricerca-motore.js")
    voci = [voce for nome in sorted(pagine_di_voci(app.env)) for voce in leggi_voci(Path(app.env.doc2path(nome)))]
    scrivi(Path(app.outdir, "_static", CARTELLA), motore, pagine, sinonimi(voci))


def setup(app):
    app.add_css_file("css/ricerca.css", priority=810)  # dopo i fogli della pagina
    app.add_css_file("css/glossario.css", priority=810)
    app.add_js_file("js/ricerca.js", loading_method="defer")
    app.connect("builder-inited", senza_sphinx)
    app.connect("html-collect-pages", pagina_di_ricerca)
    app.connect("build-finished", scrivi_indice)
