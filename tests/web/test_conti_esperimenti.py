"""I conti degli esperimenti, sotto Node, contro quelli delle celle e della libreria."""

import atexit
import json
import math
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import torch
from alberi import FRASI, alberi

from attenzione.attention import causal_mask, scaled_dot_product_attention
from attenzione.data import bpe, example
from attenzione.decoding import beam_search, length_penalty
from attenzione.embedding import sinusoidal_positions
from attenzione.training.loss import label_smoothing_loss, smoothed_entropy
from attenzione.training.schedule import lrate
from attenzione.translator.pretrained import encode_source, load_translator
from lettore.inglese import leggi_inglese
from lettore.pezzi.esperimento import CARTELLA, COMUNI, DAL_VIVO, DATI, file_di, nomi
from lettore.sorgente import Pagina
from lettore.uscite.pagina.katex import trova_node

RADICE = Path(__file__).resolve().parents[2]
FILE = sorted((RADICE / CARTELLA).glob("*.js"))
NOMI = nomi(RADICE)
RETE = re.compile(r"\bfetch\(|\bimport\b|XMLHttpRequest|https?://(?!www\.w3\.org/2000/svg)")


LEGGE = """
const C = Esperimenti.conti, E = Esperimenti.esempio;
require("readline").createInterface({ input: process.stdin }).on("line", (riga) => {
  const [espressione, x] = JSON.parse(riga);
  let esito;
  try { esito = { vale: eval(espressione) ?? null }; } catch (errore) { esito = { errore: String(errore) }; }
  console.log(JSON.stringify(esito));
});
"""


@cache
def node() -> subprocess.Popen:
    """Un Node con tutti gli esperimenti, che risponde a una domanda per riga; finisce con le prove."""
    programmi = "".join(f"require({json.dumps(str(RADICE / CARTELLA / nome))});" for nome in file_di(NOMI))
    capi = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    processo = subprocess.Popen([trova_node(), "-e", programmi + LEGGE], **capi)
    atexit.register(processo.communicate)
    return processo


def chiedi(espressione: str, dati: object = None):
    """Il valore di un’espressione in cui ``C`` sono i conti di ogni esperimento, ``E`` l’esempio, ``x`` i dati.

    I numeri che JSON non ha, infiniti e nan, arrivano come None.
    """
    processo = node()
    processo.stdin.write(json.dumps([espressione, dati]) + "\n")
    processo.stdin.flush()
    esito = json.loads(processo.stdout.readline())
    assert "errore" not in esito, f"{espressione}: {esito['errore']}"
    return esito["vale"]


@cache
def direttive() -> list[tuple[str, str]]:
    """Gli esperimenti del libro: capitolo e nome."""
    capitoli = [
        (file.stem, Pagina("", file.read_text("utf-8"))) for file in sorted((RADICE / "chapters").rglob("*.md"))
    ]
    return [
        (capitolo, d.argomento) for capitolo, p in capitoli for d in p.tutte_le_direttive if d.nome == "esperimento"
    ]


# ---------------------------------------------------------------- i file


@pytest.mark.parametrize("file", FILE, ids=lambda file: file.name)
def test_ogni_file_si_legge_e_non_chiama_la_rete(file):
    esito = subprocess.run([trova_node(), "--check", file], capture_output=True, text=True)
    assert esito.returncode == 0, esito.stderr
    assert not RETE.search(file.read_text(encoding="utf-8"))


def test_ogni_esperimento_sta_nel_libro():
    assert {nome for _, nome in direttive()} == set(NOMI) and len(NOMI) == 14 + len(DAL_VIVO)
    assert len(set(direttive())) == len(direttive())  # al più uno per pagina: l’àncora è il nome


def test_una_pagina_carica_soltanto_i_suoi():
    assert file_di([]) == []
    assert file_di(["togli", "softmax", "togli"]) == [*COMUNI, "softmax", "togli"]
    assert file_di(["beam"]) == [*COMUNI, DATI["beam"], "beam"]


# ---------------------------------------------------------------- i numeri


@pytest.mark.parametrize("nome", ["E", "W_q", "W_k", "W_v", "W_o", "X", "Q", "K", "V"])
def test_l_esempio_e_quello_del_libro(nome):
    torch.testing.assert_close(torch.tensor(chiedi(f"E.{nome}")), getattr(example, nome), atol=1e-5, rtol=0)


def test_i_numeri_si_scrivono_all_italiana():
    casi = {"1.005, 2": "1,00", "-2.5, 1": "−2,5", "-0.001, 2": "0,00", "37000, 0": "37\u202f000", "4000, 0": "4000"}
    assert {caso: chiedi(f"Esperimenti.numero({caso})") for caso in casi} == casi


S = example.Q @ example.K.T / 2  # (5, 5)


def test_softmax():
    assert chiedi("E.TOKEN") == example.TOKENS
    for fattore in (1, 8):
        assert chiedi(f"C.softmax.pesi(C.softmax.inizio, {fattore})") == pytest.approx(
            (fattore * S[2]).softmax(0).tolist(), abs=1e-5
        )
    spostati = chiedi("C.softmax.pesi(C.softmax.inizio.map((s) => s + 1))")
    assert spostati == pytest.approx(S[2].softmax(0).tolist(), abs=1e-5)
    eight = (8 * S[2]).softmax(0)
    assert eight[0] / eight[2] == pytest.approx(76, abs=0.5)  # ciò che dice la sezione 3.2.1


def mean_square(d_k: int) -> float:
    return sum(parte * somma**2 for somma, parte in chiedi(f"C.radice.strade({d_k})"))


def test_radice():
    for d_k in (2, 4, 16, 512):
        assert mean_square(d_k) == pytest.approx(d_k)
    assert [chiedi(f"C.radice.distanza({d}, false)") for d in (4, 16)] == [2, 4]
    assert chiedi("C.radice.pesi(512, true)") == pytest.approx(S[2].softmax(0).tolist(), abs=1e-5)
    products = example.Q[2] @ example.K.T
    weights = products.softmax(0)
    assert chiedi("C.radice.pesi(4, false)") == pytest.approx(weights.tolist(), abs=1e-5)
    slope = torch.autograd.functional.jacobian(lambda s: s.softmax(0)[0], products)[0]
    assert chiedi("C.radice.pendenza(C.radice.pesi(4, false))") == pytest.approx(slope.item(), abs=1e-5)
    alti = [chiedi(f"C.radice.pesi({d}, false)")[0] for d in (4, 16, 32)]
    assert round(alti[0], 2) == 0.68 and alti[1] < 0.9 < alti[2]  # ciò che dice il passo 3
    assert chiedi("C.radice.pendenza(C.radice.pesi(512, false))") < 1e-4


def test_prodotto():
    tavola = torch.tensor(chiedi("C.prodotto.tavola"))
    torch.testing.assert_close(tavola, example.Q @ example.K.T, atol=1e-5, rtol=0)
    assert chiedi("C.prodotto.addendi(2, 1)") == pytest.approx((example.Q[2] * example.K[1]).tolist(), abs=1e-5)
    assert divmod(tavola.argmin().item(), 5) == (3, 4)  # ciò che dice il passo 2: «il» e «topo», il terzo prodotto
    addendi = chiedi("C.prodotto.addendi(3, 4)")
    assert addendi.index(min(addendi)) == 2 and addendi[2] < 0.8 * sum(addendi)


def test_somma():
    pesi = S[2].softmax(0)
    assert chiedi("C.somma.uscita(C.somma.pesi)") == pytest.approx((pesi @ example.V).tolist(), abs=1e-5)
    spostati = chiedi("C.somma.sposta(C.somma.pesi, 4, 0.4)")
    resto = pesi[:4] * 0.6 / pesi[:4].sum()
    assert spostati == pytest.approx([*resto.tolist(), 0.4], abs=1e-5)
    assert chiedi("C.somma.sposta([0, 0, 0, 0, 1], 4, 0.2)") == pytest.approx([0.2] * 5)  # da chi non ha nulla


def test_togli():
    outputs, A = scaled_dot_product_attention(example.Q, example.K, example.V)
    stesso_ordine = []
    for i, parola in enumerate(example.TOKENS):
        effects = A[i] / (1 - A[i]) * (example.V - outputs[i]).norm(dim=1)  # la formula del passo 6
        assert [chiedi(f"C.togli.effetto({i}, {j})") for j in range(5)] == pytest.approx(effects.tolist(), abs=1e-4)
        if torch.equal(A[i].argsort(), effects.argsort()):
            stesso_ordine.append(parola)
    assert "mangia" in stesso_ordine and "gatta" not in stesso_ordine


def test_ragnatela():
    w = 0.0
    for passo, posto in enumerate(chiedi("C.ragnatela.cammino(0.9)")):
        assert posto == pytest.approx(w), passo
        w = w - 0.9 * 2 * (w - 3)
    lontano = {rate: abs(chiedi(f"C.ragnatela.cammino({rate}).at(-1)") - 3) for rate in (0.2, 0.9, 1.0, 1.1)}
    assert lontano[0.2] < lontano[0.9] < 1e-3 and lontano[1.0] == 3 and lontano[1.1] > 1000  # la cella
    assert chiedi("[C.ragnatela.soglia(), C.ragnatela.soglia(4), C.ragnatela.fattore(0.5, 4)]") == [1, 0.5, -1]


def test_teste():
    frasi = [["la gatta", "il topo"], ["il topo", "la gatta"]]
    assert chiedi("x.map((f) => C.teste.una(C.teste.valori(f), 0.5))", frasi) == [[0.5, 0.5], [0.5, 0.5]]
    assert chiedi("x.map((f) => C.teste.due(C.teste.valori(f)))", frasi) == [[1, 0, 0, 1], [0, 1, 1, 0]]
    for peso in (0.2, 0.5, 0.9):  # quali che siano i pesi, un’altra coppia resta confusa
        una, altra = chiedi(
            f"[(p) => p, (p) => C.teste.confusa(p, {peso})].map((f) => C.teste.una(f([[1, 0], [0, 1]]), {peso}))"
        )
        assert una == pytest.approx(altra)


def test_maschera():
    def fughe(modo: str, maschera: str) -> int:
        return chiedi(f"C.maschera.fughe({json.dumps(modo)}, C.maschera.MASCHERE[{json.dumps(maschera)}]).length")

    giusto, prima, dopo = chiedi("Object.keys(C.maschera.MODI)")
    prove = {(giusto, "causale"): 0, (giusto, "spostata di una"): 4, (giusto, "righe e colonne scambiate"): 10}
    prove |= {(prima, "causale"): 10, (dopo, "causale"): 10}  # le stesse della cella
    assert {caso: fughe(*caso) for caso in prove} == prove
    output, A = scaled_dot_product_attention(example.Q, example.K, example.V, causal_mask(5))
    causale = f"{json.dumps(giusto)}, C.maschera.MASCHERE.causale"
    torch.testing.assert_close(torch.tensor(chiedi(f"C.maschera.pesi({causale})")), A, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.tensor(chiedi(f"C.maschera.uscite({causale})")), output, atol=1e-5, rtol=0)
    senza_prima = "C.maschera.MASCHERE.causale.map((riga, i) => riga.map((si) => si && i > 0))"
    assert chiedi(f"C.maschera.pesi({json.dumps(giusto)}, {senza_prima})[0]") == [None] * 5


def test_onde():
    PE = sinusoidal_positions(60, 512)
    for i in (0, 24, 48, 72):
        assert chiedi(f"C.onde.coppia(12, {i})") == pytest.approx(PE[12, 2 * i : 2 * i + 2].tolist(), abs=1e-9)
        for pos in (0, 7, 33):
            girata = chiedi(f"C.onde.gira(C.onde.rotazione(5, {i}), C.onde.coppia({pos}, {i}))")
            assert girata == pytest.approx(PE[pos + 5, 2 * i : 2 * i + 2].tolist(), abs=1e-9)
    assert chiedi("5 * C.onde.velocita(24)") == pytest.approx(2.11, abs=0.005)


def test_tasso():
    for step, d_model, warmup in ((1, 512, 4000), (4000, 512, 4000), (100_000, 256, 8000)):
        assert chiedi(f"C.tasso.lrate({step}, {d_model}, {warmup})") == pytest.approx(lrate(step, d_model, warmup))
    assert lrate(8000, 512, 8000) == pytest.approx(lrate(4000, 1024, 4000)) == pytest.approx(0.00049, abs=5e-6)


def test_epsilon():
    for n_vocab in (5, 37_000):
        assert chiedi(f"C.epsilon.minima(0.1, {n_vocab})") == pytest.approx(smoothed_entropy(n_vocab))
    p = 0.99
    logits = torch.tensor([[(1 - p) / 4, p, *[(1 - p) / 4] * 3]]).log()
    assert chiedi("C.epsilon.perdita(0.99, 0.1, 5)") == pytest.approx(
        label_smoothing_loss(logits, torch.tensor([1])).item(), abs=1e-5
    )
    assert chiedi("C.epsilon.chieste(0.1, 5)") == pytest.approx({"giusto": 0.92, "altro": 0.02})
    assert chiedi("C.epsilon.minima(0, 5)") == 0 and chiedi("C.epsilon.perdita(0.999, 0, 5)") == pytest.approx(
        -math.log(0.999)
    )


def test_fusioni():
    testo = "la gatta mangia il topo il topo mangia la torta mamma aaaa aaa"
    attese = bpe.learn_merges(bpe.word_counts([testo]), 12)
    fusioni = chiedi("C.fusioni.impara(C.fusioni.parole(x), 12)", testo)
    assert [tuple(f[:2]) for f in fusioni["fusioni"]] == attese
    for parola in fusioni["parole"]:
        assert parola["pezzi"] == bpe.split_word("".join(parola["pezzi"])[1:], attese)


@pytest.mark.parametrize("testo", ["", "   \n", "!!! 🐈 ???", "<b>ciao</b>", "猫が好き", "a" * 500])
def test_fusioni_di_qualunque_testo(testo):
    esito = chiedi("C.fusioni.impara(C.fusioni.parole(x), 20)", testo)
    assert len(esito["fusioni"]) <= 20 and not any("<" in "".join(p["pezzi"]) for p in esito["parole"])


def test_forme():
    codice = (
        "Q = X @ W_q[0]        # (5, 8) @ (8, 4) → (5, 4)\noutputs, A = f(Q)     # (5, 3), (5, 5)\n"
        "_, b = g()  # (2,), (3,)\nassert a == b  # (1,)\nnome = 3  # un numero (di prova)\ns = x.sum()   # (): uno"
    )
    assert chiedi("C.forme.forme(x)", codice) == [
        ["Q", "(5, 4)"],
        ["outputs", "(5, 3)"],
        ["A", "(5, 5)"],
        ["b", "(3,)"],
        ["s", "()"],
    ]
    assert chiedi("C.forme.tavola(x)", [[["Q", "(5, 4)"], ["K", "(5, 4)"]], [["Q", "(2, 5, 4)"]]]) == [
        ["Q", "(2, 5, 4)"],
        ["K", "(5, 4)"],
    ]
    capitolo = (RADICE / "chapters/passi/2-il-prodotto.md").read_text("utf-8")
    celle = [chiedi("C.forme.forme(x)", cella.corpo) for cella in Pagina("", capitolo).celle]
    assert ["maps", "(3, 2, 5, 5)"] in [coppia for sue in celle for coppia in sue]


# ---------------------------------------------------------------- la ricerca


@pytest.mark.lento
def test_gli_alberi_sono_del_traduttore_spedito():
    def senza_numeri(rami):
        return [[pezzo, dopo and senza_numeri(dopo)] for pezzo, _, dopo in rami]

    def numeri(rami):
        return [n for _, log_prob, dopo in rami for n in (log_prob, *(numeri(dopo) if dopo else ()))]

    scritti = chiedi("Esperimenti.alberi")
    for frase, rami in alberi().items():
        assert senza_numeri(scritti[frase]) == senza_numeri(rami), "si rifà con python tests/web/alberi.py"
        assert numeri(scritti[frase]) == pytest.approx(numeri(rami), abs=2e-3)


@pytest.mark.lento
@pytest.mark.parametrize("frase", FRASI)
def test_beam(frase):
    model, tokenizer = load_translator()
    src = torch.tensor([encode_source(tokenizer, frase, model.config)])
    for ampiezza in (1, 2, 4):
        for alpha in (0, 0.6, 2):
            h = beam_search(model, src, beam=ampiezza, alpha=alpha)[0][0]
            cerca = f"C.beam.cerca(Esperimenti.alberi[x], {ampiezza}).chiuse"
            mostra = f"((h) => [C.beam.testo(h.pezzi), h.totale, C.beam.punteggio(h, {alpha})])"
            scelta = chiedi(f"{mostra}(C.beam.scelta({cerca}, {alpha}))", frase)
            assert scelta[0] == tokenizer.decode(h.tokens)
            assert scelta[1:] == pytest.approx([h.log_prob, h.score], abs=5e-3)


def test_la_penalita_e_quella_della_libreria():
    for m, alpha in ((1, 0.6), (10, 0.6), (40, 1)):
        assert chiedi(f"C.beam.penalita({m}, {alpha})") == pytest.approx(float(length_penalty(m, alpha)))


# ---------------------------------------------------------------- il modello dal vivo


def andata_e_ritorno(scelte: dict) -> list:
    """Le scelte scritte in un indirizzo che aveva già la lingua, e rilette; e la lingua."""
    return chiedi(
        "(() => { const v = {...x, tolti: new Set(x.tolti)}, a = C.vivo.scrivi(v, '?lingua=en'), t = C.vivo.leggi(a);"
        " return [{...t, tolti: [...t.tolti]}, new URLSearchParams(a).get('lingua')]; })()",
        scelte,
    )


def test_dall_indirizzo_alle_scelte_e_ritorno():
    scelte = {"frase": "è l’ora & via", "tolti": ["scale", "residuals"], "encoder": 2, "decoder": None}
    scelte |= {"strategia": "beam", "ampiezza": 8, "alfa": 0, "temperatura": 1, "primi": 50, "massa": 1, "seme": 1}
    a_sorte = {
        "strategia": "sample",
        "ampiezza": 4,
        "alfa": 0.6,
        "temperatura": 0.7,
        "primi": 5,
        "massa": 0.9,
        "seme": 12,
    }
    for mie in (scelte, scelte | a_sorte):
        assert andata_e_ritorno(mie) == [mie, "en"]

    usuali = {"strategia": "greedy", "ampiezza": 4, "alfa": 0.6, "temperatura": 1, "seme": 1}
    for indirizzo in ("", "?strategia=caso&ampiezza=90&alfa=x", "?alfa=", "?ampiezza=0", "?temperatura=9&seme=-1"):
        lette = chiedi("C.vivo.leggi(x)", indirizzo)
        assert {nome: lette[nome] for nome in usuali} == usuali, indirizzo
    assert chiedi("C.vivo.scrivi({ ...x, tolti: [] }, '')", {"frase": "a"} | usuali) == "?frase=a"


def test_il_dizionario_inglese_traduce_soltanto_cio_che_si_dice():
    """Chi cambia una frase di un esperimento cambia anche la sua voce in inglese.yml."""
    cartelle = ("web/esperimenti", "web/modello", "web/js", "chapters/laboratorio", "code/lettore/pezzi")
    file = [f for c in cartelle for f in (RADICE / c).iterdir() if f.is_file()] + [RADICE / "chapters/index.md"]
    dette = set(re.findall(r"\w+", " ".join(f.read_text("utf-8") for f in file)))
    for italiano in leggi_inglese()["esperimenti"]:
        assert set(re.findall(r"\w+", italiano)) <= dette, italiano


def test_i_gruppi_di_pezzi_sono_quelli_della_libreria():
    from attenzione.config import TransformerConfig
    from attenzione.translator.ablations import ablations, trials

    config = TransformerConfig(n_vocab=8, n_layers=2, d_model=4, d_ff=8, n_heads=2, d_k=2, d_v=2)
    tutti = ablations(config)
    nomi_dei_gruppi = ("residuals", "norms", "cross_attention", "feed_forward")
    gruppi = {nome: trials(config)[nome]["without"] for nome in nomi_dei_gruppi}
    for nome, pezzi in gruppi.items():
        assert sorted(chiedi("C.vivo.nomi(new Set([x[0]]), x[1])", [nome, tutti])) == sorted(pezzi), nome


def test_i_passi_di_una_testa_sono_l_equazione_1():
    torch.manual_seed(0)
    q, K, V = torch.randn(1, 4).double(), torch.randn(3, 4).double(), torch.randn(3, 2).double()
    passi = chiedi("C.numeri.passi(x[0], x[1], 4)", [q[0].tolist(), K.tolist()])
    _, pesi = scaled_dot_product_attention(q, K, V)
    torch.testing.assert_close(torch.tensor(passi["pesi"]).double(), pesi[0])
    torch.testing.assert_close(torch.tensor(passi["punteggi"]).double() * 2, torch.tensor(passi["prodotti"]).double())
