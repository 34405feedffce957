"""I modelli a spazio di stato: S4 (Gu e altri, 2021, arXiv 2111.00396), in forma diagonale, e la scansione selettiva
di Mamba (Gu e Dao, 2023, arXiv 2312.00752).

Ogni componente dell’ingresso passa in un suo piccolo stato di n_states numeri, che a ogni passo si moltiplica per
a = e^(Δ λ), con λ di parte reale negativa, e riceve l’ingresso; l’uscita è una loro somma pesata. In S4 i coefficienti
sono sempre gli stessi, e la ricorrenza è anche una convoluzione; in Mamba Δ, la scrittura e la lettura dipendono
dall’ingresso, e resta la ricorrenza, da fare un passo alla volta o per raddoppi.
"""

import math

import torch
from torch import nn
from torch.nn.functional import gelu, silu, softplus

from attenzione.config import check_positive_integer
from attenzione.later.scan import recurrence, scan


def convolve(x, kernel):
    """y_t = Σ_j kernel_j x_{t−j}, componente per componente, con la trasformata di Fourier: O(n log n).

    x: (B, n, d); kernel: (n, d), il primo per la posizione stessa. Rende (B, n, d).
    """
    n = x.size(1)
    length = 2 * n  # il doppio, perché la fine non si sommi all’inizio
    spectrum = torch.fft.rfft(x, length, dim=1) * torch.fft.rfft(kernel, length, dim=0)
    return torch.fft.irfft(spectrum, length, dim=1)[:, :n]


class DiagonalS4(nn.Module):
    """S4 con la matrice di stato diagonale e complessa, poi GELU e una matrice che mescola le componenti.

    S4 parte da una matrice piena, HiPPO, che si scrive come diagonale più una di rango basso; la forma soltanto
    diagonale, che qui basta, è venuta dopo (S4D, Gu e altri, 2022, arXiv 2206.11893). n_states: numeri complessi per
    componente, dei quali si prende due volte la parte reale. λ parte da −1/2 + i π m, con m da 0 a n_states − 1. W_o:
    (d, d). Errori: ValueError se una grandezza non è un intero positivo.
    """

    def __init__(self, d, n_states=8):
        super().__init__()
        for name, value in (("d", d), ("n_states", n_states)):
            check_positive_integer(name, value)
        self.log_delta = nn.Parameter(torch.empty(d).uniform_(math.log(0.001), math.log(0.1)))
        self.log_real = nn.Parameter(torch.full((d, n_states), math.log(0.5)))
        self.imaginary = nn.Parameter(math.pi * torch.arange(n_states, dtype=torch.get_default_dtype()).repeat(d, 1))
        self.C = nn.Parameter(torch.randn(d, n_states, 2) / math.sqrt(2))  # parte reale e immaginaria
        self.D = nn.Parameter(torch.ones(d))
        self.W_o = nn.Parameter(nn.init.xavier_uniform_(torch.empty(d, d)))

    def discrete(self):
        """Quanto resta dello stato a ogni passo, e quanto se ne legge: a e c, complessi, (d, n_states).

        La scrittura (a − 1)/λ, la stessa a ogni passo, è già dentro c.
        """
        eigenvalues = torch.complex(-self.log_real.exp(), self.imaginary)
        a = (self.log_delta.exp()[:, None] * eigenvalues).exp()
        return a, 2 * torch.view_as_complex(self.C) * (a - 1) / eigenvalues

    def kernel(self, n):
        """Il kernel della convoluzione: che cosa resta nell’uscita di un ingresso di j passi fa. Rende (n, d)."""
        a, c = self.discrete()
        powers = a ** torch.arange(n, device=a.device)[:, None, None]  # (n, d, n_states)
        return (c * powers).real.sum(dim=-1)

    def forward(self, x):
        """x: (B, n, d). Rende (B, n, d)."""
        return gelu(convolve(x, self.kernel(x.size(1))) + self.D * x) @ self.W_o

    def step(self, x, state=None):
        """x: (B, d). Rende (B, d) e lo stato: (B, d, n_states, 2), parte reale e immaginaria."""
        a, c = self.discrete()
        h = x[..., None].to(a.dtype) if state is None else a * torch.view_as_complex(state[0]) + x[..., None]
        y = (c * h).real.sum(dim=-1) + self.D * x  # (B, d)
        return gelu(y) @ self.W_o, (torch.view_as_real(h),)


class SelectiveScan(nn.Module):
    """La scansione selettiva: h_t = e^(Δ_t λ) h_{t−1} + Δ_t B_t x_t, y_t = C_t · h_t + D x_t.

    Δ_t (uno per componente), B_t e C_t (n_states numeri, comuni alle componenti) escono da x_t: dove Δ_t è grande il
    vecchio stato si cancella e l’ingresso si scrive, dove è vicino a 0 la posizione si salta. λ parte da −1, −2 …
    −n_states. W_bc: (d, 2 n_states); Δ si fa con due matrici, (d, rank) e (rank, d). parallel: per raddoppi, che
    conviene dove i processori sono molti, invece che un passo alla volta. Errori: ValueError se una grandezza non è un
    intero positivo.
    """

    def __init__(self, d, n_states=8, rank=None, parallel=True):
        super().__init__()
        self.solve = scan if parallel else recurrence
        rank = max(1, d // 16) if rank is None else rank
        for name, value in (("d", d), ("n_states", n_states), ("rank", rank)):
            check_positive_integer(name, value)
        speeds = torch.arange(1, n_states + 1, dtype=torch.get_default_dtype())
        self.log_lambda = nn.Parameter(speeds.log().repeat(d, 1))
        self.W_bc = nn.Parameter(nn.init.xavier_uniform_(torch.empty(d, 2 * n_states)))
        self.W_delta = nn.Linear(d, rank, bias=False)
        self.delta = nn.Linear(rank, d)
        start = torch.empty(d).uniform_(math.log(0.001), math.log(0.1)).exp()
        self.delta.bias.data = start.expm1().log()  # softplus(b) = start
        self.D = nn.Parameter(torch.ones(d))

    def discrete(self, x):
        """a_t e b_t, (..., d, n_states), e la lettura C_t, (..., n_states), per gli ingressi x (..., d)."""
        delta = softplus(self.delta(self.W_delta(x)))[..., None]  # (..., d, 1)
        write, read = (x @ self.W_bc).chunk(2, dim=-1)  # (..., n_states)
        return (-delta * self.log_lambda.exp()).exp(), delta * x[..., None] * write[..., None, :], read

    def forward(self, x):
        """x: (B, n, d). Rende (B, n, d)."""
        a, b, read = self.discrete(x)
        return (self.solve(a, b) * read[..., None, :]).sum(dim=-1) + self.D * x

    def step(self, x, state=None):
        """x: (B, d). Rende (B, d) e lo stato (B, d, n_states)."""
        a, b, read = self.discrete(x)
        h = b if state is None else a * state[0] + b
        return (h * read[..., None, :]).sum(dim=-1) + self.D * x, (h,)


class MambaBlock(nn.Module):
    """Il blocco di Mamba: due copie allargate dell’ingresso; una passa per una convoluzione corta, SiLU e la scansione
    selettiva; l’altra, passata in SiLU, la moltiplica; una matrice torna alla larghezza di prima.

    W_in: (d, 2 · 2d); la convoluzione è di ampiezza kernel_size, un filtro per componente; W_out: (2d, d).
    """

    def __init__(self, d, n_states=8, kernel_size=4, parallel=True):
        super().__init__()
        check_positive_integer("kernel_size", kernel_size)
        self.W_in = nn.Parameter(nn.init.xavier_uniform_(torch.empty(d, 4 * d)))
        self.filters = nn.Parameter(torch.randn(kernel_size, 2 * d) / math.sqrt(kernel_size))
        self.scan = SelectiveScan(2 * d, n_states, parallel=parallel)
        self.W_out = nn.Parameter(nn.init.xavier_uniform_(torch.empty(2 * d, d)))

    def forward(self, x):
        """x: (B, n, d). Rende (B, n, d)."""
        u, gate = (x @ self.W_in).chunk(2, dim=-1)  # (B, n, 2d)
        reach, n = len(self.filters) - 1, x.size(1)
        padded = nn.functional.pad(u, (0, 0, reach, 0))  # (B, reach + n, 2d)
        u = silu(sum(padded[:, j : j + n] * f for j, f in enumerate(self.filters)))
        return (self.scan(u) * silu(gate)) @ self.W_out

    def step(self, x, state=None):
        """x: (B, d). Rende (B, d) e lo stato: gli ultimi ingressi della convoluzione, e quello della scansione."""
        u, gate = (x @ self.W_in).chunk(2, dim=-1)  # (B, 2d)
        if state is None:
            state = (u.new_zeros(len(u), len(self.filters) - 1, u.size(-1)),)
        past, hidden = state[0], state[1:] or None
        seen = torch.cat([past, u[:, None]], dim=1)  # (B, kernel_size, 2d)
        y, hidden = self.scan.step(silu((seen * self.filters).sum(dim=1)), hidden)
        return (y * silu(gate)) @ self.W_out, (seen[:, 1:], *hidden)
