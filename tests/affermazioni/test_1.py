"""Le affermazioni dell’introduzione."""

import torch
from registro import affermazione
from torch import nn

from attenzione.attention import causal_mask, scaled_dot_product_attention
from attenzione.config import load_tables
from attenzione.evidence.complexity import build_layer, sequential_operations


def recurrent(X):
    torch.manual_seed(0)
    return nn.RNN(X.size(-1), X.size(-1))(X)[0]  # (n, d)


def separate(X):
    return X.tanh()  # (n, d): ogni posizione per conto suo


@affermazione("stato-dal-precedente", vero={"strato": recurrent}, falso=[{"strato": separate}])
def test_stato_dal_precedente(strato):
    """Cambia il primo ingresso: cambiano tutti gli stati; cambia l’ultimo: solo l’ultimo."""
    torch.manual_seed(1)
    X = torch.randn(6, 8)  # (6, 8)
    for position in (0, 5):
        changed = X.clone()
        changed[position] += 1
        moved = (strato(X) != strato(changed)).any(dim=-1)  # (6,)
        assert moved.tolist() == [t >= position for t in range(6)]


@affermazione(
    "la-fila-cresce-con-la-frase",
    vero={"strato": "ricorrente", "rapporto": 2},
    falso=[{"strato": "self-attention"}, {"rapporto": 1}],
)
def test_la_fila_cresce_con_la_frase(strato, rapporto):
    """Al raddoppiare della frase raddoppiano i passi in fila, nel grafo delle dipendenze di uno strato vero."""
    short, long, longer = (sequential_operations(build_layer(strato, 8), n, 8) for n in (16, 32, 64))
    assert longer - long == rapporto * (long - short) > 0


def attention(q, K, V):
    return scaled_dot_product_attention(q, K, V)[0]


def first_half(q, K, V):
    return scaled_dot_product_attention(q, K, V, causal_mask(len(K))[[len(K) // 2]])[0]


@affermazione("senza-riguardo-alla-distanza", vero={"meccanismo": attention}, falso=[{"meccanismo": first_half}])
def test_senza_riguardo_alla_distanza(meccanismo):
    """La stessa chiave, con il suo valore, portata dal fondo alla testa di una sequenza di mille."""
    torch.manual_seed(0)
    q, K, V = torch.randn(1, 64), torch.randn(1000, 64), torch.randn(1000, 64)
    near, far = meccanismo(q, K, V), meccanismo(q, K.roll(1, dims=0), V.roll(1, dims=0))  # (1, 64)
    assert torch.allclose(near, far, atol=1e-5)


@affermazione("stato-dell-arte-in-dodici-ore", vero={"lingua": "bleu_en_de"}, falso=[{"lingua": "bleu_en_fr"}])
def test_stato_dell_arte_in_dodici_ore(lingua):
    """Il modello base supera tutti gli altri, ensemble compresi: vero in una lingua, falso nell’altra."""
    rows = load_tables()["tabella_2"]
    base = next(row for row in rows if "base" in row["model"])
    assert base[lingua] > max(row.get(lingua, 0) for row in rows if row["gruppo"] != "transformer")
