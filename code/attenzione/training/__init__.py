"""L’addestramento, §5, nell’ordine dell’articolo.

§5.1 ``batches``; §5.3 ``schedule`` (equazione 3 e Adam); §5.4 ``loss`` (label smoothing); §6.1 ``checkpoint`` (la media
degli ultimi). ``windows`` è per chi si addestra su un testo lungo, e non su coppie. ``loop`` li mette insieme,
``distributed`` su più processi, ``recipe`` da un file YAML, le cui voci controlla ``entries``; ``shipped`` trova e
carica i modelli che viaggiano col libro, ``report`` dice nelle loro schede come sono stati addestrati.
Qui nessun modulo importa un’architettura: una ricetta e un checkpoint dicono il nome della loro classe.
"""
