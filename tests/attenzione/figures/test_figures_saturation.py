"""Le figure della saturazione e del gradiente: rendono un oggetto, seguono i numeri, testo leggibile."""

import math

import matplotlib
import pytest

from attenzione.figures import (
    gradient_figure,
    layer_gradients,
    residual_gradients,
    saturation_figure,
    softmax_saturation,
)

pytestmark = pytest.mark.usefixtures("book_style")


def test_la_saturazione_e_ripetibile_e_la_scala_la_toglie():
    assert softmax_saturation(64, 1, samples=200) == softmax_saturation(64, 1, samples=200)
    top, slope = softmax_saturation(512, 1, samples=500)
    top_scaled, slope_scaled = softmax_saturation(512, 1 / math.sqrt(512), samples=500)
    assert top > 0.9 > 0.4 > top_scaled and slope_scaled > 5 * slope


def test_saturation_figure_disegna_i_punti_dati():
    fig = saturation_figure((1, 8), raw=[(0.3, 0.01), (0.6, 0.005)], scaled=[(0.3, 0.01), (0.3, 0.02)])
    assert [list(line.get_ydata()) for line in fig.axes[0].lines] == [[0.3, 0.6], [0.3, 0.3]]
    assert len(fig.axes) == 2


def test_saturation_figure_rifiuta_punti_di_numero_sbagliato():
    with pytest.raises(ValueError, match="raw ha 1 coppie: attese 2"):
        saturation_figure((1, 8), raw=[(0.3, 0.01)], scaled=[(0.3, 0.01)] * 2)


def test_il_gradiente_sparisce_senza_somma_ne_norma():
    kept, lost = residual_gradients(20), residual_gradients(20, residual=False, norm=False)
    assert len(kept) == 21 and lost[0] < 1e-3 * lost[-1] and kept[0] > 0.1 * kept[-1]


def test_post_norm_cresce_verso_l_alto_pre_norm_no():
    post, pre = layer_gradients(n_layers=6), layer_gradients(norm_first=True, n_layers=6)
    assert post[-1] > 3 * post[0] and max(pre) < 3 * min(pre)


def test_layer_gradients_rifiuta_una_pila_ignota():
    with pytest.raises(ValueError, match="«encoder» o «decoder»"):
        layer_gradients(stack="pila")


def test_gradient_figure_una_curva_per_voce():
    fig = gradient_figure({"a": [1.0, 0.1, 0.01], "b": [1.0, 1.0, 1.0]}, first=1)
    (ax,) = fig.axes
    assert [line.get_label() for line in ax.lines] == ["a", "b"] and list(ax.lines[0].get_xdata()) == [1, 2, 3]
    assert ax.get_yscale() == "log"


def test_testo_mai_sotto_12_punti():
    for fig in (saturation_figure((1, 8)), gradient_figure({"a": [1.0, 0.5]})):
        fig.draw_without_rendering()
        assert min(t.get_fontsize() for t in fig.findobj(matplotlib.text.Text) if t.get_text()) >= 12
