"""La prosa del libro per chi vi addestra un modello: italiana, nostra, intera; niente parole degli autori."""

from pagina_di_prova import CAPITOLO

from lettore.prosa import RADICE, frasi, prosa
from lettore.sorgente import Pagina

PAGINA = """\
---
jupytext: {}
---

# Un titolo

Una *frase* con un {term}`termine <lemma>` e un [collegamento](a.md).
Una formula, $n$, la toglie.
Del `codice` pure.
Come dice {cite}`qualcuno`.
- Un punto di elenco.

:::{nota} Titolo
Una nota si legge.
:::

::::{blocco} s1-p1
La traduzione non è nostra per intero.

:::{glossa}
An English gloss.
:::
::::

| tabella | no. |

```{code-cell} ipython3
print("codice.")
```
"""


def test_restano_le_frasi_che_si_leggono_da_sole():
    assert frasi(Pagina("a.md", PAGINA)) == [
        "Una frase con un termine e un collegamento.",
        "Un punto di elenco.",
        "Una nota si legge.",
    ]


def test_di_un_capitolo_non_restano_blocchi_ne_glosse():
    testo = " ".join(frasi(Pagina("a.md", CAPITOLO)))
    assert "Chiamiamo la nostra" not in testo and "Queries" not in testo and "don't" not in testo


def test_la_prosa_del_libro_e_lunga_e_non_ha_segni():
    testo = prosa(RADICE)
    assert len(testo.split()) > 40_000
    assert not set("`$*|{}\ufffc") & set(testo)
    assert "\n\n\n" not in testo and testo.endswith("\n")
