"""Il Transformer intero, Figura 1."""

import torch
from torch import nn

from attenzione.attention import KVCache, MultiHeadAttention, padding_mask
from attenzione.config import TransformerConfig
from attenzione.embedding import (
    Embedding,
    LearnedPositionalEncoding,
    NoPositionalEncoding,
    SinusoidalPositionalEncoding,
)
from attenzione.layers import DecoderLayer, EncoderLayer


class Transformer(nn.Module):
    """Encoder e decoder con embedding condivisi, esattamente quelli dell’articolo se config non dice altro.

    Errori (ValueError, TypeError) di encode, decode e forward: token che non sono interi o sono fuori dal
    vocabolario, una sequenza vuota, una frase di partenza di soli PAD, una sequenza più lunga di max_len.
    """

    config_class = TransformerConfig

    def __init__(self, config):
        super().__init__()
        self.config = c = config
        self.embedding = Embedding(c.n_vocab, c.d_model)
        if c.positions == "learned":
            self.positions = LearnedPositionalEncoding(c.max_len, c.d_model)
        elif c.positions == "none":
            self.positions = NoPositionalEncoding()
        else:
            self.positions = SinusoidalPositionalEncoding(c.d_model, c.positions)
        self.dropout = nn.Dropout(c.p_drop)
        self.encoder = nn.ModuleList(EncoderLayer(c) for _ in range(c.n_layers))
        self.decoder = nn.ModuleList(DecoderLayer(c) for _ in range(c.n_layers))
        self.encoder_norm = nn.LayerNorm(c.d_model) if c.final_norm else nn.Identity()
        self.decoder_norm = nn.LayerNorm(c.d_model) if c.final_norm else nn.Identity()

    def forward(self, src, tgt):
        """src: (B, n) e tgt: (B, m), identificatori di token. Rende i logit (B, m, n_vocab).

        tgt è già spostato di una posizione: comincia con BOS, e i logit in posizione i predicono il token
        i + 1. I PAD stanno in fondo.
        """
        z, z_mask = self.encode(src)
        return self.embedding.logits(self.decode(tgt, z, z_mask))

    def encode(self, src):
        """src: (B, n). Rende la memoria z (B, n, d_model) e la sua maschera (B, 1, n), None senza PAD."""
        mask = self.check_tokens("src", src)
        x = self.embed(src)  # (B, n, d_model)
        for layer in self.encoder:
            x = layer(x, mask)
        return self.encoder_norm(x), mask

    def decode(self, tgt, z, z_mask=None, cache=None):
        """tgt: (B·k, m); z, z_mask: resi da encode. Rende i vettori (B·k, m, d_model) prima dei logit.

        k sequenze (righe vicine) possono guardare la stessa memoria. cache: quella resa da start_cache; con
        la cache tgt contiene soltanto i token nuovi, e z non serve più.
        """
        if cache is None:
            self.check_tokens("tgt", tgt)
            cache = [(z, None)] * len(self.decoder)
        start = cache[0][1].length if cache[0][1] else 0
        x = self.embed(tgt, start)  # (B·k, m, d_model)
        for layer, (memory, kv_cache) in zip(self.decoder, cache, strict=True):
            x = layer(x, memory, z_mask, kv_cache)
        return self.decoder_norm(x)

    def embed(self, tokens, start=0):
        return self.dropout(self.positions(self.embedding(tokens), start))

    def start_cache(self, z, capacity, beam=1):
        """La cache per generare fino a capacity token: per ciascuno strato (chiavi e valori di z, KVCache).

        z: (B, n, d_model), proiettata qui una volta sola; beam: quante sequenze per frase di partenza.
        """
        c = self.config
        shape = (z.size(0) * beam, c.n_heads, capacity, c.d_k, c.d_v)
        return [
            (layer.cross_attention.keys_values(z), KVCache(*shape, device=z.device, dtype=z.dtype))
            for layer in self.decoder
        ]

    def check_tokens(self, name, tokens):
        """Controlla i token e rende la loro maschera di riempimento (B, 1, n), o None se non ci sono PAD."""
        c = self.config
        mask = padding_mask(tokens, c.pad_id)  # (B, 1, n); TypeError se non sono interi
        if torch.compiler.is_compiling():
            return mask
        if tokens.dim() != 2 or 0 in tokens.shape:
            raise ValueError(f"{name} ha forma {tuple(tokens.shape)}: attesa (B, n), con B e n almeno 1")
        if tokens.size(1) > c.max_len:
            raise ValueError(f"{name} ha {tokens.size(1)} posizioni: attese al più max_len = {c.max_len}")
        low, high = tokens.aminmax()
        if low < 0 or high >= c.n_vocab:
            wrong = int(low if low < 0 else high)
            raise ValueError(f"{name} contiene il token {wrong}: attesi interi da 0 a {c.n_vocab - 1}")
        if mask.all():
            return None
        empty = ~mask.any(dim=-1).squeeze(-1)  # (B,)
        if empty.any():
            row = int(empty.nonzero()[0])
            raise ValueError(f"{name} ha soltanto PAD nella riga {row}: atteso almeno un token")
        return mask

    def attention_weights(self, src, tgt):
        """I pesi di ogni strato e testa, per le figure: un dizionario con tre elenchi lunghi n_layers.

        Chiavi: «encoder» (B, h, n, n), «decoder» (B, h, m, m), «encoder-decoder» (B, h, m, n).
        """
        weights = {"encoder": [], "decoder": [], "encoder-decoder": []}

        def ask(module, args, kwargs):
            return args, kwargs | {"need_weights": True}

        def keep(where):
            def hook(module, args, result):
                where.append(result[1])
                return result[0]

            return hook

        hooks = []
        for name, module in self.named_modules():
            if isinstance(module, MultiHeadAttention):
                stack = "encoder-decoder" if "cross" in name else name.split(".")[0]
                hooks.append(module.register_forward_pre_hook(ask, with_kwargs=True))
                hooks.append(module.register_forward_hook(keep(weights[stack])))
        try:
            self(src, tgt)
        finally:
            for hook in hooks:
                hook.remove()
        return weights
