"""Le finestre su un testo lungo: ogni token predetto una volta per epoca, mai BOS; i tensori che ne vengono."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.later.language_model import LanguageModelConfig
from attenzione.training.batches import endless_batches
from attenzione.training.windows import Windows, collate_windows

CONFIG = LanguageModelConfig(n_vocab=30, max_len=8, d_model=8, n_heads=2)
documents = st.lists(st.lists(st.integers(2, 29), min_size=1, max_size=25), min_size=1, max_size=4)


@settings(deadline=None)
@given(documents=documents, length=st.integers(1, 9), max_tokens=st.integers(1, 40), epoch=st.integers(0, 3))
def test_every_token_is_predicted_once_an_epoch(documents, length, max_tokens, epoch):
    data = Windows(documents, length)
    batches = data.batches(max_tokens, 5, epoch)
    predicted = Counter()
    for batch in batches:
        assert len(batch) * length <= max(max_tokens, length)
        _, targets = collate_windows([data[span] for span in batch], CONFIG)
        assert data.count(batch) == (targets != 0).sum().item()
        predicted.update(targets[targets != 0].tolist())
    assert predicted == Counter(token for document in documents for token in document)
    assert len(data) == predicted.total()
    assert batches == data.batches(max_tokens, 5, epoch)


def test_an_epoch_cuts_elsewhere():
    data = Windows([list(range(3, 30)) * 3], 8)
    assert len({str(data.batches(16, 0, epoch)) for epoch in range(6)}) > 3


def test_the_targets_are_the_next_tokens_and_a_beginning_is_not_guessed():
    data = Windows([[4, 5, 2], [6, 7]], 8)
    assert data.tokens == [1, 4, 5, 2, 1, 6, 7]
    tokens, targets = collate_windows([data[0:7], data[0:3]], CONFIG)
    assert tokens.tolist() == [[1, 4, 5, 2, 1, 6], [1, 4, 0, 0, 0, 0]]
    assert targets.tolist() == [[4, 5, 2, 0, 6, 7], [4, 5, 0, 0, 0, 0]]
    assert tokens.dtype == targets.dtype == torch.long


def test_the_stream_resumes_where_it_was():
    data = Windows([list(range(3, 30)) * 2], 4)
    stream = endless_batches(data, 8, seed=1)
    seen = [next(stream) for _ in range(20)]
    _, epoch, index = seen[8]
    again = endless_batches(data, 8, seed=1, epoch=epoch, index=index)
    assert [next(again) for _ in range(11)] == seen[9:]


def test_the_fingerprint_is_of_the_tokens_and_of_the_length():
    prints = {Windows(d, n).fingerprint() for d, n in (([[4, 5]], 8), ([[5, 4]], 8), ([[4], [5]], 8), ([[4, 5]], 4))}
    assert len(prints) == 4


@pytest.mark.parametrize(
    ("documents", "length", "message"),
    [
        ([[4]], 0, "length vale 0: atteso un intero positivo"),
        ([], 8, "documents è vuoto: atteso almeno un token"),
    ],
)
def test_windows_that_cannot_be(documents, length, message):
    with pytest.raises(ValueError, match=message):
        Windows(documents, length)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Windows([[4]], 9), "windows ha finestre di 9 token: attese al più max_len = 8"),
        (Windows([[4, 30]], 8), "windows ha token da 1 a 30, e BOS 1: attesi interi da 0 a 29, senza PAD, e BOS 1"),
        (Windows([[4, 0]], 8), "senza PAD"),
        (Windows([[4]], 8, bos_id=3), "e BOS 1$"),
    ],
)
def test_windows_of_another_model(data, message):
    with pytest.raises(ValueError, match=message):
        data.check(CONFIG)
