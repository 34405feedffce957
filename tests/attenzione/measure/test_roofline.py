"""Il tetto: i conti di operazioni e byte, le misure, il file registrato."""

import json
import time

import pytest
import torch

from attenzione.attention import fused_attention, scaled_dot_product_attention
from attenzione.config import TransformerConfig
from attenzione.measure import roofline
from attenzione.measure.roofline import DATASHEETS, Roof, count_traffic, measure, record, recorded

TINY = TransformerConfig(n_vocab=50, n_layers=1, d_model=8, d_ff=16, n_heads=2, max_len=16)
SIZES = {"numbers": 64, "n": 8, "positions": 4, "config": TINY}


def test_il_tetto_e_il_piu_basso_dei_due_limiti():
    roof = Roof(peak=100.0, bandwidth=10.0)
    assert roof.ridge == 10
    assert [roof.attainable(intensity) for intensity in (1, 10, 1000)] == [10, 100, 100]


def test_un_prodotto_si_conta_come_a_mano():
    assert count_traffic(torch.mm, torch.ones(3, 5), torch.ones(5, 7)) == (2 * 3 * 5 * 7, 4 * (15 + 35 + 21))


def test_le_viste_non_spostano_nulla_e_la_ricerca_legge_le_righe():
    x, table = torch.ones(6, 4), torch.ones(100, 4)
    assert count_traffic(lambda: x.view(4, 6).mT[1:].unsqueeze(0)) == (0, 0)
    assert count_traffic(torch.nn.functional.embedding, torch.tensor([3, 7]), table) == (0, 2 * 2 * 4 * 4)


def test_il_kernel_fuso_non_scrive_la_tabella():
    n, d = 96, 16
    Q, K, V = torch.randn(3, 1, 1, n, d)
    explicit, fused = (count_traffic(way, Q, K, V)[1] for way in (scaled_dot_product_attention, fused_attention))
    assert explicit == 4 * (6 * n * d + 4 * n**2)  # la scala moltiplica Q, non la tabella
    assert 4 * 4 * n * d <= fused < explicit / 3


def test_ogni_lavoro_ha_i_suoi_conti_e_un_tempo():
    report = measure(roof=Roof(1e9, 1e9), repeats=1, **SIZES)
    points = {p["nome"]: p for p in report["punti"]}
    assert len(points) == 7 and all(p["secondi"] > 0 and p["operazioni"] > 0 and p["byte"] > 0 for p in points.values())
    assert points["somma"]["operazioni"] / points["somma"]["byte"] == 1 / 12
    one, together = points["un token, con la cache"], points["4 token insieme"]
    assert together["operazioni"] > 3 * one["operazioni"]
    assert together["operazioni"] / together["byte"] > one["operazioni"] / one["byte"]
    assert report["operazioni_al_secondo"] == 1e9 and report["data"]


def test_il_tetto_misurato_e_positivo():
    roof = roofline.measure_roof(numbers=1000, sizes=(8, 16))
    assert roof.peak > 0 and roof.bandwidth > 0


def test_un_thread_conta_il_tempo_di_processore(monkeypatch):
    for threads, clock in ((1, time.process_time), (2, time.perf_counter)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert roofline.pick_clock("cpu") is clock
    assert roofline.pick_clock("cuda") is time.perf_counter


def test_le_cifre_di_targa():
    assert DATASHEETS["P100"].peak == 9.5e12  # quella dell’articolo, nota 5
    assert round(DATASHEETS["P100"].ridge) == 13 and round(DATASHEETS["A100, matrici a 16 bit"].ridge) == 201


def test_il_file_si_scrive_intero_e_si_rilegge(tmp_path):
    assert recorded(tmp_path / "gpu.json") is None
    report = measure(roof=Roof(1e9, 1e9), repeats=1, **SIZES)
    record(report, tmp_path / "gpu.json")
    assert recorded(tmp_path / "gpu.json") == json.loads(json.dumps(report))
    assert [file.name for file in tmp_path.iterdir()] == ["gpu.json"]


def test_senza_gpu_non_si_registra(tmp_path, capsys):
    with pytest.raises(SystemExit):
        roofline.main(["--dispositivo", "cpu", "--registra", str(tmp_path / "gpu.json")])
    assert "vuole una GPU" in capsys.readouterr().err and not list(tmp_path.iterdir())
    with pytest.raises(SystemExit):
        roofline.main(["--dispositivo", "tpu"])
    assert "«tpu»" in capsys.readouterr().err


def test_il_comando_stampa_le_misure(monkeypatch, capsys):
    monkeypatch.setattr(roofline, "measure", lambda device: measure(device, 1, Roof(2e9, 1e9), **SIZES))
    assert roofline.main(["--dispositivo", "cpu"]) is None
    assert "2 miliardi di operazioni e 1,0 miliardi di byte" in capsys.readouterr().out


def test_cio_che_e_registrato_viene_da_una_gpu():
    if (report := recorded()) is not None:
        assert report["dispositivo"].startswith(("CUDA", "MPS")) and "--registra" in report["comando"]
