"""Le figure: rendono un oggetto, seguono i numeri dati, sono uguali a ogni costruzione."""

import io

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch

from attenzione.figures import (
    attention_map,
    decimal_comma,
    scaled_dot_product_diagram,
    transformer_diagram,
    use_style,
)

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def chiudi():
    use_style()
    yield
    plt.close("all")


def texts(fig):
    return [t.get_text() for t in fig.findobj(matplotlib.text.Text) if t.get_text()]


def test_mappa_scrive_ogni_peso_con_la_virgola():
    weights = torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    fig = attention_map(weights, ["la", "gatta"], ["x", "y"])
    assert {"0,25", "0,75", "1,00", "0,00", "gatta", "y"} <= set(texts(fig))


def test_mappa_rifiuta_etichette_di_numero_sbagliato():
    with pytest.raises(ValueError, match=r"attesa \(3, 2\)"):
        attention_map(torch.zeros(2, 2), ["a", "b", "c"], ["x", "y"])


def test_figura_1_segue_la_configurazione():
    scritte = " ".join(texts(transformer_diagram(n_layers=2, n_heads=4, d_model=128, d_ff=256)))
    assert scritte.count("2 ×") == 2 and scritte.count("4 teste") == 3 and "128 → 256 → 128" in scritte
    assert "512" not in scritte


def test_figura_2_scrive_le_forme_date():
    scritte = texts(scaled_dot_product_diagram(d_k=4, d_v=3, n_q=5, n_k=6))
    assert {"5 × 4", "6 × 4", "6 × 3", "5 × 6", "5 × 3"} <= set(scritte)


def test_testo_mai_sotto_12_punti():
    for fig in (scaled_dot_product_diagram(), transformer_diagram()):
        assert min(t.get_fontsize() for t in fig.findobj(matplotlib.text.Text) if t.get_text()) >= 12


def test_stessi_byte_a_ogni_disegno():
    def svg():
        uscita = io.BytesIO()
        scaled_dot_product_diagram().savefig(uscita, format="svg")
        return uscita.getvalue()

    assert svg() == svg()


def test_virgola_decimale_sugli_assi():
    assert decimal_comma(2)(0.5, None) == "0,50"
