"""PUBBLICO=1: il sito pubblico non porta l’inglese degli autori, e la costruzione fallisce se ce n’è."""

import json
import shutil
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from eprint import EPRINT, MANCA
from test_guasti import prepara, prova

from lettore import costruzione, pubblico
from lettore.ambiente import Ambiente
from lettore.controlli.inglese import SENZA_FRASI
from lettore.inventario import leggi_inventario
from lettore.originale import _impronta, carica, importa

SEZIONE = "3.2"
FRASE = "Parole di prova scritte da noi che stanno al posto di quelle degli autori nel blocco {}."
INDIRIZZO = "https://esempio.it/libro"


@pytest.fixture(scope="module", params=["finto", "vero"])
def originale(request, tmp_path_factory) -> Path:
    """Una cartella ``_originale``: quella dell’e-print, se c’è, e una con parole nostre."""
    cartella = tmp_path_factory.mktemp("originale") / "_originale"
    if request.param == "vero":
        if not EPRINT.is_file():
            pytest.skip(MANCA)
        importa(str(EPRINT), cartella)
    else:
        blocchi = {
            nome: {"myst": FRASE.format(nome)}
            for nome, voce in leggi_inventario().items()
            if voce.kind not in SENZA_FRASI
        }
        dati = {"impronta": _impronta(blocchi), "trovati": len(blocchi), "blocchi": blocchi}
        cartella.mkdir()
        (cartella / "blocchi.json").write_text(json.dumps(dati), encoding="utf-8")
    return cartella


def frase(originale: Path) -> str:
    """Dodici parole del primo capoverso della sezione, senza segni."""
    return " ".join(carica(originale.parent)["blocchi"]["s3.2-p1"]["myst"].split()[:12])


def libro(cartella: Path, originale: Path, in_piu: str = "") -> Path:
    capitoli = {"capitolo": prova(SEZIONE), "quaderno": f"# Altro\n\nUn capoverso qualsiasi.\n\n{in_piu}\n"}
    radice = prepara(cartella / "libro", capitoli)
    shutil.copytree(originale, radice / "_originale")
    return radice


def costruisci(radice: Path, **richieste: str) -> tuple[int, Path]:
    uscita = radice.with_name("uscita")
    return costruzione.costruisci(Ambiente(**richieste), radice=radice, dove=uscita), uscita / "_build/html"


# ---------------------------------------------------------------- le costruzioni


def test_il_sito_pubblico_porta_le_glosse_anche_con_l_originale_accanto(originale, tmp_path):
    avanzo = tmp_path / "uscita/_build/html/_images/avanzo.html"
    avanzo.parent.mkdir(parents=True)
    avanzo.write_text(f"<p>{frase(originale)}</p>")  # di una costruzione privata
    stato, html = costruisci(libro(tmp_path, originale), pubblico="1", indirizzo=f"{INDIRIZZO}/")
    assert stato == 0 and not avanzo.exists()
    pagina = BeautifulSoup((html / "capitolo.html").read_text("utf-8"), "html.parser")
    capoversi = pagina.select(".lato-en:not([role=heading])")
    assert capoversi and all(lato.select_one(".glossa-sola") for lato in capoversi)
    assert frase(originale) not in pagina.get_text()
    assert "testo inglese degli autori" in pagina.select_one(".bd-footer-content .senza-inglese").get_text()

    assert pagina.select_one('link[rel="canonical"]')["href"] == f"{INDIRIZZO}/capitolo.html"
    mappa = ET.parse(html / "sitemap.xml").getroot()
    assert f"{INDIRIZZO}/capitolo.html" in [loc.text for loc in mappa.iter() if loc.tag.endswith("}loc")]
    assert f"Sitemap: {INDIRIZZO}/sitemap.xml" in (html / "robots.txt").read_text()
    assert (html / ".nojekyll").exists()
    persa = BeautifulSoup((html / "404.html").read_text("utf-8"), "html.parser")
    assert persa.base["href"] == f"{INDIRIZZO}/" and persa.select_one('article a[href="copertina.html"]')


def test_le_parole_degli_autori_fermano_il_sito_pubblico(originale, tmp_path, capfd):
    """Il guasto piantato: una pagina che le cita."""
    stato, _ = costruisci(libro(tmp_path, originale, frase(originale)), pubblico="1")
    assert stato == 1
    inizio = " ".join(frase(originale).split()[:3])
    detto = capfd.readouterr().err.lower()
    assert "quaderno.html:" in detto and inizio.lower() in detto
    assert "capitolo.html" not in detto


def test_chi_ne_ha_il_diritto_lo_pubblica(originale, tmp_path):
    radice = libro(tmp_path, originale)
    stato, html = costruisci(radice, pubblico="con-originale")
    assert stato == 0 and (html / "404.html").exists() and (html / "robots.txt").exists()
    pagina = BeautifulSoup((html / "capitolo.html").read_text("utf-8"), "html.parser")
    assert not pagina.select(".senza-inglese, .glossa-sola")
    guasti = pubblico.frasi_degli_autori(html, carica(radice), leggi_inventario(), radice / "_originale")
    assert {g.file for g in guasti} == {"capitolo.html"}  # il controllo vede ciò che PUBBLICO=1 non lascia passare


# ---------------------------------------------------------------- i file


def quaderno(testo):
    return json.dumps({"cells": [{"cell_type": "markdown", "source": testo}]})


def epub(testo, file):
    with zipfile.ZipFile(file, "w") as archivio:
        archivio.writestr("EPUB/capitolo.xhtml", f"<html><body><p>{testo}</p></body></html>")


FILE = {
    "pagina.html": lambda t: f"<html><body><p>Prima.</p><p>{t.replace(' ', ' <em>', 1)}</em></p></body></html>",
    "alternativa.html": lambda t: f'<html><body><img alt="{t}" src="x.png"></body></html>',
    "_sources/x.ipynb": quaderno,
    "_static/ricerca/3-2.js": lambda t: f'RICERCA_TESTI("3-2",[["","{t}"]]);',
    "_images/x.svg": lambda t: f"<svg><text>{t}</text></svg>",
    "libro.tex": lambda t: rf"\begin{{latoen}}{t}\end{{latoen}}",
}


@pytest.mark.parametrize("nome", [*FILE, "libro.epub"])
def test_il_controllo_guarda_ogni_file(originale, tmp_path, nome):
    file = tmp_path / "sito" / nome
    file.parent.mkdir(parents=True)
    dati, inventario = carica(originale.parent), leggi_inventario()
    nostre = "dodici parole nostre che con gli autori non hanno nulla a che fare"
    for testo, quanti in ((nostre, 0), (frase(originale), 1)):
        epub(testo, file) if nome.endswith("epub") else file.write_text(FILE[nome](testo), encoding="utf-8")
        guasti = pubblico.frasi_degli_autori(tmp_path / "sito", dati, inventario, originale)
        assert len(guasti) == quanti, guasti
        assert all(g.file.startswith(nome) for g in guasti)


def test_il_controllo_vede_le_figure(originale, tmp_path):
    figure = [*originale.glob("immagini/*")]
    if not figure:
        pytest.skip("l’originale finto non ha figure")
    (tmp_path / "sito").mkdir()
    shutil.copy(figure[0], tmp_path / "sito/altro-nome.png")
    (guasto,) = pubblico.frasi_degli_autori(tmp_path / "sito", carica(originale.parent), leggi_inventario(), originale)
    assert guasto.file == "altro-nome.png" and figure[0].name in guasto.messaggio


# ---------------------------------------------------------------- l’originale


def test_non_prende_l_originale(monkeypatch, tmp_path):
    monkeypatch.setattr(costruzione, "importa", lambda *_: pytest.fail("ha preso l’originale"))
    assert costruzione.procura_originale(tmp_path, Ambiente(pubblico="1")) is False
