"""Le affermazioni di chi è venuto dopo il 2017: il meccanismo stesso, o l’addestramento registrato della pagina."""

from pathlib import Path
from statistics import mean

import pytest
import torch
from registro import affermazione, invece, premessa, tesi
from torch.utils._python_dispatch import TorchDispatchMode

from attenzione.attention import KVCache, causal_mask, scaled_dot_product_attention
from attenzione.embedding import sinusoidal_positions
from attenzione.evidence.relations import read_sentences
from attenzione.later import lengths
from attenzione.later.grouped import GroupedQueryAttention
from attenzione.later.latent import LatentAttention
from attenzione.later.linear_attention import linear_attention, linear_attention_step
from attenzione.later.low_rank import rank_error
from attenzione.later.rotary import RotaryPositions
from attenzione.later.scan import recurrence
from attenzione.later.sparse import fixed_mask, layers_to_join, strided_mask, window_mask
from attenzione.later.state_space import DiagonalS4, SelectiveScan, convolve
from attenzione.translator.pretrained import load_translator

TRADUTTORE = Path(__file__).resolve().parents[2] / "modelli/europarl-en-it"


@pytest.fixture(autouse=True)
def doppia_precisione():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


# ---------------------------------------------------------------- dire la posizione


@affermazione(
    "rope-soltanto-la-differenza",
    vero={"modo": "query e chiavi girate"},
    falso=[{"modo": "solo le query"}, {"modo": "sinusoidi sommate"}, {"modo": "niente girato"}],
)
def test_rope_soltanto_la_differenza(modo):
    """Query e chiavi qualsiasi, quattro larghezze: a distanza fissata il prodotto è lo stesso dovunque ci si trovi, a
    distanze diverse, o con un’altra chiave, no."""
    for d_k in (2, 4, 8, 64):
        q, k, other = torch.randn(3, 1, d_k)
        rotary, PE = RotaryPositions(d_k), sinusoidal_positions(300, d_k)
        W_q, W_k = torch.randn(2, d_k, d_k)

        def placed(x, pos, is_query, W, rotary=rotary, PE=PE):
            if modo == "sinusoidi sommate":
                return (x + PE[pos]) @ W
            turned = modo == "query e chiavi girate" or (modo == "solo le query" and is_query)
            return rotary(x, start=pos) if turned else x

        by_distance = set()
        for apart in (0, 1, 7, 60):
            places = (60, 61, 100, 299)
            products = [(placed(q, p, True, W_q) @ placed(k, p - apart, False, W_k).T).item() for p in places]
            another = (placed(q, 60, True, W_q) @ placed(other, 60 - apart, False, W_k).T).item()
            by_distance.add(round(products[0], 6))
            with tesi:
                assert max(products) - min(products) < 1e-9 and abs(another - products[0]) > 1e-6
        with tesi:
            assert len(by_distance) == 4


@affermazione(
    "rope-cala-con-la-distanza",
    vero={"chiave": "uguale alla query"},
    falso=[{"chiave": "a caso"}, {"chiave": "girata in anticipo"}],
)
def test_rope_cala_con_la_distanza(chiave):
    """Duemila query di 64 componenti, in media: il prodotto a 200 e a 399 posizioni, contro quello a zero."""
    rotary, q = RotaryPositions(64, length=512), torch.randn(2000, 64)
    keys = {
        "uguale alla query": q,
        "a caso": torch.randn(2000, 64),
        "girata in anticipo": rotary(q[:, None], start=20)[:, 0],
    }

    def by_distance(k):
        places = rotary(k[:, None].expand(-1, 400, -1)).flip(-2)  # (2000, 400, 64): distanza 0, 1, …
        return (places @ rotary(q[:, None], start=399).mT)[..., 0].mean(dim=0) / 8  # (400,)

    curve = by_distance(keys[chiave])
    with tesi:
        assert curve.argmax() == 0 and curve[0] > 1 and max(curve[200], curve[399]) < curve[0] / 2
    with invece:
        assert by_distance(q).diff().max() > 0.05  # qualche passo risale
        assert by_distance(keys["a caso"]).abs().max() < 0.15
        assert by_distance(keys["girata in anticipo"]).argmax() == 20


@affermazione(
    "alibi-oltre-il-visto",
    vero={"modo": "ALiBi", "passi": "tutti"},
    falso=[{"modo": "sinusoidi"}, {"modo": "apprese"}, {"modo": "RoPE"}],
    controllo=[{"passi": "nessuno"}],
    semi=(0, 1, 2),
)
def test_alibi_oltre_il_visto(modo, passi, semi):
    """Nelle posizioni da 49 a 64, dopo un addestramento fino a 16; le misure sono registrate."""
    curves = lengths.recorded()["curve"][lengths.PREVIOUS][modo]
    found = [curves[str(seed)] for seed in semi]
    if passi == "nessuno":
        torch.set_default_dtype(torch.float32)
        found = [lengths.accuracy(lengths.build(modo, seed)).tolist() for seed in semi]
    with premessa:
        assert min(mean(curve[: lengths.SEEN - 1]) for curve in found) > 0.85

    with tesi:
        worst = min(mean(curve[-16:]) for curve in found)
        assert worst > 0.8
        assert worst > max(max(ends(lengths.PREVIOUS, other)) for other in lengths.WAYS if other != modo)
    with invece:  # nell’altro compito reggono tutti e due
        assert min(ends(lengths.OPENING, "ALiBi") + ends(lengths.OPENING, "sinusoidi")) > 0.9


def ends(task, way):
    """Le lettere giuste nelle ultime sedici posizioni, seme per seme, com’è registrato."""
    return [mean(curve[-16:]) for curve in lengths.recorded()["curve"][task][way].values()]


@pytest.mark.lento
def test_le_lunghezze_registrate_sono_di_questa_libreria():
    """Un modo e un seme, rifatti dal vivo per intero."""
    torch.set_default_dtype(torch.float32)
    curve = lengths.accuracy(lengths.train(lengths.build("ALiBi"))).tolist()
    recorded = lengths.recorded()["curve"][lengths.PREVIOUS]["ALiBi"]["0"]
    assert mean(curve) == pytest.approx(mean(recorded), abs=0.03)


# ---------------------------------------------------------------- attenzione più leggera


@affermazione("mqa-una-testa-di-chiavi", vero={"teste_di_chiavi": 1}, falso=[{"teste_di_chiavi": 2}])
def test_mqa_una_testa_di_chiavi(teste_di_chiavi):
    """Con 2, 4, 8 teste di query, un token alla volta: una cache tante volte più corta, e l’uscita di ogni testa con le
    stesse chiavi e gli stessi valori."""
    for h in (2, 4, 8):
        d_k, x = 32 // h, torch.randn(1, 9, 32)
        attention = GroupedQueryAttention(32, h, teste_di_chiavi)
        cache = KVCache(1, teste_di_chiavi, 9, d_k, d_k)
        steps = [attention(x[:, i : i + 1], is_causal=True, cache=cache) for i in range(9)]
        Q, K, V = (x[0] @ attention.W_qkv).split(attention.widths, dim=-1)
        K, V = K[:, :d_k], V[:, :d_k]  # una testa sola
        heads = [scaled_dot_product_attention(q, K, V, causal_mask(9))[0] for q in Q.split(d_k, dim=-1)]
        with tesi:
            assert h * cache.K.numel() == h * cache.V.numel() == x.numel()
            assert torch.allclose(torch.cat(heads, dim=-1) @ attention.W_o, torch.cat(steps, dim=1)[0])


@affermazione(
    "mla-matrici-spostate",
    vero={"via": "absorbed", "chiavi": "c W_uk"},
    falso=[{"via": "forward"}, {"chiavi": "girate"}, {"chiavi": "dopo una tanh"}],
)
def test_mla_matrici_spostate(via, chiavi):
    """Quattro coppie di larghezze, un token alla volta, contro le chiavi e i valori scritti testa per testa; ogni
    tabella calcolata all’ultimo token si guarda, e nessuna è di chiavi o di valori."""
    n = 9
    for d_model, h, d_c in ((8, 1, 3), (32, 4, 5), (64, 8, 16), (24, 2, 30)):
        latent, x = LatentAttention(d_model, h, d_c), torch.randn(1, n, d_model)
        d_k, c, steps, cache = d_model // h, x[0] @ latent.W_c, [], None
        for i in range(n):
            with Shapes() as shapes:
                step, cache = getattr(latent, via)(x[:, i : i + 1], cache)
            steps.append(step)
        heads = []
        for q, k, v in zip(*(W.split(d_k, dim=1) for W in (latent.W_q, latent.W_uk, latent.W_uv)), strict=True):
            Q, K = x[0] @ q, c @ k
            if chiavi == "girate":
                Q, K = RotaryPositions(d_k)(Q), RotaryPositions(d_k)(K)
            K = K.tanh() if chiavi == "dopo una tanh" else K
            heads.append(scaled_dot_product_attention(Q, K, c @ v, causal_mask(n))[0])
        with tesi:
            assert torch.allclose(torch.cat(steps, dim=1)[0], torch.cat(heads, dim=-1) @ latent.W_o)
            assert cache.shape == (1, n, d_c) and torch.allclose(cache[0], c)
            assert shapes.found and not {(n, d_k), (n, d_model), (d_k, n), (d_model, n)} & shapes.found


class Shapes(TorchDispatchMode):
    """I due ultimi assi di ogni tensore che PyTorch calcola nel blocco."""

    def __enter__(self):
        self.found = set()
        return super().__enter__()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.found |= {tuple(result.shape[-2:])} if isinstance(result, torch.Tensor) else set()
        return result


@affermazione(
    "sparsa-due-strati",
    vero={"schemi": ("finestra e passi", "blocchi e riassunti"), "strati": 2},
    falso=[{"schemi": ("finestra",)}, {"strati": 1}],
)
def test_sparsa_due_strati(schemi, strati):
    masks = {"finestra": window_mask, "finestra e passi": strided_mask, "blocchi e riassunti": fixed_mask}
    for r in (4, 8, 16, 24):
        n = r * r
        for name in schemi:
            mask = masks[name](n, r)
            assert mask.sum() <= 2 * r * n  # pochi: al più 2√n per riga
            with tesi:
                assert layers_to_join(mask) == strati


@affermazione(
    "mappe-a-rango-basso",
    vero={"mappe": "del traduttore"},
    falso=[{"mappe": "rimescolate"}],
)
def test_mappe_a_rango_basso(mappe):
    """Le mappe dell’encoder su testi di quattro frasi: la parte che resta fuori a rango 8, testa per testa."""
    left, before = left_out(mappe)
    with tesi:
        assert left.mean() < 0.4
    with invece:
        assert left.argmax() == before.argmax() and left.max() > 0.6 and left.min() < 0.25


def left_out(which):
    """Per testa, quanto resta fuori a rango 8 e quanto pesa la parola prima, in media sui testi: due (N, h)."""
    torch.set_default_dtype(torch.float32)
    translator, tokenizer = load_translator(TRADUTTORE)
    texts = [" ".join(sentence.words) for sentence in read_sentences()]
    left, before = [], []
    for i in range(0, len(texts) - 3, 4):
        ids = torch.tensor([tokenizer.encode(" ".join(texts[i : i + 4]))])
        with torch.no_grad():
            A = torch.stack([weights[0] for weights in translator.attention_weights(ids, ids)["encoder"]])
        before.append(A.diagonal(-1, dim1=2, dim2=3).mean(dim=2))
        if which == "rimescolate":
            A = A.gather(-1, torch.rand(A.shape).argsort(dim=-1))
        left.append(rank_error(A, 8))
    return torch.stack(left).mean(dim=0), torch.stack(before).mean(dim=0)


# ---------------------------------------------------------------- le alternative


@affermazione(
    "attenzione-lineare-stato-fisso",
    vero={"pesi": "φ(q) · φ(k)"},
    falso=[{"pesi": "exp(q · k)"}, {"pesi": "q · k"}],
)
def test_attenzione_lineare_stato_fisso(pesi):
    """La ricorrenza ridà la media pesata, rifatta qui con tutta la tabella, e con uno stato che non cresce; con la
    softmax, o senza φ, no."""
    sizes = set()
    for n in (3, 12, 48):
        Q, K, V = torch.randn(n, 4), torch.randn(n, 4), torch.randn(n, 3)
        positive = [torch.where(x > 0, x + 1, x.exp()) for x in (Q, K)]  # φ(q) e φ(k): (n, 4), due volte
        table = {
            "φ(q) · φ(k)": positive[0] @ positive[1].T,
            "exp(q · k)": (Q @ K.T).exp(),
            "q · k": Q @ K.T,
        }[pesi].tril()  # (n, n)
        full = table @ V / table.sum(dim=1, keepdim=True)
        state, steps = None, []
        for q, k, v in zip(Q, K, V, strict=True):
            output, state = linear_attention_step(q, k, v, state)
            steps.append(output)
        sizes.add(sum(part.numel() for part in state))
        with tesi:
            assert torch.allclose(torch.stack(steps), full) and torch.allclose(linear_attention(Q, K, V), full)
            assert len(sizes) == 1


@affermazione("s4-ricorrenza-e-convoluzione", vero={"strato": "S4"}, falso=[{"strato": "Mamba"}])
def test_s4_ricorrenza_e_convoluzione(strato):
    """Un kernel solo, letto dalla risposta a un impulso, rifà la ricorrenza su qualunque ingresso; e lo strato intero
    rende lo stesso, tutto insieme o una posizione alla volta."""
    for n in (5, 20, 64):
        layer, impulse, x = (
            {"S4": DiagonalS4, "Mamba": SelectiveScan}[strato](6),
            torch.zeros(1, n, 6),
            torch.randn(1, n, 6),
        )
        impulse[0, 0] = 1
        with tesi:
            torch.testing.assert_close(convolve(x, step_by_step(layer, impulse)[0]), step_by_step(layer, x))
            torch.testing.assert_close(layer(x), one_at_a_time(layer, x))


def one_at_a_time(layer, x):
    state, outputs = None, []
    for x_t in x.unbind(dim=1):
        y_t, state = layer.step(x_t, state)
        outputs.append(y_t)
    return torch.stack(outputs, dim=1)  # (1, n, d)


def step_by_step(layer, x):
    """La parte ricorrente di uno strato, una posizione alla volta: (1, n, d)."""
    if isinstance(layer, SelectiveScan):
        return one_at_a_time(layer, x)
    a, read = layer.discrete()
    states = recurrence(a.expand(*x.shape, -1), x[..., None].to(a.dtype))  # (1, n, d, n_states)
    return (read * states).real.sum(dim=-1)
