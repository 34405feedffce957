"""La somma con i passi e senza: ciò che si impara, ciò che si scrive, e che i passi facciano la differenza."""

import pytest
import torch

from attenzione.later import steps
from attenzione.later.steps import as_tokens, partial_sums, questions, write


def test_the_last_partial_sum_is_the_answer():
    digits = questions(50, generator=torch.Generator().manual_seed(0))
    for row, sums in zip(digits.tolist(), partial_sums(digits).tolist(), strict=True):
        assert sums == [sum(row[: i + 1]) % 10 for i in range(8)]


def test_tokens_with_and_without_steps():
    digits = torch.tensor([[9, 3, 4]])
    assert as_tokens(digits, True).tolist() == [[12, 6, 7, 13, 12, 5, 9]]
    assert as_tokens(digits, False).tolist() == [[12, 6, 7, 13, 9]]


def test_writing_is_greedy_at_zero_and_draws_otherwise():
    model, digits = steps.build(), questions(20, generator=torch.Generator().manual_seed(0))
    first = write(model, digits, 3)
    assert first.shape == (20, 3) and first.min() >= 0 and first.max() <= 9
    tokens = torch.cat([digits + steps.ZERO, torch.full((20, 1), steps.EQUALS), first[:, :2] + steps.ZERO], dim=1)
    with torch.inference_mode():
        again = model(tokens)[:, -1, steps.ZERO : steps.EQUALS].argmax(dim=-1)
    assert torch.equal(first[:, 2], again)
    drawn = write(model, digits, 3, tau=1.0, generator=torch.Generator().manual_seed(0))
    assert torch.equal(drawn, write(model, digits, 3, tau=1.0, generator=torch.Generator().manual_seed(0)))
    assert not torch.equal(drawn, first)


@pytest.mark.lento
def test_steps_make_the_sum_learnable():
    digits = questions(500, generator=torch.Generator().manual_seed(7))
    with_steps, at_once = steps.build(), steps.build()
    steps.train(with_steps, True)
    steps.train(at_once, False)
    assert (write(with_steps, digits, 8)[:, -1] == partial_sums(digits)[:, -1]).double().mean() > 0.95
    assert (write(at_once, digits, 1)[:, -1] == partial_sums(digits)[:, -1]).double().mean() < 0.2


@pytest.mark.lento
def test_known_questions_are_learned_by_heart():
    generator = torch.Generator().manual_seed(5)
    known, fresh = questions(60, generator=generator), questions(300, generator=generator)
    model = steps.build()
    steps.train(model, False, known=known, steps=300)
    assert (write(model, known, 1)[:, -1] == partial_sums(known)[:, -1]).double().mean() > 0.95
    assert (write(model, fresh, 1)[:, -1] == partial_sums(fresh)[:, -1]).double().mean() < 0.25
