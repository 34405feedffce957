"""Quanto il modello predice: ogni token una volta, col suo contesto; la scheda, i comandi, il modello spedito."""

import gzip
import json
import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.__main__ import main
from attenzione.later.card import render_card
from attenzione.later.continuing import SHIPPED
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.scoring import overlapping, recalled, summary, token_losses
from attenzione.training.shipped import shipped_folder

CONFIG = LanguageModelConfig(n_vocab=12, n_layers=1, d_model=8, d_ff=12, n_heads=2, max_len=8)


@settings(deadline=None)
@given(n=st.integers(2, 40), half=st.integers(1, 6))
def test_the_windows_predict_every_token_once_and_each_sees_half_a_window(n, half):
    tokens, length = list(range(n)), 2 * half
    predicted = []
    for window, skipped in overlapping(tokens, length, half):
        new = window[1 + skipped :]
        predicted += new
        assert len(window) <= length + 1 and new
        assert all(window.index(token) >= min(half, token) for token in new)
    assert predicted == tokens[1:]


def test_the_losses_are_those_of_the_model():
    torch.manual_seed(0)
    model = LanguageModel(CONFIG).double().eval()
    documents = [[4, 5, 6, 2], [7, 8, 9, 10, 4, 5, 6, 2, 7, 8, 11]]
    found = token_losses(model, documents, batch=2)
    assert len(found) == 15
    logits = model(torch.tensor([[1, 4, 5, 6]]))[0]
    torch.testing.assert_close(
        found[:4], torch.nn.functional.cross_entropy(logits, torch.tensor([4, 5, 6, 2]), reduction="none"),
        rtol=0, atol=1e-5,
    )  # fmt: skip


def test_words_and_characters_count_the_ends_of_lines():
    blocks = [["ab c", "d"]]  # 3 parole e 2 fini di riga; 5 caratteri e 2 fini di riga
    found = summary(torch.full((7,), math.log(2)), blocks)
    assert found == {"perdita": 0.6931, "perplessita_per_parola": round(2 ** (7 / 5), 1), "bit_per_carattere": 1.0}


def test_a_model_that_knows_a_text_by_heart_is_found(monkeypatch):
    monkeypatch.setattr("attenzione.later.scoring.PROMPT", 4)
    monkeypatch.setattr("attenzione.later.scoring.CONTINUED", 3)
    cycle = [4, 5, 6, 7, 8, 9]

    class Parrot(LanguageModel):
        """Dopo 4 dice 5, dopo 5 dice 6…"""

        def decode(self, tokens, cache=None):
            return torch.nn.functional.one_hot((tokens - 4 + 1) % 6 + 4, 12).double()

    parrot = Parrot(LanguageModelConfig(n_vocab=12, n_layers=1, d_model=8, d_ff=12, n_heads=2, max_len=8)).eval()
    assert recalled(parrot, [cycle * 4]) == {"luoghi": 3, "per_intero": 3, "token_di_fila": 3.0}
    assert recalled(parrot, [[4, 4] * 12])["per_intero"] == 0


WORDS = ("la", "gatta", "mangia", "il", "topo", "e", "poi", "dorme", "sul", "tetto", "della", "casa", "mentre", "piove")
RECIPE = """
nome: piccolo
dati: {testi: [a.txt.gz, prosa.txt.gz]}
divisione: {block_lines: 8, dev_per_mille: 200, test_per_mille: 200}
tokenizer: {n_vocab: 60}
modello: {classe: attenzione.later.language_model.LanguageModel,
  n_layers: 1, d_model: 16, d_ff: 24, n_heads: 2, n_kv_heads: 1, p_drop: 0.1, max_len: 64}
addestramento: {steps: 4, max_tokens: 256, warmup_steps: 2, precision: float32, save_every: 2, keep: 2}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Un modello da una ricetta, dall’addestramento alla scheda: la cartella del modello, i dati, i comandi usati."""
    folder = tmp_path_factory.mktemp("lingua")
    rng = random.Random(0)
    (folder / "dati").mkdir()
    model = folder / "modello"
    model.mkdir()
    for path, lines in ((folder / "dati" / "a.txt.gz", 400), (model / "prosa.txt.gz", 240)):
        text = "\n".join(" ".join(rng.choices(WORDS, k=rng.randint(5, 12))) + "." for _ in range(lines))
        path.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))
    recipe = model / "ricetta.yml"
    recipe.write_text(RECIPE, "utf-8")
    data = ["--dati", str(folder / "dati")]
    run = str(folder / "run")
    assert main(["addestra", "--ricetta", str(recipe), *data, "--cartella", run, "--dispositivo", "cpu"]) == 0
    assert main(["impacchetta", "--da", run, "--a", str(model), "--media", "2"]) == 0
    scores = ["--uscita", str(model / "punteggi.json"), "--dispositivo", "cpu"]
    assert main(["valuta", "--modello", str(model), *data, *scores]) == 0
    assert main(["scheda", "--modello", str(model)]) == 0
    return model


def test_from_the_recipe_to_the_card(trained):
    result = json.loads((trained / "punteggi.json").read_text("utf-8"))
    test = result["parti"]["prova"]
    assert set(test["modelli"]) == {"modello", "5-grammi"} == set(test["testi"]["a.txt.gz"])
    assert set(test["testi"]) == {"a.txt.gz", "prosa.txt.gz"}
    losses = [test["testi"][name]["5-grammi"]["perdita"] for name in test["testi"]]
    assert min(losses) <= test["modelli"]["5-grammi"]["perdita"] <= max(losses)
    assert result["memoria"]["prova"]["luoghi"] >= 1
    card = (trained / "README.md").read_text("utf-8")
    assert card == render_card(trained) and "Kneser" in card and "Non ancora" not in card
    facts = json.loads((trained / "addestramento.json").read_text("utf-8"))
    assert facts["impronta_dei_testi"] in card and facts["conti"]["prova"] == test["righe"]


def test_continuing_from_the_command_line(trained, capsys):
    ask = ["continua", "La gatta", "--modello", str(trained), "--token", "12", "--dispositivo", "cpu"]
    assert main(ask) == 0
    first = capsys.readouterr()
    assert first.out.startswith("La gatta") and first.out.endswith("\n") and first.err == ""
    assert main([*ask, "--seme", "0"]) == 0
    assert capsys.readouterr().out == first.out
    outputs = set()
    for seed in ("1", "2", "3"):
        assert main([*ask, "--seme", seed]) == 0
        outputs.add(capsys.readouterr().out)
    assert len(outputs) > 1
    assert main([*ask, "--top-k", "1", "--seme", "4"]) == main([*ask, "--top-k", "1", "--seme", "5"]) == 0
    once = capsys.readouterr().out
    assert once[: len(once) // 2] == once[len(once) // 2 :]
    assert main(["continua", "gatta 日", *ask[2:]]) == 0
    assert "avviso: il modello non conosce, e non legge: 日" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["valuta", "--strategie", "beam"], "--strategie è di un traduttore, non di un modello che continua"),
        (["valuta", "--parte", "sviluppo"], "--parte è di un traduttore, non di un modello che continua"),
        (["continua", "caf\udce9"], "il testo «caf\\udce9»: il testo non è in UTF-8"),
        (["traduci", "thank you."], "atteso un modello che traduce, è un attenzione.later.language_model"),
    ],
)
def test_errors(trained, capsys, arguments, message):
    assert main([*arguments, "--modello", str(trained), "--dispositivo", "cpu"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("errore: ") and message in err and err.count("\n") == 1


def test_options_out_of_range(capsys):
    with pytest.raises(SystemExit):
        main(["continua", "a", "--temperatura", "0"])
    assert "--temperatura: vale «0»: atteso un numero da 0.001 a 1000" in capsys.readouterr().err


# Il modello che viaggia col libro


def shipped():
    try:
        return shipped_folder(SHIPPED)
    except FileNotFoundError:
        pytest.skip("il modello del libro non è ancora addestrato")


def test_the_shipped_model_is_light_and_its_card_says_the_recorded_numbers():
    folder = shipped()
    assert (folder / "modello.safetensors").stat().st_size <= 10_000_000
    assert (folder / "README.md").read_text("utf-8") == render_card(folder)


def test_the_shipped_model_beats_the_ngrams():
    models = json.loads((shipped() / "punteggi.json").read_text("utf-8"))["parti"]["prova"]["modelli"]
    assert models["modello"]["perdita"] < models["5-grammi"]["perdita"] - 0.2


def test_the_shipped_model_continues(capsys):
    shipped()
    assert main(["continua", "signor presidente, vorrei", "--token", "15", "--dispositivo", "cpu"]) == 0
    assert capsys.readouterr().out.startswith("signor presidente, vorrei ")
