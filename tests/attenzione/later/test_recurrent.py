"""Le reti ricorrenti: uguali a quelle di PyTorch, e la GRU anche alla formula di Cho e altri."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from attenzione.later.recurrent import GRU, LSTM, RNN, AttentiveGRU, both_ways


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def torch_twin(cell):
    """La rete di PyTorch con gli stessi pesi; il suo secondo bias è nullo."""
    kind = {RNN: nn.RNN, LSTM: nn.LSTM, GRU: nn.GRU}[type(cell)]
    twin = kind(cell.W_x.size(0), cell.d, batch_first=True).double()
    twin.weight_ih_l0.data, twin.weight_hh_l0.data = cell.W_x.data.T, cell.W_h.data.T
    twin.bias_ih_l0.data, twin.bias_hh_l0.data = cell.b.data, torch.zeros_like(cell.b)
    return twin


def cells(d_in=3, d=4):
    found = [RNN(d_in, d), LSTM(d_in, d), GRU(d_in, d, reset_after=True)]
    for cell in found:
        nn.init.normal_(cell.b)
    return [cell.double() for cell in found]


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 7), batch=st.integers(1, 3))
def test_the_three_networks_are_those_of_torch(n, batch):
    x = torch.randn(batch, n, 3).double()
    for cell in cells():
        close(cell(x), torch_twin(cell)(x)[0])


def test_the_paper_resets_the_state_before_the_matrix():
    """Un guasto piantato: r dopo la matrice, come in PyTorch, dà altri numeri."""
    cell = GRU(3, 4).double()
    x, h = torch.randn(2, 3).double(), torch.randn(2, 4).double()
    (W_r, W_z, W), (U_r, U_z, U) = cell.W_x.chunk(3, dim=-1), cell.W_h.chunk(3, dim=-1)
    r, z = (x @ W_r + h @ U_r).sigmoid(), (x @ W_z + h @ U_z).sigmoid()
    expected = z * h + (1 - z) * (x @ W + (r * h) @ U).tanh()
    close(cell.step(x, (h,))[0], expected)
    cell.reset_after = True
    assert not torch.allclose(cell.step(x, (h,))[0], expected)


def test_gru_and_lstm_have_three_and_four_blocks():
    sizes = [sum(p.numel() for p in cell.parameters()) for cell in cells(5, 8)]
    assert sizes == [112, 4 * 112, 3 * 112]


def test_an_open_forget_gate_keeps_and_a_closed_one_forgets():
    cell, x = LSTM(2, 3), torch.randn(1, 20, 2)
    for W in (cell.W_x, cell.W_h):
        W.data.zero_()
    cell.b.data.zero_()
    cell.b.data[3:6] = 30.0  # f = 1, e g = 0: non si scrive nulla
    h, c = torch.ones(1, 3), torch.randn(1, 3)
    assert torch.equal(cell.step(x[:, 0], (h, c))[1][1], c)
    assert torch.allclose(cell.forget_gate(x), torch.ones(1, 20, 3))
    cell.b.data[3:6] = -30.0
    assert cell.step(x[:, 0], (h, c))[1][1].abs().max() < 1e-9


def test_the_gate_shown_is_the_gate_used():
    cell, x = LSTM(3, 4).double(), torch.randn(2, 5, 3).double()
    f = cell.forget_gate(x)
    state, states = None, []
    for x_t in x.unbind(dim=1):
        _, state = cell.step(x_t, state)
        states.append(state[1])
    before = torch.stack([torch.zeros_like(states[0]), *states[:-1]], dim=1)
    written = torch.stack(states, dim=1) - f * before  # (2, 5, 4): i ⊗ g, fra −1 e 1
    assert written.abs().max() < 1 and torch.allclose(states[0], written[:, 0])


def test_attention_weights_are_causal_and_sum_to_one():
    net, x = AttentiveGRU(3, 4).double(), torch.randn(2, 6, 3).double()
    output, weights = net(x, need_weights=True)
    close(weights.sum(dim=-1), torch.ones(2, 6).double())
    assert weights.triu(1).eq(0).all()
    h = net.gru(x)
    scores = net.attention.v((net.attention.W_q(h)[:, :, None] + net.attention.W_k(h)[:, None]).tanh())[..., 0]
    expected = scores.masked_fill(torch.ones(6, 6).triu(1).bool(), -torch.inf).softmax(dim=-1)
    close(weights, expected)
    close(output, torch.cat([h, expected @ h], dim=-1) @ net.W_o)


def test_a_bidirectional_network_sees_what_comes_after():
    one, other, x = GRU(3, 4).double(), GRU(3, 4).double(), torch.randn(1, 6, 3).double()
    changed = x.clone()
    changed[:, 5] += 1
    both = both_ways(one, other, x)
    assert both.shape == (1, 6, 8)
    close(both[..., :4], one(x))
    assert (both != both_ways(one, other, changed)).any(dim=-1).all()  # anche la prima posizione
    assert torch.equal(one(x)[:, :5], one(changed)[:, :5])


@pytest.mark.parametrize("build", [RNN, LSTM, GRU, AttentiveGRU])
def test_recurrent_networks_have_their_derivative(build):
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(build(2, 3).double(), x)


def test_recurrent_errors():
    with pytest.raises(ValueError, match="d_in vale 0: atteso un intero positivo"):
        LSTM(0, 3)
    with pytest.raises(ValueError, match="d vale -2: atteso un intero positivo"):
        AttentiveGRU(3, -2)
