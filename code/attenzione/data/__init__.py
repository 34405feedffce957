"""I dati, §5.1: da un testo a sequenze di identificatori.

``corpus`` (leggere, pulire, dividere), ``text`` (lo stesso per un testo solo), ``download`` (i corpora pubblici),
``bpe`` (byte-pair encoding in poche righe), ``tokenizer`` (quello dei modelli del libro), ``vocabulary`` (parole
intere). Inventati qui: ``example`` (i cinque token del libro), ``toy`` (i giochi), ``micro`` (la microlingua).
"""
