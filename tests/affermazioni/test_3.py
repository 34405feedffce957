"""Le affermazioni delle sezioni 3 e 3.2: encoder e decoder, somma pesata."""

import pytest
import torch
from registro import affermazione
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


def residuals(call):
    if isinstance(call.module, Residual):
        return [call]
    return [found for inner in call.calls for found in residuals(inner)]


@affermazione(
    "figura-1-somma-poi-norma", vero={"posto": -1, "sottostrati": 30}, falso=[{"posto": 0}, {"sottostrati": 24}]
)
def test_figura_1_somma_poi_norma(posto, sottostrati):
    found = residuals(call_tree(BASE, 5, 6))
    assert len(found) == sottostrati
    assert all(isinstance(call.calls[posto].module, nn.LayerNorm) for call in found)


@affermazione("n-simboli-n-vettori", vero={"scarto": 0}, falso=[{"scarto": 1}, {"scarto": -1}])
def test_n_simboli_n_vettori(scarto, model):
    for n in (1, 2, 5, 16):
        z, _ = model.encode(torch.arange(4, 4 + n)[None])
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
    assert generated == y[0, 1:].tolist()


@affermazione("uscita-somma-pesata", vero={"somma": 1.0}, falso=[{"somma": 8.0}, {"somma": 0.125}])
def test_uscita_somma_pesata(somma):
    torch.manual_seed(0)
    Q, K, V = torch.randn(3, 100, 64, dtype=torch.float64)
    output, weights = scaled_dot_product_attention(Q, K, V)
    torch.testing.assert_close(output, weights @ V)
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.full((100,), somma, dtype=torch.float64))
    assert (output >= V.amin(dim=0)).all() and (output <= V.amax(dim=0)).all()


@affermazione("peso-dalla-compatibilita", vero={"muove": "chiave"}, falso=[{"muove": "valori"}])
def test_peso_dalla_compatibilita(muove):
    """Muovendo una chiave i pesi cambiano, e il rapporto fra gli altri due resta; muovendo i valori nulla cambia."""
    torch.manual_seed(0)
    Q, K, V = torch.randn(3, 20, 64, dtype=torch.float64)
    _, before = scaled_dot_product_attention(Q, K, V)
    moved = torch.cat([K[:1] + 1, K[1:]])
    _, after = scaled_dot_product_attention(Q, *((moved, V) if muove == "chiave" else (K, -V)))
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after[:, 1] / after[:, 2], before[:, 1] / before[:, 2])
