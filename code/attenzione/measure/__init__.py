"""I tempi: ``timing`` (misurare bene), ``roofline`` (i limiti della macchina), ``floor`` (i soli prodotti di un passo),
``benchmark`` (libreria e rivali).
"""
