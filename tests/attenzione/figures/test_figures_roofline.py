"""Il tetto disegnato e il giro di una parola."""

import matplotlib
import pytest
from figure_texts import texts

from attenzione.figures import roofline_figure, round_trip_figure

pytestmark = pytest.mark.usefixtures("book_style")


def report(*points):
    names = ("nome", "operazioni", "byte", "secondi")
    return {
        "operazioni_al_secondo": 4e9,
        "byte_al_secondo": 2e9,
        "punti": [dict(zip(names, point, strict=True)) for point in points],
    }


def test_il_tetto_e_i_punti_seguono_i_numeri():
    (ax,) = roofline_figure(report(("a", 1e9, 2e9, 2.0), ("b", 8e9, 1e9, 4.0))).axes
    roof, _, *points = ax.lines
    assert list(roof.get_xdata())[1] == 2 and list(roof.get_ydata())[1:] == [4, 4]  # il ginocchio, poi piatto
    assert roof.get_ydata()[0] == pytest.approx(2 * roof.get_xdata()[0])
    assert [(p.get_xdata()[0], p.get_ydata()[0]) for p in points] == [(0.5, 0.5), (8, 2)]


def test_una_voce_di_legenda_e_un_segno_per_lavoro():
    fig = roofline_figure(report(("a", 1, 2, 1), ("b", 2, 1, 1), ("c", 3, 1, 1)))
    assert {"a", "b", "c", "limita la memoria", "limita il calcolo"} <= set(texts(fig))
    assert len({line.get_marker() for line in fig.axes[0].lines[2:]}) == 3


def test_senza_punti_si_dice():
    with pytest.raises(ValueError, match="non ha punti"):
        roofline_figure(report())


def test_il_giro_usa_due_volte_la_stessa_matrice():
    assert {"$E$", "$E^T$", "gli strati del modello"} <= set(texts(round_trip_figure()))


@pytest.mark.parametrize("figure", [roofline_figure, round_trip_figure])
def test_testo_mai_sotto_12_punti(figure):
    fig = figure()
    fig.draw_without_rendering()
    assert min(t.get_fontsize() for t in fig.findobj(matplotlib.text.Text) if t.get_text()) >= 12
