"""Ogni modulo si importa da solo, e quelli che servono a tutti non portano con sé i pacchetti pesanti."""

import subprocess
import sys
from pathlib import Path

import lettore

RADICE = Path(lettore.__file__).parent
MODULI = sorted(
    ".".join(file.relative_to(RADICE.parent).with_suffix("").parts).removesuffix(".__init__")
    for file in RADICE.rglob("*.py") if file.stem != "__main__"
)  # fmt: skip
LEGGERI = ("ambiente", "inventario", "glossario", "notazione", "lancio", "uscite")
UNO_PER_VOLTA = """
import importlib, sys
for modulo in sys.argv[1:]:
    for nome in [n for n in sys.modules if n.split(".")[0] == "lettore"]:
        del sys.modules[nome]
    importlib.import_module(modulo)
"""
PESANTI = """
import importlib, sys
importlib.import_module(sys.argv[1])
print(*{"torch", "sphinx", "pypandoc", "matplotlib"} & sys.modules.keys())
"""


def esegui(codice: str, *argomenti: str) -> str:
    return subprocess.run([sys.executable, "-c", codice, *argomenti], check=True, text=True, capture_output=True).stdout


def test_ogni_modulo_si_importa_da_solo():
    """Un giro di importazioni si vede soltanto cominciando dal modulo sbagliato."""
    assert len(MODULI) > 40
    esegui(UNO_PER_VOLTA, *MODULI)


def test_i_moduli_leggeri_restano_leggeri():
    pesi = {nome: esegui(PESANTI, f"lettore.{nome}").split() for nome in LEGGERI}
    assert {nome: peso for nome, peso in pesi.items() if peso} == {}


def test_la_costruzione_non_carica_torch():
    assert "torch" not in esegui(PESANTI, "lettore.costruzione").split()
