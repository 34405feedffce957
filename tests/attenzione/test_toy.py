"""Si impara davvero: copia e inversione di sequenze mai viste, tutte esatte, in meno di un minuto."""

import time

import pytest
import torch

from attenzione.config import TransformerConfig
from attenzione.data.toy import toy_pairs, toy_vocabulary
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
    model, _ = average_checkpoints(list_checkpoints(tmp_path))      # la media degli ultimi 5, §6.1
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
