"""Un errore piantato nella libreria fa diventare rosse le affermazioni che lo riguardano."""

import json
import subprocess
import sys

import guasti
import pytest
from guasti import GUASTI, ROSSE


@pytest.fixture(scope="module")
def rosse():
    """Guasto → affermazioni diventate rosse."""
    fatto = subprocess.run([sys.executable, guasti.__file__], capture_output=True, text=True)
    assert fatto.returncode == 0, fatto.stderr[-3000:]
    return json.loads(fatto.stdout)


def test_a_ogni_guasto_corrisponde_un_affermazione():
    assert ROSSE.keys() == GUASTI.keys() and all(ROSSE.values())


@pytest.mark.lento
@pytest.mark.parametrize("guasto", GUASTI)
def test_il_guasto_si_vede(rosse, guasto, record_property):
    """Da sane sono verdi: lo dicono le loro stesse prove."""
    print(f"{guasto}: {', '.join(rosse[guasto])}")
    record_property("rosse", rosse[guasto])
    assert set(rosse[guasto]) == set(ROSSE[guasto])
