"""La ricerca nel libro costruito, da file: titoli e non pagine, con l’estratto, nella finestra e nella pagina."""

import gzip
import json
import re
from urllib.parse import quote

import pytest
from fabbrica import RADICE
from sphinx.search.it import italian_stopwords

DOMANDE = [
    titolo
    for pagina in sorted((RADICE / "chapters/domande").glob("*.md"))
    for titolo in re.findall(r"^### (.+)$", pagina.read_text(encoding="utf-8"), re.M)
]
CON_ALTRE_PAROLE = {
    "apice d potenza": "l’apice d è una potenza",
    "batch dimensione tensori": "Il batch è importante",
    "ID token embedding riga": "collegata all’ID",
    "iterazione correzione pesi": "La correzione dei pesi",
    "matrici partono a caso": "Se le matrici partono a caso",
    "petabyte corpus": "petabyte",
    "persone imparziale": "imparziale",
    "acronimi alternative": "alternative all’attenzione",
    "fidarmi spiegazioni AI": "fidarmi",
    "stampabile caratteri grandi": "versione stampabile",
    "temperatura estrazione": "risponde in modi diversi",
    "RoPE": "Dalle sinusoidi alla RoPE",
    "KV cache": "KV cache",
    "tabella 3": "La tabella 3, riga per riga",
    "studio di ablazione": "La tabella 3, riga per riga",
    "media dei checkpoint quanto migliora": "Quanto spostano la media dei checkpoint",
    "riga tutta mascherata NaN": "E se una riga è tutta mascherata?",
    "chi sono gli autori": "Gli autori, e chi ha fatto che cosa",
    "flash attention": "FlashAttention",
    "sacchetto di parole": "Senza posizioni",
    "attenzione non è spiegazione": "L’attenzione è una spiegazione?",
    "smettere di scrivere": "come sa quando ha finito",
    "noam": "Il tasso prima sale, poi scende",
    "spostamento lineare rotazione posizioni": "Spostarsi di k posizioni",
    "quante r in strawberry": "contare le lettere",
    "ho caricato un PDF e ha saltato un pezzo": "PDF lungo",
    "pollice in su impara da me": "pollice",
    "perché rifiuta di rispondere": "si rifiuta",
    "cambia idea e chiede scusa": "sei sicuro",
    "adulazione": "sei sicuro",
    "allucinazione": "inventa",
    "LoRA impara fatti nuovi": "documenti della ditta",
    "sto ragionando prima di rispondere": "i passi che mostra",
}
"""Parole di chi domanda → un pezzo del titolo che risponde."""

LUNGHE = {
    "Perché dividere per la radice di d_k e non per d_k? da dove salta fuori la radice": "Perché dividere per √d_k?",
    "quanto è costato addestrare il Transformer: quante GPU, quanti giorni": "Quanto dura un addestramento",
    "se mescolo le parole della frase, che cosa si rompe senza codifica posizionale": "3.5 Codifica posizionale",
    "perché i modelli tipo ChatGPT hanno solo il decoder": "A che cosa servono encoder e decoder",
    "quanti parametri ha il modello base e come si arriva a 65 milioni": "Quanti parametri ha il modello",
    "otto teste da 64 costano più di una testa sola da 512?": "Otto teste, 64 componenti",
    "dove va messa la maschera, prima o dopo il softmax, e perché -inf": "La maschera, giusta e sbagliata",
    "formula del learning rate con warmup: quanto vale il massimo": "Perché il tasso di apprendimento",
    "il label smoothing peggiora la perplexity ma migliora il BLEU: com’è possibile?": "Perché il BLEU può migliorare",
    "nella cross-attention da dove vengono Q, K e V": "Nella «cross-attention» da dove vengono",
    "perché moltiplicare gli embedding per radice di d_model": "Perché la radice di d_model",
    "post-norm e pre-norm: che cosa cambia nel gradiente": "Prima o dopo: post-norm e pre-norm",
    "e se arriva una frase più lunga di quelle viste in addestramento": "E se arriva una frase più lunga",
    "il BLEU 28,4 è confrontabile con quello che calcolo con sacreBLEU?": "Che numero è un 28,4",
    "perché in addestramento il decoder vede la frase giusta spostata di uno": "La frase spostata di uno",
    "differenza tra layer norm e batch norm, e perché si usa la prima": "Perché «layer norm» e non «batch norm»?",
    "generando una parola alla volta si rifanno tutti i conti delle parole prima?": "Generando, si rifanno",
    "chi aveva inventato l’attenzione, e che cosa c’è di nuovo rispetto a Bahdanau": "Chi ha inventato l’attenzione",
    "quali sono gli errori dell’articolo, e dove il codice fa altro": "L’articolo ha degli errori",
    "quante teste danno il BLEU migliore": "Quante teste? Le righe (A)",
    "esercizi per scrivere la multi-head attention in PyTorch": "3.2.2 Attenzione multi-testa",
    "Se il testo diventa lungo il doppio, il Transformer costa il doppio o il quadruplo?": "Se il testo raddoppia",
    "Con otto teste invece di una il calcolo costa otto volte tanto?": "Otto teste, 64 componenti",
    "I pesi di attenzione restano fissi? Qual è la differenza con i pesi della rete?": "sono i pesi di attenzione»",
    "Quante operazioni per il modello grande, e quanto ci metterebbe oggi una sola scheda?": "Quante ore su una scheda",
    "Come fa il modello a sapere quando smettere di scrivere la traduzione?": "come sa quando ha finito",
    "FlashAttention è un’approssimazione o dà lo stesso risultato?": "FlashAttention",
    "A che serve la rete feed-forward dopo l’attenzione, e che succede se la tolgo?": "A che serve la rete feed",
    "Perché gli embedding vengono moltiplicati per la radice di d_model?": "Perché la radice di d_model",
    "Qual è il massimo della formula di Noam, e perché poi scende come 1/radice del passo?": "Perché si scende così",
    "Il label smoothing peggiora la perplexity ma alza il BLEU: come è possibile?": "Perché il BLEU può migliorare",
    "Come tornano i 65 milioni di parametri del modello base, conto per conto?": "Quanti parametri ha il modello",
    "Come si dimostra che PE(pos+k) è una funzione lineare di PE(pos)?": "Spostarsi di k posizioni",
    "Mi escono NaN dalla softmax mascherata: che succede se una riga è tutta -inf?": "E se una riga è tutta",
    "Dove va il dropout: prima o dopo la somma, e anche sui pesi di attenzione?": "Dove si mette il dropout?",
    "Perché per l’inglese-francese qualcuno cita BLEU 41,8 e qualcuno 41,0?": "Perché c’è chi cita 41,8",
    "La mappa di attenzione spiega perché il modello ha scelto quella parola?": "mappa di attenzione",
    "Che cosa c’era già prima del 2017 e che cosa è nuovo nell’articolo?": "Chi ha inventato l’attenzione",
    "Perché Adam con β2 = 0,98 invece del solito 0,999?": "Perché β_2 = 0,98",
    "A che cosa serve la matrice W^O dopo le teste? Non basterebbe concatenare?": "A che cosa serve W^O dopo",
    "Come passa il gradiente attraverso la softmax? C’è la jacobiana calcolata passo passo?": "Come passa il gradiente",
    "Come spiego query, key e value senza l’analogia del database, e dove quell’analogia inganna?": "Query, chiave e",
    "Che cosa dell’articolo oggi è superato, e che cosa invece è rimasto uguale?": "Che cosa dell’articolo è superato",
    "Perché una RNN non si parallelizza e l’attenzione sì?": "Non conosco RNN e LSTM",
    "Che risultati ha avuto il Transformer sull’analisi sintattica?": "6.3 Parsing a costituenti",
    "Le ho chiesto delle sentenze a sostegno della mia causa: non esistono. Perché se le inventa?": "Perché inventa",
    "Quando leggo i suoi ragionamenti, è davvero il modo in cui è arrivata alla risposta?": "Mentre scrive «sto",
    "Se internet si riempie di testi scritti dall’IA, le prossime versioni diventeranno più stupide?": "Se internet si",
    "La scuola usa un sito che dice testo scritto dall’IA al 92%: ci si può fidare?": "Si può riconoscere un tema",
    "Se le chiedo quanto sei sicura, da 0 a 100, e mi risponde 95, quel numero vuol dire qualcosa?": "Perché ha lo",
    "Può preferire un nome a un altro nella prima scelta dei curriculum?": "Ha dei pregiudizi",
    "Come fa un programma che sa solo scrivere testo a prenotarmi il treno e cliccare?": "Che cos’è un agente",
    "Posso farla girare sul mio portatile, senza internet?": "Si può far girare un modello",
    "Un esperimento di poche righe per mostrare che il decoder non vede il futuro?": "ha bisogno di una maschera",
    "Senza codifica posizionale il Transformer vede un sacchetto di parole?": "3.5 Codifica posizionale",
    "Perché quasi tutti i modelli linguistici di oggi hanno buttato via l’encoder?": "hanno solo il decoder",
}
"""Domande intere, come le si scrive, e come comincia il titolo che risponde."""

GRAFIE = {"W_Q": "W-i-Q", "W^Q": "W-i-Q", "d_attn": "d-k", "K^T": "K-T", "√d_k": "radice-d-k", "d_{model}": "d-model"}

CERCA = """domande => domande.map((domanda) => {
  const { risultati, forse } = window.prova.cerca(domanda);
  return { forse, trovati: risultati.slice(0, 8).map((v) => ({ titolo: v.titolo, ancora: v.ancora,
    genere: v.genere ?? "",
    pagina: window.prova.pagine[v.pagina][0] })) };
})"""
APRI = """() => new Promise((fatto) => {
  const cerca = (n) => new Promise((si) => {
    const s = document.createElement("script"); s.src = "_static/" + n; s.onload = si; document.head.append(s); });
  cerca("js/ricerca-motore.js").then(() => cerca("ricerca/indice.js"))
    .then(() => { window.prova = RicercaMotore.apri(RICERCA_INDICE); fatto(); });
})"""


def parole(domanda: str) -> str:
    """Le parole di contenuto di una domanda: senza segni e senza le parole vuote dell’italiano."""
    tutte = re.findall(r"[\w^]+", domanda.replace("`", "").replace("\\$", ""))
    return " ".join(parola for parola in tutte if parola.lower() not in italian_stopwords)


def nudo(titolo: str) -> str:
    return re.sub(r"\W", "", titolo.casefold())


@pytest.fixture(scope="module")
def cerca(senza, chromium):
    """Una scheda sola, con l’indice del libro caricato da file: per ogni domanda, i primi titoli."""
    scheda = chromium.new_context(locale="it-IT").new_page()
    scheda.goto((senza.html / "search.html").as_uri())
    scheda.evaluate(APRI)
    yield lambda domande: scheda.evaluate(CERCA, list(domande))
    scheda.context.close()


def primi(esito: dict, quanti: int = 5) -> list[str]:
    return [v["titolo"] for v in esito["trovati"][:quanti]]


# ---------------------------------------------------------------- le domande


@pytest.mark.parametrize("scritta", [str, parole], ids=["intera", "parole"])
def test_ogni_domanda_si_trova_col_suo_titolo(cerca, scritta):
    assert len(DOMANDE) >= 80
    esiti = cerca(scritta(domanda) for domanda in DOMANDE)
    perdute = {
        d: primi(e) for d, e in zip(DOMANDE, esiti, strict=True) if not any(nudo(d)[:18] in nudo(t) for t in primi(e))
    }
    assert perdute == {}


@pytest.mark.parametrize("domande", [CON_ALTRE_PAROLE, LUNGHE], ids=["poche", "tante"])
def test_si_trova_con_le_parole_di_chi_domanda(cerca, domande):
    esiti = dict(zip(domande, cerca(domande), strict=True))
    perdute = {d: primi(e) for d, e in esiti.items() if not any(domande[d] in t for t in primi(e))}
    assert perdute == {}


def test_un_refuso_trova_le_stesse_cose_e_dice_che_cosa_ha_cercato(cerca):
    giusta, refuso, altro = cerca(["attenzione", "atenzione", "sofmtax"])
    assert primi(refuso) == primi(giusta) and refuso["forse"] == "attenzione" and giusta["forse"] is None
    assert altro["forse"] == "softmax" and "softmax" in primi(altro)[0].lower()


def test_chi_definisce_viene_prima_e_le_schede_non_sono_in_fila(cerca):
    for esito in cerca(["token", "softmax", "query", "maschera", "perplessità", "beam search"]):
        generi = [v["genere"] for v in esito["trovati"]]
        assert sum(g == "t" for g in generi[:2]) == 1, primi(esito)
        assert sum(map(bool, generi[:2])) == 1, primi(esito)


@pytest.mark.parametrize("inglese", ["multi-head attention", "multi-head", "testa multipla", "attenzione multi testa"])
def test_l_inglese_e_i_nomi_sconsigliati_portano_al_nostro(cerca, inglese):
    (esito,) = cerca([inglese])
    assert "3.2.2 Attenzione multi-testa" in primi(esito, 3)


def test_i_numeri_con_la_virgola_e_col_punto(cerca):
    virgola, punto, sezione = cerca(["28,4", "28.4", "3.2.1"])
    assert primi(virgola) == primi(punto) and primi(virgola)[0] == "Che numero è un 28,4"
    assert primi(sezione)[0].startswith("3.2.1 ")


def test_ogni_grafia_porta_alla_sua_scheda(cerca):
    esiti = zip(GRAFIE, cerca(GRAFIE), strict=True)
    assert {g: primi(e) for g, e in esiti if f"simbolo-{GRAFIE[g]}" not in [v["ancora"] for v in e["trovati"]]} == {}


def test_ogni_titolo_trovato_ha_il_suo_indirizzo(senza, cerca):
    for esito in cerca(parole(d) for d in DOMANDE[::5]):
        for voce in esito["trovati"]:
            pagina = senza.pagine[f"{voce['pagina']}.html"]
            assert not voce["ancora"] or pagina.find(id=voce["ancora"]), voce


# ---------------------------------------------------------------- quanto pesa


def test_una_ricerca_pesa_poco(senza):
    """Motore, indice e i testi delle otto pagine più lunghe: meno di 300 kB compressi, mai il libro intero."""
    statici = senza.html / "_static"
    pesi = {f.name: len(gzip.compress(f.read_bytes(), 6)) for f in (statici / "ricerca").glob("*.js")}
    motore = sum(len(gzip.compress((statici / "js" / n).read_bytes(), 6)) for n in ("ricerca.js", "ricerca-motore.js"))
    testi = sorted((p for n, p in pesi.items() if n != "indice.js"), reverse=True)
    assert len(testi) > 20 and pesi["indice.js"] + motore + sum(testi[:8]) < 300_000
    indice = json.loads(
        (statici / "ricerca/indice.js").read_text("utf-8").removeprefix("window.RICERCA_INDICE=").rstrip(";\n")
    )
    assert len(indice["voci"]) > 500
    assert not (senza.html / "searchindex.js").exists() and not (statici / "searchtools.js").exists()


# ---------------------------------------------------------------- la pagina e la finestra

RISULTATI = ".ricerca-risultato .ricerca-titolo"


def test_la_pagina_mostra_titoli_con_estratto_ed_evidenza(senza, lettore):
    scheda = lettore().apri(senza, "search.html", f"?q={quote('maschera causale')}")
    primo = scheda.locator(".ricerca-risultato").first
    primo.locator(".ricerca-estratto mark").first.wait_for()
    assert {m.lower() for m in primo.locator("mark").all_inner_texts()} >= {"maschera", "causale"}
    assert re.search(r"^\d+ risultati", scheda.locator(".ricerca-stato").inner_text())
    assert scheda.locator("#pst-search-dialog").count() == 0  # una casella sola


def test_un_simbolo_ha_il_suo_indice_e_un_nome_del_codice_i_suoi_trattini(senza, lettore):
    scheda = lettore().apri(senza, "search.html", f"?q={quote('radice di d_k')}")
    scheda.locator(RISULTATI).first.wait_for()
    assert "k" in scheda.locator(".ricerca-titolo sub").all_inner_texts()
    assert "d_k" not in " ".join(scheda.locator(RISULTATI).all_inner_texts())
    scheda.locator("input[name=q]").fill("scaled_dot_product_attention")
    scheda.locator("input[name=q]").press("Enter")
    scheda.locator(".ricerca-estratto mark", has_text="scaled_dot_product_attention").first.wait_for()


def test_la_frase_fra_virgolette_vuole_le_parole_in_fila(senza, lettore):
    scheda = lettore().apri(senza, "search.html", f"?q={quote('«i pesi da assegnare ai valori»')}")
    scheda.locator(RISULTATI).first.wait_for()
    titoli = scheda.locator(RISULTATI).all_inner_texts()
    assert any(titolo.startswith("3.2.1 Attenzione a prodotto scalare scalato") for titolo in titoli)
    scheda.locator("input[name=q]").fill("«valori ai assegnare da pesi i»")
    scheda.locator("input[name=q]").press("Enter")
    scheda.get_by_text("Nessuna pagina ha queste parole una dopo l’altra. Senza virgolette:").wait_for()
    assert scheda.locator(RISULTATI).first.is_visible()
    scheda.locator("input[name=q]").fill("«zzyzx»")
    scheda.locator("input[name=q]").press("Enter")
    scheda.get_by_text("Nessun titolo per queste parole.").wait_for()
    assert scheda.locator(".ricerca-stato a").get_attribute("href").endswith("genindex.html")


def test_forse_cercavi(senza, lettore):
    scheda = lettore().apri(senza, "search.html", "?q=atenzione")
    forse = scheda.locator(".ricerca-forse")
    forse.wait_for()
    assert forse.inner_text() == "attenzione"
    forse.click()
    scheda.locator(".ricerca-forse").wait_for(state="detached")
    assert scheda.locator("input[name=q]").input_value() == "attenzione"


def test_il_filtro_tiene_una_parte(senza, lettore):
    scheda = lettore().apri(senza, "search.html", "?q=softmax")
    scheda.locator(RISULTATI).first.wait_for()
    scheda.get_by_role("button", name="Domande", exact=True).click()
    scheda.locator(".ricerca-filtro[aria-pressed=true]", has_text="Domande").wait_for()
    indirizzi = scheda.locator(RISULTATI).evaluate_all("es => es.map((e) => e.getAttribute('href'))")
    assert indirizzi and all("chapters/domande" in i for i in indirizzi)


def test_il_vecchio_indirizzo_di_una_domanda_porta_dov_e(senza, lettore):
    """Le risposte stavano tutte in una pagina: un collegamento conservato le trova dove sono, anche da file."""
    scheda = lettore().apri(senza, "chapters/domande.html", "#domanda-radice")
    scheda.wait_for_url("**/chapters/domande/attenzione.html#domanda-radice")
    assert scheda.locator("h3", has_text="Perché dividere per").is_visible()


def test_nella_finestra_si_cerca_con_la_tastiera(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina("3-2-attenzione"))
    scheda.keyboard.press("Control+k")
    casella = scheda.locator("#pst-search-dialog input[name=q]")
    casella.wait_for()
    assert casella.evaluate("e => e === document.activeElement")
    scheda.keyboard.type("otto teste")
    scheda.locator(".ricerca-estratto mark").first.wait_for()
    scheda.keyboard.press("ArrowDown")
    assert scheda.evaluate("document.activeElement.matches('.ricerca-titolo')")
    scheda.keyboard.press("ArrowUp")
    assert casella.evaluate("e => e === document.activeElement")
    scheda.keyboard.press("Escape")
    casella.wait_for(state="hidden")
    scheda.keyboard.press("Control+k")
    scheda.keyboard.type("otto teste")
    scheda.locator(".ricerca-estratto mark").first.wait_for()
    scheda.keyboard.press("ArrowDown")
    scheda.keyboard.press("Enter")
    scheda.wait_for_url(re.compile("3-2-2-attenzione-multi-testa.html#"))


def test_invio_nella_finestra_porta_alla_pagina(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina("3-2-attenzione"))
    scheda.keyboard.press("Control+k")
    scheda.locator("#pst-search-dialog input[name=q]").fill("softmax")
    scheda.keyboard.press("Enter")
    scheda.wait_for_url(re.compile(r"search\.html\?q=softmax"))
    scheda.locator(RISULTATI).first.wait_for()


@pytest.mark.parametrize("schermo", [{}, {"viewport": {"width": 390, "height": 844}}], ids=["scrivania", "telefono"])
@pytest.mark.parametrize("tema", ["light", "dark"])
def test_axe_con_i_risultati(senza, lettore, axe, schermo, tema):
    scheda = lettore(color_scheme=tema, **schermo).apri(senza, "search.html", "?q=maschera")
    scheda.locator(".ricerca-estratto mark").first.wait_for()
    scheda.evaluate(axe)
    trovate = scheda.evaluate("axe.run('.bd-search-container', { preload: false }).then((r) => r.violations)")
    assert [v["id"] for v in trovate if v["impact"] in ("serious", "critical")] == []
    assert scheda.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_senza_javascript_c_e_l_indice_analitico(senza, lettore):
    scheda = lettore(java_script_enabled=False).apri(senza, "search.html")
    assert scheda.locator("noscript a[href='genindex.html'], a[href='genindex.html']").count() >= 1


# ---------------------------------------------------------------- il glossario


def test_il_glossario_si_filtra_e_ha_le_lettere(senza, lettore):
    scheda = lettore().apri(senza, "glossary.html")
    tutte = scheda.locator("article dl.glossary").count()
    scheda.locator(".glossario-filtro").fill("maschera causale")
    scheda.locator(".glossario-nota", has_text="su").wait_for()
    visibili = scheda.locator("article dl.glossary:not([hidden])").count()
    assert 1 <= visibili < 20 < tutte
    scheda.locator(".glossario-filtro").fill("")
    scheda.locator("article dl.glossary[hidden]").first.wait_for(state="detached")
    scheda.evaluate("scrollTo(0, document.body.scrollHeight / 2)")  # da metà pagina: la casella e le voci si vedono
    scheda.locator(".glossario-filtro").fill("maschera causale")
    scheda.wait_for_function("""() => {
      const dentro = (e) => e.getClientRects().length && e.getBoundingClientRect().top >= 0 &&
        e.getBoundingClientRect().top < innerHeight;
      const voci = [...document.querySelectorAll("article dl.glossary:not([hidden])")];
      return voci.length < 20 && voci.some(dentro) && dentro(document.querySelector(".glossario-filtro"));
    }""")
    scheda.locator(".glossario-filtro").fill("")
    scheda.locator("article dl.glossary[hidden]").first.wait_for(state="detached")
    lettere = scheda.locator(".glossario-lettere a")
    nomi = lettere.all_inner_texts()
    assert nomi == sorted(nomi) and len(nomi) > 15
    scheda.locator(".glossario-lettere a", has_text="T").click()
    scheda.wait_for_function("Math.abs(document.querySelector(':target').getBoundingClientRect().y) < 500")
    assert scheda.locator(":target").inner_text().lower().startswith("t")


def test_senza_javascript_il_glossario_ha_ogni_voce(senza, lettore):
    scheda = lettore(java_script_enabled=False).apri(senza, "glossary.html")
    assert scheda.locator("article dl.glossary").count() > 250
    assert scheda.locator("article dl.glossary[hidden]").count() == 0


# ---------------------------------------------------------------- le fermate della tastiera


@pytest.mark.parametrize("pagina", ["3-2-1", "domande", "glossary"])
def test_poche_fermate_prima_del_testo(senza, lettore, pagina):
    """Il testo è la prima cosa che si incontra, o quasi: la colonna viene dopo."""
    scheda = lettore().apri(senza, senza.pagina(pagina))
    fermate = scheda.evaluate(
        """() => {
          const dentro = document.querySelector("article.bd-article");
          return [...document.querySelectorAll("a[href], button, summary, input, select, [tabindex='0']")]
            .filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true }))
            .filter((e) => dentro.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_PRECEDING).length; }"""
    )
    assert 3 < fermate <= 12


def test_i_comandi_di_lettura_sono_una_fermata_e_si_scorrono_con_le_frecce(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina("3-2-1"))
    scheda.locator("button[data-lingua=due]").focus()
    for atteso in ("EN", "A−"):
        scheda.keyboard.press("ArrowRight")
        assert scheda.evaluate("document.activeElement.textContent") == atteso
    assert scheda.url.endswith(".html")  # la freccia non ha voltato pagina
    assert scheda.locator(".lettura button[tabindex='0']").count() == 1
    for _ in range(5):  # il corpo più piccolo spegne il suo bottone: la fermata passa a un altro
        scheda.keyboard.press("Enter")
    assert scheda.locator(".lettura button[tabindex='0']:enabled").count() == 1


def test_i_bottoni_copia_sono_una_fermata_e_si_scorrono_con_le_frecce(senza, lettore):
    scheda = lettore().apri(senza, senza.pagina("3-2-1"))
    bottoni = scheda.locator("button.copybtn:visible")
    scheda.wait_for_function("document.querySelectorAll('button.copybtn[tabindex=\"-1\"]').length > 20")
    assert scheda.locator("button.copybtn[tabindex='0']").count() == 1
    bottoni.first.focus()
    scheda.keyboard.press("ArrowDown")
    assert scheda.evaluate("document.activeElement.matches('button.copybtn') && document.activeElement.tabIndex === 0")
    assert not bottoni.first.evaluate("e => e === document.activeElement")
