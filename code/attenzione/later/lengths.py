"""Addestrare corto, provare lungo: lo stesso decoder, due compiti, cinque modi di dire la posizione.

Il primo compito è quello di §3.5, scrivere in ogni posizione la lettera che sta nella posizione prima; il secondo,
scrivere dappertutto la prima lettera della successione. Le lettere sono estratte a caso, e la risposta giusta si sa. Si
addestra su successioni lunghe da 4 a 16, e si prova fino a 64.

    python -m attenzione.later.lengths --semi 0 1 2

addestra ogni modo con ogni seme, in ogni compito, e scrive i numeri in lunghezze.json. Il libro mostra quelli
registrati accanto a questo file.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from attenzione.files import write_text
from attenzione.later.alibi import ALiBiAttention
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.recording import read, stamp
from attenzione.streams import as_command

RECORDED = Path(__file__).with_name("lunghezze.json")
WAYS = {  # nome → le posizioni di LanguageModelConfig
    "nessuna": "none",
    "apprese": "learned",
    "sinusoidi": "sinusoidal",
    "RoPE": "rotary",
    "ALiBi": "none",
}
TASKS = {  # nome → la lettera giusta in ogni posizione dalla seconda in poi, (B, n − 1), delle successioni x (B, n)
    "la lettera precedente": lambda x: x[:, :-1],
    "la prima lettera": lambda x: x[:, :1].expand(-1, x.size(1) - 1),
}
PREVIOUS, OPENING = TASKS
LETTERS, FIRST = 8, 4  # otto lettere, con identificatori dal 4 in su
SEEN, LONGEST = 16, 64  # la lunghezza più grande in addestramento, e alla prova


def build(way, seed=0):
    """Il decoder dell’articolo, due strati di 32 componenti e 4 teste, con le posizioni dette nel modo way.

    La tabella delle apprese ha LONGEST righe: quelle oltre SEEN restano come sono state estratte. Errori: ValueError se
    way non è fra WAYS.
    """
    if way not in WAYS:
        raise ValueError(f"way vale «{way}»: atteso uno fra {', '.join(WAYS)}")
    torch.manual_seed(seed)
    config = LanguageModelConfig(
        n_vocab=FIRST + LETTERS,
        n_layers=2,
        d_model=32,
        d_ff=64,
        n_heads=4,
        p_drop=0.0,
        max_len=LONGEST,
        norm_first=False,
        final_norm=False,
        norm="layer",
        bias=True,
        feed_forward="relu",
        positions=WAYS[way],
        tied=True,
    )
    model = LanguageModel(config)
    if way == "ALiBi":
        for layer in model.layers:
            layer.self_attention = ALiBiAttention(config.d_model, config.n_heads)
    return model


def letters(how_many, n, generator):
    """how_many successioni di n lettere a caso: (how_many, n), identificatori."""
    return torch.randint(FIRST, FIRST + LETTERS, (how_many, n), generator=generator)


def train(model, task=PREVIOUS, steps=300, seed=0):
    """Addestra model nel compito task, una chiave di TASKS, con Adam.

    A ogni passo 64 successioni della stessa lunghezza, estratta fra 4 e SEEN.
    """
    generator = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98))
    for step in range(steps):
        adam.param_groups[0]["lr"] = 0.003 * min(1, (step + 1) / 100)
        n = int(torch.randint(4, SEEN + 1, (1,), generator=generator))
        x = letters(64, n, generator)  # (64, n)
        logits = model(x, checked=True)[:, 1:]  # (64, n − 1, n_vocab)
        loss = cross_entropy(logits.flatten(0, 1), TASKS[task](x).flatten())
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model.eval()


@torch.no_grad()
def accuracy(model, task=PREVIOUS, n=LONGEST, how_many=500):
    """Quante lettere sono giuste in ciascuna posizione dalla seconda in poi, su successioni mai viste: (n − 1,)."""
    x = letters(how_many, n, torch.Generator().manual_seed(2017))  # (how_many, n)
    right = model(x)[:, 1:].argmax(dim=-1) == TASKS[task](x)  # (how_many, n − 1)
    return right.double().mean(dim=0)


def run(seeds, steps=300):
    """Addestra e prova ogni modo con ogni seme, in ogni compito. Rende un dizionario JSON.

    In «curve» stanno, per compito, modo e seme, le lettere giuste per posizione.
    """
    curves = {task: {way: {} for way in WAYS} for task in TASKS}
    for task, ways in curves.items():
        for way, by_seed in ways.items():
            for seed in seeds:
                right = accuracy(train(build(way, seed), task, steps, seed), task)  # (LONGEST − 1,)
                by_seed[str(seed)] = [round(x, 3) for x in right.tolist()]
    return {
        **stamp(f"python -m attenzione.later.lengths --semi {' '.join(map(str, seeds))} --passi {steps}"),
        "viste": SEEN,
        "curve": curves,
    }


def recorded(path=RECORDED):
    """Le curve registrate: il dizionario che run rende, letto da path. OSError se il file manca."""
    return read(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m attenzione.later.lengths", description=__doc__.split("\n")[0])
    parser.add_argument("--semi", type=int, nargs="+", default=[0, 1, 2], help="i semi (0 1 2)")
    parser.add_argument("--passi", type=int, default=300, help="passi di ciascun addestramento (300)")
    parser.add_argument("--uscita", default="lunghezze.json", help="dove scrivere i numeri")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    result = run(options.semi, options.passi)
    write_text(options.uscita, json.dumps(result, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(as_command(main))
