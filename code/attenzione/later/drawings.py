"""Piccole figure disegnate, con la loro didascalia: dati di cui si sa tutto, per le immagini come token.

Un’immagine è di SIDE × SIDE punti, grigi fra 0 e 1 più un po’ di rumore; una figura sola, piena, in un posto a caso.
"""

import torch

SIDE = 16
SHAPES = ("cerchio", "quadrato", "triangolo", "croce")
# i primi tre sono i token speciali di LanguageModelConfig
WORDS = ("PAD", "INIZIO", "FINE", "un", "una", *SHAPES, "in", "alto", "basso", "a", "sinistra", "destra")


def draw(how_many, generator, noise=0.1):
    """how_many figure: le immagini (B, SIDE, SIDE), quale figura è, fra 0 e 3, (B,), e il centro (B, 2).

    Il centro è (riga, colonna), mai a metà altezza né a metà larghezza: in alto o in basso, a sinistra o a destra.
    """
    kinds = torch.randint(len(SHAPES), (how_many,), generator=generator)  # (B,)
    half = torch.randint(2, (how_many, 2), generator=generator)  # (B, 2): la metà di sopra o di sotto, e di lato
    centers = 4 + 5 * half + 3 * torch.rand(how_many, 2, generator=generator)  # da 4 a 7, o da 9 a 12
    radii = 2.8 + 0.8 * torch.rand(how_many, 1, 1, generator=generator)  # (B, 1, 1)
    places = torch.arange(SIDE) + 0.5  # (SIDE,)
    y = places[:, None] - centers[:, 0, None, None]  # (B, SIDE, 1)
    x = places - centers[:, 1, None, None]  # (B, 1, SIDE)
    distance = outside(x, y, radii).gather(1, kinds[:, None, None, None].expand(-1, 1, SIDE, SIDE))[:, 0]
    images = (0.5 - distance).clamp(0, 1)  # (B, SIDE, SIDE): 1 dentro, 0 fuori, il bordo sfumato
    return images + noise * torch.randn(images.shape, generator=generator), kinds, centers


def outside(x, y, r):
    """Quanto un punto è fuori da ciascuna delle quattro figure, negativo se è dentro: (B, 4, SIDE, SIDE)."""
    x, y = torch.broadcast_tensors(x, y)
    circle = x.hypot(y) - r
    square = torch.maximum(x.abs(), y.abs()) - 0.9 * r
    triangle = torch.maximum(y - 0.8 * r, 0.87 * x.abs() - 0.5 * y - 0.6 * r)  # la punta in alto
    cross = torch.minimum(torch.maximum(x.abs(), 3 * y.abs()), torch.maximum(3 * x.abs(), y.abs())) - 1.1 * r
    return torch.stack([circle, square, triangle, cross], dim=1)


def captions(kinds, centers):
    """Le didascalie, «un cerchio in alto a destra»: identificatori di WORDS da INIZIO a FINE, (B, 8)."""
    found = []
    for kind, (row, column) in zip(kinds.tolist(), centers.tolist(), strict=True):
        shape = SHAPES[kind]
        vertical, horizontal = "alto" if row < SIDE / 2 else "basso", "sinistra" if column < SIDE / 2 else "destra"
        article = "una" if shape == "croce" else "un"
        words = ("INIZIO", article, shape, "in", vertical, "a", horizontal, "FINE")
        found.append([WORDS.index(word) for word in words])
    return torch.tensor(found)


def as_words(tokens):
    """Le parole degli identificatori, fino alla fine: una stringa. tokens: (n,)."""
    words = [WORDS[i] for i in tokens.tolist()]
    if "FINE" in words:
        words = words[: words.index("FINE")]
    return " ".join(word for word in words if word not in WORDS[:3])
