"""Da testo a testo: si tolgono dei pezzi, e il decoder li riscrive (T5, Raffel e altri, 2019, arXiv 1910.10683).

Al posto di ogni pezzo la frase ha un segnaposto; l’uscita è l’elenco dei pezzi, ciascuno dopo il suo segnaposto. Il
modello è il Transformer dell’articolo, encoder e decoder.
"""

import torch

from attenzione.config import check_fraction, check_positive_integer


def cut(tokens, spans, marks):
    """Toglie da tokens i pezzi spans, coppie (inizio, fine esclusa) in ordine e staccate. Rende (frase, pezzi).

    tokens, e ciò che si rende: liste di identificatori; marks: i segnaposti, usati nell’ordine. I pezzi sono preceduti
    dal loro segnaposto. Errori: ValueError se i pezzi sono vuoti, fuori posto, attaccati o più dei segnaposti.
    """
    check_spans(len(tokens), spans, marks)
    source, pieces, end = [], [], 0
    for mark, (start, stop) in zip(marks, spans, strict=False):
        source += [*tokens[end:start], mark]
        pieces += [mark, *tokens[start:stop]]
        end = stop
    return source + tokens[end:], pieces


def restore(source, pieces, marks):
    """La frase intera: nella frase source, al posto di ogni segnaposto, il pezzo che pieces scrive dopo di lui.

    È l’inversa di cut. Un segnaposto di cui pieces non dice nulla sparisce; ciò che viene prima del primo segnaposto
    non ha posto, e si perde.
    """
    found, mark = {}, None
    for token in pieces:
        if token in marks:
            mark = token
            found.setdefault(mark, [])
        elif mark is not None:
            found[mark].append(token)
    whole = []
    for token in source:
        whole += found.get(token, []) if token in marks else [token]
    return whole


def draw_spans(n, generator, share=0.15, mean=3):
    """Pezzi a caso di una frase di n token: (inizio, fine) in ordine, staccati, per circa n · share token in tutto.

    I pezzi sono tanti quanti ne servono perché siano lunghi in media mean; almeno un pezzo di un token, e almeno un
    token resta. Errori: ValueError se n è meno di 2, share non è fra 0 e 1 o mean non è positivo.
    """
    check_fraction("share", share)
    check_positive_integer("mean", mean)
    if n < 2:
        raise ValueError(f"n vale {n}: atteso almeno 2, un token da togliere e uno da lasciare")
    out = min(max(1, round(n * share)), n - 1)  # i token tolti
    k = min(max(1, round(out / mean)), out, n - out)  # i pezzi
    lengths = parts(out, k, generator)  # k interi positivi
    gaps = parts(n - out + 2, k + 1, generator)  # k + 1 intervalli; quelli ai capi possono essere vuoti
    spans, end = [], gaps[0] - 1
    for length, gap in zip(lengths, gaps[1:], strict=True):
        spans.append((end, end + length))
        end += length + gap
    return spans


def parts(total, k, generator):
    """total diviso in k interi positivi, a caso fra tutti i modi."""
    cuts = sorted((torch.randperm(total - 1, generator=generator)[: k - 1] + 1).tolist())
    return [b - a for a, b in zip([0, *cuts], [*cuts, total], strict=True)]


def check_spans(n, spans, marks):
    if len(spans) > len(marks):
        raise ValueError(f"spans ha {len(spans)} pezzi: attesi al più {len(marks)}, quanti i segnaposti")
    end = -1
    for start, stop in spans:
        if not end < start < stop <= n:
            raise ValueError(f"spans contiene ({start}, {stop}): attesi pezzi in ordine, staccati, da 0 a {n}")
        end = stop
