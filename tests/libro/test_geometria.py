"""La geometria di ogni pagina, nel browser: niente tagliato senza che si veda, niente che si sovrappone.

Una scheda sola apre ogni pagina una volta e le cambia la larghezza; le misure si prendono tutte insieme, in una
chiamata. Le promesse sono una per prova, e leggono lo stesso rilievo.
"""

import json
import re
from pathlib import Path

import pytest

LARGHEZZE = {1440: 900, 1280: 800, 1024: 768, 390: 844}
SALTO = 0.02
LUNGO = 200  # ms: oltre, chi legge se ne accorge
RIGA = (60, 75)  # segni di una riga di prosa

OSSERVA = """
window.rilievo = { salto: 0, chi: [], lunghi: [] };
new PerformanceObserver((l) => l.getEntries().forEach((e) => {
  if (e.hadRecentInput) return;
  rilievo.salto += e.value;
  rilievo.chi.push(...e.sources.map((s) => s.node?.outerHTML?.slice(0, 90) ?? "?"));
})).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((l) => l.getEntries().forEach((e) => rilievo.lunghi.push(Math.round(e.duration))))
  .observe({ type: "longtask", buffered: true });
"""

ASPETTA = """(larga) => new Promise((fatto) => {
  const misurata = () => document.querySelector("html.primo, [data-si-misura]") ? setTimeout(misurata, 20) : fatto();
  const due = () => requestAnimationFrame(() => requestAnimationFrame(misurata));
  const prova = () => innerWidth === larga ? due() : setTimeout(prova, 20);
  prova();
})"""

MISURA = """() => {
  const largo = document.documentElement.clientWidth, guasti = [];
  const px = Math.round;
  const nome = (e) => `${e.localName}.${[...e.classList].join(".")} «${e.textContent.trim().slice(0, 40)}»`;
  const visto = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
  const articolo = document.querySelector(".bd-article");
  if (!articolo) return { guasti, righe: [], larga: document.documentElement.scrollWidth, strette: [], figure: [] };
  const tutti = [...articolo.querySelectorAll("pre, .katex-display, table, figure, img, h1, h2, h3, h4, figcaption")];
  const visti = tutti.filter((e) => !e.closest(".katex-mathml") && visto(e));

  // tagliato: esce dallo schermo, o da una scatola che lo nasconde, e nessuna scatola che lo contiene dice che scorre
  for (const e of visti) {
    const scorre = e.closest(".scorre");
    if (scorre) {
      const sfondo = getComputedStyle(scorre).backgroundImage;
      const s = scorre.getBoundingClientRect();
      if (scorre.tabIndex !== 0 || !sfondo.includes("gradient")) guasti.push(`scorre senza dirlo: ${nome(e)}`);
      if (s.right > largo + 1 || s.left < -1) guasti.push(`fuori: ${nome(scorre)} ${px(s.right)}`);
      continue;
    }
    const r = e.getBoundingClientRect();
    if (r.right > largo + 1 || r.left < -1) guasti.push(`fuori: ${nome(e)} ${px(r.right)}`);
    if (!e.matches("img, table") && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1)
      guasti.push(`tagliato: ${nome(e)} ${e.scrollWidth} in ${e.clientWidth}`);
  }

  // sovrapposto: i pezzi di una sezione non si toccano
  const pezzi = [...articolo.querySelectorAll(":scope > section, :scope section")].flatMap((s) => [...s.children])
    .filter((e) => e.localName !== "section" && visto(e) && getComputedStyle(e).position !== "absolute");
  const largoQuanto = (e) =>
    (e.matches(".blocco") && [...e.children].find((lato) => lato.matches(".lato") && visto(lato))) || e;
  const piene = ([, r]) => r.width > 1 && r.height > 1;
  const scatole = pezzi.map((e) => [e, e.getBoundingClientRect()]).filter(piene);

  // le note nel margine: una fila finisce dove finisce ciò che giudica, e non copre nulla
  const file = [...articolo.querySelectorAll(".a-margine")].filter((e) => getComputedStyle(e).position === "absolute");
  const note = file.flatMap((e) => [...e.children]).map((e) => [e, e.getBoundingClientRect()]);
  const accanto = [...note, ...pezzi.map((e) => [e, largoQuanto(e).getBoundingClientRect()]).filter(piene)];
  for (const [e, r] of note)
    for (const [altro, s] of accanto)
      if (altro !== e && r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 1 && s.top < r.bottom - 1)
        guasti.push(`sovrapposti: ${nome(e)} e ${nome(altro)}`);
  for (const fila of file) {
    const prima = pezzi.findLast((e) => e.parentElement === fila.parentElement && e.compareDocumentPosition(fila) & 4);
    const fine = fila.lastElementChild.getBoundingClientRect().bottom, giudicato = prima?.getBoundingClientRect();
    if (!giudicato || Math.abs(fine - giudicato.bottom) > 40) guasti.push(`lontano da ciò che giudica: ${nome(fila)}`);
  }
  for (let i = 1; i < scatole.length; i++) {
    const [prima, dopo] = [scatole[i - 1], scatole[i]];
    if (dopo[1].top < prima[1].bottom - 2) guasti.push(`sovrapposti: ${nome(prima[0])} e ${nome(dopo[0])}`);
    // un buco: più di quanto chieda un titolo
    const vuoto = px(dopo[1].top - prima[1].bottom);
    if (vuoto > 130) guasti.push(`vuoto di ${vuoto}: prima di ${nome(dopo[0])}`);
  }

  // segni per riga, sui capoversi di sola prosa: la riga piena si trova dividendo il testo per le righe
  const righe = [];
  for (const p of articolo.querySelectorAll(":scope section > p")) {
    if (!visto(p) || p.querySelector(".math, code, img") || p.className || p.textContent.length < 260) continue;
    const campo = document.createRange();
    campo.selectNodeContents(p);
    const alto = p.getBoundingClientRect().height, riga = parseFloat(getComputedStyle(p).lineHeight);
    const quante = Math.round(alto / riga);
    campo.setStart(p, 0);
    const ultimo = [...campo.getClientRects()].at(-1);
    const piene = quante - 1 + Math.min(1, (ultimo.right - p.getBoundingClientRect().left) / p.clientWidth);
    righe.push(p.textContent.replace(/\\s+/g, " ").trim().length / piene);
  }

  // le celle di 79 colonne, intere
  const prova = document.createElement("span");
  const pre = articolo.querySelector(".cell_input pre");
  const strette = [];
  if (pre) {
    prova.style.cssText = `font: ${getComputedStyle(pre).font}; position: absolute; white-space: pre`;
    prova.textContent = "x".repeat(79);
    document.body.append(prova);
    const colonne = prova.getBoundingClientRect().width;
    prova.remove();
    for (const p of articolo.querySelectorAll("section > .cell > .cell_input pre")) {
      if (!visto(p)) continue;
      const dentro = p.clientWidth - 2 * parseFloat(getComputedStyle(p).paddingLeft);
      if (dentro < colonne) strette.push(`${px(dentro)} < ${px(colonne)}: ${nome(p)}`);
    }
  }
  // quanto una figura è rimpicciolita
  const figure = visti.filter((e) => e.matches("img[src$='.svg'][width]"))
    .map((e) => [e.getAttribute("src"), e.getBoundingClientRect().width / e.getAttribute("width")]);
  return { guasti, righe, strette, figure, larga: document.documentElement.scrollWidth };
}"""


@pytest.fixture(scope="module")
def rilievo(senza, chromium):
    """Pagina → larghezza → misure; e i salti e i compiti lunghi del caricamento, alla prima larghezza di ciascuna."""
    contesto = chromium.new_context(locale="it-IT", reduced_motion="reduce", color_scheme="light")
    scheda = contesto.new_page()
    scheda.add_init_script(OSSERVA)
    tutte = {}
    for n, pagina in enumerate(sorted(senza.pagine.keys() - {"index.html"})):
        # il caricamento si misura a turno alle tre larghezze; poi la stessa pagina si allarga e si stringe
        prime = [1440, 1024, 390]
        in_ordine = [prime[n % 3], *(w for w in LARGHEZZE if w != prime[n % 3])]
        misure = {}
        for larga in in_ordine:
            scheda.set_viewport_size({"width": larga, "height": LARGHEZZE[larga]})
            if not misure:
                scheda.goto((senza.html / pagina).as_uri())
                scheda.evaluate("document.fonts.ready.then(() => 0)")
                scheda.wait_for_timeout(120)
                caricamento = scheda.evaluate("rilievo") | {"larga": larga}
            scheda.evaluate(ASPETTA, larga)
            misure[larga] = scheda.evaluate(MISURA)
        tutte[pagina] = misure | {"caricamento": caricamento}
    contesto.close()
    return tutte


def per_pagina(rilievo, misura):
    return {
        (pagina, larga): r for pagina, misure in rilievo.items() for larga in LARGHEZZE if (r := misura(misure[larga]))
    }


@pytest.mark.lento
def test_niente_e_tagliato_ne_sovrapposto(rilievo):
    guasti = {(p, w): m[w]["guasti"][:4] for p, m in rilievo.items() for w in LARGHEZZE if m[w]["guasti"]}
    assert guasti == {}


@pytest.mark.lento
def test_nessuna_pagina_scorre_di_lato(rilievo):
    larghe = {(p, w): m[w]["larga"] for p, m in rilievo.items() for w in LARGHEZZE if m[w]["larga"] > w}
    assert larghe == {}


@pytest.mark.lento
@pytest.mark.parametrize("larga", [1440, 1280])
def test_la_riga_ha_la_misura_di_un_libro(rilievo, larga):
    """In media, pagina per pagina, sui capoversi di sola prosa."""
    fuori = {}
    tutte = []
    for pagina, misure in rilievo.items():
        righe = misure[larga]["righe"]
        tutte += righe
        if len(righe) >= 3 and not RIGA[0] <= sum(righe) / len(righe) <= RIGA[1]:
            fuori[pagina] = sum(righe) / len(righe)
    assert fuori == {} and len(tutte) > 50
    assert 64 <= sum(tutte) / len(tutte) <= 73


@pytest.mark.lento
def test_una_cella_di_79_colonne_non_scorre(rilievo):
    strette = {(p, w): m[w]["strette"][:3] for p, m in rilievo.items() for w in (1440, 1280) if m[w]["strette"]}
    assert strette == {}


@pytest.mark.lento
def test_le_parole_di_una_figura_si_leggono_a_ogni_larghezza(rilievo, senza):
    """Mai sotto gli 11 px: se non ci sta, la figura scorre (e che scorra lo dice la prova di sopra)."""
    corpi = {}
    for file in (senza.html / "_images").glob("*.svg"):
        trovati = re.findall(r"scale\((0\.\d+) -\1\)", file.read_text("utf-8"))
        corpi[file.name] = min(map(float, trovati), default=1) * 100 * 96 / 72
    rese = [
        (pagina, larga, corpi[Path(src).name] * quanto)
        for pagina, misure in rilievo.items()
        for larga in LARGHEZZE
        for src, quanto in misure[larga]["figure"]
    ]
    assert [resa for resa in rese if resa[2] < 10.9] == [] and len(rese) > 100


@pytest.mark.lento
def test_niente_si_muove_mentre_arriva(rilievo, senza, chromium):
    """Una pagina che salta si ricarica altre due volte: se la macchina è ferma su altro, un programma arriva tardi."""

    def di_nuovo(pagina, larga):
        with chromium.new_context(locale="it-IT", reduced_motion="reduce") as contesto:
            scheda = contesto.new_page()
            scheda.set_viewport_size({"width": larga, "height": LARGHEZZE[larga]})
            scheda.add_init_script(OSSERVA)
            scheda.goto((senza.html / pagina).as_uri())
            scheda.wait_for_timeout(600)
            return scheda.evaluate("rilievo")

    salti = {}
    for pagina, misure in rilievo.items():
        visto = misure["caricamento"]
        for _ in range(2):
            if visto["salto"] > SALTO:
                visto = di_nuovo(pagina, visto.get("larga", misure["caricamento"]["larga"]))
        if visto["salto"] > SALTO:
            salti[pagina] = visto
    assert salti == {}
    assert {m["caricamento"]["larga"] for m in rilievo.values()} == {1440, 1024, 390}


@pytest.mark.lento
def test_nessun_compito_lungo(rilievo, senza, chromium):
    """Tranne il glossario. L’orologio conta anche gli altri processi: chi non basta si riconta in tempo di calcolo."""

    def di_nuovo(pagina):
        """I millisecondi di processore del compito più lungo della pagina."""
        with chromium.new_context(locale="it-IT", reduced_motion="reduce") as contesto:
            scheda = contesto.new_page()
            chromium.start_tracing(page=scheda, categories=["toplevel"])
            scheda.goto((senza.html / pagina).as_uri())
            scheda.wait_for_timeout(300)
            eventi = json.loads(chromium.stop_tracing())["traceEvents"]
        principali = {(e["pid"], e["tid"]) for e in eventi if e["args"].get("name") == "CrRendererMain"}
        compiti = [e for e in eventi if (e["pid"], e["tid"]) in principali and e["name"].endswith("RunTask")]
        assert len(compiti) > 10
        return max(e["tdur"] for e in compiti if "tdur" in e) / 1000

    lunghi = {}
    for pagina in rilievo.keys() - {"glossary.html"}:
        tempo = max(rilievo[pagina]["caricamento"]["lunghi"], default=0)
        if tempo > LUNGO:
            tempo = min(di_nuovo(pagina) for _ in range(3))
        if tempo > LUNGO:
            lunghi[pagina] = tempo
    assert lunghi == {}


# ---------------------------------------------------------------- le prove delle prove


def test_le_misure_vedono_i_guasti(senza, lettore):
    """Una scatola tagliata, due sovrapposte, una cella stretta e un vuoto: il rilievo li nomina tutti."""
    scheda = lettore().apri(senza, senza.pagina("3-2-1"))
    assert scheda.evaluate(MISURA)["guasti"] == []
    guasta = """() => {
          const celle = document.querySelectorAll("section > .cell > .cell_input");
          celle[0].parentElement.style.width = "300px";
          celle[1].parentElement.style.marginTop = "-60px";
          celle[2].parentElement.style.marginTop = "300px";
          document.querySelectorAll(".a-margine")[1].style.cssText += "; margin-left: 100px; width: 500px";
          return MISURA();
        }"""
    misure = scheda.evaluate(guasta.replace("MISURA", f"({MISURA})"))  # prima che la pagina se ne accorga
    visti = " ".join(misure["guasti"])
    for guasto in ("tagliato: pre", "sovrapposti", "vuoto di"):
        assert guasto in visti
    assert misure["strette"]


# ---------------------------------------------------------------- fuoco, corpo, scuro, stampa


def test_il_fuoco_si_vede_su_ogni_comando(senza, lettore):
    """Ciò che si raggiunge col tabulatore, nella colonna, nella testata e all’inizio del testo, ha un contorno."""
    scheda = lettore().apri(senza, senza.pagina("3-2-1"))
    visti, senza_contorno = set(), []
    nella_barra = ["ArrowRight"] * 4  # i comandi di lettura sono una fermata: dall’uno all’altro si va con le frecce
    for _ in range(60):
        tasto = nella_barra.pop() if nella_barra and any("IT + EN" in nome for nome in visti) else "Tab"
        scheda.keyboard.press(tasto)
        nome, contorno, largo = scheda.evaluate(
            """() => {
              const e = document.activeElement, s = getComputedStyle(e);
              return [`${e.localName}.${e.className} ${e.textContent.trim().slice(0, 20)}`, s.outlineStyle,
                      parseFloat(s.outlineWidth)];
            }"""
        )
        visti.add(nome)
        if contorno == "none" or largo < 2:
            senza_contorno.append(nome)
    assert senza_contorno == []
    for comando in ("IT + EN", "EN", "A−", "A+"):
        assert any(comando in nome for nome in visti), comando


def test_il_corpo_grande_non_sposta_i_bottoni_e_impila_le_lingue(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina("3-2-1"), "?lingua=due")
    piu = scheda.get_by_role("button", name="Testo più grande")
    prima = piu.bounding_box()
    while piu.is_enabled():
        piu.click()
        assert piu.bounding_box() == prima
    it, en = (scheda.locator(f"#s3-2-1-p1 > .lato-{x}").bounding_box() for x in ("it", "en"))
    assert it["y"] + it["height"] <= en["y"] + 1 and it["width"] > 700


def test_le_figure_seguono_i_colori_della_pagina(senza, lettore):
    """Un solo file per figura: sullo scuro scelto nella pagina, col sistema chiaro, la carta della figura è scura."""
    scheda = lettore().apri(senza, senza.pagina("3-2-1"))
    figura = scheda.locator("article figure img").first
    figura.scroll_into_view_if_needed()
    angolo = """async (img) => {
      await img.decode();
      return img.currentSrc;
    }"""
    chiara = figura.evaluate(angolo)
    fondo = lambda: sum(png_medio(figura.screenshot()))  # noqa: E731
    luce = fondo()
    scheda.evaluate("document.documentElement.dataset.theme = 'dark'")
    scheda.wait_for_timeout(200)
    assert figura.evaluate(angolo) == chiara
    assert luce > 600 and fondo() < 250


def png_medio(dati: bytes) -> tuple[float, float, float]:
    import io

    from PIL import Image, ImageStat

    return tuple(ImageStat.Stat(Image.open(io.BytesIO(dati)).convert("RGB")).mean)


@pytest.mark.parametrize("tema", ["light", "dark"])
def test_si_stampa_nero_su_bianco_con_tutte_le_figure(senza, lettore, tema):
    scheda = lettore(color_scheme=tema).apri(senza, senza.pagina("3-2-1"))
    scheda.evaluate("dispatchEvent(new Event('beforeprint'))")
    scheda.emulate_media(media="print", color_scheme=tema)
    scheda.set_viewport_size({"width": 672, "height": 1000})  # A4 meno i margini
    colori = scheda.evaluate(
        """() => [...document.querySelectorAll("article :is(p, pre span, h2, .affermazione, figcaption)")]
          .filter((e) => e.checkVisibility()).map((e) => getComputedStyle(e).color)"""
    )
    assert {c for c in colori if max(map(int, c[4:-1].split(","))) > 0x60} == set()
    assert scheda.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    scheda.wait_for_function("[...document.querySelectorAll('article img')].every((f) => f.complete && f.naturalWidth)")
    larghe = scheda.evaluate(
        "[...document.querySelectorAll('article pre')].filter((p) => p.scrollWidth > p.clientWidth + 1).length"
    )
    assert larghe == 0
    assert not scheda.locator(".bd-header-article, .bd-sidebar-primary, .prev-next-footer").first.is_visible()


# ---------------------------------------------------------------- la colonna


def test_la_pagina_corrente_e_in_vista_nella_colonna(senza, lettore):
    """E la pagina non scorre: si muove il solo riquadro della colonna."""
    uno = lettore(viewport={"width": 1280, "height": 700})
    for inizio in ("3-2-1", "codice-degli-autori", "affermazioni"):
        scheda = uno.apri(senza, senza.pagina(inizio))
        voce = scheda.locator(".bd-links [aria-current=page]")
        scatola = voce.bounding_box()
        assert scatola["y"] >= 0 and scatola["y"] + scatola["height"] <= 700, inizio
        assert scheda.evaluate("scrollY") == 0
        assert scheda.locator(".in-questa-pagina a").count() > 2
    assert not scheda.locator(".bd-links").get_by_text("√d_k").count()


def test_il_cassetto_del_telefono(senza, lettore):
    scheda = lettore(viewport={"width": 390, "height": 844}).apri(senza, senza.pagina("6-2"))
    assert not scheda.locator(".bd-links").is_visible()
    scheda.get_by_role("button", name="Indice del libro").click()
    voce = scheda.locator(".bd-links [aria-current=page]").bounding_box()
    assert 0 <= voce["y"] < 844 and scheda.locator("#pst-primary-sidebar .search-button-field").is_visible()
    assert scheda.evaluate("document.activeElement.ariaLabel") == "Chiudi l’indice"
    scheda.keyboard.press("Escape")
    assert not scheda.locator(".bd-links").is_visible()
    assert scheda.evaluate("document.activeElement.ariaLabel") == "Indice del libro"


def test_sul_telefono_la_ricerca_si_chiude(senza, lettore):
    scheda = lettore(viewport={"width": 390, "height": 844}, has_touch=True).apri(senza, senza.pagina("6-2"))
    scheda.locator(".bd-header-article .search-button").tap()
    finestra = scheda.locator("#pst-search-dialog")
    assert finestra.is_visible()
    chiudi = finestra.get_by_role("button", name="Chiudi")
    scatola = chiudi.bounding_box()
    assert scatola["x"] + scatola["width"] <= 390 and min(scatola["width"], scatola["height"]) >= 44
    chiudi.tap()
    assert not finestra.is_visible()


def test_sul_telefono_il_nome_della_riga_resta_in_vista(senza, lettore):
    """Scorrendo la tabella 3 fino ai risultati, si legge di quale modello sono."""
    scheda = lettore(viewport={"width": 390, "height": 844}).apri(senza, senza.pagina("6-2"))
    tabella = scheda.locator("#tab3 .pst-scrollable-table-container.scorre")
    tabella.evaluate("(e) => e.scrollTo(e.scrollWidth, 0)")
    nome, contenitore = tabella.locator("td").filter(has_text="base").first.bounding_box(), tabella.bounding_box()
    assert contenitore["x"] <= nome["x"] and nome["x"] + nome["width"] < contenitore["x"] + contenitore["width"] / 2


def test_le_affermazioni_nel_capitolo_sussurrano(senza, lettore):
    """Nel capitolo niente nomi di prove né di blocchi; nel margine, da 1440, accanto al testo e mai sopra."""
    scheda = lettore().apri(senza, senza.pagina("4-perche"))
    testi = scheda.locator(".affermazione").all_inner_texts()
    assert testi and not [t for t in testi if "blocco " in t or "test_" in t or "smentirebbe" in t]
    nel_margine = scheda.locator(".a-margine > .affermazione").first.bounding_box()
    prosa = scheda.locator("article section > p").first.bounding_box()
    assert nel_margine["x"] > prosa["x"] + prosa["width"]
    scheda.locator(".affermazione-verdetto a").first.click()
    scheda.wait_for_url("**/affermazioni.html#registro-*")
