"""Le affermazioni dell’introduzione."""

from itertools import product

import torch
from registro import affermazione, invece, tesi
from torch import nn

from attenzione.attention import MultiHeadAttention, scaled_dot_product_attention
from attenzione.config import load_tables
from attenzione.embedding import sinusoidal_positions
from attenzione.evidence.complexity import build_layer, seeded, sequential_operations
from attenzione.evidence.tables import training_flops


def recurrent(X, h):
    return seeded(0, nn.RNN, X.size(-1), X.size(-1))(X, h)[0][:, None]  # (n, 1, d)


def gated(X, h):
    return seeded(0, nn.GRU, X.size(-1), X.size(-1))(X, h)[0][:, None]  # (n, 1, d)


def with_its_cell(X, state):
    layer, states = seeded(0, nn.LSTM, X.size(-1), X.size(-1)), []
    for x in X.split(1):
        _, state = layer(x, tuple(state[:, None]))  # h e c: (1, d), due volte
        state = torch.cat(state)
        states.append(state)
    return torch.stack(states)  # (n, 2, d)


def without_its_cell(X, h):
    return with_its_cell(X, torch.cat([h, torch.zeros_like(h)]))[:, :1]  # (n, 1, d): la cella riparte da zero


def separate(X, h):
    return X.tanh()[:, None]  # (n, 1, d): ogni posizione per conto suo


def window(X, h):
    return (X + torch.cat([h, X[:-1]])).tanh()[:, None]  # (n, 1, d): l’ingresso e quello prima, non lo stato


@affermazione(
    "stato-dal-precedente",
    vero={"strati": {recurrent: 1, gated: 1, with_its_cell: 2}},
    falso=[{"strati": {separate: 1}}, {"strati": {window: 1}}, {"strati": {without_its_cell: 1}}],
)
def test_stato_dal_precedente(strati):
    """h_t dipende da h_{t-1} e da x_t, e da nient’altro: ripartire di lì dà lo stesso stato. Nella LSTM si riparte da
    due vettori, h_{t-1} e la cella, e h_t dipende da ciascuno. A più grandezze."""
    torch.manual_seed(1)
    for (layer, parts), (n, d) in product(strati.items(), ((6, 8), (30, 4), (5, 512))):
        X = torch.randn(n, d)  # (n, d)
        states = layer(X, torch.zeros(parts, d))  # (n, parts, d)

        def step(more_x=0, more=0, layer=layer, X=X, states=states):
            found = [layer(X[t : t + 1] + more_x, states[t - 1] + more) for t in range(1, len(X))]
            return torch.cat(found)  # (n − 1, parts, d)

        with tesi:
            torch.testing.assert_close(step(), states[1:])
            for more in torch.eye(parts)[..., None]:  # (parts, 1): una parte dello stato per volta
                assert (step(more=more) != step())[:, 0].any(dim=-1).all()
            assert (step(more_x=1) != step())[:, 0].any(dim=-1).all()


@affermazione(
    "la-fila-cresce-con-la-frase",
    vero={"strati": ("ricorrente", "LSTM", "GRU"), "rapporto": 2},
    falso=[{"strati": ("self-attention",)}, {"strati": ("convoluzionale",)}, {"rapporto": 1}],
)
def test_la_fila_cresce_con_la_frase(strati, rapporto):
    """Se la frase raddoppia, raddoppia la fila nel grafo di uno strato vero; un logaritmo crescerebbe uguale."""
    for kind, d in product(strati, (8, 32)):
        layer = gates(kind, d) if kind in ("LSTM", "GRU") else build_layer(kind, d)
        short, long, longer = (sequential_operations(layer, n, d) for n in (16, 32, 64))
        with tesi:
            assert longer - long == rapporto * (long - short) > 0


def gates(kind, d):
    layer = getattr(nn, kind)(d, d).double()
    return lambda X: layer(X)[0]  # (n, d)


def attention(q, K, V):
    return scaled_dot_product_attention(q, K, V)[0][0]  # (d,)


def eight_heads(q, K, V):
    d = K.size(-1)
    return seeded(0, MultiHeadAttention, d, 8).double()(q[None], K[None])[0, 0]  # (d,): K dà chiavi e valori


def with_positions(q, K, V):
    p = sinusoidal_positions(*K.shape)  # (n, d)
    return attention(q, K + p, V + p)


def last_state(q, K, V):
    d = K.size(-1)
    return seeded(0, nn.RNN, 3 * d, d).double()(torch.cat([K, V, q.expand_as(K)], dim=-1))[0][-1]  # (d,)


@affermazione(
    "senza-riguardo-alla-distanza",
    vero={"meccanismi": (attention, eight_heads)},
    falso=[{"meccanismi": (with_positions,)}, {"meccanismi": (last_state,)}],
)
def test_senza_riguardo_alla_distanza(meccanismi):
    """Le stesse coppie in altri posti, vicine o lontane: l’uscita è la stessa. Con le posizioni no, e nemmeno in una
    rete ricorrente. A più lunghezze e grandezze; mescolate a caso, rovesciate, l’ultima portata al primo posto."""
    generator = torch.Generator().manual_seed(0)
    for mechanism, n, d in product(meccanismi, (5, 50, 1000), (8, 64)):
        q, K, V = (torch.randn(rows, d, dtype=torch.float64, generator=generator) for rows in (1, n, n))
        before = mechanism(q, K, V)  # (d,)
        assert (mechanism(q, K[:-1], V[:-1]) - before).abs().max() > 1e-6  # anche l’ultima coppia conta
        for order in (torch.randperm(n, generator=generator), torch.arange(n).flip(0), torch.arange(n).roll(1)):
            with tesi:
                torch.testing.assert_close(mechanism(q, K[order], V[order]), before, rtol=1e-9, atol=1e-12)


LANGUAGES = ("bleu_en_de", "bleu_en_fr")


def two_digits(x):
    return float(f"{x:.1e}")


@affermazione(
    "stato-dell-arte-in-dodici-ore",
    vero={"lingua": "bleu_en_de", "ore": 12},
    falso=[{"lingua": "bleu_en_fr"}, {"ore": 24}, {"ore": 6}],
)
def test_stato_dell_arte_in_dodici_ore(lingua, ore):
    """Il modello base, che costa dodici ore di otto P100 (lo stesso numero vale per le due lingue), supera tutti gli
    altri, ensemble compresi: vero in una lingua, falso nell’altra."""
    rows = load_tables()["tabella_2"]
    base = next(row for row in rows if "base" in row["model"])
    best = {column: max(row.get(column, 0) for row in rows if row["gruppo"] != "transformer") for column in LANGUAGES}
    with tesi:
        assert base[lingua] > best[lingua]
        assert two_digits(training_flops(ore * 3600)) == base["flops_both"]
    with invece:
        assert base["bleu_en_fr"] == 38.1 and round(best["bleu_en_fr"] - 38.1, 2) == 3.19
