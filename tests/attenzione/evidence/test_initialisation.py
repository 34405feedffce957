"""I valori di partenza: ogni variante moltiplica ciò che dice, e le misure dicono ciò che promettono."""

import json
import math
import random

import pytest
import torch

from attenzione.config import TransformerConfig
from attenzione.evidence.initialisation import (
    LABELS,
    MATRICES,
    VARIANTS,
    branch_sizes,
    build,
    losses_at,
    main,
    matrices,
    recorded,
    relative_steps,
    scale_matrices,
)
from attenzione.model import Transformer
from attenzione.training.schedule import lrate

CONFIG = TransformerConfig(n_vocab=30, n_layers=2, d_model=16, d_ff=32, n_heads=2, p_drop=0.0)
RECIPE = """
nome: prova
dati: {partenza: en.txt, arrivo: it.txt}
divisione: {dev_per_mille: 200, test_per_mille: 200}
tokenizer: {n_vocab: 60}
modello: {n_layers: 1, d_model: 8, d_ff: 16, n_heads: 2, max_len: 32}
addestramento: {max_tokens: 100, warmup_steps: 4}
"""


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_multiplies_what_it_says_and_nothing_else(name):
    plain, changed = build(CONFIG, 1.0, 3), build(CONFIG, VARIANTS[name], 3)
    gains = VARIANTS[name] if isinstance(VARIANTS[name], dict) else dict.fromkeys(MATRICES, VARIANTS[name])
    for matrix, before in matrices(plain).items():
        assert len(before) == {"W_1": 4, "W_2": 4}.get(matrix, 6)
        for a, b in zip(before, matrices(changed)[matrix], strict=True):
            torch.testing.assert_close(b, a * gains.get(matrix, 1.0))
    torch.testing.assert_close(plain.embedding.E, changed.embedding.E)


def test_the_gain_of_the_configuration_is_that_of_the_experiment():
    torch.manual_seed(3)
    model = Transformer(TransformerConfig(**vars(CONFIG) | {"init_gain": 0.5}))
    for name, value in build(CONFIG, 0.5, 3).state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value)


def test_half_the_gain_is_a_quarter_of_the_branch_and_twice_the_relative_step():
    """La rete feed-forward è omogenea, W_2 ReLU(W_1 x): con metà di ciascuna esce circa un quarto."""
    src, tgt = torch.randint(3, 30, (2, 4, 7), generator=torch.Generator().manual_seed(0))
    whole, half = (build(CONFIG, gain, 3).eval() for gain in (1.0, 0.5))
    ratio = branch_sizes(half, src, tgt)["feed-forward"] / branch_sizes(whole, src, tgt)["feed-forward"]
    assert ratio == pytest.approx(0.25, abs=0.06)
    for name, step in relative_steps(whole, 0.001).items():
        assert relative_steps(half, 0.001)[name] == pytest.approx(2 * step)


def test_an_unknown_matrix_is_refused():
    with pytest.raises(ValueError, match="gains nomina W_X: attesi nomi fra W_Q"):
        scale_matrices(Transformer(CONFIG), {"W_X": 2.0})


def test_the_recorded_runs_are_of_these_variants_and_say_how_they_were_made():
    report = recorded()
    assert report["guadagni"] == VARIANTS and report["varianti"].keys() == VARIANTS.keys() == LABELS.keys()
    assert report["data"] and report["versioni"]["torch"] and report["precisione"] in ("bf16", "float32")
    for name, variant in report["varianti"].items():
        assert variant["passo"].keys() == set(MATRICES) and 0 < variant["peso_massimo_all_inizio"] <= 1, name
        for seed in variant["semi"].values():
            steps = list(map(int, seed["sviluppo"]))
            assert steps == sorted(steps) and 0 < seed["peso_massimo"] <= 1, name


def test_the_recorded_commands_are_those_that_give_these_numbers():
    """Le varianti, i semi e i passi misurati sono quelli che i comandi chiedono; manca il punto che la pagina dice."""
    report, missing, named = recorded(), [], []
    for command in report["comandi"]:
        assert command.startswith("python -m attenzione.evidence.initialisation --semi")
        asked = {words[0]: words[1:] for words in map(str.split, command.split(" --")[1:])}
        (last,), (every,) = (list(map(int, asked[name])) for name in ("passi", "ogni"))
        named += asked["varianti"]
        for name in asked["varianti"]:
            assert list(report["varianti"][name]["semi"]) == asked["semi"], name
            for seed, found in report["varianti"][name]["semi"].items():
                steps = set(map(int, found["sviluppo"]))
                assert steps <= set(range(every, last + 1, every))
                missing += [(name, seed, step) for step in range(every, last + 1, every) if step not in steps]
    assert sorted(named) == sorted(VARIANTS) and missing == [("xavier", "1", 600)]


def test_the_recorded_step_is_the_longest_of_the_run_not_of_the_whole_warmup():
    """La prova finisce dentro il warmup: il suo tasso più alto è quello dell’ultimo passo."""
    xavier = math.sqrt(2 / (256 + 256))  # la deviazione standard di W_Q: d_model = 256, nella ricetta
    assert recorded()["varianti"]["xavier"]["passo"]["W_Q"] == pytest.approx(lrate(1200, 256, 1600) / xavier, abs=1e-3)


def test_losses_at_skips_what_was_not_measured():
    seeds = {"0": {"sviluppo": {"4": 2.0}}, "1": {"sviluppo": {"2": 3.0, "4": 1.0}}}
    report = {"varianti": {"xavier": {"semi": seeds}, "un-mezzo": {"semi": {}}}}
    assert losses_at(report, 4) == {"xavier": [2.0, 1.0]}
    assert losses_at(report, 2) == {"xavier": [3.0]} and losses_at(report, 1) == {}


def prepare_data(tmp_path, recipe=RECIPE):
    rng = random.Random(0)
    words = ["gatto", "topo", "cane", "casa", "albero", "fiume", "luna", "sole"]
    lines = [" ".join(rng.choices(words, k=rng.randint(2, 6))) for _ in range(200)]
    for name in ("en.txt", "it.txt"):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    (tmp_path / "ricetta.yml").write_text(recipe)
    return ["--dati", str(tmp_path), "--ricetta", str(tmp_path / "ricetta.yml"), "--cartella", str(tmp_path / "c")]


def test_the_gain_of_the_recipe_is_not_applied_twice(tmp_path):
    """Xavier resta Xavier anche se la ricetta, per il traduttore, dimezza le matrici."""
    reports = []
    for folder, recipe in (("senza", RECIPE), ("con", RECIPE.replace("max_len: 32}", "max_len: 32, init_gain: 0.5}"))):
        (tmp_path / folder).mkdir()
        arguments = [*prepare_data(tmp_path / folder, recipe), "--passi", "1", "--semi", "0", "--varianti", "xavier"]
        main([*arguments, "--uscita", str(tmp_path / f"{folder}.json")])
        reports.append(json.loads((tmp_path / f"{folder}.json").read_text()))
    assert reports[0]["varianti"] == reports[1]["varianti"]


def test_the_command_trains_resumes_and_writes_the_numbers(tmp_path):
    arguments = [*prepare_data(tmp_path), "--passi", "4", "--ogni", "2", "--semi", "0", "1"]
    arguments += ["--varianti", "xavier", "un-mezzo"]
    main([*arguments, "--uscita", str(tmp_path / "prima.json")])
    found = json.loads((tmp_path / "prima.json").read_text())
    assert found["guadagni"] == {"xavier": 1.0, "un-mezzo": 0.5}
    for variant in found["varianti"].values():
        assert [list(seed["sviluppo"]) for seed in variant["semi"].values()] == [["2", "4"]] * 2
    main([*arguments, "--uscita", str(tmp_path / "dopo.json")])  # già tutto addestrato: gli stessi numeri
    assert json.loads((tmp_path / "dopo.json").read_text()) == found
