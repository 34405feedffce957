"""Il modello del libro: c’è, è leggero, parte subito, e la scheda dice i numeri registrati."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from attenzione.translator.card import render_card
from attenzione.translator.pretrained import WEIGHTS, encode_source, load_translator, shipped_folder, translate

ROOT = Path(__file__).parents[3]
PROPOSAL = [214, 940, 2464, 231, 828, 16]


@pytest.fixture(scope="module")
def translator():
    return load_translator()


def test_the_shipped_model_is_light_and_complete():
    folder = shipped_folder()
    assert (folder / WEIGHTS).stat().st_size <= 25_000_000
    assert {"tokenizer.json", "ricetta.yml", "README.md", "addestramento.json"} <= {p.name for p in folder.iterdir()}


def test_the_card_says_the_recorded_numbers():
    assert (shipped_folder() / "README.md").read_text("utf-8") == render_card(shipped_folder())


def test_a_batch_gives_the_same_translations_as_one_sentence_at_a_time(translator):
    texts = ["thank you.", "Mr President, I would like to thank the rapporteur.", "the vote will take place tomorrow."]
    for strategy in ("beam", "greedy"):
        together = translate(*translator, texts, strategy)
        assert together == [translate(*translator, [text], strategy)[0] for text in texts]
        assert "grazi" in together[0] and together[0].endswith(".")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("caf\udce9", r"la frase «caf\\udce9»: il testo non è in UTF-8"),
        ("", "la frase è vuota"),
        ("🙂 日本", "non ha alcun segno noto"),
        ("word " * 5000, "attese al più 256"),
    ],
)
def test_sentences_that_cannot_be_translated(translator, text, message):
    with pytest.raises(ValueError, match=message):
        translate(*translator, ["thank you.", text])


def test_with_failures_a_sentence_that_cannot_be_translated_costs_itself_alone(translator):
    texts = ["thank you.", "🙂", "the debate is closed.", "word " * 5000, ""]
    failures = {}
    found = translate(*translator, texts, "greedy", failures=failures)
    assert [found[0], found[2]] == translate(*translator, [texts[0], texts[2]], "greedy")
    assert [i for i, translation in enumerate(found) if not translation] == [1, 3, 4] == sorted(failures)
    assert failures[4] == "la frase è vuota: attesa almeno una parola"
    assert translate(*translator, ["🙂"], failures={}) == [""] and translate(*translator, []) == []


def test_a_strategy_that_does_not_exist(translator):
    with pytest.raises(ValueError, match="strategy vale «campiona»: atteso uno fra beam, greedy"):
        translate(*translator, ["thank you."], "campiona")


def test_text_is_never_a_special_token_of_the_shipped_model(translator):
    model, tokenizer = translator
    assert encode_source(tokenizer, "We cannot accept this proposal.", model.config) == PROPOSAL
    assert min(encode_source(tokenizer, "the <pad> <bos> <eos> <unk> house", model.config)) == 3


def test_translating_loads_only_what_it_uses_and_asks_nothing_of_the_network():
    code = """
import socket, sys
def refuse(*arguments):
    raise AssertionError("rete")
socket.socket.connect = socket.getaddrinfo = refuse
from attenzione.__main__ import main
assert main(["traduci", "thank you."]) == 0
assert not {"matplotlib", "sympy", "sacrebleu", "attenzione.training.loop"} & set(sys.modules)
"""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, timeout=120)


def test_an_installed_package_finds_its_model_where_pip_wrote_it(tmp_path):
    """Non sotto sys.prefix: su Colab e su Debian i dati vanno altrove, e pip scrive dove nel suo registro."""
    library = tmp_path / "lib"
    shutil.copytree(ROOT / "code/attenzione", library / "attenzione")
    (tmp_path / "dati/attenzione").mkdir(parents=True)
    (tmp_path / "dati/attenzione/europarl-en-it").symlink_to(ROOT / "modelli/europarl-en-it")
    record = library / "attenzione-0.1.0.dist-info/RECORD"
    record.parent.mkdir()
    record.write_text("../dati/attenzione/europarl-en-it/modello.safetensors,,\n")
    (record.parent / "METADATA").write_text("Metadata-Version: 2.1\nName: attenzione\nVersion: 0.1.0\n")
    code = "import attenzione.translator.pretrained as p; print(p.__file__, p.shipped_folder(), sep='\\n')"
    environment = os.environ | {"PYTHONPATH": str(library)}
    found = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert found.stdout.splitlines() == [
        str(library / "attenzione/translator/pretrained.py"),
        str((ROOT / "modelli/europarl-en-it").resolve()),
    ]
