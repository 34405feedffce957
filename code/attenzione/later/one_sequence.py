"""Immagine e parole in una sola sequenza: prima le tessere, poi il testo, e un decoder che continua."""

import torch

from attenzione.later.drawings import WORDS
from attenzione.later.gated import starting_matrix
from attenzione.later.language_model import LanguageModel
from attenzione.later.patches import patches
from attenzione.model import check_tokens


class PictureLanguageModel(LanguageModel):
    """Il modello linguistico, con davanti al testo le tessere di un’immagine, portate a d_model da W_patch.

    size: il lato di una tessera. Le posizioni e la maschera causale sono quelle di una sequenza qualsiasi: una tessera
    vede le tessere prima di lei, una parola tutte le tessere e le parole prima. Errori: quelli di LanguageModel, e di
    attenzione.later.patches.patches.
    """

    def __init__(self, config, size):
        super().__init__(config)
        self.size = size
        self.W_patch = starting_matrix(size * size, config.d_model)

    def sequence(self, images, tokens):
        """Ciò che entra nel primo strato: le tessere, poi le parole, (B, n_tessere + n, d_model)."""
        check_tokens(self.config, tokens=tokens)
        seen = patches(images, self.size) @ self.W_patch  # (B, n_tessere, d_model)
        return self.positions(torch.cat([seen, self.embedding(tokens)], dim=1))

    def forward(self, images, tokens):
        """I logit che seguono ogni parola: (B, n, n_vocab). images: (B, altezza, larghezza); tokens: (B, n)."""
        x = self.sequence(images, tokens)
        for layer in self.layers:
            x = layer(x)
        return self.embedding.logits(self.norm(x[:, -tokens.size(1) :]))


@torch.no_grad()
def describe(model, images, length=8):
    """Le didascalie che il modello scrive, da INIZIO, una parola alla volta e la più probabile: (B, length)."""
    tokens = torch.full((len(images), 1), WORDS.index("INIZIO"))  # (B, 1)
    while tokens.size(1) < length:
        following = model(images, tokens)[:, -1].argmax(dim=-1)  # (B,)
        tokens = torch.cat([tokens, following[:, None]], dim=1)
    return tokens
