"""Le figure dei sei passi: rendono un oggetto, seguono i numeri dati, testo leggibile."""

import matplotlib
import pytest
import torch
from figure_texts import texts

from attenzione.data import example
from attenzione.figures import (
    product_spread,
    score_map,
    softmax_steps,
    tensor_axes,
    weighted_sum_figure,
    weights_and_effects,
)
from attenzione.figures.steps import example_deletions

pytestmark = pytest.mark.usefixtures("book_style")
FIGURES = (tensor_axes, score_map, product_spread, softmax_steps, weighted_sum_figure, weights_and_effects)


def test_tensori_una_casella_per_numero():
    fig = tensor_axes(batch=3, n_heads=2, n=5, d_model=8, d_k=4)
    assert [len(ax.patches) for ax in fig.axes] == [1, 8, 5 * 8, 3 * 5 * 8, 3 * 2 * 5 * 4]
    assert any("(3, 2, 5, 4)" in s for s in texts(fig)) and "frase 0, testa 0" in texts(fig)
    assert "frase 2, testa 1" in texts(fig) and "frase 3" not in texts(fig)  # si conta da zero, come nelle celle


def test_mappa_dei_prodotti_scrive_ogni_numero():
    fig = score_map(torch.tensor([[-1.25, 0.0], [3.5, -0.01]]), ["a", "b"], ["x", "y"])
    assert {"−1,2", "0,0", "3,5", "a", "y"} <= set(texts(fig)) and "−0,0" not in texts(fig)
    assert len(fig.axes) == 2  # la mappa e la scala dei suoi colori


def test_i_nomi_dei_due_lati_non_si_leggono_come_etichette():
    fig = score_map()
    fig.canvas.draw()
    for axis, name in ((fig.axes[0].xaxis, "chiave: chi è cercato →"), (fig.axes[0].yaxis, "← query: chi cerca")):
        assert axis.label.get_text() == name and axis.label.get_style() == "italic"
        words = [tick.get_window_extent() for tick in axis.get_ticklabels()]
        assert not any(axis.label.get_window_extent().overlaps(word) for word in words)


def test_i_prodotti_divisi_hanno_tutti_la_stessa_ampiezza():
    raw, scaled = product_spread(samples=4000).axes
    heights = [[max(line.get_ydata()) for line in ax.lines] for ax in (raw, scaled)]
    assert heights[0][0] > 5 * heights[0][2] and max(heights[1]) < 1.5 * min(heights[1])


def test_softmax_tre_grafici_e_pesi_che_sommano_a_uno():
    fig = softmax_steps(torch.tensor([1.0, -2.0]), ["a", "b"])
    widths = [[bar.get_width() for bar in ax.patches] for ax in fig.axes]
    assert widths[0] == [1.0, -2.0] and sum(widths[2]) == pytest.approx(1)
    assert widths[1][0] / widths[1][1] == pytest.approx(widths[2][0] / widths[2][1], rel=1e-5)


def test_somma_pesata_scrive_la_somma():
    fig = weighted_sum_figure(torch.tensor([0.25, 0.75]), torch.tensor([[4.0, 0.0], [0.0, 8.0]]), ["a", "b"])
    assert {"0,25", "4,00", "8,00", "1,00", "6,00"} <= set(texts(fig))


def test_togliere_un_token_sposta_l_uscita_di_peso_per_distanza():
    weights, effects = example_deletions(query=1)
    output = weights @ example.V
    torch.testing.assert_close(effects, weights / (1 - weights) * (example.V - output).norm(dim=1))
    assert weights.argsort().tolist() != effects.argsort().tolist()


def test_peso_ed_effetto_una_barra_per_riga_e_parola():
    table = torch.tensor([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
    fig = weights_and_effects(["non", "bella"], table, 1 - table, ["uno", "due", "tre"])
    assert [len(ax.patches) for ax in fig.axes] == [6, 6] and {"uno", "due", "tre"} <= set(texts(fig))


@pytest.mark.parametrize(
    "call",
    [
        lambda: score_map(torch.zeros(2, 2), ["a"], ["x", "y"]),
        lambda: softmax_steps(torch.zeros(3), ["a", "b"]),
        lambda: weighted_sum_figure(torch.ones(2), torch.ones(3, 2), ["a", "b"]),
        lambda: weights_and_effects(["a"], torch.ones(1, 2), torch.ones(1, 2), ["x"]),
    ],
)
def test_numeri_che_non_vanno_d_accordo(call):
    with pytest.raises(ValueError, match="attes"):
        call()


@pytest.mark.parametrize("figure", FIGURES)
def test_testo_mai_sotto_12_punti(figure):
    fig = figure()
    fig.draw_without_rendering()
    assert min(t.get_fontsize() for t in fig.findobj(matplotlib.text.Text) if t.get_text()) >= 12
