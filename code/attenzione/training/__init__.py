"""L’addestramento, §5, nell’ordine dell’articolo.

§5.1 ``batches``; §5.3 ``schedule`` (equazione 3 e Adam); §5.4 ``loss`` (label smoothing); §6.1 ``checkpoint`` (la media
degli ultimi). ``loop`` li mette insieme, ``distributed`` su più processi, ``recipe`` da un file YAML, le cui voci
controlla ``entries``.
Qui nessun modulo importa un’architettura: una ricetta e un checkpoint dicono il nome della loro classe.
"""
