"""Il compito del ricordo: che cosa chiede, chi lo legge un passo alla volta e tutto insieme, quanto costa."""

import json
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.later import recall
from attenzione.later.recall import (
    N_LETTERS,
    N_PARAMETERS,
    ROSTER,
    accuracy,
    answers,
    as_text,
    build,
    count_parameters,
    recall_sequences,
    record,
    recorded,
    step_costs,
    train_reader,
)


@settings(max_examples=30, deadline=None)
@given(n_pairs=st.integers(1, 16), seed=st.integers(0, 1000))
def test_the_second_half_asks_again_for_every_pair(n_pairs, seed):
    sequence = recall_sequences(n_pairs, 4, torch.Generator().manual_seed(seed))
    assert sequence.shape == (4, 4 * n_pairs)
    for row in sequence.tolist():
        pairs = list(zip(row[::2], row[1::2], strict=True))
        first, second = pairs[:n_pairs], pairs[n_pairs:]
        assert sorted(first) == sorted(second)
        letters = [letter for letter, _ in first]
        assert len(set(letters)) == n_pairs and max(letters) < N_LETTERS <= min(digit for _, digit in first)


def test_as_text():
    assert as_text(torch.tensor([2, 20, 0, 23, 2, 20, 0, 23])) == "c4 a7 c4 a7"


def test_a_perfect_memory_is_right_and_the_first_digit_is_a_bet():
    """Chi rilegge la prima metà indovina tutto; chi dice sempre la stessa cifra ne indovina una su dieci."""

    def memory(tokens):
        logits = torch.zeros(*tokens.shape, recall.N_VOCAB)
        for row, line in enumerate(tokens.tolist()):
            for t, token in enumerate(line):
                if token in line[:t]:
                    logits[row, t, line[line.index(token) + 1]] = 50.0
        return logits

    sequences = recall_sequences(5, 300, torch.Generator().manual_seed(0))
    loss, right = answers(memory, sequences)
    assert right == 1 and loss < 1e-6
    _, right = answers(
        lambda tokens: torch.zeros(*tokens.shape, recall.N_VOCAB).index_fill(-1, torch.tensor(20), 1), sequences
    )
    assert abs(right - 0.1) < 0.03


@pytest.mark.parametrize("name", ROSTER)
def test_reading_one_step_at_a_time_changes_nothing(name):
    model, tokens = build(name, 12).double(), recall_sequences(3, 2)
    state, logits = None, []
    for token in tokens.unbind(dim=1):
        output, state = model.step(token, state)
        logits.append(output)
    torch.testing.assert_close(torch.stack(logits, dim=1), model(tokens), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ROSTER)
def test_nobody_looks_ahead(name):
    model, tokens = build(name, 12).double(), recall_sequences(3, 1)
    changed = tokens.clone()
    changed[0, 7] = (changed[0, 7] + 1) % recall.N_VOCAB
    moved = (model(tokens) - model(changed)).abs().amax(dim=-1)[0]  # con Fourier, a meno dell’arrotondamento
    assert moved[:7].max() < 1e-12 < 1e-3 < moved[7]


def test_parameters_are_almost_the_same_for_everyone():
    for name in ROSTER:
        assert abs(count_parameters(build(name)) / N_PARAMETERS - 1) < 0.07, name


def test_only_who_keeps_everything_pays_with_the_length():
    lengths, growing = (8, 16, 32), {"ConvS2S", "GRU con attenzione", "self-attention"}
    for name in ROSTER:
        costs = step_costs(build(name, 12), lengths)
        products, kept = zip(*(costs[n] for n in lengths), strict=True)
        assert (len(set(products)) > 1) == (len(set(kept)) > 1) == (name in growing), name
        if name in growing:  # in linea retta: da 16 a 32 l’aumento è il doppio che da 8 a 16
            for numbers in (products, kept):
                first, second = (b - a for a, b in pairwise(numbers))
                assert second == 2 * first > 0


def test_the_products_counted_are_those_of_the_matrices():
    model = build("RNN", 10)
    (products, kept) = step_costs(model, (4,))[4]
    assert products == 2 * (10 * 10 + 10 * 10) + 10 * recall.N_VOCAB and kept == 2 * 10


@pytest.mark.lento
def test_what_is_recorded_is_what_is_trained():
    """Uno dei numeri di ricordare.json, quello che costa meno: rifatto, è quello."""
    report = recorded()
    model = build("MLP a finestra", seed=0)
    train_reader(model, steps=report["passi"], seed=0)
    found = [accuracy(model, n_pairs) for n_pairs in report["coppie"]]
    assert found == pytest.approx(report["accuratezza"]["MLP a finestra"]["0"], abs=0.03)


def test_the_record_has_everything():
    report = recorded()
    assert list(report["accuratezza"]) == list(ROSTER)
    for by_seed in report["accuratezza"].values():
        assert list(by_seed) == ["0", "1", "2"]
        assert all(len(found) == len(report["coppie"]) for found in by_seed.values())


def test_who_has_learned_stops(monkeypatch):
    monkeypatch.setattr(recall, "answers", lambda model, _: (model.output.bias.sum(), torch.tensor(1.0)))
    assert len(train_reader(build("RNN", 4), steps=300)) == 100


def test_an_interrupted_record_goes_on(tmp_path, monkeypatch):
    path, names = tmp_path / "r.json", ["RNN", "GRU"]
    record([0], path, names, steps=2)
    first = json.loads(path.read_text("utf-8"))
    built = []
    monkeypatch.setattr(recall, "build", lambda name, seed: built.append((name, seed)) or build(name, 8, seed))
    report = record([0, 1], path, names, steps=2)
    assert built == [("RNN", 1), ("GRU", 1)]
    assert report["accuratezza"]["RNN"]["0"] == first["accuratezza"]["RNN"]["0"]
    record([0], path, names, steps=3)  # con altri passi si ricomincia
    assert built[2:] == [("RNN", 0), ("GRU", 0)]


def test_recall_errors():
    with pytest.raises(ValueError, match="n_pairs vale 17: atteso fra 1 e 16, quante sono le lettere"):
        recall_sequences(17, 1)
    with pytest.raises(ValueError, match="name vale «gru»: atteso uno fra MLP a finestra"):
        build("gru")
