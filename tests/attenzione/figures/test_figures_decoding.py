"""Le figure della decodifica e la curva di addestramento: seguono i numeri dati, e rifiutano quelli che non tornano."""

import pytest
import torch
from figure_texts import texts

from attenzione.figures import beam_tree, learning_curve, next_token_figure, width_figure
from attenzione.figures.decoding import EXAMPLE_TRIALS

pytestmark = pytest.mark.usefixtures("book_style")


def test_albero_scrive_token_e_log_probabilita():
    levels = [([(-0.5, (7,)), (-1.25, (8,))], []), ([(-2.0, (8, 9))], [(-3.5, (7, 9))])]
    fig = beam_tree(levels, [(8, 9)], label=lambda t: f"t{t}")
    assert {"t7\n−0,50", "t8\n−1,25", "t9\n−2,00", "t9\n−3,50", "passo 2"} <= set(texts(fig))


def test_albero_marca_la_strada_che_vince_e_quella_di_greedy():
    ax = beam_tree().axes[0]
    thick = [(line.get_color(), tuple(line.get_ydata())) for line in ax.lines if line.get_linewidth() == 3]
    assert [color for color, _ in thick].count("#0072B2") == [color for color, _ in thick].count("#D55E00") == 3


def test_albero_rifiuta_chi_prosegue_una_sequenza_scartata():
    with pytest.raises(ValueError, match="passo 1"):
        beam_tree([([(-0.5, (7,))], [(-1.0, (8,))]), ([(-2.0, (8, 9))], [])], [])


def test_albero_lascia_ai_token_i_loro_segni():
    fig = beam_tree([([(-0.5, (".",)), (-1.0, ("-",))], [])], [])
    assert {".\n−0,50", "-\n−1,00"} <= set(texts(fig))


def test_albero_accorcia_i_nomi_lunghi():
    fig = beam_tree([([(-0.5, ("precipitevolissimevolmente",))], [])], [])
    assert "precipitevol…\n−0,50" in texts(fig)


def test_distribuzione_segue_temperature_e_tagli():
    logits = torch.linspace(0, 3, 30)
    fig = next_token_figure(logits, taus=(1, 2), top_k=3, top_p=0.5, shown=6)
    above, below = fig.axes
    heights = [bar.get_height() for bar in above.containers[0]]
    assert heights == pytest.approx(logits.softmax(0).flip(0)[:6].tolist())
    cut = [bar.get_height() for bar in below.containers[0]]
    assert sum(cut) == pytest.approx(1) and sum(h > 0 for h in cut) == 3
    assert "top-k, k = 3 (3 token)" in texts(fig)


def test_distribuzione_rifiuta_troppi_pochi_token():
    with pytest.raises(ValueError, match="almeno 10 token"):
        next_token_figure(torch.zeros(4))


def test_curva_segue_i_numeri():
    fig = learning_curve([1, 2, 3], [5.0, 4.0, 3.5], n_vocab=100)
    line, chance = fig.axes[0].lines
    assert list(line.get_ydata()) == [5.0, 4.0, 3.5] and chance.get_ydata()[0] == pytest.approx(4.605, abs=1e-3)


def test_curva_rifiuta_numeri_di_lunghezza_diversa():
    with pytest.raises(ValueError, match="attesi 2"):
        learning_curve([1, 2], [3.0])


def test_ampiezza_segue_le_prove():
    trials = [
        {"ampiezza": beam, "alpha": alpha, "BLEU": 10 * beam + alpha, "lunghezza": 1 / beam, "log_prob": -beam}
        for beam in (4, 1)
        for alpha in (0.0, 0.6)
    ]
    above, middle, below = width_figure(trials).axes
    assert [list(line.get_xdata()) for line in middle.lines] == [[1, 4], [1, 4]]
    assert [list(line.get_ydata()) for line in middle.lines] == [[10, 40], [10.6, 40.6]]
    assert list(above.lines[0].get_ydata()) == [-1, -4] and list(below.lines[0].get_ydata()) == [1, 0.25]
    assert {"α = 0", "α = 0,6", "4"} <= set(texts(above.figure))


def test_ampiezza_rifiuta_una_prova_che_manca():
    with pytest.raises(ValueError, match="trials ha 5 prove: attese 6"):
        width_figure(EXAMPLE_TRIALS[1:])
