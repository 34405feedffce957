"""I simboli riconosciuti nelle formule: quelli giusti, dove vogliono dire quello, senza toccare la formula."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from lettore.notazione import leggi_notazione, segni, segni_della_pagina
from lettore.uscite.pagina.katex import componi

RADICE = Path(__file__).resolve().parents[3]
APP = SimpleNamespace(confdir=RADICE, builder=SimpleNamespace(name="html"))
FUORI, TESTE, POSIZIONI = "chapters/passi/2-il-prodotto", "chapters/articolo/3-2-2-x", "chapters/articolo/3-5-x"


def trovati(tex: str, pagina: str = FUORI) -> list[str]:
    (esito,) = componi(APP, [(tex, False)], segni_della_pagina(pagina))
    return re.findall(r'data-s="([^"]+)"', esito["html"])


@pytest.mark.parametrize(
    ("tex", "simboli"),
    [
        (r"\softmax(QK^T/\sqrt{\dk})V", ["softmax", "Q", "K-T", "radice-d-k", "d-k", "V"]),
        (r"\frac{q_i\cdot k_j}{\sqrt{\dk}}", ["radice-d-k", "d-k", "q-k-v", "q-k-v"]),  # KaTeX scrive prima il basso
        (r"W_i^Q\in\R^{\dmodel\times\dk}", ["W-i-Q", "d-model", "d-k"]),
        (r"W^Q, W_1^K, W^O", ["W-i-Q", "W-i-K", "W-O"]),
        (r"A_{ij}, n^2, z_n", ["A", "n", "n"]),
        (r"\lrate=\stepnum^{-0{,}5}", ["lrate", "step-num"]),
        (r"\text{n e Q}, \mathrm{max}", []),
        (r"d_j, T", []),
    ],
)
def test_si_riconoscono_i_simboli_della_notazione(tex, simboli):
    assert trovati(tex) == simboli


def test_una_lettera_di_piu_significati_vale_solo_nella_sua_sezione():
    assert trovati("i") == []
    assert trovati("i", TESTE) == ["i-testa"]
    assert trovati("2i", POSIZIONI) == ["i-codifica-posizionale"]


def test_la_formula_resta_la_stessa():
    """Stessi segni nello stesso ordine, stesso sorgente per chi la copia o la ascolta."""
    for simbolo in leggi_notazione()["simboli"]:
        tex = simbolo["tex"]
        (con,), (senza,) = (componi(APP, [(tex, True)], s) for s in (segni_della_pagina(FUORI), ()))
        testo = [re.sub(r"<[^>]+>", "", esito["html"]) for esito in (con, senza)]
        assert testo[0] == testo[1], tex


def test_ogni_segno_si_riconosce_da_solo():
    for simbolo in leggi_notazione()["simboli"]:
        for tex in segni(simbolo):
            pagina = f"chapters/articolo/{re.sub('[^0-9.]', '', simbolo['sezione']).replace('.', '-') or '9'}-x"
            assert trovati(tex, pagina), tex
