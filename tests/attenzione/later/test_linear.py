"""Attenzione lineare, RWKV, S4, Mamba: la forma parallela e la ricorrenza, gli stessi numeri."""

import cmath
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import elu, softplus

from attenzione.attention import causal_mask
from attenzione.evidence.complexity import sequential_operations
from attenzione.later.linear_attention import LinearAttention, feature_map, linear_attention, linear_attention_step
from attenzione.later.rwkv import TimeMixing, wkv, wkv_step
from attenzione.later.scan import decay_weights, recurrence
from attenzione.later.state_space import DiagonalS4, MambaBlock, SelectiveScan, convolve


def close(found, expected, atol=1e-12):
    torch.testing.assert_close(found, expected, rtol=0, atol=atol)


def step_by_step(module, x):
    """Le uscite di module.step, una posizione alla volta, e l’ultimo stato."""
    state, outputs = None, []
    for x_t in x.unbind(dim=1):
        output, state = module.step(x_t, state)
        outputs.append(output)
    return torch.stack(outputs, dim=1), state


# Attenzione lineare, 2006.16236


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 8), d_k=st.integers(1, 4), d_v=st.integers(1, 4))
def test_linear_attention_is_a_sum_that_grows(n, d_k, d_v):
    Q, K = torch.randn(2, 2, n, d_k).double()
    V = torch.randn(2, n, d_v).double()
    state, outputs = None, []
    for q, k, v in zip(Q.unbind(1), K.unbind(1), V.unbind(1), strict=True):
        output, state = linear_attention_step(q, k, v, state)
        outputs.append(output)
    close(torch.stack(outputs, dim=1), linear_attention(Q, K, V))
    assert state[0].shape == (2, d_k, d_v) and state[1].shape == (2, d_k)


def test_linear_attention_is_a_weighted_mean():
    Q, K, V = torch.randn(3, 5, 2).double()
    assert (feature_map(Q) > 0).all() and torch.allclose(feature_map(Q), torch.where(Q > 0, Q + 1, Q.exp()))
    weights = (elu(Q) + 1) @ (elu(K) + 1).T * causal_mask(5)
    close(linear_attention(Q, K, V), weights / weights.sum(dim=1, keepdim=True) @ V)
    close(linear_attention(Q, K, torch.ones(5, 1).double()), torch.ones(5, 1).double())


# RWKV, 2305.13048


def wkv_by_hand(w, u, k, v):
    """La formula, posizione per posizione e canale per canale, con gli esponenziali come sono scritti."""
    n, d = k.shape
    found = torch.zeros_like(v)
    for t in range(n):
        for c in range(d):
            weights = [math.exp(k[j, c] - (t - 1 - j) * w[c]) for j in range(t)] + [math.exp(u[c] + k[t, c])]
            found[t, c] = sum(p * v[j, c] for j, p in enumerate(weights)) / sum(weights)
    return found


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 7), d=st.integers(1, 3))
def test_a_channel_as_softmax_as_recurrence_and_as_written(n, d):
    w, u = torch.rand(d).double() + 0.1, torch.randn(d).double()
    k, v = torch.randn(2, 1, n, d).double()
    found = wkv(w, u, k, v)
    close(found[0], wkv_by_hand(w, u, k[0], v[0]))
    state, outputs = None, []
    for k_t, v_t in zip(k.unbind(1), v.unbind(1), strict=True):
        output, state = wkv_step(w, u, k_t, v_t, state)
        outputs.append(output)
    close(torch.stack(outputs, dim=1), found)


def test_the_recurrence_does_not_overflow():
    """Un guasto piantato: senza il massimo da parte, e^800 non si può scrivere nemmeno in doppia precisione."""
    k, v = torch.full((1, 3), 800.0).double(), torch.randn(1, 3).double()
    output, state = wkv_step(torch.ones(3).double(), torch.zeros(3).double(), k, v)
    output, _ = wkv_step(torch.ones(3).double(), torch.zeros(3).double(), k, v, state)
    close(output, v)
    assert k.exp().isinf().all()


def test_without_decay_a_channel_is_a_softmax_over_the_keys():
    k, v = torch.randn(2, 1, 5, 2).double()
    w, u = torch.zeros(2).double(), torch.zeros(2).double()
    mean = k[0].softmax(dim=0) * v[0]
    close(wkv(w, u, k, v)[0, -1], mean.sum(dim=0))


# S4 e Mamba, 2111.00396 e 2312.00752


def test_the_convolution_by_fourier_is_the_convolution():
    x, kernel = torch.randn(2, 7, 3).double(), torch.randn(7, 3).double()
    expected = torch.zeros_like(x)
    for t in range(7):
        for j in range(t + 1):
            expected[:, t] += kernel[j] * x[:, t - j]
    close(convolve(x, kernel), expected)


def test_s4_reads_with_a_kernel_that_is_its_own_recurrence():
    s4, x = DiagonalS4(3, 4).double(), torch.randn(2, 9, 3).double()
    a, c = s4.discrete()
    states = recurrence(a.expand(1, 9, 3, 4), x[..., None].to(a.dtype))  # (2, 9, 3, 4)
    close((c * states).real.sum(dim=-1), convolve(x, s4.kernel(9)))
    assert (a.abs() < 1).all()  # nulla esplode
    close(s4(x), step_by_step(s4, x)[0])


def test_the_write_of_s4_is_the_integral_over_a_step():
    """Con un ingresso costante lo stato di x′ = λ x + 1 dopo Δ è (e^(λΔ) − 1)/λ: è la scrittura di discrete."""
    s4 = DiagonalS4(1, 1).double()
    delta, eigenvalue = s4.log_delta.exp().item(), complex(-s4.log_real.exp().item(), s4.imaginary.item())
    a, c = s4.discrete()
    steps, h = 200_000, 0j
    for _ in range(steps):
        h += delta / steps * (eigenvalue * h + 1)
    assert abs(c.item() / (2 * torch.view_as_complex(s4.C).item()) - h) < 1e-6
    assert abs(a.item() - cmath.exp(delta * eigenvalue)) < 1e-12


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 9))
def test_the_selective_scan_as_recurrence_doublings_and_sum(n):
    layer, x = SelectiveScan(4, 3).double(), torch.randn(2, n, 4).double()
    a, b, read = layer.discrete(x)
    expected = layer(x)
    layer.solve = recurrence
    close(layer(x), expected)
    states = (decay_weights(a) * b[:, None]).sum(dim=2)  # (2, n, 4, 3)
    close((states * read[:, :, None]).sum(dim=-1) + layer.D * x, expected)
    close(step_by_step(layer, x)[0], expected)


def test_the_step_depends_on_the_input():
    """Un guasto piantato: con Δ, scrittura e lettura fisse, S4, spostare l’ingresso sposta l’uscita e basta."""
    x = torch.randn(1, 8, 4).double()
    doubled = 2 * x
    s4, layer = DiagonalS4(4).double(), SelectiveScan(4).double()
    close(convolve(doubled, s4.kernel(8)), 2 * convolve(x, s4.kernel(8)))
    assert not torch.allclose(layer(doubled), 2 * layer(x))


def test_a_closed_step_skips_the_position():
    layer, x = SelectiveScan(4, 3).double(), torch.randn(1, 5, 4).double()
    layer.W_delta.weight.data.zero_()
    layer.delta.bias.data.fill_(-40.0)  # Δ ≈ 0
    a, b, _ = layer.discrete(x)
    close(a, torch.ones_like(a))
    close(b, torch.zeros_like(b))
    layer.delta.bias.data.fill_(40.0)  # Δ grande
    assert layer.discrete(x)[0].max() < 1e-12
    close(softplus(torch.tensor(40.0).double()), torch.tensor(40.0).double())


def test_doublings_shorten_the_queue_of_mamba():
    one, other = MambaBlock(4, 2).double(), MambaBlock(4, 2, parallel=False).double()
    other.load_state_dict(one.state_dict())
    x = torch.randn(2, 65, 4).double()
    close(one(x), other(x))
    short, long = (sequential_operations(lambda X, m=m: m(X[None])[0], 65, 4) for m in (one, other))
    assert short < long / 2


# Tutti insieme


@pytest.mark.parametrize("build", [lambda: LinearAttention(4, 2), lambda: TimeMixing(3), lambda: DiagonalS4(3, 2)])
def test_they_have_their_derivative(build):
    module = build().double()
    width = module.W_o.size(0)
    x = torch.randn(2, 3, width, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(module, x)


def test_mamba_has_its_derivative():
    x = torch.randn(1, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(MambaBlock(2, 2).double(), x)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LinearAttention(6, 4), "d_model vale 6: atteso un multiplo di n_heads = 4"),
        (lambda: TimeMixing(0), "d vale 0: atteso un intero positivo"),
        (lambda: DiagonalS4(2, 0), "n_states vale 0: atteso un intero positivo"),
        (lambda: SelectiveScan(2, 2, 0), "rank vale 0: atteso un intero positivo"),
        (lambda: MambaBlock(2, kernel_size=0), "kernel_size vale 0: atteso un intero positivo"),
    ],
)
def test_errors(build, message):
    with pytest.raises(ValueError, match=message):
        build()
