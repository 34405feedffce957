"""La rete ricorrente di confronto e il modello senza posizioni."""

from dataclasses import replace

import pytest
import torch

from attenzione.config import TransformerConfig
from attenzione.data.toy import toy_pairs
from attenzione.decoding import beam_search, greedy
from attenzione.model import Transformer
from attenzione.training.batches import pad
from attenzione.training.checkpoint import average_checkpoints, list_checkpoints, load_model
from attenzione.training.loop import TrainingConfig, train
from attenzione.translator.lstm import AttentionLSTM, LSTMConfig

CONFIG = LSTMConfig(n_vocab=14, n_layers=1, d_model=16, d_hidden=32, p_drop=0.0)


def test_padding_changes_nothing():
    model = AttentionLSTM(replace(CONFIG, n_layers=2)).eval().double()
    src, tgt = pad([[4, 5, 6], [7, 8, 9, 10, 11]]), torch.tensor([[1, 4], [1, 7]])
    together = model(src, tgt)
    torch.testing.assert_close(together[:1], model(src[:1, :3], tgt[:1]))
    torch.testing.assert_close(together[1:], model(src[1:], tgt[1:]))


def test_the_future_is_not_seen_and_one_step_at_a_time_is_the_same():
    model = AttentionLSTM(CONFIG).eval().double()
    src, tgt = torch.randint(3, 14, (2, 5)), torch.randint(3, 14, (2, 6))
    z, mask = model.encode(src)
    cache = model.start_cache(z, 6)
    steps = [model.embedding.logits(model.decode(tgt[:, i : i + 1], z, mask, cache)) for i in range(6)]
    torch.testing.assert_close(torch.cat(steps, dim=1), model(src, tgt))


def test_greedy_is_the_same_alone_and_in_a_batch():
    model = AttentionLSTM(CONFIG).eval().double()
    rows = [[4, 5, 6], [7, 8, 9, 10, 11]]
    together = greedy(model, pad(rows), 7)
    for row, found in zip(rows, together, strict=True):
        assert greedy(model, torch.tensor([row]), 7)[0].tokens == found.tokens
        assert not {0, 1, 2} & set(found.tokens) and len(found.tokens) <= len(row) + 7


@pytest.mark.parametrize("use_cache", [True, False])
def test_beam_search_goes_through_the_same_loop(use_cache):
    model = AttentionLSTM(CONFIG).eval().double()
    src = pad([[4, 5, 6], [7, 8, 9, 10, 11]])
    one = beam_search(model, src, beam=1, alpha=0.0, max_extra=7, use_cache=use_cache)
    assert [best[0].tokens for best in one] == [found.tokens for found in greedy(model, src, 7)]
    four = beam_search(model, src, beam=4, alpha=0.0, n_best=4, max_extra=7, use_cache=use_cache)
    for wide, narrow in zip(four, one, strict=True):
        assert wide[0].log_prob >= narrow[0].log_prob - 1e-9
    for row, wide in zip(([4, 5, 6], [7, 8, 9, 10, 11]), four, strict=True):
        alone = beam_search(model, torch.tensor([row]), beam=4, alpha=0.0, n_best=4, max_extra=7)[0]
        assert [h.tokens for h in wide] == [h.tokens for h in alone]


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_it_learns_to_copy_and_goes_through_the_same_checkpoints(tmp_path, precision):
    pairs = toy_pairs("copia", 60, n_symbols=4, max_len=4)
    training = TrainingConfig(steps=90, max_tokens=200, warmup_steps=30, save_every=45, keep=2, precision=precision)
    model = AttentionLSTM(CONFIG)
    records = train(model, pairs, training, tmp_path, dev_pairs=pairs[:10], progress=False)
    assert records[-1]["loss"] < 0.6 * records[0]["loss"]
    loaded, _ = load_model(list_checkpoints(tmp_path)[-1])
    assert isinstance(loaded, AttentionLSTM) and loaded.config == CONFIG
    src, tgt = torch.tensor([[4, 5]]), torch.tensor([[1, 4]])
    torch.testing.assert_close(loaded(src, tgt), model.eval()(src, tgt))
    assert isinstance(average_checkpoints(list_checkpoints(tmp_path))[0], AttentionLSTM)


def test_configuration_errors():
    for options, message in (({"d_hidden": 33}, "d_hidden vale 33: atteso pari"), ({"n_layers": 0}, "n_layers vale 0")):
        with pytest.raises(ValueError, match=message):
            replace(CONFIG, **options)


def test_without_positions_the_encoder_does_not_know_the_order():
    config = TransformerConfig(n_vocab=14, n_layers=2, d_model=8, d_ff=16, n_heads=2, positions="none")
    model = Transformer(config).eval().double()
    src, order = torch.tensor([[4, 5, 6, 7]]), [2, 0, 3, 1]
    z, shuffled = model.encode(src)[0], model.encode(src[:, order])[0]
    torch.testing.assert_close(z[:, order], shuffled)
    ordered = Transformer(replace(config, positions="sinusoidal")).eval().double()
    assert not torch.allclose(ordered.encode(src)[0][:, order], ordered.encode(src[:, order])[0])
