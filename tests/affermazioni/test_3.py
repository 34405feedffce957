"""Le affermazioni delle sezioni 3 e 3.2: encoder e decoder, somma pesata."""

import pytest
import torch
from registro import affermazione, tesi
from torch import nn

from attenzione.attention import scaled_dot_product_attention
from attenzione.config import BASE, TransformerConfig
from attenzione.decoding import greedy
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


@affermazione(
    "figura-1-somma-poi-norma", vero={"posto": -1, "sottostrati": 30}, falso=[{"posto": 0}, {"sottostrati": 24}]
)
def test_figura_1_somma_poi_norma(posto, sottostrati):
    """Ogni sottostrato finisce con la sua normalizzazione, e non ce ne sono altre."""
    tree = call_tree(BASE, 5, 6)
    found = calls_of(Residual, tree)
    with tesi:
        assert len(found) == len(calls_of(nn.LayerNorm, tree)) == sottostrati
        assert all(isinstance(call.calls[posto].module, nn.LayerNorm) for call in found)


@affermazione("n-simboli-n-vettori", vero={"scarto": 0}, falso=[{"scarto": 1}, {"scarto": -1}])
def test_n_simboli_n_vettori(scarto, model):
    for n in (1, 2, 5, 16):
        z, _ = model.encode(torch.arange(4, 4 + n)[None])
        with tesi:
            assert z.shape == (1, n + scarto, 8)


@affermazione(
    "un-simbolo-alla-volta", vero={"rientrano": "tutti"}, falso=[{"rientrano": "nessuno"}, {"rientrano": "l’ultimo"}]
)
def test_un_simbolo_alla_volta(rientrano, model):
    """La generazione della libreria, contro un ciclo che fa rientrare tutti i simboli generati, o meno."""
    src = torch.arange(4, 9)[None]
    with torch.no_grad():
        z, _ = model.encode(src)
        y = torch.tensor([[1]])
        for _ in range(12):
            tgt = {"tutti": y, "nessuno": y[:, :1], "l’ultimo": y[:, -1:]}[rientrano]
            scores = model.embedding.logits(model.decode(tgt, z)[:, -1])
            scores[:, :2] = -torch.inf
            y = torch.cat([y, scores.argmax(dim=-1, keepdim=True)], dim=1)
    generated = greedy(model, src)[0].tokens[:12]
    assert len(generated) == 12
    with tesi:
        assert generated == y[0, 1:].tolist()


@affermazione("uscita-somma-pesata", vero={"di": "valori"}, falso=[{"di": "chiavi"}, {"di": "query"}])
def test_uscita_somma_pesata(di):
    """Rifatta a mano: pesi non negativi che sommano a uno, uno per riga di ciò che si somma."""
    torch.manual_seed(0)
    Q, K, V = torch.randn(3, 100, 64, dtype=torch.float64)
    output, weights = scaled_dot_product_attention(Q, K, V)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(100, dtype=torch.float64))
    summed = {"valori": V, "chiavi": K, "query": Q}[di]
    by_hand = torch.stack([sum(w * row for w, row in zip(ws, summed, strict=True)) for ws in weights])
    with tesi:
        torch.testing.assert_close(output, by_hand)


@affermazione(
    "peso-dalla-compatibilita", vero={"muove": "chiave"}, falso=[{"muove": "valori"}, {"muove": "altra query"}]
)
def test_peso_dalla_compatibilita(muove):
    """I pesi di una query li muovono le chiavi, ciascuna il suo: non i valori, non un’altra query."""
    torch.manual_seed(0)
    Q, K, V = torch.randn(3, 20, 64, dtype=torch.float64)
    _, before = scaled_dot_product_attention(Q, K, V)
    moved = {
        "chiave": (Q, torch.cat([K[:1] + 1, K[1:]]), V),
        "valori": (Q, K, -V),
        "altra query": (torch.cat([Q[:-1], Q[-1:] + 1]), K, V),
    }[muove]
    _, after = scaled_dot_product_attention(*moved)
    with tesi:
        assert (after[:-1, 0] != before[:-1, 0]).all()
        torch.testing.assert_close(after[:-1, 1] / after[:-1, 2], before[:-1, 1] / before[:-1, 2])
