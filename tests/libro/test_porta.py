"""La copertina nel browser: che cos’è, da dove si comincia, la figura che risponde; e i percorsi, che portano a pagine
e ad esercizi veri."""

import json
import re
from pathlib import PurePosixPath

import pytest
from test_browser import TELEFONO, violazioni

INDICE = "chapters/index.html"
PERCORSI = "chapters/percorsi.html"
MINUTI = re.compile(r"(?:(\d+) h)? ?(?:(\d+) min)?")
SCELTA = ".ponte-riga [aria-selected=true]"
PORTA = "ul.porte.solo-it > li"
DOVE = {"pagina": "chapters/articolo/3-2-attenzione.html", "titolo": "3.2 Attenzione", "ancora": "s3-2-p1"}


def minuti(durata: str) -> int:
    ore, resto = MINUTI.fullmatch(durata.replace("\u00a0", " ")).groups()
    return 60 * int(ore or 0) + int(resto or 0)


def tappe(libro) -> dict[str, int]:
    """Pagina → i minuti che dice in testa."""
    testi = {nome: pagina.select_one(".tappa") for nome, pagina in libro.pagine.items()}
    trovati = {nome: re.search(r"circa (\d+)\s+min", tappa.get_text()) for nome, tappa in testi.items() if tappa}
    return {nome: int(trovato[1]) for nome, trovato in trovati.items()}


def nella_pagina(indirizzo: str, da: str = INDICE) -> str:
    """Il nome della pagina a cui porta un collegamento."""
    pezzi = []
    for pezzo in (PurePosixPath(da).parent / indirizzo.split("#")[0]).parts:
        pezzi = pezzi[:-1] if pezzo == ".." else [*pezzi, pezzo]
    return "/".join(pezzi)


def tutta_in_vista(scheda, elemento) -> bool:
    scatola, finestra = elemento.bounding_box(), scheda.viewport_size
    return scatola["y"] >= 0 and scatola["y"] + scatola["height"] <= finestra["height"]


# ---------------------------------------------------------------- la prima schermata


@pytest.mark.parametrize(("schermo", "porte"), [({}, 3), (TELEFONO, 1)], ids=["scrivania", "telefono"])
def test_la_prima_schermata_dice_che_cos_e_mostra_la_figura_e_apre_le_porte(senza, lettore, schermo, porte):
    scheda = lettore(**schermo).apri(senza, INDICE)
    scheda.locator("attenzione-ponte[pronto]").wait_for()
    for selettore in ("h1", ".apertura.solo-it", ".ponte-vivo"):
        assert tutta_in_vista(scheda, scheda.locator(f"article {selettore}").first), selettore
    in_vista = [tutta_in_vista(scheda, porta) for porta in scheda.locator(PORTA).all()]
    assert len(in_vista) == 3 and all(in_vista[:porte])
    larga = scheda.evaluate("[document.documentElement.scrollWidth, document.body.scrollWidth]")
    assert max(larga) <= scheda.viewport_size["width"]


def test_nulla_si_sposta_mentre_si_carica(senza, lettore):
    scheda = lettore().apri(senza, INDICE)
    scheda.locator("attenzione-ponte[pronto]").wait_for()
    salto = scheda.evaluate(
        """() => new Promise((rendi) => {
             let somma = 0;
             new PerformanceObserver((elenco) => {
               for (const voce of elenco.getEntries()) if (!voce.hadRecentInput) somma += voce.value;
             }).observe({ type: "layout-shift", buffered: true });
             setTimeout(() => rendi(somma), 300);
           })"""
    )
    assert salto <= 0.02


def test_ogni_porta_porta_al_suo_primo_passo(senza):
    for porta in senza.pagine[INDICE].select(PORTA):
        assert {nella_pagina(a["href"]) for a in porta.select("a")} <= senza.pagine.keys()


# ---------------------------------------------------------------- i tempi


def test_i_tempi_delle_porte_sono_le_somme_delle_tappe(senza):
    attesi = {"passi": 0, "articolo": 0, "laboratorio": 0}
    for nome, quanti in tappe(senza).items():
        if (cartella := PurePosixPath(nome).parent.name) in attesi:
            attesi[cartella] += quanti
    detti = [minuti(t.get_text()) for t in senza.pagine[INDICE].select(f"{PORTA} .tempo")]
    assert detti == list(attesi.values()) and min(detti) > 60


@pytest.mark.parametrize("pagina", [INDICE, PERCORSI])
def test_gli_elenchi_hanno_i_tempi_dei_capitoli_e_la_loro_somma(senza, pagina):
    tempi, elenchi = tappe(senza), senza.pagine[pagina].select("ul.capitoli")
    assert elenchi
    for elenco in elenchi:
        somma = 0
        for voce in elenco.select("li"):
            nome, detto = nella_pagina(voce.a["href"], pagina), voce.select_one(".tempo")
            assert (minuti(detto.get_text()) if detto else None) == tempi.get(nome), nome
            somma += tempi.get(nome, 0)
        vicino = elenco.find_previous_sibling("p") if pagina == INDICE else elenco.find_next_sibling("p")
        assert minuti(re.search(r"(?:\d+\sh)?\s?(?:\d+\smin)?$|(?<=tutto )[^.]*(?= di)", vicino.get_text())[0]) == somma


def test_la_mappa_ha_tutte_le_pagine_del_libro(senza):
    mappa = {nella_pagina(a["href"]) for a in senza.pagine[INDICE].select(".mappa a")}
    assert senza.pagine.keys() - mappa == {INDICE, "index.html", "genindex.html", "search.html", "404.html"} & set(
        senza.pagine
    )


# ---------------------------------------------------------------- la figura


def voce(scheda) -> str:
    return scheda.locator(".ponte-voce").inner_text()


def test_la_figura_risponde_al_puntatore(senza, lettore):
    scheda = lettore().apri(senza, INDICE)
    assert scheda.locator(SCELTA).inner_text() == "banca"
    assert voce(scheda).startswith("Scrivendo «banca» guarda soprattutto «bank»")
    scheda.locator(".ponte-riga [role=option]", has_text="centrale").hover()
    assert voce(scheda).startswith("Scrivendo «centrale»")
    assert scheda.locator(SCELTA).inner_text() == "banca"
    scheda.locator(".ponte-riga .ponte-parola:not([role])", has_text="bank").hover()
    assert voce(scheda).startswith("«bank» è guardata soprattutto da «banca»")
    scheda.mouse.move(5, 5)
    assert voce(scheda).startswith("Scrivendo «banca»")
    assert scheda.locator(".ponte-vivo path.ponte-accesa").count() >= 3


def test_la_figura_risponde_al_tocco(senza, lettore):
    scheda = lettore(**TELEFONO).apri(senza, INDICE)
    scheda.locator(".ponte-riga [role=option]", has_text="indipendente").tap()
    assert scheda.locator(SCELTA).inner_text() == "indipendente" and "«independent»" in voce(scheda)
    scheda.get_by_role("button", name="Un altro esempio").tap()
    assert scheda.locator(".ponte-riga").first.inner_text().split()[:2] == ["the", "commission"]
    for riga in scheda.locator(".ponte-riga").all():  # la frase più lunga sta nella figura
        assert riga.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_la_figura_risponde_alla_tastiera(senza, lettore):
    scheda = lettore().apri(senza, INDICE)
    lista = scheda.get_by_role("listbox")
    lista.focus()
    for tasto, attesa in [("ArrowRight", "centrale"), ("ArrowLeft", "banca"), ("End", "."), ("Home", "la")]:
        lista.press(tasto)
        assert scheda.locator(SCELTA).inner_text() == attesa
        assert lista.get_attribute("aria-activedescendant") == scheda.locator(SCELTA).get_attribute("id")
        assert f"«{attesa}»" in voce(scheda)
    assert scheda.url.endswith(INDICE)  # le frecce non cambiano pagina
    scheda.get_by_role("button", name="Un altro esempio").press("Enter")
    assert scheda.locator(".ponte-riga [role=option]").nth(1).inner_text() == "commissione"


def test_senza_javascript_c_e_la_figura_ferma_e_le_porte(senza, lettore):
    scheda = lettore(java_script_enabled=False).apri(senza, INDICE)
    figura = scheda.locator(".vista-ferma")
    assert figura.is_visible() and figura.bounding_box()["width"] > 300
    assert scheda.locator(PORTA).count() == 3 and not scheda.locator(".solo-en").first.is_visible()


def test_la_stampa_ha_la_figura_ferma(senza, lettore):
    scheda = lettore().apri(senza, INDICE)
    scheda.emulate_media(media="print")
    assert scheda.locator(".vista-ferma").is_visible() and not scheda.locator(".ponte-vivo").is_visible()


# ---------------------------------------------------------------- riprendere, l’inglese, l’accessibilità


def con_memoria(uno, libro, dove):
    uno.scheda.add_init_script(f"localStorage.setItem('libro-dove', {json.dumps(json.dumps(dove))})")
    return uno.apri(libro, INDICE)


def test_si_riprende_da_dove_si_era(senza, lettore):
    scheda = con_memoria(lettore(), senza, DOVE)
    riga = scheda.locator(".riprendi")
    assert riga.inner_text() == "Si riprende da 3.2 Attenzione"
    riga.locator("a").click()
    scheda.wait_for_url(re.compile(r"3-2-attenzione\.html#s3-2-p1$"))


@pytest.mark.parametrize(
    "dove",
    [
        None,
        3,
        {},
        DOVE | {"pagina": "javascript:alert(1)"},
        DOVE | {"pagina": "../../altro.html"},
        DOVE | {"titolo": 1},
    ],
)
def test_senza_una_memoria_sana_la_riga_dice_da_dove_si_comincia(senza, lettore, dove):
    scheda = con_memoria(lettore(), senza, dove)
    assert scheda.locator(".riprendi").inner_text() == "Si comincia da una di queste tre porte."


def test_la_vista_inglese_della_copertina_e_inglese(senza, lettore):
    scheda = lettore().apri(senza, INDICE, "?lingua=en")
    assert voce(scheda).startswith("Writing “banca”") and "0.67" in voce(scheda)
    italiani = scheda.evaluate(
        """() => [...document.querySelectorAll("article :is(p, li, h1, h2, h3, dt, dd)")]
             .filter((e) => e.checkVisibility() && !e.closest('[lang="en"], attenzione-ponte'))
             .map((e) => e.textContent)"""
    )
    assert italiani == []
    assert scheda.get_by_role("link", name="The paper", exact=True).is_visible()
    assert scheda.locator("ul.porte:visible", has_text="In Italian only").count() == 1


@pytest.mark.parametrize(
    ("schermo", "tema", "vista"),
    [({}, "light", "it"), ({}, "dark", "en"), (TELEFONO, "light", "en"), (TELEFONO, "dark", "it")],
)
def test_axe(senza, lettore, axe, schermo, tema, vista):
    scheda = lettore(color_scheme=tema, **schermo).apri(senza, INDICE, f"?lingua={vista}")
    scheda.locator("attenzione-ponte[pronto]").wait_for()
    assert violazioni(scheda, axe) == []


# ---------------------------------------------------------------- i percorsi


def test_i_percorsi_rimandano_a_pagine_e_a_esercizi_veri(senza):
    esercizi = 0
    for link in senza.pagine[PERCORSI].select("article a[href]:not(.headerlink)"):
        nome, _, ancora = link["href"].partition("#")
        pagina = senza.pagine[nella_pagina(nome, PERCORSI)]
        if ancora.startswith("es-"):
            assert pagina.find(id=ancora).get_text().strip().startswith(link.get_text()), ancora
            esercizi += 1
    assert esercizi >= 20


def test_una_lezione_dura_un_ora_e_mezza(senza):
    lezioni = [h.parent for h in senza.pagine[PERCORSI].select("h3") if "Lezione" in h.get_text()]
    assert len(lezioni) == 6
    for lezione in lezioni:
        letta = minuti(re.search(r"In tutto (.*) di lettura", lezione.select_one(".capitoli-somma").get_text())[1])
        assert 50 <= letta <= 85, lezione.h3.get_text()  # il resto è per gli esercizi
        assert len(lezione.select('a[href*="#es-"]')) >= 3
