"""Il libro a brani: titoli e voci del glossario, frasi che si leggono, niente parole degli autori."""

import pytest
from pagina_di_prova import CAPITOLO

from lettore.brani import PAROLE, RADICE, brani, pulita
from lettore.sorgente import Pagina, leggi_libro

PAGINA = """\
# Una *pagina*

Una frase con $\\dk$ e `codice`, {cite}`qualcuno`.

- [Un rimando](#altrove)

:::{voce} peso
:en: weight
Un numero.
:::

Dopo la voce.

(ancora)=
## Sotto [titolo](b.md)

:::{nota} Titolo
Nella nota.
:::

| una | tabella |
"""


def test_ogni_brano_ha_il_suo_titolo():
    assert brani(Pagina("chapters/a/b.md", PAGINA)) == [
        {"pagina": "a/b", "titolo": "Una pagina", "testo": "Una frase con d_k e codice, ."},
        {"pagina": "a/b", "titolo": "peso", "testo": "Un numero."},
        {"pagina": "a/b", "titolo": "Una pagina", "testo": "Dopo la voce."},
        {"pagina": "a/b", "titolo": "Sotto titolo", "testo": "Nella nota."},
    ]


def test_un_brano_lungo_si_divide_fra_una_frase_e_l_altra():
    frase = "parola " * 50 + "fine."
    trovati = brani(Pagina("chapters/a.md", "# Titolo\n\n" + f"{frase}\n" * 5))
    assert [brano["testo"].count("fine.") for brano in trovati] == [2, 2, 1]
    assert all(len(brano["testo"].split()) <= PAROLE for brano in trovati)


def test_niente_traduzione_né_glosse():
    testo = " ".join(brano["testo"] for brano in brani(Pagina("chapters/c.md", CAPITOLO)))
    assert "Chiamiamo la nostra" not in testo and "Queries" not in testo


@pytest.mark.parametrize(
    ("riga", "letta"),
    [
        ("Il {term}`peso <peso di attenzione>` $\\alpha$.", "Il peso alpha."),
        ("1. *Primo* [punto](a.md)", "Primo punto"),
        ("La `softmax` somma a 1.", "La softmax somma a 1."),
    ],
)
def test_una_riga_si_legge(riga, letta):
    assert pulita(riga) == letta


def test_tutto_il_libro_si_legge_a_brani():
    trovati = [brano for pagina in leggi_libro(RADICE) for brano in brani(pagina)]
    assert len(trovati) > 1000
    assert not any(set("{}\\\ufffc") & set(brano["testo"]) for brano in trovati)
