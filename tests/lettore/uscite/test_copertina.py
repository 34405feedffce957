"""La copertina: il titolo per intero, la mappa dell’esempio, una forma da copertina."""

from attenzione.data.example import TOKENS
from attenzione.figures.style import example_weights
from lettore.uscite.epub.copertina import copertina


def test_copertina():
    figura = copertina("L’attenzione è tutto ciò che serve", "lettore bilingue annotato")
    scritte = [testo.get_text().replace("\n", " ") for testo in figura.texts]
    assert scritte[:2] == ["L’attenzione è tutto ciò che serve", "lettore bilingue annotato"]
    (mappa,) = figura.axes
    assert [t.get_text() for t in mappa.get_xticklabels()] == TOKENS
    forze = [casella.get_alpha() for casella in mappa.patches]
    piu_scure = [max(range(5), key=lambda c, r=r: forze[5 * r + c]) for r in range(5)]
    assert piu_scure == example_weights()[0].argmax(dim=-1).tolist()
    larghezza, altezza = figura.get_size_inches() * figura.dpi
    assert (larghezza, altezza) == (1600, 2560)


def test_le_scritte_stanno_nella_pagina():
    figura = copertina(
        "L’attenzione è tutto ciò che serve",
        "lettore bilingue annotato e libro eseguibile di «Attention Is All You Need»",
    )
    figura.draw_without_rendering()
    for testo in figura.texts:
        riquadro = testo.get_window_extent()
        assert riquadro.x0 > 0 and riquadro.x1 < 1600, testo.get_text()
    primo, secondo = (t.get_window_extent() for t in figura.texts[:2])
    (mappa,) = figura.axes
    assert primo.y0 > secondo.y1 and secondo.y0 > mappa.get_window_extent().y1
