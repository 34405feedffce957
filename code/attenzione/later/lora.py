"""LoRA, l’adattamento a basso rango (Hu e altri, 2021, arXiv 2106.09685): di una matrice si impara una correzione sola.

Vale per ogni parametro a due assi di ogni modulo, nostro o di torch.nn: chi usa la matrice trova quella corretta e non
se ne accorge. QLoRA (Dettmers e altri, 2023, arXiv 2305.14314) è la stessa correzione sopra una matrice a 4 bit:
attenzione.later.four_bits.freeze_in_four_bits, e poi add_lora.
"""

import math
import re

import torch
from torch import nn
from torch.nn.utils import parametrize

from attenzione.config import check_positive_integer


class LowRankChange(nn.Module):
    """Da W a W + (α / r) A_lora B_lora: A_lora (righe, r), B_lora (r, colonne).

    A_lora parte a caso, con varianza 1 / righe, e B_lora da zero: all’inizio la matrice è quella di prima. È la BA
    dell’articolo, che scrive W x dove noi scriviamo x W. alpha: r se None, e la scala è 1. r può essere al più il
    rango che la matrice può avere. Errori: ValueError se W non ha due assi, o r non è un intero da 1 a quel rango.
    """

    def __init__(self, W, rank, alpha=None):
        super().__init__()
        if W.dim() != 2:
            raise ValueError(f"W ha forma {tuple(W.shape)}: attesa una matrice, con due assi")
        check_positive_integer("rank", rank)
        rows, columns = W.shape
        if rank > min(rows, columns):
            raise ValueError(f"rank vale {rank}: atteso al più {min(rows, columns)}, il rango di una matrice {W.shape}")
        self.scale = (rank if alpha is None else alpha) / rank
        like = {"dtype": W.dtype, "device": W.device}
        self.A_lora = nn.Parameter(torch.randn(rows, rank, **like) / math.sqrt(rows))
        self.B_lora = nn.Parameter(torch.zeros(rank, columns, **like))

    def forward(self, W):
        """W: (righe, colonne). Rende (righe, colonne)."""
        return W + self.scale * (self.A_lora @ self.B_lora)

    @torch.no_grad()
    def represent(self, change):
        """Mette in A_lora e B_lora la migliore approssimazione di rango r di change (righe, colonne)."""
        U, values, V = torch.linalg.svd(change / self.scale, full_matrices=False)
        rank = self.A_lora.size(1)
        self.A_lora.copy_(U[:, :rank] * values[:rank])
        self.B_lora.copy_(V[:rank])


def matrices(model):
    """I nomi delle matrici degli strati: i parametri a due assi fuori dagli embedding e dai logit, anche a 4 bit."""
    names = (re.sub(r"parametrizations\.(\w+)\..*", r"\1", name) for name, _ in model.named_parameters())
    found = dict.fromkeys(name for name in names if not name.startswith("embedding."))
    return [name for name in found if getattr(*find(model, name)).dim() == 2]


def add_lora(model, rank, alpha=None, names=None):
    """Congela il modello e dà una LowRankChange a ogni matrice di names (quelle rese da matrices se None).

    Cambia model sul posto e lo rende: i parametri che restano da imparare sono quelli di LoRA. rank: ridotto, dove la
    matrice è più piccola, al rango che può avere. Errori: ValueError se un nome non è di un parametro di model.
    """
    names = matrices(model) if names is None else names
    model.requires_grad_(False)
    for name in names:
        module, last = find(model, name)
        W = getattr(module, last)
        parametrize.register_parametrization(module, last, LowRankChange(W, min(rank, *W.shape), alpha))
    return model


def merge(model):
    """Fonde ogni correzione nella sua matrice, sul posto, e rende model: gli stessi parametri che aveva in origine."""
    for module in list(model.modules()):
        if parametrize.is_parametrized(module):
            for name in list(module.parametrizations):
                parametrize.remove_parametrizations(module, name, leave_parametrized=True)
    return model


def find(model, name):
    """Il modulo che ha il parametro name, e il nome che gli dà: («layers.0.feed_forward», «W_2»)."""
    path, _, last = name.rpartition(".")
    try:
        module = model.get_submodule(path)
        if not isinstance(getattr(module, last), torch.Tensor):
            raise AttributeError
    except AttributeError:
        raise ValueError(f"names contiene «{name}»: atteso il nome di un parametro del modello") from None
    return module, last


def trainable(model):
    """I parametri che l’addestramento muove: un elenco."""
    return [p for p in model.parameters() if p.requires_grad]
