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
    formule = [(simbolo["tex"], True) for simbolo in leggi_notazione()["simboli"]]
    con, senza = (componi(APP, formule, s) for s in (segni_della_pagina(FUORI), ()))
    for (tex, _), *esiti in zip(formule, con, senza, strict=True):
        testi = [re.sub(r"<[^>]+>", "", esito["html"]) for esito in esiti]
        assert testi[0] == testi[1], tex


@pytest.mark.lento
def test_ogni_segno_si_riconosce_nella_sua_sezione():
    per_pagina = {}
    for simbolo in leggi_notazione()["simboli"]:
        sezione = re.sub(r"[^0-9.]", "", simbolo["sezione"]).replace(".", "-") or "9"
        per_pagina.setdefault(f"chapters/articolo/{sezione}-x", []).extend(segni(simbolo))
    for pagina, formule in per_pagina.items():
        esiti = componi(APP, [(tex, False) for tex in formule], segni_della_pagina(pagina))
        assert [t for t, e in zip(formule, esiti, strict=True) if "data-s" not in e["html"]] == [], pagina
