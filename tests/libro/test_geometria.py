"""La geometria di ogni pagina, nel browser: niente tagliato senza che si veda, niente che si sovrappone, righe da leggere.

Una scheda sola apre ogni pagina una volta e le cambia la larghezza; le misure si prendono tutte insieme, in una
chiamata. Le promesse sono una per prova, e leggono lo stesso rilievo.
"""

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

MISURA = """() => {
  const largo = document.documentElement.clientWidth, guasti = [];
  const nome = (e) => `${e.localName}.${[...e.classList].join(".")} «${e.textContent.trim().slice(0, 40)}»`;
  const visto = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
  const articolo = document.querySelector(".bd-article");
  if (!articolo) return { guasti, righe: [], larga: document.documentElement.scrollWidth, strette: [] };
  const tutti = [...articolo.querySelectorAll("pre, .katex-display, table, figure, img, h1, h2, h3, h4, figcaption")];
  const visti = tutti.filter((e) => !e.closest(".katex-mathml") && visto(e));

  // tagliato: esce dallo schermo, o da una scatola che lo nasconde, e nessuna scatola che lo contiene dice che scorre
  for (const e of visti) {
    const scorre = e.closest(".scorre");
    if (scorre) {
      const sfondo = getComputedStyle(scorre).backgroundImage;
      const s = scorre.getBoundingClientRect();
      if (scorre.tabIndex !== 0 || !sfondo.includes("gradient")) guasti.push(`scorre senza dirlo: ${nome(e)}`);
      if (s.right > largo + 1 || s.left < -1) guasti.push(`fuori dallo schermo: ${nome(scorre)} ${Math.round(s.right)}`);
      continue;
    }
    const r = e.getBoundingClientRect();
    if (r.right > largo + 1 || r.left < -1) guasti.push(`fuori dallo schermo: ${nome(e)} ${Math.round(r.right)}`);
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && !e.matches("img, table, h1, h2, h3, h4, figure, figcaption"))
      guasti.push(`tagliato: ${nome(e)} ${e.scrollWidth} in ${e.clientWidth}`);
    if (e.matches("h1, h2, h3, h4") && e.scrollWidth > e.clientWidth + 1) guasti.push(`titolo largo: ${nome(e)}`);
  }

  // sovrapposto: i pezzi di una sezione non si toccano
  const pezzi = [...articolo.querySelectorAll(":scope > section, :scope section")].flatMap((s) => [...s.children])
    .filter((e) => e.localName !== "section" && visto(e) && getComputedStyle(e).position !== "absolute");
  const scatole = pezzi.map((e) => [e, e.getBoundingClientRect()]).filter(([, r]) => r.width > 1 && r.height > 1);
  for (const [e, r] of scatole.filter(([e]) => e.matches(".a-margine")))
    for (const [altro, s] of scatole)
      if (altro !== e && r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 1 && s.top < r.bottom - 1)
        guasti.push(`sovrapposti: ${nome(e)} e ${nome(altro)}`);
  for (let i = 1; i < scatole.length; i++) {
    const [prima, dopo] = [scatole[i - 1], scatole[i]];
    if (prima[0].matches(".a-margine") || dopo[0].matches(".a-margine")) continue;
    if (dopo[1].top < prima[1].bottom - 2) guasti.push(`sovrapposti: ${nome(prima[0])} e ${nome(dopo[0])}`);
    // un buco: più di quanto chieda un titolo
    if (dopo[1].top - prima[1].bottom > 130) guasti.push(`vuoto di ${Math.round(dopo[1].top - prima[1].bottom)}: prima di ${nome(dopo[0])}`);
  }

  // segni per riga, sui capoversi di sola prosa: la riga piena si trova dividendo il testo per le righe
  const righe = [];
  for (const p of articolo.querySelectorAll(":scope section > p")) {
    if (!visto(p) || p.querySelector(".math, code, img") || p.className || p.textContent.length < 260) continue;
    const campo = document.createRange();
    campo.selectNodeContents(p);
    const altezze = new Set([...campo.getClientRects()].map((r) => Math.round(r.bottom / 6)));
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
      const stile = getComputedStyle(p), dentro = p.clientWidth - parseFloat(stile.paddingLeft) - parseFloat(stile.paddingRight);
      if (dentro < colonne) strette.push(`${Math.round(dentro)} < ${Math.round(colonne)}: ${nome(p)}`);
    }
  }
  return { guasti, righe, strette, larga: document.documentElement.scrollWidth };
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
            scheda.evaluate("new Promise((fatto) => requestAnimationFrame(() => requestAnimationFrame(fatto)))")
            misure[larga] = scheda.evaluate(MISURA)
        tutte[pagina] = misure | {"caricamento": caricamento}
    contesto.close()
    return tutte


def per_pagina(rilievo, misura):
    return {(pagina, larga): r for pagina, misure in rilievo.items() for larga in LARGHEZZE if (r := misura(misure[larga]))}


@pytest.mark.lento
def test_niente_e_tagliato_ne_sovrapposto(rilievo):
    assert per_pagina(rilievo, lambda m: m["guasti"][:4]) == {}


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
def test_niente_si_muove_mentre_arriva(rilievo):
    salti = {p: m["caricamento"] for p, m in rilievo.items() if m["caricamento"]["salto"] > SALTO}
    assert salti == {}
    assert {m["caricamento"]["larga"] for m in rilievo.values()} == {1440, 1024, 390}


@pytest.mark.lento
def test_nessun_compito_lungo(rilievo):
    lunghi = {
        p: m["caricamento"]["lunghi"]
        for p, m in rilievo.items()
        if p != "glossary.html" and max(m["caricamento"]["lunghi"], default=0) > LUNGO
    }
    assert lunghi == {}
