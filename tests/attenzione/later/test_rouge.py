"""ROUGE contro una seconda forma: le sottosequenze enumerate, gli n-grammi contati a mano."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenzione.later.rouge import common_length, rouge_l, rouge_n

texts = st.lists(st.sampled_from("abc"), max_size=7)


def subsequences(text):
    return {
        tuple(text[i] for i in rows) for size in range(len(text) + 1) for rows in combinations(range(len(text)), size)
    }


@given(texts, texts)
def test_the_longest_common_subsequence_is_the_longest(a, b):
    assert common_length(a, b) == max(map(len, subsequences(a) & subsequences(b)))


@given(texts, texts, st.integers(1, 3))
def test_exchanging_the_texts_exchanges_precision_and_recall(a, b, n):
    for measure in (rouge_l, lambda x, y: rouge_n(x, y, n)):
        precision, recall, f1 = measure(a, b)
        assert measure(b, a) == (recall, precision, f1)
        assert 0 <= precision <= 1 and 0 <= recall <= 1


def test_a_case_by_hand():
    found, reference = ["il", "gatto", "mangia", "il", "topo"], ["il", "gatto", "il", "topo", "mangia"]
    assert rouge_n(found, reference) == (1, 1, 1)
    assert rouge_n(found, reference, 2)[:2] == (2 / 4, 2 / 4)  # «il gatto», «il topo»
    assert rouge_l(found, reference)[:2] == (4 / 5, 4 / 5)  # «il gatto il topo»
    assert rouge_n(["il", "il", "il"], reference)[:2] == (2 / 3, 2 / 5)


def test_nothing_in_common_is_zero():
    assert rouge_l([], ["a"]) == (0, 0, 0)
    assert rouge_n(["b"], ["a"]) == (0, 0, 0)
    assert rouge_n(["a"], ["a"], 2) == (0, 0, 0)
    with pytest.raises(ValueError, match="n vale 0"):
        rouge_n(["a"], ["a"], 0)
