"""I valori di partenza: ogni variante moltiplica ciò che dice, e le misure dicono ciò che promettono."""

import json
import random

import pytest
import torch

from attenzione.config import TransformerConfig
from attenzione.evidence.initialisation import (
    MATRICES,
    VARIANTS,
    branch_sizes,
    build,
    main,
    matrices,
    relative_steps,
    scale_matrices,
)
from attenzione.model import Transformer

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


def test_the_command_trains_resumes_and_writes_the_numbers(tmp_path):
    rng = random.Random(0)
    words = ["gatto", "topo", "cane", "casa", "albero", "fiume", "luna", "sole"]
    lines = [" ".join(rng.choices(words, k=rng.randint(2, 6))) for _ in range(200)]
    for name in ("en.txt", "it.txt"):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    (tmp_path / "ricetta.yml").write_text(RECIPE)
    arguments = ["--dati", str(tmp_path), "--ricetta", str(tmp_path / "ricetta.yml"), "--cartella", str(tmp_path / "c")]
    arguments += ["--passi", "4", "--ogni", "2", "--semi", "0", "1", "--varianti", "xavier", "un-mezzo"]
    main([*arguments, "--uscita", str(tmp_path / "prima.json")])
    found = json.loads((tmp_path / "prima.json").read_text())
    assert found["guadagni"] == {"xavier": 1.0, "un-mezzo": 0.5}
    for variant in found["varianti"].values():
        assert [list(seed["sviluppo"]) for seed in variant["semi"].values()] == [["2", "4"]] * 2
    main([*arguments, "--uscita", str(tmp_path / "dopo.json")])  # già tutto addestrato: gli stessi numeri
    assert json.loads((tmp_path / "dopo.json").read_text()) == found
