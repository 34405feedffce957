"""I 40 riferimenti: numeri, chiavi e fatti dell’articolo."""

import re
from pathlib import Path

from pybtex.database import parse_file

from lettore.inventario import leggi_inventario
from lettore.pezzi.bibliografia import Etichette, luogo

RADICE = Path(__file__).resolve().parents[3]
VOCI = parse_file(RADICE / "references.bib").entries


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
    assert nomi == {"s3.2.1-p3": "3.2.1 ¶3", "s3.2.3-li1": "3.2.3 ¶1", "tab2": "tabella 2", "s3.1-encoder-p1": "3.1 ¶1"}


def test_titoli_e_anni_sono_quelli_stampati(originale):
    stampati = [re.sub(r"\W+", " ", riga).casefold() for riga in originale["blocchi"]["refs"]["myst"].splitlines()]
    voci = sorted((v for v in VOCI.values() if "numero" in v.fields), key=lambda v: int(v.fields["numero"]))
    for stampato, voce in zip(stampati, voci, strict=True):
        assert re.sub(r"\W+", " ", semplice(voce.fields["title"])).strip().casefold() in stampato
        assert stampato.strip().endswith(voce.fields["year"])
