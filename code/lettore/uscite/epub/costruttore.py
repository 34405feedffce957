"""Il libro in EPUB 3: le stesse pagine, senza ciò che un lettore di libri non può eseguire.

Sphinx scrive il corpo di ogni pagina; qui si toglie ciò che serve soltanto in un browser, si compone
l’indice con le parti e si chiude il file. Le formule sono MathML: né caratteri né fogli di stile di altri.
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from sphinx import addnodes
from sphinx.builders.epub3 import Epub3Builder
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri

from attenzione.files import replacing
from lettore.uscite.pagina.interfaccia import CORREZIONI

NASCITA_DELLO_ZIP = calendar.timegm((1980, 1, 1, 0, 0, 0))
IDENTIFICATORE = "urn:uuid:6f1f6d5c-2a0e-5d0b-9b0e-1706037620a7"  # lo stesso in ogni edizione del libro
STILE = "libro.css"
TIPI = {
    ".xhtml": "application/xhtml+xml",
    ".css": "text/css",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
}
SOLO_NEL_BROWSER = (
    "script, style, button, input, select, textarea, form, .headerlink, a.ancora, details.glossa, .riprendi, .solo-en"
)

PAGINA = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="it" xml:lang="it">
<head>
<title>{titolo}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<link rel="stylesheet" type="text/css" href="{stile}"/>
</head>
<body>
{corpo}
</body>
</html>
"""

CONTENITORE = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="libro.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""

PACCHETTO = """<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" xml:lang="it" unique-identifier="libro">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="libro">{identificatore}</dc:identifier>
<dc:title id="titolo">{titolo}</dc:title>
<meta refines="#titolo" property="title-type">main</meta>
<dc:title id="sottotitolo">{sottotitolo}</dc:title>
<meta refines="#sottotitolo" property="title-type">subtitle</meta>
<dc:language>it</dc:language>
<dc:language>en</dc:language>
<dc:creator>{autori}</dc:creator>
<dc:date>{data}</dc:date>
<dc:rights>{diritti}</dc:rights>
<dc:source>{fonte}</dc:source>
<meta property="dcterms:modified">{modificato}</meta>
<meta property="schema:accessMode">textual</meta>
<meta property="schema:accessMode">visual</meta>
<meta property="schema:accessModeSufficient">textual</meta>
<meta property="schema:accessibilityFeature">MathML</meta>
<meta property="schema:accessibilityFeature">alternativeText</meta>
<meta property="schema:accessibilityFeature">displayTransformability</meta>
<meta property="schema:accessibilityFeature">readingOrder</meta>
<meta property="schema:accessibilityFeature">structuralNavigation</meta>
<meta property="schema:accessibilityFeature">tableOfContents</meta>
<meta property="schema:accessibilityHazard">none</meta>
<meta property="schema:accessibilitySummary">{accessibilita}</meta>
<meta name="cover" content="copertina"/>
</metadata>
<manifest>
{risorse}
</manifest>
<spine>
{dorso}
</spine>
</package>
"""

ACCESSIBILITA = (
    "Le formule sono in MathML, con il loro TeX come testo alternativo; ogni figura è descritta a parole; "
    "ogni capoverso dice la sua lingua; corpo, carattere e colori li decide chi legge."
)
DIRITTI = "Testi CC BY-SA 4.0, codice MIT; l’articolo tradotto appartiene ai suoi autori."


class LibroEpub(Epub3Builder):
    """Il costruttore ``epub`` di Sphinx, con le pagine, l’indice e la chiusura di questo libro."""

    solo_mathml = True

    def init(self):
        super().init()
        shutil.rmtree(self.outdir)  # gli avanzi di un’altra costruzione non entrano nel file
        Path(self.outdir, "_static").mkdir(parents=True)  # MyST-NB vi scrive il suo foglio di stile, che resta fuori
        self.scheda = yaml.safe_load((Path(self.confdir) / "CITATION.cff").read_text(encoding="utf-8"))
        self.config.version = self.scheda["version"]

    def copy_assets(self):
        """Gli unici file oltre le pagine e le figure li scrive ``finish``."""

    def handle_page(
        self, pagename: str, addctx: dict, templatename: str = "page.html", outfilename=None, event_arg=None
    ):
        file = pagename + self.out_suffix
        albero = alleggerisci(addctx["body"])
        for immagine in albero.select('img[src^="data:image/svg+xml;base64,"]'):
            immagine["src"] = relative_uri(file, self.metti_da_parte(immagine["src"]))
        self.scrivi(file, escape(self.env.titles[pagename].astext(), quote=False), str(albero))

    def metti_da_parte(self, dati: str) -> str:
        """Un’immagine scritta dentro la pagina diventa un file; rende il suo indirizzo."""
        contenuto = base64.b64decode(dati.split(",", 1)[1])
        file = Path(self.outdir, self.imagedir, hashlib.sha256(contenuto).hexdigest() + ".svg")
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(contenuto)
        return f"{self.imagedir}/{file.name}"

    def scrivi(self, file: str, titolo: str, corpo: str) -> None:
        destinazione = Path(self.outdir, file)
        destinazione.parent.mkdir(parents=True, exist_ok=True)
        destinazione.write_text(componi_pagina(file, titolo, corpo), encoding="utf-8")

    # ------------------------------------------------------------ indice, copertina, chiusura

    def finish(self):
        from .copertina import copertina  # chiede il modello, e torch con esso: soltanto qui

        self.copy_image_files()
        shutil.copy(Path(self.confdir, "assets", "epub", STILE), self.outdir)
        titolo, sottotitolo = self.scheda["title"].split(": ", 1)
        copertina(titolo, sottotitolo).savefig(Path(self.outdir, "copertina.png"), metadata={"Software": None})
        intera = f"{titolo}. {sottotitolo}. Sotto il titolo, la mappa dei pesi di attenzione dell’esempio del libro."
        self.scrivi(
            "copertina.xhtml",
            "Copertina",
            f'<section epub:type="cover" class="copertina"><img src="copertina.png" alt="{escape(intera)}"/></section>',
        )
        self.scrivi("indice.xhtml", "Indice", self.indice())
        self.chiudi(self.pacchetto(titolo, sottotitolo))

    def parti(self) -> list[tuple[str, list[str]]]:
        """Titolo di ogni parte e suoi capitoli, come nell’indice del libro."""
        radice = self.env.get_doctree(self.config.root_doc)
        return [(t["caption"], [doc for _, doc in t["entries"]]) for t in radice.findall(addnodes.toctree)]

    def indice(self) -> str:
        voci = [f'<li><a href="{self.config.root_doc}{self.out_suffix}">Questo libro</a></li>']
        voci += [f"<li><span>{escape(nome)}</span>{self.elenco(capitoli)}</li>" for nome, capitoli in self.parti()]
        luoghi = {
            "cover": ("copertina", "Copertina"),
            "toc": ("indice", "Indice"),
            "bodymatter": (self.config.root_doc, "Inizio del testo"),
        }
        rimandi = "".join(
            f'<li><a epub:type="{tipo}" href="{file}{self.out_suffix}">{nome}</a></li>'
            for tipo, (file, nome) in luoghi.items()
        )
        return (
            f'<nav epub:type="toc" role="doc-toc"><h1>Indice</h1><ol>{"".join(voci)}</ol></nav>\n'
            f'<nav epub:type="landmarks" hidden=""><h2>Luoghi</h2><ol>{rimandi}</ol></nav>'
        )

    def elenco(self, capitoli: list[str]) -> str:
        if not capitoli:
            return ""
        voci = (
            f'<li><a href="{doc}{self.out_suffix}">{escape(self.env.titles[doc].astext(), quote=False)}</a>'
            f"{self.elenco(self.env.toctree_includes.get(doc, []))}</li>"
            for doc in capitoli
        )
        return f"<ol>{''.join(voci)}</ol>"

    def lettura(self) -> list[str]:
        """I file nell’ordine di lettura."""

        def scendi(capitoli: Iterable[str]) -> Iterator[str]:
            for doc in capitoli:
                yield doc
                yield from scendi(self.env.toctree_includes.get(doc, []))

        capitoli = scendi(doc for _, parte in self.parti() for doc in parte)
        return [f"{nome}{self.out_suffix}" for nome in ("copertina", self.config.root_doc, "indice", *capitoli)]

    def pacchetto(self, titolo: str, sottotitolo: str) -> str:
        """Il file che dice che cosa c’è, in quale ordine si legge, di chi è, come si può leggere."""
        nomi = {"copertina.png": "copertina", "indice.xhtml": "indice"}
        radice = Path(self.outdir)
        file = sorted(f.relative_to(radice).as_posix() for f in radice.rglob("*") if f.suffix in TIPI)
        nomi |= {f: f"f{n}" for n, f in enumerate(file) if f not in nomi}
        risorse = []
        for nome in file:
            matematica = nome.endswith(".xhtml") and "<math" in (radice / nome).read_text(encoding="utf-8")
            proprieta = {"copertina.png": "cover-image", "indice.xhtml": "nav"}.get(nome)
            if matematica and not proprieta:
                proprieta = "mathml"
            altro = f' properties="{proprieta}"' if proprieta else ""
            risorse.append(f'<item id="{nomi[nome]}" href="{nome}" media-type="{TIPI[Path(nome).suffix]}"{altro}/>')
        testi = {
            "identificatore": IDENTIFICATORE,
            "titolo": titolo,
            "sottotitolo": sottotitolo,
            "autori": ", ".join(autore["name"] for autore in self.scheda["authors"]),
            "data": self.scheda["date-released"],
            "diritti": DIRITTI,
            "fonte": self.scheda["references"][0]["url"],
            "modificato": time.strftime("%Y-%m-%dT%H:%M:%SZ", self.momento()),
            "accessibilita": ACCESSIBILITA,
        }
        return PACCHETTO.format(
            **{nome: escape(testo, quote=False) for nome, testo in testi.items()},
            risorse="\n".join(risorse),
            dorso="\n".join(f'<itemref idref="{nomi[nome]}"/>' for nome in self.lettura()),
        )

    def momento(self) -> time.struct_time:
        return momento(self.config.lettore_ambiente.data)

    def chiudi(self, pacchetto: str) -> None:
        """Chiude il file: prima ``mimetype``, non compresso, come vuole il formato; poi tutto il resto."""
        radice = Path(self.outdir)
        dati = {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": CONTENITORE.encode(),
            "libro.opf": pacchetto.encode(),
        }
        dati |= {nome: (radice / nome).read_bytes() for nome in re.findall(r'<item [^>]*href="([^"]+)"', pacchetto)}
        with replacing(radice / "libro.epub") as provvisorio, ZipFile(provvisorio, "w") as libro:
            for nome, contenuto in dati.items():
                voce = ZipInfo(nome, self.momento()[:6])
                voce.external_attr = 0o644 << 16
                libro.writestr(voce, contenuto, ZIP_STORED if nome == "mimetype" else ZIP_DEFLATED)


class ScegliFermo(SphinxPostTransform):
    """Di un’uscita che nella pagina si muove e che non contiene una figura ferma resta il testo."""

    default_priority = 3  # prima che MyST-NB scelga fra le forme di un’uscita
    builders = ("epub",)

    def run(self, **kwargs):
        for fascio in self.document.findall(nodes.container):
            if fascio.get("nb_element") != "mime_bundle":
                continue
            for forma in [f for f in fascio if f["mime_type"] == "text/html" and len(fascio) > 1]:
                if "<script" in (pagina := forma.astext()) and "vista-ferma" not in pagina:
                    fascio.remove(forma)


def alleggerisci(corpo: str) -> BeautifulSoup:
    """Il corpo di una pagina senza programmi né comandi; delle viste interattive resta la figura ferma."""
    for prima, dopo in CORREZIONI.items():
        corpo = corpo.replace(prima, dopo)
    albero = BeautifulSoup(corpo, "html.parser")
    for elemento in albero.select(SOLO_NEL_BROWSER):
        elemento.decompose()
    for elemento in albero.find_all(lambda e: "-" in e.name):  # gli elementi nostri, come <attenzione-vista>
        elemento.unwrap()
    for simbolo in albero.select("mi:has(*)"):  # KaTeX compone così \boldsymbol, ma <mi> vuole solo testo
        simbolo.name = "mrow"
    for comando in albero.select("summary:has(p)"):  # «Mostra il codice», «Nascondi il codice»
        comando.string = "Codice"
    for soluzione in albero.select("div.dropdown"):
        soluzione.name = "details"
        soluzione.select_one(".admonition-title").name = "summary"
    visti = set()
    for elemento in albero.find_all(id=True):  # sphinx-exercise dà a ogni esercizio lo stesso identificatore
        if elemento["id"] in visti:
            del elemento["id"]
        else:
            visti.add(elemento["id"])
    return albero


def componi_pagina(file: str, titolo: str, corpo: str) -> str:
    """La pagina intera; se non è XML ben formato la costruzione si ferma."""
    testo = PAGINA.format(titolo=titolo, stile=relative_uri(file, STILE), corpo=corpo)
    try:
        ElementTree.fromstring(testo)
    except ElementTree.ParseError as errore:
        raise ExtensionError(f"{file}: la pagina non è XML ben formato ({errore})") from None
    return testo


def momento(data: str) -> time.struct_time:
    """L’ora scritta nel file: quella di SOURCE_DATE_EPOCH, se c’è, così due costruzioni danno gli stessi byte.

    Prima del 1980 uno ZIP non ha date.
    """
    return time.gmtime(max(NASCITA_DELLO_ZIP, int(data or time.time())))
