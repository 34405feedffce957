"""Le affermazioni della sezione 6.2 e della tabella 3; le repliche in scala si addestrano una volta sola."""

import math
from dataclasses import replace
from functools import cache

import pytest
import torch
from registro import affermazione

from attenzione.attention import MultiHeadAttention
from attenzione.config import BASE, TABLE_3, count_parameters, load_tables
from attenzione.evidence.replica import SMALL, replay
from attenzione.evidence.tables import vocabulary_range
from attenzione.model import Transformer

CELLS = {row["nome"]: row["celle"] for row in load_tables()["tabella_3"]}
GROUP_A = ("base", "A-h1", "A-h4", "A-h16", "A-h32")


@affermazione("perplessita-per-word-piece", vero={"stessa_unita": True}, falso=[{"stessa_unita": False}])
def test_perplessita_per_word_piece(stessa_unita):
    """Le due perplessità coincidono soltanto se si divide per lo stesso numero di pezzi."""
    log_prob, pieces = -sum(map(math.log, (2, 8, 4, 16))), 4
    per_piece, other = (math.exp(-log_prob / n) for n in (pieces, pieces if stessa_unita else 3))
    assert other == pytest.approx(per_piece)


@affermazione(
    "parametri-della-tabella-3", vero={"base": 65, "senza": ("big",)}, falso=[{"base": 63}, {"base": 67}, {"senza": ()}]
)
def test_parametri_della_tabella_3(base, senza):
    """Un vocabolario solo fa tornare tutte le righe stampate, tranne «big»; con 37 000 token il base ne ha 63."""
    printed = {name: cells["params_1e6"] for name, cells in CELLS.items() if "params_1e6" in cells} | {"base": base}
    ranges = [vocabulary_range(TABLE_3[name], millions) for name, millions in printed.items() if name not in senza]
    assert max(low for low, _ in ranges) <= min(high for _, high in ranges)
    with torch.device("meta"):
        real = sum(p.numel() for p in Transformer(BASE).parameters())
    assert real == count_parameters(BASE)["totale"]
    assert round(real / 1e6) == 63


@affermazione("testa-singola-0-9", vero={"differenza": 0.9}, falso=[{"differenza": 0.5}, {"differenza": 1.0}])
def test_testa_singola_0_9(differenza):
    bleu = {TABLE_3[name].n_heads: CELLS[name]["bleu_dev"] for name in GROUP_A}
    assert max(bleu.values()) - bleu[1] == pytest.approx(differenza)


@affermazione(
    "calcolo-costante-nelle-righe-a",
    vero={"h_per_d_k": 512, "righe": GROUP_A},
    falso=[{"h_per_d_k": 64}, {"righe": ("base", "B-dk16")}, {"righe": ("base", "C-d256")}],
)
def test_calcolo_costante_nelle_righe_a(h_per_d_k, righe):
    """Parametri delle proiezioni e moltiplicazioni fra query e chiavi: gli stessi in ogni riga."""
    with torch.device("meta"):
        layers = [MultiHeadAttention(c.d_model, c.n_heads, c.d_k, c.d_v) for c in map(TABLE_3.get, righe)]
    assert len({sum(p.numel() for p in layer.parameters()) for layer in layers}) == 1
    assert {layer.n_heads * layer.d_k for layer in layers} == {h_per_d_k}


@cache
def perplexity(config, **how):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return replay(config, **how)[0]
    finally:
        torch.set_num_threads(threads)


def heads(n):
    return replace(SMALL, n_heads=n, d_k=32 // n, d_v=32 // n)


@pytest.mark.lento
@affermazione("una-testa-peggiora", vero={"peggiore": 1, "migliore": 4}, falso=[{"peggiore": 4, "migliore": 1}])
def test_una_testa_peggiora(peggiore, migliore):
    assert perplexity(heads(peggiore)) > 1.2 * perplexity(heads(migliore))


@pytest.mark.lento
@affermazione("troppe-teste-peggiorano", vero={"peggiore": 32, "migliore": 4}, falso=[{"peggiore": 4, "migliore": 32}])
def test_troppe_teste_peggiorano(peggiore, migliore):
    assert perplexity(heads(peggiore)) > 1.5 * perplexity(heads(migliore))


@pytest.mark.lento
@affermazione("chiavi-corte-peggiorano", vero={"peggiore": 1, "migliore": 8}, falso=[{"peggiore": 8, "migliore": 1}])
def test_chiavi_corte_peggiorano(peggiore, migliore):
    bleu = [CELLS[name]["bleu_dev"] for name in ("B-dk16", "B-dk32", "base")]
    assert bleu == sorted(bleu)
    assert perplexity(replace(SMALL, d_k=peggiore)) > 1.5 * perplexity(replace(SMALL, d_k=migliore))


@pytest.mark.lento
@affermazione("modelli-grandi-migliori", vero={"minore": {"d_ff": 16}}, falso=[{"minore": {"d_ff": 256}}])
def test_modelli_grandi_migliori(minore):
    """Vettori più corti e strato interno più stretto peggiorano; nella tabella fa eccezione il BLEU di 8 strati."""
    bleu = {name: CELLS[name]["bleu_dev"] for name in CELLS}
    assert bleu["C-N2"] < bleu["C-N4"] < bleu["base"] > bleu["C-N8"]
    assert bleu["C-d256"] < bleu["base"] < bleu["C-d1024"] and bleu["C-ff1024"] < bleu["base"] < bleu["C-ff4096"]
    shorter = replace(SMALL, d_model=16, d_k=4, d_v=4)
    assert min(perplexity(replace(SMALL, **minore)), perplexity(shorter)) > 2 * perplexity(SMALL)


def few_sentences(p_drop):
    return perplexity(replace(SMALL, p_drop=p_drop), n_sentences=300, neighbours=(1, -1))


@pytest.mark.lento
@affermazione("dropout-contro-overfitting", vero={"con": 0.1, "senza": 0.0}, falso=[{"con": 0.0, "senza": 0.1}])
def test_dropout_contro_overfitting(con, senza):
    assert few_sentences(senza) > 1.3 * few_sentences(con)
