"""I dati, §5.1: da un testo a sequenze di identificatori.

``corpus`` (leggere, pulire, dividere), ``download`` (i corpora pubblici), ``bpe`` (byte-pair encoding in poche righe),
``tokenizer`` (quello del traduttore), ``vocabulary`` (parole intere). Inventati qui: ``example`` (i cinque token del
libro), ``toy`` (i giochi), ``micro`` (la microlingua).
"""
