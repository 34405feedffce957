"""Il libro di carta, nelle sue edizioni: che cosa dice LaTeX, che cosa c’è nelle pagine, che cosa porta il file.

Le uscite delle celle sono quelle già calcolate per il libro HTML; Sphinx scrive un solo libro.tex.
"""

import re
import shutil
import subprocess
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from eprint import EPRINT
from fabbrica import costruisci, eredita, una_volta

from lettore.ambiente import Ambiente
from lettore.inventario import PROSA, leggi_inventario, normalizza
from lettore.pezzi.copertura import MOBILI
from lettore.uscite import ErroreUscita
from lettore.uscite import carta as uscita_di_carta
from lettore.uscite.carta.edizioni import Edizione, componi, esige_latex, guasti, leggi_diario, pagine

pytestmark = pytest.mark.lento

EDIZIONI = (Edizione(), Edizione(italiana=True), Edizione(grande=True))
AVANZI = re.compile(
    r"\\(?:sphinx|PYG|DUrole|detokenize|begin|end|hyper)\b|\{(?:term|cite|rif|richiamo|ref)\}`|^:::|\?\?", re.M
)


def leggi(*comando) -> str:
    return subprocess.run(comando, check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Carta:
    """Un PDF composto e ciò che LaTeX ne ha detto."""

    pdf: Path
    edizione: Edizione

    @cached_property
    def diario(self) -> str:
        return leggi_diario(self.pdf.parent, self.edizione)

    @cached_property
    def testo(self) -> str:
        """Lo strato di testo, nell’ordine in cui le pagine lo scrivono."""
        return leggi("pdftotext", "-raw", self.pdf, "-")

    @cached_property
    def parole(self) -> str:
        """Il testo come lo vuole il confronto: senza a capo né sillabe divise."""
        return normalizza(re.sub(r"-\n(?=\w)", "", self.testo))

    @cached_property
    def oggetti(self) -> bytes:
        """Gli oggetti del file, anche quelli nei flussi compressi."""
        crudo = self.pdf.read_bytes()
        flussi = re.findall(rb"/ObjStm.*?stream\r?\n(.*?)endstream", crudo, re.S)
        return crudo + b"".join(zlib.decompressobj().decompress(flusso) for flusso in flussi)


@pytest.fixture(scope="session")
def cartella(comune, request, senza) -> Path:
    """La cartella con libro.tex e la prima edizione, con l’originale se c’è."""
    try:
        esige_latex()
    except ErroreUscita as errore:
        pytest.skip(str(errore))
    if not shutil.which("pdftotext"):
        pytest.skip("manca pdftotext: poppler-utils")
    radice = request.getfixturevalue("sorgenti_con" if EPRINT.is_file() else "sorgenti")

    def costruiscila(dove: Path) -> None:
        eredita(comune / "senza", dove)
        costruisci(radice, dove, Ambiente(originale="" if EPRINT.is_file() else "no"), uscita_di_carta.USCITA)

    return una_volta(comune, "carta", costruiscila) / "_build/latex"


@pytest.fixture(scope="session")
def composte(cartella) -> dict[Edizione, Carta]:
    """Le tre edizioni: la prima è già composta, le altre due insieme, una per core."""
    with ThreadPoolExecutor(2) as lavori:
        return {
            e: Carta(pdf, e)
            for e, pdf in zip(EDIZIONI[1:], lavori.map(lambda e: componi(cartella, e), EDIZIONI[1:]), strict=True)
        } | {EDIZIONI[0]: Carta(cartella / "libro.pdf", EDIZIONI[0])}


@pytest.fixture(scope="session", params=EDIZIONI, ids=lambda e: e.nome)
def carta(request, composte) -> Carta:
    return composte[request.param]


def test_niente_di_storto_nel_diario(carta):
    assert guasti(carta.diario) == []


def test_tutti_i_blocchi_e_nell_ordine(carta):
    luoghi = {}
    for ident in leggi_inventario():
        nome = re.search(rf"(?<!blocco )(?<![\w.-]){re.escape(ident)}(?![\w.-])", carta.testo)
        luoghi[ident] = nome and nome.start()
    assert [ident for ident, dove in luoghi.items() if dove is None] == []
    assert len(luoghi) == 129
    fermi = [dove for ident, dove in luoghi.items() if leggi_inventario()[ident].kind not in MOBILI]
    assert fermi == sorted(fermi)


def test_lo_strato_di_testo_e_pulito(carta):
    assert AVANZI.findall(carta.testo) == []
    for attesa in ("perché", "«", "è tutto ciò che serve", "√", "softmax(", "ℝ"):
        assert attesa in carta.testo, attesa


def test_i_percorsi_nominano_gli_stessi_esercizi_della_pagina(carta, senza):
    capoversi = senza.pagine["chapters/percorsi.html"].select("article p")
    attesi = [" ".join(p.get_text().split()) for p in capoversi if p.get_text().startswith("Esercizi:")]
    testo = " ".join(carta.testo.split())
    assert attesi and [riga for riga in attesi if riga not in testo] == []


def test_le_lingue_sono_quelle_dell_edizione(carta):
    incipit = [b.incipit for b in leggi_inventario().values() if b.kind in PROSA and len(b.incipit.split()) >= 6]
    lunghi = [normalizza(inizio) for inizio in incipit]
    trovati = [inizio for inizio in lunghi if inizio in carta.parole]
    if carta.edizione.italiana:
        assert trovati == []
    elif EPRINT.is_file():
        assert len(trovati) > 0.9 * len(lunghi), set(lunghi) - set(trovati)


def test_titolo_lingua_segnalibri(carta):
    info = dict(riga.split(":", 1) for riga in leggi("pdfinfo", carta.pdf).splitlines() if ":" in riga)
    assert info["Title"].strip() == "L’attenzione è tutto ciò che serve"
    assert info["Author"].strip() and "A4" in info["Page size"]
    assert int(info["Pages"]) == pagine(carta.diario)
    assert re.search(rb"/Lang\s*\(it-IT\)", carta.oggetti)
    assert b"/Outlines" in carta.oggetti


def test_caratteri_incorporati_e_figure_vettoriali(carta):
    righe = leggi("pdffonts", carta.pdf).splitlines()[2:]
    assert righe and all(re.search(r"\syes\s+(?:yes|no)\s+(?:yes|no)\s+\d+\s+\d+$", riga) for riga in righe)
    immagini = [riga.split() for riga in leggi("pdfimages", "-list", carta.pdf).splitlines()[2:]]
    assert {(i[5], i[8]) for i in immagini} <= {("index", "image")}
    assert len(immagini) <= 10  # le mappe delle posizioni e degli schemi, troppo fitte, e le barre dei colori


def test_i_caratteri_grandi_sono_grandi(composte):
    """Di una pagina su dieci: quasi tutto il testo è almeno a 16 punti, niente sotto i 12."""
    carta = composte[Edizione(grande=True)]
    punti = {}
    for pagina in range(10, pagine(carta.diario), 10):
        xml = leggi("pdftohtml", "-xml", "-i", "-stdout", "-zoom", "1", "-f", str(pagina), "-l", str(pagina), carta.pdf)
        corpi = dict(re.findall(r'<fontspec id="(\d+)" size="(\d+)"', xml))
        for carattere, testo in re.findall(r'<text [^>]*font="(\d+)">(.*?)</text>', xml):
            corpo = int(corpi.get(carattere, 0))
            punti[corpo] = punti.get(corpo, 0) + len(re.sub(r"<[^>]+>", "", testo))
    assert sum(n for corpo, n in punti.items() if corpo >= 13) > 0.9 * sum(punti.values()), punti


def test_le_glosse_e_i_caratteri_grandi_allungano_il_libro(composte):
    """Le glosse di poche pagine, che le fini dei capitoli possono riassorbire; i caratteri grandi di molte."""
    bilingue, italiana, grande = (pagine(composte[e].diario) for e in EDIZIONI)
    assert italiana <= bilingue < grande
