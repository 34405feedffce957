"""Un modello linguistico: il solo decoder, che da un testo predice il token che segue (Radford e altri, 2018).

Con i valori predefiniti lo stile è quello di LLaMA (Touvron e altri, 2023, arXiv 2302.13971); ogni differenza
dall’articolo è una voce di LanguageModelConfig, e si prova da sola.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn

from attenzione.attention import KVCache
from attenzione.config import POSITIONS, check_fraction, check_positive_integer, check_specials
from attenzione.embedding import (
    Embedding,
    LearnedPositionalEncoding,
    NoPositionalEncoding,
    SinusoidalPositionalEncoding,
)
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.later.gated import SwiGLU, UnbiasedFeedForward
from attenzione.later.grouped import GroupedQueryAttention, check_groups
from attenzione.later.normalization import RMSNorm
from attenzione.later.rotary import RotaryPositions
from attenzione.layers import Residual
from attenzione.model import check_tokens
from attenzione.training.windows import collate_windows

CHOICES = {
    "norm": ("rms", "layer"),
    "feed_forward": ("swiglu", "relu"),
    "positions": ("rotary", *POSITIONS),
}


@dataclass(frozen=True)
class LanguageModelConfig:
    """Le grandezze del modello, e in che cosa il suo decoder non è quello dell’articolo.

    max_len: la sequenza più lunga, in token; n_kv_heads: le teste di chiavi e valori, n_heads se None; init_gain,
    norm_first, final_norm, p_attention: come in TransformerConfig. norm: «rms» o «layer»; feed_forward: «swiglu» o
    «relu»; bias: se la layer normalization e la rete con ReLU hanno i loro (RMSNorm e SwiGLU non ne hanno mai);
    positions: «rotary», o quelle di TransformerConfig, che si sommano agli embedding; tied: una sola matrice per
    l’ingresso e per l’uscita, scalata di √d_model, §3.4; altrimenti sono due, senza scala. Il decoder dell’articolo è
    norm_first=False, final_norm=False, norm="layer", bias=True, feed_forward="relu", positions="sinusoidal", tied=True.
    Errori: ValueError che nomina la voce, il valore e che cosa era atteso.
    """

    n_vocab: int
    n_layers: int = 4
    d_model: int = 256
    d_ff: int = 704
    n_heads: int = 4
    n_kv_heads: int | None = None
    p_drop: float = 0.1
    eps_ls: float = 0.0
    max_len: int = 256
    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2
    init_gain: float = 1.0
    norm_first: bool = True
    final_norm: bool = True
    p_attention: float = 0.0
    norm: str = "rms"
    bias: bool = False
    feed_forward: str = "swiglu"
    positions: str = "rotary"
    tied: bool = False

    def __post_init__(self):
        for name in ("n_vocab", "n_layers", "d_model", "d_ff", "n_heads", "max_len"):
            check_positive_integer(name, getattr(self, name))
        if self.n_kv_heads is None:
            object.__setattr__(self, "n_kv_heads", self.n_heads)
        check_groups(self.d_model, self.n_heads, self.n_kv_heads)
        for name in ("p_drop", "eps_ls", "p_attention"):
            check_fraction(name, getattr(self, name))
        for name in ("norm_first", "final_norm", "bias", "tied"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} vale {getattr(self, name)}: atteso True o False")
        if isinstance(self.init_gain, bool) or not 0 < self.init_gain < math.inf:
            raise ValueError(f"init_gain vale {self.init_gain}: atteso un numero positivo")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} vale «{getattr(self, name)}»: atteso uno fra {', '.join(choices)}")
        if self.positions == "rotary" and self.d_model // self.n_heads % 2:
            raise ValueError(f"d_model / n_heads vale {self.d_model // self.n_heads}: atteso pari, per girare a coppie")
        if self.positions in POSITIONS[:2] and self.d_model % 2:
            raise ValueError(f"d_model vale {self.d_model}: atteso pari, perché seni e coseni vanno a coppie")
        check_specials(self)


class SeparateEmbedding(nn.Module):
    """L’embedding E e la matrice d’uscita W_out, separate e senza √d_model: (n_vocab, d_model) tutte e due.

    I valori di partenza hanno varianza 1/d_model: i logit di un vettore normalizzato hanno varianza 1.
    """

    def __init__(self, n_vocab, d_model):
        super().__init__()
        self.E = nn.Parameter(torch.randn(n_vocab, d_model) / math.sqrt(d_model))
        self.W_out = nn.Parameter(torch.randn(n_vocab, d_model) / math.sqrt(d_model))

    def forward(self, tokens):
        """tokens: (B, n), interi. Rende (B, n, d_model)."""
        return nn.functional.embedding(tokens, self.E)

    def logits(self, x):
        """x: (..., d_model). Rende i logit (..., n_vocab)."""
        return x @ self.W_out.T


class LanguageModelLayer(nn.Module):
    """Uno strato: self-attention mascherata, poi rete feed-forward; quello di §3.1 senza encoder da guardare."""

    def __init__(self, config, rotary=None):
        super().__init__()
        c = config
        self.self_attention = GroupedQueryAttention(
            c.d_model, c.n_heads, c.n_kv_heads, p_attention=c.p_attention, init_gain=c.init_gain, rotary=rotary
        )
        self.feed_forward = build_feed_forward(c)
        self.residuals = nn.ModuleList(Residual(c) for _ in range(2))
        for residual in self.residuals:
            residual.norm = build_norm(c)

    def forward(self, x, cache=None):
        """x: (B, n, d_model); cache: una KVCache. Rende (B, n, d_model)."""
        x = self.residuals[0](x, lambda x: self.self_attention(x, is_causal=True, cache=cache))
        return self.residuals[1](x, self.feed_forward)


def build_norm(config):
    c = config
    return RMSNorm(c.d_model) if c.norm == "rms" else nn.LayerNorm(c.d_model, bias=c.bias)


def build_feed_forward(config):
    c = config
    if c.feed_forward == "swiglu":
        return SwiGLU(c.d_model, c.d_ff, c.init_gain)
    return (PositionwiseFeedForward if c.bias else UnbiasedFeedForward)(c.d_model, c.d_ff, c.init_gain)


def build_positions(config):
    """Ciò che si somma agli embedding: con «rotary», che gira query e chiavi dentro l’attenzione, nulla."""
    c = config
    if c.positions in ("rotary", "none"):
        return NoPositionalEncoding()
    if c.positions == "learned":
        return LearnedPositionalEncoding(c.max_len, c.d_model)
    return SinusoidalPositionalEncoding(c.d_model, c.positions, c.max_len)


class LanguageModel(nn.Module):
    """Il decoder che continua un testo. Si addestra con train(), su un attenzione.training.windows.Windows.

    Errori (ValueError, TypeError) di forward e decode: quelli di attenzione.model.check_tokens.
    """

    config_class = LanguageModelConfig
    collate = staticmethod(collate_windows)

    def __init__(self, config):
        super().__init__()
        self.config = c = config
        self.embedding = (Embedding if c.tied else SeparateEmbedding)(c.n_vocab, c.d_model)
        self.positions = build_positions(c)
        self.rotary = RotaryPositions(c.d_model // c.n_heads, length=c.max_len) if c.positions == "rotary" else None
        self.dropout = nn.Dropout(c.p_drop)
        self.layers = nn.ModuleList(LanguageModelLayer(c, self.rotary) for _ in range(c.n_layers))
        self.norm = build_norm(c) if c.final_norm else nn.Identity()

    def forward(self, tokens, checked=False):
        """tokens: (B, n), identificatori, con i PAD in fondo. Rende i logit (B, n, n_vocab).

        I logit in posizione i predicono il token i + 1. checked: se i token li ha già guardati chi chiama.
        """
        if not checked:
            check_tokens(self.config, tokens=tokens)
        return self.embedding.logits(self.run(tokens))

    def decode(self, tokens, cache=None):
        """I logit che seguono tokens (B, n), e ciò che è già nella cache: (B, n, n_vocab).

        cache: quella resa da start_cache, che si allunga di n posizioni.
        """
        check_tokens(self.config, tokens=tokens)
        return self.embedding.logits(self.run(tokens, cache))

    def run(self, tokens, cache=None):
        start = 0 if cache is None else cache[0].length
        x = self.dropout(self.positions(self.embedding(tokens), start))  # (B, n, d_model)
        for layer, kv_cache in zip(self.layers, cache or [None] * len(self.layers), strict=True):
            x = layer(x, kv_cache)
        return self.norm(x)

    def start_cache(self, batch, capacity):
        """La cache per continuare batch testi fino a capacity token: una KVCache per strato, di n_kv_heads teste."""
        c, E = self.config, self.embedding.E
        shape = (batch, c.n_kv_heads, capacity, c.d_model // c.n_heads, c.d_model // c.n_heads)
        return [KVCache(*shape, device=E.device, dtype=E.dtype) for _ in self.layers]

    def attention_weights(self, tokens):
        """I pesi di ogni strato e testa: un elenco lungo n_layers di tensori (B, h, n, n). tokens: (B, n)."""
        weights = []

        def keep(module, args, result):
            weights.append(result[1])
            return result[0]

        def ask(module, args, kwargs):
            return args, kwargs | {"need_weights": True}

        hooks = []
        for layer in self.layers:
            hooks.append(layer.self_attention.register_forward_pre_hook(ask, with_kwargs=True))
            hooks.append(layer.self_attention.register_forward_hook(keep))
        try:
            self(tokens)
        finally:
            for hook in hooks:
                hook.remove()
        return weights
