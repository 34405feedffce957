"""Attenzione multi-testa, rete feed-forward, embedding e strati, contro la formula e contro torch.nn."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from attenzione.attention import KVCache, MultiHeadAttention, causal_mask, scaled_dot_product_attention
from attenzione.config import TransformerConfig
from attenzione.embedding import (
    Embedding,
    LearnedPositionalEncoding,
    SinusoidalPositionalEncoding,
    sinusoidal_positions,
)
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.layers import DecoderLayer, EncoderLayer


def close(a, b, atol=1e-10):
    torch.testing.assert_close(a, b, rtol=0, atol=atol)


@settings(max_examples=40, deadline=None)
@given(*[st.integers(1, 5)] * 5)
def test_multi_head_is_the_concatenation_of_the_heads(h, d_k, d_v, n, m):
    mha = MultiHeadAttention(6, h, d_k, d_v).double()
    x, z = torch.randn(2, m, 6).double(), torch.randn(2, n, 6).double()
    W_q, W_k, W_v, W_o = mha.per_head()
    assert (W_q.shape, W_k.shape) == ((h, 6, d_k), (h, 6, d_k))
    assert (W_v.shape, W_o.shape) == ((h, 6, d_v), (h * d_v, 6))
    for memory, mask in ((z, None), (x, causal_mask(m))):
        heads = [scaled_dot_product_attention(x @ W_q[i], memory @ W_k[i], memory @ W_v[i], mask)[0] for i in range(h)]
        expected = torch.cat(heads, dim=-1) @ W_o
        if mask is None:
            close(mha(x, z), expected)
            close(mha(x, mha.keys_values(z)), expected)
        else:
            close(mha(x, is_causal=True), expected)
            close(mha(x, mask=mask), expected)
            close(mha(x, x, mask), expected)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 6), is_causal=st.booleans(), data=st.data())
def test_explicit_and_fused_paths_agree(n, is_causal, data):
    mha = MultiHeadAttention(8, 2, 4, 3).double()
    x = torch.randn(3, n, 8).double()
    shape = data.draw(st.sampled_from([(3, 1, n), (3, n, n), (n, n), (1, n)]))
    mask = data.draw(st.sampled_from([None, torch.rand(shape) > 0.4]))
    output, weights = mha(x, mask=mask, is_causal=is_causal, need_weights=True)
    close(mha(x, mask=mask, is_causal=is_causal), output)
    assert weights.shape == (3, 2, n, n)
    allowed = torch.ones(3, n, n, dtype=torch.bool) if mask is None else mask.expand(3, n, n)
    allowed = allowed & causal_mask(n) if is_causal else allowed
    assert (weights[~allowed[:, None].expand_as(weights)] == 0).all()


def test_attention_dropout_only_in_training():
    mha = MultiHeadAttention(8, 2, p_attention=0.5)
    x = torch.randn(2, 5, 8)
    mha.eval()
    close(mha(x), mha(x, need_weights=True)[0], 1e-6)
    mha.train()
    assert not torch.equal(mha(x), mha(x))
    assert not torch.equal(mha(x, need_weights=True)[0], mha(x, need_weights=True)[0])
    weights = mha(x, need_weights=True)[1]
    close(weights.sum(-1), torch.ones(2, 2, 5), 1e-6)  # i pesi resi sono quelli prima del dropout


def test_cache_grows_in_place_and_gives_the_same_numbers():
    mha = MultiHeadAttention(8, 2, 4, 3).double()
    x = torch.randn(3, 7, 8).double()
    cache = KVCache(3, 2, 7, 4, 3, dtype=torch.float64)
    address = cache.K.data_ptr(), cache.V.data_ptr()
    steps = [mha(piece, is_causal=True, cache=cache) for piece in x.split([1, 3, 1, 2], dim=1)]
    close(torch.cat(steps, dim=1), mha(x, is_causal=True))
    assert address == (cache.K.data_ptr(), cache.V.data_ptr()) and cache.length == 7
    K, V = cache.append(torch.empty(3, 2, 0, 4).double(), torch.empty(3, 2, 0, 3).double())
    assert (K.data_ptr(), V.data_ptr()) == address  # viste sul posto prenotato, non copie
    rows = torch.tensor([2, 0, 0])
    expected = cache.K[rows], cache.V[rows]
    cache.reorder(rows)
    assert torch.equal(cache.K, expected[0]) and torch.equal(cache.V, expected[1])


def test_cache_errors():
    cache = KVCache(1, 2, 3, 4, 4)
    with pytest.raises(ValueError, match="la cache arriva a 4 posizioni: attese al più capacity = 3"):
        cache.append(torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4))
    with pytest.raises(MemoryError, match="capacity vale 10000000000000, batch 8: la memoria non basta"):
        KVCache(8, 8, 10**13, 64, 64)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((10, 4), "d_model vale 10: atteso un multiplo di n_heads = 4"),
        ((8, 0), "n_heads vale 0: atteso un intero positivo"),
        ((8, 2, 0), "d_k vale 0: atteso un intero positivo"),
        ((8, 2, 4, -3), "d_v vale -3: atteso un intero positivo"),
    ],
)
def test_multi_head_errors(sizes, message):
    with pytest.raises(ValueError, match=message):
        MultiHeadAttention(*sizes)


def test_multi_head_rejects_a_wrong_mask():
    mha, x = MultiHeadAttention(8, 2), torch.randn(2, 5, 8)
    with pytest.raises(ValueError, match=r"mask ha forma \(2, 1, 5, 4\): attesa .* \(2, 2, 5, 5\)"):
        mha(x, mask=torch.ones(2, 5, 4, dtype=torch.bool))
    with pytest.raises(TypeError, match=r"mask ha tipo torch.float32: atteso torch.bool"):
        mha(x, mask=torch.ones(2, 5, 5))


def test_feed_forward_is_its_formula_and_two_width_one_convolutions():
    ffn = PositionwiseFeedForward(8, 20).double()
    nn.init.normal_(ffn.b_1)
    nn.init.normal_(ffn.b_2)
    x = torch.randn(2, 5, 8).double()
    close(ffn(x), torch.clamp(x @ ffn.W_1 + ffn.b_1, min=0) @ ffn.W_2 + ffn.b_2)
    hidden = nn.functional.conv1d(x.mT, ffn.W_1.T[..., None], ffn.b_1).relu()
    close(ffn(x), nn.functional.conv1d(hidden, ffn.W_2.T[..., None], ffn.b_2).mT)
    assert torch.autograd.gradcheck(ffn, x.requires_grad_())


def test_embedding_is_tied_scaled_and_of_unit_variance():
    embedding = Embedding(5000, 64)
    tokens = torch.arange(5000)[None]
    assert embedding(tokens).std().item() == pytest.approx(1, abs=0.01)
    close(embedding(tokens)[0], embedding.E * 8, 1e-6)
    x = nn.functional.layer_norm(torch.randn(100, 64), (64,))
    assert embedding.logits(x).std().item() == pytest.approx(1, abs=0.03)
    close(embedding.logits(x), torch.einsum("nd,vd->nv", x, embedding.E), 1e-5)
    assert [name for name, _ in embedding.named_parameters()] == ["E"]


def test_sinusoids_are_the_formula():
    PE = sinusoidal_positions(50, 16)
    for pos in (0, 1, 7, 49):
        for i in range(8):
            angle = pos / 10000 ** (2 * i / 16)
            assert PE[pos, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-14)
            assert PE[pos, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-14)


def test_a_fixed_offset_is_a_linear_map():
    """PE(pos + k) = M_k PE(pos), con la stessa M_k per ogni pos: una rotazione di ogni coppia, di un angolo noto."""
    PE, offset = sinusoidal_positions(60, 16), 9
    angles = offset / 10000 ** (torch.arange(8, dtype=torch.float64) / 8)  # (8,)
    rotations = torch.stack([angles.cos(), angles.sin(), -angles.sin(), angles.cos()], dim=-1).view(8, 2, 2)
    M = torch.block_diag(*rotations)  # (16, 16)
    close(PE[: 60 - offset] @ M.T, PE[offset:], 1e-13)


def test_tensor2tensor_layout():
    PE = sinusoidal_positions(50, 16, "tensor2tensor")
    scales = [10000 ** (i / 7) for i in range(8)]
    for pos in (0, 1, 49):
        expected = [math.sin(pos / s) for s in scales] + [math.cos(pos / s) for s in scales]
        close(PE[pos], torch.tensor(expected, dtype=torch.float64), 1e-14)


def test_sinusoidal_encoding_grows_and_keeps_full_precision():
    encoding = SinusoidalPositionalEncoding(8)
    x = torch.zeros(1, 700, 8).double()
    assert torch.equal(encoding.double()(x)[0], sinusoidal_positions(700, 8))
    assert torch.equal(encoding(x[:, :3], start=500)[0], sinusoidal_positions(503, 8)[500:])
    assert encoding.float()(x.float()).dtype == torch.float32
    assert list(encoding.parameters()) == []


def test_position_errors():
    with pytest.raises(ValueError, match="d_model vale 7: atteso pari"):
        sinusoidal_positions(4, 7)
    with pytest.raises(ValueError, match="layout vale «learned»: atteso uno fra sinusoidal, tensor2tensor"):
        sinusoidal_positions(4, 8, "learned")
    with pytest.raises(ValueError, match="x arriva alla posizione 6: attese al più max_len = 5"):
        LearnedPositionalEncoding(5, 8)(torch.zeros(1, 2, 8), start=4)


def copy_attention(ours, theirs):
    theirs.in_proj_weight.data.copy_(ours.W_qkv.T)
    theirs.out_proj.weight.data.copy_(ours.W_o.T)
    theirs.in_proj_bias.data.zero_()
    theirs.out_proj.bias.data.zero_()


def copy_rest(ours, theirs):
    for linear, W, b in (
        (theirs.linear1, ours.feed_forward.W_1, ours.feed_forward.b_1),
        (theirs.linear2, ours.feed_forward.W_2, ours.feed_forward.b_2),
    ):
        linear.weight.data.copy_(W.T)
        linear.bias.data.copy_(b)
    for i, residual in enumerate(ours.residuals):
        norm = getattr(theirs, f"norm{i + 1}")
        norm.weight.data.copy_(residual.norm.weight)
        norm.bias.data.copy_(residual.norm.bias)


def randomize(module):
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.4)
    return module


def config(norm_first):
    return TransformerConfig(n_vocab=11, d_model=12, d_ff=20, n_heads=3, p_drop=0.0, norm_first=norm_first)


@pytest.mark.parametrize("norm_first", [False, True])
def test_encoder_layer_equals_torch_nn(norm_first):
    ours = randomize(EncoderLayer(config(norm_first)).double())
    theirs = nn.TransformerEncoderLayer(12, 3, 20, 0.0, batch_first=True, norm_first=norm_first).double()
    copy_attention(ours.self_attention, theirs.self_attn)
    copy_rest(ours, theirs)
    x = torch.randn(2, 5, 12).double().requires_grad_()
    x2 = x.detach().clone().requires_grad_()
    real = torch.tensor([[True, True, True, True, True], [True, True, True, False, False]])
    output = ours(x, real[:, None])
    expected = theirs(x2, src_key_padding_mask=~real)
    close(output, expected)
    G = torch.randn_like(output)
    output.backward(G)
    expected.backward(G)
    close(x.grad, x2.grad)
    close(ours.self_attention.W_qkv.grad, theirs.self_attn.in_proj_weight.grad.T)
    close(ours.self_attention.W_o.grad, theirs.self_attn.out_proj.weight.grad.T)
    compare_rest(ours, theirs)


@pytest.mark.parametrize("norm_first", [False, True])
def test_decoder_layer_equals_torch_nn(norm_first):
    ours = randomize(DecoderLayer(config(norm_first)).double())
    theirs = nn.TransformerDecoderLayer(12, 3, 20, 0.0, batch_first=True, norm_first=norm_first).double()
    copy_attention(ours.self_attention, theirs.self_attn)
    copy_attention(ours.cross_attention, theirs.multihead_attn)
    copy_rest(ours, theirs)
    x, z = torch.randn(2, 4, 12).double().requires_grad_(), torch.randn(2, 5, 12).double().requires_grad_()
    x2, z2 = (t.detach().clone().requires_grad_() for t in (x, z))
    real = torch.tensor([[True, True, True, True, True], [True, True, True, False, False]])
    output = ours(x, z, real[:, None])
    expected = theirs(x2, z2, tgt_mask=~causal_mask(4), memory_key_padding_mask=~real)
    close(output, expected)
    G = torch.randn_like(output)
    output.backward(G)
    expected.backward(G)
    close(x.grad, x2.grad)
    close(z.grad, z2.grad)
    for attention, reference in (
        (ours.self_attention, theirs.self_attn),
        (ours.cross_attention, theirs.multihead_attn),
    ):
        close(attention.W_qkv.grad, reference.in_proj_weight.grad.T)
        close(attention.W_o.grad, reference.out_proj.weight.grad.T)
    compare_rest(ours, theirs)


def compare_rest(ours, theirs):
    close(ours.feed_forward.W_1.grad, theirs.linear1.weight.grad.T)
    close(ours.feed_forward.b_1.grad, theirs.linear1.bias.grad)
    close(ours.feed_forward.W_2.grad, theirs.linear2.weight.grad.T)
    close(ours.feed_forward.b_2.grad, theirs.linear2.bias.grad)
    for i, residual in enumerate(ours.residuals):
        norm = getattr(theirs, f"norm{i + 1}")
        close(residual.norm.weight.grad, norm.weight.grad)
        close(residual.norm.bias.grad, norm.bias.grad)
