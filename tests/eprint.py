"""L’e-print vero, per le prove che lo vogliono: le parole degli autori nel deposito non ci sono, le dà chi le ha."""

import os
from pathlib import Path

import pytest

from lettore.originale import CARTELLA, carica, importa

RADICE = Path(__file__).resolve().parents[1]
EPRINT = Path(os.environ.get("ORIGINALE", "")).absolute()
DISPONIBILE = EPRINT.is_file() or (RADICE / CARTELLA).is_dir()
MANCA = "manca l’originale: si dà con ORIGINALE=percorso/1706.03762v7.tar.gz make test"


@pytest.fixture(scope="session")
def eprint() -> Path:
    """L’archivio che dà la variabile ORIGINALE."""
    if not EPRINT.is_file():
        pytest.skip(MANCA)
    return EPRINT


@pytest.fixture(scope="session")
def radice_con_originale(tmp_path_factory) -> Path | None:
    """La cartella che contiene `_originale/`: una provvisoria, importata da ORIGINALE, o il deposito; None se manca."""
    if EPRINT.is_file():
        radice = tmp_path_factory.mktemp("eprint")
        importa(str(EPRINT), radice / CARTELLA)
        return radice
    return RADICE if (RADICE / CARTELLA).is_dir() else None


@pytest.fixture(scope="session")
def originale(radice_con_originale) -> dict:
    """Le parole degli autori, come le rende `carica`."""
    if radice_con_originale is None:
        pytest.skip(MANCA)
    return carica(radice_con_originale)
