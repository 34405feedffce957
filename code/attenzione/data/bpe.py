"""La codifica byte-pair appresa in chiaro (Sennrich e altri, 2016), §5.1: lenta e breve, per leggerla.

Una parola è una tupla di pezzi, e «▁» ne segna l’inizio. Il modello del libro usa attenzione.data.tokenizer, che
impara nello stesso modo con la libreria tokenizers.
"""

from collections import Counter
from itertools import pairwise


def word_counts(texts):
    """Quante volte compare ogni parola dei testi, spezzata in caratteri: da tuple di pezzi a interi."""
    return Counter(tuple("▁" + word) for text in texts for word in text.split())


def pair_counts(words):
    """Quante volte ogni coppia di pezzi sta fianco a fianco. words: da tuple di pezzi a interi."""
    counts = Counter()
    for word, times in words.items():
        for pair in pairwise(word):
            counts[pair] += times
    return counts


def merge_pair(word, pair):
    """La parola con ogni coppia pair fusa in un pezzo solo, da sinistra a destra."""
    merged = []
    for piece in word:
        if merged and (merged[-1], piece) == pair:
            merged[-1] += piece
        else:
            merged.append(piece)
    return tuple(merged)


def learn_merges(words, n_merges):
    """Le n_merges fusioni, in ordine: ogni volta la coppia più frequente, a parità la prima in ordine alfabetico.

    words: da tuple di pezzi a interi, come le rende word_counts. Rende un elenco di coppie, più corto se le coppie
    finiscono. Errori: ValueError se words è vuoto o n_merges è negativo.
    """
    if not words:
        raise ValueError("words è vuoto: attesa almeno una parola")
    if n_merges < 0:
        raise ValueError(f"n_merges vale {n_merges}: atteso un intero non negativo")
    merges = []
    while len(merges) < n_merges and (counts := pair_counts(words)):
        merges.append(max(sorted(counts), key=counts.get))
        words = {merge_pair(word, merges[-1]): times for word, times in words.items()}
    return merges


def split_word(word, merges):
    """I pezzi di una parola, anche mai vista: si rifanno le fusioni, nell’ordine in cui sono state imparate."""
    pieces = tuple("▁" + word)
    for pair in merges:
        pieces = merge_pair(pieces, pair)
    return list(pieces)
