"""I 40 riferimenti: numeri, chiavi e fatti dell’articolo."""

import re
from pathlib import Path

import pytest
import yaml
from pybtex.database import parse_file

from lettore.inventario import leggi_inventario
from lettore.pezzi.bibliografia import Etichette, luogo

RADICE = Path(__file__).resolve().parents[3]
VOCI = parse_file(RADICE / "references.bib").entries
FATTI = RADICE.parent / "shared" / "originale" / "riferimenti.yml"


def semplice(testo):
    return re.sub(r"[{}\\]", "", testo).replace("--", "–")


def test_quaranta_con_i_numeri_dell_articolo():
    numeri = [int(v.fields["numero"]) for v in VOCI.values() if "numero" in v.fields]
    assert sorted(numeri) == list(range(1, 41))


def test_ogni_citazione_dell_inventario_ha_la_sua_voce():
    citate = {chiave for b in leggi_inventario().values() for chiave in b.cites}
    assert citate == {chiave for chiave, v in VOCI.items() if "numero" in v.fields}


def test_le_voci_delle_note_hanno_una_lettera():
    class Voce:
        def __init__(self, **campi):
            self.fields = campi

    etichette = Etichette().format_labels([Voce(numero="1"), Voce(), Voce(numero="2"), Voce()])
    assert list(etichette) == ["1", "N1", "2", "N2"]


def test_nomi_dei_luoghi():
    inventario = leggi_inventario()
    nomi = {i: luogo(inventario[i]) for i in ("s3.2.1-p3", "s3.2.3-li1", "tab2", "s3.1-encoder-p1")}
    assert nomi == {"s3.2.1-p3": "3.2.1 ¶3", "s3.2.3-li1": "3.2.3 ¶1", "tab2": "tabella 2",
                    "s3.1-encoder-p1": "3.1 ¶1"}


@pytest.mark.skipif(not FATTI.exists(), reason="mancano i fatti di riferimento sulla bibliografia")
def test_fatti_uguali_alla_stampa():
    for fatto in yaml.safe_load(FATTI.read_text("utf8")):
        voce = VOCI[fatto["key"]]
        assert int(voce.fields["numero"]) == fatto["number"]
        assert semplice(voce.fields["title"]) == fatto["title"]
        assert int(voce.fields["year"]) == fatto["year"]
        autori = [semplice(str(p)) for p in voce.persons["author"]]
        assert len(autori) == len(fatto["authors"]) + bool(fatto.get("et_al")), fatto["key"]
        if fatto["arxiv"]:
            assert voce.fields["url"].endswith(fatto["arxiv"])
