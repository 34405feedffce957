"""Ciò che il Transformer sostituisce: encoder e decoder ricorrenti con l’attenzione additiva, per confronto.

L’encoder è una LSTM bidirezionale; il decoder è una LSTM che legge la frase di arrivo, e a ogni posizione
guarda la memoria con AdditiveAttention. Si addestra con train(), come il Transformer, e con la stessa ricetta.
"""

from dataclasses import dataclass

import torch
from torch import nn

from attenzione.attention import AdditiveAttention, padding_mask
from attenzione.config import check_positive_integer
from attenzione.decoding import Hypothesis
from attenzione.embedding import Embedding


@dataclass(frozen=True)
class LSTMConfig:
    """Le grandezze della rete ricorrente; quelle in comune con TransformerConfig hanno lo stesso nome.

    n_layers: strati dell’encoder; d_hidden: la larghezza della memoria e del decoder, pari.
    """

    n_vocab: int
    n_layers: int = 2
    d_model: int = 256
    d_hidden: int = 512
    p_drop: float = 0.1
    eps_ls: float = 0.1
    max_len: int = 1024
    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2

    def __post_init__(self):
        for name in ("n_vocab", "n_layers", "d_model", "d_hidden", "max_len"):
            check_positive_integer(name, getattr(self, name))
        if self.d_hidden % 2:
            raise ValueError(f"d_hidden vale {self.d_hidden}: atteso pari, metà per ciascuna direzione")


class AttentionLSTM(nn.Module):
    """forward(src, tgt) rende i logit come il Transformer; l’embedding è condiviso nello stesso modo."""

    def __init__(self, config):
        super().__init__()
        self.config = c = config
        self.embedding = Embedding(c.n_vocab, c.d_model)
        self.dropout = nn.Dropout(c.p_drop)
        self.encoder = nn.LSTM(
            c.d_model, c.d_hidden // 2, c.n_layers, batch_first=True, bidirectional=True,
            dropout=c.p_drop if c.n_layers > 1 else 0.0,
        )
        self.start = nn.Linear(c.d_hidden, c.d_hidden)
        self.decoder = nn.LSTM(c.d_model, c.d_hidden, batch_first=True)
        self.attention = AdditiveAttention(c.d_hidden)
        self.combine = nn.Linear(2 * c.d_hidden, c.d_model)
        self.norm = nn.LayerNorm(c.d_model)                 # come nel Transformer, prima dei logit

    def forward(self, src, tgt):
        """src: (B, n) e tgt: (B, m), PAD in fondo. Rende i logit (B, m, n_vocab)."""
        z, mask, state = self.encode(src)
        return self.decode(tgt, z, mask, state)[0]

    def encode(self, src):
        """src: (B, n). Rende la memoria (B, n, d_hidden), la maschera (B, 1, n) e lo stato del decoder."""
        mask = padding_mask(src, self.config.pad_id)        # (B, 1, n)
        lengths = mask.sum(dim=-1).squeeze(-1)              # (B,)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.embedding(src)), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        z, _ = nn.utils.rnn.pad_packed_sequence(
            self.encoder(packed)[0], batch_first=True, total_length=src.size(1)
        )                                                   # (B, n, d_hidden)
        mean = z.sum(dim=1) / lengths[:, None]              # (B, d_hidden)
        h = self.start(mean).tanh()[None]                   # (1, B, d_hidden)
        return z, mask, (h, torch.zeros_like(h))

    def decode(self, tgt, z, mask, state):
        """Le posizioni nuove tgt (B, m) a partire da uno stato. Rende i logit (B, m, n_vocab) e lo stato."""
        h, state = self.decoder(self.dropout(self.embedding(tgt)), state)       # (B, m, d_hidden)
        context, _ = self.attention(h, z, z, mask)          # (B, m, d_hidden)
        x = self.norm(self.combine(torch.cat([h, context], dim=-1)))            # (B, m, d_model)
        return self.embedding.logits(self.dropout(x)), state

    @torch.inference_mode()
    def greedy(self, src, max_extra=50):
        """A ogni passo il token più probabile. src: (B, n). Rende una Hypothesis per frase."""
        c = self.config
        z, mask, state = self.encode(src)
        limits = mask.sum(dim=-1).squeeze(-1) + max_extra   # (B,)
        tokens = src.new_full((src.size(0), 1), c.bos_id)
        done = torch.zeros(src.size(0), dtype=torch.bool, device=src.device)
        rows, total = [], 0.0
        for step in range(1, int(limits.max()) + 1):
            logits, state = self.decode(tokens, z, mask, state)
            logits[..., [c.pad_id, c.bos_id]] = -torch.inf
            log_prob, chosen = logits[:, -1].log_softmax(dim=-1).max(dim=-1)    # (B,)
            chosen = chosen.masked_fill(done, c.pad_id)
            total = total + log_prob.masked_fill(done, 0.0)
            rows.append(chosen)
            done |= (chosen == c.eos_id) | (limits <= step)
            if done.all():
                break
            tokens = chosen[:, None]
        found = zip(torch.stack(rows, dim=1).tolist(), total.tolist(), strict=True)
        special = (c.pad_id, c.eos_id)
        return [
            Hypothesis([t for t in row if t not in special], value, value, c.eos_id in row)
            for row, value in found
        ]
