"""<attenzione-vista> nel browser: mouse, tocco, tastiera, scuro, stampa, senza JavaScript, accessibilità.

Quasi tutto su una pagina fatta qui, con i file veri e un modello a caso; in fondo, il capitolo del libro.
"""

import re

import pytest
import torch
from fabbrica import RADICE
from test_browser import TELEFONO, violazioni

from attenzione.config import TransformerConfig
from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.evidence.words import word_attention
from attenzione.figures.viewer import attention_view
from attenzione.model import Transformer

FRASI = [
    ("The responsibilities of the member states are clear.", "le responsabilità degli stati membri sono chiare."),
    ("It is fair.", "è giusto."),
]
VIVA, SCELTA = ".vista-viva", ".vista-chi [aria-selected=true]"
COLORI = {"light": ("#222", "#fff", "#555"), "dark": ("#ddd", "#14181e", "#aab")}


@pytest.fixture(scope="module")
def parti():
    torch.manual_seed(0)
    tokenizer = BytePairTokenizer.from_texts([testo for coppia in FRASI for testo in coppia], n_vocab=80)
    sizes = {"n_layers": 2, "n_heads": 3, "d_model": 24, "d_ff": 16, "p_drop": 0.0, "max_len": 128}
    return Transformer(TransformerConfig(n_vocab=len(tokenizer), **sizes)).eval(), tokenizer


@pytest.fixture(scope="module")
def cartella(parti, tmp_path_factory):
    """Una pagina per tema, con i colori del tema del libro e accanto i due file veri."""
    dove = tmp_path_factory.mktemp("vista")
    elemento = attention_view(*parti, FRASI, layer=1, word=2, alt="Parole e linee")._repr_mimebundle_()["text/html"]
    stile = (RADICE / "web/css/visore.css").read_text(encoding="utf-8")
    codice = (RADICE / "web/js/visore.js").read_text(encoding="utf-8")
    for tema, (testo, fondo, quieto) in COLORI.items():
        variabili = (
            f"--pst-color-text-base: {testo}; --pst-color-background: {fondo}; "
            f"--pst-color-text-muted: {quieto}; background: {fondo}; font-size: 19px"
        )
        (dove / f"{tema}.html").write_text(
            f'<!doctype html><html lang="it" data-theme="{tema}"><head><meta charset="utf-8"><title>Vista</title>'
            f'<meta name="viewport" content="width=device-width"><style>html {{ {variabili} }} {stile}</style></head>'
            f'<body><main><h1 style="color: {testo}">Vista</h1>{elemento}</main><script>{codice}</script></body>',
            encoding="utf-8",
        )
    return dove


@pytest.fixture
def apri(cartella, lettore):
    def apri(tema="light", **opzioni):
        scheda = lettore(**opzioni).scheda
        scheda.goto((cartella / f"{tema}.html").as_uri())
        return scheda

    return apri


def numeri(scheda) -> list[float]:
    return [float(n.replace(",", ".")) for n in scheda.locator(".vista-numero").all_inner_texts() if n]


def attesi(parti, tipo, strato, testa, parola, frase=0) -> list[float]:
    pesi = word_attention(*parti, *FRASI[frase])[tipo][0][strato]
    return (pesi.mean(dim=0) if testa is None else pesi[testa])[parola].tolist()


def test_all_inizio_si_vede_la_scena_chiesta(apri, parti):
    scheda = apri()
    assert scheda.locator(SCELTA).inner_text() == "of"
    assert scheda.get_by_role("combobox", name="Strato").input_value() == "1"
    assert scheda.get_by_role("combobox", name="Testa").input_value() == ""
    assert numeri(scheda) == pytest.approx(attesi(parti, "encoder", 1, None, 2), abs=0.011)
    assert scheda.locator(".vista-campo line").count() > 5
    assert not scheda.locator(".vista-ferma").is_visible()


@pytest.mark.parametrize("tipo", ["encoder", "decoder", "encoder-decoder"])
def test_le_scelte_mostrano_i_pesi_giusti(apri, parti, tipo):
    scheda = apri()
    scheda.get_by_role("combobox", name="Attenzione").select_option(tipo)
    scheda.get_by_role("combobox", name="Strato").select_option(label="1")
    scheda.get_by_role("combobox", name="Testa").select_option(label="3")
    scheda.locator(".vista-chi > div").nth(1).click()
    assert numeri(scheda) == pytest.approx(attesi(parti, tipo, 0, 2, 1), abs=0.006)
    scheda.mouse.move(5, 5)
    scheda.get_by_role("combobox", name="Frase").select_option(value="1")
    assert scheda.locator(SCELTA).count() == 1
    assert numeri(scheda) == pytest.approx(attesi(parti, tipo, 0, 2, 0, frase=1), abs=0.006)


def test_il_passaggio_mostra_e_il_puntatore_che_esce_rimette(apri, parti):
    scheda = apri()
    scheda.locator(".vista-chi > div").nth(4).hover()
    assert numeri(scheda) == pytest.approx(attesi(parti, "encoder", 1, None, 4), abs=0.011)
    assert scheda.locator(SCELTA).inner_text() == "of"
    scheda.mouse.move(5, 5)
    assert numeri(scheda) == pytest.approx(attesi(parti, "encoder", 1, None, 2), abs=0.011)


def test_la_tastiera(apri, parti):
    scheda = apri()
    for _ in range(5):  # quattro scelte, poi la colonna delle parole
        scheda.keyboard.press("Tab")
    lista = scheda.get_by_role("listbox")
    assert lista.evaluate("e => e === document.activeElement")
    for tasto, parola in [("ArrowDown", "the"), ("ArrowUp", "of"), ("End", "."), ("ArrowDown", "."), ("Home", "the")]:
        lista.press(tasto)
        assert scheda.locator(SCELTA).inner_text() == parola
        assert lista.get_attribute("aria-activedescendant") == scheda.locator(SCELTA).get_attribute("id")
    voce = scheda.get_by_role("status")
    grandi = sorted(attesi(parti, "encoder", 1, None, 0), reverse=True)
    detti = [float(n.replace(",", ".")) for n in re.findall(r"\d,\d\d", voce.inner_text())]
    assert voce.inner_text().startswith("«the» guarda in media") and detti == pytest.approx(grandi[:3], abs=0.011)
    lista.press("Enter")
    assert scheda.locator(SCELTA).count() == 0 and numeri(scheda) == []
    assert scheda.locator(".vista-campo line").count() > 20
    lista.press("Enter")
    assert scheda.locator(SCELTA).inner_text() == "the"
    lista.press("Escape")
    assert scheda.locator(SCELTA).count() == 0 and "tutte le parole" in voce.inner_text()


def test_il_tocco(apri):
    scheda = apri(**TELEFONO)
    parola = scheda.locator(".vista-chi > div").nth(5)
    parola.tap()
    assert scheda.locator(SCELTA).inner_text() == "states"
    parola.tap()
    assert scheda.locator(SCELTA).count() == 0


def test_le_linee_toccano_le_parole(apri):
    scheda = apri()
    scheda.get_by_role("combobox", name="Testa").select_option(label="1")
    linea = scheda.locator(".vista-campo line").first
    alto = scheda.locator(".vista-campo svg").bounding_box()["y"]
    parola = scheda.locator(SCELTA).bounding_box()
    assert alto + float(linea.get_attribute("y1")) == pytest.approx(parola["y"] + parola["height"] / 2, abs=1)


@pytest.mark.parametrize("larghezza", [360, 390, 768])
def test_lo_schermo_stretto(apri, larghezza):
    scheda = apri(viewport={"width": larghezza, "height": 800})
    assert scheda.evaluate("document.documentElement.scrollWidth") <= larghezza
    assert scheda.locator(".vista-campo svg").bounding_box()["width"] >= 30
    assert all(e.bounding_box()["height"] >= 24 for e in scheda.locator(".vista-chi > div, .vista-viva select").all())


@pytest.mark.parametrize("tema", ["light", "dark"])
def test_axe(apri, axe, tema):
    scheda = apri(tema)
    assert violazioni(scheda, axe) == []
    scheda.get_by_role("combobox", name="Testa").select_option(label="2")
    scheda.get_by_role("listbox").focus()
    assert violazioni(scheda, axe) == []


def test_la_stampa_ha_la_figura_ferma(apri):
    scheda = apri()
    scheda.emulate_media(media="print")
    assert scheda.locator(".vista-ferma").is_visible() and not scheda.locator(VIVA).is_visible()


def test_senza_javascript_c_e_la_figura_ferma(apri):
    scheda = apri(java_script_enabled=False)
    figura = scheda.locator(".vista-ferma")
    assert figura.is_visible() and figura.bounding_box()["width"] > 100
    assert scheda.locator(VIVA).count() == 0 and "inizio" not in scheda.locator("main").inner_text()


# ---------------------------------------------------------------- nel libro


def test_il_capitolo_porta_la_vista_e_gli_altri_no(senza):
    """La carica anche «Il modello dal vivo», dove la vista nasce dopo, con i pesi della frase di chi legge."""
    con = [nome for nome, pagina in senza.pagine.items() if pagina.select("attenzione-vista")]
    assert con == [senza.pagina("teste")]
    con.append(senza.pagina("dal-vivo"))
    for nome, pagina in senza.pagine.items():
        assert bool(pagina.select('script[src*="visore.js"]')) == (nome in con), nome


def test_la_pagina_pesa_poco(senza):
    pagina = senza.pagina("teste")
    cartella = (senza.html / pagina).parent
    figure = {cartella / img["src"] for img in senza.pagine[pagina].select("article img[src]:not([src^=data])")}
    assert (senza.html / pagina).stat().st_size + sum(f.stat().st_size for f in figure) <= 600_000
    (dati,) = senza.pagine[pagina].select('attenzione-vista script[type="application/json"]')
    assert len(dati.get_text().encode()) <= 150_000


@pytest.mark.parametrize("tema", ["light", "dark"])
@pytest.mark.parametrize("schermo", [{}, TELEFONO], ids=["scrivania", "telefono"])
def test_nel_capitolo(senza, lettore, axe, schermo, tema):
    scheda = lettore(color_scheme=tema, **schermo).apri(senza, senza.pagina("teste"))
    assert scheda.locator(VIVA).is_visible() and scheda.locator(SCELTA).inner_text() == "its"
    assert (
        max(scheda.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth]"))
        <= (scheda.viewport_size["width"])
    )
    assert violazioni(scheda, axe) == []
