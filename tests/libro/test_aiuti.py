"""Gli aiuti alla lettura, nel browser: dove si era, spiegazioni, indirizzi, tasti, figure ingrandite."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from fabbrica import DEPOSITO
from test_browser import ALTRO, APERTA, CAPITOLO, TELEFONO, violazioni
from test_inglese import ALLA_RIGA

SCHERMI = pytest.mark.parametrize("schermo", [{}, TELEFONO], ids=["scrivania", "telefono"])
SIMBOLO = "#s3-2-1-p1 .lato-it [data-s='d-k']"


def ricordo(scheda, nome):
    return json.loads(scheda.evaluate("nome => localStorage.getItem(nome)", nome) or "null")


def in_fondo(scheda):
    scheda.evaluate("scrollTo(0, document.body.scrollHeight)")


# ---------------------------------------------------------------- dove si era


@SCHERMI
def test_il_browser_ricorda_dove_si_era(senza, lettore, schermo):
    scheda = lettore(**schermo).apri(senza, senza.pagina(CAPITOLO))
    assert ricordo(scheda, "libro-dove") is None  # aprire una pagina non è leggerla
    scheda.evaluate("document.getElementById('s3-2-1-p3').scrollIntoView()")
    scheda.wait_for_function("localStorage.getItem('libro-dove')?.includes('s3-2-1-p3')")
    dove = ricordo(scheda, "libro-dove")
    assert dove["pagina"] == senza.pagina(CAPITOLO) and (senza.html / dove["pagina"]).is_file()
    assert dove["titolo"] == "3.2.1 Attenzione a prodotto scalare scalato"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", dove["quando"])


def test_la_pagina_finita_ha_una_tacca_nella_colonna_e_si_dimentica(senza, lettore):
    uno = lettore()
    scheda = uno.apri(senza, senza.pagina("2-contesto"))
    in_fondo(scheda)
    scheda.wait_for_function("localStorage.getItem('libro-letti')")
    in_fondo(uno.apri(senza, senza.pagina("1-introduzione")))
    tacche = scheda.locator(".bd-sidebar-primary a.letto")
    tacche.nth(1).wait_for(state="attached")
    assert {t.get_attribute("href").split("/")[-1] for t in tacche.all()} <= {
        "#",
        senza.pagina("2-contesto").split("/")[-1],
    } | {senza.pagina("1-introduzione").split("/")[-1]}
    assert tacche.first.locator("[aria-label=letto]").count() == 1
    scheda.keyboard.press("?")
    scheda.get_by_role("button", name="Dimentica").click()
    scheda.get_by_text("Dimenticato.").wait_for()
    assert ricordo(scheda, "libro-letti") is None and ricordo(scheda, "libro-dove") is None
    assert tacche.count() == 0


def test_la_barra_dice_quanto_manca_senza_spostare_nulla(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO))
    larga = "parseFloat(getComputedStyle(document.querySelector('.avanzamento')).transform.slice(7)) || 0"
    assert scheda.evaluate(larga) < 0.05
    in_fondo(scheda)
    scheda.wait_for_function(f"({larga}) > 0.95")
    barra = scheda.locator(".avanzamento")
    assert barra.evaluate("e => [getComputedStyle(e).position, getComputedStyle(e).transitionDuration]") == [
        "fixed",
        "0s",
    ]


def test_senza_memoria_si_legge_lo_stesso(senza, lettore):
    uno = lettore()
    uno.contesto.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('vietata'); } })"
    )
    scheda = uno.apri(senza, senza.pagina(ALTRO))
    in_fondo(scheda)
    scheda.keyboard.press("?")
    scheda.get_by_role("dialog").wait_for()
    assert scheda.locator("article h1").is_visible()


# ---------------------------------------------------------------- spiegazioni


def test_il_simbolo_dice_che_cos_e(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO), "?lingua=it")
    scheda.locator(SIMBOLO).first.hover()
    scatola = scheda.locator(APERTA)
    scatola.wait_for()
    testo = scatola.inner_text()
    assert "di con cappa" in testo and "Numero di componenti di ogni query" in testo and "intero" in testo
    vai = scatola.get_by_role("link")
    assert (senza.html / "glossary.html").as_uri() + "#simbolo-d-k" == vai.evaluate("e => e.href")


def test_anche_dentro_una_frazione_il_simbolo_si_raggiunge(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO), "?lingua=it")
    for simbolo in ("d-k", "K-T", "softmax"):
        scheda.locator(f"#eq1 [data-s='{simbolo}']").first.hover()
        scheda.locator(f"{APERTA} a[href$='#simbolo-{simbolo}']").wait_for()
        scheda.mouse.move(0, 0)


def test_il_simbolo_si_tocca(senza, lettore):
    scheda = lettore(**TELEFONO).apri(senza, senza.pagina(CAPITOLO), "?lingua=it")
    scheda.locator(SIMBOLO).first.tap()
    dentro = scheda.locator(APERTA).bounding_box()
    assert dentro["x"] >= 0 and dentro["x"] + dentro["width"] <= 390


def test_i_simboli_non_sono_fermate_ma_da_tastiera_si_leggono_tutti(senza, lettore, axe):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO), "?lingua=it")
    assert scheda.locator("article [data-s][tabindex], article [data-s] a").count() == 0
    scheda.keyboard.press("s")
    finestra = scheda.get_by_role("dialog", name="Simboli di questa pagina")
    finestra.wait_for()
    nomi = set(scheda.evaluate("[...document.querySelectorAll('dialog [data-simbolo]')].map(e => e.dataset.simbolo)"))
    assert {"Q", "K", "V", "d-k", "radice-d-k", "K-T", "softmax"} <= nomi
    assert violazioni(scheda, axe, escluse=(".katex", "pre")) == []
    scheda.keyboard.press("Escape")
    finestra.wait_for(state="detached")


def test_ogni_simbolo_di_ogni_pagina_ha_la_sua_scheda(senza):
    for nome, pagina in senza.pagine.items():
        usati = {e["data-s"] for e in pagina.select("article [data-s]")}
        schede = json.loads(pagina.select_one("#simboli").string) if usati else {}
        assert set(schede) == usati, nome
        assert all({"segno", "legge", "che", "en"} <= set(scheda) for scheda in schede.values()), nome


def test_la_formula_tiene_il_suo_sorgente(senza):
    pagina = senza.pagine[senza.pagina(CAPITOLO)]
    assert not [a.string for a in pagina.select("annotation") if "htmlData" in (a.string or "")]


@SCHERMI
def test_la_citazione_dice_di_chi_e(senza, lettore, schermo):
    scheda = lettore(**schermo).apri(senza, senza.pagina(CAPITOLO), "?lingua=it")
    citazione = scheda.locator("#s3-2-1-p3 .lato-it a[href*='riferimenti.html']").first
    citazione.tap() if schermo else citazione.hover()
    scatola = scheda.locator(APERTA)
    scatola.wait_for()
    assert re.search(r"\[2\] Dzmitry Bahdanau.* 2014", scatola.inner_text())
    vai = scatola.get_by_role("link", name="vai al riferimento").get_attribute("href")
    assert re.search(r"riferimenti\.html(\?lingua=it)?#id\d+$", vai) and "3-2-1" in scheda.url


@SCHERMI
def test_la_nota_si_legge_dov_e_richiamata(senza, lettore, schermo):
    uno = lettore(**schermo)
    scheda = uno.apri(senza, senza.pagina(CAPITOLO), "?lingua=it")
    segno = scheda.locator("#s3-2-1-p4 .lato-it a[href='#s3-2-1-fn4']")
    segno.tap() if schermo else segno.hover()
    scatola = scheda.locator(APERTA)
    scatola.wait_for()
    assert "media" in scatola.inner_text() and scatola.locator(".katex").count()
    assert not scheda.url.endswith("#s3-2-1-fn4")


def test_il_rimando_a_una_figura_di_un_altra_pagina_ne_dice_la_didascalia(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO), "?lingua=it")
    scheda.locator(".lato-it a[href$='#fig2']").first.hover()
    scatola = scheda.locator(APERTA)
    scatola.wait_for()
    assert "Figura 2." in scatola.inner_text() and "Figure 2." not in scatola.inner_text()


def test_il_rimando_a_un_equazione_la_mostra(senza, lettore):
    scheda = lettore().apri(senza, "chapters/laboratorio/traduttore.html", "?lingua=it")
    scheda.locator("article a.reference[href*='#eq3']").first.hover()
    scatola = scheda.locator(APERTA)
    scatola.wait_for()
    assert scatola.locator("math").first.bounding_box()["width"] > 100


def test_la_spiegazione_si_apre_al_fuoco_e_axe_e_pulito(senza, lettore, axe):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO), "?lingua=it")
    scheda.keyboard.press("Tab")
    scheda.locator("#s3-2-1-p3 .lato-it a[href*='riferimenti.html#']").first.focus()
    scheda.locator(APERTA).wait_for()
    assert violazioni(scheda, axe, escluse=(".katex", "pre")) == []


# ---------------------------------------------------------------- indirizzi


@pytest.mark.parametrize(
    "segno", ["#s3-2-1-p3 > .ancora", "#cinque-token-una-query > h2 > .headerlink", ".affermazione > .ancora"]
)
def test_un_clic_copia_l_indirizzo_e_lo_dice(senza, lettore, segno):
    uno = lettore()
    uno.contesto.grant_permissions(["clipboard-read", "clipboard-write"])
    scheda = uno.apri(senza, senza.pagina(CAPITOLO))
    quale = scheda.locator(segno).first
    quale.locator("..").hover(position={"x": 8, "y": 8})
    quale.click()
    scheda.get_by_role("status").get_by_text("Indirizzo copiato.").wait_for()
    assert scheda.evaluate("navigator.clipboard.readText()") == quale.evaluate("e => e.href")


def test_la_segnalazione_e_gia_riempita(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO))
    scheda.locator("#s3-2-1-p3 > .ancora").press("Enter")
    url = urlsplit(scheda.get_by_role("link", name="Segnala un errore qui").get_attribute("href"))
    domanda = parse_qs(url.query)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{DEPOSITO}/issues/new"
    assert "s3-2-1-p3" in domanda["title"][0]
    assert re.search(r"Versione: \d+\.\d+\.\d+", domanda["body"][0]) and "3-2-1" in domanda["body"][0]


def test_al_telefono_il_segno_non_costa_una_riga(senza, lettore):
    scheda = lettore(**TELEFONO).apri(senza, senza.pagina(CAPITOLO), "?lingua=it")
    segno, testo = (scheda.locator(f"#s3-2-1-p3 > {x}").bounding_box() for x in (".ancora", ".lato-it"))
    assert abs(segno["y"] - testo["y"]) < 8 and segno["x"] >= 0 and segno["x"] + segno["width"] <= testo["x"] + 1
    assert segno["height"] >= 24


# ---------------------------------------------------------------- tasti


def test_le_frecce_voltano_pagina(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO), "?lingua=it")
    scheda.keyboard.press("ArrowRight")
    scheda.wait_for_url(re.compile(r"3-2-2.*\?lingua=it$"))
    scheda.keyboard.press("ArrowLeft")
    scheda.wait_for_url(re.compile(r"3-2-1.*\?lingua=it$"))
    scheda.keyboard.press("g")
    scheda.wait_for_url(re.compile(r"chapters/index\.html\?lingua=it$"))


def test_i_tasti_si_spengono_e_l_aiuto_resta(senza, lettore, axe):
    uno = lettore()
    scheda = uno.apri(senza, senza.pagina(CAPITOLO))
    scheda.keyboard.press("?")
    aiuto = scheda.get_by_role("dialog", name="Aiuto e tasti")
    aiuto.wait_for()
    assert violazioni(scheda, axe) == []
    aiuto.get_by_role("checkbox", name="Tasti accesi").uncheck()
    scheda.keyboard.press("Escape")
    scheda = uno.apri(senza, senza.pagina(CAPITOLO))
    scheda.keyboard.press("ArrowRight")
    scheda.keyboard.press("s")
    assert "3-2-1" in scheda.url and scheda.get_by_role("dialog").count() == 0
    scheda.get_by_role("button", name="Aiuto e tasti").click()
    assert not aiuto.get_by_role("checkbox", name="Tasti accesi").is_checked()


def test_i_tasti_non_agiscono_dentro_un_campo_ne_con_un_modificatore(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO))
    scheda.evaluate("document.querySelector('article').insertAdjacentHTML('afterbegin', '<input id=\"campo\">')")
    scheda.locator("#campo").press_sequentially("?gs/l")
    scheda.locator("#campo").press("ArrowLeft")
    scheda.locator("body").press("Alt+s")
    assert scheda.locator("#campo").input_value() == "?gs/l" and scheda.get_by_role("dialog").count() == 0
    assert "3-2-1" in scheda.url


# ---------------------------------------------------------------- figure


@SCHERMI
def test_la_figura_si_apre_a_tutto_schermo_con_etichette_che_si_leggono(senza, lettore, axe, schermo):
    scheda = lettore(**schermo).apri(senza, senza.pagina("3-2-2"), "?lingua=it")
    figura = scheda.locator("#fig2 img.ingrandibile").first
    figura.scroll_into_view_if_needed()
    figura.tap() if schermo else figura.click()
    finestra = scheda.get_by_role("dialog", name="Figura ingrandita")
    finestra.wait_for()
    grande = finestra.locator("img")
    assert grande.bounding_box()["width"] >= figura.bounding_box()["width"]
    # le etichette: 12 punti nel disegno, alla misura a cui lo si vede
    assert 16 * grande.bounding_box()["width"] / float(figura.get_attribute("width")) >= 11
    campo = finestra.locator(".zoom-campo")
    if schermo:
        assert campo.evaluate("e => e.scrollWidth > e.clientWidth")  # si scorre
        finestra.get_by_role("button", name="Più piccola").click()
        assert campo.evaluate("e => e.scrollWidth <= e.clientWidth")  # o si vede intera
        finestra.get_by_role("button", name="Più grande").click()
    prima = grande.bounding_box()["width"]
    finestra.get_by_role("button", name="Più grande").click()
    assert grande.bounding_box()["width"] > 1.3 * prima
    assert violazioni(scheda, axe) == []
    scheda.keyboard.press("Escape")
    finestra.wait_for(state="detached")


def test_al_telefono_il_bottone_non_copre_la_figura(senza, lettore):
    scheda = lettore(**TELEFONO).apri(senza, senza.pagina("3-2-1"), "?lingua=it")
    coperte = scheda.locator(".quadro + .ingrandisci").evaluate_all(
        """bottoni => bottoni.filter((b) => {
          const figura = b.previousElementSibling.getBoundingClientRect();
          return figura.height && b.getBoundingClientRect().top < figura.bottom - 1;
        }).length"""
    )
    assert scheda.locator(".quadro + .ingrandisci").count() > 1 and coperte == 0


def test_la_figura_si_apre_da_tastiera_e_il_fuoco_torna(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina("3-2-2"), "?lingua=it")
    bottone = scheda.locator("#fig2 .ingrandisci").first
    bottone.focus()
    assert bottone.evaluate("e => getComputedStyle(e).opacity") == "1" or bottone.is_visible()
    bottone.press("Enter")
    scheda.get_by_role("dialog", name="Figura ingrandita").wait_for()
    scheda.keyboard.press("Escape")
    scheda.wait_for_function("document.activeElement.matches('.ingrandisci')")


def test_nessun_disegno_ha_etichette_troppo_piccole_per_la_vista_aperta(senza):
    """A grandezza piena un punto è 4/3 di px: sotto 8,25 punti un’etichetta sarebbe sotto gli 11 px."""
    piccole = {}
    for file in (senza.html / "_images").glob("*.svg"):
        corpi = [100 * float(c) for c in re.findall(r"scale\((0\.\d+) -", file.read_text(encoding="utf-8"))]
        if corpi and min(corpi) * 4 / 3 < 11:
            piccole[file.name] = min(corpi)
    assert piccole == {}


# ---------------------------------------------------------------- grandezza del testo


def test_la_grandezza_del_testo_non_muove_cio_che_si_legge(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(CAPITOLO))
    scheda.evaluate(ALLA_RIGA, "s3-2-1-p4")
    prima = scheda.locator("#s3-2-1-p4").bounding_box()["y"]
    # senza il clic di Playwright, che scorre per arrivare al bottone
    scheda.get_by_role("button", name="Testo più grande").evaluate("e => e.click()")
    assert abs(scheda.locator("#s3-2-1-p4").bounding_box()["y"] - prima) < 16  # meno di una riga
