"""Le stanze della libreria: si importa solo verso il basso, e ogni modulo si importa da solo."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from attenzione.moved import MOVED

CODE = Path(__file__).resolve().parents[2] / "code"
FLOORS = (
    ("moved", "italian", "files", "streams", "config", "device", "quantization"),
    ("attention", "feedforward", "embedding", "decoding"),
    ("layers",),
    ("stepping",),
    ("model",),
    ("data",),
    ("training",),
    ("evidence",),
    ("translator", "measure", "later"),
    ("figures",),
    ("__main__",),
)
"""Dal basso in alto; due stanze dello stesso piano non si conoscono."""

HEAVY = ("torch", "matplotlib", "sympy", "tokenizers")
MODULES = sorted(
    ".".join(file.relative_to(CODE).with_suffix("").parts).removesuffix(".__init__")
    for file in (CODE / "attenzione").rglob("*.py")
    if file.name != "__main__.py"
)


def room(module):
    """«attenzione.training.loop» → «training»; l’intero pacchetto è il suo pianterreno."""
    return module.split(".")[1] if "." in module else "moved"


def floor(name):
    return next(n for n, names in enumerate(FLOORS) if name in names)


def imported(tree):
    """Ogni importazione di un sorgente, anche dentro le funzioni: (riga, modulo)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"riga {node.lineno}: importazione relativa, che questa prova non segue"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


def imports():
    for file in sorted((CODE / "attenzione").rglob("*.py")):
        name = ".".join(file.relative_to(CODE).with_suffix("").parts).removesuffix(".__init__")
        for line, target in imported(ast.parse(file.read_text("utf-8"))):
            yield f"{file.relative_to(CODE)}:{line}", name, target


def test_ogni_stanza_ha_il_suo_piano():
    rooms = {room(module) for module in MODULES} | {"__main__"}
    known = {name for names in FLOORS for name in names}
    assert rooms - known == set()


def test_si_importa_solo_verso_il_basso():
    upward = [
        f"{where}: {room(name)} importa {target}"
        for where, name, target in imports()
        if target.startswith("attenzione.")
        and room(name) != room(target)
        and not floor(room(target)) < floor(room(name))
    ]
    assert upward == []


def test_solo_le_figure_importano_matplotlib():
    found = {room(name) for _, name, target in imports() if target.startswith("matplotlib")}
    assert found == {"figures"}


def test_la_libreria_non_conosce_il_lettore():
    assert [where for where, _, target in imports() if target.split(".")[0] == "lettore"] == []


def test_importare_il_pacchetto_non_carica_nulla_di_pesante():
    code = f"import sys, attenzione; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ogni_modulo_si_importa_da_solo():
    """In un processo per modulo, nato dove le librerie pesanti ci sono già e attenzione non c’è: così è svelto."""
    code = f"""
import importlib, os, sys
import matplotlib.pyplot, sympy, tokenizers, torch
for module in {MODULES}:
    child = os.fork()
    if child == 0:
        importlib.import_module(module)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{{module}} non si importa da solo")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("old", MOVED)
def test_un_nome_vecchio_dice_dove_e_ora_il_modulo(old):
    with pytest.raises(ModuleNotFoundError, match=MOVED[old].split(" ")[0]):
        importlib.import_module(f"attenzione.{old}")
    with pytest.raises(ModuleNotFoundError, match=MOVED[old].split(" ")[0]):
        exec(f"from attenzione import {old}", {})


def test_i_posti_nuovi_ci_sono():
    assert {place.split(" ")[0] for place in MOVED.values()} <= set(MODULES)
