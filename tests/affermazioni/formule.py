"""Le formule dell’articolo, riscritte senza la libreria, per più di una prova."""

import math
from contextlib import contextmanager

import torch


def attention_by_formula(attention, queries, keys, values=None, *, visible=None):
    """L’uscita (B, n_q, d_model) di un’attenzione multi-testa, scritta testa per testa. values: come keys."""
    W_q, W_k, W_v, W_o = attention.per_head()
    heads = []
    for q, k, v in zip(W_q, W_k, W_v, strict=True):
        scores = (queries @ q) @ (keys @ k).mT / math.sqrt(k.size(1))  # (B, n_q, n_k)
        if visible is not None:
            scores = scores.masked_fill(~visible, -math.inf)
        heads.append(scores.softmax(dim=-1) @ ((keys if values is None else values) @ v))  # (B, n_q, d_v)
    return torch.cat(heads, dim=-1) @ W_o


@torch.no_grad()
def generated_logits(model, src, tgt):
    """I logit (B, m, n_vocab) come vengono quando si genera: un token di tgt alla volta, per la via svelta."""
    steps = model.start_steps(*model.encode(src), tgt.size(1))
    return torch.stack([steps.step(tokens) for tokens in tgt.T], dim=1)


@torch.no_grad()
def who_moves(layer, x):
    """Chi arriva a chi: (m, n) booleano, vero se spostando il vettore j di x si muove l’uscita i. x: (n, d).

    layer: da (B, n, d) a (B, m, …); gli spostamenti stanno ciascuno in una riga del batch, e i pesi non si chiedono.
    """
    outputs = layer(x + torch.eye(len(x), dtype=x.dtype)[..., None])  # (n, m, …)
    tolerance = 1e-5 if x.dtype == torch.float32 else 1e-9
    return ((outputs - layer(x[None])).abs() > tolerance).any(dim=-1).T


def norm(x):
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()


@contextmanager
def unmasked(model):
    """Per la durata del blocco, la self-attention del decoder è senza maschera causale."""

    def forget(module, args, kwargs):
        return args, kwargs | {"is_causal": False}

    hooks = [layer.self_attention.register_forward_pre_hook(forget, with_kwargs=True) for layer in model.decoder]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
