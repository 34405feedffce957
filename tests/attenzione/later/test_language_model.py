"""Il modello linguistico: non guarda avanti, con la cache dice lo stesso, impara; ogni differenza si prova da sola."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from attenzione.attention import MultiHeadAttention
from attenzione.embedding import Embedding
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.later.continuing import continuation, encode_start, load_language_model
from attenzione.later.gated import SwiGLU
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.normalization import RMSNorm
from attenzione.training.checkpoint import load_model, save_checkpoint
from attenzione.training.loop import TrainingConfig, dev_loss, train
from attenzione.training.windows import Windows

CONFIG = LanguageModelConfig(n_vocab=20, n_layers=2, d_model=16, d_ff=24, n_heads=4, n_kv_heads=2, max_len=16)
PAPER = replace(
    CONFIG,
    n_kv_heads=4,
    norm_first=False,
    final_norm=False,
    norm="layer",
    bias=True,
    feed_forward="relu",
    positions="sinusoidal",
    tied=True,
)
CHANGES = [  # dal decoder dell’articolo a quello di LLaMA, una differenza alla volta
    {"norm_first": True, "final_norm": True},
    {"norm": "rms"},
    {"bias": False},
    {"feed_forward": "swiglu"},
    {"positions": "rotary"},
    {"n_kv_heads": 2},
    {"tied": False},
]
STEPS = [PAPER]
for change in CHANGES:
    STEPS.append(replace(STEPS[-1], **change))


def model(config=CONFIG):
    torch.manual_seed(1)
    return LanguageModel(config).double().eval()


def text(n=12, batch=3):
    return torch.randint(3, 20, (batch, n))


def test_the_changes_lead_from_the_paper_to_the_default_style():
    assert STEPS[-1] == CONFIG
    for before, after in pairwise(STEPS):
        assert len({str(before), str(after)}) == 2


@pytest.mark.parametrize("config", [*STEPS, replace(CONFIG, positions="none"), replace(CONFIG, positions="learned")])
def test_what_comes_later_changes_nothing_before(config):
    whole, tokens = model(config), text()
    changed = tokens.clone()
    changed[:, 7:] = text(5)
    before, after = whole(tokens), whole(changed)
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:])


@pytest.mark.parametrize("config", [*STEPS, replace(CONFIG, n_kv_heads=1)])
def test_with_the_cache_the_logits_are_the_same(config):
    whole, tokens = model(config), text()
    cache = whole.start_cache(3, 12)
    pieces = [whole.decode(tokens[:, :5], cache), *(whole.decode(tokens[:, i : i + 1], cache) for i in range(5, 12))]
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole(tokens), rtol=0, atol=1e-12)


def test_the_paper_s_step_is_made_of_the_paper_s_modules():
    """Uno strato dell’articolo senza encoder, rifatto con nn.TransformerEncoderLayer, che ne ha la stessa forma."""
    whole = model(replace(PAPER, n_layers=1, p_drop=0.0))
    layer = whole.layers[0]
    twin = nn.TransformerEncoderLayer(16, 4, 24, 0.0, batch_first=True).double().eval()
    attention = MultiHeadAttention(16, 4).double()
    attention.load_state_dict(layer.self_attention.state_dict())
    twin.self_attn.in_proj_weight.data = attention.W_qkv.data.T
    twin.self_attn.in_proj_bias.data.zero_()
    twin.self_attn.out_proj.weight.data = attention.W_o.data.T
    twin.self_attn.out_proj.bias.data.zero_()
    twin.linear1.weight.data, twin.linear1.bias.data = layer.feed_forward.W_1.data.T, layer.feed_forward.b_1.data
    twin.linear2.weight.data, twin.linear2.bias.data = layer.feed_forward.W_2.data.T, layer.feed_forward.b_2.data
    x = torch.randn(2, 6, 16).double()
    mask = nn.Transformer.generate_square_subsequent_mask(6, dtype=torch.float64)
    torch.testing.assert_close(layer(x), twin(x, mask, is_causal=True), rtol=0, atol=1e-10)


def test_the_default_style_has_its_parts_and_no_bias():
    whole = model()
    kinds = {type(module) for module in whole.modules()}
    assert {RMSNorm, SwiGLU} <= kinds and not {nn.LayerNorm, PositionwiseFeedForward, Embedding} & kinds
    assert not [name for name, _ in whole.named_parameters() if ".b_" in name or "bias" in name]
    assert whole.embedding.E is not whole.embedding.W_out
    weights = whole.attention_weights(text())
    assert [w.shape for w in weights] == [(3, 4, 12, 12)] * 2
    torch.testing.assert_close(weights[0].sum(-1), torch.ones(3, 4, 12).double())


def test_the_first_logits_are_almost_even():
    for config in (CONFIG, PAPER):
        loss = nn.functional.cross_entropy(model(config)(text(16, 40)).flatten(0, 1), text(16, 40).flatten())
        assert loss.item() == pytest.approx(math.log(20), abs=0.8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norm": "batch"}, "norm vale «batch»: atteso uno fra rms, layer"),
        ({"feed_forward": "gelu"}, "feed_forward vale «gelu»: atteso uno fra swiglu, relu"),
        ({"positions": "alibi"}, "positions vale «alibi»: atteso uno fra rotary, sinusoidal"),
        ({"n_kv_heads": 3}, "n_heads vale 4: atteso un multiplo di n_kv_heads = 3"),
        ({"d_model": 12}, r"d_model / n_heads vale 3: atteso pari"),
        ({"tied": 1}, "tied vale 1: atteso True o False"),
        ({"p_drop": 1.0}, "p_drop vale 1.0: atteso un numero da 0 compreso a 1 escluso"),
        ({"init_gain": 0}, "init_gain vale 0: atteso un numero positivo"),
        ({"eos_id": 1}, "pad_id, bos_id, eos_id valgono"),
    ],
)
def test_configuration_errors(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)


def test_tokens_that_are_not_accepted():
    whole = model()
    with pytest.raises(ValueError, match="tokens contiene il token 20: attesi interi da 0 a 19"):
        whole(torch.tensor([[5, 20]]))
    with pytest.raises(ValueError, match="tokens ha 17 posizioni: attese al più max_len = 16"):
        whole.decode(torch.full((1, 17), 4))


# L’addestramento, con lo stesso ciclo delle coppie

LINE = [4, 5, 6, 7, 8, 9, 10, 2]  # si ripete: dopo ogni token c’è sempre lo stesso
TRAINING = TrainingConfig(steps=8, max_tokens=64, warmup_steps=5, save_every=4, keep=2)


def test_it_learns_a_text_that_repeats_itself_and_resumes(tmp_path):
    data = Windows([LINE * 20] * 6, 16)
    torch.manual_seed(0)
    whole = LanguageModel(replace(CONFIG, p_drop=0.1))
    before = dev_loss(whole, data, 64)
    records = train(whole, data, replace(TRAINING, steps=60, warmup_steps=20), progress=False)
    assert dev_loss(whole, data, 64) < 0.3 < before
    assert sum(r["tokens"] for r in records[: len(data.batches(64))]) == len(data) == 6 * 160

    def run(folder, steps):
        torch.manual_seed(3)
        training = replace(TRAINING, steps=steps)
        return train(LanguageModel(CONFIG), data, training, folder, dev_pairs=data, progress=False)

    expected = run(tmp_path / "intero", 8)
    assert run(tmp_path / "a", 4) + run(tmp_path / "a", 8) == expected
    assert load_model(tmp_path / "a" / "passo-00000008.safetensors")[0].config == CONFIG


def test_a_checkpoint_of_another_text_is_refused(tmp_path):
    train(LanguageModel(CONFIG), Windows([LINE * 9], 16), TRAINING, tmp_path, progress=False)
    with pytest.raises(ValueError, match="l’impronta delle coppie = "):
        train(LanguageModel(CONFIG), Windows([LINE[::-1] * 9], 16), TRAINING, tmp_path, progress=False)


# Continuare un testo


def greedy(logits):
    return logits.argmax(dim=-1)


def test_continuing_is_the_model_s_choice_token_by_token_also_past_its_memory():
    whole, start = model(), [1, 5, 6, 7]
    found, tokens = continuation(whole, start, greedy), list(start)
    for _ in range(40):
        token = next(found)
        seen = tokens if len(tokens) <= 16 else None
        if seen:  # finché tutto sta in max_len; poi il modello vede meno, e lo si guarda sotto
            logits = whole(torch.tensor([seen]))[0, -1]
            logits[[0, 1, 3]] = -torch.inf
            assert token == logits.argmax()
        tokens.append(token)
    assert not {0, 1, 3} & set(tokens[1:])
    again = continuation(whole, tokens[: 4 + 13], greedy)  # al più gli ultimi 16
    assert (
        next(again)
        == whole(torch.tensor([tokens[1:17]]))[0, -1].index_fill(0, torch.tensor([0, 1, 3]), -torch.inf).argmax()
    )


def test_a_model_in_training_does_not_continue():
    with pytest.raises(ValueError, match="model è in modo addestramento"):
        next(continuation(LanguageModel(CONFIG).train(), [1], greedy))


class Letters:
    """Un tokenizer finto: una lettera, un token."""

    def encode(self, text):
        return [ord(c) - ord("a") + 4 for c in text if c.isalpha()]


def test_the_lines_of_a_start_end_with_eos():
    assert encode_start(Letters(), "ab\nc", CONFIG) == [1, 4, 5, 2, 6]
    assert encode_start(Letters(), "", CONFIG) == [1]
    with pytest.raises(ValueError, match=r"il testo «caf\\udce9»: il testo non è in UTF-8"):
        encode_start(Letters(), "caf\udce9", CONFIG)


def test_a_translator_does_not_continue(tmp_path):
    from attenzione.translator.pretrained import load_translator, shipped_folder

    with pytest.raises(ValueError, match=r"atteso un modello che continua un testo, è un attenzione\.model\.Transf"):
        load_language_model(shipped_folder())
    path = tmp_path / "modello.safetensors"
    save_checkpoint(path, LanguageModel(CONFIG), vocabulary=["<pad>", "<bos>", "<eos>", "<unk>", *map(str, range(16))])
    with pytest.raises(ValueError, match=r"atteso un modello che traduce, è un attenzione\.later\.language_model\."):
        load_translator(path)
