"""ROUGE: quanto di un testo di riferimento si ritrova in un riassunto (Lin, 2004).

I testi sono elenchi di parole. ROUGE-N conta gli n-grammi in comune, ROUGE-L la sottosequenza comune più lunga: parole
nello stesso ordine, anche non vicine.
"""

from collections import Counter

from attenzione.config import check_positive_integer


def rouge_n(found, reference, n=1):
    """ROUGE-N: (precisione, richiamo, F1) sugli n-grammi, ciascuno contato al più quante volte sta nell’altro testo.

    Il richiamo divide per gli n-grammi del riferimento, la precisione per quelli del testo trovato.
    """
    check_positive_integer("n", n)
    ours, theirs = (Counter(zip(*(text[i:] for i in range(n)), strict=False)) for text in (found, reference))
    return scores((ours & theirs).total(), ours.total(), theirs.total())


def rouge_l(found, reference):
    """ROUGE-L: (precisione, richiamo, F1) sulla sottosequenza comune più lunga."""
    return scores(common_length(found, reference), len(found), len(reference))


def common_length(a, b):
    """Quanto è lunga la sottosequenza comune più lunga, riga per riga: len(a) · len(b) confronti."""
    before = [0] * (len(b) + 1)
    for x in a:
        row = [0]
        for j, y in enumerate(b):
            row.append(before[j] + 1 if x == y else max(row[j], before[j + 1]))
        before = row
    return before[-1]


def scores(common, ours, theirs):
    precision, recall = common / max(ours, 1), common / max(theirs, 1)
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0
