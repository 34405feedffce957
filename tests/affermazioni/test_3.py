"""Le affermazioni delle sezioni 3 e 3.2: encoder e decoder, somma pesata."""

from dataclasses import replace

import pytest
import torch
from registro import affermazione, tesi
from torch import nn

from attenzione.attention import causal_mask, fused_attention, scaled_dot_product_attention
from attenzione.config import BASE, TransformerConfig
from attenzione.decoding import beam_search, greedy
from attenzione.figures.architecture import call_tree
from attenzione.layers import Residual
from attenzione.model import Transformer


@pytest.fixture
def model():
    torch.manual_seed(54)
    return Transformer(TransformerConfig(n_vocab=20, n_layers=2, n_heads=2, d_model=8, d_ff=32, d_k=4, d_v=3)).eval()


def calls_of(kind, call):
    """Le chiamate ai moduli di quella specie, nell’ordine."""
    return [call] * isinstance(call.module, kind) + [found for inner in call.calls for found in calls_of(kind, inner)]


def residual_sums():
    """Per ogni sottostrato: che cosa gli entra, che cosa rende, che cosa entra nella normalizzazione."""
    torch.manual_seed(0)
    model, found = Transformer(replace(BASE, n_vocab=100)).eval(), []
    for layer in (*model.encoder, *model.decoder):
        sublayers = [m for m in layer.children() if not isinstance(m, nn.ModuleList)]  # nell’ordine in cui si usano
        for residual, sublayer in zip(layer.residuals, sublayers, strict=True):
            found.append(seen := [])
            residual.register_forward_pre_hook(lambda m, x, seen=seen: seen.append(x[0]))
            sublayer.register_forward_hook(lambda m, x, y, seen=seen: seen.append(y))
            residual.norm.register_forward_pre_hook(lambda m, x, seen=seen: seen.append(x[0]))
    with torch.no_grad():
        model(torch.arange(5, 10)[None], torch.arange(20, 26)[None])
    return found


@affermazione(
    "figura-1-somma-poi-norma", vero={"posto": -1, "sottostrati": 30}, falso=[{"posto": 0}, {"sottostrati": 24}]
)
def test_figura_1_somma_poi_norma(posto, sottostrati):
    """Ogni sottostrato finisce con la sua normalizzazione, a cui entra la somma di ciò che c’era e della sua uscita; e
    di normalizzazioni non ce ne sono altre. Nel modello base intero."""
    tree = call_tree(BASE, 5, 6)
    found = calls_of(Residual, tree)
    sums = residual_sums()
    assert len(sums) == 30
    with tesi:
        assert len(found) == len(calls_of(nn.LayerNorm, tree)) == sottostrati
        assert all(isinstance(call.calls[posto].module, nn.LayerNorm) for call in found)
        assert all(torch.allclose(entered, x + y) for x, y, entered in sums)


def its_own(z):
    return z


def everyones(z):
    return z.mean(dim=1, keepdim=True).expand_as(z)  # (1, n, 512): n volte lo stesso


@affermazione(
    "n-simboli-n-vettori",
    vero={"scarto": 0, "vettori": its_own},
    falso=[{"scarto": 1}, {"scarto": -1}, {"vettori": everyones}],
)
def test_n_simboli_n_vettori(scarto, vettori):
    """Nel modello base. Ogni vettore è del suo simbolo: senza posizioni, mescolati i simboli si mescolano i vettori, e
    quelli di simboli diversi sono diversi."""
    torch.manual_seed(0)
    model, bare = (Transformer(replace(BASE, n_vocab=100, positions=kind)).eval() for kind in ("sinusoidal", "none"))
    for n in (1, 2, 5, 16, 60):
        src, order = torch.arange(4, 4 + n)[None], torch.randperm(n)
        with torch.no_grad(), tesi:
            assert model.encode(src)[0].shape == (1, n + scarto, 512)
            vectors, mixed = (vettori(bare.encode(tokens)[0]) for tokens in (src, src[:, order]))  # (1, n, 512)
            torch.testing.assert_close(mixed, vectors[:, order], atol=1e-4, rtol=0)
            assert (torch.cdist(vectors, vectors)[0] + 1e9 * torch.eye(n)).min() > 1


@affermazione(
    "un-simbolo-alla-volta", vero={"rientrano": "tutti"}, falso=[{"rientrano": "nessuno"}, {"rientrano": "l’ultimo"}]
)
def test_un_simbolo_alla_volta(rientrano, model):
    """La generazione della libreria, contro un ciclo che fa rientrare tutti i simboli generati, o meno. Da otto frasi
    di lunghezza diversa, fino in fondo. Di ciò che rende la beam search si rifà, allo stesso modo, la probabilità."""

    @torch.no_grad()
    def following(z, y):
        """I logaritmi delle probabilità del simbolo che segue, per ciascuna delle righe y, (righe, m)."""
        tgt = {"tutti": y, "nessuno": y[:, :1], "l’ultimo": y[:, -1:]}[rientrano]
        scores = model.embedding.logits(model.decode(tgt, z)[:, -1])  # (righe, 20)
        scores[:, :2] = -torch.inf
        return scores.log_softmax(dim=-1)

    def symbols(hypothesis):
        return hypothesis.tokens + [model.config.eos_id] * hypothesis.finished

    for n in range(2, 10):
        src = torch.randint(4, 20, (1, n))
        generated, y = symbols(greedy(model, src)[0]), torch.tensor([[1]])
        z = model.encode(src)[0].detach()
        for _ in generated:
            y = torch.cat([y, following(z, y).argmax(dim=-1, keepdim=True)], dim=1)
        with tesi:
            assert generated == y[0, 1:].tolist()
        for hypothesis in beam_search(model, src, n_best=4, max_extra=4)[0]:
            whole = torch.tensor([[1, *symbols(hypothesis)]])  # (1, m + 1)
            steps = [following(z, whole[:, :m])[0, whole[0, m]].item() for m in range(1, whole.size(1))]
            with tesi:
                assert hypothesis.log_prob == pytest.approx(sum(steps), abs=1e-4)


@affermazione("uscita-somma-pesata", vero={"di": "valori"}, falso=[{"di": "chiavi"}, {"di": "query"}])
def test_uscita_somma_pesata(di):
    """Rifatta a mano: pesi non negativi che sommano a uno, uno per riga di ciò che si somma. Anche l’uscita del kernel
    fuso, che i pesi non li rende; a più grandezze. Senza maschera, con quella del decoder, come la si costruisce e come
    la chiede lui, e con quella che nasconde le ultime posizioni."""
    torch.manual_seed(0)
    for n, d in ((5, 8), (100, 64), (17, 512)):
        Q, K, V = torch.randn(3, n, d, dtype=torch.float64)
        summed = {"valori": V, "chiavi": K, "query": Q}[di]
        causal, hidden = causal_mask(n), torch.arange(n)[None] < n - 2  # (n, n), (1, n)
        for mask, ways in (
            (None, [{}]),
            (causal, [{"mask": causal}, {"is_causal": True}]),
            (hidden, [{"mask": hidden}]),
        ):
            output, weights = scaled_dot_product_attention(Q, K, V, mask)
            by_hand = torch.stack([sum(w * row for w, row in zip(ws, summed, strict=True)) for ws in weights])
            with tesi:
                assert (weights >= 0).all()
                torch.testing.assert_close(weights.sum(dim=1), torch.ones(n, dtype=torch.float64))
                torch.testing.assert_close(output, by_hand)
                for way in ways:
                    torch.testing.assert_close(fused_attention(Q, K, V, **way), by_hand)


def weights(Q, K, V):
    return scaled_dot_product_attention(Q, K, V)[1]


def from_values_too(Q, K, V):
    return weights(Q, K + V, V)


def from_every_query(Q, K, V):
    return weights(Q + Q.mean(dim=0), K, V)


def from_every_key(Q, K, V):
    return weights(Q, K / K.std(dim=0), V)  # ogni chiave, misurata sulle altre


def from_the_key_alone(Q, K, V):
    return K.mean(dim=-1).softmax(dim=-1).expand(len(Q), -1)  # (n_q, n_k): la query non conta


def from_its_place_too(Q, K, V):
    late = weights(Q, K, V) * torch.arange(1, len(K) + 1)  # (n_q, n_k)
    return late / late.sum(dim=-1, keepdim=True)


@affermazione(
    "peso-dalla-compatibilita",
    vero={"pesi": weights},
    falso=[
        {"pesi": from_values_too},
        {"pesi": from_every_query},
        {"pesi": from_every_key},
        {"pesi": from_the_key_alone},
        {"pesi": from_its_place_too},
    ],
)
def test_peso_dalla_compatibilita(pesi):
    """I pesi di una query non li muovono i valori, né le altre query; li muovono lei, che ne cambia i rapporti, e le
    chiavi, ciascuna il suo, dovunque stia: mossa una chiave, i rapporti fra i pesi delle altre restano quelli."""
    for n_q, n_k, d in ((20, 20, 64), (5, 12, 8), (30, 7, 512)):
        torch.manual_seed(0)
        Q, K, V = (torch.randn(n, d, dtype=torch.float64) for n in (n_q, n_k, n_k))
        before = pesi(Q, K, V)  # (n_q, n_k)
        with tesi:
            torch.testing.assert_close(pesi(Q, K, torch.randn_like(V)), before)
            torch.testing.assert_close(fused_attention(Q, K, torch.eye(n_k).double()), before)  # quelli del kernel fuso
            order = torch.randperm(n_k)
            torch.testing.assert_close(pesi(Q, K[order], V[order]), before[:, order])
            ratios = pesi(torch.randn_like(Q), K, V) / before  # (n_q, n_k)
            assert (ratios / ratios[:, :1] - 1).abs().amax(dim=1).min() > 1e-6
        for i in range(n_q):
            this = torch.arange(n_q)[:, None] == i
            with tesi:
                torch.testing.assert_close(pesi(torch.where(this, Q, torch.randn_like(Q)), K, V)[i], before[i])
        for j in range(n_k):
            this = torch.arange(n_k)[:, None] == j
            ratios = pesi(Q, torch.where(this, K + 1, K), V) / before  # (n_q, n_k)
            others = ratios[:, ~this[:, 0]]  # (n_q, n_k − 1)
            with tesi:
                torch.testing.assert_close(others, others[:, :1].expand_as(others))
                assert (ratios[:, j] - others[:, 0]).abs().min() > 1e-6
