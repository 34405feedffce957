"""Le figure di «Tre famiglie»: le caselle sono le maschere, i punti le perdite."""

import matplotlib.pyplot as plt
import pytest
import torch

from attenzione.figures import changes_figure, sight_figure


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def cells(ax, n):
    return torch.tensor(ax.collections[0].get_array()).view(n, n) > 0


def test_the_three_masks():
    bert, gpt, t5 = (cells(ax, 6) for ax in sight_figure(3).axes)
    assert bert.all() and torch.equal(gpt, torch.ones(6, 6).tril().bool())
    assert t5[:3, :3].all() and not t5[:3, 3:].any()  # la frase vede sé stessa, e non la risposta
    assert t5[3:, :3].all() and torch.equal(t5[3:, 3:], torch.ones(3, 3).tril().bool())


def test_one_point_per_seed_in_order():
    report = {"modelli": {"a": {"perdita": {"0": 2.0, "1": 1.0}}, "b": {"perdita": {"0": 0.5, "1": 0.7}}}}
    (ax,) = changes_figure(report).axes
    points = [collection.get_offsets().tolist() for collection in ax.collections]
    torch.testing.assert_close(torch.tensor(points), torch.tensor([[[2.0, 0], [0.5, 1]], [[1.0, 0], [0.7, 1]]]))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "+ b"]
    with pytest.raises(ValueError, match="report non ha modelli: atteso almeno un modello"):
        changes_figure({"modelli": {}})
