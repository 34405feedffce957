"""Per tutte le prove: un solo thread (o TORCH_THREADS), numeri che si ripetono, l’ordine fianco a fianco."""

import os
import tempfile
from pathlib import Path

import pytest
import torch

pytest_plugins = ["eprint", "navigatore"]

COMPILATI = f"torchinductor-{getattr(os, 'getuid', int)()}-{torch.backends.cpu.get_cpu_capability()}"
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(tempfile.gettempdir(), COMPILATI)))
"""Ciò che torch.compile tiene da parte non dice per quali istruzioni è scritto: in una cartella sola, con
ATEN_CPU_CAPABILITY forzata si riuserebbe il codice di un altro processore, che dà NaN o non si compila."""

PRIMA = (
    *("libro/test_pdf", "libro/test_browser", "libro/test_quaderni", "libro/test_epub", "libro/test_p", "libro/"),
    *("affermazioni/test_guasti", "affermazioni/", "attenzione/training", "attenzione/data/test_toy", "attenzione/"),
)
"""I file più lunghi per primi, così alla fine nessun processo resta ad aspettare l’altro; gli altri dopo."""

DA_SOLI = ("libro/test_peso.py",)
"""I file che misurano tempi: per ultimi, quando la macchina è più quieta."""


def posto(item):
    file = item.nodeid.split("::")[0].removeprefix("tests/")
    if file in DA_SOLI:
        return len(PRIMA) + 1
    return next((n for n, inizio in enumerate(PRIMA) if file.startswith(inizio)), len(PRIMA))


def pytest_collection_modifyitems(items):
    items.sort(key=posto)


@pytest.fixture(autouse=True)
def one_thread_one_seed():
    threads = torch.get_num_threads()
    torch.set_num_threads(int(os.environ.get("TORCH_THREADS", "1")))
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
