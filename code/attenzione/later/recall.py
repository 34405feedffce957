"""Un compito per tutte: ricordare che cosa seguiva una lettera, letta molti passi prima.

Una sequenza ha n_pairs coppie, una lettera e una cifra, tutte di lettere diverse; poi le stesse lettere tornano in un altro
ordine, e dopo ciascuna bisogna dire la cifra. Le cifre si estraggono a ogni sequenza: saperle vuol dire averle ricordate, e
a caso se ne indovina una su dieci. Ogni architettura di ROSTER sta nella stessa cornice, con quasi lo stesso numero di
parametri, e legge da sinistra a destra.

    python -m attenzione.later.recall --semi 0 1

addestra ogni architettura a ogni lunghezza (si interrompe e si riprende) e scrive i numeri in ricordare.json; il libro
mostra quelli registrati accanto a questo file.
"""

import argparse
import json
import platform
import sys
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from attenzione.attention import MultiHeadAttention
from attenzione.device import seed_everything
from attenzione.embedding import sinusoidal_positions
from attenzione.files import write_text
from attenzione.later.convolution import ByteNetBlock, ConvS2SLayer, WindowMLP
from attenzione.later.linear_attention import LinearAttention
from attenzione.later.messages import PathNetwork
from attenzione.later.recurrent import GRU, LSTM, RNN, AttentiveGRU
from attenzione.later.rwkv import TimeMixing
from attenzione.later.state_space import DiagonalS4, MambaBlock
from attenzione.streams import as_command

RECORDED = Path(__file__).with_name("ricordare.json")
N_LETTERS, N_DIGITS = 16, 10
N_VOCAB = N_LETTERS + N_DIGITS
N_PARAMETERS, MAX_PAIRS, STEPS = 20_000, 12, 1500


def recall_sequences(n_pairs, batch, generator=None):
    """Sequenze del compito, (batch, 4 n_pairs): le lettere sono i token da 0 a 15, le cifre quelli da 16 a 25.

    Errori: ValueError se n_pairs non sta fra 1 e 16.
    """
    if not 1 <= n_pairs <= N_LETTERS:
        raise ValueError(f"n_pairs vale {n_pairs}: atteso fra 1 e {N_LETTERS}, quante sono le lettere")
    letters = torch.rand(batch, N_LETTERS, generator=generator).argsort(dim=1)[:, :n_pairs]  # (batch, n_pairs)
    digits = torch.randint(N_LETTERS, N_VOCAB, (batch, n_pairs), generator=generator)
    order = torch.rand(batch, n_pairs, generator=generator).argsort(dim=1)
    pairs = torch.stack([letters, digits], dim=-1)  # (batch, n_pairs, 2)
    again = pairs.gather(1, order[..., None].expand(-1, -1, 2))
    return torch.cat([pairs, again], dim=1).flatten(1)


def as_text(sequence):
    """Una sequenza come si legge: «c4 a7 c4 a7»."""
    signs = ["abcdefghijklmnop"[token] if token < N_LETTERS else str(token - N_LETTERS) for token in sequence.tolist()]
    return " ".join(map("".join, zip(signs[::2], signs[1::2], strict=True)))


class SelfAttention(nn.Module):
    """Lo strato dell’articolo, §3.2.2, con la maschera causale; forward e step come negli altri moduli."""

    def __init__(self, d, n_heads=2):
        super().__init__()
        self.attention = MultiHeadAttention(d, n_heads)

    def forward(self, x):
        return self.attention(x, is_causal=True)

    def step(self, x, state=None):
        memory = self.attention.keys_values(x[:, None])  # (B, h, 1, d_k) due volte
        if state is not None:
            memory = tuple(torch.cat(pair, dim=2) for pair in zip(state, memory, strict=True))
        return self.attention(x[:, None], memory)[:, 0], memory


def stack(build, copies=2):
    """Da una funzione che fa uno strato largo d a una che ne fa una lista, tutti uguali."""
    return lambda d: [build(d) for _ in range(copies)]


def bytenet(d):
    return [ByteNetBlock(d, dilation=dilation) for dilation in (1, 2, 4, 8, 16)]  # un campo di 63 posizioni


ROSTER = {  # nome → (gli strati larghi d, di quanto si può cambiare d, se vuole le posizioni sommate agli embedding)
    "MLP a finestra": (stack(partial(WindowMLP, window=8), 1), 1, False),
    "GNN sul cammino": (stack(partial(PathNetwork, rounds=8), 1), 1, False),
    "ByteNet": (bytenet, 2, False),
    "ConvS2S": (stack(ConvS2SLayer), 2, True),
    "RNN": (stack(lambda d: RNN(d, d)), 1, False),
    "LSTM": (stack(lambda d: LSTM(d, d)), 1, False),
    "GRU": (stack(lambda d: GRU(d, d)), 1, False),
    "GRU con attenzione": (stack(lambda d: AttentiveGRU(d, d)), 1, False),
    "self-attention": (stack(SelfAttention), 4, True),
    "attenzione lineare": (stack(partial(LinearAttention, n_heads=2)), 4, True),
    "RWKV": (stack(TimeMixing), 1, False),
    "S4": (stack(DiagonalS4), 1, False),
    "Mamba": (stack(partial(MambaBlock, parallel=False)), 1, False),
}


class Reader(nn.Module):
    """La cornice comune: embedding, strati con la normalizzazione prima e la somma dopo, normalizzazione, logit.

    layers: gli strati, ciascuno da (B, n, d) a (B, n, d) e con il suo step; positions: se sommare la codifica
    posizionale di §3.5, che i modelli con un ordine loro non chiedono.
    """

    def __init__(self, layers, d, positions=False):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(N_VOCAB, d), positions
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(len(layers) + 1))
        self.output = nn.Linear(d, N_VOCAB)

    def forward(self, tokens):
        """tokens: (B, n). Rende i logit (B, n, n_vocab)."""
        x = self.embed(tokens, 0)  # (B, n, d)
        for layer, norm in zip(self.layers, self.norms, strict=False):
            x = x + layer(norm(x))
        return self.output(self.norms[-1](x))

    def step(self, tokens, state=None):
        """tokens: (B,), una posizione. Rende i logit (B, n_vocab) e lo stato: a che posizione si è, e uno per strato."""
        start, states = (0, [None] * len(self.layers)) if state is None else state
        x, after = self.embed(tokens[:, None], start)[:, 0], []
        for layer, norm, before in zip(self.layers, self.norms, states, strict=False):
            y, kept = layer.step(norm(x), before)
            x = x + y
            after.append(kept)
        return self.output(self.norms[-1](x)), (start + 1, after)

    def embed(self, tokens, start):
        x = self.embedding(tokens)
        if self.positions:
            x = x + sinusoidal_positions(start + tokens.size(1), x.size(-1))[start:].to(x)
        return x


def build(name, d=None, seed=0):
    """L’architettura di quel nome, larga d; se d non è dato, quanto basta per N_PARAMETERS parametri.

    Errori: ValueError se il nome non è in ROSTER.
    """
    if name not in ROSTER:
        raise ValueError(f"name vale «{name}»: atteso uno fra {', '.join(ROSTER)}")
    layers, _, positions = ROSTER[name]
    d = width(name) if d is None else d
    seed_everything(seed)
    return Reader(layers(d), d, positions)


def width(name):
    """La larghezza con cui l’architettura si avvicina di più a N_PARAMETERS."""
    _, multiple, _ = ROSTER[name]
    best = None
    for d in range(multiple, 200, multiple):
        distance = abs(count_parameters(build(name, d)) - N_PARAMETERS)
        if best is not None and distance > best:
            return d - multiple
        best = distance


def count_parameters(model):
    return sum(p.numel() for p in model.parameters())


def train_reader(model, *, steps=STEPS, batch=32, rate=5e-3, seed=0, progress=False):
    """Addestra su sequenze sempre nuove, da 1 a MAX_PAIRS coppie, con Adam; il tasso sale per 50 passi e poi scende a zero.

    Rende l’accuratezza di ogni passo.
    """
    generator = torch.Generator().manual_seed(1000 + seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    curve = []
    for step in tqdm(range(steps), disable=not progress):
        for group in optimizer.param_groups:
            group["lr"] = rate * min((step + 1) / 50, 1 - step / steps)
        n_pairs = torch.randint(1, MAX_PAIRS + 1, (), generator=generator).item()
        loss, right = answers(model, recall_sequences(n_pairs, batch, generator))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        curve.append(right.item())
    return curve


def answers(model, sequences):
    """La perdita e la frazione di cifre giuste fra quelle chieste, nella seconda metà. sequences: (B, 4 n_pairs)."""
    half = sequences.size(1) // 2
    logits = model(sequences[:, :-1])[:, half::2]  # (B, n_pairs, n_vocab): dopo ogni lettera che torna
    wanted = sequences[:, half + 1 :: 2]  # (B, n_pairs)
    return cross_entropy(logits.flatten(0, 1), wanted.flatten()), (logits.argmax(dim=-1) == wanted).double().mean()


@torch.inference_mode()
def accuracy(model, n_pairs, sequences=512):
    """La frazione di cifre giuste su sequenze di prova, sempre le stesse."""
    return answers(model, recall_sequences(n_pairs, sequences, torch.Generator().manual_seed(7)))[1].item()
