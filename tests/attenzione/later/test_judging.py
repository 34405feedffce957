"""Il giudice con i vizi: lo scambio ritrova il merito e il vizio piantati, e non vede quello di lunghezza."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attenzione.later.judging import prefers_first, unmask, verdicts

numbers = st.floats(-4, 4)


@given(numbers, numbers)
def test_swapping_recovers_merit_and_bias(merit, position):
    first = prefers_first(merit, position)
    swapped = prefers_first(-merit, position)
    found = unmask(first, swapped)
    planted = torch.tensor([merit, position], dtype=torch.float64)
    torch.testing.assert_close(torch.stack(found), planted, atol=1e-9, rtol=1e-9)


@given(numbers, numbers, numbers)
def test_a_taste_for_length_stays_in_the_merit(merit, position, longer):
    first = prefers_first(merit, position, 0.5, longer)
    swapped = prefers_first(-merit, position, 0.5, -longer)
    found, bias = unmask(first, swapped)
    assert found.item() == pytest.approx(merit + 0.5 * longer, abs=1e-6)
    assert bias.item() == pytest.approx(position, abs=1e-6)


def test_a_fair_judge_is_bradley_and_terry():
    strengths = torch.tensor([2.0, 3.0]).double()
    merit = strengths.log()[0] - strengths.log()[1]
    torch.testing.assert_close(prefers_first(merit), strengths[0] / strengths.sum())


def test_counts_follow_the_probability():
    probability = prefers_first(torch.tensor([0.0, 2.0, -1.0]))
    counts = verdicts(probability, 20_000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(counts / 20_000, probability, atol=0.015, rtol=0)


@pytest.mark.parametrize(("first", "swapped"), [(0.0, 0.5), (0.5, 1.0)])
def test_a_unanimous_judge_has_no_finite_bias(first, swapped):
    with pytest.raises(ValueError, match="attesa una frequenza fra 0 e 1, esclusi"):
        unmask(first, swapped)
