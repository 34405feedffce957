"""La figura della Tabella 3: un punto per riga, sola o accanto alle prove in piccolo."""

import matplotlib.pyplot as plt
import pytest

from attenzione.config import load_tables
from attenzione.figures import replay_figure


def points(ax):
    [line] = [line for line in ax.lines if line.get_marker() == "o"]
    return list(line.get_xdata())


def test_solo_i_numeri_stampati():
    fig = replay_figure()
    ppl = {row["nome"]: row["celle"]["ppl_dev"] for row in load_tables()["tabella_3"]}
    assert len(fig.axes) == 1
    assert points(fig.axes[0])[0] == pytest.approx(ppl["A-h1"] / ppl["base"])
    assert [label.get_text()[:3] for label in fig.axes[0].get_yticklabels()] == [
        "(A)",
        "(A)",
        "(B)",
        "(B)",
        "(C)",
        "(C)",
        "(C)",
        "(D)",
        "(E)",
    ]
    plt.close(fig)


def test_stampati_e_riprodotti_in_due_riquadri():
    fig = replay_figure({"A-h1": 1.5, "E": 1.0})
    assert [ax.get_title() for ax in fig.axes] == ["stampato", "riprodotto in scala"]
    assert points(fig.axes[1]) == [1.5, 1.0]
    plt.close(fig)
