"""Teste di query che condividono chiavi e valori: tutte (MQA, Shazeer, 2019, arXiv 1911.02150) o a gruppi (GQA,
Ainslie e altri, 2023, arXiv 2305.13245). La cache si accorcia di quante volte sono meno le teste di chiavi.
"""

import torch
from torch import nn

from attenzione.attention import causal_mask, fused_attention, scaled_dot_product_attention
from attenzione.config import check_positive_integer


class GroupedQueryAttention(nn.Module):
    """La self-attention di §3.2.2 con n_heads teste di query e n_kv_heads di chiavi e valori.

    Le query sono spartite in n_kv_heads gruppi di teste vicine, e ogni gruppo guarda le stesse chiavi e gli stessi
    valori. Con n_kv_heads = n_heads (se None) è MultiHeadAttention, con 1 è MQA. W_qkv: (d_model, (h + 2 h_kv) d_k);
    W_o: (h d_k, d_model); nessun bias. p_attention: dropout sui pesi; init_gain: moltiplica i valori di partenza;
    rotary: un RotaryPositions, o None se le posizioni si sommano altrove.
    Errori: ValueError se una grandezza non è un intero positivo, d_model non è multiplo di n_heads o n_heads di
    n_kv_heads.
    """

    def __init__(self, d_model, n_heads, n_kv_heads=None, *, p_attention=0.0, init_gain=1.0, rotary=None):
        super().__init__()
        n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
        check_groups(d_model, n_heads, n_kv_heads)
        self.n_heads, self.n_kv_heads, self.d_k = n_heads, n_kv_heads, d_model // n_heads
        self.p_attention, self.rotary = p_attention, rotary
        self.widths = (n_heads * self.d_k, n_kv_heads * self.d_k, n_kv_heads * self.d_k)
        self.W_qkv = nn.Parameter(torch.empty(d_model, sum(self.widths)))  # (d_model, (h + 2 h_kv) d_k)
        self.W_o = nn.Parameter(torch.empty(n_heads * self.d_k, d_model))  # (h d_k, d_model)
        for W in (*self.W_qkv.split(self.widths, dim=-1), self.W_o):
            nn.init.xavier_uniform_(W, init_gain)

    def forward(self, x, mask=None, *, is_causal=False, cache=None, need_weights=False):
        """x: (B, n, d_model); mask: trasmissibile a (B, n, n_k); cache: una KVCache di n_kv_heads teste.

        Con la cache x contiene soltanto le posizioni nuove, che la seguono. Rende (B, n, d_model); con need_weights
        anche i pesi (B, h, n, n_k).
        """
        p_drop = self.p_attention if self.training else 0.0
        Q, K, V = map(self.split_heads, (x @ self.W_qkv).split(self.widths, dim=-1))  # (B, h o h_kv, n, d_k)
        start = 0 if cache is None else cache.length
        if self.rotary is not None:
            Q, K = self.rotary(Q, start), self.rotary(K, start)
        if cache is not None:
            K, V = cache.append(K, V)
        K, V = self.spread(K), self.spread(V)  # (B, h, n_k, d_k)
        if is_causal and (start or mask is not None or need_weights):
            causal = causal_mask(Q.size(-2), K.size(-2), device=x.device)  # le query sono le ultime posizioni
            mask, is_causal = causal if mask is None else causal & mask, False
        if mask is not None and mask.dim() > 2:
            mask = mask.unsqueeze(-3)  # (B, 1, n, n_k)
        if need_weights:
            heads, weights = scaled_dot_product_attention(Q, K, V, mask)
            return heads.transpose(1, 2).flatten(2) @ self.W_o, weights
        heads = fused_attention(Q, K, V, mask, is_causal=is_causal, dropout_p=p_drop)
        return heads.transpose(1, 2).flatten(2) @ self.W_o  # (B, n, h d_k) → (B, n, d_model)

    def spread(self, x):
        """Le teste di chiavi o valori (B, h_kv, n, d_k), ognuna ripetuta per il suo gruppo: (B, h, n, d_k)."""
        return x.repeat_interleave(self.n_heads // self.n_kv_heads, dim=1)

    def split_heads(self, x):
        return x.unflatten(-1, (-1, self.d_k)).transpose(1, 2)  # (B, n, h d_k) → (B, h, n, d_k)


def check_groups(d_model, n_heads, n_kv_heads):
    """Errore se le teste non si spartiscono d_model in parti uguali, o i gruppi le teste."""
    for name, value in (("d_model", d_model), ("n_heads", n_heads), ("n_kv_heads", n_kv_heads)):
        check_positive_integer(name, value)
    if d_model % n_heads:
        raise ValueError(f"d_model vale {d_model}: atteso un multiplo di n_heads = {n_heads}")
    if n_heads % n_kv_heads:
        raise ValueError(f"n_heads vale {n_heads}: atteso un multiplo di n_kv_heads = {n_kv_heads}")
