"""Quanto si perde a condividere chiavi e valori: lo stesso modello linguistico con 8, 2, 1 teste di chiavi.

Il testo è la prosa di questo libro, letta una lettera alla volta; una parte resta da parte, a pezzi, e su quella si
misura la perdita. Tutto il resto è uguale: 8 teste di query, gli stessi dati, gli stessi passi.

    python -m attenzione.later.sharing modelli/lingua-it/prosa.txt.gz --semi 0 1 2

addestra ogni modello con ogni seme e scrive i numeri in condivise.json. Il libro mostra quelli registrati accanto a
questo file.
"""

import gzip
import sys
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.recording import command_on_text, read, stamp
from attenzione.streams import as_command

RECORDED = Path(__file__).with_name("condivise.json")
HEADS = (8, 2, 1)  # le teste di chiavi e valori, con 8 di query
LENGTH = 64  # le lettere di un esempio
PIECE, KEPT = 2000, 10  # il testo va a pezzi di 2000 lettere, e uno su dieci resta da parte


def build(n_vocab, n_kv_heads, seed=0, d_ff=256):
    """Il decoder dell’articolo, due strati di 64 componenti, con la RoPE e n_kv_heads teste di chiavi e valori."""
    torch.manual_seed(seed)
    return LanguageModel(
        LanguageModelConfig(
            n_vocab=n_vocab,
            n_layers=2,
            d_model=64,
            d_ff=d_ff,
            n_heads=8,
            n_kv_heads=n_kv_heads,
            p_drop=0.0,
            max_len=LENGTH,
            norm_first=False,
            final_norm=False,
            norm="layer",
            bias=True,
            feed_forward="relu",
            tied=True,
        )
    )


def read_letters(path):
    """Il testo come numeri, uno per lettera: (lettere, quante lettere diverse più i tre token speciali)."""
    text = gzip.decompress(Path(path).read_bytes()).decode("utf-8")
    ids = {letter: i for i, letter in enumerate(sorted(set(text)), start=3)}
    return torch.tensor([ids[letter] for letter in text]), len(ids) + 3


def split(letters):
    """I pezzi per imparare e quelli da parte, uno su KEPT: due tensori (pezzi, PIECE)."""
    pieces = letters[: len(letters) // PIECE * PIECE].view(-1, PIECE)
    kept = torch.arange(len(pieces)) % KEPT == KEPT - 1
    return pieces[~kept], pieces[kept]


def train(model, pieces, steps, seed=0, extra=None):
    """Addestra model con Adam: a ogni passo 32 esempi di LENGTH + 1 lettere, presi a caso dai pezzi.

    extra: una funzione da model a un numero, che a ogni passo si somma alla perdita.
    """
    generator = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98))
    for step in range(steps):
        adam.param_groups[0]["lr"] = 0.003 * min(1, (step + 1) / 100)
        rows = torch.randint(len(pieces), (32,), generator=generator)
        starts = torch.randint(PIECE - LENGTH, (32,), generator=generator)
        x = torch.stack([pieces[row, start : start + LENGTH + 1] for row, start in zip(rows, starts, strict=True)])
        loss = cross_entropy(model(x[:, :-1], checked=True).flatten(0, 1), x[:, 1:].flatten())
        if extra is not None:
            loss = loss + extra(model)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model.eval()


@torch.no_grad()
def held_out_loss(model, pieces):
    """La perdita sui pezzi da parte, in nat per lettera: finestre di LENGTH + 1, una dopo l’altra."""
    windows = pieces[:, : PIECE // (LENGTH + 1) * (LENGTH + 1)].reshape(-1, LENGTH + 1)
    losses = [
        cross_entropy(model(x[:, :-1], checked=True).flatten(0, 1), x[:, 1:].flatten(), reduction="sum")
        for x in windows.split(64)
    ]
    return (sum(losses) / (len(windows) * LENGTH)).item()


def run(path, seeds, steps, command):
    """Addestra e misura ogni numero di teste con ogni seme. Rende un dizionario JSON."""
    letters, n_vocab = read_letters(path)
    pieces, kept = split(letters)
    models = {}
    for n_kv_heads in HEADS:
        parameters = sum(p.numel() for p in build(n_vocab, n_kv_heads).parameters())
        losses = {
            str(seed): round(held_out_loss(train(build(n_vocab, n_kv_heads, seed), pieces, steps, seed), kept), 4)
            for seed in seeds
        }
        models[str(n_kv_heads)] = {"parametri": parameters, "perdita": losses}
    return {
        **stamp(command),
        "lettere": {"per imparare": pieces.numel(), "da parte": kept.numel()},
        "teste_di_chiavi": models,
    }


def recorded(path=RECORDED):
    """Le misure registrate: il dizionario che run rende, letto da path. OSError se il file manca."""
    return read(path)


main = command_on_text("sharing", __doc__, run, seeds=[0, 1, 2], steps=300, output="condivise.json")


if __name__ == "__main__":
    sys.exit(as_command(main))
