"""Si impara davvero: copia e inversione di sequenze mai viste, tutte esatte, in meno di un minuto."""

import time

import pytest
import torch

from attenzione.config import TransformerConfig
from attenzione.data.toy import (
    BRACKETS,
    bracket_pairs,
    bracket_vocabulary,
    palindrome_pairs,
    palindrome_vocabulary,
    toy_pairs,
    toy_vocabulary,
)
from attenzione.data.vocabulary import Vocabulary
from attenzione.decoding import beam_search, greedy
from attenzione.model import Transformer
from attenzione.training.batches import pad
from attenzione.training.checkpoint import average_checkpoints, list_checkpoints
from attenzione.training.loop import TrainingConfig, train


@pytest.mark.lento
@pytest.mark.parametrize("task", ["copia", "inversione"])
def test_unseen_sequences_are_all_exact(task, tmp_path):
    start = time.perf_counter()
    torch.manual_seed(0)
    pairs = toy_pairs(task, 20_000, min_len=3, max_len=8)
    unseen = pairs[-300:]
    config = TransformerConfig(
        n_vocab=len(toy_vocabulary()), n_layers=1, d_model=64, d_ff=128, n_heads=4, p_drop=0.0, eps_ls=0.0
    )
    training = TrainingConfig(steps=500, max_tokens=300, warmup_steps=300, accumulate=6, save_every=20)
    train(Transformer(config), pairs[:-300], training, tmp_path, progress=False)
    model, _ = average_checkpoints(list_checkpoints(tmp_path))  # la media degli ultimi 5, §6.1
    src = pad([src for src, _ in unseen])
    for found in (greedy(model, src), [h[0] for h in beam_search(model, src)]):
        wrong = [(s, h.tokens) for (s, t), h in zip(unseen, found, strict=True) if h.tokens != t]
        assert not wrong and all(h.finished for h in found)
    assert time.perf_counter() - start < 60


def test_toy_pairs():
    pairs = toy_pairs("inversione", 500, n_symbols=5, min_len=2, max_len=6, seed=1)
    assert all(tgt == src[::-1] and 2 <= len(src) <= 6 and set(src) <= {4, 5, 6, 7, 8} for src, tgt in pairs)
    assert len({tuple(src) for src, _ in pairs}) == 500
    assert pairs == toy_pairs("inversione", 500, n_symbols=5, min_len=2, max_len=6, seed=1)
    assert all(src == tgt for src, tgt in toy_pairs("copia", 50))
    assert all(tgt == sorted(src) for src, tgt in toy_pairs("ordinamento", 50))
    with pytest.raises(ValueError, match="task vale «somma»: atteso uno fra copia, inversione"):
        toy_pairs("somma", 5)
    with pytest.raises(ValueError, match="n_pairs vale 10: attese al più 7, metà delle sequenze possibili"):
        toy_pairs("copia", 10, n_symbols=2, max_len=3)
    with pytest.raises(ValueError, match="n_symbols vale 27: atteso un intero da 1 a 26"):
        toy_vocabulary(27)


def test_vocabulary():
    vocabulary = Vocabulary.from_texts(["il gatto vede il topo", "il topo <eos> scappa"])
    assert vocabulary.tokens == ["<pad>", "<bos>", "<eos>", "<unk>", "il", "topo", "gatto", "scappa", "vede"]
    assert vocabulary.encode("il cane vede") == [4, 3, 8] and vocabulary.decode([4, 6]) == "il gatto"
    assert len(Vocabulary.from_texts(["a a b"], min_count=2)) == 5
    with pytest.raises(ValueError, match="tokens comincia con"):
        Vocabulary(["a", "b"])
    with pytest.raises(ValueError, match="tokens ha 1 ripetizioni: attesi token tutti diversi"):
        Vocabulary([*toy_vocabulary().tokens, "a"])


def test_palindromes_to_complete():
    vocabulary, pairs = palindrome_vocabulary(5), palindrome_pairs("completare", 200, 5, min_len=4, max_len=9, seed=3)
    blank = vocabulary.ids["_"]
    assert pairs == palindrome_pairs("completare", 200, 5, min_len=4, max_len=9, seed=3)
    assert len({tuple(src) for src, _ in pairs}) == 200 and any(blank in src for src, _ in pairs)
    for src, tgt in pairs:
        assert tgt == tgt[::-1] and 4 <= len(tgt) <= 9 and set(tgt) <= set(range(4, 9))
        assert all(a in (b, blank) for a, b in zip(src, tgt, strict=True))
        assert all(b != blank for a, b in zip(src, src[::-1], strict=True) if a == blank)  # si può ricavare


def test_palindromes_to_recognise():
    vocabulary, pairs = palindrome_vocabulary(), palindrome_pairs("riconoscere", 300, min_len=4, max_len=7)
    yes, no = [vocabulary.ids["sì"]], [vocabulary.ids["no"]]
    assert [tgt for _, tgt in pairs].count(yes) == [tgt for _, tgt in pairs].count(no) == 150
    for src, tgt in pairs:
        wrong = sum(a != b for a, b in zip(src, src[::-1], strict=True)) / 2
        assert wrong == (0 if tgt == yes else 1)  # una coppia speculare sola non torna


def test_palindromes_bad_arguments():
    with pytest.raises(ValueError, match="task vale «copia»: atteso uno fra riconoscere, completare"):
        palindrome_pairs("copia", 5)
    with pytest.raises(ValueError, match="n_symbols e min_len valgono 1 e 4: attesi interi da 2 in su"):
        palindrome_pairs("completare", 5, n_symbols=1)
    with pytest.raises(ValueError, match="n_pairs vale 5: attese al più 4, metà dei palindromi possibili"):
        palindrome_pairs("riconoscere", 5, n_symbols=3, min_len=4, max_len=4)


def depth_of(text):
    """La profondità se text è bilanciato, altrimenti None."""
    stack, depth = [], 0
    for bracket in text:
        if bracket in BRACKETS:
            stack.append(BRACKETS[bracket])
            depth = max(depth, len(stack))
        elif not stack or stack.pop() != bracket:
            return None
    return None if stack else depth


@pytest.mark.parametrize(("depth", "length"), [(1, 8), (3, 8), (4, 8), (5, 16)])
def test_brackets(depth, length):
    vocabulary, pairs = bracket_vocabulary(), bracket_pairs(8, depth, length, seed=2)
    assert pairs == bracket_pairs(8, depth, length, seed=2) and len({tuple(src) for src, _ in pairs}) == 8
    for i, (src, tgt) in enumerate(pairs):
        text = vocabulary.decode(src).split()
        assert len(text) == length and vocabulary.decode(tgt) == ("no" if i % 2 else "sì")
        assert depth_of(text) == (None if i % 2 else depth)
        assert all(text.count(a) == text.count(b) for a, b in BRACKETS.items())  # contarle non basta
        single = ["(" if bracket in BRACKETS else ")" for bracket in text]
        assert depth_of(single) == depth  # anche le sbagliate sono profonde depth


def test_brackets_bad_arguments():
    with pytest.raises(ValueError, match="length vale 7: atteso un intero pari, da 4 in su"):
        bracket_pairs(2, 1, length=7)
    with pytest.raises(ValueError, match="depth vale 9: atteso un intero da 1 a 8, metà di length"):
        bracket_pairs(2, 9)
    with pytest.raises(ValueError, match="n_pairs vale 129: attese al più 128, metà delle successioni possibili"):
        bracket_pairs(129, 1)
