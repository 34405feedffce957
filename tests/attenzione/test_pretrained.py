"""Il modello del libro: c’è, è leggero, parte subito, e la scheda dice i numeri registrati."""

import os
import subprocess
import sys

import pytest

from attenzione.card import render_card
from attenzione.pretrained import WEIGHTS, load_translator, shipped_folder, translate


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
    [("", "la frase è vuota"), ("🙂 日本", "non ha alcun segno noto"), ("word " * 5000, "attese al più 256")],
)
def test_sentences_that_cannot_be_translated(translator, text, message):
    with pytest.raises(ValueError, match=message):
        translate(*translator, ["thank you.", text])


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
