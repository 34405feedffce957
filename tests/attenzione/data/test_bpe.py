"""La codifica byte-pair in chiaro: le fusioni si rifanno a mano, e la libreria tokenizers impara le stesse."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenzione.data.bpe import learn_merges, merge_pair, pair_counts, split_word, word_counts
from attenzione.data.micro import micro_pairs
from attenzione.data.tokenizer import BytePairTokenizer


def test_merges_by_hand():
    words = word_counts(["la gatta la gatta matta"])
    assert words == {("▁", "l", "a"): 2, ("▁", "g", "a", "t", "t", "a"): 2, ("▁", "m", "a", "t", "t", "a"): 1}
    counts = pair_counts(words)
    assert counts["a", "t"] == 3 and counts["l", "a"] == 2 and ("a", "▁") not in counts
    merges = learn_merges(words, 4)
    assert merges == [("a", "t"), ("at", "t"), ("att", "a"), ("g", "atta")]
    assert split_word("patta", merges) == ["▁", "p", "atta"] and split_word("gatta", merges) == ["▁", "gatta"]


def test_merge_pair_goes_left_to_right():
    assert merge_pair(tuple("aaaaa"), ("a", "a")) == ("aa", "aa", "a")
    assert merge_pair(tuple("abab"), ("b", "a")) == ("a", "ba", "b")


def test_all_pairs_used_up():
    assert learn_merges(word_counts(["sì"]), 100) == [("s", "ì"), ("▁", "sì")]
    assert learn_merges(word_counts(["sì"]), 0) == []


def test_bad_arguments():
    with pytest.raises(ValueError, match="words è vuoto: attesa almeno una parola"):
        learn_merges(word_counts(["  "]), 3)
    with pytest.raises(ValueError, match="n_merges vale -1: atteso un intero non negativo"):
        learn_merges(word_counts(["a"]), -1)


MERGES = learn_merges(word_counts(" ".join(p.italian) for p in micro_pairs(200)), 80)


@given(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=20))
def test_nothing_is_lost(word):
    assert "".join(split_word(word, MERGES)) == "▁" + word


def test_tokenizers_learns_the_same_merges():
    """Sulle fusioni senza parità: la libreria, a parità, sceglie con un’altra regola."""
    texts = [" ".join(word for word in pair.english if word.isalpha()) for pair in micro_pairs(1000)]
    theirs = json.loads(BytePairTokenizer.from_texts(texts, 400).tokenizer.to_str())["model"]["merges"]
    words = word_counts(texts)
    for expected in theirs[:60]:
        counts = pair_counts(words)
        assert counts[tuple(expected)] == max(counts.values())
        words = {merge_pair(word, tuple(expected)): times for word, times in words.items()}
