"""Il libro in un browser vero, senza rete: formule, viste, indirizzi, definizioni, accessibilità."""

import json
import re

import pytest
from fabbrica import COMPOSTA

TELEFONO = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CAPITOLO = "3-2-1"
ALTRO = "3-2-attenzione"


def visibile(scheda, selettore: str) -> bool:
    return scheda.locator(selettore).first.is_visible()


def lingua(scheda) -> str:
    return scheda.evaluate("document.documentElement.dataset.lingua")


def corpo(scheda) -> float:
    testo = scheda.locator(".blocco-paragraph > .lato-it > p").first
    return testo.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")


# ---------------------------------------------------------------- formule


def test_le_formule_sono_disegnate(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO), "?lingua=due")
    scheda.evaluate("document.fonts.ready")
    misure = scheda.evaluate(
        """() => [...document.querySelectorAll("article .math .katex-html")]
             .filter((e) => e.checkVisibility({ contentVisibilityAuto: true }))
             .map((e) => e.getBoundingClientRect()).map((r) => [r.width, r.height])"""
    )
    assert len(misure) > 60 and all(larga > 2 and alta > 5 for larga, alta in misure)
    caratteri = scheda.evaluate("[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)")
    assert {"KaTeX_Math", "KaTeX_Main"} <= set(caratteri)


def test_l_equazione_numerata_sta_nella_pagina(senza, lettore):
    scheda = lettore(**TELEFONO).apri(senza, senza.pagina(CAPITOLO))
    formula = scheda.locator("#eq1 .katex-display").bounding_box()
    numero = scheda.locator("#eq1 .eqno").bounding_box()
    assert formula["x"] >= 0 and formula["x"] + formula["width"] <= numero["x"] + 1
    assert numero["x"] + numero["width"] <= 390


# ---------------------------------------------------------------- lingua e corpo


@pytest.mark.parametrize(
    ("bottone", "italiano", "inglese"), [("IT", True, False), ("IT + EN", True, True), ("EN", False, True)]
)
def test_le_tre_viste(libro, lettore, bottone, italiano, inglese):
    scheda = lettore().apri(libro, libro.pagina(CAPITOLO))
    scheda.get_by_role("button", name=bottone, exact=True).click()
    for blocco in ("#s3-2-1-p1", "#s3-2-1-p4", "#s3-2-1-fn4"):
        assert visibile(scheda, f"{blocco} > .lato-it") == italiano
        assert visibile(scheda, f"{blocco} > .lato-en") == inglese
    assert visibile(scheda, "#eq1 .katex-display")  # una formula non ha lingua
    assert visibile(scheda, "article h1") == italiano
    assert visibile(scheda, ".avviso-en") == (not italiano)
    premuti = scheda.locator("button[data-lingua][aria-pressed=true]")
    assert premuti.all_inner_texts() == [bottone]


def test_la_vista_inglese_non_mostra_testo_italiano(libro, lettore):
    scheda = lettore().apri(libro, libro.pagina(CAPITOLO), "?lingua=en")
    italiani = scheda.evaluate(
        """() => [...document.querySelectorAll("article :is(p, li, h1, h2, h3, figcaption, pre)")]
             .filter((e) => e.checkVisibility() && !e.closest('[lang="en"], .blocco-equation'))
             .map((e) => e.textContent)"""
    )
    assert italiani == []


def test_due_colonne_affiancate_sulla_scrivania(libro, lettore):
    scheda = lettore().apri(libro, libro.pagina(CAPITOLO), "?lingua=due")
    it, en = (scheda.locator(f"#s3-2-1-p1 > .lato-{x}").bounding_box() for x in ("it", "en"))
    assert it["x"] + it["width"] < en["x"] and abs(it["y"] - en["y"]) < 2
    assert min(it["width"], en["width"]) > 330


def test_la_scelta_della_lingua_resta_da_una_pagina_all_altra(senza, lettore):
    uno = lettore()
    scheda = uno.apri(senza, senza.pagina(CAPITOLO))
    assert lingua(scheda) == "due"
    scheda.get_by_role("button", name="EN", exact=True).click()
    assert "lingua=en" in scheda.url
    scheda = uno.apri(senza, senza.pagina(ALTRO))
    assert lingua(scheda) == "en"
    assert visibile(scheda, "#s3-2-p1 > .lato-en") and not visibile(scheda, "#s3-2-p1 > .lato-it")


def test_chi_guarda_l_inglese_e_torna_ritrova_il_punto(senza, lettore):
    """Anche dove la vista inglese è così corta che la pagina arriva in cima."""
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO), "?lingua=due")
    scheda.wait_for_function(COMPOSTA)
    scheda.evaluate("document.getElementById('s3-2-1-p4').scrollIntoView(); scrollBy(0, -150)")
    dove = "Math.round(document.getElementById('s3-2-1-p4').getBoundingClientRect().top)"
    prima = scheda.evaluate(dove)
    for verso in ("en", "due", "en", "due"):
        scheda.evaluate(f"document.querySelector(\"button[data-lingua='{verso}']\").click()")
    assert scheda.evaluate("scrollY") > 2000 and abs(scheda.evaluate(dove) - prima) <= 2


@pytest.mark.parametrize(("domanda", "attesa"), [("it", "it"), ("en", "en"), ("due", "due"), ("xx", "due")])
def test_la_lingua_nell_indirizzo(senza, lettore, domanda, attesa):
    assert lingua(lettore().apri(senza, senza.pagina(ALTRO), f"?lingua={domanda}")) == attesa


def test_il_corpo_si_cambia_e_resta(senza, lettore):
    uno = lettore()
    scheda = uno.apri(senza, senza.pagina(CAPITOLO))
    grande, piccolo = (scheda.get_by_role("button", name=f"Testo più {x}") for x in ("grande", "piccolo"))
    base = corpo(scheda)
    assert base >= 18
    grande.click()
    assert corpo(scheda) > base
    scelto = corpo(scheda)
    scheda = uno.apri(senza, senza.pagina(ALTRO))
    assert corpo(scheda) == scelto
    while grande.is_enabled():
        grande.click()
    assert corpo(scheda) >= 1.5 * base
    while piccolo.is_enabled():
        piccolo.click()
    assert 16 <= corpo(scheda) < base


# ---------------------------------------------------------------- indirizzi


@pytest.mark.parametrize("schermo", [{}, TELEFONO], ids=["scrivania", "telefono"])
def test_l_indirizzo_permanente_porta_al_blocco(senza, lettore, schermo):
    scheda = lettore(**schermo).apri(senza, senza.pagina(CAPITOLO), "#s3-2-1-p4")
    blocco = scheda.locator("#s3-2-1-p4")
    alto = scheda.viewport_size["height"]
    scheda.wait_for_function(
        """alto => {
             const y = document.querySelector(":target").getBoundingClientRect().y;
             return y > 0 && y < alto / 2;
           }""",
        arg=alto,
    )
    testata = scheda.locator(".bd-header-article").bounding_box()
    assert blocco.bounding_box()["y"] >= testata["y"] + testata["height"] - 1  # non sotto la testata
    sfondo = "e => getComputedStyle(e).backgroundColor"
    assert blocco.evaluate(sfondo) != scheda.locator("#s3-2-1-p3").evaluate(sfondo)


def test_l_indirizzo_si_prende_dal_segno_di_paragrafo(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO))
    segno = scheda.locator("#s3-2-1-p3 > .ancora")
    segno.focus()
    assert segno.evaluate("e => getComputedStyle(e).opacity") == "1"
    segno.press("Enter")
    scheda.wait_for_url(re.compile("#s3-2-1-p3$"))


# ---------------------------------------------------------------- definizioni

TERMINE = "#s3-2-1-p1 .lato-it a[href*='#term-']"
APERTA = ".tippy-box[data-state=visible]"


def test_la_definizione_si_apre_da_tastiera(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO))
    termine = scheda.locator(TERMINE).nth(1)
    scheda.locator(TERMINE).first.focus()
    while not termine.evaluate("e => e === document.activeElement"):
        scheda.keyboard.press("Tab")
    termine.and_(scheda.locator("[aria-describedby]")).wait_for()
    scatola = scheda.locator(f"#{termine.get_attribute('aria-describedby')} > {APERTA}")  # quella di prima si chiude
    scatola.wait_for()
    assert scatola.get_attribute("role") == "tooltip" and "query" in scatola.inner_text()
    scheda.keyboard.press("Escape")
    scatola.wait_for(state="detached")


def test_la_definizione_si_apre_al_passaggio_con_le_sue_formule(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO))
    scheda.locator(TERMINE, has_text="prodotti scalari").hover()
    scatola = scheda.locator(APERTA)
    scatola.wait_for()
    formula = scatola.locator(".katex-html").first.bounding_box()
    assert formula["width"] > 5 and formula["height"] > 5
    dentro = scatola.bounding_box()
    assert dentro["x"] >= 0 and dentro["x"] + dentro["width"] <= 1440 and dentro["width"] > 200


def test_la_definizione_si_apre_al_tocco_senza_lasciare_la_pagina(senza, lettore):
    scheda = lettore(**TELEFONO).apri(senza, senza.pagina(CAPITOLO))
    scheda.locator(TERMINE).nth(1).tap()
    scatola = scheda.locator(APERTA)
    scatola.wait_for()
    dentro = scatola.bounding_box()
    assert dentro["x"] >= 0 and dentro["x"] + dentro["width"] <= 390
    assert senza.pagina(CAPITOLO) in scheda.url
    scheda.locator(TERMINE).nth(1).tap()  # il secondo tocco porta al glossario
    scheda.wait_for_url(re.compile("glossary.html.*#term-"))


# ---------------------------------------------------------------- telefono, stampa, codice


def test_il_telefono_si_legge(senza, lettore):
    uno = lettore(**TELEFONO)
    for pagina in senza.pagine.keys() - {"index.html"}:  # rimanda al frontespizio
        scheda = uno.apri(senza, pagina)
        larga = scheda.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth]")
        assert max(larga) <= 390, pagina
    scheda = uno.apri(senza, senza.pagina(CAPITOLO))
    it, en = (scheda.locator(f"#s3-2-1-p1 > .lato-{x}").bounding_box() for x in ("it", "en"))
    assert it["y"] + it["height"] <= en["y"] and min(it["width"], en["width"]) > 320  # una colonna
    titolo = scheda.locator("article h1").bounding_box()
    for bottone in scheda.locator(".bd-header-article button:visible:not(.dropdown-item)").all():
        scatola = bottone.bounding_box()
        assert scatola["x"] >= 0 and scatola["x"] + scatola["width"] <= 390
        assert scatola["height"] >= 24 and scatola["width"] >= 24
        assert scatola["y"] + scatola["height"] <= titolo["y"]  # la testata non copre il titolo
        bottone.click(trial=True)


def test_la_stampa_non_ha_comandi(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO), "?lingua=due")
    scheda.emulate_media(media="print")
    comandi = (".lettura", ".ancora", ".headerlink", ".copybtn", ".bd-header-article", ".bd-sidebar-primary")
    for comando in comandi:
        assert not any(e.is_visible() for e in scheda.locator(comando).all()), comando
    assert visibile(scheda, "#s3-2-1-p1 > .lato-it") and visibile(scheda, "#s3-2-1-p1 > .lato-en")
    assert scheda.locator("h1:visible").count() == 1
    assert scheda.pdf(format="A4")[:5] == b"%PDF-"


def test_il_codice_nascosto_si_apre(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO))
    codice = scheda.locator("details.hide").first
    assert codice.get_by_text("Mostra il codice").is_visible()
    assert not codice.locator("pre").first.is_visible()
    codice.locator("summary").press("Enter")
    assert codice.locator("pre").first.is_visible()
    assert codice.get_by_text("Nascondi il codice").is_visible()


def test_senza_javascript_si_legge_tutto(senza, lettore):
    scheda = lettore(java_script_enabled=False).apri(senza, senza.pagina(CAPITOLO))
    assert visibile(scheda, "#s3-2-1-p1 > .lato-it") and visibile(scheda, "#s3-2-1-p1 > .lato-en")
    assert visibile(scheda, "#eq1 .katex-html")


# ---------------------------------------------------------------- accessibilità


def violazioni(scheda, axe, regole=None, escluse=(".katex", "pre")) -> list[str]:
    """Le violazioni serie o critiche che axe-core trova nella pagina aperta.

    Restano fuori le formule, migliaia di elementi con il colore del testo intorno, e il codice, che
    ha gli stessi colori dappertutto: lo guarda ``test_axe_con_la_definizione_aperta``.
    Si guarda quando la pagina ha finito di comporsi: prima, una tabella larga non sa ancora di scorrere.
    """
    scheda.wait_for_function(COMPOSTA)
    if not scheda.evaluate("'axe' in window"):
        scheda.evaluate(axe)
    parti = {"exclude": list(escluse)}
    scelte = {"preload": False, "resultTypes": ["violations"]} | ({"runOnly": regole} if regole else {})
    trovate = scheda.evaluate("([parti, s]) => axe.run(parti, s).then(r => r.violations)", [parti, scelte])
    return [
        f"{v['id']}: {json.dumps([n['target'] for n in v['nodes'][:4]])} {v['nodes'][0]['html'][:160]}"
        for v in trovate
        if v["impact"] in ("serious", "critical")
    ]


def test_axe_su_ogni_pagina(senza, lettore, axe):
    """Tutte le regole sul chiaro; sullo scuro la pagina è la stessa e cambiano solo i colori."""
    uno = lettore()
    guasti = {}
    for pagina in senza.pagine.keys() - {"index.html"}:  # rimanda al frontespizio
        scheda = uno.apri(senza, pagina)
        trovate = violazioni(scheda, axe)
        scheda.emulate_media(color_scheme="dark")
        scheda.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        trovate += violazioni(scheda, axe, ["color-contrast"])
        scheda.emulate_media(color_scheme="light")
        if trovate:
            guasti[pagina] = trovate
    assert guasti == {}


@pytest.mark.parametrize("vista", ["it", "due", "en"])
@pytest.mark.parametrize("tema", ["light", "dark"])
@pytest.mark.parametrize("schermo", [{}, TELEFONO], ids=["scrivania", "telefono"])
def test_axe_nelle_tre_viste(senza, lettore, axe, schermo, tema, vista):
    scheda = lettore(color_scheme=tema, **schermo).apri(senza, senza.pagina(CAPITOLO), f"?lingua={vista}")
    assert violazioni(scheda, axe) == []


def test_axe_con_l_inglese_degli_autori(con, lettore, axe):
    assert violazioni(lettore().apri(con, con.pagina(CAPITOLO), "?lingua=due"), axe) == []


@pytest.mark.parametrize("tema", ["light", "dark"])
def test_axe_con_la_definizione_aperta(senza, lettore, axe, tema):
    scheda = lettore(color_scheme=tema).apri(senza, senza.pagina(CAPITOLO))
    scheda.locator(TERMINE).first.focus()
    scheda.locator(APERTA).wait_for()
    assert violazioni(scheda, axe, escluse=(".katex",)) == []


def test_axe_vede_un_guasto(senza, lettore, axe):
    scheda = lettore().apri(senza, senza.pagina(ALTRO))
    scheda.evaluate("document.querySelector('article').insertAdjacentHTML('beforeend', '<button></button>')")
    (guasto,) = violazioni(scheda, axe, ["button-name"])
    assert guasto.startswith("button-name")


def test_il_lettore_vede_la_rete(senza, lettore):
    """La prova delle prove: una richiesta a un altro computer si vede."""
    uno = lettore()
    scheda = uno.apri(senza, senza.pagina(ALTRO))
    scheda.evaluate("fetch('https://esempio.it/x').catch(() => 0)")
    assert uno.rete == ["https://esempio.it/x"]
    uno.rete.clear()
    uno.errori.clear()
