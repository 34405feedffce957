"""Il compito in piccolo della sezione 6.2: la regola è quella detta, e si ripete uguale."""

from dataclasses import replace

import pytest
import torch

from attenzione.config import TABLE_3
from attenzione.evidence.replica import N_SPECIAL, ROWS, SMALL, neighbour_sentences, replay


def sentences(n=200, seed=0, **how):
    return neighbour_sentences(n, torch.Generator().manual_seed(seed), **how)


def test_il_token_dipende_dal_simbolo_e_dalla_parita_dei_tre_vicini():
    src, tgt = sentences()
    x, rule = src - N_SPECIAL, {}
    for row in range(len(x)):
        for i in range(12):
            near = tuple(int(x[row, j % 12]) % 2 for j in (i - 1, i + 1, i - 2))
            assert rule.setdefault((near, int(x[row, i])), int(tgt[row, i])) == int(tgt[row, i])
    assert len({near for near, _ in rule}) == 8  # tutte le tabelle si usano
    changed = [symbol for near, symbol in rule if rule[near, symbol] != rule.get(((0, 0, 0), symbol))]
    assert len(changed) > len(rule) / 2  # e sono diverse fra loro


def test_le_frasi_dipendono_solo_dal_generatore():
    torch.testing.assert_close(sentences(), sentences())
    assert not torch.equal(sentences()[0], sentences(seed=1)[0])


def test_gli_stessi_argomenti_danno_gli_stessi_numeri():
    assert replay(steps=20) == replay(steps=20)
    assert replay(steps=20) != replay(steps=20, seed=1)
    assert replay(steps=20, n_sentences=8) != replay(steps=20)


@pytest.mark.parametrize("name", ROWS)
def test_ogni_variante_cambia_la_stessa_voce_della_sua_riga(name):
    row, changes = ROWS[name]
    ours, theirs = replace(SMALL, **changes), TABLE_3[row]
    fields = {"n_heads", "n_layers", "d_model", "d_ff", "positions"} if row != "B-dk16" else set()
    for field in fields:
        assert (getattr(ours, field) != getattr(SMALL, field)) == (
            getattr(theirs, field) != getattr(TABLE_3["base"], field)
        )
    if row.startswith("A"):
        assert ours.n_heads * ours.d_k == SMALL.n_heads * SMALL.d_k
