"""Il programma di misura: gira, scrive le tabelle, e le funzioni che misura fanno lo stesso lavoro."""

import json

import pytest
import torch

from attenzione.measure import benchmark
from attenzione.measure.benchmark import Ours, OursInt8, Sizes, TorchTransformer, operations, summary

TINY = Sizes(
    n_vocab=50, n_layers=1, d_model=8, d_ff=16, n_heads=2, batch=3, sentences=2, length=5, generated=8, n_attention=64
)


@pytest.mark.lento
def test_the_report_has_every_row_and_both_forms(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "Sizes", lambda: TINY)
    monkeypatch.setattr(benchmark, "find_spec", lambda name: None)
    benchmark.main(["--giri", "1", "--cartella", str(tmp_path)])
    report = json.loads((tmp_path / "prestazioni.json").read_text())
    rows = {(row["prova"], row["modello"]): row for row in report["modelli"]}
    assert {test for test, name in rows if name == "questo libro"} == {
        "addestramento",
        "greedy senza cache",
        "greedy con cache",
        "beam 4 con cache",
    }
    assert {test for test, name in rows if name == "questo libro, int8"} == {"greedy con cache", "beam 4 con cache"}
    for row in rows.values():
        assert row["token_al_secondo"] > 0 and row["rapporto_min"] <= row["rapporto"] <= row["rapporto_max"]
    assert rows["addestramento", "torch.nn.Transformer"]["rapporto"] == 1
    memory = {row["via"]: row["megabyte"] for row in report["attenzione"]}
    assert memory["formula esplicita"] > memory["kernel fuso nudo"] > 0
    text = (tmp_path / "prestazioni.md").read_text()
    assert "| addestramento | torch.nn.Transformer |" in text and text in capsys.readouterr().out
    for line in ("| addestramento, passo intero |", "| un passo greedy, 32 frasi |", "| un passo beam 4, 8 frasi |"):
        assert line in text
    last = [line for line in text.splitlines() if line][-2:]
    assert last[0].startswith("addestramento: ") and " × torch.nn.Transformer (" in last[0]
    assert last[1].startswith("greedy con cache: ") and " × torch.nn.Transformer (" in last[1]
    assert report["macchina"]["data"] and report["operazioni"] == operations(TINY)


def test_the_floor_alone_is_written_apart(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "Sizes", lambda: TINY)
    benchmark.main(["--pavimento", "--giri", "1", "--cartella", str(tmp_path)])
    assert {file.name for file in tmp_path.iterdir()} == {"pavimento.json", "pavimento.md"}
    report = json.loads((tmp_path / "pavimento.json").read_text())
    assert "modelli" not in report and len(report["pavimento"]["passi"]) == 6
    text = capsys.readouterr().out
    assert "× pavimento" in text and "× torch.nn.Transformer" not in text
    for part in ("dropout", "perdita", "Adam"):
        assert part in text.splitlines()[-2]


@pytest.mark.parametrize("option", ["--giri", "--thread"])
def test_zero_rounds_or_threads_are_refused(option, capsys):
    with pytest.raises(SystemExit):
        benchmark.main([option, "0"])
    assert f"{option} vale 0: atteso almeno 1" in capsys.readouterr().err


def test_the_summary_has_marian_when_it_is_there():
    torch_only = {
        ("addestramento", "questo libro"): [1.0, 1.0, 1.0],
        ("addestramento", "torch.nn.Transformer"): [1.0, 2.0, 3.0],
        ("greedy con cache", "questo libro"): [1.0, 1.0, 1.0],
        ("greedy senza cache", "torch.nn.Transformer"): [4.0, 5.0, 6.0],
    }
    with_marian = torch_only | {("greedy con cache", "HF MarianMT"): [1.5, 1.0, 2.0]}
    rows = [
        (r["prova"], r["contro"], r["rapporto"], r["rapporto_min"], r["rapporto_max"]) for r in summary(with_marian)
    ]
    assert rows == [
        ("addestramento", "torch.nn.Transformer", 2, 1, 3),
        ("greedy con cache", "torch.nn.Transformer", 5, 4, 6),
        ("greedy con cache", "HF MarianMT", 1.5, 1, 2),
    ]
    assert len(summary(torch_only)) == 2


def test_both_models_generate_the_tokens_they_are_paid_for():
    src = torch.randint(3, 50, (2, 5))
    for peer in (Ours(TINY), TorchTransformer(TINY)):
        assert peer.greedy(src, False) == 2 * 8
    for ours in (Ours(TINY), OursInt8(TINY)):
        assert ours.greedy(src, True) == ours.beam(src) == 2 * 8


def test_operations_by_hand():
    """Un passo: tutte le matrici, 6 operazioni per peso e per token, più i prodotti dell’attenzione."""
    s = Sizes()
    weights = 3 * (4 * 256**2 + 2 * 256 * 1024) + 3 * (8 * 256**2 + 2 * 256 * 1024) + 8000 * 256
    attention = 9 * 2 * 48 * 256  # nove attenzioni, QKᵀ e AV
    assert operations(s)["operazioni_per_passo"] == 6 * 16 * 48 * (weights + attention)
    cached = 3 * (6 * 256**2 + 2 * 256 * 1024) + 8000 * 256
    attention = 3 * 2 * (33 + 48) * 256  # a metà generazione la self-attention guarda 33 posizioni, la memoria ne ha 48
    assert operations(s)["operazioni_per_token_con_cache"] == 2 * (cached + attention)
