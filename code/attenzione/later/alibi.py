"""ALiBi, le posizioni tolte dai punteggi (Press, Smith e Lewis, 2022, arXiv 2108.12409), al posto di §3.5.

Agli embedding non si somma nulla, query e chiavi non girano: al punteggio si toglie μ volte la distanza fra la query e
la chiave, con una pendenza μ per ciascuna testa, fissata prima dell’addestramento.
"""

import math

import torch

from attenzione.attention import attend, causal_mask
from attenzione.config import check_positive_integer
from attenzione.later.grouped import GroupedQueryAttention


def slopes(n_heads):
    """Le pendenze di n_heads teste, in progressione geometrica: 2^(−8/h), 2^(−16/h), …, 2^(−8). Rende (h,), in doppia
    precisione.

    Con 8 teste sono 1/2, 1/4, …, 1/256. Quando h non è una potenza di 2 il codice degli autori ne prende altre, vicine.
    Errori: ValueError se n_heads non è un intero positivo.
    """
    check_positive_integer("n_heads", n_heads)
    return 2.0 ** (-8 * torch.arange(1, n_heads + 1, dtype=torch.float64) / n_heads)


def linear_biases(n_heads, n_q, n_k=None):
    """Ciò che si somma ai punteggi: −μ volte la distanza fra le posizioni, testa per testa, (h, n_q, n_k).

    n_k: n_q se None; se è di più le query sono le ultime posizioni, come quando le chiavi prima sono già in cache.
    Errori: ValueError se n_k è minore di n_q, o n_heads non è un intero positivo.
    """
    n_k = n_q if n_k is None else n_k
    if n_k < n_q:
        raise ValueError(f"n_k vale {n_k}: atteso almeno n_q = {n_q}")
    distance = (torch.arange(n_k - n_q, n_k)[:, None] - torch.arange(n_k)).abs()  # (n_q, n_k)
    return -slopes(n_heads)[:, None, None] * distance


class ALiBiAttention(GroupedQueryAttention):
    """La self-attention di §3.2.2 con le posizioni nei punteggi. Argomenti ed errori: quelli di GroupedQueryAttention.

    Una via sola, quella che costruisce i pesi.
    """

    def forward(self, x, mask=None, *, is_causal=False, cache=None, need_weights=False):
        """x: (B, n, d_model); mask: trasmissibile a (B, n, n_k); cache: una KVCache di n_kv_heads teste.

        Con la cache x contiene soltanto le posizioni nuove, che la seguono. Rende (B, n, d_model); con need_weights
        anche i pesi (B, h, n, n_k).
        """
        Q, K, V = map(self.split_heads, (x @ self.W_qkv).split(self.widths, dim=-1))  # (B, h o h_kv, n, d_k)
        if cache is not None:
            K, V = cache.append(K, V)
        n_q, n_k = Q.size(-2), K.size(-2)
        if is_causal:
            causal = causal_mask(n_q, n_k, device=x.device)
            mask = causal if mask is None else causal & mask
        if mask is not None and mask.dim() > 2:
            mask = mask.unsqueeze(-3)  # (B, 1, n_q, n_k)
        scores = (Q / math.sqrt(self.d_k)) @ self.spread(K).mT  # (B, h, n_q, n_k)
        heads, weights = attend(scores + linear_biases(self.n_heads, n_q, n_k).to(scores), self.spread(V), mask)
        output = heads.transpose(1, 2).flatten(2) @ self.W_o  # (B, n, h d_k) → (B, n, d_model)
        return (output, weights) if need_weights else output
