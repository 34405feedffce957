"""Ciò con cui si decidono le affermazioni dell’articolo, nell’ordine delle sue sezioni.

§4 ``complexity`` (tabella 1, con sympy); §6 ``tables`` (tabelle 1–4, stampate e ricalcolate); §6.2 ``replica`` (la
tabella 3 in piccolo); §6.3 ``trees`` (gli alberi come sequenze); appendice ``heads`` (le teste messe alla prova),
``words`` (i pesi parola per parola), ``relations`` (relazioni annotate a mano), ``jobs`` (i compiti delle teste, in una
lingua artificiale).
"""
