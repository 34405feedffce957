"""Le teste messe alla prova: quante volte il peso più grande cade dove una relazione nota dice di guardare.

Appendice dell’articolo: «teste diverse svolgono compiti diversi». Qui lo si misura, testa per testa.
"""

from dataclasses import dataclass

import torch

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
            row = weights[:, :, query]                                # (N, h, n)
            if example.candidates is not None:
                keys = torch.tensor(example.candidates)               # (c,)
                best = keys[row[..., keys].argmax(dim=-1)]            # (N, h)
            else:
                best = row.argmax(dim=-1)                             # (N, h)
            right = right + torch.isin(best, torch.tensor(sorted(good)))
            total += 1
    if not total:
        raise ValueError("examples non contiene relazioni: attesa almeno una coppia query–chiavi")
    return right / total


def chance_accuracy(examples):
    """La frazione che si indovina scegliendo la chiave a caso fra le candidate: la media di giuste su candidate."""
    found = [
        len(good) / len(example.candidates or example.src)
        for example in examples for good in example.links.values()
    ]
    return sum(found) / len(found)


@torch.no_grad()
def alignment_error_rate(model, examples, sure):
    """L’errore di allineamento (AER, Och e Ney) di ogni testa encoder-decoder: (n_layers, n_heads); 0 è perfetto.

    A ogni token di arrivo si assegna la chiave col peso maggiore (A). examples: in links tutti i legami possibili
    (P); sure: per ogni esempio l’insieme dei legami certi (S), coppie (query, chiave), contenuto in P.
    AER = 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|).
    """
    hits, size = 0, 0
    for example, weights, certain in zip(
        examples, attention_rows(model, examples, "encoder-decoder"), sure, strict=True
    ):
        best = weights.argmax(dim=-1)                                 # (N, h, m)
        for query in range(best.size(-1)):
            possible = sorted(example.links.get(query, ()))
            hits = hits + torch.isin(best[..., query], torch.tensor(possible, dtype=torch.long))
            keys = [key for j, key in certain if j == query]
            hits = hits + torch.isin(best[..., query], torch.tensor(keys, dtype=torch.long))
        size += best.size(-1) + len(certain)
    return 1 - hits / size


def attention_rows(model, examples, kind):
    """I pesi di ogni esempio, uno alla volta: (n_layers, n_heads, n_q, n_k)."""
    if kind not in KINDS:
        raise ValueError(f"kind vale «{kind}»: atteso uno fra {', '.join(KINDS)}")
    device = next(model.parameters()).device
    for example in examples:
        src = torch.tensor([example.src], device=device)              # (1, n)
        tgt = torch.tensor([[model.config.bos_id, *example.tgt]], device=device)      # (1, m + 1)
        weights = torch.cat(model.attention_weights(src, tgt)[kind]).cpu()    # (N, h, n_q, n_k)
        yield weights if kind == "encoder" else weights[:, :, : len(example.tgt)]
