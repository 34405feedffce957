"""Schemi fissi, basso rango, attenzione latente: ciascuno contro una seconda forma della stessa matematica."""

import gzip
import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention as torch_attention

from attenzione.attention import causal_mask, scaled_dot_product_attention
from attenzione.later import sharing
from attenzione.later.latent import LatentAttention
from attenzione.later.low_rank import LowRankAttention, rank_error, singular_values
from attenzione.later.sparse import (
    fixed_mask,
    global_mask,
    layers_to_join,
    strided_mask,
    window_attention,
    window_mask,
)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


# Schemi fissi, 1904.10509 e 2004.05150


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 12), size=st.integers(1, 6), data=st.data())
def test_the_masks_are_their_definitions(n, size, data):
    """Una coppia alla volta, come le scrivono gli articoli; un guasto piantato: «<=» al posto di «<» nella finestra."""
    summaries = data.draw(st.integers(1, size))
    window, strided, fixed = window_mask(n, size), strided_mask(n, size), fixed_mask(n, size, summaries)
    for i in range(n):
        for j in range(n):
            near, past = 0 <= i - j < size, j <= i
            assert window[i, j] == near
            assert strided[i, j] == (near or (past and (i - j) % size == 0))
            assert fixed[i, j] == (past and (i // size == j // size or j % size >= size - summaries))


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 12), half=st.integers(0, 3), data=st.data())
def test_the_global_positions_see_and_are_seen(n, half, data):
    places = data.draw(st.lists(st.integers(0, n - 1), max_size=3))
    mask = global_mask(n, 2 * half + 1, places)
    for i in range(n):
        for j in range(n):
            assert mask[i, j] == (abs(i - j) <= half or i in places or j in places)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 12), width=st.integers(1, 15))
def test_a_window_computed_is_a_window_masked(n, width):
    Q, K, V = (torch.randn(2, 3, n, d).double() for d in (4, 4, 5))
    expected = torch_attention(Q, K, V, attn_mask=window_mask(n, width))
    found, weights = window_attention(Q, K, V, width)
    close(found, expected)
    assert weights.shape == (2, 3, n, width)
    close(weights.sum(dim=-1), torch.ones(2, 3, n).double())


def test_a_window_has_its_derivative():
    inputs = [torch.randn(5, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    assert torch.autograd.gradcheck(lambda *x: window_attention(*x, width=3)[0], inputs)


@pytest.mark.parametrize("n", [9, 16, 25])
def test_layers_between_the_two_ends(n):
    step = math.isqrt(n)
    assert layers_to_join(window_mask(n, 2)) == n - 1
    assert layers_to_join(window_mask(n, step)) == math.ceil((n - 1) / (step - 1))
    assert layers_to_join(strided_mask(n, step)) == 2
    assert layers_to_join(fixed_mask(n, step)) == 2
    assert layers_to_join(global_mask(n, 3, [0])) == 2
    assert layers_to_join(causal_mask(n)) == 1
    assert layers_to_join(torch.eye(n, dtype=torch.bool)) is None


def test_sparse_errors():
    with pytest.raises(ValueError, match="width vale 0: atteso un intero positivo"):
        window_mask(4, 0)
    with pytest.raises(ValueError, match="summaries vale 4: atteso al più stride = 3"):
        fixed_mask(9, 3, 4)
    with pytest.raises(ValueError, match="width vale 4: atteso dispari"):
        global_mask(9, 4, [0])


# Basso rango, 2006.04768


def test_without_summarising_it_is_the_whole_attention():
    attention = LowRankAttention(6, 6).double()
    attention.E.data = attention.F.data = torch.eye(6).double()
    Q, K, V = torch.randn(3, 2, 6, 4).double()
    for found, expected in zip(attention(Q, K, V), scaled_dot_product_attention(Q, K, V), strict=True):
        close(found, expected)


def test_the_summaries_are_averages_of_keys_and_of_values():
    """Miscugli che sono medie: delle chiavi per blocchi, dei valori a posti alterni. Un guasto piantato: E per F."""
    attention = LowRankAttention(6, 2).double()
    attention.E.data = torch.tensor([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]).double() / 3
    attention.F.data = torch.tensor([[1.0, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 1]]).double() / 3
    Q, K, V = torch.randn(3, 6, 4).double()
    found, weights = attention(Q, K, V)
    K, V = K.unflatten(0, (2, 3)).mean(dim=1), V.unflatten(0, (3, 2)).mean(dim=0)
    close(found, torch_attention(Q, K, V))
    assert weights.shape == (6, 2)


def test_low_rank_has_its_derivative_and_its_errors():
    inputs = [torch.randn(5, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    attention = LowRankAttention(5, 2).double()
    assert torch.autograd.gradcheck(lambda *x: attention(*x)[0], inputs)
    with pytest.raises(ValueError, match="K ha 4 righe: attese le n = 5"):
        LowRankAttention(5, 2)(*torch.randn(3, 4, 3))


@settings(max_examples=20, deadline=None)
@given(n=st.integers(2, 8), data=st.data())
def test_the_error_is_that_of_the_best_approximation(n, data):
    rank = data.draw(st.integers(1, n))
    weights = torch.randn(3, n, n).double().softmax(dim=-1)
    U, values, V = torch.linalg.svd(weights)
    best = (U[..., :rank] * values[:, None, :rank]) @ V[:, :rank]
    expected = (weights - best).norm(dim=(1, 2)) / weights.norm(dim=(1, 2))
    close(rank_error(weights, rank), expected)
    close(singular_values(weights).square().sum(dim=-1), torch.ones(3).double())


# Attenzione latente, 2405.04434


def latent():
    torch.manual_seed(0)
    return LatentAttention(12, 3, 5).double(), torch.randn(2, 7, 12).double()


def test_it_is_the_attention_of_torch_with_keys_of_low_rank():
    attention, x = latent()
    Q, K, V = map(
        attention.split_heads,
        (x @ attention.W_q, x @ (attention.W_c @ attention.W_uk), x @ (attention.W_c @ attention.W_uv)),
    )
    expected = torch_attention(Q, K, V, is_causal=True).transpose(1, 2).flatten(2) @ attention.W_o
    found, cache = attention(x)
    close(found, expected)
    assert cache.shape == (2, 7, 5)


@settings(max_examples=15, deadline=None)
@given(first=st.integers(1, 6))
def test_nothing_changes_with_the_matrices_moved_or_with_the_cache(first):
    attention, x = latent()
    whole, _ = attention(x)
    close(attention.absorbed(x)[0], whole)
    for way in (attention, attention.absorbed):
        output, cache = way(x[:, :first])
        outputs = [output]
        for i in range(first, 7):
            output, cache = way(x[:, i : i + 1], cache)
            outputs.append(output)
        close(torch.cat(outputs, dim=1), whole)
        assert cache.shape == (2, 7, 5)


def test_latent_has_its_derivative_and_its_errors():
    x = torch.randn(1, 3, 12, dtype=torch.float64, requires_grad=True)
    attention, _ = latent()
    assert torch.autograd.gradcheck(lambda x: attention.absorbed(x)[0], x)
    with pytest.raises(ValueError, match="d_model vale 12: atteso un multiplo di n_heads = 5"):
        LatentAttention(12, 5, 4)
    with pytest.raises(ValueError, match="d_c vale 0: atteso un intero positivo"):
        LatentAttention(12, 3, 0)


# Chiavi e valori in comune, quanto si perde


def test_the_pieces_are_the_text_and_none_is_in_both_parts():
    letters = torch.arange(sharing.PIECE * 23 + 7)
    pieces, kept = sharing.split(letters)
    assert len(kept) == 2 and len(pieces) == 21
    assert not set(pieces.flatten().tolist()) & set(kept.flatten().tolist())


def test_the_loss_of_one_who_knows_and_of_one_who_guesses():
    class Guesses(torch.nn.Module):
        def forward(self, x, checked):
            return torch.zeros(*x.shape, 10)

    class Knows(torch.nn.Module):
        """Le lettere sono in ordine, da 0 a 9 e da capo."""

        def forward(self, x, checked):
            return 100 * torch.nn.functional.one_hot((x + 1) % 10, 10).float()

    pieces = (torch.arange(2 * sharing.PIECE) % 10).view(2, -1)
    assert sharing.held_out_loss(Guesses(), pieces) == pytest.approx(math.log(10), abs=1e-5)
    assert sharing.held_out_loss(Knows(), pieces) == pytest.approx(0, abs=1e-5)


def test_only_the_keys_change():
    models = [sharing.build(20, heads) for heads in sharing.HEADS]
    sizes = [sum(p.numel() for p in model.parameters()) for model in models]
    whole = 2 * 2 * 64 * 64  # due strati, W^K e W^V
    assert [sizes[0] - size for size in sizes] == [0, whole * 6 // 8, whole * 7 // 8]


def test_the_command_records_every_number_of_heads(tmp_path, monkeypatch):
    monkeypatch.setattr(sharing, "PIECE", 130)
    (tmp_path / "prosa.txt.gz").write_bytes(gzip.compress(("la gatta mangia il topo. " * 80).encode()))
    sharing.main([str(tmp_path / "prosa.txt.gz"), "--semi", "3", "--passi", "1", "--uscita", str(tmp_path / "a.json")])
    report = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert set(report["teste_di_chiavi"]) == {"8", "2", "1"} == set(sharing.recorded()["teste_di_chiavi"])
    assert all(set(model["perdita"]) == {"3"} for model in report["teste_di_chiavi"].values())
    assert all(len(model["perdita"]) >= 3 for model in sharing.recorded()["teste_di_chiavi"].values())
