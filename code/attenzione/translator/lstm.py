"""Ciò che il Transformer sostituisce: encoder e decoder ricorrenti con l’attenzione additiva, per confronto.

L’encoder è una LSTM bidirezionale; il decoder è una LSTM che legge la frase di arrivo, e a ogni posizione
guarda la memoria con AdditiveAttention. Si addestra con train(), come il Transformer, e con la stessa ricetta.
"""

from dataclasses import dataclass

import torch
from torch import nn

from attenzione.attention import AdditiveAttention, padding_mask
from attenzione.config import check_fraction, check_positive_integer, check_specials
from attenzione.embedding import Embedding
from attenzione.model import check_same_batch, check_tokens


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
        for name in ("p_drop", "eps_ls"):
            check_fraction(name, getattr(self, name))
        check_specials(self)
        if self.d_hidden % 2:
            raise ValueError(f"d_hidden vale {self.d_hidden}: atteso pari, metà per ciascuna direzione")


class AttentionLSTM(nn.Module):
    """forward(src, tgt) rende i logit come il Transformer; l’embedding è condiviso nello stesso modo.

    encode, start_cache e decode si usano come quelli del Transformer, e così le strategie di attenzione.decoding.
    """

    config_class = LSTMConfig

    def __init__(self, config):
        super().__init__()
        self.config = c = config
        self.embedding = Embedding(c.n_vocab, c.d_model)
        self.dropout = nn.Dropout(c.p_drop)
        self.encoder = nn.LSTM(
            c.d_model,
            c.d_hidden // 2,
            c.n_layers,
            batch_first=True,
            bidirectional=True,
            dropout=c.p_drop if c.n_layers > 1 else 0.0,
        )
        self.start = nn.Linear(c.d_hidden, c.d_hidden)
        self.decoder = nn.LSTM(c.d_model, c.d_hidden, batch_first=True)
        self.attention = AdditiveAttention(c.d_hidden)
        self.combine = nn.Linear(2 * c.d_hidden, c.d_model)
        self.norm = nn.LayerNorm(c.d_model)  # come nel Transformer, prima dei logit

    def forward(self, src, tgt, checked=False):
        """src: (B, n) e tgt: (B, m), PAD in fondo. Rende i logit (B, m, n_vocab).

        checked: se i token li ha già guardati chi chiama. Errori: quelli di check_tokens.
        """
        if not checked:
            check_tokens(self.config, src=src, tgt=tgt)
        check_same_batch(src, tgt)
        z, mask = self.encode(src)
        return self.embedding.logits(self.decode(tgt, z, mask))

    def encode(self, src):
        """src: (B, n). Rende la memoria (B, n, d_hidden) e la maschera (B, 1, n)."""
        mask = padding_mask(src, self.config.pad_id)  # (B, 1, n)
        lengths = mask.sum(dim=-1).squeeze(-1)  # (B,)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.embedding(src)), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        z, _ = nn.utils.rnn.pad_packed_sequence(
            self.encoder(packed)[0], batch_first=True, total_length=src.size(1)
        )  # (B, n, d_hidden)
        return z, mask

    def start_cache(self, z, capacity, beam=1):
        """La cache per generare: lo stato del decoder, che si riempie al primo passo. capacity e beam non servono."""
        return [(None, RecurrentState())]

    def decode(self, tgt, z, mask, cache=None):
        """tgt: (B·k, m); z, mask: resi da encode. Rende i vettori (B·k, m, d_model) prima dei logit.

        k sequenze (righe vicine) possono guardare la stessa memoria. cache: quella resa da start_cache; con la cache
        tgt contiene soltanto i token nuovi.
        """
        state = RecurrentState() if cache is None else cache[0][1]
        if state.value is None:
            state.value = self.first_state(z, mask, tgt.size(0) // z.size(0))
        h, state.value = self.decoder(self.dropout(self.embedding(tgt)), state.value)  # (B·k, m, d_hidden)
        queries = h.reshape(z.size(0), -1, h.size(-1))  # (B, k·m, d_hidden)
        context = self.attention(queries, z, z, mask)[0].view_as(h)  # (B·k, m, d_hidden)
        return self.dropout(self.norm(self.combine(torch.cat([h, context], dim=-1))))

    def first_state(self, z, mask, k):
        """Lo stato con cui il decoder comincia, dalla media della memoria: due tensori (1, B·k, d_hidden)."""
        mean = z.sum(dim=1) / mask.sum(dim=-1)  # (B, d_hidden); nei PAD z vale 0
        h = self.start(mean).tanh().repeat_interleave(k, dim=0)[None]  # (1, B·k, d_hidden)
        return h, torch.zeros_like(h)


class RecurrentState:
    """Lo stato del decoder fra un passo e l’altro: None, o due tensori (1, B·k, d_hidden)."""

    def __init__(self):
        self.value = None

    def reorder(self, rows):
        """Riordina le sequenze: la riga i diventa la vecchia riga rows[i] (beam search)."""
        self.value = tuple(tensor[:, rows] for tensor in self.value)
