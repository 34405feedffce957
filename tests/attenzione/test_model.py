"""Il modello intero: contro torch.nn, causalità, riempimento, permutazioni, opzioni, errori."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from attenzione.attention import causal_mask
from attenzione.config import TransformerConfig
from attenzione.embedding import sinusoidal_positions
from attenzione.model import Transformer

CONFIG = TransformerConfig(n_vocab=23, n_layers=2, d_model=8, d_ff=16, n_heads=2, d_k=4, d_v=3, max_len=40)


def build(**options):
    return Transformer(replace(CONFIG, **options)).eval()


def tokens(*shape):
    return torch.randint(3, CONFIG.n_vocab, shape)


def test_the_whole_model_equals_torch_nn():
    """nn.Transformer senza le normalizzazioni finali, con gli stessi pesi: logit e gradienti."""
    ours = build(d_k=4, d_v=4).double()
    theirs = nn.Transformer(8, 2, 2, 2, 16, 0.0, batch_first=True).double()
    theirs.encoder.norm = theirs.decoder.norm = None
    for stack, reference in ((ours.encoder, theirs.encoder), (ours.decoder, theirs.decoder)):
        for layer, target in zip(stack, reference.layers, strict=True):
            attentions = [(layer.self_attention, target.self_attn)]
            if stack is ours.decoder:
                attentions.append((layer.cross_attention, target.multihead_attn))
            for attention, module in attentions:
                module.in_proj_weight.data = attention.W_qkv.T.detach().clone()
                module.out_proj.weight.data = attention.W_o.T.detach().clone()
                module.in_proj_bias.data.zero_()
                module.out_proj.bias.data.zero_()
            target.linear1.weight.data = layer.feed_forward.W_1.T.detach().clone()
            target.linear2.weight.data = layer.feed_forward.W_2.T.detach().clone()
            target.linear1.bias.data.zero_()
            target.linear2.bias.data.zero_()
    E = ours.embedding.E.detach().clone().requires_grad_()
    src, tgt = tokens(3, 6), tokens(3, 5)

    def embed(ids):
        return E[ids] * math.sqrt(8) + sinusoidal_positions(ids.size(1), 8)

    expected = theirs(embed(src), embed(tgt), tgt_mask=~causal_mask(5)) @ E.T
    logits = ours(src, tgt)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)
    G = torch.randn_like(logits)
    logits.backward(G)
    expected.backward(G)
    torch.testing.assert_close(ours.embedding.E.grad, E.grad, rtol=0, atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(j=st.integers(0, 7), dtype=st.sampled_from([torch.float32, torch.float64]), norm_first=st.booleans())
def test_changing_a_token_leaves_what_comes_before_bit_identical(j, dtype, norm_first):
    model = build(norm_first=norm_first).to(dtype)
    src, tgt = tokens(2, 5), tokens(2, 8)
    changed = tgt.clone()
    changed[:, j] = (tgt[:, j] - 3 + 7) % 20 + 3
    before, after = model(src, tgt), model(src, changed)
    assert torch.equal(before[:, :j], after[:, :j])
    assert not torch.equal(before[:, j], after[:, j])


@settings(max_examples=30, deadline=None)
@given(n_pads=st.integers(1, 9), m_pads=st.integers(0, 5))
def test_any_number_of_pads_changes_nothing(n_pads, m_pads):
    model = build().double()
    src, tgt = tokens(2, 5), tokens(2, 4)
    z, mask = model.encode(src)
    assert mask is None
    longer = nn.functional.pad(src, (0, n_pads), value=0)
    padded, mask = model.encode(longer)
    assert mask.tolist() == [[[True] * 5 + [False] * n_pads]] * 2
    torch.testing.assert_close(padded[:, :5], z, rtol=0, atol=1e-12)
    logits = model(longer, nn.functional.pad(tgt, (0, m_pads), value=0))
    torch.testing.assert_close(logits[:, :4], model(src, tgt), rtol=0, atol=1e-12)


def test_a_batch_of_different_lengths_equals_its_sentences_one_by_one():
    model = build().double()
    src, tgt = tokens(3, 6), tokens(3, 4)
    src[1, 4:], src[2, 1:] = 0, 0
    logits = model(src, tgt)
    for i, n in enumerate((6, 4, 1)):
        alone = model(src[i : i + 1, :n], tgt[i : i + 1])
        torch.testing.assert_close(logits[i : i + 1], alone, rtol=0, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(6)))
def test_without_positions_permuting_the_source_permutes_the_encoder(order):
    model = build().double()
    src = tokens(2, 6)
    with_positions = model.encode(src[:, order])[0]
    model.positions = nn.Identity()
    model.embed = lambda ids, start=0: model.embedding(ids)
    permuted, z = model.encode(src[:, order])[0], model.encode(src)[0]
    torch.testing.assert_close(permuted, z[:, order], rtol=0, atol=1e-12)
    assert not torch.allclose(with_positions, permuted)


def test_exactly_the_paper_by_default():
    model = Transformer(replace(CONFIG, p_drop=0.3))
    norms = [m for m in model.modules() if isinstance(m, nn.LayerNorm)]
    assert len(norms) == 2 * 2 + 2 * 3
    assert model.encode(tokens(1, 5))[0].shape == (1, 5, 8)
    names = [name for name, _ in model.named_parameters()]
    assert sum("embedding" in name for name in names) == 1  # una sola matrice E
    assert not any("attention" in name and ".b" in name for name in names)
    dropouts = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    assert dropouts == [0.3] * (1 + 2 * 2 + 2 * 3)  # embedding, poi ogni sottostrato
    z = model.eval().encode(tokens(4, 5))[0]  # post-norm: in uscita media 0 e varianza 1
    torch.testing.assert_close(z.mean(-1), torch.zeros(4, 5), rtol=0, atol=1e-5)
    torch.testing.assert_close(z.var(-1, correction=0), torch.ones(4, 5), rtol=0, atol=1e-3)


def test_the_options_of_later_code():
    final = Transformer(replace(CONFIG, final_norm=True, norm_first=True)).eval()
    assert sum(isinstance(m, nn.LayerNorm) for m in final.modules()) == 12
    z = final.encode(tokens(4, 5))[0]
    torch.testing.assert_close(z.mean(-1), torch.zeros(4, 5), rtol=0, atol=1e-5)
    attention = Transformer(replace(CONFIG, p_attention=0.5, p_drop=0.0)).train()
    src, tgt = tokens(2, 5), tokens(2, 4)
    assert not torch.equal(attention(src, tgt), attention(src, tgt))
    model = build()
    same = build(positions="tensor2tensor")
    same.load_state_dict(model.state_dict())
    assert not torch.allclose(model(src, tgt), same(src, tgt))
    learned = build(positions="learned")
    assert learned.positions.PE.shape == (40, 8)
    assert learned(src, tgt).shape == (2, 4, 23)


def test_attention_weights_of_every_layer_and_head():
    model = build().double()
    src, tgt = tokens(2, 5), tokens(2, 4)
    src[1, 3:] = 0
    logits = model(src, tgt)
    weights = model.attention_weights(src, tgt)
    assert {stack: [w.shape for w in ws] for stack, ws in weights.items()} == {
        "encoder": [(2, 2, 5, 5)] * 2,
        "decoder": [(2, 2, 4, 4)] * 2,
        "encoder-decoder": [(2, 2, 4, 5)] * 2,
    }
    for stack in weights.values():
        for w in stack:
            torch.testing.assert_close(w.sum(-1), torch.ones(w.shape[:-1]).double(), rtol=0, atol=1e-12)
    assert (weights["encoder"][0][1, :, :, 3:] == 0).all()
    assert (weights["encoder-decoder"][1][1, :, :, 3:] == 0).all()
    assert (weights["decoder"][0].triu(1) == 0).all()
    assert torch.equal(model(src, tgt), logits)  # gli agganci non restano


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_attention_weights_in_half_precision(dtype):
    model, src, tgt = build(), tokens(2, 5), tokens(2, 4)
    src[1, 3:] = 0
    expected = model.attention_weights(src, tgt)
    found = model.to(dtype).attention_weights(src, tgt)
    for stack, weights in expected.items():
        for w, half in zip(weights, found[stack], strict=True):
            torch.testing.assert_close(half.float(), w, rtol=0, atol=0.05)


@pytest.mark.parametrize(
    ("src", "tgt", "error", "message"),
    [
        ([[5, 23]], [[1]], ValueError, "src contiene il token 23: attesi interi da 0 a 22"),
        ([[5, -1]], [[1]], ValueError, "src contiene il token -1: attesi interi da 0 a 22"),
        ([[5, 6]], [[1, 99]], ValueError, "tgt contiene il token 99: attesi interi da 0 a 22"),
        ([[5, 6], [0, 0]], [[1], [1]], ValueError, "src ha soltanto PAD nella riga 1: atteso"),
        ([[0]], [[1]], ValueError, "src ha soltanto PAD nella riga 0"),
        ([5, 6], [[1]], ValueError, r"src ha forma \(2,\): attesa \(B, n\)"),
        ([[5.0, 6.0]], [[1]], TypeError, r"tokens ha tipo torch.float32: attesi identificatori interi"),
        ([[5] * 41], [[1]], ValueError, "src ha 41 posizioni: attese al più max_len = 40"),
        ([[5]], [[5] * 41], ValueError, "tgt ha 41 posizioni: attese al più max_len = 40"),
    ],
)
def test_errors_name_the_argument_the_value_and_the_expectation(src, tgt, error, message):
    with pytest.raises(error, match=message):
        build()(torch.tensor(src), torch.tensor(tgt))


@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize(("src", "tgt"), [((4, 5), (2, 6)), ((2, 5), (3, 3)), ((1, 5), (2, 5))])
def test_batches_that_do_not_match_are_an_error(src, tgt, checked):
    with pytest.raises(ValueError, match=f"src ha {src[0]} frasi e tgt ne ha {tgt[0]}: attese altrettante"):
        build()(tokens(*src), tokens(*tgt), checked=checked)


def test_rows_that_do_not_match_the_memory_are_an_error():
    model = build()
    z, mask = model.encode(tokens(2, 5))
    with pytest.raises(ValueError, match="tgt ha 3 righe: atteso un multiplo delle 2 della memoria"):
        model.decode(tokens(3, 4), z, mask)
    cache = model.start_cache(z, 5, beam=2)
    with pytest.raises(ValueError, match="tgt ha 3 righe: atteso un multiplo delle 2 della memoria"):
        model.decode(tokens(3, 1), None, mask, cache)
    with pytest.raises(ValueError, match="K ha 2 sequenze: attese quante ne ha la cache, 4"):
        model.decode(tokens(2, 1), None, mask, cache)
    assert model.decode(tokens(4, 1), None, mask, cache).shape == (4, 1, 8)


def test_an_empty_sequence_is_an_error():
    with pytest.raises(ValueError, match=r"src ha forma \(1, 0\): attesa \(B, n\), con B e n almeno 1"):
        build()(torch.zeros(1, 0, dtype=torch.long), tokens(1, 2))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="nessuna GPU CUDA su questa macchina")
def test_cuda_agrees_with_cpu():
    model = build()
    src, tgt = tokens(2, 5), tokens(2, 4)
    src[1, 3:] = 0
    expected = model(src, tgt)
    logits = model.cuda()(src.cuda(), tgt.cuda())
    torch.testing.assert_close(logits.cpu(), expected, rtol=0, atol=1e-4)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="nessuna GPU CUDA su questa macchina")
def test_tokens_already_checked_never_wait_for_cuda():
    model, src, tgt = build().cuda(), tokens(2, 5).cuda(), tokens(2, 4).cuda()
    expected = model(src, tgt)
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchronizing CUDA operation"):
            model(src, tgt)
        found = model(src, tgt, checked=True)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(found, expected)
