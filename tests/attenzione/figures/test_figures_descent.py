"""Le figure della discesa del gradiente: seguono i numeri, si ripetono, testo leggibile."""

import matplotlib
import pytest

from attenzione.figures import cobweb_figure, valley_figure

pytestmark = pytest.mark.usefixtures("book_style")


def test_la_ragnatela_converge_oscilla_diverge():
    axes = cobweb_figure((0.2, 0.9, 1.1)).axes
    near, swinging, far = (list(line.get_ydata()) for line in axes[3].lines)
    assert near[0] == swinging[0] == far[0] == 3
    assert near == sorted(near, reverse=True) and swinging == sorted(swinging, reverse=True) and far == sorted(far)
    webs = [ax.lines[2].get_xdata() for ax in axes[:3]]
    assert max(webs[0]) < 3 < max(webs[1])  # da una parte sola; di qua e di là


def test_la_retta_della_ragnatela_passa_per_il_punto_fisso():
    for ax, rate in zip(cobweb_figure((0.1, 0.5, 0.9), target=2.0).axes, (0.1, 0.5, 0.9), strict=False):
        (x0, x1), (y0, y1) = ax.lines[1].get_data()
        slope = (y1 - y0) / (x1 - x0)
        assert slope == pytest.approx(1 - 2 * rate) and y0 + slope * (2 - x0) == pytest.approx(2)


def test_la_ragnatela_vuole_tre_tassi():
    with pytest.raises(ValueError, match="rates ha 2 tassi: attesi 3"):
        cobweb_figure((0.1, 0.2))


def test_nella_valle_il_tasso_grande_rimbalza_il_piccolo_no():
    slow, fast = (line.get_xydata() for line in valley_figure().axes[0].lines[:2])
    sums = [[x + y for x, y in path[1:8]] for path in (slow, fast)]  # la direzione ripida
    assert all(a * b > 0 for a, b in zip(sums[0], sums[0][1:], strict=False))
    assert all(a * b < 0 for a, b in zip(sums[1], sums[1][1:], strict=False))
    assert abs(slow[-1][0] - slow[-1][1]) > abs(fast[-1][0] - fast[-1][1])  # quella piatta


def test_il_tasso_grande_balla_di_piu_e_chi_cala_si_ferma():
    wide, narrow, shrinking = (line.get_ydata()[150:] for line in valley_figure().axes[1].lines[:3])
    assert max(wide) - min(wide) > 2 * (max(narrow) - min(narrow)) > 2 * (max(shrinking) - min(shrinking))


def test_testo_mai_sotto_12_punti():
    for fig in (cobweb_figure(), valley_figure()):
        fig.draw_without_rendering()
        assert min(t.get_fontsize() for t in fig.findobj(matplotlib.text.Text) if t.get_text()) >= 12
