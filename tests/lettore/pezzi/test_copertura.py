"""I 129 blocchi dell’articolo: ognuno tradotto, una volta, nell’ordine, nel capitolo della sua sezione."""

import re
from pathlib import Path

import yaml

from lettore.inventario import capitolo, leggi_inventario
from lettore.pezzi.copertura import MOBILI

RADICE = Path(__file__).resolve().parents[3]


def file_in_ordine(voci):
    for voce in voci:
        yield voce["file"]
        yield from file_in_ordine(voce.get("sections", ()))


def blocchi_del_libro():
    """(identificatore, file) nell’ordine dell’indice del libro."""
    indice = yaml.safe_load((RADICE / "_toc.yml").read_text("utf8"))
    for parte in indice["parts"]:
        for file in file_in_ordine(parte["chapters"]):
            testo = (RADICE / f"{file}.md").read_text("utf8")
            for ident in re.findall(r"^[`:]{3,}\{blocco\} (\S+)", testo, re.M):
                yield ident, file


def test_centoventinove_su_centoventinove():
    trovati = [ident for ident, _ in blocchi_del_libro()]
    assert len(trovati) == 129 and set(trovati) == set(leggi_inventario())


def test_nell_ordine_dell_articolo():
    inventario = leggi_inventario()
    fermi = [ident for ident, _ in blocchi_del_libro() if inventario[ident].kind not in MOBILI]
    assert fermi == [ident for ident, voce in inventario.items() if voce.kind not in MOBILI]


def test_ogni_sezione_nel_suo_file():
    """Il numero della sezione comincia il nome del file: 3.2.1 → 3-2-1-…"""
    for ident, file in blocchi_del_libro():
        sezione = capitolo(leggi_inventario()[ident])
        if sezione[0].isdigit():
            assert Path(file).name.startswith(sezione.replace(".", "-") + "-"), (ident, file)
