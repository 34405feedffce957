"""Le affermazioni dell’introduzione."""

from functools import cache
from statistics import mean

import pytest
import torch
from registro import affermazione, distacco, tesi
from torch import nn

from attenzione.attention import MultiHeadAttention
from attenzione.config import load_tables
from attenzione.evidence.complexity import build_layer, sequential_operations


def seeded_rnn(d):
    torch.manual_seed(0)
    return nn.RNN(d, d)


def recurrent(X, h):
    return seeded_rnn(X.size(-1))(X, h[None])[0]  # (n, d)


def separate(X, h):
    return X.tanh()  # (n, d): ogni posizione per conto suo


def window(X, h):
    return (X + torch.cat([h[None], X[:-1]])).tanh()  # (n, d): l’ingresso e quello prima, non lo stato


@affermazione("stato-dal-precedente", vero={"strato": recurrent}, falso=[{"strato": separate}, {"strato": window}])
def test_stato_dal_precedente(strato):
    """h_t dipende da h_{t-1} e da x_t, e da nient’altro: ripartire di lì dà lo stesso stato."""
    torch.manual_seed(1)
    X, start = torch.randn(6, 8), torch.zeros(8)  # (6, 8), (8,)
    h = strato(X, start)  # (6, 8)
    again = torch.cat([strato(X[t : t + 1], h[t - 1]) for t in range(1, 6)])  # (5, 8)
    moved = torch.cat([strato(X[t : t + 1], h[t - 1] + 1) for t in range(1, 6)])  # (5, 8)
    with tesi:
        torch.testing.assert_close(again, h[1:])
        assert (moved != again).any(dim=-1).all()


@affermazione(
    "la-fila-cresce-con-la-frase",
    vero={"strato": "ricorrente", "rapporto": 2},
    falso=[{"strato": "self-attention"}, {"rapporto": 1}],
)
def test_la_fila_cresce_con_la_frase(strato, rapporto):
    """Se la frase raddoppia, raddoppia la fila nel grafo di uno strato vero; un logaritmo crescerebbe uguale."""
    short, long, longer = (sequential_operations(build_layer(strato, 8), n, 8) for n in (16, 32, 64))
    with tesi:
        assert longer - long == rapporto * (long - short) > 0


class Lookup(nn.Module):
    """Ultima posizione → la classe portata dalla sola posizione segnata, con l’attenzione o con una rete ricorrente."""

    def __init__(self, kind, d=24):
        super().__init__()
        self.enter, self.leave = nn.Linear(9, d), nn.Linear(d, 8)
        self.mix = MultiHeadAttention(d, 1) if kind == "attenzione" else nn.RNN(d, d, batch_first=True)

    def forward(self, X):
        x = self.enter(X)  # (B, n, d)
        h = self.mix(x[:, -1:], x) if isinstance(self.mix, MultiHeadAttention) else self.mix(x)[0]
        return self.leave(h[:, -1])  # (B, 8)


def marked(n, distance):
    """128 sequenze di n classi, una segnata, distance posti prima della fine: (128, n, 9). La sua classe, che una
    volta su cinque è sostituita a caso: (128,)."""
    classes = torch.randint(8, (128, n))
    X = torch.cat([nn.functional.one_hot(classes, 8), torch.zeros(128, n, 1)], dim=-1).float()
    X[:, n - 1 - distance, 8] = 4
    noisy = torch.where(torch.rand(128) < 0.2, torch.randint(8, (128,)), classes[:, n - 1 - distance])
    return X, noisy


@cache
def lookup_losses(kind, steps, seed):
    """La perdita con il segno vicino, a un posto, e lontano, a undici, dopo aver visto tutte le distanze."""
    torch.manual_seed(seed)
    model = Lookup(kind)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        X, y = marked(12, torch.randint(1, 12, ()).item())
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X), y).backward()
        optimizer.step()
    with torch.no_grad():
        return [nn.functional.cross_entropy(model(X), y).item() for X, y in (marked(12, 1), marked(12, 11))]


@pytest.mark.lento
@affermazione(
    "senza-riguardo-alla-distanza",
    vero={"meccanismo": "attenzione", "passi": 100},
    falso=[{"meccanismo": "rete ricorrente"}],
    controllo=[{"passi": 0}],
    semi=(0, 1, 2),
)
def test_senza_riguardo_alla_distanza(meccanismo, passi, semi):
    """Da lontano la dipendenza si impara come da vicino; senza addestramento non si impara affatto."""
    near, far = zip(*(lookup_losses(meccanismo, passi, seed) for seed in semi), strict=True)
    chance = [2.08] * len(semi)  # ln 8
    with tesi:
        assert distacco(chance, far) > 2
        assert mean(far) < mean(near) + 0.2


@affermazione("stato-dell-arte-in-dodici-ore", vero={"lingua": "bleu_en_de"}, falso=[{"lingua": "bleu_en_fr"}])
def test_stato_dell_arte_in_dodici_ore(lingua):
    """Il modello base supera tutti gli altri, ensemble compresi: vero in una lingua, falso nell’altra."""
    rows = load_tables()["tabella_2"]
    base = next(row for row in rows if "base" in row["model"])
    with tesi:
        assert base[lingua] > max(row.get(lingua, 0) for row in rows if row["gruppo"] != "transformer")
