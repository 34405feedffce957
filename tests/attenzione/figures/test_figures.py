"""Le figure: rendono un oggetto, seguono i numeri dati, sono uguali a ogni costruzione."""

import inspect
import io

import matplotlib
import pytest
import torch
from figure_texts import texts
from torch import nn

from attenzione import figures
from attenzione.config import BASE, TransformerConfig
from attenzione.figures import (
    attention_lines,
    attention_map,
    attention_of,
    attention_panels,
    decimal_comma,
    scaled_dot_product_diagram,
    transformer_diagram,
)
from attenzione.figures.__main__ import FIGURES, export
from attenzione.model import Transformer

SMALL = {"n_vocab": 20, "n_layers": 3, "n_heads": 4, "d_model": 64, "d_ff": 256}

pytestmark = pytest.mark.usefixtures("book_style")


def test_mappa_scrive_ogni_peso_con_la_virgola():
    weights = torch.tensor([[0.25, 0.75], [1.0, 0.0]])
    fig = attention_map(weights, ["la", "gatta"], ["x", "y"])
    assert {"0,25", "0,75", "1,00", "0,00", "gatta", "y"} <= set(texts(fig))


def test_mappa_rifiuta_etichette_di_numero_sbagliato():
    with pytest.raises(ValueError, match=r"attesa \(3, 2\)"):
        attention_map(torch.zeros(2, 2), ["a", "b", "c"], ["x", "y"])


def test_figura_1_segue_il_modello():
    scritte = texts(transformer_diagram(Transformer(TransformerConfig(**SMALL))))
    assert scritte.count("3 ×") == 2 and scritte.count("4 teste") == 3 and scritte.count("$d_{ff}$ = 256") == 2
    assert scritte.count("somma e normalizzazione") == 5
    assert "$m$ × 20" in scritte and not any("512" in s for s in scritte)


def test_figura_1_base_senza_pesi_in_memoria():
    scritte = texts(transformer_diagram(BASE))
    assert scritte.count("6 ×") == 2 and "$m$ × 37\u202f000" in scritte and scritte.count("8 teste") == 3


def test_figura_1_norma_prima_e_in_cima():
    scritte = texts(transformer_diagram(TransformerConfig(**SMALL, norm_first=True, final_norm=True)))
    assert scritte.count("somma") == 5 and scritte.count("normalizzazione") == 7
    assert "somma e normalizzazione" not in scritte


def test_figura_1_posizioni_apprese_e_lunghezze():
    scritte = texts(transformer_diagram(TransformerConfig(**SMALL, positions="learned"), n=5, m=7))
    assert scritte.count("posizioni\napprese") == 2 and {"5 × 64", "7 × 64", "7 × 20"} <= set(scritte)


def test_figura_1_raggruppa_soltanto_gli_strati_uguali():
    model = Transformer(TransformerConfig(**SMALL))
    model.encoder[2].feed_forward = type(model.encoder[2].feed_forward)(64, 128)
    scritte = texts(transformer_diagram(model))
    assert {"2 ×", "1 ×", "3 ×"} <= set(scritte) and "$d_{ff}$ = 128" in scritte


def test_figura_1_modulo_sconosciuto():
    model = Transformer(TransformerConfig(**SMALL))
    model.encoder[1].feed_forward = nn.Bilinear(64, 64, 64)
    with pytest.raises(TypeError, match=r"«encoder.1.feed_forward» è un Bilinear"):
        transformer_diagram(model)
    with pytest.raises(TypeError, match="atteso un Transformer"):
        transformer_diagram(nn.Linear(2, 2))


def test_figura_1_non_tocca_il_modello():
    model = Transformer(TransformerConfig(**SMALL))
    before = torch.get_rng_state()
    transformer_diagram(model)
    assert model.training and torch.equal(before, torch.get_rng_state())
    assert not any(module._forward_hooks for module in model.modules())


def test_linee_una_per_peso_e_la_parola_isolata():
    weights = torch.tensor([[[0.5, 0.5], [0.0, 1.0]], [[1.0, 0.0], [0.3, 0.7]]])
    tutte, una = attention_lines(weights, ["a", "b"]), attention_lines(weights, ["a", "b"], word=1)
    assert lines(tutte) == 6 and lines(una) == 3
    bold = [t.get_text() for t in una.findobj(matplotlib.text.Text) if t.get_weight() == "bold"]
    assert bold == ["b"]


def test_linee_piu_spesse_per_pesi_piu_grandi():
    fig = attention_lines(torch.tensor([[[0.9, 0.1]]]), ["a"], ["x", "y"])
    strong, weak = fig.axes[0].lines
    assert strong.get_linewidth() > weak.get_linewidth() and strong.get_alpha() > weak.get_alpha()


def test_linee_rifiutano_forme_teste_e_posizioni():
    weights = torch.full((2, 3, 3), 1 / 3)
    with pytest.raises(ValueError, match=r"attesa \(h, 2, 2\)"):
        attention_lines(weights, ["a", "b"])
    with pytest.raises(ValueError, match="da 0 a 1"):
        attention_lines(weights, list("abc"), heads=[2])
    with pytest.raises(ValueError, match="word vale 3"):
        attention_lines(weights, list("abc"), word=3)


def test_pesi_di_qualunque_modello():
    model = Transformer(TransformerConfig(**SMALL))
    weights = attention_of(model, [4, 5, 6], [1, 7], "encoder-decoder", layer=0)
    assert weights.shape == (4, 2, 3) and model.training
    with pytest.raises(ValueError, match="layer vale 3"):
        attention_of(model, [4], [1], layer=3)
    with pytest.raises(ValueError, match="kind vale"):
        attention_of(model, [4], [1], "altro")


def lines(fig):
    return sum(line.get_alpha() is not None for line in fig.axes[0].lines)


def test_ogni_funzione_che_rende_una_figura_si_esporta():
    for name in figures.__all__:
        function = getattr(figures, name)
        parameters = inspect.signature(function).parameters.values()
        if "Rende la figura" in function.__doc__ or "return fig\n" in inspect.getsource(function):
            assert all(p.default is not p.empty for p in parameters), f"{name} non si può chiamare senza argomenti"
            assert function in FIGURES.values(), f"{name} non è fra le figure che si esportano"


def test_esporta_gli_stessi_byte(tmp_path):
    names = ["figura-1", "attenzione-linee"]
    first, second = (export(tmp_path / folder, names) for folder in ("a", "b"))
    assert [path.name for path in first] == [f"{name}.{kind}" for name in names for kind in ("svg", "pdf")]
    assert all(a.read_bytes() == b.read_bytes() and a.stat().st_size for a, b in zip(first, second, strict=True))


def test_figura_2_scrive_le_forme_date():
    scritte = texts(scaled_dot_product_diagram(d_k=4, d_v=3, n_q=5, n_k=6))
    assert {"5 × 4", "6 × 4", "6 × 3", "5 × 6", "5 × 3"} <= set(scritte)


def test_testo_mai_sotto_12_punti():
    for fig in (scaled_dot_product_diagram(), transformer_diagram(), attention_panels()):
        assert min(t.get_fontsize() for t in fig.findobj(matplotlib.text.Text) if t.get_text()) >= 12


def test_stessi_byte_a_ogni_disegno():
    def svg():
        uscita = io.BytesIO()
        scaled_dot_product_diagram().savefig(uscita, format="svg")
        return uscita.getvalue()

    assert svg() == svg()


def test_virgola_decimale_sugli_assi():
    assert decimal_comma(2)(0.5, None) == "0,50"
