"""La riga di comando: tutti i comandi, dalla ricetta alla scheda; kill -9 e ripresa; due processi con torchrun."""

import argparse
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from attenzione.__main__ import italian_error, main, read_pairs
from attenzione.training.checkpoint import list_checkpoints, read_checkpoint
from attenzione.translator.pretrained import translate

SMALL = [
    "--compito",
    "copia",
    "--strati",
    "1",
    "--d-model",
    "16",
    "--d-ff",
    "32",
    "--teste",
    "2",
    "--token",
    "200",
    "--warmup",
    "20",
    "--dispositivo",
    "cpu",
]
ENV = os.environ | {"OMP_NUM_THREADS": "1"}


def command(folder, *options):
    return ["-m", "attenzione", "addestra", *SMALL, "--cartella", str(folder), *options]


def finish(*arguments):
    arguments = [sys.executable, *arguments]
    result = subprocess.run(arguments, env=ENV, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]


def losses(folder):
    lines = (folder / "passi.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


@pytest.mark.lento
def test_kill_9_in_the_middle_then_resume_gives_the_same_losses(tmp_path):
    options = ["--passi", "150", "--salva-ogni", "10"]
    finish(*command(tmp_path / "intero", *options))
    expected = losses(tmp_path / "intero")
    folder = tmp_path / "ucciso"
    for kill_after in (35, 88):  # due volte, fra un checkpoint e l’altro
        arguments = [sys.executable, *command(folder, *options)]
        process = subprocess.Popen(arguments, env=ENV, stderr=subprocess.DEVNULL)
        log = folder / "passi.jsonl"
        while not log.exists() or log.read_text().count("\n") < kill_after:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        for path in list_checkpoints(folder):
            read_checkpoint(path)  # ogni file con quel nome è intero
        assert not (folder / "modello.safetensors").exists()
    finish(*command(folder, *options))
    assert losses(folder) == expected and len(expected) == 150
    assert not list(folder.glob("*.parziale"))
    same = [read_checkpoint(f / "modello.safetensors")[1]["crc32"] for f in (folder, tmp_path / "intero")]
    assert same[0] == same[1]


@pytest.mark.lento
def test_two_processes_equal_one_that_accumulates_two_batches(tmp_path):
    options = ["--dropout", "0", "--salva-ogni", "10"]
    finish(*command(tmp_path / "uno", *options, "--passi", "20", "--accumula", "2"))
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for steps in ("10", "20"):  # e la ripresa, in due processi
        finish(*torchrun, *command(tmp_path / "due", *options, "--passi", steps))
    assert losses(tmp_path / "due") == pytest.approx(losses(tmp_path / "uno"), abs=1e-4)
    assert len(losses(tmp_path / "due")) == 20


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modello")
    corpus = folder / "coppie.tsv"
    pairs = ["il gatto\tthe cat", "il topo\tthe mouse", "il gatto vede il topo\tthe cat sees the mouse"]
    corpus.write_text("\n".join(pairs) + "\n")
    options = [
        "--coppie",
        str(corpus),
        "--cartella",
        str(folder),
        "--strati",
        "1",
        "--d-model",
        "32",
        "--passi",
        "150",
        "--warmup",
        "50",
        "--dropout",
        "0",
        "--dispositivo",
        "cpu",
        "--salva-ogni",
        "10",
    ]
    finish("-m", "attenzione", "addestra", *options)
    return folder


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--beam", "2", "--alpha", "1"],
        ["--strategia", "greedy"],
        ["--strategia", "greedy", "--via-via"],
        ["--strategia", "campiona", "--temperatura", "0.1"],
        ["--strategia", "campiona", "--top-k", "1"],
        ["--strategia", "campiona", "--top-p", "0.2"],
    ],
)
def test_translate(trained, options, capsys, monkeypatch):
    model = str(trained / "modello.safetensors")
    assert main(["traduci", "--modello", model, "il gatto vede il topo", "il topo", *options]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["the cat sees the mouse", "the mouse"]
    assert main(["traduci", "--modello", str(trained), "il gatto", *options]) == 0  # anche la cartella
    assert capsys.readouterr().out.strip() == "the cat"


def give(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("options", [[], ["-"], ["-", "--strategia", "greedy"]])
def test_one_translation_a_line_in_batches_and_an_empty_line_for_an_empty_line(trained, options, capsys, monkeypatch):
    give(monkeypatch, ("il gatto\n\n  \nil gatto vede il topo\n" + "il topo\n" * 70 + "il gatto").encode())
    assert main(["traduci", "--modello", str(trained), *options]) == 0
    expected = ["the cat", "", "", "the cat sees the mouse", *["the mouse"] * 70, "the cat"]
    assert capsys.readouterr().out.splitlines() == expected
    give(monkeypatch, b"")
    assert main(["traduci", "--modello", str(trained), *options]) == 0
    assert capsys.readouterr().out == ""


def test_lines_that_cannot_be_translated_become_empty_and_are_reported(trained, capsys, monkeypatch):
    give(monkeypatch, b"il gatto\nperch\xe9\n" + b"topo " * 5000 + b"\nil topo\n")
    assert main(["traduci", "--modello", str(trained), "-"]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["the cat", "", "", "the mouse"]
    lines = captured.err.splitlines()
    assert lines[0] == "riga 2, byte 6: il testo non è in UTF-8" and lines[2] == "errore: 2 righe non tradotte"
    assert lines[1].startswith("riga 3: la frase «topo") and "è di 5000 unità: attese al più 1024" in lines[1]


def test_all_hypotheses_on_request(trained, capsys):
    assert main(["traduci", "--modello", str(trained), "il gatto", "--ipotesi", "3"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    scores = [float(score.replace(",", ".")) for score, _ in lines]
    assert len(lines) == 3 and lines[0][1] == "the cat" and scores == sorted(scores, reverse=True)


def test_inspect(trained, capsys):
    assert main(["ispeziona", "base"]) == 0
    out = capsys.readouterr().out
    assert "d_model                                       512" in out and "63 045 632" in out
    assert main(["ispeziona", "big", "--vocabolario", "1000"]) == 0
    assert "177 307 648" in capsys.readouterr().out
    assert main(["ispeziona", str(trained / "modello.safetensors")]) == 0
    assert "d_model                                        32" in capsys.readouterr().out


def test_help_is_in_italian(capsys):
    commands = ("addestra", "traduci", "valuta", "confronta", "impacchetta", "scheda", "ispeziona")
    for arguments in (["--help"], *([command, "--help"] for command in commands)):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        out = capsys.readouterr().out
        assert stop.value.code == 0 and "uso: python -m attenzione" in out and "opzioni:" in out
        assert not {"usage", "options:", "show this", "positional"} & set(out.replace("\n", " ").split(" "))
    for arguments, message in (
        ([], "errore: mancano gli argomenti: COMANDO"),
        (["addestra", "--cartella", "x"], "errore: serve uno degli argomenti: --compito --coppie --ricetta"),
        (["impacchetta", "--da", "x"], "errore: mancano gli argomenti: --a"),
        (["addestra", "--passi", "x"], "errore: argomento --passi: vale «x»: atteso un intero da 1 a 1000000000"),
        (["addestra", "--dropout", "x"], "errore: argomento --dropout: il valore 'x' non è di tipo float"),
        (["ispeziona", "base", "--che"], "errore: argomenti sconosciuti: --che"),
        (["vola"], "errore: argomento COMANDO: 'vola' non è fra"),
        (["addestra", "--passi"], "errore: argomento --passi: atteso un valore"),
        (["valuta", "--strategie"], "errore: argomento --strategie: atteso almeno un valore"),
        (["addestra", "--compito", "copia", "--bf16=2"], "argomento --bf16: non vuole un valore, e riceve '2'"),
        (["addestra", "--compito", "copia", "--coppie", "x"], "argomento --coppie: non va insieme a --compito"),
        (["ispeziona", "base", "--v", "x"], "argomento --vocabolario: vale «x»: atteso un intero da 1 a"),
        (["traduci", "--top", "1"], "errore: l’opzione --top è ambigua: può essere --top-k, --top-p"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        err = capsys.readouterr().err
        assert stop.value.code == 2 and message in err and err.startswith("uso: python -m attenzione")


def test_the_italian_of_the_command_line_stays_there(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert italian_error("a sentence never heard") == "a sentence never heard"
    assert "show this help message and exit" in argparse.ArgumentParser().format_help()


def test_errors_are_one_line_in_italian(trained, tmp_path, capsys):
    bad = tmp_path / "coppie.tsv"
    bad.write_text("una\tdue\nsola\n")
    model = ["--modello", str(trained / "modello.safetensors")]
    broken = tmp_path / "rotto.safetensors"
    broken.write_bytes((trained / "modello.safetensors").read_bytes()[:-7])
    for arguments, message in (
        (["addestra", "--coppie", str(bad), "--cartella", str(tmp_path)], "riga 2: 1 campi, attesi 2"),
        (["addestra", "--coppie", str(tmp_path / "no"), "--cartella", str(tmp_path)], "no"),
        (["addestra", *SMALL, "--cartella", str(tmp_path), "--teste", "3"], "d_model vale 16: atteso"),
        (["addestra", *SMALL, "--cartella", str(trained)], "è di un’altra configurazione"),
        (["addestra", "--compito", "copia"], "--cartella non è dato"),
        (["addestra", "--ricetta", "manca.yml"], "path vale «manca.yml»: atteso un file che esiste"),
        (["traduci", "--modello", str(broken), "il gatto"], "il file è danneggiato"),
        (["traduci", "--modello", "manca.safetensors", "il gatto"], "atteso un file che esiste"),
        (["traduci", *model, ""], "la frase è vuota: attesa almeno una parola"),
        (["traduci", *model, "cane 🙂"], "la frase «cane 🙂» non ha alcun segno noto al modello"),
        (["traduci", *model, "topo " * 5000], "è di 5000 unità: attese al più 1024"),
        (["traduci", *model, "il gatto \udce9"], "la frase «il gatto \\udce9»: il testo non è in UTF-8"),
        (["traduci", *model, "-", "--ipotesi", "2"], "con «-» si sceglie «beam» o «greedy»"),
        (["traduci", *model, "il gatto", "--dispositivo", "tpu"], "name vale «tpu»"),
        (["traduci", *model, "il gatto", "-"], "«-» non va insieme ad altre frasi"),
        (["addestra", "--coppie", str(tmp_path), "--cartella", "x"], f"{tmp_path}: è una cartella, atteso un file"),
        (["impacchetta", "--da", str(tmp_path), "--a", str(tmp_path)], "non ha checkpoint: atteso almeno un"),
        (["valuta", *model, "--ricetta", "manca.yml"], "path vale «manca.yml»: atteso un file che esiste"),
        (["ispeziona", "pippo"], "CHE_COSA vale «pippo»"),
    ):
        assert main(arguments) == 1
        err = capsys.readouterr().err
        assert err.startswith("errore: ") and message in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"il gatto\tthe cat\nil caff\xe8\tcoffee\n", ", riga 2, byte 8: il testo non è in UTF-8"),
        ("il gatto\tthe cat\n".encode("utf-16"), ", riga 1, byte 1: il testo non è in UTF-8"),
        (b"il gatto\tthe cat\n\tthe mouse\n", ", riga 2: la frase di partenza è vuota"),
        (b"", "il file è vuoto, attesa almeno una riga"),
    ],
)
def test_a_wrong_file_of_pairs_is_told_with_file_row_and_byte(tmp_path, data, message):
    (tmp_path / "coppie.tsv").write_bytes(data)
    with pytest.raises(ValueError) as error:
        read_pairs(tmp_path / "coppie.tsv")
    assert str(tmp_path / "coppie.tsv") in str(error.value) and message in str(error.value)


@pytest.mark.parametrize("name", ["coppie.tsv", "coppie.tsv.gz"])
def test_pairs_have_no_byte_order_mark_and_only_a_newline_separates_them(tmp_path, name):
    data = "\ufeffil\u2028gatto\tthe cat\r\nil\x0btopo\tthe mouse".encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert read_pairs(tmp_path / name) == [("il\u2028gatto", "the cat"), ("il\x0btopo", "the mouse")]


def test_a_byte_order_mark_and_other_line_breaks_do_not_change_the_lines_in_input(trained, capsys, monkeypatch):
    give(monkeypatch, "\ufeffil gatto\r\nil\u2028topo\r\n".encode())
    assert main(["traduci", "--modello", str(trained), "-"]) == 0
    assert capsys.readouterr() == ("the cat\nthe mouse\n", "")


def test_text_that_looks_like_a_special_token_costs_its_line_alone(trained, capsys, monkeypatch):
    give(monkeypatch, b"il gatto\n<pad>\n<eos> <bos>\nil topo\n")
    assert main(["traduci", "--modello", str(trained), "-"]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["the cat", "", "", "the mouse"]
    assert captured.err.splitlines() == [
        "riga 2: la frase «<pad>» non ha alcun segno noto al modello",
        "riga 3: la frase «<eos> <bos>» non ha alcun segno noto al modello",
        "errore: 2 righe non tradotte",
    ]


def test_special_tokens_in_the_training_pairs_are_unknown_words_and_this_is_told(tmp_path, capsys, monkeypatch):
    (tmp_path / "coppie.tsv").write_text("il <eos> gatto\tthe <pad> cat\n" * 8, "utf-8")
    seen = []
    monkeypatch.setattr("attenzione.training.loop.train", lambda model, pairs, *_, **__: seen.extend(pairs))
    options = ["--coppie", str(tmp_path / "coppie.tsv"), "--cartella", str(tmp_path / "x"), "--dispositivo", "cpu"]
    assert main(["addestra", *options]) == 1  # non c’è nulla da mediare
    assert len(seen) == 8 and seen[0][0][1] == seen[0][1][1] == 3 and min(min(src + tgt) for src, tgt in seen) == 3
    assert "avviso: il modello non conosce, e non traduce: <eos> <pad>\n" in capsys.readouterr().err


def test_what_the_model_does_not_know_is_told_once_in_the_end(trained, capsys, monkeypatch):
    give(monkeypatch, "il cane\nil gatto\nil topo e il cane\nvede \x07\u200b\n".encode())
    assert main(["traduci", "--modello", str(trained), "-"]) == 0
    assert capsys.readouterr().err == "avviso: il modello non conosce, e non traduce: cane e \\x07\\u200b\n"
    for options in ([], ["--strategia", "greedy", "--via-via"], ["--strategia", "campiona"]):
        assert main(["traduci", "--modello", str(trained), "il cane", "il topo", "cane il", *options]) == 0
        assert capsys.readouterr().err == "avviso: il modello non conosce, e non traduce: cane\n"
    words = " ".join(f"w{i}" for i in range(30))
    assert main(["traduci", "--modello", str(trained), f"il {words}"]) == 0
    assert capsys.readouterr().err.endswith(" w18 w19 e altri 10\n")


@pytest.mark.lento
def test_a_co_process_has_its_answer_before_it_writes_again(trained):
    command = [sys.executable, "-m", "attenzione", "traduci", "-", "--modello", str(trained)]
    with subprocess.Popen(command, env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        for sentence, answer in ((b"il gatto\n", b"the cat\n"), (b"\n", b"\n"), (b"il topo\n", b"the mouse\n")):
            process.stdin.write(sentence)
            process.stdin.flush()
            assert process.stdout.readline() == answer  # senza aspettare altre righe
        assert process.communicate(b"il gatto")[0] == b"the cat\n" and process.returncode == 0


def test_lines_that_arrive_together_are_translated_together(trained, capsys, monkeypatch):
    sizes = []

    def spy(model, tokenizer, texts, *choices, **options):
        sizes.append(len(texts))
        return translate(model, tokenizer, texts, *choices, **options)

    monkeypatch.setattr("attenzione.translator.pretrained.translate", spy)
    give(monkeypatch, b"il gatto\n" * 70)
    assert main(["traduci", "--modello", str(trained), "-"]) == 0
    assert sizes == [32, 32, 6] and capsys.readouterr().out == "the cat\n" * 70


@pytest.mark.lento
def test_closed_streams_and_an_argument_that_is_not_utf_8(trained):
    options = ["traduci", "--modello", str(trained)]
    for line, status, out, message in (
        ('"$@" - <&-', 1, b"", "errore: lo standard input è chiuso: atteso aperto\n"),
        ('"$@" "il gatto" >&-', 1, b"", "errore: lo standard output è chiuso: atteso aperto\n"),
        ("printf 'il gatto\\n<pad>\\nil topo\\n' | \"$@\" - 2>&-", 1, b"the cat\n\nthe mouse\n", ""),
        ('"$@" "$(printf "caf\\351")"', 1, b"", "errore: la frase «caf\\udce9»: il testo non è in UTF-8\n"),
        ('PYTHONIOENCODING=ascii "$@" "il gatto è"', 0, b"the cat\n", "traduce: è\n"),
    ):
        command = ["bash", "-c", line, "bash", sys.executable, "-m", "attenzione", *options]
        done = subprocess.run(command, env=ENV, capture_output=True, timeout=120)
        assert (done.returncode, done.stdout) == (status, out), line
        assert done.stderr.decode("utf-8").endswith(message) and done.stderr.count(b"\n") == bool(message), line


def test_sampling_gives_as_many_hypotheses_as_asked_and_the_first_ones_do_not_change(trained, capsys):
    options = ["traduci", "--modello", str(trained), "il gatto", "--strategia", "campiona", "--temperatura", "9"]
    found = []
    for hypotheses in ("2", "5"):
        assert main([*options, "--ipotesi", hypotheses, "--seme", "3"]) == 0
        found.append(capsys.readouterr().out.splitlines())
    assert len(found[1]) == 5 and found[1][:2] == found[0] and len(set(found[1])) > 1
    assert all(re.fullmatch(r"-\d+,\d{3}\t.*", line) for line in found[1])


IGNORED = [
    *(["traduci", "x", "--strategia", s, o, "1"] for s in ("greedy", "campiona") for o in ("--beam", "--alpha")),
    *(["traduci", "x", "--strategia", s, o, "1"] for s in ("beam", "greedy") for o in ("--temperatura", "--top-k")),
    *(["traduci", "x", "--strategia", s, o, "1"] for s in ("beam", "greedy") for o in ("--top-p", "--seme")),
    *(["traduci", "x", "--strategia", s, "--via-via"] for s in ("beam", "campiona")),
    ["traduci", "x", "--strategia", "greedy", "--ipotesi", "2"],
    ["traduci", "x", "--beam", "3", "--ipotesi", "4"],
    ["traduci", "-", "--strategia", "campiona"],
    ["traduci", "-", "--ipotesi", "2"],
    ["traduci", "-", "--strategia", "greedy", "--via-via"],
    *(["addestra", *data, *o] for data in (["--compito", "copia"], ["--coppie", "x"]) for o in (["--dati", "x"],)),
    ["addestra", "--compito", "copia", "--variante", "x"],
    *(
        ["addestra", "--ricetta", "x", o, "1"]
        for o in ("--strati", "--d-model", "--d-ff", "--teste", "--dropout", "--warmup", "--token", "--accumula")
    ),
    *(["addestra", "--ricetta", "x", o, "1"] for o in ("--salva-ogni", "--media", "--seme")),
    *(["addestra", "--ricetta", "x", *o] for o in (["--riga", "base"], ["--bf16"], ["--compila"])),
    *(
        ["addestra", "--compito", "copia", "--cartella", "x", "--riga", "base", o, "1"]
        for o in ("--strati", "--d-model", "--d-ff", "--teste", "--dropout")
    ),
    ["ispeziona", "x.safetensors", "--vocabolario", "9"],
]


@pytest.mark.parametrize("arguments", IGNORED, ids=" ".join)
def test_an_option_that_would_be_ignored_is_an_error(arguments, capsys):
    assert main(arguments) == 1
    given = [word for word in arguments if word.startswith("-")]
    err = capsys.readouterr().err
    assert err.startswith("errore: ") and "path vale" not in err and err.count("\n") == 1
    assert any(option.lstrip("-") in err for option in given)


@pytest.mark.parametrize("command", ["ispeziona base", "scheda", "impacchetta --da x --a y", "valuta", "confronta"])
def test_no_command_has_options_it_does_not_use(command, capsys):
    with pytest.raises(SystemExit):
        main([*command.split(), "--seme", "1"])
    if command.split()[0] not in ("valuta", "confronta"):
        with pytest.raises(SystemExit):
            main([*command.split(), "--dispositivo", "cpu"])
    with pytest.raises(SystemExit):
        main([command.split()[0], "--help"])
    assert "--seme" not in capsys.readouterr().out


EXTREMES = {
    "traduci x": {
        "--alpha": ("-1", "1e6", "nan", "inf"),
        "--temperatura": ("0", "-1", "1e-40", "inf", "nan"),
        "--top-p": ("0", "1e-300", "1.1", "nan"),
        "--top-k": ("0", "-3", "9" * 5000),
        "--beam": ("0", "1000000", "4.5"),
        "--ipotesi": ("0", "1000000000"),
        "--seme": ("-1", "18446744073709551616"),
    },
    "addestra --compito copia": {
        "--strati": ("0", "1000000000"),
        "--d-model": ("0", "1" + "0" * 30),
        "--d-ff": ("-1", "1" + "0" * 30),
        "--teste": ("0", "1000"),
        "--passi": ("0", "1" + "0" * 30),
        "--token": ("0", "x"),
        "--warmup": ("0",),
        "--accumula": ("0",),
        "--salva-ogni": ("0",),
        "--media": ("0", "-1"),
        "--seme": ("-1", "4294967296"),
    },
    "impacchetta --da x --a y": {"--media": ("0", "-1"), "--fino-a": ("0",)},
    "ispeziona base": {"--vocabolario": ("0", "-5")},
}


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        (command, option, value)
        for command in EXTREMES
        for option in EXTREMES[command]
        for value in EXTREMES[command][option]
    ],
)
def test_an_extreme_value_is_told_with_the_range(command, option, value, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), option, value])
    err = capsys.readouterr().err
    assert stop.value.code == 2
    assert re.search(rf"argomento {option}: vale «{re.escape(value)}»: atteso un (intero|numero) da \S+ a \S+$", err)


@pytest.mark.parametrize(
    "options",
    [
        *(["--alpha", value] for value in ("0", "10")),
        *(["--beam", value] for value in ("1", "100")),
        *(["--strategia", "campiona", "--temperatura", value] for value in ("0.001", "1000")),
        *(["--strategia", "campiona", "--top-p", value] for value in ("0.001", "1")),
        *(["--strategia", "campiona", "--top-k", value] for value in ("1", "1000000000")),
        ["--strategia", "campiona", "--seme", "4294967295"],
    ],
    ids=" ".join,
)
def test_the_ends_of_every_range_are_good(trained, options, capsys):
    assert main(["traduci", "--modello", str(trained), "il gatto", *options]) == 0
    assert capsys.readouterr().err == ""


def test_not_enough_memory_is_one_line(tmp_path, capsys, monkeypatch):
    def fail(message):
        raise RuntimeError(message)

    monkeypatch.setattr("attenzione.__main__.toy_vocabulary", lambda: fail("can't allocate memory: you tried to"))
    assert main(["addestra", "--compito", "copia", "--cartella", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("errore: la memoria non basta")
    monkeypatch.setattr("attenzione.__main__.toy_vocabulary", lambda: fail("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):  # un errore nostro non si nasconde
        main(["addestra", "--compito", "copia", "--cartella", str(tmp_path)])


@pytest.fixture(scope="module")
def cooked(tmp_path_factory):
    """Una ricetta minuscola, addestrata e impacchettata come quella vera."""
    folder = tmp_path_factory.mktemp("ricetta")
    animals = {"cat": "gatto", "mouse": "topo", "dog": "cane", "wolf": "lupo", "bear": "orso"}
    pairs = [
        (f"The {a} sees the {b} {n}.", f"Il {animals[a]} vede il {animals[b]} {n}.")
        for a in animals
        for b in animals
        for n in range(10)
    ]
    for side, name in enumerate(("a.en", "a.it")):
        (folder / name).write_text("".join(pair[side] + "\n" for pair in pairs))
    (folder / "ricetta.yml").write_text("""
nome: minuscola
dati: {partenza: a.en, arrivo: a.it}
divisione: {dev_per_mille: 100, test_per_mille: 100}
tokenizer: {n_vocab: 90}
modello: {n_layers: 1, d_model: 32, d_ff: 64, n_heads: 2, p_drop: 0.0, eps_ls: 0.1, max_len: 64}
addestramento: {steps: 60, max_tokens: 400, warmup_steps: 30, save_every: 10, keep: 4, precision: bf16}
varianti:
  lstm:
    modello: {classe: attenzione.translator.lstm.AttentionLSTM, d_hidden: 32, d_ff: null, n_heads: null}
""")
    recipe = str(folder / "ricetta.yml")
    for variant in ([], ["--variante", "lstm"]):
        name = "-".join(["minuscola", *variant[1:]])
        options = ["--ricetta", recipe, "--cartella", str(folder / name), *variant, "--dispositivo", "cpu"]
        assert main(["addestra", *options]) == 0
        target = str(folder / f"{name}-finito")
        assert main(["impacchetta", "--da", str(folder / name), "--a", target, "--media", "2"]) == 0
    return folder


def test_a_recipe_from_the_data_to_the_card(cooked, capsys):
    folder = cooked / "minuscola-finito"
    facts = json.loads((folder / "addestramento.json").read_text())
    assert facts["passi"] == 60 and facts["media_dei_passi"] == [50, 60] and facts["conti"]["lette"] == 250
    curve = [record["perdita"] for record in facts["sviluppo"]]
    assert len(curve) == 6 and curve[-1] < curve[0] - 1
    scores = folder / "punteggi.json"
    options = ["--modello", str(folder), "--ricetta", str(cooked / "ricetta.yml"), "--dispositivo", "cpu"]
    assert main(["valuta", *options, "--uscita", str(scores), "--traduzioni", str(cooked / "uscita.txt")]) == 0
    result = json.loads(scores.read_text())
    assert result["parte"] == "prova" and result["frasi"] == facts["conti"]["prova"]
    assert len((cooked / "uscita.txt").read_text().splitlines()) == result["frasi"]
    for how in ("beam", "greedy"):
        assert 0 <= result["risultati"][how]["BLEU"] <= 100 and "version:" in result["risultati"][how]["firma_BLEU"]
    (folder / "ricetta.yml").write_text((cooked / "ricetta.yml").read_text())
    assert main(["scheda", "--modello", str(folder)]) == 0
    card = (folder / "README.md").read_text()
    assert f"{result['risultati']['beam']['BLEU']:.1f}".replace(".", ",") in card
    assert main(["traduci", "--modello", str(folder), "the cat sees the dog 3."]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("il ")


def test_the_recurrent_variant_goes_the_same_way(cooked, capsys):
    folder = cooked / "minuscola-lstm-finito"
    options = ["--modello", str(folder), "--ricetta", str(cooked / "ricetta.yml"), "--dispositivo", "cpu"]
    assert main(["valuta", *options, "--parte", "sviluppo", "--strategie", "greedy"]) == 0
    assert "parte «sviluppo»" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("nome: minuscola", ""), "nome vale null: atteso il nome del modello"),
        (("n_vocab: 90", "n_parole: 90"), "tokenizer.n_parole: voci non previste"),
        (("tokenizer:", "tokenizzatore:"), "tokenizzatore: voci non previste"),
        (("arrivo: a.it", "arrivo: b.it"), "b.it»: atteso un file che esiste"),
        (("arrivo: a.it", ""), "manca dati.arrivo"),
        (
            ("partenza: a.en, arrivo: a.it", "corpus: pippo"),
            "dati.corpus vale «pippo»: atteso uno fra europarl-v7-en-it",
        ),
        (("d_model: 32", "d_model: 33"), "d_model vale 33: atteso un multiplo di n_heads = 2"),
        (("nome: minuscola", "{"), "non è un file YAML che si possa leggere"),
    ],
)
def test_recipe_errors(cooked, tmp_path, capsys, change, message):
    (tmp_path / "r.yml").write_text((cooked / "ricetta.yml").read_text().replace(*change))
    options = ["--dati", str(cooked), "--cartella", str(tmp_path / "x"), "--dispositivo", "cpu"]
    assert main(["addestra", "--ricetta", str(tmp_path / "r.yml"), *options]) == 1
    assert message in capsys.readouterr().err
    assert main(["addestra", "--ricetta", str(cooked / "ricetta.yml"), "--variante", "x", *options]) == 1
    assert "variante vale «x»: atteso uno fra lstm" in capsys.readouterr().err
