"""Una scala di modelli minuscoli, su una lingua di cui si conosce l’entropia.

La lingua ha N_WORDS parole di quattro lettere, fatte a caso, più lo spazio; la k-esima si estrae con probabilità
proporzionale a k^−EXPONENT, come nella legge di Zipf, e una parola non dipende dalle altre. Nessun modello può scendere
sotto la sua entropia: quella delle parole, divisa per cinque. Ogni gradino è un LanguageModel di uno strato, e legge
parole estratte sempre di nuovo; cambiano la larghezza e quante lettere legge.

    python -m attenzione.later.ladder --semi 0 1

addestra ogni gradino con ogni seme, da quello che costa meno (si interrompe e si riprende), e scrive le perdite in
scala.json; il libro mostra quelle registrate accanto a questo file, e dagli altri prova a prevedere HELD_OUT.
"""

import argparse
import json
import os
import platform
import sys
from itertools import product
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from attenzione.device import seed_everything
from attenzione.files import write_text
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.recording import read, stamp
from attenzione.streams import as_command

RECORDED = Path(__file__).with_name("scala.json")
N_WORDS, EXPONENT = 100_000, 1.3
N_LETTERS, SPACE, FIRST = 26, 3, 4  # le lettere sono i token da 4 a 29, lo spazio il 3
WIDTHS, SIZES = (8, 16, 32, 64), (80_000, 250_000, 800_000, 2_500_000)
BUDGET = 1.2e11  # FLOPs: si addestrano i gradini che costano al più tanto, con C = 6ND
HELD_OUT = (64, 800_000)  # e uno che costa il triplo
BATCH = 128  # le parole di un passo
N_TEST = 100_000  # le parole di prova


class Language:
    """La lingua: words (n_words, 5), i token di ogni parola con il suo spazio; entropy, in nat per lettera."""

    def __init__(self, n_words=N_WORDS, exponent=EXPONENT):
        if not 1 <= n_words <= N_LETTERS**4:
            raise ValueError(f"n_words vale {n_words}: atteso fra 1 e {N_LETTERS**4}, quante sono le parole possibili")
        p = torch.arange(1, n_words + 1, dtype=torch.float64) ** -exponent
        self.p = p / p.sum()  # (n_words,)
        self.entropy = -(self.p * self.p.log()).sum().item() / 5
        codes = torch.randperm(N_LETTERS**4, generator=torch.Generator().manual_seed(0))[:n_words]
        letters = torch.stack([codes // N_LETTERS**place % N_LETTERS for place in (3, 2, 1, 0)], dim=1)
        self.words = torch.cat([letters + FIRST, torch.full((n_words, 1), SPACE)], dim=1)
        self.up_to = self.p.cumsum(0)  # (n_words,)

    def sample(self, n, generator=None):
        """n parole estratte, come numeri d’ordine (n,): 0 è la più frequente."""
        draws = torch.rand(n, dtype=torch.float64, generator=generator)
        return torch.searchsorted(self.up_to, draws).clamp(max=len(self.p) - 1)

    def examples(self, n, generator=None):
        """n parole estratte, ciascuna con lo spazio prima: (n, 6)."""
        words = self.words[self.sample(n, generator)]
        return torch.cat([torch.full((n, 1), SPACE), words], dim=1)


def build(width, seed=0):
    """Un gradino: un LanguageModel di uno strato, largo width, con quattro teste."""
    seed_everything(seed)
    config = LanguageModelConfig(
        n_vocab=FIRST + N_LETTERS,
        n_layers=1,
        d_model=width,
        d_ff=4 * width,
        n_heads=4,
        n_kv_heads=4,
        p_drop=0.0,
        max_len=5,
    )
    return LanguageModel(config)


def count_parameters(model):
    """Quanti numeri si addestrano, embedding compresi."""
    return sum(p.numel() for p in model.parameters())


def train(model, language, n_letters, seed=0):
    """Addestra con Adam su n_letters lettere, di parole estratte sempre di nuovo: BATCH a passo.

    Il tasso è più basso per i modelli più larghi; sale per un ventesimo dei passi, poi scende a zero in linea retta.
    """
    generator = torch.Generator().manual_seed(1000 + seed)
    steps, rate = n_letters // (5 * BATCH), 0.08 * model.config.d_model**-0.5
    adam = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98))
    for step in range(steps):
        adam.param_groups[0]["lr"] = rate * min((step + 1) / max(10, steps // 20), 1 - step / steps)
        loss = loss_of(model, language.examples(BATCH, generator))
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model.eval()


def loss_of(model, words):
    """La perdita in nat per lettera. words: (B, 6)."""
    return cross_entropy(model(words[:, :-1], checked=True).flatten(0, 1), words[:, 1:].flatten())


@torch.inference_mode()
def held_out_loss(model, language, n=N_TEST):
    """La perdita su n parole di prova, sempre le stesse, in nat per lettera."""
    words = language.examples(n, torch.Generator().manual_seed(7))
    return (sum(loss_of(model, part).item() * len(part) for part in words.split(5000))) / n


def rungs():
    """I gradini, coppie di larghezza e lettere: quelli che costano al più BUDGET, dal meno caro, poi HELD_OUT."""
    costs = {(width, D): 6 * count_parameters(build(width)) * D for width, D in product(WIDTHS, SIZES)}
    return [*sorted((rung for rung in costs if costs[rung] <= BUDGET), key=costs.get), HELD_OUT]


def record(seeds, path=RECORDED, places=None):
    """Addestra ogni gradino di places, quelli di rungs se None, con ogni seme, e scrive in path le perdite di prova.

    Si scrive a ogni addestramento: chi si interrompe riprende da lì, se le versioni sono le stesse. Rende il dizionario
    scritto.
    """
    language = Language()
    report = {
        **stamp(f"python -m attenzione.later.ladder --semi {' '.join(map(str, seeds))}"),
        "macchina": f"{platform.machine()}, un thread",
        "entropia": round(language.entropy, 4),
        "gradini": [],
    }
    before = recorded(path) if Path(path).exists() else None
    if before and before["versioni"] == report["versioni"]:
        report["gradini"] = before["gradini"]
    done = {(run["larghezza"], run["lettere"], run["seme"]) for run in report["gradini"]}
    runs = [(*rung, seed) for rung, seed in product(rungs() if places is None else places, seeds)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for width, n_letters, seed in tqdm([run for run in runs if run not in done], unit="addestramento"):
            start = os.times()
            model = train(build(width, seed), language, n_letters, seed)
            end = os.times()
            run = {
                "larghezza": width,
                "lettere": n_letters,
                "seme": seed,
                "parametri": count_parameters(model),
                "perdita": round(held_out_loss(model, language), 4),
                "secondi": round(end.user + end.system - start.user - start.system, 1),
            }
            report["gradini"] = sorted([*report["gradini"], run], key=lambda run: (run["larghezza"], run["lettere"]))
            write_text(path, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    finally:
        torch.set_num_threads(threads)
    return report


def recorded(path=RECORDED):
    """Le misure registrate: il dizionario che record rende, letto da path. OSError se il file manca."""
    return read(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m attenzione.later.ladder", description=__doc__.split("\n")[0])
    parser.add_argument("--semi", type=int, nargs="+", default=[0, 1], help="i semi (0 1)")
    parser.add_argument("--uscita", default=RECORDED, help="dove scrivere le perdite")
    options = parser.parse_args(arguments)
    record(options.semi, options.uscita)


if __name__ == "__main__":
    sys.exit(as_command(main))
