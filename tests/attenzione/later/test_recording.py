"""Le prove registrate: ogni file di numeri dice da dove viene, e il comando passa alla prova ciò che gli si chiede."""

import json
from pathlib import Path

import pytest

from attenzione.later import lengths, recording

RECORDED = sorted(p for p in Path(lengths.__file__).parent.glob("*.json") if p.name != "brani.json")


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: p.stem)
def test_recorded_numbers_say_how_to_repeat_them(path):
    found = recording.read(path)
    assert found["comando"].startswith("python -m attenzione.later.") and len(found["data"]) == 10
    assert found["versioni"].keys() >= {"python", "torch"}


def test_the_command_hands_over_its_options_and_writes_the_result(tmp_path):
    def run(*asked):
        return {"chiesto": asked}

    main = recording.command_on_text("prova", "Una prova.\n", run, seeds=[0, 1], steps=7, output="non-usato.json")
    main(["testo.gz", "--semi", "3", "4", "--uscita", str(tmp_path / "numeri.json")])
    command = "python -m attenzione.later.prova testo.gz --semi 3 4 --passi 7"
    assert json.loads((tmp_path / "numeri.json").read_text("utf-8")) == {"chiesto": ["testo.gz", [3, 4], 7, command]}
