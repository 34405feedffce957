"""La riga di comando: tutti i comandi, dalla ricetta alla scheda; kill -9 e ripresa; due processi con torchrun."""

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from attenzione.__main__ import italian_error, main
from attenzione.training.checkpoint import list_checkpoints, read_checkpoint

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
    assert lines[0] == "riga 2: il testo non è in UTF-8" and lines[2] == "errore: 2 righe non tradotte"
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
        (["addestra", "--passi", "x"], "errore: argomento --passi: il valore 'x' non è di tipo int"),
        (["ispeziona", "base", "--che"], "errore: argomenti sconosciuti: --che"),
        (["vola"], "errore: argomento COMANDO: 'vola' non è fra"),
        (["addestra", "--passi"], "errore: argomento --passi: atteso un valore"),
        (["valuta", "--strategie"], "errore: argomento --strategie: atteso almeno un valore"),
        (["addestra", "--compito", "copia", "--bf16=2"], "argomento --bf16: non vuole un valore, e riceve '2'"),
        (["addestra", "--compito", "copia", "--coppie", "x"], "argomento --coppie: non va insieme a --compito"),
        (["ispeziona", "base", "--s", "1", "--v", "x"], "argomento --vocabolario: il valore 'x' non è di tipo int"),
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
        (["traduci", *model, "il gatto", "--beam", "0"], "beam vale 0: atteso un intero positivo"),
        (["traduci", *model, "il gatto", "--via-via"], "con --via-via atteso «greedy»"),
        (["traduci", *model, "-", "--ipotesi", "2"], "con «-» si sceglie «beam» o «greedy»"),
        (["traduci", *model, "il gatto", "--dispositivo", "tpu"], "name vale «tpu»"),
        (["impacchetta", "--da", str(tmp_path), "--a", str(tmp_path)], "non ha checkpoint: atteso almeno un"),
        (["valuta", *model, "--ricetta", "manca.yml"], "path vale «manca.yml»: atteso un file che esiste"),
        (["ispeziona", "pippo"], "CHE_COSA vale «pippo»"),
    ):
        assert main(arguments) == 1
        err = capsys.readouterr().err
        assert err.startswith("errore: ") and message in err and err.count("\n") == 1


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
