"""Più processi con torchrun: il primo prepara, gli altri aspettano, e un errore si dice una volta."""

import http.server
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.training.checkpoint import average_checkpoints, list_checkpoints

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
LINES = {language: "".join(f"{language} parola {i} altra {i % 7}\n" for i in range(200)) for language in ("en", "it")}
RECIPE = """
nome: prova
dati: {corpus: prova}
divisione: {dev_per_mille: 100, test_per_mille: 100}
tokenizer: {n_vocab: 60, min_count: 1}
modello: {n_layers: 1, d_model: 8, d_ff: 16, n_heads: 2, p_drop: 0.1, max_len: 64}
addestramento: {steps: 4, max_tokens: 200, warmup_steps: 10, save_every: 2}
"""
WITH_CORPUS = """
import sys
from attenzione.__main__ import main
from attenzione.data.download import CORPORA, Corpus
CORPORA["prova"] = Corpus("prova", {"URL": [("a.en", "a.it")]})
sys.exit(main(sys.argv[1:]))
"""
ONE_FAILS = """
import sys
import torch
from attenzione.training.distributed import first_process_first, gather, process_group, rank_and_world
with process_group("cpu"):
    rank, world = rank_and_world()
    try:
        with first_process_first():
            print(f"turno di {rank}", flush=True)
        if rank == 1:
            raise ValueError("non va")
        gather(torch.zeros(1))  # il primo aspetta il secondo, che non verrà
    except ValueError as error:
        print(f"errore: {error}", file=sys.stderr, flush=True)
        raise
"""


def torchrun(*arguments):
    done = subprocess.run(
        [*TORCHRUN, *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout, done.stderr


class Server(http.server.BaseHTTPRequestHandler):
    """Dà un archivio coi dati; asked: quante volte glielo hanno chiesto."""

    asked = 0

    def do_GET(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for language, text in LINES.items():
                info = tarfile.TarInfo(f"a.{language}")
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
        Server.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(buffer.getvalue())))
        self.end_headers()
        self.wfile.write(buffer.getvalue())

    def log_message(self, *arguments):
        pass


@pytest.mark.lento
def test_the_first_torchrun_of_a_recipe_downloads_and_prepares_once(tmp_path):
    (tmp_path / "r.yml").write_text(RECIPE)
    Server.asked = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        (tmp_path / "avvia.py").write_text(WITH_CORPUS.replace("URL", f"http://127.0.0.1:{httpd.server_port}/a.tgz"))
        options = ["--ricetta", tmp_path / "r.yml", "--cartella", tmp_path / "nuova", "--dispositivo", "cpu"]
        code, _, err = torchrun(tmp_path / "avvia.py", "addestra", *options)
        httpd.shutdown()
    assert code == 0, err[-2000:]
    assert Server.asked == 1 and not list(tmp_path.rglob("*.parziale")) + list(tmp_path.rglob("*.in-corso"))
    log = (tmp_path / "nuova" / "passi.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [1, 2, 3, 4]
    model, _ = average_checkpoints(list_checkpoints(tmp_path / "nuova"))
    assert model.config.n_vocab == len(BytePairTokenizer.load(tmp_path / "nuova" / "tokenizer.json"))


@pytest.mark.lento
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ricetta", "r.yml"], "dati.arrivo vale «manca.it»: atteso un file che esiste"),  # fallisce il primo
        (["--compito", "copia", "--teste", "3"], "d_model vale 64: atteso un multiplo di n_heads = 3"),  # ciascuno
    ],
    ids=["il primo", "ciascuno"],
)
def test_when_the_first_process_fails_all_end_and_its_message_is_said_once(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    Path("a.en").write_text(LINES["en"])
    Path("r.yml").write_text(RECIPE.replace("corpus: prova", "partenza: a.en, arrivo: manca.it"))
    code, _, err = torchrun("-m", "attenzione", "addestra", *options, "--cartella", "nuova", "--dispositivo", "cpu")
    assert code != 0 and err.count("errore: ") == 1 and f"errore: {message}" in err
    assert "/attenzione/" not in err  # il solo racconto è quello di torchrun
    assert not Path("nuova", "passi.jsonl").exists()


@pytest.mark.lento
def test_when_another_process_fails_only_that_one_speaks(tmp_path):
    (tmp_path / "uno.py").write_text(ONE_FAILS)
    code, out, err = torchrun(tmp_path / "uno.py")
    assert code != 0 and [line for line in out.splitlines() if "turno" in line] == ["turno di 0", "turno di 1"]
    assert err.count("errore: non va") == 1
    assert "RuntimeError" not in err  # il primo si accorge che l’altro non c’è più, e tace
