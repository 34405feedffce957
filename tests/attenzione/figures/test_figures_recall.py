"""Il ricordo contro la lunghezza: una riga per famiglia, una linea per architettura, la fascia dei semi."""

import pytest
from figure_texts import texts

from attenzione.figures import recall_figure
from attenzione.figures.recall import FAMILIES
from attenzione.later.recall import ROSTER, recorded

pytestmark = pytest.mark.usefixtures("book_style")


def test_every_architecture_has_its_family():
    assert sorted(name for names in FAMILIES.values() for name in names) == sorted(ROSTER)


def test_the_mean_is_drawn_and_the_band_holds_the_seeds():
    costs = {"RNN": {8: (10, 1), 16: (10, 1)}}
    fig = recall_figure({"RNN": [[0.8, 0.2], [0.6, 0.4]]}, (2, 4), costs)
    left, right = fig.axes[2:4]
    line, _ = left.lines
    assert list(line.get_xdata()) == [8, 16] and list(line.get_ydata()) == pytest.approx([0.7, 0.3])
    band = left.collections[0].get_paths()[0].vertices[:, 1]
    assert min(band) == pytest.approx(0.2) and max(band) == pytest.approx(0.8)
    assert list(right.lines[0].get_ydata()) == [10, 10]
    assert not fig.axes[1].lines and "RNN" in texts(fig)


def test_the_reference_is_drawn_for_every_family():
    fig = recall_figure(reference=(0.8, 0.4))
    for left in fig.axes[::2]:
        drawn = [line for line in left.lines if line.get_linestyle() == "--"]
        assert any(list(line.get_xdata()) == [8, 32] and list(line.get_ydata()) == [0.8, 0.4] for line in drawn)
    assert sum(len(ax.lines) for ax in fig.axes) == sum(len(ax.lines) for ax in recall_figure().axes) + len(FAMILIES)


def test_the_recorded_numbers_are_all_drawn():
    report = recorded()
    accuracies = {name: list(found.values()) for name, found in report["accuratezza"].items()}
    costs = {name: {8: (20_000, 1)} for name in ROSTER}
    fig = recall_figure(accuracies, report["coppie"], costs)
    assert sum(len(ax.lines) for ax in fig.axes) == 2 * len(ROSTER) + len(FAMILIES)  # e la linea del caso
