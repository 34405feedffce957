"""Attenzione con uno schema fisso: quali coppie guardarsi si decide prima, dalle sole posizioni.

Le maschere sono quelle di attenzione.attention, booleane e vere dove si può guardare, (n, n); causali tutte, tranne
quando lo si dice. Gli schemi a passi sono di Child e altri (2019, arXiv 1904.10509), le finestre con posizioni globali
di Beltagy, Peters e Cohan (2020, arXiv 2004.05150).
"""

import torch

from attenzione.attention import causal_mask, check_inputs, scaled_dot_product_attention
from attenzione.config import check_positive_integer


def window_mask(n, width):
    """Ogni posizione guarda sé stessa e le width − 1 prima: (n, n)."""
    check_positive_integer("width", width)
    return causal_mask(n) & ~torch.ones(n, n, dtype=torch.bool).tril(-width)


def strided_mask(n, stride):
    """La finestra di stride posizioni, e poi una ogni stride: sé stessa, stride prima, 2 stride prima…: (n, n)."""
    distance = torch.arange(n)[:, None] - torch.arange(n)  # (n, n)
    return window_mask(n, stride) | (causal_mask(n) & (distance % stride == 0))


def fixed_mask(n, stride, summaries=1):
    """Il proprio blocco di stride posizioni, e le ultime summaries di ogni blocco prima: (n, n).

    Errori: ValueError se summaries non sta fra 1 e stride.
    """
    check_positive_integer("stride", stride)
    check_positive_integer("summaries", summaries)
    if summaries > stride:
        raise ValueError(f"summaries vale {summaries}: atteso al più stride = {stride}")
    block = torch.arange(n) // stride  # (n,)
    last = torch.arange(n) % stride >= stride - summaries  # (n,)
    return causal_mask(n) & ((block[:, None] == block) | last)


def global_mask(n, width, places):
    """Una finestra di width posizioni attorno a sé, più le posizioni places: guardano tutte, e tutte le guardano.

    Non è causale. width: dispari, (width − 1)/2 per parte. Rende (n, n).
    """
    check_positive_integer("width", width)
    if width % 2 == 0:
        raise ValueError(f"width vale {width}: atteso dispari, per averne tante di qua quante di là")
    distance = (torch.arange(n)[:, None] - torch.arange(n)).abs()  # (n, n)
    mask = distance <= width // 2
    mask[places] = True
    mask[:, places] = True
    return mask


def layers_to_join(mask):
    """Quanti strati con questa maschera servono perché ogni coppia lecita sia collegata; None se non bastano mai.

    mask: (n, n). Una coppia è lecita se la maschera non è causale, o se la chiave non viene dopo la query.
    """
    wanted = torch.ones_like(mask) if mask.triu(1).any() else causal_mask(len(mask))
    reached, layers = mask, 1
    while not reached[wanted].all():
        further = (mask.double() @ reached.double()) > 0  # un passo in più, (n, n)
        if torch.equal(further, reached):
            return None
        reached, layers = further, layers + 1
    return layers


def window_attention(Q, K, V, width):
    """L’attenzione con window_mask, calcolando soltanto le coppie della finestra: (..., n, width) punteggi, non n × n.

    Q, K: (..., n, d_k); V: (..., n, d_v). Rende (uscita, pesi): (..., n, d_v) e (..., n, width), i pesi dalla
    posizione più lontana alla propria. Errori: quelli di scaled_dot_product_attention.
    """
    check_positive_integer("width", width)
    check_inputs(Q, K, V)
    n = Q.size(-2)
    index = torch.arange(n, device=Q.device)[:, None] + torch.arange(1 - width, 1, device=Q.device)  # (n, width)
    mask = index >= 0  # prima dell’inizio non si guarda
    near = index.clamp(min=0)
    output, weights = scaled_dot_product_attention(
        Q.unsqueeze(-2), K[..., near, :], V[..., near, :], mask.unsqueeze(-2)
    )  # (..., n, 1, d_v), (..., n, 1, width)
    return output.squeeze(-2), weights.squeeze(-2)
