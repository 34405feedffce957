"""Le figure della sezione 5: il tasso di apprendimento e il label smoothing."""

import matplotlib
import pytest

from attenzione.figures import schedule_figure, smoothing_figure

pytestmark = pytest.mark.usefixtures("book_style")


def texts(fig):
    return [t for t in fig.findobj(matplotlib.text.Text) if t.get_text()]


def test_il_punto_sta_sul_massimo_di_ogni_curva():
    left, right = schedule_figure(d_models=(64, 256), warmups=(100, 400, 900), warmup_steps=300, steps=2000).axes
    assert [len(ax.lines) for ax in (left, right)] == [4, 6]
    for ax in (left, right):
        for curve, dot in zip(ax.lines[::2], ax.lines[1::2], strict=True):
            assert dot.get_ydata()[0] == pytest.approx(max(curve.get_ydata()), rel=0.02)


def test_il_tasso_segue_i_numeri_dati():
    legende = [t.get_text() for t in texts(schedule_figure(d_models=(64,), warmups=(100,), steps=500))]
    assert "warmup 100" in legende and "$d_{model}$ = 64" in legende and "$d_{model}$ = 1024" not in legende


def test_tasso_rifiuta_un_warmup_nullo():
    with pytest.raises(ValueError, match="warmup_steps vale 0"):
        schedule_figure(warmups=(0,))


def test_le_barre_sommano_a_uno_e_il_minimo_sta_dove_deve():
    left, right = smoothing_figure(n_vocab=4, gold=2, eps_ls=0.2).axes
    heights = [bar.get_height() for bar in left.patches]
    assert sum(heights[:4]) == pytest.approx(1) and sum(heights[4:]) == pytest.approx(1)
    assert heights[2] == 1 and heights[6] == pytest.approx(0.85)
    assert float(right.lines[3].get_xdata()[0]) == pytest.approx(0.85, abs=0.005)


@pytest.mark.parametrize("arguments", [{"gold": 5}, {"n_vocab": 1, "gold": 0}, {"eps_ls": 1.0}])
def test_label_smoothing_rifiuta_numeri_fuori_dai_limiti(arguments):
    with pytest.raises(ValueError, match="vale"):
        smoothing_figure(**arguments)


@pytest.mark.parametrize("figure", [schedule_figure, smoothing_figure])
def test_testo_mai_sotto_12_punti_tranne_gli_indici(figure):
    assert min(t.get_fontsize() for t in texts(figure())) >= 12
