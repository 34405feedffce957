"""Le curve da valori di partenza diversi: una linea per seme, e ciò che manca si salta."""

import pytest
from figure_texts import texts

from attenzione.evidence.initialisation import LABELS, recorded
from attenzione.figures import initialisation_figure

pytestmark = pytest.mark.usefixtures("book_style")


def report(**varianti):
    return {
        "varianti": {
            k.replace("_", "-"): {"semi": {str(i): {"sviluppo": c} for i, c in enumerate(curves)}}
            for k, curves in varianti.items()
        }
    }


def test_una_linea_per_seme_e_una_voce_di_legenda_per_variante():
    fig = initialisation_figure(report(xavier=[{"2": 3.0, "4": 2.5}, {"4": 2.6}], un_mezzo=[{"2": 2.9}]))
    (ax,) = fig.axes
    assert [(list(line.get_xdata()), list(line.get_ydata())) for line in ax.lines] == [
        ([2, 4], [3.0, 2.5]),
        ([4], [2.6]),
        ([2], [2.9]),
    ]
    assert ax.lines[0].get_color() == ax.lines[1].get_color() != ax.lines[2].get_color()
    assert [texts(fig).count(LABELS[name]) for name in ("xavier", "un-mezzo", "un-terzo")] == [1, 1, 0]


def test_le_varianti_senza_semi_si_saltano_e_senza_curve_non_c_e_figura():
    assert len(initialisation_figure(report(xavier=[{"2": 3.0}], solo_rami=[])).axes[0].lines) == 1
    with pytest.raises(ValueError, match="report non ha curve"):
        initialisation_figure(report(xavier=[]))


def test_i_numeri_registrati_si_disegnano_tutti():
    found = recorded()["varianti"].values()
    lines = initialisation_figure(recorded()).axes[0].lines
    assert len(lines) == sum(len(variant["semi"]) for variant in found)
