"""Il carico degli esperti, le tessere e i loro pesi, i punti che escono dal rumore."""

import pytest
import torch
from figure_texts import texts

from attenzione.figures import denoising_figure, load_figure, tiles_figure

pytestmark = pytest.mark.usefixtures("book_style")


def test_every_expert_is_a_line_and_the_grey_one_is_the_equal_load():
    history = torch.tensor([[0.5, 0.3, 0.2], [0.4, 0.35, 0.25]])
    fig = load_figure({"senza": history, "con": history.flip(1)})
    for ax, table in zip(fig.axes, (history, history.flip(1)), strict=True):
        grey, *lines = ax.lines
        assert list(grey.get_ydata()) == pytest.approx([1 / 3] * 2)
        for i, line in enumerate(lines):
            assert list(line.get_xdata()) == [1, 2] and list(line.get_ydata()) == pytest.approx(table[:, i].tolist())
    assert {"senza", "con", "esperto 1", "esperto 3"} <= set(texts(fig))


def test_more_experts_than_line_styles_are_refused():
    with pytest.raises(ValueError, match="history ha 9 esperti: attesi al più 8"):
        load_figure({"": torch.full((2, 9), 1 / 9)})


def test_tiles_have_their_borders_and_their_weights():
    weights = torch.arange(8.0).view(2, 4) / 7
    fig = tiles_figure(torch.zeros(2, 6, 6), weights, ["a", "b"])
    above, below = fig.axes[:2], fig.axes[2:4]
    for ax in above:
        assert sorted({line.get_xdata()[0] for line in ax.lines if line.get_xdata()[0] == line.get_xdata()[1]}) == [
            -0.5,
            2.5,
            5.5,
        ]
    for ax, row in zip(below, weights, strict=True):
        assert ax.collections[0].get_array().flatten().tolist() == pytest.approx(row.tolist())
    assert {"a", "b"} <= set(texts(fig))
    with pytest.raises(ValueError, match="weights ha 5 tessere: atteso un quadrato perfetto"):
        tiles_figure(torch.zeros(1, 4, 4), torch.zeros(1, 5))


def test_the_steps_go_from_the_noise_to_the_points():
    path = torch.arange(4.0)[:, None, None].expand(4, 3, 2) / 10  # tre passi: 0 è il rumore, 0,3 i punti
    fig = denoising_figure({"una": path}, steps=(3, 1, 0))
    assert [ax.lines[0].get_xdata()[0] for ax in fig.axes] == pytest.approx([0, 0.2, 0.3])
    assert {"passo 3", "passo 1", "passo 0", "una"} <= set(texts(fig))


@pytest.mark.parametrize("figure", [load_figure, tiles_figure, denoising_figure])
def test_without_arguments_it_draws_an_example(figure):
    assert figure().axes
