"""Gli alberi come sequenze: andata e ritorno, sequenze che non sono alberi, F1 sulle parentesi."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.evidence.trees import bracket_f1, brackets, linearize, parse, words

GOLD = ("S", ("NP", "la", "gatta"), ("VP", "vede", ("NP", "il", "topo"), ("PP", "con", ("NP", "la", "lente"))))
OTHER = ("S", ("NP", "la", "gatta"), ("VP", "vede", ("NP", ("NP", "il", "topo"), ("PP", "con", ("NP", "la", "lente")))))

leaves = st.sampled_from(["la", "gatta", "mangia", "topo"])
labels = st.sampled_from(["S", "NP", "VP", "PP"])


def groups(inner):
    return st.builds(lambda label, children: (label, *children), labels, st.lists(inner, min_size=1, max_size=4))


trees = groups(st.recursive(leaves, groups, max_leaves=12))


@settings(deadline=None, max_examples=50)
@given(trees)
def test_andata_e_ritorno(tree):
    sequence = linearize(tree)
    assert parse(sequence, words(tree)) == tree
    assert len(sequence) == len(words(tree)) + 2 * brackets(tree).total()
    assert bracket_f1([tree], [tree]) == 100


def test_la_sequenza_per_esteso():
    tree = ("S", ("NP", "la", "gatta"), ("VP", "dorme"))
    assert " ".join(linearize(tree)) == "(S (NP XX XX )NP (VP XX )VP )S"


@pytest.mark.parametrize(
    "sequence",
    ["", "XX", "(S XX", "(S XX )S )S", "(S XX )NP", "(S )S", "(S XX )S (S XX )S", "(S XX XX XX )S", "(S XX )S"],
)
def test_sequenze_che_non_sono_alberi(sequence):
    with pytest.raises(ValueError):
        parse(sequence.split(), ["la", "gatta"])


def test_f1_a_mano():
    """Sei gruppi giusti su sei, uno di troppo: precisione 6/7, richiamo 1."""
    assert bracket_f1([OTHER], [GOLD]) == pytest.approx(100 * 12 / 13)
    assert bracket_f1([OTHER, GOLD], [GOLD, GOLD]) == pytest.approx(100 * 24 / 25)


def test_f1_due_gruppi_uguali_si_contano_due_volte():
    assert bracket_f1([("S", ("S", "va"))], [("S", "va")]) == pytest.approx(100 * 2 / 3)


def test_f1_rifiuta():
    with pytest.raises(ValueError, match="altrettanti"):
        bracket_f1([], [])
    with pytest.raises(ValueError, match="parole diverse"):
        bracket_f1([("S", "va")], [("S", "viene")])
