"""Il gradiente lungo una pila di sottostrati o di strati, §3.1."""

import matplotlib.pyplot as plt
import torch
from torch import nn

from attenzione.config import TransformerConfig
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.model import Transformer

STYLES = ("o-", "s--", "^:", "D-.")


def residual_gradients(depth=50, residual=True, norm=True, d_model=64, seed=0):
    """Il gradiente all’ingresso di ciascuno di depth sottostrati feed-forward, e all’uscita dell’ultimo.

    residual: con la somma dell’ingresso; norm: con la layer normalization. Rende depth + 1 norme.
    """
    torch.manual_seed(seed)
    steps = [torch.randn(10, d_model, requires_grad=True)]  # (10, d_model)
    for _ in range(depth):
        x, sublayer = steps[-1], PositionwiseFeedForward(d_model, 4 * d_model)
        y = x + sublayer(x) if residual else sublayer(x)  # (10, d_model)
        steps.append(nn.functional.layer_norm(y, [d_model]) if norm else y)
    loss = (steps[-1] * torch.randn(10, d_model)).sum()  # una direzione a caso
    return [gradient.norm().item() for gradient in torch.autograd.grad(loss, steps)]


def layer_gradients(norm_first=False, n_layers=12, stack="decoder", seed=0):
    """Il gradiente di W_2, strato per strato, in un modello appena costruito. Rende n_layers norme.

    norm_first: pre-norm, con la normalizzazione in cima a ogni pila; stack: «encoder» o «decoder». La
    perdita è quella di un batch di sequenze da rovesciare. ValueError se stack è un altro.
    """
    if stack not in ("encoder", "decoder"):
        raise ValueError(f"stack vale «{stack}»: atteso «encoder» o «decoder»")
    torch.manual_seed(seed)
    config = TransformerConfig(
        n_vocab=14,
        n_layers=n_layers,
        d_model=64,
        d_ff=256,
        n_heads=4,
        p_drop=0.0,
        norm_first=norm_first,
        final_norm=norm_first,
    )
    model = Transformer(config)
    src = torch.randint(4, 14, (32, 8))  # (32, 8)
    tgt = torch.cat([torch.full((32, 1), config.bos_id), src.flip(1)], dim=1)  # (32, 9)
    logits = model(src, tgt[:, :-1])  # (32, 8, 14)
    nn.functional.cross_entropy(logits.flatten(0, 1), tgt[:, 1:].flatten()).backward()
    return [layer.feed_forward.W_2.grad.norm().item() for layer in getattr(model, stack)]


def gradient_figure(curves=None, xlabel="sottostrato", first=0):
    """Norma del gradiente contro la profondità, in scala logaritmica. Rende la figura.

    curves: un dizionario dalla scritta all’elenco delle norme, dal basso della pila verso l’alto; se None,
    le quattro combinazioni di somma e normalizzazione su 50 sottostrati. first: il numero del primo punto.
    """
    if curves is None:
        curves = {
            "somma e normalizzazione": residual_gradients(),
            "solo normalizzazione": residual_gradients(residual=False),
            "solo somma": residual_gradients(norm=False),
            "né l’una né l’altra": residual_gradients(residual=False, norm=False),
        }
    fig, ax = plt.subplots(figsize=(8, 4.4), layout="constrained")
    for (label, norms), style in zip(curves.items(), STYLES, strict=False):
        ax.semilogy(
            range(first, first + len(norms)),
            norms,
            style,
            label=label,
            markersize=5,
            markevery=max(1, len(norms) // 12),
        )
    ax.set(xlabel=f"{xlabel}: dal basso della pila verso l’alto", ylabel="norma del gradiente")
    ax.minorticks_off()
    ax.legend()
    return fig
