"""La vista inglese è inglese; le pagine solo italiane lo dicono; la lingua scelta segue il lettore."""

import re

import pytest
from fabbrica import COMPOSTA
from test_browser import ALTRO, CAPITOLO, TELEFONO, lingua

from lettore.inglese import leggi_inglese
from lettore.notazione import leggi_notazione, segni

SCHERMI = pytest.mark.parametrize("schermo", [{}, TELEFONO], ids=["scrivania", "telefono"])
PRONTA = "document.documentElement.dataset.tradotta !== undefined"
NEUTRE = {"IT", "IT + EN", "EN"}

# ciò che si vede, o che un lettore di schermo dice, e che nessuno ha dichiarato inglese
ITALIANO = """() => {
  const italiani = [], fuori = "script, style, noscript, .katex, table, [lang=en]:not(html)";
  const testi = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (testi.nextNode()) {
    const nodo = testi.currentNode, e = nodo.parentElement, testo = nodo.data.replace(/\\s+/g, " ").trim();
    const visto = e.checkVisibility({ visibilityProperty: true });
    if (visto && /\\p{L}{2}/u.test(testo) && !e.closest(fuori)) italiani.push(testo);
  }
  return italiani;
}"""
ETICHETTE = """() => [...document.querySelectorAll("[title], [aria-label], [placeholder], img[alt]")]
  .filter((e) => e.checkVisibility())
  .flatMap((e) => ["title", "aria-label", "placeholder", "alt"].map((nome) => e.getAttribute(nome)))
  .filter(Boolean)"""


# il blocco comincia poco sopra la riga che si legge
ALLA_RIGA = """id => {
  for (let volta = 0; volta < 3; volta++) {  // al telefono la testata si stringe scorrendo
    const testata = Math.max(document.querySelector(".bd-header-article").getBoundingClientRect().bottom, 0);
    const y = document.getElementById(id).getBoundingClientRect().top;
    scrollBy({ top: y - testata - (innerHeight - testata) * .18 + 12, behavior: "instant" });
  }
}"""


def apri_inglese(uno, libro, pagina):
    scheda = uno.apri(libro, pagina, "?lingua=en")
    scheda.wait_for_function(PRONTA)
    return scheda


def forme_italiane() -> re.Pattern:
    """Ciò che il dizionario traduce, com’è in italiano."""
    dati = leggi_inglese()
    frasi = [f for f, en in dati["interfaccia"].items() if f != en]
    schemi = [".+".join(map(re.escape, s.split("{}"))) for s in dati["schemi"]]
    return re.compile("|".join([*map(re.escape, frasi), *schemi]))


@SCHERMI
def test_le_pagine_dell_articolo_sono_inglesi_fino_all_ultima_etichetta(libro, lettore, schermo):
    uno, italiana = lettore(**schermo), forme_italiane()
    for pagina in libro.capitoli:
        scheda = apri_inglese(uno, libro, pagina)
        assert scheda.evaluate("document.documentElement.lang") == "en", pagina
        assert {t for t in scheda.evaluate(ITALIANO) if not t.startswith("©")} <= NEUTRE, pagina
        assert [e for e in scheda.evaluate(ETICHETTE) if italiana.fullmatch(e)] == [], pagina
        assert not re.search("[àèéìòù]", scheda.title()), pagina


def test_la_colonna_e_le_pagine_vicine_hanno_i_nomi_inglesi_delle_sezioni(senza, lettore):
    scheda = apri_inglese(lettore(), senza, senza.pagina(CAPITOLO))
    colonna = scheda.locator(".bd-sidebar-primary nav").text_content()
    for titolo in (
        "3.2.2 Multi-Head Attention",
        "Part 0 · Before the paper",
        "Step 4: the softmax",
        "Readers’ questions",
    ):
        assert titolo in colonna
    assert scheda.locator(".right-next").last.inner_text().lower().split() == [
        "next",
        "3.2.2",
        "multi-head",
        "attention",
    ]


def test_le_tabelle_hanno_il_punto_e_le_intestazioni_inglesi(senza, lettore):
    uno = lettore()
    parole = set(leggi_inglese()["tabelle"])
    for pagina in ("4-perche", "6-1", "6-2", "6-3"):
        scheda = apri_inglese(uno, senza, senza.pagina(pagina))
        celle = scheda.locator("article .blocco-table table :is(th, td):visible").all_inner_texts()
        assert celle and not [c for c in celle if c.strip() in parole or re.search(r"\d,\d", c)], pagina
    tabella = apri_inglese(uno, senza, senza.pagina("6-1")).locator("#tab2 table").first
    assert "28.4" in tabella.inner_text() and "Training cost" in tabella.inner_text()


def test_il_titolo_inglese_ha_il_numero_e_la_formula_il_punto(senza, lettore):
    scheda = apri_inglese(lettore(), senza, senza.pagina("5-3"))
    assert scheda.get_by_role("heading", level=1).inner_text().startswith("5.3 ")
    formula = scheda.locator(".blocco-equation .katex-html").first
    decimali = lambda: re.findall(r"\d[.,]\d", formula.inner_text())  # noqa: E731
    assert decimali() == ["0.5", "0.5", "1.5"]
    scheda.get_by_role("button", name="IT", exact=True).click()
    assert decimali() == ["0,5", "0,5", "1,5"]


def test_ogni_pagina_del_libro_ha_un_titolo_inglese(senza):
    parole = (senza.html / "_static/parole.js").read_text(encoding="utf-8")
    nomi = {n.removesuffix(".html") for n in senza.pagine} - {"404", "index"}
    assert [n for n in sorted(nomi) if f'"{n}":' not in parole] == []


def test_ogni_simbolo_ha_la_sua_frase_inglese():
    simboli = {s["simbolo"] for s in leggi_notazione()["simboli"] if segni(s)}
    assert simboli == set(leggi_inglese()["simboli"])


def test_il_simbolo_si_spiega_in_inglese(senza, lettore):
    scheda = apri_inglese(lettore(), senza, senza.pagina("3-2-2"))
    scheda.locator("#eq-multihead [data-s='W-O'], #s3-2-2-p1 .lato-en [data-s]").first.hover()
    scatola = scheda.locator(".tippy-box[data-state=visible]")
    scatola.wait_for()
    assert "shape" in scatola.inner_text() and "in the glossary" in scatola.inner_text()
    assert "si legge" not in scatola.inner_text() and "forma" not in scatola.inner_text()


def test_tornando_all_italiano_ogni_parola_torna(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina("6-1"), "?lingua=due")
    stato = """[document.body.innerText, document.documentElement.lang, document.title,
                ...[...document.querySelectorAll("[title], [aria-label], [alt]")]
                  .map((e) => [e.title, e.ariaLabel, e.alt])]"""
    scheda.wait_for_function(COMPOSTA)
    prima = scheda.evaluate(stato)
    scheda.get_by_role("button", name="EN", exact=True).click()
    scheda.wait_for_function(PRONTA)
    assert scheda.evaluate(stato) != prima
    scheda.get_by_role("button", name="IT + EN", exact=True).click()
    assert scheda.evaluate(stato) == prima


@SCHERMI
def test_una_pagina_solo_italiana_lo_dice_in_inglese_e_resta_italiana(senza, lettore, schermo):
    scheda = apri_inglese(lettore(**schermo), senza, senza.pagina("4-la-softmax"))
    avviso = scheda.locator(".avviso-en")
    assert avviso.is_visible() and "in Italian only" in avviso.inner_text() and avviso.get_attribute("lang") == "en"
    assert avviso.bounding_box()["y"] < 300
    assert scheda.locator("article h1").inner_text().startswith("Passo 4: la softmax")
    assert scheda.evaluate("document.documentElement.lang") == "it"
    assert scheda.get_by_role("button", name="Larger text").is_visible()


def test_la_lingua_segue_il_lettore_da_una_pagina_all_altra_e_dall_indice(senza, lettore):
    uno = lettore()
    scheda = uno.apri(senza, "index.html", "?lingua=en")
    scheda.wait_for_url(re.compile(r"chapters/index\.html\?lingua=en$"))
    scheda.locator("article a[href*='articolo/']:visible").first.click()
    scheda.wait_for_url(re.compile(r"articolo/[\w-]+\.html\?lingua=en"))
    scheda.locator(".right-next").last.click()
    scheda.wait_for_url(re.compile(r"articolo/[\w-]+\.html\?lingua=en"))
    assert lingua(scheda) == "en"


def test_senza_lingua_nell_indirizzo_i_collegamenti_restano_come_sono(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina(ALTRO))
    scheda.locator(".right-next").last.click()
    scheda.wait_for_url(re.compile(r"3-2-1[\w-]+\.html$"))


def posti(scheda) -> dict:
    lati = {"blocco": "#s4-p3", "it": "#s4-p3 > .lato-it", "en": "#s4-p3 > .lato-en"}
    trovati = {lato: scheda.locator(selettore).bounding_box() for lato, selettore in lati.items()}
    return {lato: posto for lato, posto in trovati.items() if posto}


@SCHERMI
@pytest.mark.parametrize(("da", "a"), [("IT + EN", "EN"), ("EN", "IT + EN"), ("IT", "EN"), ("EN", "IT")])
def test_cambiando_vista_si_resta_allo_stesso_blocco(senza, lettore, schermo, da, a):
    scheda = lettore(**schermo).apri(senza, senza.pagina("4-perche"))
    scheda.get_by_role("button", name=da, exact=True).click()
    scheda.evaluate(ALLA_RIGA, "s4-p3")
    prima = {lato: posto["y"] for lato, posto in posti(scheda).items()}
    scheda.locator(f"button[data-lingua]:text-is('{a}')").evaluate("e => e.click()")  # senza scorrere per arrivarci
    # resta fermo il blocco, o la sua lingua che si stava leggendo
    assert any(abs(posto["y"] - prima[lato]) <= 2 for lato, posto in posti(scheda).items() if lato in prima)
