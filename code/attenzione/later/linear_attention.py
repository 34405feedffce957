"""L’attenzione lineare (Katharopoulos e altri, 2020, arXiv 2006.16236): senza softmax, le somme stanno in uno stato.

Il peso di una chiave è φ(q) · φ(k), diviso per la somma della riga, con φ positiva. I prodotti si possono fare in un
altro ordine: prima φ(k)ᵀ v, sommati mentre si legge, poi φ(q) per la somma. Lo stato ha d_k × d_v numeri per testa,
quale che sia n.
"""

import torch
from torch import nn
from torch.nn.functional import elu

from attenzione.attention import causal_mask
from attenzione.config import check_positive_integer


def feature_map(x):
    """φ(x) = elu(x) + 1, quella dell’articolo: x + 1 se x è positivo, e^x se non lo è. Mai negativa."""
    return elu(x) + 1


def linear_attention(Q, K, V):
    """Causale, con tutti i pesi: costa n² come l’attenzione.

    Q, K: (..., n, d_k); V: (..., n, d_v). Rende (..., n, d_v).
    """
    weights = feature_map(Q) @ feature_map(K).mT  # (..., n, n)
    weights = weights * causal_mask(Q.size(-2), device=Q.device)
    return weights @ V / weights.sum(dim=-1, keepdim=True)


def linear_attention_step(q, k, v, state=None):
    """La stessa, una posizione alla volta. q, k: (..., d_k); v: (..., d_v). Rende (..., d_v) e lo stato.

    Lo stato sono due somme: di φ(k)ᵀ v, (..., d_k, d_v), e di φ(k), (..., d_k).
    """
    q, k = feature_map(q), feature_map(k)
    written = k.unsqueeze(-1) * v.unsqueeze(-2)  # (..., d_k, d_v)
    total, keys = (written, k) if state is None else (state[0] + written, state[1] + k)
    output = (q.unsqueeze(-2) @ total).squeeze(-2) / (q * keys).sum(dim=-1, keepdim=True)
    return output, (total, keys)


class LinearAttention(nn.Module):
    """Con più teste, come in §3.2.2. W_qkv: (d_model, 3 d_model); W_o: (d_model, d_model); nessun bias.

    Errori: ValueError se le grandezze non sono interi positivi o d_model non è multiplo di n_heads.
    """

    def __init__(self, d_model, n_heads):
        super().__init__()
        for name, value in (("d_model", d_model), ("n_heads", n_heads)):
            check_positive_integer(name, value)
        if d_model % n_heads:
            raise ValueError(f"d_model vale {d_model}: atteso un multiplo di n_heads = {n_heads}")
        self.n_heads = n_heads
        self.W_qkv = nn.Parameter(torch.empty(d_model, 3 * d_model))
        self.W_o = nn.Parameter(torch.empty(d_model, d_model))
        for W in (*self.W_qkv.chunk(3, dim=-1), self.W_o):
            nn.init.xavier_uniform_(W)

    def forward(self, x):
        """x: (B, n, d_model). Rende (B, n, d_model)."""
        heads = linear_attention(*(y.transpose(1, 2) for y in self.split_heads(x)))  # (B, h, n, d_k)
        return heads.transpose(1, 2).flatten(2) @ self.W_o

    def step(self, x, state=None):
        """x: (B, d_model). Rende (B, d_model) e lo stato: (B, h, d_k, d_k) e (B, h, d_k)."""
        heads, state = linear_attention_step(*self.split_heads(x), state)  # (B, h, d_k)
        return heads.flatten(1) @ self.W_o, state

    def split_heads(self, x):
        return (y.unflatten(-1, (self.n_heads, -1)) for y in (x @ self.W_qkv).chunk(3, dim=-1))  # (..., h, d_k)
