"""Un errore piantato nella libreria fa diventare rosse le affermazioni che lo riguardano."""

import json
import subprocess
import sys

import guasti
import pytest
from guasti import NESSUNO, SENZA_GUASTO, leggi_guasti, pianta

from lettore.affermazioni import leggi_affermazioni
from lettore.sorgente import leggi_libro

GUASTI = leggi_guasti()


@pytest.fixture(scope="module")
def rosse():
    """Guasto → affermazioni diventate rosse."""
    fatto = subprocess.run([sys.executable, guasti.__file__], capture_output=True, text=True)
    assert fatto.returncode == 0, fatto.stderr[-3000:]
    return json.loads(fatto.stdout)


def test_ogni_affermazione_sulla_libreria_ha_il_suo_guasto():
    """Una prova che nessun errore della libreria sa far cadere non la guarda: salvo dove si dice perché."""
    voci = [voce for pagina in leggi_libro(guasti.RADICE) for voce in leggi_affermazioni(pagina)]
    sulla_libreria = {voce.id for voce in voci if voce.verdetto in ("conforme", "misurata")}
    viste = {ident for guasto in GUASTI.values() for ident in guasto.rosse}
    assert sulla_libreria - viste == SENZA_GUASTO.keys()
    assert all(SENZA_GUASTO.values())
    assert viste <= {voce.id for voce in voci}


def test_i_guasti_sono_molti_e_tutti_diversi():
    assert len(GUASTI) >= 80
    assert len({guasto.scambi for guasto in GUASTI.values()}) == len(GUASTI)
    assert all(guasto.scambi and prima != dopo for guasto in GUASTI.values() for _, prima, dopo in guasto.scambi)


def test_cio_che_non_sta_nel_file_non_si_pianta(tmp_path):
    with pytest.raises(ValueError, match="compare 0 volte"):
        pianta([("layers.py", "una riga che non c’è\n", "un’altra\n")], tmp_path)


@pytest.mark.lento
def test_senza_guasti_sono_tutte_verdi(rosse):
    """Con la libreria sana, nello stesso modo: il rosso non viene da come si piantano i guasti."""
    assert rosse[NESSUNO] == []


@pytest.mark.lento
@pytest.mark.parametrize("guasto", GUASTI)
def test_il_guasto_si_vede(rosse, guasto, record_property):
    print(f"{guasto}: {', '.join(rosse[guasto])}")
    record_property("rosse", rosse[guasto])
    assert set(rosse[guasto]) == set(GUASTI[guasto].rosse)
