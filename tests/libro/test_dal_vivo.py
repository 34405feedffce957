"""«Il modello dal vivo», nel browser: si carica a richiesta, traduce, si smonta, dice ciò che non va."""

import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
from test_browser import TELEFONO, violazioni

from attenzione.quantization import dequantized, quantized_state
from attenzione.translator.ablations import ablate
from attenzione.translator.pretrained import load_translator, translate

PAGINA = "chapters/laboratorio/dal-vivo.html"
FRASE = "the central bank must be independent."


def carica(scheda):
    """Carica il modello dal primo bottone e aspetta la prima traduzione."""
    scheda.locator(".vivo-carica").first.click()
    scheda.locator(".vivo-unita-scelta").first.wait_for(timeout=60_000)
    return scheda


def voce(scheda, nome: str):
    return scheda.locator(f"#esperimento-{nome} .esp-voce")


def traduzione(scheda) -> str:
    return re.match("«(.*)»:", voce(scheda, "traduci").inner_text())[1]


@pytest.fixture(scope="module")
def python():
    """La libreria con gli stessi pesi della pagina, a 8 bit."""
    modello, tokenizer = load_translator()
    modello.load_state_dict(dequantized(quantized_state(modello)))
    return lambda senza=(): translate(ablate(modello, senza), tokenizer, [FRASE], strategy="greedy")[0]


@pytest.fixture
def vivo(senza, lettore):
    return carica(lettore().apri(senza, PAGINA, f"?frase={quote(FRASE)}"))


@pytest.mark.lento
def test_traduce_come_la_libreria_e_con_un_altra_scelta_va_di_la(vivo, python):
    prima = traduzione(vivo)
    assert prima == python()
    vivo.locator(".vivo-unita-scelta").nth(0).press("Enter")
    altra = vivo.locator(".vivo-candidati button").nth(1)
    scelta = altra.inner_text()
    altra.press("Enter")
    vivo.wait_for_function(
        "([e, prima]) => !e.textContent.startsWith(`«${prima}»`)", arg=[voce(vivo, "traduci").element_handle(), prima]
    )
    assert traduzione(vivo).startswith(scelta)


@pytest.mark.lento
def test_senza_un_pezzo_e_come_la_libreria_senza_quel_pezzo(vivo, python):
    dopo = vivo.locator("#esperimento-senza .vivo-lato").last
    dopo.get_by_text(python(), exact=True).wait_for()
    vivo.get_by_label("la divisione per √d").check()
    dopo.get_by_text(python(["scale"]), exact=True).wait_for(timeout=20_000)
    assert "senza=scale" in vivo.url


@pytest.mark.lento
def test_una_testa_spenta_si_dice_e_i_suoi_pesi_spariscono(vivo):
    bottone = vivo.locator("#esperimento-senza .vivo-teste button").first
    assert "BLEU" in bottone.get_attribute("aria-label")
    bottone.press("Space")
    assert bottone.get_attribute("aria-pressed") == "true"
    vivo.locator("#esperimento-guarda .esp-voce", has_text="senza ciò che si è tolto").wait_for()


@pytest.mark.lento
def test_i_numeri_di_una_testa_sommano_a_uno(vivo):
    tavola = vivo.locator("#esperimento-numeri table")
    tavola.wait_for()
    pesi = [float(t.replace(",", ".")) for t in tavola.locator("td:nth-of-type(3)").all_inner_texts()]
    assert len(pesi) > 3 and abs(sum(pesi) - 1) < 0.05


@pytest.mark.lento
def test_la_figura_1_si_sceglie_coi_tasti_e_dice_forme_e_parametri(vivo):
    figura = vivo.locator("#esperimento-figura")
    scatole = figura.get_by_role("radio")
    scatole.first.wait_for()
    assert figura.locator(".fig-scatola").count() == 6 + 10  # due colonne, dal basso
    figura.locator("[data-nome='encoder.0.self_attention']").press("ArrowUp")
    scelta = figura.locator(".fig-scatola[aria-checked=true]")
    assert scelta.get_attribute("data-nome") == "encoder.0.residuals.0"
    assert "somma e normalizzazione, encoder, strato 1. 512 parametri" in voce(vivo, "figura").inner_text()
    figura.locator("[data-nome='encoder.0.feed_forward']").click()
    assert "525.568" in (detto := voce(vivo, "figura").inner_text().replace("\u202f", ".")) and "× 256" in detto
    assert figura.locator(".fig-pannello .katex").count() == 1
    assert figura.locator(".fig-pannello a").get_attribute("href").endswith("3-3-reti-feed-forward.html")


@pytest.mark.lento
def test_la_figura_1_va_da_un_unita_all_altra(vivo):
    figura = vivo.locator("#esperimento-figura")
    figura.get_by_role("radio", name="decoder, softmax").click()
    prima = figura.locator(".fig-pannello .esp-barre").inner_text()
    figura.get_by_label("unità che si scrive").press("ArrowRight")
    vivo.wait_for_function(
        "([e, prima]) => e.querySelector('.esp-barre') && e.querySelector('.esp-barre').innerText !== prima",
        arg=[figura.element_handle(), prima],
    )
    assert figura.get_by_label("unità che si scrive").get_attribute("aria-valuetext") == "banca"
    assert figura.locator(".fig-pannello .esp-nome").first.inner_text() == "banca"


@pytest.mark.lento
def test_l_indirizzo_dice_anche_come_si_sceglie(senza, lettore):
    scheda = carica(lettore().apri(senza, PAGINA, f"?frase={quote(FRASE)}&strategia=beam&ampiezza=2&alfa=1"))
    assert scheda.get_by_label("beam search").is_checked()
    assert scheda.get_by_label("ampiezza").input_value() == "2" and scheda.get_by_label("alfa").input_value() == "1"
    scheda.get_by_label("la più probabile").check()
    scheda.get_by_role("button", name="Traduci").click()
    scheda.wait_for_function("!location.search.includes('strategia')")


def test_una_traduzione_a_sorte_si_ritrova_dal_suo_indirizzo(senza, lettore):
    def tradotta(scheda):
        scheda.locator(".vivo-unita-scelta").first.wait_for(timeout=60_000)
        return scheda.get_by_label("Traduzione, un’unità alla volta").inner_text()

    scheda = carica(lettore().apri(senza, PAGINA, f"?frase={quote(FRASE)}&strategia=sample&temperatura=1.5&seme=7"))
    prima = tradotta(scheda)
    scheda.get_by_role("button", name="Traduci").click()
    scheda.wait_for_function("location.search.includes('seme=8')")
    altra, indirizzo = tradotta(scheda), scheda.evaluate("location.search")
    assert tradotta(carica(lettore().apri(senza, PAGINA, indirizzo))) == altra != prima


@pytest.mark.lento
def test_sulla_copertina_si_traduce_e_prima_non_si_carica_nulla(senza, lettore, python):
    scheda = lettore().apri(senza, "chapters/index.html")
    prova = scheda.locator("#esperimento-prova")
    chiesti = "performance.getEntriesByType('resource').some((r) => r.name.includes('/dal-vivo/'))"
    assert not scheda.evaluate(chiesti)
    prova.get_by_label("Frase inglese da tradurre").fill(FRASE)
    prova.get_by_label("Frase inglese da tradurre").press("Enter")
    prova.get_by_text(python(), exact=True).wait_for(timeout=60_000)
    prova.get_by_role("link").click()
    scheda.wait_for_url("**/laboratorio/dal-vivo.html?frase=*")
    assert scheda.get_by_label("Frase inglese da tradurre").input_value() == FRASE


ITALIANE = re.compile(r"[àèéìòù]|\b(?:il|lo|gli|le|della|che|con|una|di|del|per|si)\b", re.I)
DICONO = """(nome) => [...document.querySelectorAll(`#esperimento-${nome} *`)]
  .filter((e) => e.checkVisibility() && !e.closest("[lang=it], .katex, select, .esperimento-fermo"))
  .flatMap((e) => [e.getAttribute("aria-label"), e.getAttribute("title"), ...[...e.childNodes]
    .filter((n) => n.nodeType === 3).map((n) => n.data)]).filter(Boolean)"""


@pytest.mark.lento
def test_nella_vista_inglese_gli_esperimenti_parlano_inglese_e_i_numeri_hanno_il_punto(senza, lettore):
    scheda = carica(lettore().apri(senza, PAGINA, f"?lingua=en&frase={quote(FRASE)}"))
    scheda.locator("#esperimento-numeri table").wait_for()
    scheda.locator("#esperimento-figura .fig-pannello").wait_for()
    scheda.get_by_label("the division by √d").check()
    scheda.locator("#esperimento-senza .vivo-lato").last.get_by_text("log-probability").wait_for(timeout=20_000)
    scheda.wait_for_timeout(500)
    for nome in ("traduci", "guarda", "figura", "senza", "numeri"):
        detti = scheda.evaluate(DICONO, nome)
        senza_frasi = [re.sub("[«“][^»”]*[»”]", "", detto) for detto in detti]  # le unità, che sono italiane
        assert [d for d in senza_frasi if ITALIANE.search(d) or re.search(r"\d,\d", d)] == [], nome
    scheda.get_by_role("button", name="IT", exact=True).click()
    assert "probabilità" in voce(scheda, "traduci").inner_text()


@pytest.mark.parametrize(
    "detto", ["", "ωψφ", "<img src=x onerror=alert(1)>", "a " * 5000], ids=["vuoto", "greco", "html", "lungo"]
)
@pytest.mark.lento
def test_un_testo_che_non_si_traduce_si_dice_e_nulla_si_perde(vivo, detto):
    campo = vivo.get_by_label("Frase inglese da tradurre")
    prima = voce(vivo, "traduci").inner_text()
    campo.fill(detto)
    campo.press("Enter")
    vivo.wait_for_function(
        "([e, prima]) => e.textContent !== prima", arg=[voce(vivo, "traduci").element_handle(), prima], timeout=30_000
    )
    assert campo.input_value() == detto and vivo.locator("#esperimento-traduci img").count() == 0
    if not detto.startswith("<"):
        assert re.search("Non c’è nulla|non conosce|unità, e il modello", voce(vivo, "traduci").inner_text())


@pytest.mark.lento
def test_dove_non_si_chiede_non_si_carica_nulla(senza, lettore):
    uno = lettore()
    scheda = uno.apri(senza, PAGINA)
    chiesti = scheda.evaluate("performance.getEntriesByType('resource').map((r) => r.name)")
    assert not any("/dal-vivo/" in nome for nome in chiesti)
    assert scheda.locator(".vivo-carica").count() == 5


@pytest.mark.lento
@pytest.mark.parametrize("tema", ["light", "dark"])
def test_axe_e_telefono(senza, lettore, axe, tema):
    scheda = carica(lettore(color_scheme=tema, **TELEFONO).apri(senza, PAGINA))
    scheda.locator("#esperimento-numeri table").wait_for()
    assert violazioni(scheda, axe) == []
    assert scheda.evaluate("document.documentElement.scrollWidth") <= 390


class Muto(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.mark.lento
def test_da_un_server_con_i_pesi_guasti_lo_dice(senza, chromium):
    """Lo stesso libro da un server; con un file dei pesi che manca, una frase chiara, e si può riprovare."""
    servitore = ThreadingHTTPServer(("127.0.0.1", 0), partial(Muto, directory=str(senza.html)))
    threading.Thread(target=servitore.serve_forever, daemon=True).start()
    contesto = chromium.new_context(locale="it-IT")
    scheda = contesto.new_page()
    scheda.route("**/dal-vivo/decoder-0.js*", lambda rotta: rotta.abort())
    scheda.goto(f"http://127.0.0.1:{servitore.server_port}/{PAGINA}")
    scheda.locator(".vivo-carica").first.click()
    scheda.locator("#esperimento-traduci .esp-voce", has_text="I pesi del modello non si trovano").wait_for(
        timeout=60_000
    )
    scheda.unroute("**/dal-vivo/decoder-0.js*")
    carica(scheda)
    contesto.close()
    servitore.shutdown()
