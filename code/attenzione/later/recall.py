"""Un compito per tutte: ricordare che cosa seguiva una lettera, letta molti passi prima.

Una sequenza ha n_pairs coppie, una lettera e una cifra, tutte di lettere diverse; poi le stesse lettere tornano in un
altro ordine, e dopo ciascuna bisogna dire la cifra. Le cifre si estraggono a ogni sequenza, e a caso se ne indovina
una su dieci; ma chi ricorda le cifre e non le lettere, e toglie quelle già uscite, ne indovina di più: da 77 % con due
coppie a 45 % con otto. È il richiamo associativo a più domande di Arora e altri (2023, arXiv 2312.04927), in piccolo.
Ogni architettura di ROSTER sta nella stessa cornice, con quasi lo stesso numero di parametri, e legge da sinistra a
destra.

    python -m attenzione.later.recall --semi 0 1 2

addestra ogni architettura con ogni seme (si interrompe e si riprende) e scrive i numeri in ricordare.json; il libro
mostra quelli registrati accanto a questo file.
"""

import argparse
import json
import sys
from bisect import bisect_left
from functools import partial
from itertools import product
from pathlib import Path
from statistics import mean

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from attenzione.attention import MultiHeadAttention
from attenzione.device import seed_everything
from attenzione.embedding import SinusoidalPositionalEncoding
from attenzione.files import write_text
from attenzione.later.convolution import ByteNetBlock, ConvS2SLayer, WindowMLP
from attenzione.later.linear_attention import LinearAttention
from attenzione.later.messages import PathNetwork
from attenzione.later.recording import read, stamp
from attenzione.later.recurrent import GRU, LSTM, RNN, AttentiveGRU
from attenzione.later.rwkv import TimeMixing
from attenzione.later.state_space import DiagonalS4, MambaBlock
from attenzione.streams import as_command

RECORDED = Path(__file__).with_name("ricordare.json")
N_LETTERS, N_DIGITS = 16, 10
N_VOCAB = N_LETTERS + N_DIGITS
N_PARAMETERS = 20_000
MAX_PAIRS, STEPS, RATE = 8, 6000, 0.003
PAIRS = (2, 4, 6, 8)
"""Con quante coppie si misura."""


class SelfAttention(nn.Module):
    """Lo strato dell’articolo, §3.2.2, con la maschera causale; forward e step come negli altri moduli."""

    def __init__(self, d, n_heads=2):
        super().__init__()
        self.attention = MultiHeadAttention(d, n_heads)

    def forward(self, x):
        """x: (B, n, d). Rende (B, n, d)."""
        return self.attention(x, is_causal=True)

    def step(self, x, state=None):
        """x: (B, d). Rende (B, d) e lo stato: chiavi e valori di tutte le posizioni, (B, h, t, d_k) due volte."""
        memory = self.attention.keys_values(x[:, None])
        if state is not None:
            memory = tuple(torch.cat(pair, dim=2) for pair in zip(state, memory, strict=True))
        output, _ = self.attention(x[:, None], memory, need_weights=True)  # il kernel fuso FlopCounterMode non lo conta
        return output[:, 0], memory


def stack(build, copies=2):
    """Da una funzione che fa uno strato largo d a una che ne fa più d’uno, tutti uguali."""
    return lambda d: [build(d) for _ in range(copies)]


def bytenet(d):
    return [ByteNetBlock(d, dilation=dilation) for dilation in (1, 2, 4, 8, 16)]  # un campo di 63 posizioni


ROSTER = {  # nome → (gli strati larghi d, di quanto può cambiare d, se si sommano le posizioni)
    "MLP a finestra": (stack(partial(WindowMLP, window=8), 1), 1, False),
    "GNN sul cammino": (stack(partial(PathNetwork, rounds=4), 1), 1, False),
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
    posizionale di §3.5, che non serve a chi legge un passo alla volta.
    """

    def __init__(self, layers, d, positions=False):
        super().__init__()
        self.embedding = nn.Embedding(N_VOCAB, d)
        self.positions = SinusoidalPositionalEncoding(d) if positions else None
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(len(layers) + 1))
        self.output = nn.Linear(d, N_VOCAB)

    def forward(self, tokens):
        """tokens: (B, n). Rende i logit (B, n, n_vocab)."""
        x = self.embed(tokens)  # (B, n, d)
        for layer, norm in zip(self.layers, self.norms, strict=False):
            x = x + layer(norm(x))
        return self.output(self.norms[-1](x))

    def step(self, tokens, state=None):
        """tokens: (B,), una posizione. Rende i logit (B, n_vocab) e lo stato: la posizione, e uno per strato."""
        start, states = (0, [None] * len(self.layers)) if state is None else state
        x, after = self.embed(tokens[:, None], start)[:, 0], []
        for layer, norm, before in zip(self.layers, self.norms, states, strict=False):
            y, kept = layer.step(norm(x), before)
            x = x + y
            after.append(kept)
        return self.output(self.norms[-1](x)), (start + 1, after)

    def embed(self, tokens, start=0):
        x = self.embedding(tokens)
        return x if self.positions is None else self.positions(x, start)


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
    step = ROSTER[name][1]
    sizes = range(step, 240, step)

    def excess(d):
        return count_parameters(build(name, d)) - N_PARAMETERS

    first = bisect_left(sizes, 0, key=excess)  # la prima che arriva a N_PARAMETERS
    return min(sizes[first - 1 : first + 1], key=lambda d: abs(excess(d)))


def count_parameters(model):
    """Quanti numeri si addestrano."""
    return sum(p.numel() for p in model.parameters())


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


def train_reader(model, *, steps=STEPS, rate=RATE, batch=32, seed=0):
    """Addestra con Adam su sequenze sempre nuove, da 1 a MAX_PAIRS coppie. Rende l’accuratezza di ogni passo.

    Il tasso sale a rate in 50 passi, poi scende a zero in linea retta. Si smette prima se negli ultimi 100 passi le
    cifre giuste sono almeno 999 su mille.
    """
    generator = torch.Generator().manual_seed(1000 + seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    curve = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min((step + 1) / 50, 1 - step / steps)
        n_pairs = torch.randint(1, MAX_PAIRS + 1, (), generator=generator).item()
        loss, right = answers(model, recall_sequences(n_pairs, batch, generator))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        curve.append(right.item())
        if len(curve) >= 100 and mean(curve[-100:]) >= 0.999:
            break
    return curve


def answers(model, sequences):
    """La perdita, e la frazione di cifre giuste, dove si chiedono: nella seconda metà. sequences: (B, 4 n_pairs)."""
    half = sequences.size(1) // 2
    logits = model(sequences[:, :-1])[:, half::2]  # (B, n_pairs, n_vocab): dopo ogni lettera che torna
    wanted = sequences[:, half + 1 :: 2]  # (B, n_pairs)
    return cross_entropy(logits.flatten(0, 1), wanted.flatten()), (logits.argmax(dim=-1) == wanted).double().mean()


@torch.inference_mode()
def accuracy(model, n_pairs, sequences=512):
    """La frazione di cifre giuste su sequenze di prova, sempre le stesse."""
    return answers(model, recall_sequences(n_pairs, sequences, torch.Generator().manual_seed(7)))[1].item()


@torch.inference_mode()
def step_costs(model, lengths):
    """Quanto costa leggere la posizione n con step, per ogni n di lengths: un dizionario da n a una coppia.

    La coppia: le moltiplicazioni di quella posizione, e i numeri che si tengono dopo averla letta.
    """
    token, state, costs = torch.zeros(1, dtype=torch.long), None, {}
    for n in range(1, max(lengths) + 1):
        if n not in lengths:
            _, state = model.step(token, state)
            continue
        with FlopCounterMode(display=False, custom_mapping={torch.ops.aten.mul: count_products}) as counter:
            _, state = model.step(token, state)
        costs[n] = counter.get_total_flops() // 2, sum(t.numel() for kept in state[1] for t in kept)
    return costs


def count_products(*args, out_val, **kwargs):
    """I FLOP di un prodotto elemento per elemento, per FlopCounterMode: due a elemento, otto se è complesso."""
    return out_val.numel() * (8 if out_val.is_complex() else 2)


count_products._get_raw = True  # PyTorch le dà i tensori, non le forme


def record(seeds, path=RECORDED, names=ROSTER, steps=STEPS):
    """Addestra ogni architettura con ogni seme e scrive in path l’accuratezza a ogni numero di coppie.

    Si scrive a ogni addestramento: chi si interrompe riprende da lì, se passi e versioni sono gli stessi. Rende il
    dizionario scritto.
    """
    report = {
        **stamp(f"python -m attenzione.later.recall --semi {' '.join(map(str, seeds))}"),
        "passi": steps,
        "tasso": RATE,
        "coppie": list(PAIRS),
        "accuratezza": {},
    }
    before = recorded(path) if Path(path).exists() else None
    if before and all(before[key] == report[key] for key in ("versioni", "passi", "tasso", "coppie")):
        report["accuratezza"] = before["accuratezza"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for seed, name in tqdm(list(product(seeds, names)), unit="addestramento"):
            found = report["accuratezza"].setdefault(name, {})
            if str(seed) in found:
                continue
            model = build(name, seed=seed)
            train_reader(model, steps=steps, seed=seed)
            found[str(seed)] = [round(accuracy(model, n_pairs), 3) for n_pairs in PAIRS]
            write_text(path, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    finally:
        torch.set_num_threads(threads)
    return report


def recorded(path=RECORDED):
    """Le misure registrate: il dizionario che record rende, letto da path. OSError se il file manca."""
    return read(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m attenzione.later.recall", description=__doc__.split("\n")[0])
    parser.add_argument("--semi", type=int, nargs="+", default=[0, 1, 2], help="i semi (0 1 2)")
    parser.add_argument("--passi", type=int, default=STEPS, help=f"passi di ciascun addestramento ({STEPS})")
    parser.add_argument("--uscita", default=RECORDED, help="dove scrivere i numeri")
    options = parser.parse_args(arguments)
    record(options.semi, options.uscita, steps=options.passi)


if __name__ == "__main__":
    sys.exit(as_command(main))
