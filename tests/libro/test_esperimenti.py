"""Gli esperimenti nel browser: tastiera, tocco, scuro, telefono, stampa, senza JavaScript, accessibilità.

Quasi tutto su una pagina fatta qui, con i file veri; in fondo, i capitoli del libro.
"""

import re

import pytest
from fabbrica import RADICE
from test_browser import TELEFONO, violazioni

from attenzione.data.example import V
from lettore.pezzi.esperimento import CARTELLA, DAL_VIVO, file_di, nomi

NOMI = [nome for nome in nomi(RADICE) if nome not in DAL_VIVO]  # quelli stanno in test_dal_vivo
FOGLI = ("pagina", "blocchi", "esperimenti")
POSTO = (
    '<div class="esperimento" id="esperimento-{0}" data-nome="{0}" role="group" aria-label="Esperimento {0}">'
    '<p class="esperimento-domanda"><strong class="esperimento-tipo">Esperimento</strong> Che cosa cambia, {0}?</p>'
    '<div class="esperimento-fermo"><p>Ciò che se ne legge.</p></div></div>'
)
CELLA = '<div class="cell"><div class="cell_input"><pre>Q = X @ W_q[0]  # (5, 8) @ (8, 4) → (5, 4)</pre></div></div>'
PAGINA = (
    '<!doctype html><html lang="it" data-theme="{tema}"><head><meta charset="utf-8"><title>Esperimenti</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><style>{stile}</style></head><body>'
    '<main class="bd-main"><div class="bd-content"><div class="bd-article-container"><article class="bd-article">'
    "<section><h1>Esperimenti</h1>{corpo}</section></article></div></div></main><script>{codice}</script></body></html>"
)


@pytest.fixture(scope="module")
def cartella(tmp_path_factory):
    """Una pagina per tema, con tutti gli esperimenti e i colori del libro."""
    dove = tmp_path_factory.mktemp("esperimenti")
    stile = "".join((RADICE / f"web/css/{nome}.css").read_text(encoding="utf-8") for nome in FOGLI)
    codice = "".join((RADICE / CARTELLA / f"{nome}.js").read_text(encoding="utf-8") for nome in file_di(NOMI))
    corpo = CELLA + "".join(POSTO.format(nome) for nome in NOMI)
    for tema in ("light", "dark"):
        pagina = PAGINA.format(tema=tema, stile=stile, corpo=corpo, codice=codice)
        (dove / f"{tema}.html").write_text(pagina, encoding="utf-8")
    return dove


@pytest.fixture
def apri(cartella, lettore):
    def apri(tema="light", **opzioni):
        scheda = lettore(**opzioni).scheda
        scheda.goto((cartella / f"{tema}.html").as_uri())
        return scheda

    return apri


class Gioco:
    """Un esperimento nella pagina, con le mani di chi legge: ``tasto`` e ``tocca`` agiscono su ciò che ha quel nome."""

    def __init__(self, scheda, nome: str):
        self.posto = scheda.locator(f"#esperimento-{nome}")

    @property
    def voce(self) -> str:
        return self.posto.get_by_role("status").inner_text()

    def trova(self, ruolo: str, nome: str):
        return self.posto.get_by_role(ruolo, name=nome, exact=True).first

    def tasto(self, ruolo: str, nome: str, *tasti: str):
        e = self.trova(ruolo, nome)
        e.focus()
        for tasto in tasti:
            e.page.keyboard.press(tasto)

    def tocca(self, ruolo: str, nome: str):
        self.trova(ruolo, nome).tap()

    def tocca_in_fondo(self, nome: str):
        """Un tocco all’estremo destro di un cursore."""
        e = self.trova("slider", nome)
        e.scroll_into_view_if_needed()
        quadro = e.bounding_box()
        e.page.touchscreen.tap(quadro["x"] + quadro["width"] - 1, quadro["y"] + quadro["height"] / 2)

    def casella(self, i: int, j: int):
        return self.posto.get_by_role("grid").locator("tbody tr").nth(i).get_by_role("gridcell").nth(j)


TOPO = "; ".join(f"{x:.2f}".replace(".", ",").replace("-", "−") for x in V[4].tolist())
CASI = {
    "beam": (
        [("radio", "2", "ArrowLeft"), ("button", "Fino in fondo", "Enter")],
        [("radio", "1"), ("button", "Fino in fondo")],
        "i diritti umani devono rispettare ovunque.",
    ),
    "epsilon": ([("slider", "ε", "Home")], [("radio", "37\u202f000")], r"conviene la certezza|La più bassa, 1,37"),
    "forme": (
        [("checkbox", "Tieni la tavola accanto mentre leggo", "Space")],
        [("checkbox", "Tieni la tavola accanto mentre leggo")],
        "sta in un angolo della pagina",
    ),
    "fusioni": (
        [("textbox", "Le parole da cui si impara", "Control+a", *"gatta"), ("button", "Altre dieci", "Enter")],
        [("button", "Fondi la coppia più frequente")],
        r"Ogni parola è un pezzo solo|Fusione 1: «t» e «o», fianco a fianco 5 volte",
    ),
    "maschera": ([("grid", "chi può vedere chi: la riga guarda")], [], "trapela una coppia su 10"),
    "onde": ([("slider", "scostamento k", "Home")], [("radio", "0")], r"si gira di (0|5),00 radianti"),
    "prodotto": ([], [], "«il» cerca «topo».* = −8,42"),
    "radice": (
        [("slider", "componenti d_k", "End")],
        [("checkbox", "diviso √d_k")],
        "Con 512 componenti .* è 22,63|è 1,00",
    ),
    "ragnatela": ([("slider", "tasso di apprendimento", "End")], "tasso di apprendimento", "cresce: ci si allontana"),
    "softmax": ([("slider", "punteggio di «topo»", "End")], "punteggio di «topo»", "più alto è di «topo»"),
    "somma": ([("slider", "peso di «topo»", "End")], "peso di «topo»", re.escape(f"Uscita ({TOPO})")),
    "tasso": (
        [("slider", "passi di warmup", *["ArrowRight"] * 8)],
        [("radio", "1024")],
        "0,49 millesimi, 0,71 volte",
    ),
    "teste": ([("radio", "una", "ArrowRight")], [("radio", "due")], r"\(1,00; 0,00; 0,00; 1,00\).*si distinguono"),
    "togli": ([("radio", "gatta", "ArrowRight")], [("radio", "mangia")], "Pesi ed effetti sono nello stesso ordine"),
}
"""Esperimento → i tasti, i tocchi (o il cursore che si tocca in fondo), ciò che poi si legge."""


def test_ogni_esperimento_si_prova():
    assert set(CASI) == set(NOMI)


@pytest.mark.parametrize("nome", NOMI)
def test_la_tastiera(apri, nome):
    gioco = Gioco(apri(), nome)
    prima = gioco.voce
    tasti, _, atteso = CASI[nome]
    if nome in ("maschera", "prodotto"):  # la tabella è una fermata sola: dentro, le frecce
        gioco.posto.locator("[role=gridcell][tabindex='0']").focus()
        per_nome = {"maschera": ("Home", "ArrowRight", "Enter"), "prodotto": ("ArrowDown", "End", "Enter")}
        for tasto in per_nome[nome]:
            gioco.posto.page.keyboard.press(tasto)
    else:
        for ruolo, chi, *premuti in tasti:
            gioco.tasto(ruolo, chi, *premuti)
    assert re.search(atteso, gioco.voce, re.S), gioco.voce
    gioco.tasto("button", "Da capo", "Enter")
    if nome != "forme":  # la tavola che si è chiesta resta
        assert gioco.voce == prima
    assert gioco.trova("button", "Da capo").evaluate("e => e === document.activeElement")


@pytest.mark.parametrize("nome", NOMI)
def test_il_tocco(apri, nome):
    gioco = Gioco(apri(**TELEFONO), nome)
    _, tocchi, atteso = CASI[nome]
    if nome in ("maschera", "prodotto"):
        gioco.casella(*{"maschera": (0, 1), "prodotto": (3, 4)}[nome]).tap()
    elif isinstance(tocchi, str):
        gioco.tocca_in_fondo(tocchi)
    else:
        for ruolo, chi in tocchi:
            gioco.tocca(ruolo, chi)
    assert re.search(atteso, gioco.voce, re.S), gioco.voce


def test_si_toglie_una_parola(apri):
    gioco = Gioco(apri(), "togli")
    gioco.posto.get_by_role("group", name="si toglie").get_by_role("radio", name="topo").check()
    assert "Senza «topo», che pesava 0,11" in gioco.voce and "si sposta di 0,36" in gioco.voce
    assert gioco.posto.locator(".esp-tolta").count() == 2


def test_una_riga_tutta_vietata_si_dice(apri):
    gioco = Gioco(apri(), "maschera")
    gioco.casella(0, 0).click()
    assert "La riga di «la» non ha nulla da guardare" in gioco.voce


def test_la_tavola_segue_e_resta(apri):
    scheda = apri(**TELEFONO)
    gioco = Gioco(scheda, "forme")
    tasca = scheda.get_by_role("complementary", name="Tavola delle forme")
    assert not tasca.is_visible()
    gioco.tocca("checkbox", "Tieni la tavola accanto mentre leggo")
    assert tasca.inner_text().split() == ["Q", "(5,", "4)"]
    scheda.reload()  # chi l’ha chiesta la ritrova
    assert tasca.is_visible()


def test_il_testo_di_chi_legge_non_si_esegue(apri):
    gioco = Gioco(apri(), "fusioni")
    campo = gioco.trova("textbox", "Le parole da cui si impara")
    campo.fill("<img src=x onerror=alert(1)> <script>1</script> 🐈")
    assert gioco.posto.locator("img, script").count() == 0
    campo.fill("")
    assert gioco.voce == "Serve almeno una parola."
    campo.fill("parola " * 2800)
    assert "pezzi" in gioco.voce


@pytest.mark.parametrize("tema", ["light", "dark"])
@pytest.mark.parametrize("telefono", [False, True], ids=["scrivania", "telefono"])
def test_axe_e_misure(apri, axe, tema, telefono):
    scheda = apri(tema, **(TELEFONO if telefono else {}))
    assert violazioni(scheda, axe) == []
    assert scheda.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert scheda.locator(".esperimento.pronto").count() == len(NOMI)
    bassi = scheda.evaluate(
        """() => [...document.querySelectorAll(".esperimento :is(button, select, textarea, input, [role=gridcell])")]
             .map((e) => [e.closest("label") ?? e, e.closest(".esperimento").dataset.nome])
             .map(([e, nome]) => [nome, e.getBoundingClientRect()]).filter(([, r]) => r.height && r.height < 23.5)
             .map(([nome, r]) => `${nome} ${r.height}`)"""
    )
    assert bassi == []


def test_in_stampa_e_senza_programmi_resta_il_testo(apri):
    scheda = apri()
    assert not scheda.locator(".esperimento-fermo").first.is_visible()
    scheda.emulate_media(media="print")
    muto = apri(java_script_enabled=False)
    for pagina in (scheda, muto):
        assert all(
            e.is_visible() for e in pagina.locator(".esperimento :is(.esperimento-domanda, .esperimento-fermo)").all()
        )
        assert not any(e.is_visible() for e in pagina.locator(".esp-vivo, .esp-piede").all())


def test_il_fuoco_si_vede_e_non_copre(apri):
    scheda = apri()
    fermate, nudi = 0, []
    while fermate < 200:
        scheda.keyboard.press("Tab")
        fuoco = scheda.evaluate(
            """() => {
              const e = document.activeElement, s = getComputedStyle(e);
              return e.closest(".esperimento") && {
                chi: `${e.closest(".esperimento").dataset.nome} ${e.localName}`, largo: parseFloat(s.outlineWidth),
                contorno: s.outlineStyle, copre: e.type === "radio" && s.appearance !== "none",
              };
            }"""
        )
        if fuoco is None:
            break
        fermate += 1
        if fuoco["contorno"] == "none" or fuoco["largo"] < 2 or fuoco["copre"]:
            nudi.append(fuoco)
    assert fermate > 3 * len(NOMI) and nudi == []


def test_nulla_si_muove_da_se():
    foglio = (RADICE / "web/css/esperimenti.css").read_text(encoding="utf-8")
    assert not re.search(r"transition|animation", foglio)


# ---------------------------------------------------------------- nel libro


def test_ogni_pagina_carica_soltanto_i_suoi_programmi(senza):
    con_esperimenti = 0
    for nome, pagina in senza.pagine.items():
        usati = [e["data-nome"] for e in pagina.select(".esperimento")]
        caricati = [s["src"].split("?")[0].rpartition("/")[2] for s in pagina.select('script[src*="esperimenti/"]')]
        assert caricati == [f"{file}.js" for file in file_di(usati)], nome
        con_esperimenti += bool(usati)
    assert con_esperimenti > 10


@pytest.mark.parametrize("opzioni", [{}, TELEFONO | {"color_scheme": "dark"}], ids=["scrivania", "telefono scuro"])
def test_nei_capitoli_gli_esperimenti_vivono(senza, lettore, opzioni):
    uno = lettore(**opzioni)
    for nome, pagina in senza.pagine.items():
        if not pagina.select(".esperimento"):
            continue
        scheda = uno.apri(senza, nome, "?lingua=it")
        for posto in scheda.locator(".esperimento").all():
            posto.get_by_role("status").filter(has_text=re.compile(r"\w")).wait_for()
            assert not posto.locator(".esperimento-fermo").is_visible(), nome
            assert posto.evaluate("e => e.scrollWidth <= e.clientWidth + 1"), nome


def test_le_frecce_dentro_un_esperimento_non_cambiano_pagina(senza, lettore):
    nome = senza.pagina("2-il-prodotto")
    scheda = lettore().apri(senza, nome)
    casella = scheda.locator("#esperimento-prodotto [role=gridcell][tabindex='0']")
    casella.focus()
    for tasto in ("ArrowRight", "ArrowLeft", "ArrowRight"):
        scheda.keyboard.press(tasto)
    assert scheda.url.split("?")[0].endswith(nome)
