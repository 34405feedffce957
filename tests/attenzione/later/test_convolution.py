"""Le convoluzioni che guardano indietro: uguali a quelle di PyTorch, e il campo che vedono è quello che si conta."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv1d, glu, pad

from attenzione.evidence.complexity import connections
from attenzione.later.convolution import ByteNetBlock, CausalConvolution, ConvS2SLayer, WindowMLP, receptive_field


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 9), kernel_size=st.integers(1, 4), dilation=st.integers(1, 4))
def test_a_causal_convolution_is_that_of_torch(n, kernel_size, dilation):
    ours, x = CausalConvolution(3, 5, kernel_size, dilation).double(), torch.randn(2, n, 3).double()
    torch.nn.init.normal_(ours.b)
    expected = conv1d(pad(x.mT, (ours.reach, 0)), ours.W.permute(2, 1, 0), ours.b, dilation=dilation)
    close(ours(x), expected.mT)


@settings(max_examples=20, deadline=None)
@given(kernel_size=st.integers(1, 3), dilations=st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_the_receptive_field_is_what_the_gradient_reaches(kernel_size, dilations):
    layers = [CausalConvolution(2, 2, kernel_size, dilation).double() for dilation in dilations]
    reach = sum(layer.reach for layer in layers)
    X = torch.randn(reach + 2, 2).double()

    def stack(X):
        for layer in layers:
            X = layer(X[None])[0]
        return X

    seen = connections(stack, X)[-1].nonzero().flatten()  # che cosa vede l’ultima posizione
    assert receptive_field(kernel_size, dilations) == len(X) - seen.min()


def test_doubling_dilations_reach_far_with_few_layers():
    assert receptive_field(3, [1] * 5) == 11
    assert receptive_field(3, [1, 2, 4, 8, 16]) == 63


def test_the_blocks_do_not_look_ahead():
    """Un guasto piantato: col riempimento da tutte e due le parti la convoluzione vede la posizione dopo."""
    x = torch.randn(1, 8, 4).double()
    changed = x.clone()
    changed[:, 5] += 1
    for layer in (ByteNetBlock(4, dilation=2), ConvS2SLayer(4), WindowMLP(4, 3)):
        layer = layer.double()
        moved = (layer(x) != layer(changed)).any(dim=-1)[0]
        assert not moved[:5].any() and moved[5]
    centred = conv1d(x.mT, torch.randn(4, 4, 3).double(), padding=1)
    assert (centred != conv1d(changed.mT, torch.randn(4, 4, 3).double(), padding=1))[..., 4].any()


def test_the_gate_of_convs2s_and_its_attention():
    layer, x = ConvS2SLayer(4).double(), torch.randn(2, 6, 4).double()
    output, weights = layer(x, need_weights=True)
    numbers, gate = layer.convolution(x).chunk(2, dim=-1)
    close(glu(layer.convolution(x)), numbers * gate.sigmoid())
    close(output, numbers * gate.sigmoid() + weights @ x)
    assert weights.triu(1).eq(0).all()


def test_a_window_is_the_vectors_side_by_side():
    net, x = WindowMLP(3, 4, 5).double(), torch.randn(1, 7, 3).double()
    hidden = torch.cat([x[:, t - 3 : t + 1].flatten(1) for t in range(3, 7)])  # (4, 12)
    close(net(x)[0, 3:], net.U((hidden @ net.hidden.W.flatten(0, 1) + net.hidden.b).tanh()))


@pytest.mark.parametrize("layer", [CausalConvolution(2, 3, 2, 2), ByteNetBlock(2), ConvS2SLayer(2), WindowMLP(2, 3)])
def test_convolutions_have_their_derivative(layer):
    x = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer.double(), x)


def test_convolution_errors():
    with pytest.raises(ValueError, match="dilation vale 0: atteso un intero positivo"):
        CausalConvolution(2, 2, 3, 0)
    with pytest.raises(ValueError, match="d vale 5: atteso pari, perché il blocco si stringe a metà"):
        ByteNetBlock(5)
