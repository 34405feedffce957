"""L’albero: larghezza piena è la ricerca completa, e i passi che rende portano davvero a 24."""

from fractions import Fraction
from itertools import combinations_with_replacement

import pytest

from attenzione.later.tree import moves, search


def solvable(state):
    return state == (24,) if len(state) == 1 else any(solvable(after) for _, after in moves(state))


def fraction(x):
    return Fraction(x)


SOME = list(combinations_with_replacement(range(1, 8), 4))[::9]


@pytest.mark.parametrize("numbers", SOME, ids=str)
def test_full_width_finds_every_solution(numbers):
    steps, _ = search(numbers, 10**6)
    assert (steps is not None) == solvable(tuple(map(Fraction, numbers)))


@pytest.mark.parametrize("width", [1, 5, 50])
def test_steps_that_are_found_are_right(width):
    found = 0
    for numbers in SOME:
        steps, _ = search(numbers, width)
        if steps is None:
            continue
        found += 1
        left = sorted(map(Fraction, numbers))
        for step in steps:
            a, sign, b = step.split()
            a, b = Fraction(a), Fraction(b)
            left.remove(a)
            left.remove(b)
            left.append({"+": a + b, "−": a - b, "×": a * b}[sign] if sign != ":" else a / b)
        assert left == [24]
    assert found


def test_wider_judges_more_and_solves_no_less():
    narrow, wide = ([search(numbers, width) for numbers in SOME] for width in (1, 10**6))
    assert sum(judged for _, judged in narrow) < sum(judged for _, judged in wide)
    assert all(there[0] for here, there in zip(narrow, wide, strict=True) if here[0])


def test_the_judge_decides_what_stays():
    def backwards(state):
        return -sum(state)

    assert search((4, 4, 4, 6), 1, backwards) != search((4, 4, 4, 6), 1)


def test_the_width_is_named():
    with pytest.raises(ValueError, match="width vale 0"):
        search((1, 2, 3, 4), 0)
