"""La riga di comando: addestra, traduci, ispeziona; kill -9 e ripresa; due processi con torchrun."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from attenzione.__main__ import main
from attenzione.training.checkpoint import list_checkpoints, read_checkpoint

SMALL = ["--compito", "copia", "--strati", "1", "--d-model", "16", "--d-ff", "32", "--teste", "2",
         "--token", "200", "--warmup", "20", "--dispositivo", "cpu"]
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


def test_kill_9_in_the_middle_then_resume_gives_the_same_losses(tmp_path):
    options = ["--passi", "150", "--salva-ogni", "10"]
    finish(*command(tmp_path / "intero", *options))
    expected = losses(tmp_path / "intero")
    folder = tmp_path / "ucciso"
    for kill_after in (35, 88):                             # due volte, fra un checkpoint e l’altro
        arguments = [sys.executable, *command(folder, *options)]
        process = subprocess.Popen(arguments, env=ENV, stderr=subprocess.DEVNULL)
        log = folder / "passi.jsonl"
        while not log.exists() or log.read_text().count("\n") < kill_after:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        for path in list_checkpoints(folder):
            read_checkpoint(path)                           # ogni file con quel nome è intero
        assert not (folder / "modello.safetensors").exists()
    finish(*command(folder, *options))
    assert losses(folder) == expected and len(expected) == 150
    assert not list(folder.glob("*.parziale"))
    same = [read_checkpoint(f / "modello.safetensors")[1]["crc32"] for f in (folder, tmp_path / "intero")]
    assert same[0] == same[1]


def test_two_processes_equal_one_that_accumulates_two_batches(tmp_path):
    options = ["--dropout", "0", "--salva-ogni", "10"]
    finish(*command(tmp_path / "uno", *options, "--passi", "20", "--accumula", "2"))
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for steps in ("10", "20"):                              # e la ripresa, in due processi
        finish(*torchrun, *command(tmp_path / "due", *options, "--passi", steps))
    assert losses(tmp_path / "due") == pytest.approx(losses(tmp_path / "uno"), abs=1e-4)
    assert len(losses(tmp_path / "due")) == 20


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("modello")
    corpus = folder / "coppie.tsv"
    pairs = ["il gatto\tthe cat", "il topo\tthe mouse", "il gatto vede il topo\tthe cat sees the mouse"]
    corpus.write_text("\n".join(pairs) + "\n")
    options = ["--coppie", str(corpus), "--cartella", str(folder), "--strati", "1", "--d-model", "32",
               "--passi", "150", "--warmup", "50", "--dropout", "0", "--dispositivo", "cpu",
               "--salva-ogni", "10"]
    finish("-m", "attenzione", "addestra", *options)
    return folder


@pytest.mark.parametrize(
    "options",
    [[], ["--beam", "2", "--alpha", "1"], ["--strategia", "greedy"], ["--strategia", "greedy", "--via-via"],
     ["--strategia", "campiona", "--temperatura", "0.1"], ["--strategia", "campiona", "--top-k", "1"],
     ["--strategia", "campiona", "--top-p", "0.2"]],
)
def test_translate(trained, options, capsys, monkeypatch):
    model = str(trained / "modello.safetensors")
    assert main(["traduci", model, "il gatto vede il topo", "il topo", *options]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["the cat sees the mouse", "the mouse"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("il gatto\n"))
    assert main(["traduci", model, *options]) == 0
    assert capsys.readouterr().out.strip() == "the cat"


def test_all_hypotheses_on_request(trained, capsys):
    assert main(["traduci", str(trained / "modello.safetensors"), "il gatto", "--ipotesi", "3"]) == 0
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
    for arguments in (["--help"], ["addestra", "--help"], ["traduci", "--help"], ["ispeziona", "-h"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        out = capsys.readouterr().out
        assert stop.value.code == 0 and "uso: python -m attenzione" in out and "opzioni:" in out
        assert not {"usage", "options:", "show this", "positional"} & set(out.replace("\n", " ").split(" "))
    for arguments, message in (
        ([], "errore: mancano gli argomenti: COMANDO"),
        (["addestra", "--compito", "copia"], "errore: mancano gli argomenti: --cartella"),
        (["addestra", "--cartella", "x"], "errore: serve uno degli argomenti: --compito --coppie"),
        (["addestra", "--passi", "x"], "errore: argomento --passi: il valore 'x' non è di tipo int"),
        (["ispeziona", "base", "--che"], "errore: argomenti sconosciuti: --che"),
        (["vola"], "errore: argomento COMANDO: 'vola' non è fra"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2 and message in capsys.readouterr().err


def test_errors_are_one_line_in_italian(trained, tmp_path, capsys):
    bad = tmp_path / "coppie.tsv"
    bad.write_text("una\tdue\nsola\n")
    model = str(trained / "modello.safetensors")
    broken = tmp_path / "rotto.safetensors"
    broken.write_bytes((trained / "modello.safetensors").read_bytes()[:-7])
    for arguments, message in (
        (["addestra", "--coppie", str(bad), "--cartella", str(tmp_path)], "riga 2: 1 campi, attesi 2"),
        (["addestra", "--coppie", str(tmp_path / "no"), "--cartella", str(tmp_path)], "no"),
        (["addestra", *SMALL, "--cartella", str(tmp_path), "--teste", "3"], "d_model vale 16: atteso"),
        (["addestra", *SMALL, "--cartella", str(trained)], "è di un’altra configurazione"),
        (["traduci", str(broken), "il gatto"], "il file è danneggiato"),
        (["traduci", "manca.safetensors", "il gatto"], "atteso un file che esiste"),
        (["traduci", model, ""], "src ha forma (1, 0)"),
        (["traduci", model, "il gatto", "--beam", "0"], "beam vale 0: atteso un intero positivo"),
        (["traduci", model, "il gatto", "--via-via"], "con --via-via atteso «greedy»"),
        (["traduci", model, "il gatto", "--dispositivo", "tpu"], "name vale «tpu»"),
        (["ispeziona", "pippo"], "CHE_COSA vale «pippo»"),
    ):
        assert main(arguments) == 1
        err = capsys.readouterr().err
        assert err.startswith("errore: ") and message in err and err.count("\n") == 1
