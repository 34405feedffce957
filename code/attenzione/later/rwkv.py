"""Il mescolamento nel tempo di RWKV (Peng e altri, 2023, arXiv 2305.13048), nella forma a canali della quarta versione.

Un canale è una componente. Ogni canale fa la media dei suoi valori con pesi e^(k_j − (t − 1 − j) w): la chiave dice
quanto pesa ciò che si scrive, il decadimento w quanto in fretta sbiadisce; la posizione corrente ha peso e^(u + k_t).
Nessun prodotto di query per chiave: al posto della query c’è la *receptance*, un gate sull’uscita. Le teste vengono
dopo, in Eagle e Finch (arXiv 2404.05892).
"""

import torch
from torch import nn

from attenzione.config import check_positive_integer


def wkv(w, u, k, v):
    """La media pesata di tutti i canali, come softmax di punteggi in cui la query non c’è.

    w: (d,), positivo; u: (d,); k, v: (B, n, d). Costa n² numeri per canale. Rende (B, n, d).
    """
    t = torch.arange(k.size(1), device=k.device)
    gap = t[:, None] - t - 1  # (n, n): t − 1 − j
    scores = torch.where(gap < 0, u[:, None, None], -gap * w[:, None, None])  # (d, n, n)
    scores = scores.masked_fill(gap < -1, -torch.inf) + k.mT.unsqueeze(-2)  # (B, d, n, n): riga t, colonna j
    return (scores.softmax(dim=-1) @ v.mT.unsqueeze(-1)).squeeze(-1).mT  # (B, n, d)


def wkv_step(w, u, k, v, state=None):
    """La stessa media, una posizione alla volta. k, v: (B, d). Rende (B, d) e lo stato.

    Lo stato sono la somma dei valori pesati, quella dei pesi, e il logaritmo di ciò per cui sono divise entrambe: il
    massimo trovato fin lì, senza il quale gli esponenziali uscirebbero dai numeri che si possono scrivere.
    """
    total, weight, top = state or (torch.zeros_like(v), torch.zeros_like(v), torch.full_like(v, -torch.inf))
    here = torch.maximum(top, u + k)
    old, new = (top - here).exp(), (u + k - here).exp()
    output = (old * total + new * v) / (old * weight + new)  # (B, d)
    after = torch.maximum(top - w, k)
    old, new = (top - w - after).exp(), (k - after).exp()
    return output, (old * total + new * v, old * weight + new, after)


class TimeMixing(nn.Module):
    """r, k e v da una mistura della posizione corrente e della precedente, la media, il gate σ(r), una matrice.

    W_r, W_k, W_v, W_o: (d, d); mix: (3, d), quanto della posizione corrente; w = e^decay: (d,), sempre positivo; u:
    (d,). I canali partono con decadimenti diversi, da lenti a svelti. Errori: ValueError se d non è un intero positivo.
    """

    def __init__(self, d):
        super().__init__()
        check_positive_integer("d", d)
        self.W_r, self.W_k, self.W_v, self.W_o = (
            nn.Parameter(nn.init.xavier_uniform_(torch.empty(d, d))) for _ in range(4)
        )
        self.mix = nn.Parameter(torch.linspace(0, 1, d).expand(3, d).clone())
        self.decay = nn.Parameter(torch.linspace(-6, 1, d))
        self.u = nn.Parameter(torch.zeros(d))

    def forward(self, x):
        """x: (B, n, d). Rende (B, n, d)."""
        before = nn.functional.pad(x[:, :-1], (0, 0, 1, 0))  # (B, n, d): la posizione precedente
        r, k, v = self.project(x, before)
        return (r.sigmoid() * wkv(self.decay.exp(), self.u, k, v)) @ self.W_o

    def step(self, x, state=None):
        """x: (B, d). Rende (B, d) e lo stato: il vettore precedente e le tre grandezze di wkv_step, (B, d) l’una."""
        before, mean = (torch.zeros_like(x), None) if state is None else (state[0], state[1:])
        r, k, v = self.project(x, before)
        average, mean = wkv_step(self.decay.exp(), self.u, k, v, mean)
        return (r.sigmoid() * average) @ self.W_o, (x, *mean)

    def project(self, x, before):
        mixed = (m * x + (1 - m) * before for m in self.mix)
        return (y @ W for y, W in zip(mixed, (self.W_r, self.W_k, self.W_v), strict=True))
