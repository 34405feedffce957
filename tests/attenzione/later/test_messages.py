"""I messaggi su un grafo: la self-attention ne è un caso, e sul cammino si avanza di un nodo a giro."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.attention import scaled_dot_product_attention
from attenzione.evidence.complexity import connections
from attenzione.later.messages import PathNetwork, attention_by_messages, pass_messages, path_graph


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def projections():
    return torch.randn(5, 3).double(), torch.randn(5, 3).double(), torch.randn(5, 2).double()


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 7), batch=st.integers(1, 3))
def test_attention_is_message_passing_on_the_complete_graph(n, batch):
    X, (W_q, W_k, W_v) = torch.randn(batch, n, 5).double(), projections()
    expected, _ = scaled_dot_product_attention(X @ W_q, X @ W_k, X @ W_v)
    close(attention_by_messages(X, W_q, W_k, W_v, torch.ones(n, n).bool()), expected)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 7), seed=st.integers(0, 1000))
def test_a_mask_is_a_graph(n, seed):
    generator = torch.Generator().manual_seed(seed)
    graph = (torch.rand(n, n, generator=generator) < 0.5) | torch.eye(n).bool()  # ognuno riceve almeno da sé
    X, (W_q, W_k, W_v) = torch.randn(n, 5).double(), projections()
    expected, _ = scaled_dot_product_attention(X @ W_q, X @ W_k, X @ W_v, graph)
    close(attention_by_messages(X, W_q, W_k, W_v, graph), expected)


def test_without_dividing_it_is_another_thing():
    """Un guasto piantato: se chi riceve tiene la somma e non divide per i pesi, non è più attenzione."""
    X, (W_q, W_k, W_v) = torch.randn(4, 5).double(), projections()
    every = torch.ones(4, 4).bool()

    def message(x_i, x_j):
        return (x_i @ W_q * (x_j @ W_k)).sum(dim=-1, keepdim=True).div(3**0.5).exp() * (x_j @ W_v)

    total = pass_messages(X, every, message, lambda _, m: m)
    assert not torch.allclose(total, attention_by_messages(X, W_q, W_k, W_v, every))


def test_the_sum_does_not_know_the_order_of_the_nodes():
    h, order = torch.randn(6, 3).double(), torch.randperm(6)
    graph = torch.rand(6, 6) < 0.5
    turn = lambda h, graph: pass_messages(h, graph, lambda i, j: (i * j).tanh(), lambda h, m: h + m)  # noqa: E731
    close(turn(h[order], graph[order][:, order]), turn(h, graph)[order])


def test_the_path_is_the_line_of_a_sequence():
    assert path_graph(3).int().tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert path_graph(3, both=True).int().tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize("rounds", [1, 3, 5])
def test_each_round_brings_one_node_more(rounds):
    net = PathNetwork(3, rounds).double()
    seen = connections(lambda X: net(X[None])[0], torch.randn(8, 3).double())
    gap = torch.arange(8)[:, None] - torch.arange(8)
    assert torch.equal(seen, (gap >= 0) & (gap <= rounds))


def test_the_path_network_is_message_passing_on_the_path():
    net, x = PathNetwork(3, 2).double(), torch.randn(2, 6, 3).double()
    h = x
    for _ in range(2):
        h = pass_messages(h, path_graph(6), lambda i, j: (j @ net.W_m).expand(*i.shape[:-2], 6, 3), net.update)
    close(net(x), h)


def test_the_path_network_has_its_derivative():
    x = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(PathNetwork(2, 2).double(), x)


def test_message_errors():
    with pytest.raises(ValueError, match=r"graph ha forma \(2, 3\): attesa \(4, 4\)"):
        pass_messages(torch.randn(4, 3), torch.ones(2, 3).bool(), None, None)
    with pytest.raises(TypeError, match=r"graph ha tipo torch\.float32: atteso torch\.bool"):
        pass_messages(torch.randn(4, 3), torch.ones(4, 4), None, None)
    with pytest.raises(ValueError, match="rounds vale 0: atteso un intero positivo"):
        PathNetwork(3, 0)
