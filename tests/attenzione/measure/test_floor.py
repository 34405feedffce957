"""Il pavimento: fa i prodotti del modello, tutti e nessun altro, e si confronta con passi interi."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from attenzione.decoding import beam_search, greedy
from attenzione.measure import floor
from attenzione.measure.floor import Sizes, decoding_products, ready, rigged, training_products
from attenzione.model import Transformer

SMALL = Sizes(n_vocab=50, n_layers=2, d_model=8, d_ff=24, n_heads=2, batch=3, length=5, generated=8)


def operations_of(run):
    """Le operazioni che PyTorch conta in run; l’attenzione con la formula, perché il kernel della CPU non si conta."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        run()
    return counter.get_total_flops()


def test_il_pavimento_dell_addestramento_fa_le_operazioni_del_modello():
    model, tokens = Transformer(SMALL.config), torch.full((3, 5), 7)
    there = operations_of(lambda: model(tokens, tokens))
    there_and_back = operations_of(lambda: model(tokens, tokens).sum().backward())
    assert operations_of(ready(training_products(SMALL))) == there
    assert operations_of(ready(training_products(SMALL), backward=True)) == there_and_back == 3 * there


def test_il_pavimento_di_un_passo_fa_le_operazioni_del_decoder():
    """Senza cache, al primo token: gli stessi prodotti, tranne le chiavi e i valori della memoria."""
    model, sentences, n, d = Transformer(SMALL.config).eval(), 3, SMALL.length, SMALL.d_model
    with torch.no_grad():
        z, _ = model.encode(torch.full((sentences, n), 7))
        for beam in (1, 4):
            first = torch.full((sentences * beam, 1), 1)
            whole = operations_of(lambda first=first: model.embedding.logits(model.decode(first, z)))
            memory = SMALL.n_layers * 2 * sentences * n * d * 2 * d
            assert operations_of(ready(decoding_products(SMALL, sentences, beam, 1))) == whole - memory


def test_ogni_posizione_in_piu_costa_due_prodotti_di_attenzione():
    shorter, longer = (operations_of(ready(decoding_products(SMALL, 3, 4, length))) for length in (6, 7))
    assert longer - shorter == SMALL.n_layers * 2 * (2 * 3 * 4 * SMALL.d_model)


def test_un_prodotto_vale_quanto_a_mano_e_i_gradienti_pure(monkeypatch):
    """Il ritorno moltiplica le matrici giuste: le stesse uscite del calcolo automatico."""
    outputs = []

    def multiply(left, right, out):
        outputs.append((left, right, torch.matmul(left, right, out=out)))

    monkeypatch.setattr(torch, "mm", multiply)
    ready([(3, 4, 5)], backward=True)()
    (A, B, C), (_, _, dA), (_, _, dB) = outputs
    A, B = A.clone().requires_grad_(), B.clone().requires_grad_()
    (A @ B).backward(C)
    for found, expected in ((C, A @ B), (dA, A.grad), (dB, B.grad)):
        torch.testing.assert_close(found, expected)


def test_la_stessa_cosa_piu_volte():
    once, thrice = (operations_of(ready(training_products(SMALL), times=times)) for times in (1, 3))
    assert thrice == 3 * once


@pytest.mark.parametrize("search", [greedy, beam_search])
def test_le_generazioni_misurate_finiscono_tutte_in_fondo_o_subito(search):
    src = floor.random_tokens(SMALL, 4, SMALL.length)
    for first_eos, length in ((False, SMALL.generated), (True, 0)):
        found = search(rigged(SMALL.config, first_eos), src, max_extra=SMALL.max_extra)
        hypotheses = [h[0] if isinstance(h, list) else h for h in found]
        assert [(len(h.tokens), h.finished) for h in hypotheses] == [(length, first_eos)] * 4


def test_il_rapporto_e_la_mediana_dei_rapporti_dello_stesso_giro(monkeypatch):
    """Il terzo giro è dieci volte più lento per tutti: i rapporti non se ne accorgono."""
    slow = [1, 1, 10]
    parts = {"pavimento": 2, "andata e ritorno": 5, "col dropout": 6, "passo intero": 10, "perdita": 3, "Adam": 1}
    parts |= {"intera": 9, "un token": 2}
    monkeypatch.setattr(
        floor,
        "seconds_in_turn",
        lambda jobs, *_: {(test, part): [parts[part] * k for k in slow] for test, part in jobs},
    )
    report = floor.measure_floor(SMALL, 3)
    assert report["parti"] == {"dropout": 0.5, "perdita": 1.5, "Adam": 0.5}
    rows = {row.pop("prova"): row for row in report["passi"]}
    assert rows["addestramento, passo intero"]["rapporto"] == 5
    for test in floor.GENERATIONS:
        row = rows[test]
        assert row["rapporto"] == row["rapporto_min"] == row["rapporto_max"] == 3.5
        assert row["millisecondi"] == pytest.approx(1000 * 7 / (SMALL.generated - 1))
