"""La saturazione della softmax al crescere di d_k, §3.2.1."""

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.ticker import MaxNLocator

from attenzione.figures.style import decimal_comma

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def softmax_saturation(d_k, scale, samples=4000, n_keys=10, seed=0):
    """Quanto sono concentrati i pesi di una query estratta a caso, e quanto è ripida lì la softmax.

    Query e n_keys chiavi hanno componenti normali, di media 0 e varianza 1; scale moltiplica i prodotti
    scalari. Rende (peso più grande, valore assoluto della derivata dei pesi), in media su samples estrazioni.
    """
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(samples, 1, d_k, generator=generator)
    k = torch.randn(samples, n_keys, d_k, generator=generator)
    A = ((q * k).sum(dim=-1) * scale).softmax(dim=-1)  # (samples, n_keys)
    jacobian = torch.diag_embed(A) - A[:, :, None] * A[:, None]  # (samples, n_keys, n_keys)
    return A.amax(dim=-1).mean().item(), jacobian.abs().mean().item()


def saturation_figure(sizes=SIZES, raw=None, scaled=None):
    """Peso più grande e derivata media contro d_k, con e senza la divisione per √d_k. Rende la figura.

    raw, scaled: una coppia di softmax_saturation per ogni valore di sizes; calcolate se None.
    ValueError se non sono tante quante sizes.
    """
    raw = [softmax_saturation(d_k, 1) for d_k in sizes] if raw is None else raw
    scaled = [softmax_saturation(d_k, 1 / math.sqrt(d_k)) for d_k in sizes] if scaled is None else scaled
    for name, points in (("raw", raw), ("scaled", scaled)):
        if len(points) != len(sizes):
            raise ValueError(f"{name} ha {len(points)} coppie: attese {len(sizes)}, una per valore di sizes")
    fig, axes = plt.subplots(2, 1, figsize=(6, 7), layout="constrained")
    titles = ("peso più grande, in media", "|derivata| dei pesi, in media")
    for j, (ax, title) in enumerate(zip(axes, titles, strict=True)):
        ax.plot(sizes, [point[j] for point in raw], "o-", label="senza scala")
        ax.plot(sizes, [point[j] for point in scaled], "s--", label=r"con $1/\sqrt{d_k}$")
        ax.set(xscale="log", xlabel="$d_k$", title=title, ylim=(0, None))
        ax.set_xticks([1, 8, 64, 512], [1, 8, 64, 512])
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.yaxis.set_major_formatter(decimal_comma(2 if j == 0 else 3))
        ax.minorticks_off()
    axes[0].legend()
    return fig
