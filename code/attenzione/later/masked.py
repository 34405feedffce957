"""Il modello mascherato: nasconde dei token e li indovina da ciò che sta attorno (BERT, Devlin e altri, 2018, arXiv
1810.04805). È l’encoder dell’articolo, con la matrice d’uscita di §3.4.
"""

import torch
from torch import nn

from attenzione.attention import padding_mask
from attenzione.config import TransformerConfig, check_fraction
from attenzione.embedding import Embedding, SinusoidalPositionalEncoding
from attenzione.layers import EncoderLayer
from attenzione.model import check_tokens

HIDDEN, REPLACED = 0.8, 0.1  # dei token scelti: quanti diventano MASK, quanti un token a caso; gli altri restano


class MaskedModel(nn.Module):
    """L’encoder che, in ogni posizione, dice quale token ci sta; config: un TransformerConfig.

    Errori (ValueError, TypeError) di forward: quelli di attenzione.model.check_tokens.
    """

    config_class = TransformerConfig

    def __init__(self, config):
        super().__init__()
        self.config = c = config
        self.embedding = Embedding(c.n_vocab, c.d_model)
        self.positions = SinusoidalPositionalEncoding(c.d_model)
        self.dropout = nn.Dropout(c.p_drop)
        self.encoder = nn.ModuleList(EncoderLayer(c) for _ in range(c.n_layers))

    def forward(self, tokens, checked=False):
        """tokens: (B, n), con i PAD in fondo. Rende i logit (B, n, n_vocab) di ciò che sta in ciascuna posizione."""
        if not checked:
            check_tokens(self.config, tokens=tokens)
        mask = padding_mask(tokens, self.config.pad_id)  # (B, 1, n)
        x = self.dropout(self.positions(self.embedding(tokens)))  # (B, n, d_model)
        for layer in self.encoder:
            x = layer(x, mask)
        return self.embedding.logits(x)


def hide(tokens, mask_id, words, generator, share=0.15):
    """Sceglie una parte dei token e li guasta come BERT: 8 su 10 diventano mask_id, 1 un token a caso, 1 resta com’è.

    tokens: (B, n); words: gli identificatori che sono parole, un range: gli altri (PAD, BOS…) non si scelgono; share:
    la probabilità di scegliere ciascuno. Rende (tokens guastati, quali sono scelti), (B, n) tutti e due: la perdita si
    conta soltanto sugli scelti. Errori: ValueError se share non è fra 0 e 1.
    """
    check_fraction("share", share)
    real = (tokens >= words.start) & (tokens < words.stop)
    chosen = real & (torch.rand(tokens.shape, generator=generator) < share)  # (B, n)
    fate = torch.rand(tokens.shape, generator=generator)  # (B, n)
    others = torch.randint(words.start, words.stop, tokens.shape, generator=generator)  # (B, n)
    spoiled = torch.where(chosen & (fate < HIDDEN), mask_id, tokens)
    return torch.where(chosen & (fate >= HIDDEN) & (fate < HIDDEN + REPLACED), others, spoiled), chosen
