"""Kneser–Ney: somma a uno, un caso a mano, un secondo conto coi dizionari, gli sconti scelti dallo sviluppo."""

import math
from collections import Counter, defaultdict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.later.ngrams import KneserNey, starting_discounts

V = 8  # 0 PAD, 1 BOS, 2 EOS; si predicono 2 … 7
texts = st.lists(st.lists(st.integers(2, V - 1), min_size=1, max_size=12), min_size=1, max_size=4)


def probabilities(model, context):
    """La distribuzione del token dopo context, uno per riga da 2 a V − 1."""
    found = model.log_probs([[*context, token] for token in range(2, V)])
    return found.view(V - 2, -1)[:, -1].exp()


@settings(max_examples=40, deadline=None)
@given(documents=texts, context=st.lists(st.integers(2, V - 1), max_size=5), order=st.integers(1, 5))
def test_the_probabilities_sum_to_one_whatever_came_before(documents, context, order):
    model = KneserNey(documents, V, order)
    assert probabilities(model, context).sum().item() == pytest.approx(1)
    assert (probabilities(model, context) > 0).all()


def test_a_case_by_hand():
    """Bigrammi di «a b a b c»: BOS a, a b ×2, b a, b c."""
    a, b, c = 4, 5, 6
    model = KneserNey([[a, b, a, b, c]], V, order=2)
    model.discounts = torch.tensor([[0.5, 0.6, 0.7], [0.3, 0.4, 0.5]], dtype=torch.float64)
    # sotto: a segue due token diversi (BOS e b), b uno, c uno: in tutto 4; sconti 0,6, 0,5 e 0,5
    even = 1 / 6
    taken = (0.6 + 0.5 + 0.5) / 4
    low = {a: (2 - 0.6) / 4 + taken * even, b: (1 - 0.5) / 4 + taken * even, c: (1 - 0.5) / 4 + taken * even}
    # dopo b: una volta a, una volta c; dopo a: due volte b
    after_b = {token: (1 - 0.3) / 2 + 0.6 / 2 * low[token] for token in (a, c)} | {b: 0.6 / 2 * low[b]}
    after_a = {b: (2 - 0.4) / 2 + 0.4 / 2 * low[b]}
    found = probabilities(model, [b])
    assert [found[t - 2].item() for t in (a, b, c)] == pytest.approx([after_b[t] for t in (a, b, c)])
    assert probabilities(model, [a])[b - 2].item() == pytest.approx(after_a[b])
    assert probabilities(model, [c])[0].item() == pytest.approx(taken * even)  # dopo c, mai visto nulla: si scende


def with_dictionaries(documents, order, discounts, token, context):
    """La stessa probabilità dalla definizione, ricorsiva e coi dizionari."""
    grams = [Counter() for _ in range(order + 1)]
    for document in documents:
        tokens = (1, *document)
        for k in range(1, order + 1):
            for i in range(len(tokens) - k + 1):
                if tokens[i : i + k] != (1,):
                    grams[k][tokens[i : i + k]] += 1
    left = defaultdict(set)
    for k in range(2, order + 1):
        for gram in grams[k]:
            left[gram[1:]].add(gram[0])

    def count(gram):
        return grams[len(gram)][gram] if len(gram) == order or gram[0] == 1 else len(left[gram])

    def p(token, context):
        lower = p(token, context[1:]) if context else 1 / (V - 2)
        counts = {t: count((*context, t)) for t in range(2, V)}
        total = sum(counts.values())
        if not total:
            return lower
        D = [0, *discounts[len(context)]]
        taken = sum(D[min(n, 3)] for n in counts.values())
        return (counts[token] - D[min(counts[token], 3)] + taken * lower) / total

    return p(token, tuple(context[-(order - 1) :]) if order > 1 else ())


@settings(max_examples=25, deadline=None)
@given(documents=texts, new=st.lists(st.integers(2, V - 1), min_size=1, max_size=6), order=st.integers(1, 4))
def test_it_is_its_definition(documents, new, order):
    model = KneserNey(documents, V, order)
    found = model.log_probs([new]).exp().tolist()
    context = [1, *new]
    for i, p in enumerate(found):
        expected = with_dictionaries(documents, order, model.discounts.tolist(), new[i], context[: i + 1])
        assert p == pytest.approx(expected)


def test_tuning_lowers_the_loss_on_what_it_sees_and_stays_a_distribution():
    g = torch.Generator().manual_seed(0)
    train, dev = (torch.randint(2, V, (6, 30), generator=g).tolist() for _ in range(2))
    model = KneserNey(train, V, 3)
    before = -model.log_probs(dev).mean().item()
    after = model.tune(dev, steps=80)
    assert after < before and after == pytest.approx(-model.log_probs(dev).mean().item())
    assert (model.discounts > 0).all() and (model.discounts < torch.tensor([1.0, 2.0, 3.0])).all()
    assert probabilities(model, [3, 4]).sum().item() == pytest.approx(1)


def test_what_is_rare_but_varied_counts_more_than_what_is_frequent_in_one_place():
    """«4 5» sta dieci volte, ma 5 segue soltanto 4; 6 segue quattro token diversi: dopo un token nuovo vale di più."""
    documents = [[4, 5] * 10, [2, 6], [3, 6], [7, 6], [5, 6]]
    after_unseen = probabilities(KneserNey(documents, V, 2), [6])
    assert after_unseen[6 - 2] > after_unseen[5 - 2]


def test_the_discounts_of_chen_and_goodman():
    counts = torch.tensor([1] * 40 + [2] * 15 + [3] * 8 + [4] * 5).numpy()
    y = 40 / (40 + 30)
    expected = [1 - 2 * y * 15 / 40, 2 - 3 * y * 8 / 15, 3 - 4 * y * 5 / 8]
    assert starting_discounts(counts) == pytest.approx(expected)
    assert starting_discounts(counts[:40]) == [0.5, 1.0, 1.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[4]], V, 0), "order vale 0: atteso un intero positivo"),
        (([[]], V), "documents è vuoto: atteso almeno un token"),
        (([[4]], 100_000, 4), r"order vale 4, n_vocab 100000: atteso n_vocab \*\* order sotto 2 \*\* 63"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        KneserNey(*arguments)


def test_the_order_is_limited_by_the_integers_only():
    assert math.isfinite(KneserNey([[4, 5, 6]], 4000, 5).log_probs([[4, 5]]).sum().item())
