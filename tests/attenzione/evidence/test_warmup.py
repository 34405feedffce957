"""Con e senza warmup: le varianti fanno ciò che dicono, e le misure del libro sono quelle di questo comando."""

import json
import math

import pytest
import torch

from attenzione.evidence.warmup import RATE_FACTOR, VARIANTS, WARMUP_STEPS, compare, main, rate, recorded, run
from attenzione.training.schedule import lrate

TINY = dict(n_vocab=14, n_layers=1, d_model=8, d_ff=16, n_heads=2, p_drop=0.0, eps_ls=0.0)


def test_without_the_rise_only_the_rise_is_missing():
    with_it = [rate(step, 32, rising=True) for step in range(1, 400)]
    without = [rate(step, 32, rising=False) for step in range(1, 400)]
    assert with_it[WARMUP_STEPS - 1 :] == without[WARMUP_STEPS - 1 :]
    assert set(without[:WARMUP_STEPS]) == {max(with_it)}
    assert with_it == [RATE_FACTOR * lrate(step, 32, WARMUP_STEPS) for step in range(1, 400)]


def test_the_same_seed_gives_the_same_numbers_and_another_does_not():
    first, again, other = (run("post-norm, con warmup", 4, seed, 3, TINY) for seed in (0, 0, 1))
    assert first == again != other
    assert len(first["curva"]) == 3 and all(map(math.isfinite, first["curva"]))


def test_every_variant_starts_from_its_own_model(monkeypatch):
    """Pre-norm e post-norm sono due modelli; il limite si applica a chi lo dice, e a nessun altro."""
    limits = []
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda parameters, limit: limits.append(limit))
    results = {name: run(name, 4, 0, 1, TINY) for name in VARIANTS}
    assert limits == [1.0]
    post, limited, pre = (
        "post-norm, senza warmup",
        "post-norm, senza warmup, gradiente limitato",
        "pre-norm, con warmup",
    )
    assert results[post]["curva"] == results[limited]["curva"] != results[pre]["curva"]


def test_an_unknown_variant_is_refused():
    with pytest.raises(KeyError):
        run("senza norma", 4, 0, 1, TINY)


def test_the_command_writes_what_the_page_reads(tmp_path, monkeypatch):
    monkeypatch.setattr("attenzione.evidence.warmup.SIZES", TINY)
    monkeypatch.setattr("attenzione.evidence.warmup.compare", lambda *a, **o: compare(*a, **o, sizes=TINY))
    main(["--semi", "0", "--batch", "2", "--passi", "1", "--registra", str(tmp_path / "warmup.json")])
    written, shipped = json.loads((tmp_path / "warmup.json").read_text("utf-8")), recorded()
    assert written.keys() == shipped.keys() and written["varianti"].keys() == shipped["varianti"].keys()
    assert set(shipped["varianti"]) == set(VARIANTS) and shipped["warmup"] == WARMUP_STEPS
    assert {len(seeds) for batches in shipped["varianti"].values() for seeds in batches.values()} == {3}
