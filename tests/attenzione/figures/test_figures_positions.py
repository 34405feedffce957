"""Le figure della codifica posizionale e della complessità: dati giusti, testo leggibile, sempre gli stessi byte."""

import io
import math

import matplotlib
import numpy as np
import pytest

from attenzione.embedding import sinusoidal_positions
from attenzione.figures import (
    layer_costs,
    longest_paths,
    position_map,
    position_products,
    position_waves,
    wavelengths,
)

pytestmark = pytest.mark.usefixtures("book_style")
FIGURES = (layer_costs, longest_paths, position_map, position_products, position_waves, wavelengths)


def svg(figure):
    out = io.BytesIO()
    figure().savefig(out, format="svg")
    return out.getvalue()


@pytest.mark.parametrize("figure", FIGURES)
def test_testo_mai_sotto_12_punti(figure):
    assert min(t.get_fontsize() for t in figure().findobj(matplotlib.text.Text) if t.get_text()) >= 12


@pytest.mark.parametrize("figure", FIGURES)
def test_stessi_byte_a_ogni_disegno(figure):
    assert svg(figure) == svg(figure)


def test_mappa_ha_i_valori_della_codifica():
    image = position_map(n=20, d_model=16).axes[0].images[0]
    assert np.array_equal(image.get_array(), sinusoidal_positions(20, 16).numpy())


def test_onde_passano_per_i_punti():
    axis = position_waves(n=10, d_model=8, pairs=(0, 1)).axes[0]
    points = next(line for line in axis.lines if line.get_marker() == "o")
    assert np.allclose(points.get_ydata(), np.sin(np.arange(10)))


def test_prima_e_ultima_lunghezza_d_onda():
    paper, theirs = (line.get_ydata() for line in wavelengths(512).axes[0].lines[:2])
    assert math.isclose(paper[0], 2 * math.pi) and math.isclose(theirs[-1], 2 * math.pi * 10000)
    assert paper[-1] < 0.97 * theirs[-1]


def test_prodotti_uguali_da_ogni_partenza():
    lines = [line.get_ydata() for line in position_products().axes[0].lines]
    assert np.allclose(lines[0], lines[1]) and np.allclose(lines[0], lines[2]) and lines[0][0] == 256


def test_costi_si_incrociano_a_n_uguale_d():
    lines = {line.get_label(): line for line in layer_costs(d=64).axes[0].lines}
    n = lines["ricorrente"].get_xdata()
    difference = lines["self-attention"].get_ydata() - lines["ricorrente"].get_ydata()
    assert difference[n == 64] == 0 and (difference[n < 64] < 0).all() and (difference[n > 64] > 0).all()


def test_cammini_disegnati():
    lines = {line.get_label(): list(line.get_ydata()) for line in longest_paths(lengths=(9, 27)).axes[0].lines}
    assert lines["self-attention"] == [1, 1] and lines["ricorrente"] == [9, 27]
    assert lines["convoluzionale dilatata"] == [2, 3]
