"""L’esempio di tutto il libro: cinque token, con numeri piccoli e sempre gli stessi.

n = 5 token, d_model = 8 componenti, h = 2 teste, d_k = 4, d_v = 3: grandezze tutte diverse fra
loro, così due assi non si possono scambiare. I numeri sono estratti a caso una volta per tutte
e arrotondati a un decimale: mostrano il calcolo, non dicono nulla sull’italiano.
"""

import math

import torch

from attenzione.embedding import sinusoidal_positions

TOKENS = ["la", "gatta", "mangia", "il", "topo"]
N, D_MODEL, H, D_K, D_V = len(TOKENS), 8, 2, 4, 3


def _draw(*shape, scale):
    return (torch.randn(*shape, generator=_generator) * scale).round(decimals=1)


_generator = torch.Generator().manual_seed(2017)
E = _draw(N, D_MODEL, scale=1 / math.sqrt(D_MODEL))  # (5, 8), tabella degli embedding, §3.4
W_q = _draw(H, D_MODEL, D_K, scale=1 / math.sqrt(D_MODEL))  # (2, 8, 4), §3.2.2
W_k = _draw(H, D_MODEL, D_K, scale=1 / math.sqrt(D_MODEL))  # (2, 8, 4)
W_v = _draw(H, D_MODEL, D_V, scale=1 / math.sqrt(D_MODEL))  # (2, 8, 3)
W_o = _draw(H * D_V, D_MODEL, scale=1 / math.sqrt(H * D_V))  # (6, 8)

X = E * math.sqrt(D_MODEL) + sinusoidal_positions(N, D_MODEL).float()  # (5, 8), ingresso del primo strato, §3.5
Q, K, V = X @ W_q[0], X @ W_k[0], X @ W_v[0]  # (5, 4), (5, 4), (5, 3): la prima testa
