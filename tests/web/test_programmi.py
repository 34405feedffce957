"""I programmi e i fogli della pagina, senza un libro: si leggono, pesano poco, non chiamano nessuno."""

import re
import subprocess
from pathlib import Path

import pytest
import tinycss2

from lettore.uscite.pagina.katex import trova_node

WEB = Path(__file__).resolve().parents[2] / "web"
PROGRAMMI = sorted((WEB / "js").glob("*.js"))
FOGLI = sorted((WEB / "css").glob("*.css"))
RETE = re.compile(r"\bfetch\(|\bimport\b|XMLHttpRequest|https?://(?!www\.w3\.org/2000/svg)")


@pytest.mark.parametrize("file", PROGRAMMI, ids=lambda file: file.name)
def test_ogni_programma_si_legge_e_non_chiama_la_rete(file):
    esito = subprocess.run([trova_node(), "--check", file], capture_output=True, text=True)
    assert esito.returncode == 0, esito.stderr
    assert not RETE.search(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", FOGLI, ids=lambda file: file.name)
def test_ogni_foglio_si_legge_e_non_chiama_la_rete(file):
    testo = file.read_text(encoding="utf-8")
    regole = tinycss2.parse_stylesheet(testo, skip_comments=True, skip_whitespace=True)
    assert regole and not [r.message for r in regole if r.type == "error"]
    assert not re.search(r"@import|url\(", testo)


def test_la_vista_e_piccola():
    assert len((WEB / "js/visore.js").read_bytes()) < 12_000
