"""Un’immagine come una sequenza di tessere (Dosovitskiy e altri, 2020, arXiv 2010.11929)."""

import torch
from torch import nn

from attenzione.config import TransformerConfig, check_positive_integer
from attenzione.embedding import LearnedPositionalEncoding, NoPositionalEncoding
from attenzione.later.gated import starting_matrix
from attenzione.layers import EncoderLayer


def patches(images, size):
    """Le tessere quadrate di lato size, da sinistra a destra e dall’alto in basso, ciascuna in fila: (B, n, size²).

    images: (B, altezza, larghezza), un grigio per punto. Errori: ValueError se i lati non sono multipli di size.
    """
    check_positive_integer("size", size)
    for name, side in (("altezza", images.size(-2)), ("larghezza", images.size(-1))):
        if side % size:
            raise ValueError(f"{name} vale {side}: atteso un multiplo di size = {size}")
    rows = images.unflatten(-2, (-1, size)).unflatten(-1, (-1, size))  # (B, righe, size, colonne, size)
    return rows.transpose(-3, -2).flatten(-2).flatten(-3, -2)  # (B, righe · colonne, size²)


class VisionTransformer(nn.Module):
    """L’encoder di §3.1 che guarda le tessere di un’immagine e dice di che classe è.

    Ogni tessera passa per W_patch (size², d_model) e riceve il vettore appreso della sua posizione. Davanti sta un
    vettore appreso, la classe: dopo gli strati è da lì che escono i logit. Gli strati normalizzano all’ingresso, come
    nell’articolo delle tessere; l’attivazione è quella di §3.3. with_positions: False toglie le posizioni.
    Errori: ValueError di TransformerConfig, o se side non è un multiplo di size.
    """

    def __init__(self, side, size, n_classes, n_layers=2, d_model=32, d_ff=64, n_heads=4, with_positions=True):
        super().__init__()
        config = TransformerConfig(
            n_layers=n_layers, d_model=d_model, d_ff=d_ff, n_heads=n_heads, p_drop=0.0, norm_first=True
        )
        n = patches(torch.empty(1, side, side), size).size(1)
        self.size = size
        self.W_patch = starting_matrix(size * size, d_model)
        self.class_token = nn.Parameter(0.02 * torch.randn(d_model))
        self.positions = LearnedPositionalEncoding(n + 1, d_model) if with_positions else NoPositionalEncoding()
        for table in self.positions.parameters():
            nn.init.normal_(table, std=0.02)  # piccole accanto alle tessere: all’inizio contano poco
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(n_layers))
        self.norm = nn.LayerNorm(d_model)
        self.W_out = starting_matrix(d_model, n_classes)

    def forward(self, images):
        """images: (B, side, side). Rende i logit (B, n_classes)."""
        return self.read(patches(images, self.size))

    def read(self, x):
        """I logit dalle tessere già tagliate. x: (B, n, size²). Rende (B, n_classes)."""
        x = x @ self.W_patch  # (B, n, d_model)
        x = torch.cat([self.class_token.expand(len(x), 1, -1), x], dim=1)  # (B, n + 1, d_model)
        x = self.positions(x)
        for layer in self.layers:
            x = layer(x)
        return self.norm(x[:, 0]) @ self.W_out

    def class_weights(self, images):
        """Quanto la classe guarda ogni tessera, in ogni strato e testa: (strati, B, h, n), senza il peso su sé."""
        weights = []

        def ask(module, args, kwargs):
            return args, kwargs | {"need_weights": True}

        def keep(module, args, result):
            weights.append(result[1][:, :, 0, 1:])
            return result[0]

        hooks = []
        for layer in self.layers:
            hooks.append(layer.self_attention.register_forward_pre_hook(ask, with_kwargs=True))
            hooks.append(layer.self_attention.register_forward_hook(keep))
        try:
            self(images)
        finally:
            for hook in hooks:
                hook.remove()
        return torch.stack(weights)
