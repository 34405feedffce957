"""Le convoluzioni che guardano soltanto indietro, contigue e dilatate: il blocco di ByteNet (Kalchbrenner e altri,
2016, arXiv 1610.10099), lo strato di ConvS2S con il suo sguardo di attenzione (Gehring e altri, 2017, arXiv
1705.03122), e il modello linguistico a finestra di Bengio e altri (2003).
"""

import math

import torch
from torch import nn

from attenzione.attention import causal_mask, scaled_dot_product_attention
from attenzione.config import check_positive_integer


class CausalConvolution(nn.Module):
    """Ogni posizione vede sé stessa e altre k − 1 prima di lei, a distanza dilation l’una dall’altra.

    W: (k, d_in, d_out), una matrice per posto, l’ultima per la posizione stessa; b: (d_out,). Prima dell’inizio ci sono
    vettori nulli. Errori: ValueError se una grandezza non è un intero positivo.
    """

    def __init__(self, d_in, d_out, kernel_size, dilation=1):
        super().__init__()
        sizes = {"d_in": d_in, "d_out": d_out, "kernel_size": kernel_size, "dilation": dilation}
        for name, value in sizes.items():
            check_positive_integer(name, value)
        self.kernel_size, self.dilation = kernel_size, dilation
        self.reach = (kernel_size - 1) * dilation  # quante posizioni prima arriva a vedere
        self.W = nn.Parameter(torch.randn(kernel_size, d_in, d_out) / math.sqrt(kernel_size * d_in))
        self.b = nn.Parameter(torch.zeros(d_out))

    def forward(self, x):
        """x: (B, n, d_in). Rende (B, n, d_out)."""
        padded = nn.functional.pad(x, (0, 0, self.reach, 0))  # (B, reach + n, d_in)
        n = x.size(1)
        return self.b + sum(padded[:, j * self.dilation :][:, :n] @ W for j, W in enumerate(self.W))

    def step(self, x, state=None):
        """x: (B, d_in). Rende (B, d_out) e lo stato: gli ultimi ingressi, (B, reach, d_in)."""
        (past,) = state or (x.new_zeros(len(x), self.reach, x.size(-1)),)
        seen = torch.cat([past, x[:, None]], dim=1)  # (B, reach + 1, d_in)
        output = self.b + sum(seen[:, j * self.dilation] @ W for j, W in enumerate(self.W))
        return output, (seen[:, 1:],)


class ByteNetBlock(nn.Module):
    """Il blocco di ByteNet: si stringe a metà, convoluzione dilatata, si riallarga, con normalizzazione e ReLU prima di
    ogni matrice. La somma con l’ingresso la fa chi lo usa. Errori: ValueError se d non è un intero positivo e pari.
    """

    def __init__(self, d, kernel_size=3, dilation=1):
        super().__init__()
        check_positive_integer("d", d)
        if d % 2:
            raise ValueError(f"d vale {d}: atteso pari, perché il blocco si stringe a metà")
        half = d // 2
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in (d, half, half))
        self.narrow, self.widen = nn.Linear(d, half), nn.Linear(half, d)
        self.convolution = CausalConvolution(half, half, kernel_size, dilation)

    def forward(self, x):
        """x: (B, n, d). Rende (B, n, d)."""
        return self.after(self.convolution(self.before(x)))

    def step(self, x, state=None):
        """x: (B, d). Rende (B, d) e lo stato della convoluzione."""
        output, state = self.convolution.step(self.before(x), state)
        return self.after(output), state

    def before(self, x):
        return self.norms[1](self.narrow(self.norms[0](x).relu())).relu()  # (..., d/2)

    def after(self, x):
        return self.widen(self.norms[2](x).relu())  # (..., d)


class ConvS2SLayer(nn.Module):
    """Uno strato del decoder di ConvS2S: convoluzione con un gate (metà dei numeri, passata in σ, moltiplica l’altra
    metà), poi uno sguardo di attenzione a prodotto scalare il cui esito si somma.

    Là si guarda l’uscita dell’encoder; qui la sequenza è una sola, e si guardano i vettori che entrano nello strato,
    fino alla posizione stessa. W_q: (d, d).
    """

    def __init__(self, d, kernel_size=3):
        super().__init__()
        self.convolution = CausalConvolution(d, 2 * d, kernel_size)
        self.W_q = nn.Parameter(nn.init.xavier_uniform_(torch.empty(d, d)))

    def forward(self, x, need_weights=False):
        """x: (B, n, d). Rende (B, n, d); con need_weights anche i pesi (B, n, n)."""
        z = nn.functional.glu(self.convolution(x))  # (B, n, d)
        context, weights = scaled_dot_product_attention(z @ self.W_q, x, x, causal_mask(x.size(1), device=x.device))
        return (z + context, weights) if need_weights else z + context

    def step(self, x, state=None):
        """x: (B, d). Rende (B, d) e lo stato: gli ingressi recenti della convoluzione, e tutti quelli da guardare."""
        recent, memory = (None, None) if state is None else (state[:1], state[1])
        z, recent = self.convolution.step(x, recent)
        z = nn.functional.glu(z)  # (B, d)
        memory = x[:, None] if memory is None else torch.cat([memory, x[:, None]], dim=1)  # (B, t, d)
        context, _ = scaled_dot_product_attention((z @ self.W_q)[:, None], memory, memory)  # (B, 1, d)
        return z + context[:, 0], (*recent, memory)


class WindowMLP(nn.Module):
    """Il modello a finestra di Bengio e altri: i vettori degli ultimi window token affiancati, uno strato nascosto con
    la tangente iperbolica, e una matrice. Affiancare e moltiplicare è una convoluzione contigua di ampiezza window.
    """

    def __init__(self, d, window, d_hidden=None):
        super().__init__()
        self.hidden = CausalConvolution(d, d_hidden or d, window)
        self.U = nn.Linear(d_hidden or d, d)

    def forward(self, x):
        """x: (B, n, d). Rende (B, n, d)."""
        return self.U(self.hidden(x).tanh())

    def step(self, x, state=None):
        """x: (B, d). Rende (B, d) e lo stato: gli ultimi window − 1 ingressi."""
        hidden, state = self.hidden.step(x, state)
        return self.U(hidden.tanh()), state


def receptive_field(kernel_size, dilations):
    """Quante posizioni, compresa la sua, arriva a vedere una pila di convoluzioni con quelle dilatazioni."""
    return 1 + sum((kernel_size - 1) * dilation for dilation in dilations)
