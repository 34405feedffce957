"""Il libro: come si leggono i capitoli, come si controllano, che cosa ne esce.

La casa è a piani: un modulo importa dal suo piano e da quelli sotto, mai da sopra e mai in tondo
(`tests/lettore/test_stanze.py`). Dal basso:

Piano terra, ciò che il libro contiene:
    sorgente.py       le pagine come albero di direttive e fila di righe: qui soltanto si legge Markdown
    inventario.py     i blocchi dell’articolo, da blocchi.yml
    notazione.py      i simboli e le macro, da notazione.yml
    glossario.py      le voci di glossary.md
    affermazioni.py   il registro: che cosa l’articolo afferma, con quale verdetto, quale prova lo decide
    ambiente.py       le variabili d’ambiente, lette in un posto solo

originale/            le parole degli autori: prelievo.py le procura, tex.py le riconosce, myst.py le riscrive
controlli/            i difetti del testo, uno o pochi per file: `python -m lettore.controlli`
pezzi/                ciò che si scrive nei capitoli: una direttiva o un ruolo per file
uscite/               ciò che si costruisce: pagine, LaTeX, EPUB, quaderni, un’uscita per file

In cima, chi mette insieme: costruzione.py, l’estensione che Sphinx carica e gli altri comandi.
"""
