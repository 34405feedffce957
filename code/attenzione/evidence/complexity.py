"""Costo, attesa e cammini degli strati della Tabella 1, §4: derivati, contati e cercati su strati veri.

Un’operazione è una moltiplicazione con la sua somma, e vale due FLOP. Ogni strato va da (n, d) a (n, d).
"""

from itertools import count, repeat

import sympy as sp
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from attenzione.attention import scaled_dot_product_attention

n, d, k, r = sp.symbols("n d k r", positive=True, integer=True)
COSTS = {  # le operazioni di ciascuno strato, §4
    "self-attention": 2 * n**2 * d,  # i punteggi, poi la somma pesata
    "ricorrente": 2 * n * d**2,  # una matrice per l’ingresso, una per lo stato
    "convoluzionale": k * n * d**2,
    "dilatata": k * n * d**2,
    "separabile": k * n * d + n * d**2,
    "ristretta": 2 * r * n * d,
}


def build_layer(kind, d, kernel_size=3, r=3, dilation=1):
    """Uno strato vero, in doppia precisione: una funzione da (n, d) a (n, d).

    kind: una chiave di COSTS; kernel_size: k; r: le posizioni guardate dalla self-attention ristretta;
    dilation: la distanza fra due posizioni vicine del kernel; il dilatato guarda soltanto indietro, il convoluzionale
    è centrato.
    Errori: ValueError se kind è un altro.
    """
    if kind == "self-attention":
        return lambda X: scaled_dot_product_attention(X, X, X)[0]
    if kind == "ristretta":
        return lambda X: restricted_attention(X, r)
    if kind == "ricorrente":
        cell = nn.RNNCell(d, d, bias=False).double()
        return lambda X: recur(cell, X)
    padding = kernel_size // 2
    if kind == "dilatata":
        conv = nn.Conv1d(d, d, kernel_size, dilation=dilation, bias=False).double()
        return lambda X: conv(nn.functional.pad(X.T, (dilation * (kernel_size - 1), 0))).T
    if kind == "convoluzionale":
        conv = nn.Conv1d(d, d, kernel_size, padding=dilation * padding, dilation=dilation, bias=False).double()
    elif kind == "separabile":
        conv = nn.Sequential(
            nn.Conv1d(d, d, kernel_size, padding=padding, groups=d, bias=False), nn.Conv1d(d, d, 1, bias=False)
        ).double()
    else:
        raise ValueError(f"kind vale «{kind}»: atteso uno fra {', '.join(COSTS)}")
    return lambda X: conv(X.T).T[: len(X)]  # con k pari il bordo dà una posizione in più


def recur(cell, X):
    """Uno strato ricorrente: lo stato passa da una posizione alla successiva. X: (n, d). Rende (n, d)."""
    state, states = X.new_zeros(1, X.size(1)), []
    for x_t in X.split(1):
        state = cell(x_t, state)  # (1, d)
        states.append(state)
    return torch.cat(states)


def restricted_attention(X, r):
    """Self-attention ristretta: ogni posizione guarda le r attorno a sé, §4. X: (n, d). Rende (n, d)."""
    index = torch.arange(len(X))[:, None] + torch.arange(r) - r // 2  # (n, r)
    mask = (index >= 0) & (index < len(X))  # (n, r): fuori dalla frase non si guarda
    windows = X[index.clamp(0, len(X) - 1)]  # (n, r, d)
    return scaled_dot_product_attention(X[:, None], windows, windows, mask[:, None])[0][:, 0]


def count_operations(layer, n, d):
    """Le operazioni eseguite davvero da layer su n vettori di d componenti, contate da PyTorch."""
    X = torch.randn(n, d, dtype=torch.float64)
    with FlopCounterMode(display=False) as counter:
        layer(X)
    return counter.get_total_flops() // 2


def sequential_operations(layer, n, d):
    """Quante operazioni di PyTorch stanno in fila: il cammino più lungo nel grafo delle dipendenze."""
    last = layer(torch.randn(n, d, dtype=torch.float64, requires_grad=True)).grad_fn
    depth, stack = {}, [last]
    while stack:
        parents = [node for node, _ in stack[-1].next_functions if node is not None]
        missing = [node for node in parents if node not in depth]
        if missing:
            stack += missing
        else:
            depth[stack.pop()] = 1 + max((depth[node] for node in parents), default=0)
    return depth[last]


def connections(layer, X):
    """Chi arriva a chi in un passo: (n, n) booleano, vero se l’uscita i ha gradiente rispetto all’ingresso j."""
    return torch.func.jacrev(layer)(X).abs().sum((1, 3)) > 0


def steps(kind, n, kernel_size=3, r=3, seed=0):
    """I collegamenti di un passo dopo l’altro, senza fine, ciascuno (n, n), ricavati da strati veri.

    Un passo è uno strato della pila; nella rete ricorrente è una posizione: prima dall’ingresso allo stato,
    poi dallo stato al successivo. La convoluzione dilatata allarga il passo: 1, k, k², …
    """
    X = torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))  # (n, 2)
    if kind == "ricorrente":
        cell = seeded(seed, nn.RNNCell, 2, 2, bias=False).double()
        yield connections(lambda X: cell(X, X.detach()), X)
        yield from repeat(connections(lambda H: cell(X, torch.cat([0 * H[:1], H[:-1]])), X))
    elif kind == "dilatata":
        for level in count():
            yield connections(seeded(seed, build_layer, kind, 2, kernel_size, dilation=kernel_size**level), X)
    else:
        yield from repeat(connections(seeded(seed, build_layer, kind, 2, kernel_size, r), X))


def seeded(seed, build, *args, **options):
    """build(*args, **options) con il seme dato, senza toccare il generatore di chi chiama."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(*args, **options)


def path_lengths(links):
    """Ricerca in ampiezza: dopo quanti passi ogni ingresso j arriva a ogni uscita i, 0 se non vi arriva.

    links: le matrici (n, n) rese da steps. Ci si ferma quando un passo non collega nessuna coppia nuova.
    """
    for step, link in enumerate(links, start=1):
        if step == 1:
            reached, lengths = link.double(), link.long()
            continue
        reached = (link.double() @ reached).clamp(max=1)  # (n, n): una frontiera per ogni ingresso
        new = (reached > 0) & (lengths == 0)
        if not new.any():
            return lengths
        lengths[new] = step


def max_path(kind, n, kernel_size=3, r=3):
    """La lunghezza massima del cammino fra due posizioni collegabili, in passi."""
    return path_lengths(steps(kind, n, kernel_size, r)).max().item()
