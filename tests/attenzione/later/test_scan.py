"""La ricorrenza lineare: un passo alla volta, per raddoppi e come somma pesata sono lo stesso conto."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.evidence.complexity import sequential_operations
from attenzione.later.scan import decay_weights, recurrence, scan


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 17), batch=st.integers(1, 3), states=st.sampled_from([(), (2,), (2, 3)]))
def test_three_ways_give_the_same_states(n, batch, states):
    a, b = torch.rand(batch, n, *states).double(), torch.randn(batch, n, *states).double()
    h = recurrence(a, b)
    close(scan(a, b), h)
    close((decay_weights(a) * b[:, None]).sum(dim=2), h)


def test_by_hand():
    a, b = torch.tensor([[9.0, 2.0, 3.0]]), torch.tensor([[1.0, 10.0, 100.0]])
    assert recurrence(a, b).tolist() == [[1.0, 12.0, 136.0]]  # il primo coefficiente non conta: prima non c’è nulla
    assert decay_weights(a).tolist() == [[[1, 0, 0], [2, 1, 0], [6, 3, 1]]]


def test_a_later_input_does_not_reach_an_earlier_state():
    a, b = torch.rand(1, 9, 2), torch.randn(1, 9, 2)
    changed = b.clone()
    changed[:, 5] += 1
    for solve in (recurrence, scan):
        moved = (solve(a, b) != solve(a, changed)).any(dim=-1)[0]
        assert moved.tolist() == [False] * 5 + [True] * 4


def test_the_order_of_the_factors_counts():
    """Un guasto piantato: unendo i passi al contrario, (a′, b′) e poi (a, b), i numeri non tornano."""
    a, b = torch.rand(1, 2).double(), torch.randn(1, 2).double()
    wrong = torch.stack([b[:, 0], b[:, 0] + a[:, 0] * b[:, 1]], dim=1)
    assert not torch.allclose(wrong, recurrence(a, b))
    close(scan(a, b), recurrence(a, b))


def test_doubling_waits_for_the_logarithm_of_the_length():
    a = torch.rand(1, 64, 1).double()

    def chain(solve, n):
        return sequential_operations(lambda x: solve(a[:, :n], x[None])[0], n, 1)

    assert chain(scan, 64) - chain(scan, 32) == chain(scan, 32) - chain(scan, 16)
    assert chain(recurrence, 64) - chain(recurrence, 32) == 2 * (chain(recurrence, 32) - chain(recurrence, 16))
    assert chain(scan, 64) < chain(recurrence, 64) / 3


def test_scanning_has_its_derivative():
    a = torch.rand(2, 5, 2, dtype=torch.float64, requires_grad=True)
    b = torch.randn(2, 5, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(scan, (a, b)) and torch.autograd.gradcheck(recurrence, (a, b))


def test_scan_errors():
    with pytest.raises(ValueError, match=r"a ha forma \(1, 3\): attesa trasmissibile a \(1, 2\), quella di b"):
        scan(torch.ones(1, 3), torch.ones(1, 2))
    with pytest.raises(ValueError, match=r"a ha forma \(3,\): attesa \(B, n, \.\.\.\), con almeno un passo"):
        recurrence(torch.ones(3), torch.ones(3))
    with pytest.raises(ValueError, match="con almeno un passo"):
        scan(torch.ones(1, 0), torch.ones(1, 0))
