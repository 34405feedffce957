"""L’attenzione contro la formula, contro torch.nn.functional e contro le differenze finite."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from attenzione.attention import (
    AdditiveAttention,
    MultiHeadAttention,
    causal_mask,
    fused_attention,
    padding_mask,
    scaled_dot_product_attention,
)

FUNCTIONS = [scaled_dot_product_attention, AdditiveAttention(4, 6).double()]


def qkv(n_q=5, n_k=7, d_k=4, d_v=3, lead=(2,), dtype=torch.float64, seed=0):
    g = torch.Generator().manual_seed(seed)
    shapes = (n_q, d_k), (n_k, d_k), (n_k, d_v)
    return [torch.randn(*lead, *shape, generator=g, dtype=torch.float64).to(dtype) for shape in shapes]


def by_hand(Q, K, V, mask=None, scale=None):
    """L’equazione (1) un numero alla volta, con math e senza tensori: il riferimento indipendente."""
    n_q, d_k = Q.shape
    n_k, d_v = V.shape
    scale = 1 / math.sqrt(d_k) if scale is None else scale
    output, weights = torch.zeros(n_q, d_v).double(), torch.zeros(n_q, n_k).double()
    for i in range(n_q):
        allowed = [j for j in range(n_k) if mask is None or mask[i, j]]
        scores = {j: scale * sum(float(Q[i, c]) * float(K[j, c]) for c in range(d_k)) for j in allowed}
        exps = {j: math.exp(score) for j, score in scores.items()}
        for j in allowed:
            weights[i, j] = exps[j] / sum(exps.values())
            output[i] += weights[i, j] * V[j]
    return output, weights


def test_equals_the_formula_number_by_number():
    Q, K, V = qkv(lead=())
    mask = causal_mask(5, 7)
    for options in ({}, {"mask": mask}, {"scale": 1.0}, {"mask": mask, "scale": 0.3}):
        output, weights = scaled_dot_product_attention(Q, K, V, **options)
        expected, expected_weights = by_hand(Q, K, V, **options)
        torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(weights, expected_weights, rtol=0, atol=1e-12)
        torch.testing.assert_close(fused_attention(Q, K, V, **options), expected, rtol=0, atol=1e-12)


def test_additive_equals_its_formula():
    Q, K, V = qkv(lead=())
    attention = AdditiveAttention(4, 6).double()
    scores = torch.empty(5, 7).double()
    for i in range(5):
        for j in range(7):
            hidden = torch.tanh(attention.W_q.weight @ Q[i] + attention.W_k.weight @ K[j])
            scores[i, j] = (attention.v.weight[0] @ hidden).detach()
    output, weights = attention(Q, K, V)
    torch.testing.assert_close(weights, scores.softmax(-1), rtol=0, atol=1e-12)
    torch.testing.assert_close(output, scores.softmax(-1) @ V, rtol=0, atol=1e-12)


sizes = st.integers(1, 6)


@st.composite
def cases(draw):
    n_q, n_k, d_k, d_v = (draw(sizes) for _ in range(4))
    lead = draw(st.lists(st.integers(1, 3), max_size=2))
    dtype = draw(st.sampled_from([torch.float64, torch.float32, torch.bfloat16]))
    Q, K, V = qkv(n_q, n_k, d_k, d_v, lead, dtype, draw(st.integers(0, 2**20)))
    mask_lead = draw(st.sampled_from([[], lead, [1] * len(lead)]))
    mask_shape = (*mask_lead, draw(st.sampled_from([1, n_q])), draw(st.sampled_from([1, n_k])))
    flat = draw(st.lists(st.booleans(), min_size=math.prod(mask_shape), max_size=math.prod(mask_shape)))
    mask = draw(st.sampled_from([None, torch.tensor(flat).view(mask_shape)]))
    return Q, K, V, mask


@settings(max_examples=150, deadline=None)
@given(cases())
def test_explicit_equals_fused_for_any_shape_mask_and_dtype(case):
    Q, K, V, mask = case
    output, weights = scaled_dot_product_attention(Q, K, V, mask)
    atol = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 5e-2}[Q.dtype]
    torch.testing.assert_close(fused_attention(Q, K, V, mask), output, rtol=atol, atol=atol)
    reference = nn.functional.scaled_dot_product_attention(Q, K, V, mask)
    torch.testing.assert_close(reference, output, rtol=atol, atol=atol)
    assert output.dtype == weights.dtype == Q.dtype
    assert weights.shape == (*Q.shape[:-1], K.size(-2))
    allowed = torch.ones_like(weights, dtype=torch.bool) if mask is None else mask.expand_as(weights)
    assert (weights[~allowed] == 0).all() and (weights >= 0).all()
    total = weights.double().sum(-1)
    torch.testing.assert_close(total, allowed.any(-1).double(), rtol=0, atol=max(atol, 1e-6))


@settings(max_examples=50, deadline=None)
@given(cases())
def test_permuting_the_keys_changes_nothing(case):
    Q, K, V, mask = case
    Q, K, V = Q.double(), K.double(), V.double()
    order = torch.randperm(K.size(-2))
    moved = mask if mask is None or mask.size(-1) == 1 else mask[..., order]
    output, weights = scaled_dot_product_attention(Q, K, V, mask)
    output2, weights2 = scaled_dot_product_attention(Q, K[..., order, :], V[..., order, :], moved)
    torch.testing.assert_close(output2, output, rtol=0, atol=1e-12)
    torch.testing.assert_close(weights2, weights[..., order], rtol=0, atol=1e-12)


@pytest.mark.parametrize("function", [*FUNCTIONS, fused_attention])
@pytest.mark.parametrize("masked", [False, True])
def test_gradcheck(function, masked):
    Q, K, V = (x.requires_grad_() for x in qkv())
    mask = causal_mask(5, 7).index_fill(0, torch.tensor(2), False) if masked else None
    assert torch.autograd.gradcheck(lambda *x: function(*x, mask), (Q, K, V))


@pytest.mark.parametrize("function", [*FUNCTIONS, fused_attention])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_query_that_looks_nowhere_gets_zeros_and_no_gradient(function, dtype):
    if isinstance(function, AdditiveAttention):
        function = AdditiveAttention(4).to(dtype)
    Q, K, V = (x.requires_grad_() for x in qkv(dtype=dtype))
    mask = torch.ones(5, 7, dtype=torch.bool)
    mask[2] = False
    result = function(Q, K, V, mask)
    output = result if torch.is_tensor(result) else result[0]
    assert (output[:, 2] == 0).all() and not output.isnan().any()
    output.sum().backward()
    assert (Q.grad[:, 2] == 0).all()
    assert not any(x.grad.isnan().any() for x in (Q, K, V))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_scores_beyond_half_precision_stay_finite(dtype):
    """QKᵀ vale 102 400, più del massimo del float16: la scala moltiplica Q prima del prodotto."""
    Q = torch.full((1, 2, 64), 40.0, dtype=dtype)
    V = torch.tensor([1.0, 2.0], dtype=dtype)[None, :, None].expand(1, 2, 64)
    output, weights = scaled_dot_product_attention(Q, Q, V)
    assert (weights == 0.5).all() and (output == 1.5).all()
    torch.testing.assert_close(fused_attention(Q, Q, V), output)
    attention = MultiHeadAttention(64, 1).to(dtype)
    attention.W_qkv.data, attention.W_o.data = torch.eye(64, dtype=dtype).repeat(1, 3), torch.eye(64, dtype=dtype)
    output, weights = attention(Q, need_weights=True)
    assert (weights == 0.5).all() and (output == 40).all()
    torch.testing.assert_close(attention(Q), output)


def test_causal_flag_equals_causal_mask():
    Q, K, V = qkv(n_q=6, n_k=6)
    torch.testing.assert_close(
        fused_attention(Q, K, V, is_causal=True), fused_attention(Q, K, V, causal_mask(6)), rtol=0, atol=1e-12
    )


def test_causal_mask_hides_the_future_bit_for_bit():
    Q, K, V = qkv(n_q=6, n_k=6, dtype=torch.float32)
    before = scaled_dot_product_attention(Q, K, V, causal_mask(6))[0]
    K[:, 4], V[:, 4] = 99.0, -99.0
    after = scaled_dot_product_attention(Q, K, V, causal_mask(6))[0]
    assert torch.equal(before[:, :4], after[:, :4]) and not torch.equal(before[:, 4:], after[:, 4:])


def test_masks():
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert causal_mask(2, 4).tolist() == [[True, True, True, False], [True, True, True, True]]
    tokens = torch.tensor([[5, 7, 0], [9, 0, 0]])
    assert padding_mask(tokens).tolist() == [[[True, True, False]], [[True, False, False]]]
    assert padding_mask(tokens, pad_id=9).tolist() == [[[True, True, True]], [[False, True, True]]]


def test_dropout_on_the_weights_of_the_fused_path():
    Q, K, V = qkv(n_k=400, lead=(8,))
    torch.manual_seed(0)
    dropped = fused_attention(Q, K, V, dropout_p=0.5)
    whole = fused_attention(Q, K, V)
    assert not torch.allclose(dropped, whole)
    torch.testing.assert_close(dropped.mean(), whole.mean(), rtol=0, atol=0.1)


@pytest.mark.parametrize("function", [*FUNCTIONS, fused_attention])
def test_errors_name_argument_value_and_expectation(function):
    Q, K, V = qkv()
    wrong = [
        ((Q, K[..., :3], V), ValueError, r"K ha d_k = 3: atteso .* Q, 4"),
        ((Q, K, V[:, :5]), ValueError, r"V ha 5 righe: attese .* 7"),
        ((Q[0, 0], K, V), ValueError, r"Q ha forma \(4,\): attesi almeno due assi"),
        ((Q, K, V, torch.ones(5, 7)), TypeError, r"mask ha tipo torch.float32: atteso torch.bool"),
        ((Q, K, V, causal_mask(4, 7)), ValueError, r"mask ha forma \(4, 7\): .* \(2, 5, 7\)"),
        ((Q, K, V, causal_mask(5, 7)[None, None]), ValueError, r"mask ha forma \(1, 1, 5, 7\)"),
    ]
    for arguments, error, message in wrong:
        with pytest.raises(error, match=message):
            function(*arguments)


def test_errors_of_the_options():
    Q, K, V = qkv()
    with pytest.raises(ValueError, match="is_causal vale True con n_q = 5, n_k = 7 e mask = None"):
        fused_attention(Q, K, V, is_causal=True)
    with pytest.raises(ValueError, match="mask = un tensore"):
        fused_attention(Q, K[:, :5], V[:, :5], causal_mask(5), is_causal=True)
    with pytest.raises(ValueError, match="n_k vale 2: atteso almeno n_q = 3"):
        causal_mask(3, 2)
    with pytest.raises(TypeError, match=r"tokens ha tipo torch.float32"):
        padding_mask(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="d_k vale 0: atteso un intero positivo"):
        AdditiveAttention(0)
    with pytest.raises(ValueError, match="d_hidden vale -1: atteso un intero positivo"):
        AdditiveAttention(4, -1)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="nessuna GPU CUDA su questa macchina")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_cuda_agrees_with_cpu(dtype):
    Q, K, V = qkv(n_q=64, n_k=64, d_k=32, d_v=32, lead=(2, 4))
    expected, _ = scaled_dot_product_attention(Q, K, V, causal_mask(64))
    on_gpu = [x.to("cuda", dtype) for x in (Q, K, V)]
    atol = 1e-3 if dtype == torch.float32 else 3e-2
    for output in (
        scaled_dot_product_attention(*on_gpu, causal_mask(64, device="cuda"))[0],
        fused_attention(*on_gpu, causal_mask(64, device="cuda")),
        fused_attention(*on_gpu, is_causal=True),
    ):
        torch.testing.assert_close(output.cpu().double(), expected, rtol=0, atol=atol)
