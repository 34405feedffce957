"""La configurazione e le righe della Tabella 3, con i parametri contati a mano."""

from dataclasses import FrozenInstanceError, replace

import pytest

from attenzione.config import BASE, BIG, TABLE_3, TransformerConfig, count_parameters
from attenzione.model import Transformer

ROWS = {  # N, d_model, d_ff, h, d_k, d_v, P_drop, ε_ls: letti dalla pagina stampata
    "base": (6, 512, 2048, 8, 64, 64, 0.1, 0.1),
    "A-h1": (6, 512, 2048, 1, 512, 512, 0.1, 0.1),
    "A-h4": (6, 512, 2048, 4, 128, 128, 0.1, 0.1),
    "A-h16": (6, 512, 2048, 16, 32, 32, 0.1, 0.1),
    "A-h32": (6, 512, 2048, 32, 16, 16, 0.1, 0.1),
    "B-dk16": (6, 512, 2048, 8, 16, 64, 0.1, 0.1),
    "B-dk32": (6, 512, 2048, 8, 32, 64, 0.1, 0.1),
    "C-N2": (2, 512, 2048, 8, 64, 64, 0.1, 0.1),
    "C-N4": (4, 512, 2048, 8, 64, 64, 0.1, 0.1),
    "C-N8": (8, 512, 2048, 8, 64, 64, 0.1, 0.1),
    "C-d256": (6, 256, 2048, 8, 32, 32, 0.1, 0.1),
    "C-d1024": (6, 1024, 2048, 8, 128, 128, 0.1, 0.1),
    "C-ff1024": (6, 512, 1024, 8, 64, 64, 0.1, 0.1),
    "C-ff4096": (6, 512, 4096, 8, 64, 64, 0.1, 0.1),
    "D-p0.0": (6, 512, 2048, 8, 64, 64, 0.0, 0.1),
    "D-p0.2": (6, 512, 2048, 8, 64, 64, 0.2, 0.1),
    "D-eps0.0": (6, 512, 2048, 8, 64, 64, 0.1, 0.0),
    "D-eps0.2": (6, 512, 2048, 8, 64, 64, 0.1, 0.2),
    "E": (6, 512, 2048, 8, 64, 64, 0.1, 0.1),
    "big": (6, 1024, 4096, 16, 64, 64, 0.3, 0.1),
}
PRINTED = {  # la colonna «params ×10⁶», dove la cella non è vuota
    "base": 65,
    "B-dk16": 58,
    "B-dk32": 60,
    "C-N2": 36,
    "C-N4": 50,
    "C-N8": 80,
    "C-d256": 28,
    "C-d1024": 168,
    "C-ff1024": 53,
    "C-ff4096": 90,
    "big": 213,
}


def without_embedding(N, d_model, d_ff, h, d_k, d_v, *_):
    """Il conto a mano: per ogni testa W^Q, W^K, W^V e le sue d_v righe di W^O; la FFN; le normalizzazioni."""
    attention = sum(d_model * d_k + d_model * d_k + d_model * d_v + d_v * d_model for _ in range(h))
    ffn = d_model * d_ff + d_ff + d_ff * d_model + d_model
    norm = d_model + d_model
    encoder_layer = attention + norm + ffn + norm
    decoder_layer = attention + norm + attention + norm + ffn + norm
    return N * (encoder_layer + decoder_layer)


def test_the_rows_are_those_of_the_page():
    assert list(TABLE_3) == list(ROWS)
    for name, c in TABLE_3.items():
        assert (c.n_layers, c.d_model, c.d_ff, c.n_heads, c.d_k, c.d_v, c.p_drop, c.eps_ls) == ROWS[name]
        assert c.positions == ("learned" if name == "E" else "sinusoidal")
        assert (c.norm_first, c.final_norm, c.p_attention) == (False, False, 0.0)
    assert TABLE_3["base"] == BASE == TransformerConfig() and TABLE_3["big"] == BIG


@pytest.mark.parametrize("name", ROWS)
def test_parameters_equal_the_hand_count(name):
    config = replace(TABLE_3[name], n_vocab=100, max_len=7)
    positions = 7 * config.d_model if name == "E" else 0
    expected = 100 * config.d_model + positions + without_embedding(*ROWS[name])
    counted = count_parameters(config)
    assert counted["totale"] == expected
    assert sum(n for part, n in counted.items() if part != "totale") == expected
    small = replace(config, n_layers=1)  # il modulo vero, uno strato per pila
    model = Transformer(small)
    parts = count_parameters(small)
    assert sum(p.numel() for p in model.parameters()) == parts["totale"]
    assert sum(p.numel() for p in model.encoder.parameters()) == sum(
        n for part, n in parts.items() if part.startswith("encoder")
    )


def test_final_norms_are_counted():
    config = TransformerConfig(n_vocab=9, n_layers=2, d_model=8, d_ff=4, n_heads=2, final_norm=True)
    assert count_parameters(config)["totale"] == sum(p.numel() for p in Transformer(config).parameters())


def test_one_vocabulary_reconciles_every_printed_figure_but_big():
    """Quanti token rendono il conto uguale alla cifra stampata, arrotondata al milione, riga per riga."""
    ranges = {}
    for name, millions in PRINTED.items():
        d_model, rest = ROWS[name][1], without_embedding(*ROWS[name])
        ranges[name] = ((millions - 0.5) * 1e6 - rest) / d_model, ((millions + 0.5) * 1e6 - rest) / d_model
    low = max(low for name, (low, _) in ranges.items() if name != "big")
    high = min(high for name, (_, high) in ranges.items() if name != "big")
    assert (round(low), round(high)) == (41003, 41209)  # circa 41 100 token, non 37 000
    assert [round(x) for x in ranges["big"]] == [35368, 36344]
    assert count_parameters(BASE)["totale"] == 63_045_632  # con 37 000 token: 2 milioni in meno di 65


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d_model": 10, "n_heads": 4}, "d_model vale 10: atteso un multiplo di n_heads = 4"),
        ({"d_model": 0}, "d_model vale 0: atteso un intero positivo"),
        ({"n_layers": 1.5}, "n_layers vale 1.5: atteso un intero positivo"),
        ({"n_heads": True}, "n_heads vale True: atteso un intero positivo"),
        ({"d_k": -1}, "d_k vale -1: atteso un intero positivo"),
        ({"p_drop": 1.0}, "p_drop vale 1.0: atteso un numero da 0 compreso a 1 escluso"),
        ({"eps_ls": -0.1}, "eps_ls vale -0.1: atteso un numero"),
        ({"p_drop": "1e-1"}, "p_drop vale «1e-1»: atteso un numero da 0 compreso a 1 escluso"),
        ({"p_drop": float("nan")}, "p_drop vale nan: atteso un numero"),
        ({"p_attention": False}, "p_attention vale False: atteso un numero"),
        ({"n_layers": "2"}, "n_layers vale «2»: atteso un intero positivo"),
        ({"pad_id": "0"}, r"pad_id, bos_id, eos_id valgono \('0', 1, 2\): attesi tre interi diversi"),
        ({"eos_id": 2.0}, "attesi tre interi diversi"),
        ({"norm_first": 1}, "norm_first vale 1: atteso True o False"),
        ({"positions": "rope"}, "positions vale «rope»: atteso uno fra sinusoidal, tensor2tensor, learned"),
        ({"d_model": 9, "n_heads": 3}, "d_model vale 9: atteso pari"),
        ({"pad_id": 1}, r"pad_id, bos_id, eos_id valgono \(1, 1, 2\): attesi tre interi diversi"),
        ({"eos_id": 37000}, "attesi tre interi diversi, da 0 a n_vocab − 1 = 36999"),
    ],
)
def test_errors_name_the_entry_the_value_and_the_expectation(options, message):
    with pytest.raises(ValueError, match=message):
        TransformerConfig(**options)


def test_free_head_sizes_and_immutability():
    config = TransformerConfig(d_model=10, n_heads=4, d_k=3, d_v=5)
    assert (config.d_k, config.d_v) == (3, 5)
    with pytest.raises(FrozenInstanceError):
        config.d_k = 4
