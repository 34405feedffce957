"""La vista dell’attenzione: ciò che la cella scrive, e le pagine in cui lo script entra."""

import base64
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from attenzione.config import TransformerConfig
from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.evidence.words import word_attention
from attenzione.figures.viewer import attention_view
from attenzione.model import Transformer
from lettore.uscite.pagina import programmi

RADICE = Path(__file__).resolve().parents[3]
PAIRS = [("The judges know the law.", "i giudici conoscono la legge."), ("It is fair.", "è giusto.")]


@pytest.fixture(scope="module")
def parti():
    torch.manual_seed(0)
    tokenizer = BytePairTokenizer.from_texts([text for pair in PAIRS for text in pair], n_vocab=60)
    sizes = {"n_layers": 2, "n_heads": 2, "d_model": 16, "d_ff": 16, "p_drop": 0.0, "max_len": 64}
    return Transformer(TransformerConfig(n_vocab=len(tokenizer), **sizes)).eval(), tokenizer


@pytest.fixture(scope="module")
def fascio(parti):
    return attention_view(*parti, PAIRS, layer=1, word=1, alt='Parole e "linee"')._repr_mimebundle_()


def test_i_dati_sono_i_pesi_in_centesimi(parti, fascio):
    dati = json.loads(re.search(r"application/json\">(.*?)</script>", fascio["text/html"])[1])
    assert dati["inizio"] == {"tipo": "encoder", "strato": 1, "testa": None, "parola": 1}
    assert len(dati["frasi"]) == 2
    for (text, translation), frase in zip(PAIRS, dati["frasi"], strict=True):
        for tipo, (pesi, chi, chiavi) in word_attention(*parti, text, translation).items():
            assert (frase[tipo]["chi"], frase[tipo]["chiavi"]) == (chi, chiavi)
            for strato in range(2):
                for testa in range(2):
                    for i, riga in enumerate(frase[tipo]["pesi"][strato][testa]):
                        intera = riga + [0] * (len(chiavi) - len(riga))
                        attesa = pesi[strato, testa, i]
                        assert (torch.tensor(intera) / 100 - attesa).abs().max() <= 0.00501
                        assert not riga or riga[-1] != 0


def test_la_figura_ferma_e_nella_pagina_e_per_la_carta(fascio):
    assert set(fascio) == {"text/html", "application/pdf", "text/plain"}
    assert base64.b64decode(fascio["application/pdf"])[:5] == b"%PDF-"
    figura = re.search(r'alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)"', fascio["text/html"])
    assert figura[1] == "Parole e &quot;linee&quot;"
    assert b"<svg" in base64.b64decode(figura[2])


def test_due_volte_gli_stessi_byte(parti, fascio):
    assert attention_view(*parti, PAIRS, layer=1, word=1, alt='Parole e "linee"')._repr_mimebundle_() == fascio


def test_una_parola_non_chiude_lo_script(parti):
    model, tokenizer = parti
    vista = attention_view(model, tokenizer, [("</script><b>", "è giusto.")])
    assert "</" not in vista.data and "script" in vista.data


@pytest.mark.parametrize(
    ("corpo", "attesi"),
    [
        ("<p>x</p>", []),
        ("<attenzione-vista></attenzione-vista>", ["js/visore.js"]),
        ("<attenzione-ponte></attenzione-ponte>", ["js/ponte.js"]),
        ('<p class="riprendi">x</p>', ["js/riprendi.js"]),
        ('<ul class="registro-conteggi simple"></ul>', ["js/registro.js"]),
    ],
)
def test_ogni_programma_entra_dove_serve(corpo, attesi):
    messi = []
    app = SimpleNamespace(add_js_file=lambda nome, **_: messi.append(nome))
    programmi.carica(app, "pagina", "page.html", {"body": corpo}, None)
    programmi.carica(app, "genindex", "genindex.html", {}, None)
    assert messi == attesi
    assert all((RADICE / "web" / file).is_file() for file in messi)
