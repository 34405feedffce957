"""Le righe della Tabella 3 rifatte in piccolo, §6.2: un compito sintetico e varianti da pochi secondi.

Il compito: in una frase di 12 token, presi fra 16, ogni token si traduce con un altro, e quale dipende dalla
parità dei vicini: quello prima, quello dopo e quello due posti prima (la frase è chiusa ad anello). A ogni
combinazione di parità corrisponde una tabella di traduzione. Per tradurre un token bisogna dunque guardare più
posti insieme. La frase tradotta è lunga quanto l’altra, e al modello basta l’encoder: §3.1, più i logit di §3.4.

Un seme solo non decide: le stesse varianti con più semi sono registrate in replica.json, che rifà

    python -m attenzione.evidence.replica --semi 0 1 2 3 4
"""

import argparse
import json
import math
import platform
import sys
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch
from tqdm import tqdm

from attenzione.config import TransformerConfig
from attenzione.files import write_text
from attenzione.model import Transformer
from attenzione.streams import as_command
from attenzione.training.loss import label_smoothing_loss
from attenzione.training.schedule import adam, lrate

N_SYMBOLS, N_TOKENS, N_SPECIAL = 16, 12, 4
NEIGHBOURS = (1, -1, 2)  # quanti posti prima; negativo, dopo
SMALL = TransformerConfig(
    N_SYMBOLS + N_SPECIAL, n_layers=1, d_model=32, d_ff=64, n_heads=4, p_drop=0.0, eps_ls=0.0, max_len=N_TOKENS
)

# Variante → (riga della Tabella 3 di cui rifà la prova, che cosa cambia in SMALL).
ROWS = {
    "h = 1": ("A-h1", {"n_heads": 1, "d_k": 32, "d_v": 32}),
    "h = 32": ("A-h32", {"n_heads": 32, "d_k": 1, "d_v": 1}),
    "dₖ = 2": ("B-dk32", {"d_k": 2}),
    "dₖ = 1": ("B-dk16", {"d_k": 1}),
    "N = 2": ("C-N8", {"n_layers": 2}),
    "d_model = 16": ("C-d256", {"d_model": 16, "d_k": 4, "d_v": 4}),
    "d_ff = 16": ("C-ff1024", {"d_ff": 16}),
    "posizioni apprese": ("E", {"positions": "learned"}),
}

RECORDED = Path(__file__).with_name("replica.json")
DROPOUT = {  # con due vicini, che bastano poche frasi a imparare: nome → come si addestra
    "poche frasi": {"n_sentences": 300, "neighbours": (1, -1)},  # così poche che si possono imparare a memoria
    "frasi sempre nuove": {"neighbours": (1, -1)},
}
VARIANTS = {  # ciò che si registra: le righe, e le prove che separano una causa dall’altra
    "base": {},
    **{name: changes for name, (_, changes) in ROWS.items()},
    "dₖ = 4": {"d_k": 4},
    "d_model = 24": {"d_model": 24, "d_k": 6, "d_v": 6},
    "d_model = 64": {"d_model": 64, "d_k": 16, "d_v": 16},
    **{f"d_ff = {d_ff}": {"d_ff": d_ff} for d_ff in (32, 48, 128)},
    "h = 32, dₖ = 8": {"n_heads": 32, "d_k": 8, "d_v": 1},
    **{name: {} for name in DROPOUT},
    **{f"{name}, dropout 0,1": {"p_drop": 0.1} for name in DROPOUT},
}


def neighbour_sentences(n_sentences, generator, neighbours=NEIGHBOURS):
    """Frasi del compito, estratte a sorte: (src, tgt), entrambi (n_sentences, 12), identificatori di token."""
    fixed = torch.Generator().manual_seed(7)  # le tabelle di traduzione sono sempre le stesse
    tables = torch.stack([torch.randperm(N_SYMBOLS, generator=fixed) for _ in range(2 ** len(neighbours))])
    x = torch.randint(N_SYMBOLS, (n_sentences, N_TOKENS), generator=generator)
    which = torch.zeros_like(x)  # quale tabella, per ogni posizione
    for shift in neighbours:
        which = 2 * which + x.roll(shift, dims=1) % 2
    return x + N_SPECIAL, tables[which, x] + N_SPECIAL


def replay(config=SMALL, *, steps=700, batch=32, n_sentences=None, neighbours=NEIGHBOURS, seed=0):
    """Addestra l’encoder di config sul compito e rende (perplessità, esattezza) su 500 frasi mai viste.

    n_sentences: quante frasi diverse vede l’addestramento; None per frasi sempre nuove. Gli stessi argomenti
    danno gli stessi numeri.
    """
    unseen, _ = replay_both(config, steps, batch, n_sentences, neighbours, seed)
    return unseen


def replay_both(config, steps=700, batch=32, n_sentences=None, neighbours=NEIGHBOURS, seed=0):
    """Come replay, ma rende due coppie: sulle frasi mai viste, e su quelle viste; None se erano sempre nuove."""
    torch.manual_seed(seed)
    model, generator = Transformer(config).train(), torch.Generator().manual_seed(100 + seed)
    optimizer = adam(model)
    if n_sentences:
        all_src, all_tgt = neighbour_sentences(n_sentences, generator, neighbours)
    for step in range(1, steps + 1):
        if n_sentences:
            chosen = torch.randint(n_sentences, (batch,), generator=generator)
            src, tgt = all_src[chosen], all_tgt[chosen]  # (batch, 12)
        else:
            src, tgt = neighbour_sentences(batch, generator, neighbours)
        for group in optimizer.param_groups:
            group["lr"] = lrate(step, config.d_model, warmup_steps=200)
        z, _ = model.encode(src)  # (batch, 12, d_model)
        loss = label_smoothing_loss(model.embedding.logits(z), tgt, config.eps_ls)
        optimizer.zero_grad()
        (loss / tgt.numel()).backward()
        optimizer.step()
    unseen = neighbour_sentences(500, torch.Generator().manual_seed(5), neighbours)  # sempre le stesse
    return measure(model.eval(), *unseen), measure(model, all_src, all_tgt) if n_sentences else None


@torch.inference_mode()
def measure(model, src, tgt):
    """Perplessità ed esattezza, la parte di token giusti, sulle frasi src e tgt: (B, 12), tutt’e due."""
    logits = model.embedding.logits(model.encode(src)[0])  # (B, 12, n_vocab)
    loss = label_smoothing_loss(logits, tgt, eps_ls=0.0) / tgt.numel()
    return math.exp(loss), (logits.argmax(dim=-1) == tgt).double().mean().item()


def record(seeds, path=RECORDED, names=VARIANTS):
    """Addestra ogni variante con ogni seme e scrive in path le perplessità, una per seme; con poche frasi, anche
    quelle sulle frasi viste.

    Si scrive a ogni addestramento: chi si interrompe riprende da lì, se semi e versioni sono gli stessi.
    Rende il dizionario scritto. Errori: ValueError se i semi sono meno di tre.
    """
    if len(set(seeds)) < 3:
        raise ValueError(f"seeds vale {list(seeds)}: attesi almeno tre semi diversi")
    report = {
        "comando": f"python -m attenzione.evidence.replica --semi {' '.join(map(str, seeds))}",
        "data": date.today().isoformat(),
        "versioni": {"python": platform.python_version(), "torch": version("torch").split("+")[0]},
        "semi": list(seeds),
        "perplessità": {},
        "sulle frasi viste": {},
    }
    before = recorded(path)
    if before and all(before[key] == report[key] for key in ("semi", "versioni")):
        report |= {what: before[what] for what in ("perplessità", "sulle frasi viste")}
    todo = [(name, n) for name in names for n in range(len(report["perplessità"].get(name, [])), len(seeds))]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name, n in tqdm(todo, desc="repliche", unit="addestramento"):
            how = DROPOUT.get(name.split(",")[0], {})
            both = replay_both(replace(SMALL, **VARIANTS[name]), seed=seeds[n], **how)
            for what, found in zip(("perplessità", "sulle frasi viste"), both, strict=True):
                if found:
                    report[what].setdefault(name, []).append(round(found[0], 4))
            write_text(path, json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    finally:
        torch.set_num_threads(threads)
    return report


def recorded(path=RECORDED):
    """Le repliche registrate, o None se nessuno le ha ancora fatte."""
    return json.loads(Path(path).read_text("utf-8")) if Path(path).exists() else None


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m attenzione.evidence.replica", description=__doc__.split("\n")[0])
    parser.add_argument("--semi", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="i semi (0 1 2 3 4)")
    parser.add_argument("--uscita", default=RECORDED, help="dove scrivere i numeri")
    options = parser.parse_args(arguments)
    record(options.semi, options.uscita)


if __name__ == "__main__":
    sys.exit(as_command(main))
