"""La divisione di un testo: blocchi di righe vicine, nessuna riga da due parti, sempre la stessa."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.data.corpus import PARTS
from attenzione.data.text import split_text

SHARES = {"dev_per_mille": 300, "test_per_mille": 300}


def write(path, lines):
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_the_blocks_are_neighbouring_lines_in_order(tmp_path):
    lines = [f"riga numero {i}" for i in range(200)]
    parts, counts = split_text([write(tmp_path / "a.txt", lines)], 7, **SHARES)
    blocks = sorted((block for part in parts.values() for block in part), key=lambda block: lines.index(block[0]))
    assert [line for block in blocks for line in block] == lines
    assert {len(block) for block in blocks[:-1]} == {7}
    assert counts["lette"] == 200 == sum(counts[part] for part in PARTS)
    assert counts["parole_di_addestramento"] == 3 * counts["addestramento"]


def test_a_repeated_line_stays_once_and_an_empty_one_ends_a_document(tmp_path):
    first = write(tmp_path / "a.txt", ["Uno.", "due.", "", "tre.", *map(str, range(40))])
    second = write(tmp_path / "b.txt", ["uno.", "quattro.", "«»", "due."])
    parts, counts = split_text([first, second], 5, **SHARES)
    blocks = [block for part in parts.values() for block in part]
    everything = [line for block in blocks for line in block]
    assert len(set(everything)) == len(everything)
    assert ["uno.", "due."] in blocks and ["quattro.", '""'] in blocks
    assert (counts["vuote"], counts["doppioni"]) == (1, 2)


@settings(max_examples=20, deadline=None)
@given(more=st.integers(1, 30))
def test_what_follows_does_not_move_a_block(tmp_path_factory, more):
    folder = tmp_path_factory.mktemp("testi")
    lines = [f"riga {i}" for i in range(120)]
    short = split_text([write(folder / "a.txt", lines)], 5, **SHARES)[0]
    long = split_text([write(folder / "b.txt", lines + [f"altra {i}" for i in range(more)])], 5, **SHARES)[0]
    for part in PARTS:
        assert long[part][: len(short[part])] == short[part]


def test_too_few_lines(tmp_path):
    with pytest.raises(ValueError, match=r"la parte «\w+» è vuota: le 3 righe sono troppo poche da dividere"):
        split_text([write(tmp_path / "a.txt", ["uno", "due", "tre"])])
