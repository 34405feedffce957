"""Le teste messe alla prova: quante volte il peso più grande cade dove una relazione nota dice di guardare.

Appendice dell’articolo: «teste diverse svolgono compiti diversi». Qui lo si misura, testa per testa.
"""

from dataclasses import dataclass

import torch
from torch.nn.functional import one_hot

KINDS = ("encoder", "decoder", "encoder-decoder")


@dataclass(frozen=True)
class Example:
    """Una frase con le relazioni note: quale chiave dovrebbe guardare una query.

    src, tgt: identificatori, senza BOS né EOS. links: da ogni posizione di query alle chiavi giuste; per
    «encoder-decoder» e «decoder» la query j è la posizione che predice tgt[j]. candidates: fra quali chiavi si
    sceglie; None per tutte.
    """

    src: list[int]
    tgt: list[int]
    links: dict[int, frozenset[int]]
    candidates: tuple[int, ...] | None = None


@torch.no_grad()
def head_accuracy(model, examples, kind="encoder"):
    """La frazione di relazioni in cui la chiave col peso maggiore è giusta: (n_layers, n_heads).

    model: un Transformer in valutazione. kind: «encoder», «decoder» o «encoder-decoder». Errori: ValueError se
    kind è un altro o gli esempi non hanno relazioni.
    """
    right, total = 0, 0
    for example, weights in zip(examples, attention_rows(model, examples, kind), strict=True):
        for query, good in example.links.items():
            row = weights[:, :, query]  # (N, h, n)
            if example.candidates is not None:
                keys = torch.tensor(example.candidates)  # (c,)
                best = keys[row[..., keys].argmax(dim=-1)]  # (N, h)
            else:
                best = row.argmax(dim=-1)  # (N, h)
            right = right + torch.isin(best, torch.tensor(sorted(good)))
            total += 1
    if not total:
        raise ValueError("examples non contiene relazioni: attesa almeno una coppia query–chiavi")
    return right / total


def chance_accuracy(examples):
    """La frazione che si indovina scegliendo la chiave a caso fra le candidate: la media di giuste su candidate."""
    found = [
        len(good) / len(example.candidates or example.src) for example in examples for good in example.links.values()
    ]
    return sum(found) / len(found)


@torch.no_grad()
def alignment_error_rate(model, examples, sure):
    """L’errore di allineamento (AER, Och e Ney) di ogni testa encoder-decoder: (n_layers, n_heads); 0 è perfetto.

    A ogni token di arrivo si assegna la chiave col peso maggiore. examples, sure: come in alignment_error.
    """
    weights = attention_rows(model, examples, "encoder-decoder")
    return alignment_error((one_hot(w.argmax(dim=-1), w.size(-1)) for w in weights), examples, sure)


def alignment_error(rows, examples, sure):
    """L’errore di allineamento di assegnazioni qualsiasi: AER = 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|).

    rows: per ogni esempio (..., m, n), con quale probabilità la query di ciascuna riga sceglie ogni chiave (A; con 1 e
    0 è una scelta sicura). examples: in links tutti i legami possibili (P); sure: per ogni esempio l’insieme dei
    legami certi (S), coppie (query, chiave), contenuto in P. Rende un tensore (...).
    """
    hits, size = 0, 0
    for row, example, certain in zip(rows, examples, sure, strict=True):
        good = torch.zeros(row.shape[-2:])  # (m, n): 1 se in P, 2 se anche in S
        for query, keys in example.links.items():
            good[query, sorted(keys)] += 1
        for query, key in certain:
            good[query, key] += 1
        hits = hits + (row * good).sum(dim=(-2, -1))
        size += row.size(-2) + len(certain)
    return 1 - hits / size


@torch.no_grad()
def peak_weight(model, sources):
    """Quanto è concentrata l’attenzione dell’encoder: il peso più grande di ogni riga, in media: (n_layers, n_heads).

    Vale 1 se ogni riga guarda una chiave sola, 1/n se le guarda tutte in parti uguali. model: un Transformer in
    valutazione; sources: frasi, come identificatori.
    """
    rows = attention_rows(model, [Example(src, [], {}) for src in sources], "encoder")
    return torch.cat([weights.amax(dim=-1) for weights in rows], dim=-1).mean(dim=-1)  # (N, h, n…) → (N, h)


def attention_rows(model, examples, kind):
    """I pesi di ogni esempio, uno alla volta: (n_layers, n_heads, n_q, n_k)."""
    if kind not in KINDS:
        raise ValueError(f"kind vale «{kind}»: atteso uno fra {', '.join(KINDS)}")
    device = next(model.parameters()).device
    for example in examples:
        src = torch.tensor([example.src], device=device)  # (1, n)
        tgt = torch.tensor([[model.config.bos_id, *example.tgt]], device=device)  # (1, m + 1)
        weights = torch.cat(model.attention_weights(src, tgt)[kind]).cpu()  # (N, h, n_q, n_k)
        yield weights if kind == "encoder" else weights[:, :, : len(example.tgt)]
