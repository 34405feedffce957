"""Embedding condivisi e codifica posizionale, §3.4 e §3.5."""

import math

import torch
from torch import nn

from attenzione.config import POSITIONS


class Embedding(nn.Module):
    """La matrice E, una sola per l’ingresso, l’uscita e la trasformazione prima della softmax, §3.4.

    I valori di partenza hanno varianza 1/d_model: moltiplicati per √d_model hanno varianza 1, e i logit
    di un vettore normalizzato pure.
    """

    def __init__(self, n_vocab, d_model):
        super().__init__()
        self.E = nn.Parameter(torch.randn(n_vocab, d_model) / math.sqrt(d_model))

    def forward(self, tokens):
        """tokens: (B, n), interi. Rende (B, n, d_model)."""
        return nn.functional.embedding(tokens, self.E) * math.sqrt(self.E.size(1))

    def logits(self, x):
        """x: (..., d_model). Rende i logit (..., n_vocab)."""
        return x @ self.E.T


class SinusoidalPositionalEncoding(nn.Module):
    """Somma agli embedding seni e coseni di frequenza decrescente, §3.5; nessun parametro.

    Con layout «sinusoidal» seni e coseni si alternano come nell’articolo; con «tensor2tensor» vedi
    sinusoidal_positions. length: quante posizioni si calcolano subito; la tabella si allunga quando serve, senza
    limite.
    """

    def __init__(self, d_model, layout="sinusoidal", length=256):
        super().__init__()
        self.layout = layout
        PE = sinusoidal_positions(length, d_model, layout).to(torch.get_default_dtype())  # (length, d_model)
        self.register_buffer("PE", PE, persistent=False)

    def forward(self, x, start=0):
        """x: (B, n, d_model), le posizioni da start in poi. Rende (B, n, d_model)."""
        end = start + x.size(1)
        if end > self.PE.size(0) or self.PE.dtype != x.dtype or self.PE.device != x.device:
            n = max(end, self.PE.size(0))
            self.PE = sinusoidal_positions(n, x.size(-1), self.layout).to(x)
        return x + self.PE[start:end]

    def _apply(self, function, recurse=True):
        """Chi cambia dispositivo o tipo al modulo ricalcola la tabella: in doppia precisione è esatta anch’essa."""
        super()._apply(function, recurse)
        self.PE = sinusoidal_positions(*self.PE.shape, self.layout).to(self.PE)
        return self


class LearnedPositionalEncoding(nn.Module):
    """Somma agli embedding un vettore appreso per ciascuna posizione, riga (E) della Tabella 3.

    Errori: ValueError oltre le max_len posizioni apprese.
    """

    def __init__(self, max_len, d_model):
        super().__init__()
        self.PE = nn.Parameter(torch.randn(max_len, d_model) / math.sqrt(2))  # la varianza di seni e coseni

    def forward(self, x, start=0):
        """x: (B, n, d_model), le posizioni da start in poi. Rende (B, n, d_model)."""
        end = start + x.size(1)
        if end > self.PE.size(0):
            raise ValueError(f"x arriva alla posizione {end}: attese al più max_len = {self.PE.size(0)}")
        return x + self.PE[start:end]


class NoPositionalEncoding(nn.Module):
    """Non somma nulla: il confronto che mostra che cosa sa il modello senza l’ordine delle parole."""

    def forward(self, x, start=0):
        return x


def sinusoidal_positions(n, d_model, layout="sinusoidal"):
    """La codifica posizionale delle prime n posizioni, §3.5, in doppia precisione: (n, d_model).

    layout «sinusoidal»: PE(pos, 2i) = sin(pos / 10000^(2i/d_model)), PE(pos, 2i + 1) il coseno. layout
    «tensor2tensor», come nel codice degli autori: prima tutti i seni e poi tutti i coseni, e l’esponente
    è i/(d_model/2 − 1), sicché la lunghezza d’onda massima è proprio 10000 · 2π.
    Errori: ValueError se d_model è dispari o layout non è uno dei due.
    """
    if d_model % 2:
        raise ValueError(f"d_model vale {d_model}: atteso pari, perché seni e coseni vanno a coppie")
    if layout not in POSITIONS[:2]:
        raise ValueError(f"layout vale «{layout}»: atteso uno fra {', '.join(POSITIONS[:2])}")
    pos = torch.arange(n, dtype=torch.float64)[:, None]  # (n, 1)
    i = torch.arange(d_model // 2, dtype=torch.float64)  # (d_model/2,)
    exponent = 2 * i / d_model if layout == "sinusoidal" else i / max(d_model // 2 - 1, 1)
    angles = pos / 10000**exponent  # (n, d_model/2)
    if layout == "tensor2tensor":
        return torch.cat([angles.sin(), angles.cos()], dim=-1)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)
