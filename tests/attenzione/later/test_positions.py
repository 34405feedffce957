"""ALiBi contro PyTorch e contro una seconda forma, e la prova delle lunghezze."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention as torch_attention

from attenzione.attention import KVCache, causal_mask, padding_mask, scaled_dot_product_attention
from attenzione.figures import lengths_figure, position_weights_figure
from attenzione.later import lengths
from attenzione.later.alibi import ALiBiAttention, linear_biases, slopes
from attenzione.later.grouped import GroupedQueryAttention


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def projected(attention, x):
    """Query, chiavi e valori testa per testa, le chiavi ripetute per i loro gruppi."""
    Q, K, V = map(attention.split_heads, (x @ attention.W_qkv).split(attention.widths, dim=-1))
    return Q, attention.spread(K), attention.spread(V)


@settings(max_examples=30, deadline=None)
@given(heads=st.sampled_from([(1, 1), (2, 1), (4, 4), (4, 2), (6, 3)]), n=st.integers(1, 9))
def test_alibi_is_the_attention_of_torch_with_a_bias(heads, n):
    attention, x = ALiBiAttention(12, *heads).double(), torch.randn(2, n, 12).double()
    Q, K, V = projected(attention, x)
    bias = torch.full((heads[0], n, n), -torch.inf).double()
    for head in range(heads[0]):
        for i in range(n):
            for j in range(i + 1):  # la formula dell’articolo, un punteggio alla volta
                bias[head, i, j] = -(2 ** (-8 * (head + 1) / heads[0])) * (i - j)
    expected = torch_attention(Q, K, V, attn_mask=bias).transpose(1, 2).flatten(2) @ attention.W_o
    close(attention(x, is_causal=True), expected)
    found, weights = attention(x, causal_mask(n), need_weights=True)
    close(found, expected)
    close(weights.sum(dim=-1), torch.ones(2, heads[0], n).double())


@settings(max_examples=20, deadline=None)
@given(n_heads=st.sampled_from([1, 2, 4]), n=st.integers(1, 9), start=st.integers(0, 50))
def test_a_component_more_does_the_same(n_heads, n, start):
    """La parte uguale per tutta la riga la softmax la cancella: resta μ j, un prodotto di due componenti in più."""
    Q, K, V = torch.randn(3, n_heads, n, 4).double()
    one = torch.full((n_heads, n, 1), math.sqrt(4.0)).double()  # la radice la toglie la divisione
    place = slopes(n_heads)[:, None, None] * torch.arange(start, start + n)[:, None]
    longer = torch.cat([K, place.double()], dim=-1)
    _, expected = scaled_dot_product_attention(
        torch.cat([Q, one], dim=-1), longer, V, causal_mask(n), scale=1 / math.sqrt(4.0)
    )
    scores = Q @ K.mT / math.sqrt(4.0) + linear_biases(n_heads, n)
    close(scores.masked_fill(~causal_mask(n), -torch.inf).softmax(dim=-1), expected)


def test_the_slopes_are_those_of_the_paper():
    assert slopes(8).tolist() == [2.0**-i for i in range(1, 9)]
    ratios = slopes(6)[1:] / slopes(6)[:-1]
    torch.testing.assert_close(ratios, torch.full((5,), 2 ** (-8 / 6)).double())


def test_only_the_distance_counts():
    bias = linear_biases(2, 6)
    assert torch.equal(bias[:, 1:, 1:], bias[:, :-1, :-1])
    assert torch.equal(linear_biases(2, 2, 6), bias[:, -2:])


@settings(max_examples=20, deadline=None)
@given(n_kv_heads=st.sampled_from([1, 2, 4]), first=st.integers(1, 6))
def test_the_cache_changes_nothing(n_kv_heads, first):
    attention, x = ALiBiAttention(8, 4, n_kv_heads).double(), torch.randn(2, 7, 8).double()
    cache = KVCache(2, n_kv_heads, 7, 2, 2, dtype=torch.float64)
    pieces = [attention(x[:, :first], is_causal=True, cache=cache)]
    pieces += [attention(x[:, i : i + 1], is_causal=True, cache=cache) for i in range(first, 7)]
    close(torch.cat(pieces, dim=1), attention(x, is_causal=True))


def test_padding_gets_no_weight():
    attention, x = ALiBiAttention(8, 4).double(), torch.randn(2, 5, 8).double()
    mask = padding_mask(torch.tensor([[5, 6, 7, 0, 0], [5, 6, 7, 8, 9]]))
    _, weights = attention(x, mask, is_causal=True, need_weights=True)
    assert weights[0, :, :, 3:].eq(0).all() and weights[1, :, 4, 3:].gt(0).all()


def test_alibi_has_its_derivative():
    x = torch.randn(2, 3, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ALiBiAttention(8, 4, 2).double(), x)


def test_alibi_errors():
    with pytest.raises(ValueError, match="n_heads vale 0: atteso un intero positivo"):
        slopes(0)
    with pytest.raises(ValueError, match="n_k vale 2: atteso almeno n_q = 3"):
        linear_biases(2, 3, 2)


# La prova delle lunghezze


def test_the_models_differ_only_in_their_positions():
    sizes = {way: sum(p.numel() for p in lengths.build(way).parameters()) for way in lengths.WAYS}
    table = lengths.LONGEST * 32
    assert {way: size - sizes["nessuna"] for way, size in sizes.items() if size != sizes["nessuna"]} == {
        "apprese": table
    }
    alibi, none = lengths.build("ALiBi"), lengths.build("nessuna")
    assert isinstance(alibi.layers[1].self_attention, ALiBiAttention)
    assert type(none.layers[1].self_attention) is GroupedQueryAttention
    with pytest.raises(ValueError, match="way vale «rotante»: atteso uno fra nessuna, apprese"):
        lengths.build("rotante")


@pytest.mark.parametrize("task", lengths.TASKS)
def test_the_accuracy_counts_the_letter_of_the_task(task):
    class Knows(torch.nn.Module):
        """Dà la lettera giusta, salvo nelle posizioni dalla decima in poi."""

        def forward(self, x):
            answer = x.roll(1, dims=1) if task == lengths.PREVIOUS else x[:, :1].repeat(1, x.size(1))
            answer[:, 10:] = 0
            return torch.nn.functional.one_hot(answer, 12).float()

    right = lengths.accuracy(Knows(), task, n=16, how_many=20)
    assert right.tolist() == [1.0] * 9 + [0.0] * 6


def test_training_never_sees_the_rows_beyond():
    """La tabella delle apprese: oltre la lunghezza vista nessuna riga si muove."""
    model = lengths.build("apprese")
    before = model.positions.PE.detach().clone()
    after = lengths.train(model, steps=8).positions.PE
    moved = (after != before).any(dim=1)
    assert moved[:4].all() and not moved[lengths.SEEN :].any()


def test_the_recorded_curves_are_whole(book_style):
    report = lengths.recorded()
    assert report["viste"] == lengths.SEEN and list(report["curve"]) == list(lengths.TASKS)
    for ways in report["curve"].values():
        assert set(ways) == set(lengths.WAYS)
        for curves in ways.values():
            assert len(curves) >= 3 and all(len(curve) == lengths.LONGEST - 1 for curve in curves.values())
    axes = lengths_figure(report).axes
    assert [ax.get_title() for ax in axes] == list(lengths.TASKS)
    assert all(len(ax.lines) == 1 + len(lengths.WAYS) for ax in axes)


def test_the_figures_refuse_what_they_cannot_draw(book_style):
    with pytest.raises(ValueError, match="report non ha curve"):
        lengths_figure({"viste": 16, "curve": {}})
    weights = torch.eye(8)
    figure = position_weights_figure({"una": weights, "due": weights}, seen=4)
    assert [ax.get_title() for ax in figure.axes[:2]] == ["una", "due"]


def test_the_command_writes_its_report(tmp_path, monkeypatch):
    monkeypatch.setattr(lengths, "WAYS", {"nessuna": "none", "ALiBi": "none"})
    lengths.main(["--semi", "3", "--passi", "1", "--uscita", str(tmp_path / "prova.json")])
    report = json.loads((tmp_path / "prova.json").read_text("utf-8"))
    assert report["comando"].endswith("--semi 3 --passi 1") and set(report["curve"][lengths.OPENING]["ALiBi"]) == {"3"}
