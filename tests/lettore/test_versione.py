"""Un solo numero di versione: pyproject.toml, CITATION.cff e la prima voce di CHANGELOG.md."""

import re
import tomllib
from pathlib import Path

import yaml

RADICE = Path(__file__).parents[2]


def test_la_versione_e_la_stessa_dappertutto():
    progetto = tomllib.loads((RADICE / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    citazione = yaml.safe_load((RADICE / "CITATION.cff").read_text("utf-8"))
    ultima = re.search(r"^## (\S+) \((\S+)\)$", (RADICE / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert (progetto, citazione["date-released"]) == ultima.groups()
    assert citazione["version"] == progetto
