"""Gli strati dell’encoder e del decoder, §3.1."""

from torch import nn

from attenzione.attention import MultiHeadAttention
from attenzione.feedforward import PositionwiseFeedForward


class Residual(nn.Module):
    """Connessione residuale e layer normalization attorno a un sottostrato, §3.1 e §5.4.

    Nell’articolo LayerNorm(x + Dropout(Sublayer(x))); con norm_first x + Dropout(Sublayer(LayerNorm(x))).
    """

    def __init__(self, config):
        super().__init__()
        self.norm = nn.LayerNorm(config.d_model)
        self.dropout = nn.Dropout(config.p_drop)
        self.norm_first = config.norm_first

    def forward(self, x, sublayer):
        """x: (B, n, d_model); sublayer: una funzione da (B, n, d_model) a (B, n, d_model)."""
        if self.norm_first:
            return x + self.dropout(sublayer(self.norm(x)))
        return self.norm(x + self.dropout(sublayer(x)))


class EncoderLayer(nn.Module):
    """Uno strato dell’encoder: self-attention, poi rete feed-forward."""

    def __init__(self, config):
        super().__init__()
        c = config
        self.self_attention = MultiHeadAttention(c.d_model, c.n_heads, c.d_k, c.d_v, c.p_attention, c.init_gain)
        self.feed_forward = PositionwiseFeedForward(c.d_model, c.d_ff, c.init_gain)
        self.residuals = nn.ModuleList(Residual(c) for _ in range(2))

    def forward(self, x, mask=None):
        """x: (B, n, d_model); mask: trasmissibile a (B, n, n). Rende (B, n, d_model)."""
        x = self.residuals[0](x, lambda x: self.self_attention(x, mask=mask))
        return self.residuals[1](x, self.feed_forward)


class DecoderLayer(nn.Module):
    """Uno strato del decoder: self-attention mascherata, attenzione encoder-decoder, rete feed-forward."""

    def __init__(self, config):
        super().__init__()
        c = config
        self.self_attention = MultiHeadAttention(c.d_model, c.n_heads, c.d_k, c.d_v, c.p_attention, c.init_gain)
        self.cross_attention = MultiHeadAttention(c.d_model, c.n_heads, c.d_k, c.d_v, c.p_attention, c.init_gain)
        self.feed_forward = PositionwiseFeedForward(c.d_model, c.d_ff, c.init_gain)
        self.residuals = nn.ModuleList(Residual(c) for _ in range(3))

    def forward(self, x, z, z_mask=None, cache=None):
        """x: (B·k, m, d_model); z: la memoria (B, n, d_model) o la coppia (K, V) già proiettata.

        z_mask: (B, 1, n) o None; cache: la KVCache della self-attention. Le k sequenze di una stessa
        memoria (beam search) stanno in righe vicine: diventano query della stessa frase, e la memoria non
        si copia. Rende (B·k, m, d_model).
        """
        batch = z[0].size(0) if isinstance(z, tuple) else z.size(0)

        def look_at_memory(x):
            queries = x.reshape(batch, -1, x.size(-1))  # (B, k·m, d_model)
            return self.cross_attention(queries, z, z_mask).view_as(x)

        x = self.residuals[0](x, lambda x: self.self_attention(x, is_causal=True, cache=cache))
        x = self.residuals[1](x, look_at_memory)
        return self.residuals[2](x, self.feed_forward)
