"""La figura della copertina: i pesi sono quelli del modello, la figura ferma li mostra."""

import base64
import json
import re

import pytest
import torch
from figure_texts import texts

from attenzione.config import TransformerConfig
from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.evidence.words import word_attention
from attenzione.figures.bridge import bridge_figure, bridge_view
from attenzione.model import Transformer

PAIRS = [("The judges know the law.", "i giudici conoscono la legge."), ("It is fair.", "è giusto.")]

pytestmark = pytest.mark.usefixtures("book_style")


@pytest.fixture(scope="module")
def parts():
    torch.manual_seed(0)
    tokenizer = BytePairTokenizer.from_texts([text for pair in PAIRS for text in pair], n_vocab=60)
    sizes = {"n_layers": 2, "n_heads": 2, "d_model": 16, "d_ff": 16, "p_drop": 0.0, "max_len": 64}
    return Transformer(TransformerConfig(n_vocab=len(tokenizer), **sizes)).eval(), tokenizer


def test_i_pesi_sono_la_media_delle_teste_di_uno_strato(parts):
    data = json.loads(bridge_view(*parts, PAIRS, layer=1, word=2).data)
    assert data["parola"] == 2 and len(data["frasi"]) == len(PAIRS)
    for pair, sentence in zip(PAIRS, data["frasi"], strict=True):
        weights, queries, keys = word_attention(*parts, *pair)["encoder-decoder"]
        assert (sentence["chi"], sentence["chiavi"]) == (queries[:-1], keys)  # senza la fine
        for row, expected in zip(sentence["pesi"][0][0], weights[1].mean(dim=0)[:-1], strict=True):
            whole = torch.tensor(row + [0] * (len(keys) - len(row))) / 100
            assert (whole - expected).abs().max() <= 0.00501


def test_la_vista_ha_la_figura_ferma_e_la_carta_la_sua(parts):
    bundle = bridge_view(*parts, PAIRS, alt="Due righe")._repr_mimebundle_()
    assert bundle["text/html"].startswith('<attenzione-ponte><img class="vista-ferma" alt="Due righe"')
    assert b"<svg" in base64.b64decode(re.search(r"base64,([^\"]*)", bundle["text/html"])[1])
    assert base64.b64decode(bundle["application/pdf"])[:5] == b"%PDF-"


def test_la_figura_ha_tutte_le_parole_e_accende_quella_chiesta():
    fig = bridge_figure(torch.tensor([[0.9, 0.1], [0.01, 0.99]]), ["banca", "centrale"], ["central", "bank"], word=0)
    assert texts(fig) == ["central", "bank", "banca", "centrale"]
    (accesa,) = (t.get_text() for t in fig.axes[0].texts if t.get_weight() == "bold")
    assert accesa == "banca"
    assert len(fig.axes[0].lines) == 3  # il peso più piccolo non si disegna


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"pairs": []}, "pairs è vuoto"), ({"layer": 2}, "layer vale 2"), ({"word": 6}, "word vale 6: attesa")],
)
def test_argomenti_sbagliati(parts, changes, message):
    with pytest.raises(ValueError, match=message):
        bridge_view(*parts, **{"pairs": PAIRS} | changes)
