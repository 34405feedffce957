"""Attenzione latente, MLA (DeepSeek-AI, 2024, arXiv 2405.04434): nella cache un vettore solo per tutte le teste.

Chiavi e valori di ogni testa si ricavano da c = x W_c, di d_c componenti, e nella cache sta soltanto c. La matrice che
da c fa le chiavi si può spostare sulle query, quella che fa i valori sull’uscita: così chiavi e valori non si scrivono
mai. Qui non c’è la parte girata dalle posizioni, che nell’articolo sta accanto a c: una rotazione diversa per ogni
posizione non si lascia spostare.
"""

import math

import torch
from torch import nn

from attenzione.attention import attend, causal_mask
from attenzione.config import check_positive_integer
from attenzione.later.gated import starting_matrix


class LatentAttention(nn.Module):
    """La self-attention di §3.2.2 con chiavi e valori ricavati da un vettore di d_c componenti.

    W_q: (d_model, h d_k); W_c: (d_model, d_c); W_uk, W_uv: (d_c, h d_k); W_o: (h d_k, d_model); nessun bias.
    Errori: ValueError se una grandezza non è un intero positivo o d_model non è multiplo di n_heads.
    """

    def __init__(self, d_model, n_heads, d_c):
        super().__init__()
        for name, value in (("d_model", d_model), ("n_heads", n_heads), ("d_c", d_c)):
            check_positive_integer(name, value)
        if d_model % n_heads:
            raise ValueError(f"d_model vale {d_model}: atteso un multiplo di n_heads = {n_heads}")
        self.n_heads, self.d_k = n_heads, d_model // n_heads
        self.W_q = starting_matrix(d_model, d_model)
        self.W_c = starting_matrix(d_model, d_c)
        self.W_uk = starting_matrix(d_c, d_model)
        self.W_uv = starting_matrix(d_c, d_model)
        self.W_o = starting_matrix(d_model, d_model)

    def forward(self, x, cache=None):
        """Come si legge: le chiavi e i valori di ogni testa, scritti. x: (B, n, d_model); cache: (B, n_prima, d_c).

        Causale. Rende (uscita, cache): (B, n, d_model) e (B, n_prima + n, d_c).
        """
        Q, c = self.split_heads(x @ self.W_q), self.extend(cache, x @ self.W_c)
        K, V = self.split_heads(c @ self.W_uk), self.split_heads(c @ self.W_uv)  # (B, h, n_k, d_k)
        heads, _ = attend(Q @ K.mT / math.sqrt(self.d_k), V, causal_mask(Q.size(-2), K.size(-2), x.device))
        return heads.transpose(1, 2).flatten(2) @ self.W_o, c

    def absorbed(self, x, cache=None):
        """Come si genera: le teste leggono tutte c, e nessuna chiave si scrive. Argomenti e resa di forward."""
        W_uk, W_uv = (W.unflatten(1, (self.n_heads, -1)).transpose(0, 1) for W in (self.W_uk, self.W_uv))
        c = self.extend(cache, x @ self.W_c)  # (B, n_k, d_c)
        Q = self.split_heads(x @ self.W_q) @ W_uk.mT  # (B, h, n, d_c): la query va verso c
        scores = Q @ c[:, None].mT / math.sqrt(self.d_k)  # (B, h, n, n_k)
        read, _ = attend(scores, c[:, None], causal_mask(Q.size(-2), c.size(1), x.device))  # (B, h, n, d_c)
        return (read @ W_uv).transpose(1, 2).flatten(2) @ self.W_o, c

    @staticmethod
    def extend(cache, c):
        return c if cache is None else torch.cat([cache, c], dim=1)

    def split_heads(self, x):
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)  # (B, n, h d) → (B, h, n, d)
