"""I conti della Tabella 1 su strati veri: operazioni, catene, cammini, e la tabella misurata."""

import pytest
import torch
from torch import nn

from attenzione.attention import scaled_dot_product_attention
from attenzione.evidence.complexity import (
    COSTS,
    build_layer,
    connections,
    max_path,
    path_lengths,
    recur,
    restricted_attention,
    steps,
)
from attenzione.evidence.tables import measured_complexity, printed_table


def vectors(n, d):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", COSTS)
@pytest.mark.parametrize("size", (3, 4))
def test_ogni_strato_conserva_la_forma(kind, size):
    assert build_layer(kind, 6, kernel_size=size, r=size)(vectors(9, 6)).shape == (9, 6)


def test_strato_ignoto():
    with pytest.raises(ValueError, match="«gru»"):
        build_layer("gru", 4)


def test_recur_uguale_a_rnn():
    cell = nn.RNNCell(4, 4, bias=False).double()
    rnn = nn.RNN(4, 4, bias=False).double()
    rnn.weight_ih_l0, rnn.weight_hh_l0 = cell.weight_ih, cell.weight_hh
    torch.testing.assert_close(recur(cell, vectors(7, 4)), rnn(vectors(7, 4))[0])


@pytest.mark.parametrize("r", (1, 3, 4, 9))
def test_ristretta_uguale_alla_maschera(r):
    """Guardare le r posizioni vicine è come mascherare tutte le altre."""
    X, index = vectors(8, 4), torch.arange(8)
    offset = index[None] - index[:, None] + r // 2  # (8, 8)
    masked, _ = scaled_dot_product_attention(X, X, X, (offset >= 0) & (offset < r))
    torch.testing.assert_close(restricted_attention(X, r), masked)


@pytest.mark.parametrize("kind", ("convoluzionale", "ristretta"))
def test_cammino_uguale_alla_pila_vera(kind):
    """Tanti strati quanti ne dice la ricerca collegano tutto; uno di meno no."""
    depth = max_path(kind, 12, kernel_size=3, r=5)
    torch.manual_seed(0)
    layers = [build_layer(kind, 2, 3, 5) for _ in range(depth)]
    linked = [connections(nn.Sequential(*map(Step, layers[:m])), vectors(12, 2)).all() for m in (depth - 1, depth)]
    assert linked == [False, True]


class Step(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, X):
        return self.function(X)


def test_ricerca_su_un_grafo_noto():
    """Un anello di cinque posizioni, a senso unico: da 0 a 4 passi, più quello con cui si entra."""
    ring = torch.eye(5, dtype=torch.bool).roll(1, 0)
    lengths = path_lengths(iter([torch.eye(5, dtype=torch.bool), *[ring] * 9]))
    assert lengths[:, 0].tolist() == [1, 2, 3, 4, 5]


def test_stessi_cammini_a_ogni_giro():
    state = torch.get_rng_state()
    assert torch.equal(path_lengths(steps("dilatata", 10)), path_lengths(steps("dilatata", 10)))
    assert torch.equal(state, torch.get_rng_state())


def test_tabella_misurata_accanto_a_quella_stampata():
    table = measured_complexity(n=8, d=16, r=5)
    assert {len(row) for row in table.rows} == {len(table.header)} == {7}
    assert sum("stampato" in name for name in table.header) == sum("calcolato" in name for name in table.header) == 3
    stated = {tuple(row[1:]) for row in printed_table(1).rows}
    assert stated <= {(row[1], row[3], row[5]) for row in table.rows}
    assert [row[2].split()[-1] for row in table.rows] == ["4", "2", "2", "2", "2", "2"]
