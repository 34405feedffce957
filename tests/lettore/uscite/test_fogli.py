"""I fogli di stile tengono ciò che serve: classi nominate, proprietà chieste, ciascuna regola nel suo file."""

import pytest

from lettore.uscite.pagina.fogli import FOGLIO, FOGLIO_DEI_PROGRAMMI, Nomi, leggi, proprieta_vive, riscrivi

PAGINA = '<html><script>r.classList.add("primo")</script><p class="nota lunga" id="uno">testo</p></html>'
PROGRAMMA = 'riga.className = "finestra"; e.className = `vista-t${i}`;'


@pytest.fixture
def nomi():
    return Nomi([PAGINA], [PROGRAMMA])


@pytest.mark.parametrize("selettore", [".nota", "#uno > p", "p.nota.lunga", "html.primo p", "a:not(.mai)", "p"])
def test_cio_che_la_pagina_scrive_va_nel_primo_foglio(nomi, selettore):
    assert nomi.foglio_di(selettore) == FOGLIO


@pytest.mark.parametrize("selettore", [".finestra", ".nota .finestra", ".vista-t3"])
def test_cio_che_disegna_un_programma_va_nel_suo(nomi, selettore):
    assert nomi.foglio_di(selettore) == FOGLIO_DEI_PROGRAMMI


def test_cio_che_nessuno_nomina_non_va_in_nessun_foglio(nomi):
    assert nomi.foglio_di(".mai") is None
    assert nomi.foglio_di(".nota .mai:hover") is None


def test_una_regola_si_divide_fra_i_fogli_e_non_si_perde(nomi):
    regole = leggi("@media print { .nota, .finestra, .mai { color: red !important; top: 0 } } @font-face { src: x }")
    primo, secondo = (riscrivi(regole, lambda s, f=f: nomi.foglio_di(s) == f) for f in (FOGLIO, FOGLIO_DEI_PROGRAMMI))
    assert ".nota{color:red !important;top:0}" in primo and "finestra" not in primo and "@font-face" in primo
    assert ".finestra{color:red !important;top:0}" in secondo and "@font-face" not in secondo
    assert "mai" not in primo + secondo


def test_le_proprieta_che_nessuno_chiede_se_ne_vanno():
    css = "p{--a:1;--b:var(--a);--c:var(--d, 2);--e:3;color:var(--b);top:0}\n"
    vive = proprieta_vive(css, ["x.style.setProperty('--e', 1)"])
    assert vive == {"--a", "--b", "--e"}
    assert riscrivi(leggi(css), proprieta=vive) == "p{--a:1;--b:var(--a);--e:3;color:var(--b);top:0}\n"


@pytest.mark.parametrize("guasto", ["p { color: red }\n}", "@media print {\n} color: red }", "p {\n color }"])
def test_un_foglio_guasto_si_dice(guasto):
    with pytest.raises(ValueError, match=r"foglio di stile, riga \d"):
        riscrivi(leggi(guasto))
