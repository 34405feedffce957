"""I ritocchi alla pagina scritta: le forme, i simboli nei titoli, gli esercizi, la colonna, i colori scuri."""

import re

import pytest

from lettore.uscite.pagina import colonna, composto
from lettore.uscite.pagina.figure_scure import (
    CARTA,
    INCHIOSTRO,
    SEGNO,
    TINTE,
    da_gamma,
    due_tavolozze,
    scuro,
    velata,
)
from lettore.uscite.pagina.margine import NEL_MARGINE, alto


def test_il_commento_in_fondo_alla_riga_va_con_il_suo_spazio():
    riga = '<span class="n">S</span> <span class="o">=</span> Q   <span class="c1"># (5, 5)</span>\n'
    solo = '<span class="c1"># una riga intera</span>\n'
    fatto = composto.separa_forme(riga + solo)
    assert fatto.count('class="forma"') == 1
    assert '<span class="forma"><span class="spazio">   </span><span class="c1"># (5, 5)</span>\n</span>' in fatto
    assert fatto.endswith(solo)
    assert re.sub("<[^>]*>", "", fatto) == re.sub("<[^>]*>", "", riga + solo)  # chi copia copia lo stesso testo


@pytest.mark.parametrize(
    ("prima", "dopo"),
    [
        ("<h1>Perché si divide per √d_k</h1>", "<h1>Perché si divide per √<i>d</i><sub>k</sub></h1>"),
        (
            '<a href="#x">W_Q, W_K e W_V?</a>',
            '<a href="#x"><i>W</i><sub>Q</sub>, <i>W</i><sub>K</sub> e <i>W</i><sub>V</sub>?</a>',
        ),
        ('<a class="external" href="#x">of d_k the</a>', '<a class="external" href="#x">of d_k the</a>'),
        ("<h2>test_di_una_cosa e model_dim</h2>", "<h2>test_di_una_cosa e model_dim</h2>"),
        ("<p>√d_k</p>", "<p>√d_k</p>"),
    ],
)
def test_i_simboli_nei_titoli_hanno_il_pedice(prima, dopo):
    assert composto.con_pedici(prima) == dopo


def test_una_soluzione_si_apre_senza_programma():
    html = (
        '<div class="solution dropdown admonition" id="s-1">\n\n<p class="admonition-title">Soluzione a'
        '<a class="reference internal" href="#e"> Esercizio 35</a></p>\n<section id="solution-content">\n<p>Sì.</p>\n'
        "</section>\n</div>"
    )
    fatto = composto.ritocca(html)
    assert fatto == (
        '<details class="soluzione" id="s-1">\n<summary>Soluzione dell’esercizio 35</summary>\n<p>Sì.</p>\n</details>'
    )


INDICE = (
    '<p class="caption"><span class="caption-text">Parte I</span></p><ul class="current">'
    '<li class="toctree-l1 current"><a class="current reference internal" href="#">Qui</a></li></ul>'
    '<p class="caption"><span class="caption-text">Parte II</span></p><ul><li><a href="b.html">Altrove</a></li></ul>'
)


def test_la_colonna_apre_la_sola_parte_che_si_legge():
    titoli = '<ul><li class="toc-h2"><a class="reference" href="#uno">Uno</a></li></ul>'
    fatta = colonna.componi(INDICE, titoli)
    assert fatta.count('class="parte"') == 2 and fatta.count('open=""') == 1
    assert fatta.index('open=""') < fatta.index("Parte II")
    assert 'aria-current="page"' in fatta and '<ul aria-label="In questa pagina"' in fatta
    assert fatta.index('href="#uno"') < fatta.index("Parte II")


def test_i_colori_scuri_tengono_la_tinta_e_rovesciano_la_luce():
    assert scuro("#ffffff") == CARTA[1] and scuro("#000000") == INCHIOSTRO[1]
    rosso, verde, blu = (int(scuro("#0072b2")[i : i + 2], 16) for i in (1, 3, 5))
    assert blu > verde > rosso
    luci = [sum(int(scuro(c)[i : i + 2], 16) for i in (1, 3, 5)) for c in ("#f7fbff", "#6aaed6", "#08306b")]
    assert luci == sorted(luci)  # una mappa che va dal chiaro allo scuro, va dallo scuro al chiaro


def luminanza(colore):
    return sum(q * da_gamma(int(colore[i : i + 2], 16) / 255) for q, i in ((0.2126, 1), (0.7152, 3), (0.0722, 5)))


def contrasto(uno, altro):
    """Il rapporto di contrasto di WCAG fra due colori."""
    scura, chiara = sorted(map(luminanza, (uno, altro)))
    return (chiara + 0.05) / (scura + 0.05)


def sopra(colore, quanto, carta):
    """Il colore steso sulla carta, trasparente."""
    canali = ((int(colore[i : i + 2], 16), int(carta[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(quanto * c + (1 - quanto) * k):02x}" for c, k in canali)


@pytest.mark.parametrize("tinta", TINTE)
def test_sullo_scuro_una_linea_d_attenzione_si_segue(tinta):
    """La più forte di una parola pesa 0,4 circa: la linea si disegna opaca a 0,12 + peso, la casella al peso."""
    for opaco in (0.52, 0.4):
        assert contrasto(sopra(scuro(tinta), velata(opaco), CARTA[1]), CARTA[1]) >= 3
    assert velata(0.01) <= 0.1  # ciò che non pesa nulla resta nulla


@pytest.mark.parametrize(
    ("fondo", "testo"), [("#6aaed6", "#000000"), ("#5ba3d0", "#000000"), ("#3b8bc2", "#ffffff"), ("#08306b", "#ffffff")]
)
def test_sullo_scuro_il_numero_nella_casella_si_legge(fondo, testo):
    """Le caselle che pesano 0,5, 0,55, 0,65 e 1, col loro numero."""
    assert contrasto(scuro(fondo), scuro(testo)) >= 4.5


def test_un_disegno_porta_le_due_tavolozze_una_volta_sola():
    svg = '<?xml version="1.0"?>\n<svg width="1pt" height="1pt"><path style="fill: #ffffff; stroke: #0072b2"/></svg>'
    fatto = due_tavolozze(svg)
    assert fatto.count(SEGNO) == 1 and "#0072b2" in fatto and scuro("#0072b2") in fatto
    assert 'style="fill: var(--c0); stroke: var(--c1)"' in fatto
    assert due_tavolozze(fatto) == fatto


def test_l_altezza_di_una_nota_conta_le_righe():
    assert alto("x" * 70, NEL_MARGINE) == 3 * NEL_MARGINE[1]
    assert alto("a\nb", NEL_MARGINE) == 2 * NEL_MARGINE[1]
