"""Le immagini dei README: ci sono tutte, pesano poco, si leggono anche senza vederle."""

import re

import pytest
from PIL import Image

from lettore.ritratto import CARTELLA, LIMITE, RADICE, RITRATTI


@pytest.mark.parametrize("nome", RITRATTI)
def test_ogni_ritratto_c_e_ed_e_piccolo(nome):
    file = CARTELLA / f"{nome}.png"
    assert file.stat().st_size <= LIMITE
    assert Image.open(file).width >= RITRATTI[nome].largo or RITRATTI[nome].solo


@pytest.mark.parametrize("readme", ["README.md", "README.en.md"])
def test_i_readme_le_mostrano_tutte_con_un_testo(readme):
    testo = (RADICE / readme).read_text(encoding="utf-8")
    trovate = dict(reversed(m) for m in re.findall(r"!\[([^\]]*)\]\(assets/immagini/(\w+)\.png\)", testo))
    assert trovate.keys() == RITRATTI.keys() == {f.stem for f in CARTELLA.glob("*.png")}
    assert all(len(alternativo.split()) >= 8 for alternativo in trovate.values())
