"""Le pagine costruite, lette come testo: collegamenti, rete, lingue, blocchi, formule, interfaccia."""

import copy
import json
import re
from collections import Counter

import pytest
from controlli_html import collegamenti_rotti, risorse_in_rete
from fabbrica import Libro

from lettore.affermazioni import SENZA_PROVA
from lettore.inventario import PROSA, capitolo, impronta, leggi_inventario, normalizza
from lettore.pezzi.luoghi import ancora

INVENTARIO = leggi_inventario()


def senza_parti(elemento, *selettori):
    """Una copia dell’elemento da cui sono tolte le parti indicate."""
    copia = copy.copy(elemento)
    for parte in copia.select(", ".join(selettori)):
        parte.decompose()
    return copia


def blocchi(libro: Libro) -> dict:
    """Identificatore dell’inventario → elemento della pagina."""
    per_ancora = {ancora(i): i for i in INVENTARIO}
    trovati = [e for nome in libro.capitoli for e in libro.pagine[nome].select(".blocco")]
    return {per_ancora[e["id"]]: e for e in trovati}


# ---------------------------------------------------------------- collegamenti e rete


def test_collegamenti_e_ancore_arrivano(libro):
    assert collegamenti_rotti(libro.html, libro.pagine) == []


def test_nulla_viene_dalla_rete(libro):
    assert risorse_in_rete(libro.html, libro.pagine) == []


GUASTI_DI_RETE = {
    "script": '<script src="https://cdn.jsdelivr.net/npm/mathjax@3/es5/tex-chtml.js"></script>',
    "script senza protocollo": '<script src="//cdn.jsdelivr.net/npm/x.js"></script>',
    "foglio di stile": '<link rel="stylesheet" href="https://fonts.googleapis.com/css?family=Lora">',
    "immagine": '<img alt="x" src="http://esempio.it/x.png">',
    "immagine a più misure": '<img alt="x" src="x.png" srcset="x.png 1x, https://esempio.it/x.png 2x">',
    "cornice": '<iframe src="https://esempio.it/"></iframe>',
    "codice in pagina": '<script>import("https://esempio.it/x.mjs")</script>',
    "stile in pagina": "<style>@import 'https://esempio.it/x.css';</style>",
    "stile di un elemento": '<p style="background: url(https://esempio.it/x.png)">x</p>',
    "rinvio": '<meta http-equiv="Refresh" content="0; url=https://esempio.it/">',
}


@pytest.mark.parametrize("guasto", GUASTI_DI_RETE.values(), ids=GUASTI_DI_RETE)
def test_il_controllo_della_rete_vede(senza, tmp_path, guasto):
    pagina = copia_con(senza, tmp_path, guasto)
    assert len(risorse_in_rete(tmp_path, pagina)) == 1


def test_il_controllo_della_rete_vede_i_fogli_di_stile(tmp_path):
    (tmp_path / "x.css").write_text("@font-face { src: url('https://esempio.it/x.woff2'); }")
    assert len(risorse_in_rete(tmp_path, {})) == 1


GUASTI_INTERNI = ['<a href="manca.html">x</a>', '<a href="#manca">x</a>', '<img alt="x" src="manca.png">']


@pytest.mark.parametrize("guasto", GUASTI_INTERNI)
def test_il_controllo_dei_collegamenti_vede(senza, tmp_path, guasto):
    buoni = len(collegamenti_rotti(tmp_path, copia_con(senza, tmp_path, "")))
    assert len(collegamenti_rotti(tmp_path, copia_con(senza, tmp_path, guasto))) == buoni + 1


def copia_con(libro, cartella, guasto):
    """Una pagina del libro, copiata da sola in ``cartella``, con ``guasto`` in fondo all’articolo."""
    testo = (libro.html / libro.pagina("3-2-attenzione")).read_text(encoding="utf-8")
    testo = testo.replace("</article>", f"{guasto}</article>")
    (cartella / "pagina.html").write_text(testo, encoding="utf-8")
    return Libro(cartella).pagine


# ---------------------------------------------------------------- lingue e blocchi


def test_le_pagine_sono_italiane(libro):
    lingue = {nome: pagina.html.get("lang") for nome, pagina in libro.pagine.items() if pagina.html}
    assert set(lingue.values()) == {"it"} and len(lingue) >= len(libro.capitoli)


def test_ogni_immagine_ha_un_testo_alternativo(libro):
    for nome, pagina in libro.pagine.items():
        mute = [img for img in pagina("img") if not img.get("alt", "").strip()]
        assert [img.get("src") for img in mute if not img.parent.get("aria-label")] == [], nome  # il segno del libro


def test_ogni_blocco_dei_capitoli_tradotti_una_volta(libro):
    elementi = [e["id"] for nome in libro.capitoli for e in libro.pagine[nome].select(".blocco")]
    assert [i for i, n in Counter(elementi).items() if n > 1] == []
    presenti = blocchi(libro)
    capitoli = {capitolo(INVENTARIO[i]) for i in presenti}
    assert {"titolo", "sommario", "1", "2", "3", "3.2", "3.2.1"} <= capitoli
    assert set(presenti) == {i for i, b in INVENTARIO.items() if capitolo(b) in capitoli}


def test_ogni_blocco_ha_le_sue_lingue(libro):
    for ident, elemento in blocchi(libro).items():
        lati = [(lato["class"][-1], lato.get("lang")) for lato in elemento.select(".lato")]
        if INVENTARIO[ident].kind in PROSA:
            assert lati == [("lato-it", "it"), ("lato-en", "en")], ident
            for lato in elemento.select(".lato"):  # ogni capoverso dice la sua lingua, per chi ascolta
                assert {p.get("lang") for p in lato.select("p:not(.scheda)")} == {lato["lang"]}, ident
        assert all(classe in (f"lato-{lingua}", f"nostra-{lingua}") for classe, lingua in lati), ident


def test_senza_originale_l_inglese_e_la_glossa(senza):
    prosa = {i: e for i, e in blocchi(senza).items() if INVENTARIO[i].kind in PROSA}
    assert prosa
    for ident, elemento in prosa.items():
        inglese = elemento.select_one(".lato-en")
        assert len(inglese.select_one(".glossa-sola").get_text().split()) >= 2, ident
        scheda = inglese.select_one(".scheda")
        assert ident in elemento.select_one("a.ancora")["title"], ident
        assert INVENTARIO[ident].incipit in scheda.get_text(), ident
        if INVENTARIO[ident].page_v5:
            assert scheda.select_one('a[href^="https://arxiv.org/pdf/1706.03762"]'), ident
        termini = elemento.select('.lato-it a[href*="#term-"]')
        assert not termini or scheda.select("i"), ident


def test_con_originale_l_inglese_e_quello_degli_autori_per_intero(con):
    """Il testo della colonna inglese ha l’impronta dell’originale: nulla manca, nulla è in più."""
    visti = set()
    for ident, elemento in blocchi(con).items():
        voce = INVENTARIO[ident]
        if voce.kind not in PROSA or not voce.nel_tex:
            continue
        inglese = elemento.select_one(".lato-en")
        assert inglese.select_one("details.glossa") and not inglese.select(".glossa-sola, .scheda"), ident
        citazioni = 'span:has(> a[href*="riferimenti.html#"])'
        testo = senza_parti(inglese, ".glossa", ".math", "sup", ".segno", citazioni).get_text()
        if voce.kind == "caption":
            testo = re.sub(r"^\s*(Figure|Table) \d\.", "", testo)
        assert impronta(normalizza(testo)) == voce.fingerprint, ident
        visti.add(capitolo(voce))
    assert {"titolo", "sommario", "1", "2", "3", "3.2", "3.2.1"} <= visti


# ---------------------------------------------------------------- formule e avanzi


def test_le_formule_sono_composte(libro):
    formule = [f for pagina in libro.pagine.values() for f in pagina.select(".math")]
    assert len(formule) > 300
    composte = [f for f in formule if f.select_one(".katex") and not f.select_one(".katex-error, code")]
    assert [f.get_text() for f in formule if f not in composte] == []


def test_le_equazioni_hanno_il_loro_numero(libro):
    numerate = {i: e for i, e in blocchi(libro).items() if INVENTARIO[i].kind == "equation"}
    assert "eq1" in numerate
    for ident, elemento in numerate.items():
        if numero := INVENTARIO[ident].number:
            assert senza_parti(elemento.select_one(".eqno"), "a").get_text() == f"({numero})"


AVANZI = re.compile(
    r"\{(?:term|cite\w*|rif|richiamo|ref|numref|eq|math|doc|blocco|glossa|nota)\}|\$|\\[a-zA-Z]+|:::|```|\[\[|\]\]\("
)


def test_nessun_avanzo_di_sorgente(libro):
    for nome, pagina in libro.pagine.items():
        if corpo := pagina.select_one("article"):
            scritture = 'a[href*="#simbolo-"]'  # l’indice analitico: le grafie che si trovano altrove
            testo = senza_parti(corpo, "pre", "code", "script", ".math", scritture).get_text()
            assert AVANZI.findall(testo) == [], nome
            assert not corpo.select(".system-message, .problematic, .system_message"), nome


# ---------------------------------------------------------------- interfaccia

INGLESE = re.compile(
    r"\b(this|the|of|link|toggle|mode|settings|main|page|search|show|hide|next|previous|copy|code|download|skip|back"
    r"|contents|by|click|source|print|section|light|dark|solution|exercise|figure|table)\b",
    re.I,
)


def test_l_interfaccia_e_italiana(libro):
    """Etichette, suggerimenti e testo fuori dall’articolo; dentro, solo ciò che aggiunge il tema."""
    for nome, pagina in libro.pagine.items():
        if not pagina.body:
            continue
        parti = senza_parti(pagina.body, '[lang="en"]', "script", "style", "pre", ".math", ".onlyprint")
        etichette = "button, summary, label, legend, .admonition-title, .prev-next-subtitle, .tocsection"
        scritte = {e.get_text(" ", strip=True) for e in parti.select(f"{etichette}, .bd-footer-content")}
        for attributo in ("title", "aria-label", "placeholder", "data-bs-title", "data-tooltip"):
            for elemento in parti.find_all(attrs={attributo: True}):
                if "riferimenti.html#" not in elemento.get("href", ""):  # i titoli citati sono in inglese
                    scritte.add(elemento[attributo])
        assert sorted(s for s in scritte if INGLESE.search(s)) == [], nome


def test_le_parole_dell_interfaccia(libro):
    pagina = libro.pagine[libro.pagina("3-2-attenzione")]
    assert [e.get_text() for e in pagina.select(".prev-next-subtitle")] == ["precedente", "successivo"]
    assert pagina.select_one(".search-button-field").get_text(" ", strip=True).startswith("Cerca")
    codice = libro.pagine[libro.pagina("3-2-1")].select("details.hide summary")
    assert codice and all("Mostra il codice" in c.get_text() for c in codice)


def test_una_sola_casella_di_ricerca(libro):
    for nome in libro.capitoli:
        pagina = libro.pagine[nome]
        assert len(pagina.select('input[type="search"], input[name="q"]')) == 1, nome
        assert len(pagina.select(".search-button-field")) == 1, nome
        assert not pagina.select("#pst-header button"), nome


def test_le_note_sono_dei_quattro_tipi(libro):
    tipi = {"riquadro-nota", "riquadro-perche", "riquadro-verifica", "riquadro-luogo-comune"}
    trovati = set()
    for nome, pagina in libro.pagine.items():
        trovati |= {c for riquadro in pagina.select(".riquadro") for c in riquadro["class"]}
        assert not pagina.select("article div.admonition:not(.exercise, .solution)"), nome
    assert trovati == tipi | {"riquadro"}


# ---------------------------------------------------------------- affermazioni


def test_ogni_affermazione_e_nel_registro_con_la_sua_prova(libro):
    registro = libro.pagine[libro.pagina("affermazioni")]
    voci = {e["id"].removeprefix("registro-"): e for e in registro.select(".affermazione")}
    elementi = [e for pagina in libro.pagine.values() if pagina is not registro for e in pagina.select(".affermazione")]
    nei_capitoli = {e["id"].removeprefix("affermazione-"): e for e in elementi}
    assert voci.keys() == nei_capitoli.keys() and len(voci) >= 60
    conteggi = registro.select_one(".registro-conteggi").get_text()
    dell_articolo = sum(len(libro.pagine[nome].select(".affermazione")) for nome in libro.capitoli)
    assert conteggi.strip().startswith(f"{dell_articolo} affermazioni dell’articolo")
    assert f"{len(voci) - dell_articolo} di chi è venuto dopo" in conteggi
    for ident, voce in nei_capitoli.items():
        verdetto = voce.select_one(".affermazione-verdetto").get_text()
        assert voci[ident].select_one(".affermazione-verdetto").get_text() == verdetto, ident
        assert voce.select_one(f'a[href$="affermazioni.html#registro-{ident}"]'), ident
        assert "La smentirebbe:" in voci[ident].get_text() and "blocco" not in voce.get_text(), ident
        assert len(voci[ident].select(".affermazione-prove code")) == (verdetto not in SENZA_PROVA), ident


# ---------------------------------------------------------------- definizioni


def definizioni(libro, nome: str) -> dict[str, str]:
    """Quelle che la pagina carica; nessuna, se non ne richiama."""
    scritti = [s["src"].split("?")[0] for s in libro.pagine[nome].select('script[src*="_static/glossario/"]')]
    if not scritti:
        return {}
    testo = (libro.html / nome).parent.joinpath(scritti[0]).resolve().read_text(encoding="utf-8")
    return json.loads(testo.removeprefix("window.GLOSSARIO = ").rstrip().removesuffix(";"))


def test_ogni_pagina_porta_le_sole_definizioni_che_richiama(libro):
    viste = {}
    for nome, pagina in libro.pagine.items():
        richiami = {a["href"].split("#")[1] for a in pagina.select('article a.reference[href*="#term-"]')}
        sue = definizioni(libro, nome)
        assert richiami <= sue.keys() or nome == "genindex.html", nome
        assert len(sue) <= len(richiami) + 2 and list(sue) == sorted(sue), nome
        viste |= sue
    assert len(viste) > 100
    assert all("<p" in d and 'id="' not in d for d in viste.values())
    assert any("katex" in d for d in viste.values())


# ---------------------------------------------------------------- riferimenti


def test_i_riferimenti_hanno_i_numeri_dell_articolo_e_stanno_in_ordine(libro):
    pagina = libro.pagine[libro.pagina("riferimenti")]
    etichette = [e.get_text() for e in pagina.select(".citation > .label")]
    assert etichette[:40] == [f"[{n}]" for n in range(1, 41)]
