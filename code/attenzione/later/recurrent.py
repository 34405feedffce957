"""Le reti ricorrenti: la RNN, la LSTM (Hochreiter e Schmidhuber, 1997; il gate che dimentica è di Gers e altri, 2000),
la GRU (Cho e altri, 2014, arXiv 1406.1078), e l’attenzione additiva sui loro stati (Bahdanau e altri, 2014, arXiv
1409.0473).

Ogni rete ha ``forward``, che legge una sequenza intera, e ``step``, che ne legge una posizione e tiene lo stato: è lo
stesso calcolo. Fanno così tutti i moduli che leggono una sequenza da sinistra a destra: ``step(x, state)`` vuole x
(B, d_in) e rende (uscita, stato), con lo stato una tupla di tensori, o None all’inizio.
"""

import math

import torch
from torch import nn

from attenzione.attention import AdditiveAttention, attend, causal_mask
from attenzione.config import check_positive_integer


class RecurrentCell(nn.Module):
    """Ciò che le tre reti hanno in comune: le matrici di tutti i gate affiancate, e il ciclo sulle posizioni.

    W_x: (d_in, g d); W_h: (d, g d); b: (g d), con g = GATES, quanti blocchi ha la rete. I valori di partenza sono
    uniformi fra −1/√d e 1/√d, come in PyTorch. Errori: ValueError se una grandezza non è un intero positivo.
    """

    GATES = 1

    def __init__(self, d_in, d):
        super().__init__()
        for name, value in (("d_in", d_in), ("d", d)):
            check_positive_integer(name, value)
        self.d = d
        self.W_x = nn.Parameter(torch.empty(d_in, self.GATES * d))
        self.W_h = nn.Parameter(torch.empty(d, self.GATES * d))
        self.b = nn.Parameter(torch.zeros(self.GATES * d))
        for W in (self.W_x, self.W_h):
            nn.init.uniform_(W, -1 / math.sqrt(d), 1 / math.sqrt(d))

    def forward(self, x):
        """x: (B, n, d_in). Rende gli stati nascosti (B, n, d), calcolati uno dopo l’altro."""
        state, outputs = None, []
        for seen in (x @ self.W_x + self.b).unbind(dim=1):  # ciò che non dipende dallo stato si fa insieme
            output, state = self.advance(seen, state)
            outputs.append(output)
        return torch.stack(outputs, dim=1)

    def step(self, x, state=None):
        """x: (B, d_in). Rende lo stato nascosto (B, d), e lo stato intero, che è una tupla."""
        return self.advance(x @ self.W_x + self.b, state)


class RNN(RecurrentCell):
    """h_t = tanh(x_t W_x + h_{t−1} W_h + b): la rete di §1."""

    def advance(self, seen, state):
        (h,) = state or (seen.new_zeros(len(seen), self.d),)
        h = (seen + h @ self.W_h).tanh()  # (B, d)
        return h, (h,)


class LSTM(RecurrentCell):
    """c_t = f ⊗ c_{t−1} + i ⊗ g, h_t = o ⊗ tanh(c_t): quattro blocchi, nell’ordine i, f, g, o di PyTorch.

    forget_bias: da dove parte il bias di f; con 1 all’inizio σ(1) ≈ 0,73 della cella resta a ogni passo.
    """

    GATES = 4

    def __init__(self, d_in, d, forget_bias=1.0):
        super().__init__(d_in, d)
        self.b.data[d : 2 * d] = forget_bias

    def advance(self, seen, state):
        h, c = state or (seen.new_zeros(len(seen), self.d),) * 2
        i, f, g, o = (seen + h @ self.W_h).chunk(4, dim=-1)  # (B, d) l’uno
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return h, (h, c)

    def forget_gate(self, x):
        """Il gate f a ogni posizione di x (B, n, d_in): (B, n, d), fra 0 e 1."""
        h = self(x)
        before = torch.cat([torch.zeros_like(h[:, :1]), h[:, :-1]], dim=1)  # (B, n, d): lo stato di prima
        return (x @ self.W_x + before @ self.W_h + self.b).chunk(4, dim=-1)[1].sigmoid()


class GRU(RecurrentCell):
    """h_t = z ⊗ h_{t−1} + (1 − z) ⊗ n: tre blocchi, nell’ordine r, z, n di PyTorch.

    n = tanh(x W + (r ⊗ h_{t−1}) U + b): r moltiplica lo stato prima della matrice, come scrivono Cho e altri. Con
    reset_after moltiplica dopo, come fa PyTorch.
    """

    GATES = 3

    def __init__(self, d_in, d, reset_after=False):
        super().__init__(d_in, d)
        self.reset_after = reset_after

    def advance(self, seen, state):
        (h,) = state or (seen.new_zeros(len(seen), self.d),)
        both, last = self.W_h.split((2 * self.d, self.d), dim=-1)  # (d, 2d), (d, d)
        r, z = (seen[:, : 2 * self.d] + h @ both).sigmoid().chunk(2, dim=-1)  # (B, d) l’uno
        recalled = r * (h @ last) if self.reset_after else (r * h) @ last  # (B, d)
        new = (seen[:, 2 * self.d :] + recalled).tanh()
        h = z * h + (1 - z) * new
        return h, (h,)


class AttentiveGRU(nn.Module):
    """Una GRU che a ogni posizione guarda i suoi stati precedenti con l’attenzione additiva.

    La query è lo stato nascosto, chiavi e valori sono gli stati fino a quello. In Bahdanau e altri gli stati guardati
    sono quelli dell’encoder e il contesto entra nel passo seguente; qui la sequenza è una sola e il contesto esce dallo
    strato, accanto allo stato. W_o: (2 d, d).
    """

    def __init__(self, d_in, d):
        super().__init__()
        self.gru, self.attention = GRU(d_in, d), AdditiveAttention(d)
        self.W_o = nn.Parameter(nn.init.xavier_uniform_(torch.empty(2 * d, d)))

    def forward(self, x, need_weights=False):
        """x: (B, n, d_in). Rende (B, n, d); con need_weights anche i pesi (B, n, n)."""
        h = self.gru(x)  # (B, n, d)
        context, weights = self.attention(h, h, h, causal_mask(h.size(1), device=x.device))
        output = torch.cat([h, context], dim=-1) @ self.W_o
        return (output, weights) if need_weights else output

    def step(self, x, state=None):
        """x: (B, d_in). Rende l’uscita (B, d) e lo stato: quello della GRU, poi le chiavi e i valori già visti."""
        hidden, memory = (None, ()) if state is None else (state[:1], state[1:])
        h, hidden = self.gru.step(x, hidden)
        new = self.attention.W_k(h)[:, None], h[:, None]  # (B, 1, d) l’una: la chiave si proietta una volta sola
        keys, values = (torch.cat(pair, dim=1) for pair in zip(memory, new, strict=True)) if memory else new
        scores = self.attention.v((self.attention.W_q(h)[:, None] + keys).tanh()).mT  # (B, 1, t)
        context, _ = attend(scores, values)  # (B, 1, d)
        return torch.cat([h, context[:, 0]], dim=-1) @ self.W_o, (*hidden, keys, values)


def both_ways(forwards, backwards, x):
    """Una rete bidirezionale: due reti, una per verso, e gli stati affiancati. x: (B, n, d_in). Rende (B, n, 2 d)."""
    return torch.cat([forwards(x), backwards(x.flip(1)).flip(1)], dim=-1)
