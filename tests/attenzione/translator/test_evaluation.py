"""I confronti fra varianti: stesso passo, stesse frasi, errori chiari."""

import json
import sys

import pytest
import torch

from attenzione.__main__ import main
from attenzione.training.recipe import read_parts, read_recipe
from attenzione.translator import evaluation
from attenzione.translator.evaluation import compare, evaluate, losses
from attenzione.translator.packaging import package
from attenzione.translator.pretrained import encode_source, load_translator

RECIPE = """
nome: prova
dati: {partenza: a.en, arrivo: a.it}
divisione: {dev_per_mille: 100, test_per_mille: 100}
tokenizer: {n_vocab: 300}
modello: {n_layers: 1, d_model: 16, d_ff: 32, n_heads: 2, max_len: 64}
addestramento: {steps: 4, max_tokens: 200, warmup_steps: 10, save_every: 2}
varianti:
  una-testa:
    modello: {n_heads: 1}
"""


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Due addestramenti brevissimi, il principale più lungo della variante."""
    monkeypatch.chdir(tmp_path)
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    lines = [f"{a} and {b} make {c}" for a in words for b in words for c in words[:3]]
    for name in ("a.en", "a.it"):
        (tmp_path / name).write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "r.yml").write_text(RECIPE, "utf-8")
    assert main(["addestra", "--ricetta", "r.yml", "--passi", "6", "--dispositivo", "cpu"]) == 0
    assert main(["addestra", "--ricetta", "r.yml", "--variante", "una-testa", "--dispositivo", "cpu"]) == 0
    return tmp_path / "addestramenti"


def test_i_confronti_sono_allo_stesso_passo(trained, capsys, monkeypatch):
    folders = [str(trained / "prova"), str(trained / "prova-una-testa")]
    monkeypatch.setattr(evaluation, "losses", lambda *_: pytest.fail("i confronti non usano le perdite"))
    result = compare(folders, "r.yml", average=2, device="cpu")
    assert result["passi"] == 4 and list(result["modelli"]) == ["principale", "una-testa"]
    assert all(0 < scores["peso_massimo"] <= 1 for scores in result["modelli"].values())
    assert len({scores["token_visti"] for scores in result["modelli"].values()}) == 1
    arguments = ["--da", *folders, "--ricetta", "r.yml", "--uscita", "c.json", "--dispositivo", "cpu"]
    assert main(["confronta", *arguments]) == 0
    assert "una-testa" in capsys.readouterr().out and (trained.parent / "c.json").exists()


def test_una_frase_che_non_si_traduce_e_un_ipotesi_vuota_e_un_avviso(trained, tmp_path, monkeypatch, capsys):
    package(trained / "prova", tmp_path / "pronto", average=1)
    read = evaluation.read_parts
    bad = [("word " * 200, "una frase troppo lunga"), ("🙂", "nessun segno noto")]

    def with_bad(recipe):
        parts, counts = read(recipe)
        return parts | {"prova": [bad[0], *parts["prova"], bad[1]]}, counts

    good = evaluate(tmp_path / "pronto", "r.yml", strategies=["greedy"], device="cpu")
    assert "non_tradotte" not in good
    monkeypatch.setattr(evaluation, "read_parts", with_bad)
    options = ["--modello", str(tmp_path / "pronto"), "--ricetta", "r.yml", "--dispositivo", "cpu"]
    assert main(["valuta", *options, "--uscita", "p.json", "--traduzioni", "t.txt"]) == 0
    captured = capsys.readouterr()
    (warning,) = [line for line in captured.err.splitlines() if line.startswith("avviso")]
    count = good["frasi"] + 2
    assert warning.startswith(
        f"avviso: frasi non tradotte, che contano come sbagliate: 2 su {count}; la prima: la frase «word"
    )
    assert f"{count} frasi, parte «prova», 2 non tradotte" in captured.out
    lines = (tmp_path / "t.txt").read_text("utf-8").split("\n")
    assert len(lines) == count + 1 and lines[0] == lines[count - 1] == ""
    result = json.loads((tmp_path / "p.json").read_text("utf-8"))
    assert result["frasi"] == count and result["non_tradotte"] == 2
    assert result["risultati"]["greedy"]["chrF"] < good["risultati"]["greedy"]["chrF"]
    monkeypatch.setattr(evaluation, "read_parts", lambda recipe: (read(recipe)[0] | {"prova": bad}, {}))
    with pytest.warns(UserWarning, match="2 su 2"):
        nothing = evaluate(tmp_path / "pronto", "r.yml", strategies=["beam"], device="cpu")
    assert nothing["risultati"]["beam"]["BLEU"] == nothing["risultati"]["beam"]["chrF"] == 0


def test_le_perdite_delle_tre_parti(trained, tmp_path):
    package(trained / "prova", tmp_path / "pronto", average=1)
    model, tokenizer = load_translator(tmp_path / "pronto", "cpu")
    parts, _ = read_parts(read_recipe("r.yml"))
    found = losses(model, tokenizer, parts)
    assert found.keys() == parts.keys()
    total = count = 0
    for src, tgt in parts["sviluppo"]:  # una frase per volta, la definizione
        target = [*tokenizer.encode(tgt), model.config.eos_id]
        source = torch.tensor([encode_source(tokenizer, src, model.config)])
        with torch.inference_mode():
            logits = model(source, torch.tensor([[model.config.bos_id, *target[:-1]]]))[0]
        total += torch.nn.functional.cross_entropy(logits, torch.tensor(target), reduction="sum").item()
        count += len(target)
    assert found["sviluppo"] == pytest.approx(total / count, abs=1e-3)


def test_senza_sacrebleu_si_dice_come_averlo(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    message = 'manca sacrebleu: si installa con pip install ".[valutazione]"'
    with pytest.raises(ImportError, match="manca sacrebleu") as error:
        evaluate("modello", "r.yml")
    assert str(error.value) == message
    assert main(["valuta", "--ricetta", "r.yml", "--dispositivo", "cpu"]) == 1
    assert capsys.readouterr().err == f"errore: {message}\n"


def test_una_cartella_senza_checkpoint(tmp_path):
    with pytest.raises(ValueError, match="nessun checkpoint in"):
        compare([tmp_path], tmp_path / "r.yml")
