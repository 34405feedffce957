"""Dall’addestramento al modello da spedire: che cosa serve, e che cosa si dice se manca."""

import json

import pytest
import torch

from attenzione.config import TransformerConfig
from attenzione.model import Transformer
from attenzione.training.checkpoint import load_model, save_checkpoint
from attenzione.translator.packaging import package

CONFIG = TransformerConfig(n_vocab=14, n_layers=1, d_model=8, d_ff=16, n_heads=2)


@pytest.fixture
def source(tmp_path):
    """Una cartella come la lascia un addestramento da una ricetta."""
    for step in (2, 4, 6):
        path = tmp_path / f"passo-{step:08d}.safetensors"
        save_checkpoint(path, Transformer(CONFIG), progress={"step": step, "epoch": step // 2, "index": 0})
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "conti.json").write_text('{"lette": 9}')
    (tmp_path / "passi.jsonl").write_text('{"step": 1, "tokens": 5}\n{"step": 4, "tokens": 5}\n{"step": 5, "tok')
    return tmp_path


def test_only_the_last_checkpoints_up_to_a_step_are_averaged(source, tmp_path):
    target = tmp_path / "pronto"
    assert "media di 2 checkpoint fino al passo 4" in package(source, target, average=5, last_step=4)
    facts = json.loads((target / "addestramento.json").read_text())
    assert facts["media_dei_passi"] == [2, 4] and facts["epoche_intere"] == 2 and facts["token_visti"] == 10
    mean = (
        load_model(source / "passo-00000002.safetensors")[0].embedding.E.double()
        + load_model(source / "passo-00000004.safetensors")[0].embedding.E
    ) / 2
    assert torch.equal(load_model(target / "modello.safetensors")[0].embedding.E, mean.float().half().float())


@pytest.mark.parametrize("average", [0, -1, 1.5])
def test_the_checkpoints_to_average_are_at_least_one(source, average):
    with pytest.raises(ValueError, match=f"average vale {average}: atteso un intero positivo"):
        package(source, source / "pronto", average)


@pytest.mark.parametrize("name", ["tokenizer.json", "conti.json"])
def test_a_training_without_a_recipe_is_not_packaged(source, name):
    (source / name).unlink()
    with pytest.raises(ValueError, match=rf"non ha {name}: atteso un addestramento da una ricetta"):
        package(source, source / "pronto")
    assert not (source / "pronto").exists()


def test_a_model_alone_is_not_a_training(source):
    save_checkpoint(source / "passo-00000008.safetensors", Transformer(CONFIG))
    with pytest.raises(ValueError, match=r"passo-00000008\.safetensors»: il file ha solo il modello"):
        package(source, source / "pronto")
