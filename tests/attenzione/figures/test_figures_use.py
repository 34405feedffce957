"""Le figure di chi usa un modello: ciò che si misura sta al suo posto, accanto alla formula."""

import pytest
from figure_texts import texts

from attenzione.figures import neighbours_figure, spending_figure

pytestmark = pytest.mark.usefixtures("book_style")


def test_measured_points_lie_beside_their_formula():
    measured = {"tables": [1, 8], "found": [0.25, 0.75], "formula": [0.3, 0.7], "compared": [0.1, 0.5]}
    left, right = neighbours_figure({6: measured}).axes
    line, points = left.lines
    assert list(line.get_ydata()) == [0.3, 0.7] and list(points.get_ydata()) == [0.25, 0.75]
    assert list(points.get_xdata()) == [1, 8]
    assert list(right.lines[0].get_xdata()) == [0.1, 0.5] and list(right.lines[0].get_ydata()) == [0.25, 0.75]
    assert "6 cifre" in texts(left.figure)


def test_every_way_of_spending_has_its_line():
    fig = spending_figure({"una": {8: 0.5}, "molte": {8: 0.5, 64: 0.9}})
    first, second = fig.axes[0].lines
    assert list(first.get_xdata()) == [8] and list(second.get_ydata()) == [0.5, 0.9]
    assert {"una", "molte", "token scritti per domanda"} <= set(texts(fig))
