"""La ricerca fra i brani: i pesi contro la formula, gli iperpiani contro la loro probabilità, i brani del libro."""

import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attenzione.later.retrieval import (
    QUESTIONS,
    HyperplaneIndex,
    Index,
    found_probability,
    load_passages,
    nearest,
    unit,
    words,
)

TEXTS = ["il gatto mangia", "il topo mangia il formaggio", "la posizione del token"]


def test_words_lose_case_signs_and_tail():
    assert words("L’Attenzione, le ATTENZIONI: d_k!") == ["attenz", "le", "attenz", "d_k"]


def test_a_vector_is_the_formula():
    index = Index(TEXTS)
    expected = {"topo": math.log(3), "mangia": math.log(3 / 2), "formag": math.log(3)}
    expected["il"] = (1 + math.log(2)) * math.log(3 / 2)
    length = math.sqrt(sum(weight**2 for weight in expected.values()))
    row = dict(zip(index.vocabulary, index.vectors[1].tolist(), strict=True))
    assert {word: weight for word, weight in row.items() if weight} == pytest.approx(
        {word: weight / length for word, weight in expected.items()}
    )


def test_every_text_finds_itself_and_unknown_words_find_nothing():
    index = Index(TEXTS)
    assert [index.search(text, 1)[0][1] for text in TEXTS] == [0, 1, 2]
    assert index.encode("xylofono").eq(0).all()
    assert [score for score, _ in index.search("xylofono")] == [0, 0, 0]


def test_a_word_in_every_text_weighs_nothing():
    index = Index(["pane e vino", "pane bianco"])
    assert index.encode("pane").eq(0).all()


@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 10**6))
def test_hyperplanes_find_only_true_neighbours_and_always_oneself(n_bits, n_tables, seed):
    generator = torch.Generator().manual_seed(seed)
    vectors = unit(torch.randn(30, 5, generator=generator, dtype=torch.float64))
    index = HyperplaneIndex(vectors, n_bits, n_tables, generator)
    query = vectors[7]
    assert 7 in index.candidates(query)
    exact = dict((row, score) for score, row in nearest(vectors, query, 30))
    found = index.search(query, 5)
    assert found[0][1] == 7 and found == sorted(found, reverse=True)
    assert all(score == pytest.approx(exact[row]) for score, row in found)


def test_candidates_share_the_digits_of_a_table():
    generator = torch.Generator().manual_seed(1)
    vectors = torch.randn(50, 4, generator=generator)
    index = HyperplaneIndex(vectors, 5, 3, generator)
    query = torch.randn(4, generator=generator)
    side = torch.einsum("nd,tbd->ntb", vectors, index.normals) >= 0
    same = (side == (torch.einsum("d,tbd->tb", query, index.normals) >= 0)).all(dim=-1).any(dim=-1)
    assert index.candidates(query) == same.nonzero().flatten().tolist()


@pytest.mark.parametrize("angle", [0.3, 1.0, math.pi / 2])
@pytest.mark.parametrize(("n_bits", "n_tables"), [(1, 1), (4, 1), (4, 6)])
def test_the_probability_is_the_frequency(angle, n_bits, n_tables):
    pair = torch.tensor([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    generator = torch.Generator().manual_seed(0)
    many = HyperplaneIndex(pair, n_bits, n_tables * 4000, generator)
    first, second = many.codes(pair).view(2, 4000, n_tables)
    found = (first == second).any(dim=-1).double().mean().item()
    assert found == pytest.approx(found_probability(math.cos(angle), n_bits, n_tables).item(), abs=0.03)


def test_the_probability_at_its_ends():
    assert found_probability(1.0, 7, 3) == 1
    assert found_probability(-1.0, 7, 3) == 0
    torch.testing.assert_close(found_probability(0.0, 2, 1).item(), 0.25)


def test_bad_sizes_are_named():
    with pytest.raises(ValueError, match="texts ha 1 testi e nessuna parola"):
        Index(["…"])
    with pytest.raises(ValueError, match="n_bits vale 63: atteso al più 62"):
        HyperplaneIndex(torch.eye(2), 63, 1)
    with pytest.raises(ValueError, match="n_tables vale 0"):
        HyperplaneIndex(torch.eye(2), 1, 0)
    with pytest.raises(ValueError, match="k vale 0"):
        Index(TEXTS).search("gatto", 0)


def test_the_book_is_all_there_and_every_passage_can_be_read():
    passages = load_passages()
    assert len(passages) > 1000
    pages = {passage["pagina"] for passage in passages}
    assert {"glossary", "articolo/3-2-1-attenzione-a-prodotto-scalare-scalato", "laboratorio/traduttore"} <= pages
    assert "dopo/usare" not in pages  # la pagina delle domande non sta fra le risposte
    assert all(passage["titolo"] and words(passage["testo"]) for passage in passages)


@pytest.mark.parametrize(("question", "answer"), QUESTIONS, ids=range(len(QUESTIONS)))
def test_every_question_has_an_answer_somewhere_and_not_everywhere(question, answer):
    right = [passage for passage in load_passages() if re.search(answer, passage["testo"])]
    assert 0 < len(right) < 80
