"""L’esempio dei cinque token: forme tutte diverse, numeri sempre gli stessi."""

import math

import pytest
import torch

from attenzione.data import example
from attenzione.measure.timing import best_seconds


def test_dimensioni_tutte_diverse():
    sizes = (example.N, example.D_MODEL, example.H, example.D_K, example.D_V)
    assert sizes == (5, 8, 2, 4, 3) and len(set(sizes)) == 5


def test_forme():
    expected = {
        "E": (5, 8),
        "W_q": (2, 8, 4),
        "W_k": (2, 8, 4),
        "W_v": (2, 8, 3),
        "W_o": (6, 8),
        "X": (5, 8),
        "Q": (5, 4),
        "K": (5, 4),
        "V": (5, 3),
    }
    assert {name: tuple(getattr(example, name).shape) for name in expected} == expected


def test_numeri_fissi():
    """Se cambiano, cambiano tutte le pagine: i valori della prima riga sono scritti qui."""
    torch.testing.assert_close(example.Q[0], torch.tensor([0.9394, -0.5051, 0.8657, -2.1648]), atol=1e-4, rtol=0)
    assert example.E.mul(10).eq(example.E.mul(10).round()).float().mean() > 0.99


def test_ingresso_dalla_formula():
    """X è l’embedding per √d_model più seni e coseni, componente per componente."""
    for pos in range(5):
        for i in range(4):
            angle = pos / 10000 ** (2 * i / 8)
            expected = (math.sin(angle), math.cos(angle))
            for j in (0, 1):
                value = example.E[pos, 2 * i + j] * math.sqrt(8) + expected[j]
                assert math.isclose(example.X[pos, 2 * i + j], value, abs_tol=1e-6)


def test_tempo():
    calls = []
    assert best_seconds(calls.append, 1, repeats=3) >= 0
    assert len(calls) == 4
    with pytest.raises(ValueError, match="almeno 1"):
        best_seconds(print, repeats=0)
