"""Un capitolo di prova, con un esempio di tutto ciò che i controlli guardano."""

CAPITOLO = """\
---
jupytext:
  text_representation: {extension: .md}
kernelspec:
  name: python3
---

# 3.2.1 Attenzione a prodotto scalare scalato

```{tappa}
:tempo: 20
:prima: [le query](3-2.md)
```

::::{blocco} s3.2.1-p1
Chiamiamo la nostra «{term}`attenzione a prodotto scalare scalato`» (*Scaled Dot-Product Attention*; figura
{rif}`fig2`). Dimensione $\\dk$ per {term}`chiavi <chiave>`, $\\dv$ per i valori, poi $\\sqrt{\\dk}$.

:::{glossa}
Queries and keys have $d_k$ components.
:::
::::

```{code-cell} ipython3
---
mystnb:
  figure:
    name: fig-a
  image:
    alt: "Una mappa"
---
scores = layer @ stack     # don't stop
```

```{nota} Un titolo
La layer normalization e la self-attention restano in inglese, come `layer`; poi $\\softmax(s)$.
```
"""
