"""Il modello in JavaScript, piccolo e a caso: gli stessi numeri di PyTorch, e che cosa dice quando qualcosa va male."""

import math
import random
import shutil

import pytest
import torch
from modello_finto import RADICE, Traduttore, minuscolo
from sphinx.errors import ExtensionError

from attenzione.attention import MultiHeadAttention
from attenzione.data.corpus import clean
from attenzione.decoding import beam_search, filter_logits, greedy
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.layers import DecoderLayer, EncoderLayer, Residual
from attenzione.translator.ablations import ablate, ablations, trials
from attenzione.translator.pretrained import TOKENIZER, shipped_folder
from lettore.uscite.pagina import modello

FRASI = ["The cat eats the mouse.", "Why?"]
PREFISSO = [276, 1300, 14, 900]


@pytest.fixture(scope="module")
def traduttore(tmp_path_factory) -> Traduttore:
    return minuscolo(tmp_path_factory.mktemp("modello"))


# ---------------------------------------------------------------- il tokenizer

CASI = [
    *("‘I’m’ “here” — …and «there»", "dell' hedge", "tomorrow' s", "e' vero, perche' no", ". – (en) Mr President"),
    *("(ii) (UK) x", "in writing. - (it) a", '"E\'"', "l 'unione", "a , b . c ( d ) !", "1 000,5 % 33_b __ ▁▁ x▁y"),
    *("Straße ÀÉÎ ﬁne ÆØÅ", "İstanbul ΑΣ ΟΔΟΣ", "日本語 漢字", "😀 ok", "<b>x</b>&amp;", "x\u0301 e\u0301'"),
    *(" \u2028a\u00a0b\tc\r\nd\u0085e ", "'s", "s's 's' ''s", "don't can't o'clock", "²³½ Ⅷ x² ٣٤ ١", "a‿b c＿d"),
    *("<eos><pad>", "\u200bx\u00ad\ufeffy", "un' altra", "qu' è", "÷l' a", "\x1c a\x1fb", "👩\u200d👩\u200d👧"),
]


def frasi_a_caso(quanti: int) -> list[str]:
    caso = random.Random(0)
    segni = "aeiosltdcn 's'  .,;:-()\"!?1290_▁’“–…éàÈßñ½²😀漢İΣſ\u0301\u00a0\u2028\u0085"
    pezzi = ["l' ", " ' s ", "dell' ", "e' ", "(en) ", "in writing. ", "'s", " .", "the ", "Commission", "zione"]
    return ["".join(caso.choice([*segni, *pezzi]) for _ in range(caso.randint(0, 30))) for _ in range(quanti)]


def test_il_tokenizer_e_quello_spedito(traduttore):
    testi = CASI + frasi_a_caso(3000)
    codici = modello.scrivi_tokenizer(shipped_folder() / TOKENIZER).decode("utf-8")
    programma = """(() => {
      const t = A.createTokenizer(JSON.parse(x.codici));
      return x.testi.map((s) => [A.clean(s), t.encode(s), t.decode(t.encode(s)), t.lost(s)]);
    })()"""
    avuti = traduttore.calcola(programma, {"codici": codici, "testi": testi})
    t = traduttore.tokenizer
    for originale, avuto in zip(testi, avuti, strict=True):
        atteso = [clean(originale), t.encode(originale), t.decode(t.encode(originale)), t.lost(originale)]
        assert avuto == atteso, repr(originale)


# ---------------------------------------------------------------- i prodotti


def test_la_via_svelta_e_quella_da_leggere_danno_gli_stessi_numeri(traduttore):
    """Da uno a nove vettori, righe non a gruppi di quattro, anche una parte sola: uguali fino all’ultimo bit."""
    uguali = traduttore.calcola("""(() => {
      const caso = A.randomFrom(1), righe = 11, columns = 13;
      const W = { codes: Int8Array.from({ length: righe * columns }, () => 255 * caso() - 127.5),
                  scale: Float32Array.from({ length: righe }, caso), columns };
      return [1, 2, 3, 4, 5, 8, 9].flatMap((n) => [[0, 11], [3, 10], [4, 5], [2, 8]].map(([da, a]) => {
        const X = Array.from({ length: n }, () => Float32Array.from({ length: columns }, () => caso() - 0.5));
        return A.product(W, X, da, a).every((y, i) => y.join() === A.plainProduct(W, X[i], da, a).join());
      }));
    })()""")
    assert len(uguali) == 28 and all(uguali)


# ---------------------------------------------------------------- gli stessi numeri


def probabilita(rete, sorgente, prefisso):
    """I logaritmi delle probabilità del token che segue, PAD e BOS esclusi: (n_vocab,)."""
    with torch.inference_mode():
        z, maschera = rete.encode(sorgente)
        x = rete.decode(torch.tensor([[1, *prefisso]]), z, maschera)[:, -1]
        logit = rete.embedding.logits(x)[0]
        logit[:2] = -torch.inf
        return logit.log_softmax(dim=-1)


def test_ogni_valore_intermedio_e_quello_di_pytorch(traduttore):
    """I nomi sono quelli dei moduli; teste, pesi, chiavi, valori e quote di W^O stanno accanto al loro modulo."""
    rete, sorgente = traduttore.rete, traduttore.sorgente(FRASI[0])
    attesi, ganci = {}, []
    for nome, modulo in rete.named_modules():
        if isinstance(modulo, EncoderLayer | DecoderLayer | MultiHeadAttention | Residual | PositionwiseFeedForward):
            ganci.append(modulo.register_forward_hook(lambda m, a, y, nome=nome: attesi.__setitem__(nome, y[0])))
    logaritmi = probabilita(rete, sorgente, PREFISSO)
    for gancio in ganci:
        gancio.remove()
    (risposta,) = traduttore.chiedi([{"kind": "intermediates", "text": FRASI[0], "options": {"prefix": PREFISSO}}])
    avuti = risposta["result"]["values"]

    def valore(nome):
        v = avuti[nome]
        return torch.tensor([float(x) for x in v["data"]]).view(v["rows"], v["columns"])

    with torch.inference_mode():
        attesi["source.positions"] = rete.embed(sorgente)[0]
        pesi = rete.attention_weights(sorgente, torch.tensor([[1, *PREFISSO]]))
        for strato in range(2):
            for nome, pila in (
                (f"encoder.{strato}.self_attention", "encoder"),
                (f"decoder.{strato}.self_attention", "decoder"),
                (f"decoder.{strato}.cross_attention", "encoder-decoder"),
            ):
                for testa in range(4):
                    attesi[f"{nome}.heads.{testa}.weights"] = pesi[pila][strato][0, testa]
            modulo = rete.decoder[strato].cross_attention
            for nome, tensore in zip("KV", modulo.keys_values(attesi["encoder.1"][None]), strict=True):
                attesi[f"decoder.{strato}.cross_attention.{nome}"] = tensore[0].transpose(0, 1).flatten(1)
    for nome, atteso in attesi.items():
        torch.testing.assert_close(valore(nome), atteso, atol=2e-5, rtol=0, msg=lambda m, n=nome: f"{n}: {m}")
    quote = sum(valore(f"decoder.1.self_attention.heads.{h}.share") for h in range(4))
    torch.testing.assert_close(quote, attesi["decoder.1.self_attention"], atol=2e-5, rtol=0)
    for h in range(4):  # dai punteggi ai pesi; oltre il presente, meno infinito
        punteggi = valore(f"decoder.0.self_attention.heads.{h}.scores")
        assert bool(punteggi.triu(1).isneginf().sum() == 10)
        torch.testing.assert_close(punteggi.softmax(-1), pesi["decoder"][0][0, h], atol=2e-5, rtol=0)
    for candidato in risposta["result"]["candidates"]:
        assert candidato["logProb"] == pytest.approx(logaritmi[candidato["token"]].item(), abs=1e-4)
    (parte,) = traduttore.chiedi([{"kind": "intermediates", "text": "a", "options": {"only": "encoder.1.feed"}}])
    assert list(parte["result"]["values"]) == ["encoder.1.feed_forward.hidden", "encoder.1.feed_forward"]


def test_ogni_ablazione_e_quella_di_pytorch(traduttore):
    rete, sorgente = traduttore.rete, traduttore.sorgente(FRASI[0])
    (fatti,) = traduttore.chiedi([{"eval": "A.ablations(x)", "x": {"n_layers": 2, "n_heads": 4}}])
    assert fatti["result"] == ablations(rete.config)
    prove = trials(rete.config)
    prove |= {"due": {"without": ["scale", "encoder.0.residuals.1", "encoder.0.residuals.1.norm"], "decoder_layers": 1}}
    strati = {"encoder_layers": "encoderLayers", "decoder_layers": "decoderLayers"}
    opzioni = [{strati.get(k, k): v for k, v in prova.items()} | {"prefix": PREFISSO} for prova in prove.values()]
    risposte = traduttore.chiedi([{"kind": "step", "text": FRASI[0], "options": o} for o in opzioni])
    intero = probabilita(rete, sorgente, PREFISSO)
    for (nome, prova), risposta in zip(prove.items(), risposte, strict=True):
        logaritmi = probabilita(ablate(rete, **prova), sorgente, PREFISSO)
        assert (logaritmi - intero).nan_to_num(0).abs().max() > 1e-3, f"{nome} non cambia nulla"
        for candidato in risposta["result"]["candidates"]:
            assert candidato["logProb"] == pytest.approx(logaritmi[candidato["token"]].item(), abs=1e-3), nome


@pytest.mark.parametrize("senza", [[], ["causal_mask"], ["decoder.0.cross_attention", "scale"]], ids=str)
def test_greedy_e_quello_di_pytorch(traduttore, senza):
    """Token per token, fino al limite di n + 50; con la cache, o senza dove la maschera causale non c’è."""
    rete = ablate(traduttore.rete, senza)
    opzioni = {"without": senza}
    risposte = traduttore.chiedi([{"kind": "translate", "text": frase, "options": opzioni} for frase in FRASI])
    for frase, risposta in zip(FRASI, risposte, strict=True):
        (atteso,) = greedy(rete, traduttore.sorgente(frase), use_cache="causal_mask" not in senza)
        avuto = risposta["result"]
        assert avuto["hypotheses"][0]["tokens"] == atteso.tokens
        assert avuto["finished"] == atteso.finished
        assert avuto["logProb"] == pytest.approx(atteso.log_prob, abs=1e-3)
        assert [e["token"] for e in risposta["events"]] == [t["token"] for t in avuto["tokens"]]
        assert all(e["candidates"][0]["token"] == e["token"] and len(e["candidates"]) == 5 for e in risposta["events"])


@pytest.mark.parametrize(
    ("ampiezza", "alpha", "quante"), [(1, 0.6, 1), (2, 0.0, 2), (4, 0.6, 1), (4, 1.0, 4), (8, 0.6, 3)]
)
def test_beam_search_e_quella_di_pytorch(traduttore, ampiezza, alpha, quante):
    opzioni = {"strategy": "beam", "beam": ampiezza, "alpha": alpha, "nBest": quante}
    risposte = traduttore.chiedi([{"kind": "translate", "text": frase, "options": opzioni} for frase in FRASI])
    for frase, risposta in zip(FRASI, risposte, strict=True):
        (attese,) = beam_search(traduttore.rete, traduttore.sorgente(frase), ampiezza, alpha, quante)
        avute = risposta["result"]["hypotheses"]
        assert [a["tokens"] for a in avute] == [a.tokens for a in attese]
        for avuta, attesa in zip(avute, attese, strict=True):
            assert avuta["score"] == pytest.approx(attesa.score, abs=1e-3)
            assert avuta["logProb"] == pytest.approx(sum(avuta["logProbs"]), abs=1e-4)


def test_un_prefisso_imposto_si_segue_e_conta_nella_probabilita(traduttore):
    """Chi sceglie un altro token manda la frase di là: la probabilità è quella della frase intera."""
    opzioni = ({}, {"prefix": PREFISSO}, {"prefix": PREFISSO, "strategy": "beam"})
    risposte = traduttore.chiedi([{"kind": "translate", "text": FRASI[1], "options": o} for o in opzioni])
    libera, imposta, beam = (risposta["result"] for risposta in risposte)
    sorgente = traduttore.sorgente(FRASI[1])
    attesa = sum(probabilita(traduttore.rete, sorgente, PREFISSO[:i])[token].item() for i, token in enumerate(PREFISSO))
    for risposta in (imposta, beam):
        assert [t["token"] for t in risposta["tokens"]][:4] == PREFISSO
        assert sum(t["logProb"] for t in risposta["tokens"][:4]) == pytest.approx(attesa, abs=1e-3)
    assert libera["tokens"][0]["token"] != PREFISSO[0]


@pytest.mark.parametrize(
    "filtro", [{}, {"temperature": 0.3}, {"topK": 3}, {"topP": 0.5}, {"temperature": 2, "topK": 50, "topP": 0.8}]
)
def test_il_campionamento_estrae_dalle_stesse_probabilita(traduttore, filtro):
    torch.manual_seed(0)
    logit = 3 * torch.randn(200)
    atteso = filter_logits(logit, filtro.get("temperature", 1.0), filtro.get("topK"), filtro.get("topP")).softmax(
        dim=-1
    )
    programma = """(() => {
      const p = A.filterLogProbs(Float32Array.from(x.logit), x.filtro), quanti = new Array(200).fill(0);
      const estrai = A.sampler(x.filtro, A.randomFrom(7));
      for (let i = 0; i < 4000; i++) quanti[estrai(Float32Array.from(x.logit))]++;
      return [[...p], quanti];
    })()"""
    probabili, quanti = traduttore.calcola(programma, {"logit": logit.tolist(), "filtro": filtro})
    torch.testing.assert_close(torch.tensor(probabili, dtype=torch.float32), atteso, atol=1e-6, rtol=0)
    for probabile, quante in zip(atteso.tolist(), quanti, strict=True):
        assert abs(quante - 4000 * probabile) <= 6 * math.sqrt(4000 * probabile * (1 - probabile)) + (probabile > 0)


def test_lo_stesso_seme_estrae_la_stessa_frase(traduttore):
    scelte = [{"strategy": "sample", "seed": seme, "temperature": 1.5} for seme in (1, 1, 2)]
    prima, ancora, altra = traduttore.chiedi([{"kind": "translate", "text": FRASI[0], "options": o} for o in scelte])
    assert prima == ancora and prima["result"]["tokens"] != altra["result"]["tokens"]


# ---------------------------------------------------------------- quando va male


@pytest.mark.parametrize(
    ("testo", "attesa"),
    [
        ("", "serve almeno una parola"),
        (" \n\t ", "serve almeno una parola"),
        ("😀😀", "non conosce nessuno di questi segni"),
        ("日本語 漢字", "non conosce nessuno di questi segni"),
        ("word " * 5000, "5000 unità, e il modello ne legge al più 64"),
        ("a \ud83d b", "spezzato a metà"),
    ],
)
def test_un_testo_che_non_si_puo_tradurre_ha_una_frase_sua(traduttore, testo, attesa):
    guasto, dopo = traduttore.chiedi([{"kind": "translate", "text": t} for t in (testo, "Why?")])
    assert guasto["error"]["name"] == "InputError" and attesa in guasto["error"]["message"]
    assert dopo["result"]["text"], "dopo un errore si traduce ancora"


@pytest.mark.parametrize(
    ("testo", "persi"),
    [("<b>yes</b>", ["<", ">"]), ("yes\r\n\nno", []), ("yes 😀", ["😀"]), ("${alert(1)}", ["{", "}"])],
)
def test_marcature_emoji_e_a_capo_sono_testo(traduttore, testo, persi):
    (risposta,) = traduttore.chiedi([{"kind": "translate", "text": testo}])
    assert risposta["result"]["lost"] == traduttore.tokenizer.lost(testo) == persi


@pytest.mark.parametrize(
    ("opzioni", "attesa"),
    [
        ({"strategy": "beam", "beam": 9}, "beam vale 9: atteso un intero da 1 a 8"),
        ({"strategy": "caso"}, "strategy vale caso: atteso uno fra greedy, beam, sample"),
        ({"temperature": 0}, "temperature vale 0: atteso un numero da 0,001 a 1000"),
        ({"without": ["encoder.7"]}, "without contiene «encoder.7»: atteso un nome di ablations"),
        ({"encoderLayers": 0}, "encoderLayers vale 0: atteso un intero da 1 a 2"),
        ({"prefix": [0]}, "prefix vale 0: atteso un elenco di identificatori di token, da 2 a 4999"),
    ],
)
def test_un_opzione_sbagliata_e_nominata(traduttore, opzioni, attesa):
    (risposta,) = traduttore.chiedi([{"kind": "translate", "text": "yes", "options": opzioni}])
    assert risposta["error"] == {"name": "RangeError", "message": attesa}


@pytest.mark.parametrize("nome", ["tokenizer.js", "encoder-1.js", "indice.js"])
@pytest.mark.parametrize("guasto", ["manca una cifra", "una cifra cambiata", "vuoto"])
def test_un_file_guasto_si_riconosce(traduttore, tmp_path, nome, guasto):
    shutil.copytree(traduttore.cartella, tmp_path / "copia")
    file = tmp_path / "copia" / nome
    testo = file.read_text("utf-8")
    meta = len(testo) // 2
    if nome == "indice.js":
        testo = {"manca una cifra": testo.replace('"bytes": ', '"bytes": 1', 1), "vuoto": ""}.get(
            guasto, testo.replace('"format": 1', '"format": 2')
        )
    elif guasto == "una cifra cambiata":
        testo = testo[:meta] + ("A" if testo[meta] != "A" else "B") + testo[meta + 1 :]
    else:
        testo = "" if guasto == "vuoto" else testo[:meta] + testo[meta + 1 :]
    file.write_text(testo, "utf-8")
    copia = Traduttore.__new__(Traduttore)
    copia.cartella = tmp_path / "copia"
    (risposta,) = copia.chiedi([{"kind": "translate", "text": "yes"}])
    assert (
        risposta["error"]["name"] == "WeightsError"
        and "è guasto: va scaricato di nuovo" in risposta["error"]["message"]
    )


# ---------------------------------------------------------------- la fusione


def test_i_moduli_si_fondono_una_volta_ciascuno(tmp_path):
    (tmp_path / "a.js").write_text("export const uno = 1;\n", "utf-8")
    (tmp_path / "b.js").write_text('import { uno } from "./a.js";\nexport function due() { return uno; }\n', "utf-8")
    ingresso = 'import { uno } from "./a.js";\nimport { due } from "./b.js";\nexport const tre = () => uno + due();\n'
    (tmp_path / modello.INGRESSO).write_text(ingresso, "utf-8")
    fuso = modello.fondi(tmp_path)
    assert fuso.count("const uno") == 1 and "{ uno, due, tre }" in fuso
    assert not {"import", "export"} & set(fuso.split())
    (tmp_path / "b.js").write_text("export const due = 2;\nconst uno = 3;\n", "utf-8")
    with pytest.raises(ExtensionError, match="uno ha due significati"):
        modello.fondi(tmp_path)
    (tmp_path / "b.js").write_text("export default 3;\n", "utf-8")
    with pytest.raises(ExtensionError, match="non si sa fondere"):
        modello.fondi(tmp_path)


def test_il_programma_non_chiama_la_rete_e_non_esegue_testo():
    testo = modello.fondi(RADICE / "web" / "modello")
    for vietata in ("fetch(", "XMLHttpRequest", "https:", "eval(", "new Function", "innerHTML", "SharedArrayBuffer"):
        assert vietata not in testo
