"""Il corpus parallelo: lettura, pulizia, filtri, doppioni, divisione per regola."""

import gzip

import pytest

from attenzione.data.corpus import PARTS, clean, keep, part_of, read_parallel, split_corpus


def write(path, lines, encoding="utf-8"):
    data = "".join(line + "\n" for line in lines).encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_two_parallel_files_plain_or_compressed(tmp_path):
    src = write(tmp_path / "a.en.gz", ["one", "two", "three"])
    tgt = write(tmp_path / "a.it", ["uno", "due", "tre"])
    assert read_parallel(src, tgt) == [("one", "uno"), ("two", "due"), ("three", "tre")]
    assert read_parallel(src, tgt, limit=2) == [("one", "uno"), ("two", "due")]


def test_only_a_newline_separates_lines(tmp_path):
    src = write(tmp_path / "a.en", ["one\u2028two", "three\r"])
    tgt = write(tmp_path / "a.it", ["uno\x0bdue", "tre"])
    assert read_parallel(src, tgt) == [("one\u2028two", "uno\x0bdue"), ("three", "tre")]


def test_a_byte_order_mark_is_not_text(tmp_path):
    src, tgt = write(tmp_path / "a.en", ["\ufeffone", "two"]), write(tmp_path / "a.it.gz", ["\ufeffuno", "due"])
    assert read_parallel(src, tgt) == [("one", "uno"), ("two", "due")]


def test_reading_errors_say_file_and_line(tmp_path):
    good = write(tmp_path / "a.en", ["one", "two"])
    with pytest.raises(ValueError, match=r"a\.en ha 2 righe e .*b\.it ne ha 1: attese altrettante"):
        read_parallel(good, write(tmp_path / "b.it", ["uno"]))
    with pytest.raises(ValueError, match=r"c\.it, riga 2, byte 5: il testo non è in UTF-8"):
        read_parallel(good, write(tmp_path / "c.it", ["uno", "perché"[:4] + "è"], encoding="latin-1"))
    with pytest.raises(ValueError, match=r"d\.it».*il file è vuoto"):
        read_parallel(good, write(tmp_path / "d.it", []))
    broken = write(tmp_path / "e.it.gz", ["uno", "due"] * 500)
    whole = broken.read_bytes()
    for content in (whole[:-12], b"non compresso", whole[:15] + b"\xff" * 20 + whole[35:]):
        broken.write_bytes(content)
        with pytest.raises(ValueError, match=r"e\.it\.gz».*il file compresso è danneggiato"):
            read_parallel(good, broken)
    with pytest.raises(FileNotFoundError, match=r"f\.it».*atteso un file che esiste"):
        read_parallel(good, tmp_path / "f.it")


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("L’Unione «europea»", 'l\'unione "europea"'),
        ("e’ vero", "è vero"),
        ("c'e' tempo", "c'è tempo"),
        ("sull' emendamento dell' hedge fund", "sull'emendamento dell'hedge fund"),
        ("tomorrow' s sitting, the members' rights", "tomorrow's sitting, the members' rights"),
        (". – (EN) Mr President", "mr president"),
        ("in writing. - i voted", "i voted"),
        ("per iscritto. (en) ho votato", "ho votato"),
        ("- after the vote:", "after the vote:"),
        ('my vote was "in favour" .', 'my vote was "in favour".'),
        ("-5 °c stamattina", "-5 °c stamattina"),
        ("(2)", "(2)"),
        ("in writing the report", "in writing the report"),
        ("perche\u0301", "perché"),
        (" due\u00a0 parole\t", "due parole"),
        (". - –", ""),
        ("(ii) We agree.", "(ii) we agree."),
        ("(no) thanks", "(no) thanks"),
        ("(EC) No 1/2005", "(ec) no 1/2005"),
        ("(UK) companies", "(uk) companies"),
        ("(sl) (PT) - grazie", "grazie"),
    ],
)
def test_cleaning(dirty, expected):
    assert clean(dirty) == expected
    assert clean(clean(dirty)) == clean(dirty)


def test_filters():
    assert keep("thank you.", "grazie.") and keep("yes", "sì, certo")
    assert not keep("a " * 101, "un " * 101)
    assert keep("a " * 100, "un " * 100)
    assert not keep("mr puerta.", "ha facoltà di parlare l'onorevole puerta.")
    assert not keep("it is already protected", "si è gi\ufffd tutelata")


def test_the_part_depends_on_the_sentence_alone():
    parts = [part_of(f"sentence number {i}", 100, 50) for i in range(4000)]
    shares = [parts.count(name) / 4000 for name in PARTS]
    assert shares == pytest.approx([0.85, 0.10, 0.05], abs=0.02)
    assert part_of("thank you.") == part_of("thank you.")
    assert part_of("x", 0, 0) == "addestramento" and part_of("x", 1000, 0) == "sviluppo"


def test_split_cleans_removes_duplicates_and_keeps_the_parts_apart():
    pairs = [(f"Sentence {i}", f"Frase {i}") for i in range(600)]
    others = [(f"sentence {i}", f"altra {i}") for i in range(600)]
    noisy = [*pairs, *reversed(pairs), ("", "nulla"), (" - ", "nulla"), *others]
    parts, counts = split_corpus(noisy, dev_per_mille=100, test_per_mille=100)
    assert counts["lette"] == 1802 and counts["vuote"] == 2 and counts["doppioni"] == 600
    sources = [{src for src, _ in parts[name]} for name in PARTS]
    assert sum(map(len, sources)) == len(set.union(*sources)) == 600
    assert sum(len(parts[name]) for name in PARTS) == 1200 == sum(counts[name] for name in PARTS)


def test_filters_touch_training_only():
    pairs = [(f"word {i}", "una traduzione davvero troppo lunga per questa frase così breve") for i in range(900)]
    good = [(f"phrase {i}", f"frase {i}") for i in range(900)]
    parts, counts = split_corpus(pairs + good, dev_per_mille=200, test_per_mille=200)
    assert counts["filtrate"] > 400 and all(tgt.startswith("frase") for _, tgt in parts["addestramento"])
    assert any(tgt.startswith("una") for _, tgt in parts["sviluppo"])


def test_too_few_pairs_to_split():
    with pytest.raises(ValueError, match=r"la parte «\w+» è vuota: le 2 coppie sono troppo poche da dividere"):
        split_corpus([("one", "uno"), ("two", "due")])
