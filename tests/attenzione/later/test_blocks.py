"""I mattoni venuti dopo l’articolo: ciascuno contro PyTorch, o contro un’altra forma della stessa matematica."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import scaled_dot_product_attention as torch_attention

from attenzione.attention import KVCache, MultiHeadAttention, causal_mask
from attenzione.embedding import sinusoidal_positions
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.later.gated import SwiGLU, UnbiasedFeedForward
from attenzione.later.grouped import GroupedQueryAttention
from attenzione.later.normalization import RMSNorm
from attenzione.later.rotary import RotaryPositions, rotate, rotations


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def gradcheck(module, *shape):
    return torch.autograd.gradcheck(module.double(), torch.randn(*shape, dtype=torch.float64, requires_grad=True))


# RMSNorm, 1910.07467


def test_rms_norm_is_that_of_torch():
    ours, theirs = RMSNorm(6).double(), nn.RMSNorm(6, eps=1e-6).double()
    gain = torch.randn(6).double()
    ours.g.data, theirs.weight.data = gain, gain
    x = torch.randn(3, 5, 6).double()
    close(ours(x), theirs(x))
    assert gradcheck(ours, 2, 6)


def test_rms_norm_forgets_the_length_of_a_vector_but_not_its_mean():
    norm, x = RMSNorm(6, eps=0.0).double(), torch.randn(4, 6).double()
    close(norm(x).square().mean(dim=-1), torch.ones(4).double())
    close(norm(1000 * x), norm(x))
    assert not torch.allclose(norm(x + 1), norm(x))
    assert torch.equal(RMSNorm(6)(torch.zeros(2, 6)), torch.zeros(2, 6))  # non NaN


def test_rms_norm_errors():
    with pytest.raises(ValueError, match="d_model vale 0: atteso un intero positivo"):
        RMSNorm(0)


# RoPE, 2104.09864


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 9), half=st.integers(1, 5), start=st.integers(0, 40))
def test_rotary_is_a_product_of_complex_numbers(n, half, start):
    x = torch.randn(2, n, 2 * half).double()
    theta = 10_000 ** (-torch.arange(half).double() / half)
    turn = torch.polar(torch.ones(n, half).double(), torch.arange(start, start + n).double()[:, None] * theta)
    expected = torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2))) * turn).flatten(-2)
    close(RotaryPositions(2 * half, length=4).double()(x, start), expected)


@settings(max_examples=30, deadline=None)
@given(pos=st.integers(0, 200), other=st.integers(0, 200), shift=st.integers(0, 200))
def test_positions_enter_the_product_only_as_a_difference(pos, other, shift):
    rotary = RotaryPositions(8).double()
    q, k = torch.randn(1, 8).double(), torch.randn(1, 8).double()
    product = rotary(q, pos) @ rotary(k, other).T
    close(rotary(q, pos + shift) @ rotary(k, other + shift).T, product)
    close(rotary(q, pos).norm(), q.norm())


def test_the_frequencies_are_those_of_the_paper():
    cos, sin = rotations(50, 8)
    positions = sinusoidal_positions(50, 8)
    close(sin, positions[:, 0::2])
    close(cos, positions[:, 1::2])


def test_rotating_has_its_derivative_and_keeps_the_type():
    cos, sin = rotations(3, 4)
    assert gradcheck(RotaryPositions(4), 3, 4)
    assert rotate(torch.ones(3, 4).bfloat16(), cos, sin).dtype == torch.bfloat16
    assert not RotaryPositions(4).state_dict()


def test_rotary_errors():
    with pytest.raises(ValueError, match="d_k vale 3: atteso pari, perché le componenti girano a coppie"):
        RotaryPositions(3)


# SwiGLU, 2002.05202


def test_swiglu_is_its_formula():
    net, x = SwiGLU(4, 6).double(), torch.randn(2, 3, 4).double()
    a = x @ net.W
    close(net(x), (a / (1 + (-a).exp()) * (x @ net.V)) @ net.W_2)
    assert gradcheck(net, 2, 4)


def test_a_closed_gate_lets_nothing_through():
    net = SwiGLU(4, 6)
    net.W.data.zero_()
    assert torch.equal(net(torch.randn(2, 4)), torch.zeros(2, 4))


def test_two_thirds_of_d_ff_give_the_parameters_of_the_plain_network():
    plain, gated = UnbiasedFeedForward(12, 48), SwiGLU(12, 32)
    assert sum(p.numel() for p in gated.parameters()) == sum(p.numel() for p in plain.parameters())


def test_without_biases_it_is_the_network_of_the_paper_with_null_biases():
    paper, ours, x = PositionwiseFeedForward(4, 6).double(), UnbiasedFeedForward(4, 6).double(), torch.randn(2, 3, 4)
    ours.W_1.data, ours.W_2.data = paper.W_1.data, paper.W_2.data
    close(ours(x.double()), paper(x.double()))
    assert set(ours.state_dict()) == {"W_1", "W_2"}


def test_gated_errors():
    with pytest.raises(ValueError, match="d_out vale -1: atteso un intero positivo"):
        SwiGLU(4, -1)


# Chiavi e valori in comune, 1911.02150 e 2305.13245


@settings(max_examples=30, deadline=None)
@given(groups=st.sampled_from([(6, 6), (6, 3), (6, 2), (6, 1)]), n=st.integers(1, 6), causal=st.booleans())
def test_grouped_queries_are_those_of_torch(groups, n, causal):
    n_heads, n_kv_heads = groups
    attention, x = GroupedQueryAttention(12, n_heads, n_kv_heads).double(), torch.randn(2, n, 12).double()
    Q, K, V = (y.unflatten(-1, (-1, 2)).transpose(1, 2) for y in (x @ attention.W_qkv).split(attention.widths, dim=-1))
    heads = torch_attention(Q, K, V, is_causal=causal, enable_gqa=True)
    expected = heads.transpose(1, 2).flatten(2) @ attention.W_o
    close(attention(x, is_causal=causal), expected)
    found, weights = attention(x, is_causal=causal, need_weights=True)
    close(found, expected)
    assert weights.shape == (2, n_heads, n, n)
    close(weights.sum(dim=-1), torch.ones(2, n_heads, n).double())


def test_with_all_its_keys_it_is_the_attention_of_the_paper():
    paper, ours = MultiHeadAttention(12, 3).double(), GroupedQueryAttention(12, 3).double()
    ours.load_state_dict(paper.state_dict())
    x = torch.randn(2, 5, 12).double()
    mask = causal_mask(5)[None]
    close(ours(x, mask), paper(x, mask=mask))


def test_the_heads_of_a_group_read_the_same_keys():
    """Un guasto piantato: coi gruppi intrecciati, come darebbe repeat invece di repeat_interleave, non è più così."""
    attention = GroupedQueryAttention(8, 4, 2).double()
    K = torch.randn(1, 2, 3, 2).double()
    spread = attention.spread(K)
    assert torch.equal(spread[:, 0], spread[:, 1]) and torch.equal(spread[:, 2], spread[:, 3])
    assert not torch.equal(spread, K.repeat(1, 2, 1, 1))


@settings(max_examples=20, deadline=None)
@given(n_kv_heads=st.sampled_from([1, 2, 4]), first=st.integers(1, 6), rotary=st.booleans())
def test_the_cache_changes_nothing_and_holds_fewer_heads(n_kv_heads, first, rotary):
    turn = RotaryPositions(2) if rotary else None
    attention, x = GroupedQueryAttention(8, 4, n_kv_heads, rotary=turn).double(), torch.randn(2, 7, 8).double()
    cache = KVCache(2, n_kv_heads, 7, 2, 2, dtype=torch.float64)
    pieces = [attention(x[:, :first], is_causal=True, cache=cache)]
    pieces += [attention(x[:, i : i + 1], is_causal=True, cache=cache) for i in range(first, 7)]
    close(torch.cat(pieces, dim=1), attention(x, is_causal=True))
    assert cache.K.numel() == 2 * n_kv_heads * 7 * 2


def test_grouped_queries_have_their_derivative():
    assert gradcheck(GroupedQueryAttention(8, 4, 2, rotary=RotaryPositions(2)), 2, 3, 8)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((8, 3), "d_model vale 8: atteso un multiplo di n_heads = 3"),
        ((8, 4, 3), "n_heads vale 4: atteso un multiplo di n_kv_heads = 3"),
        ((8, 4, 0), "n_kv_heads vale 0: atteso un intero positivo"),
    ],
)
def test_grouped_errors(sizes, message):
    with pytest.raises(ValueError, match=message):
        GroupedQueryAttention(*sizes)
