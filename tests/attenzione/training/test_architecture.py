"""Una ricetta e un checkpoint dicono il nome della loro classe; un file non sceglie che cosa importare."""

import json
from dataclasses import asdict, dataclass

import pytest
import torch
import yaml
from safetensors.torch import save_file
from torch import nn

from attenzione.config import TransformerConfig
from attenzione.model import Transformer
from attenzione.training.architecture import class_name, find_class, find_own_class
from attenzione.training.checkpoint import average_checkpoints, checksum, load_model, restore, save_checkpoint
from attenzione.training.recipe import read_recipe, run_recipe
from attenzione.training.schedule import adam
from attenzione.translator.lstm import AttentionLSTM, LSTMConfig

CONFIG = TransformerConfig(n_vocab=14, n_layers=1, d_model=8, d_ff=16, n_heads=2)
LSTM = "attenzione.translator.lstm.AttentionLSTM"


@dataclass(frozen=True)
class TinyConfig:
    n_vocab: int = 5


class Tiny(nn.Module):
    config_class = TinyConfig

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.E = nn.Parameter(torch.zeros(config.n_vocab))


def write(path, model, **header):
    """Un file di pesi con l’intestazione data, come lo scriverebbe un’altra versione o un’altra mano."""
    tensors = {f"modello.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
    fixed = {"formato": "attenzione-1", "configurazione": asdict(model.config), "vocabolario": None}
    header = fixed | {"avanzamento": None, "crc32": checksum(tensors)} | header
    save_file(tensors, path, {"attenzione": json.dumps(header)})
    return path


@pytest.mark.parametrize("model", [Transformer(CONFIG), AttentionLSTM(LSTMConfig(14, 1, 8, 16))])
def test_the_name_of_a_class_is_where_it_is_defined(model):
    assert find_class(class_name(type(model))) is find_own_class(class_name(type(model))) is type(model)


@pytest.mark.parametrize(
    ("model", "header"),
    [
        (Transformer(CONFIG), {}),
        (Transformer(CONFIG), {"tipo": "transformer"}),
        (AttentionLSTM(LSTMConfig(14, 1, 8, 16)), {"tipo": "lstm"}),
    ],
)
def test_files_written_before_version_2_are_still_read(tmp_path, model, header):
    loaded, _ = load_model(write(tmp_path / "prima.safetensors", model, **header))
    assert type(loaded) is type(model) and loaded.config == model.config
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), model.parameters(), strict=True))


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "subprocess.Popen",
        "attenzione.model.nn.Linear",  # di un altro, raggiunta attraverso un nostro modulo
        "attenzione.layers.MultiHeadAttention",  # nostra, ma non un modello
        "attenzione.config.TransformerConfig",
        "attenzione.nessuno.Modello",
        "attenzione.model.",
        "attenzione..model.Transformer",
        7,
    ],
)
def test_a_file_does_not_choose_what_is_imported(tmp_path, name):
    path = write(tmp_path / "ostile.safetensors", Transformer(CONFIG), classe=name)
    with pytest.raises(ValueError, match=r"ostile\.safetensors.*classe vale"):
        load_model(path)


def test_a_class_of_ones_own_is_given_by_who_loads(tmp_path):
    path = tmp_path / "mio.safetensors"
    save_checkpoint(path, Tiny(TinyConfig(5)))
    with pytest.raises(ValueError, match="attesa una classe di modello di questa libreria"):
        load_model(path)
    assert isinstance(load_model(path, model_class=Tiny)[0], Tiny)
    assert isinstance(average_checkpoints([path, path], model_class=Tiny)[0], Tiny)
    with pytest.raises(ValueError, match=rf"è di un modello {class_name(Tiny)}, atteso attenzione\.model\.Transformer"):
        load_model(path, model_class=Transformer)


def test_a_configuration_that_is_not_that_of_the_class(tmp_path):
    path = write(tmp_path / "altra.safetensors", Transformer(CONFIG), configurazione={"n_vocab": 14, "rotaie": 2})
    with pytest.raises(ValueError, match=r"la configurazione non è quella di attenzione\.model\.Transformer"):
        load_model(path)


def test_to_resume_the_class_must_be_the_same(tmp_path):
    path = tmp_path / "passo.safetensors"
    save_checkpoint(path, AttentionLSTM(LSTMConfig(14, 1, 8, 16)), progress={"step": 1})
    model = Transformer(CONFIG)
    with pytest.raises(ValueError, match=rf"è di un modello {LSTM}, atteso attenzione\.model\.Transformer"):
        restore(path, model, adam(model))


# ---------------------------------------------------------------- le ricette


@pytest.fixture
def recipe_file(tmp_path):
    """Una funzione che scrive una ricetta piccola, con la sezione modello data, e i suoi dati."""
    for name in ("en", "it"):
        (tmp_path / name).write_text("".join(f"{name} parola {i} altra {i % 7}\n" for i in range(200)), "utf-8")

    def write_recipe(**modello):
        recipe = {
            "nome": "prova",
            "dati": {"partenza": "en", "arrivo": "it"},
            "divisione": {"dev_per_mille": 50, "test_per_mille": 50},
            "tokenizer": {"n_vocab": 60, "min_count": 1},
            "modello": modello,
            "addestramento": {"steps": 1, "max_tokens": 100, "save_every": 1},
        }
        path = tmp_path / "ricetta.yml"
        path.write_text(yaml.safe_dump(recipe), "utf-8")
        return path

    return write_recipe


def test_the_same_recipe_builds_the_same_class_twice(recipe_file, tmp_path):
    recipe = read_recipe(recipe_file(classe=LSTM, n_layers=1, d_model=8, d_hidden=16))
    for folder in ("una", "due"):
        run_recipe(recipe, tmp_path / folder, device="cpu", progress=False)
        assert isinstance(load_model(tmp_path / folder / "passo-00000001.safetensors")[0], AttentionLSTM)


@pytest.mark.parametrize(
    ("modello", "message"),
    [
        ({"classe": "attenzione.model.Nessuno"}, "modello.classe vale «attenzione.model.Nessuno»: attesa una classe"),
        ({"classe": "torch.nn.Linear"}, "con la sua config_class"),
        ({"classe": "Transformer"}, "attesa una classe di modello che esiste"),
        ({"classe": LSTM, "n_heads": 4}, "modello.n_heads: voci non previste"),
        ({"n_heads": 4, "n_vocab": 60}, "modello.n_vocab: voci non previste"),
        ({"tipo": "lstm"}, "modello.tipo: voci non previste"),
    ],
)
def test_recipe_errors(recipe_file, modello, message):
    with pytest.raises(ValueError, match=message):
        read_recipe(recipe_file(**modello))
