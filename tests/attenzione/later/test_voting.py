"""La maggioranza: la probabilità esatta contro l’enumerazione di tutti i casi, e contro il teorema della giuria."""

import math
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attenzione.later.voting import majority, majority_probability, one_right_probability


def enumerated(p, n, n_wrong):
    total = 0.0
    for votes in product(range(n_wrong + 1), repeat=n):  # 0 è la giusta
        chance = math.prod(p if vote == 0 else (1 - p) / n_wrong for vote in votes)
        counts = [votes.count(answer) for answer in range(n_wrong + 1)]
        total += chance * (counts[0] == max(counts)) / counts.count(max(counts))
    return total


@pytest.mark.parametrize(("n", "n_wrong"), [(1, 3), (2, 1), (3, 2), (4, 2), (5, 3), (6, 2)])
@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_the_probability_counts_every_case(p, n, n_wrong):
    assert majority_probability(p, n, n_wrong) == pytest.approx(enumerated(p, n, n_wrong))


@given(st.floats(0, 1), st.integers(0, 20))
def test_two_answers_are_condorcet(p, half):
    n = 2 * half + 1
    jury = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(half + 1, n + 1))
    assert majority_probability(p, n, 1) == pytest.approx(jury)


def test_it_rises_above_one_in_ten_and_falls_below():
    assert majority_probability(0.1, 21) == pytest.approx(0.1)  # dieci risposte alla pari
    assert majority_probability(0.2, 21) > majority_probability(0.2, 5) > 0.2
    assert majority_probability(0.05, 21) < majority_probability(0.05, 5) < 0.05 + 1e-9


def test_majority_takes_the_most_frequent():
    answers = torch.tensor([[3, 1, 0], [3, 2, 9], [5, 2, 9]])
    assert majority(answers).tolist() == [3, 2, 9]
    assert majority(torch.tensor([[7], [4]])).tolist() == [4]  # alla pari, la più piccola


def test_at_least_one():
    assert one_right_probability(0.3, 1) == pytest.approx(0.3)
    assert one_right_probability(0.3, 4) == pytest.approx(1 - 0.7**4)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"p vale 1\.5"):
        majority_probability(1.5, 3)
    with pytest.raises(ValueError, match="n vale 0"):
        majority_probability(0.5, 0)
    with pytest.raises(ValueError, match="n_wrong vale 0"):
        majority_probability(0.5, 3, 0)
