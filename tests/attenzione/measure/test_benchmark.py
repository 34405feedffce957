"""Il programma di misura: gira, scrive le tabelle, e le funzioni che misura fanno lo stesso lavoro."""

import json

import torch

from attenzione.measure import benchmark
from attenzione.measure.benchmark import Ours, Sizes, TorchTransformer, operations

TINY = Sizes(
    n_vocab=50, n_layers=1, d_model=8, d_ff=16, n_heads=2, batch=3, sentences=2, length=5, generated=8, n_attention=64
)


def test_the_report_has_every_row_and_both_forms(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "Sizes", lambda: TINY)
    monkeypatch.setattr(benchmark, "find_spec", lambda name: None)
    benchmark.main(["--giri", "2", "--cartella", str(tmp_path)])
    report = json.loads((tmp_path / "prestazioni.json").read_text())
    rows = {(row["prova"], row["modello"]): row for row in report["modelli"]}
    assert {test for test, name in rows if name == "questo libro"} == {
        "addestramento",
        "greedy senza cache",
        "greedy con cache",
        "beam 4 con cache",
    }
    for row in rows.values():
        assert row["token_al_secondo"] > 0 and row["rapporto_min"] <= row["rapporto"] <= row["rapporto_max"]
    assert rows["addestramento", "torch.nn.Transformer"]["rapporto"] == 1
    memory = {row["via"]: row["megabyte"] for row in report["attenzione"]}
    assert memory["formula esplicita"] > memory["kernel fuso nudo"] > 0
    text = (tmp_path / "prestazioni.md").read_text()
    assert "| addestramento | torch.nn.Transformer |" in text and text in capsys.readouterr().out
    assert report["macchina"]["data"] and report["operazioni"] == operations(TINY)


def test_both_models_generate_the_tokens_they_are_paid_for():
    src = torch.randint(3, 50, (2, 5))
    for peer in (Ours(TINY), TorchTransformer(TINY)):
        peer.model.eval()
        assert peer.greedy(src, False) <= 2 * 8
    assert TorchTransformer(TINY).eval().greedy(src, False) == 2 * 8


def test_operations_by_hand():
    """Un passo: tutte le matrici, 6 operazioni per peso e per token, più i prodotti dell’attenzione."""
    s = Sizes()
    weights = 3 * (4 * 256**2 + 2 * 256 * 1024) + 3 * (8 * 256**2 + 2 * 256 * 1024) + 8000 * 256
    attention = 9 * 2 * 48 * 256  # nove attenzioni, QKᵀ e AV
    assert operations(s)["operazioni_per_passo"] == 6 * 16 * 48 * (weights + attention)
    cached = 3 * (6 * 256**2 + 2 * 256 * 1024) + 8000 * 256
    assert operations(s)["operazioni_per_token_con_cache"] == 2 * cached
