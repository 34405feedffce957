"""Le prove registrate: ciò che ciascuna scrive accanto ai suoi numeri, come si rilegge, e il comando che la rifà."""

import argparse
import json
import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

from attenzione.files import write_text


def stamp(command):
    """Con che comando, quando e con quali versioni: un dizionario, da mettere in testa ai numeri."""
    return {
        "comando": command,
        "data": date.today().isoformat(),
        "versioni": {"python": platform.python_version(), "torch": version("torch").split("+")[0]},
    }


def read(path):
    """Le misure registrate in path, come si scrissero. OSError se il file manca."""
    return json.loads(Path(path).read_text("utf-8"))


def command_on_text(name, document, run, seeds, steps, output):
    """Il main di una prova che legge un testo: run(testo, semi, passi, comando) rende i numeri, che vanno in un file.

    name: del modulo; document: la sua docstring; seeds, steps, output: i predefiniti. Rende main(arguments).
    """

    def main(arguments=None):
        parser = argparse.ArgumentParser(prog=f"python -m attenzione.later.{name}", description=document.split("\n")[0])
        parser.add_argument("testo", help="un file .txt.gz")
        listed = " ".join(map(str, seeds))
        parser.add_argument("--semi", type=int, nargs="+", default=seeds, help=f"i semi ({listed})")
        parser.add_argument("--passi", type=int, default=steps, help=f"passi di ciascun addestramento ({steps})")
        parser.add_argument("--uscita", default=output, help="dove scrivere i numeri")
        options = parser.parse_args(arguments)
        torch.set_num_threads(1)
        chosen = " ".join(map(str, options.semi))
        command = f"python -m attenzione.later.{name} {options.testo} --semi {chosen} --passi {options.passi}"
        result = run(options.testo, options.semi, options.passi, command)
        write_text(options.uscita, json.dumps(result, indent=1, ensure_ascii=False) + "\n")

    return main
