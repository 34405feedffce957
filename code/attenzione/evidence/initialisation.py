"""I valori di partenza: lo stesso modello, gli stessi dati, matrici estratte più o meno grandi.

L’articolo non dice come si inizializza. Qui si misura quanto conta: per ogni variante quanto è grande all’inizio il
ramo di ciascun sottostrato rispetto a ciò a cui si somma, quanto le sposta il passo di Adam più lungo della prova, come
scende la perdita di sviluppo, e quanto è netta l’attenzione alla fine.

    python -m attenzione.evidence.initialisation --dati cartella/dei/dati --semi 0 1

addestra ogni variante con ogni seme (si interrompe e si riprende) e scrive i numeri in valori-iniziali.json. Il libro
mostra quelli registrati accanto a questo file.
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

from attenzione.attention import MultiHeadAttention
from attenzione.config import TransformerConfig
from attenzione.device import emulates_bf16, seed_everything
from attenzione.evidence.heads import peak_weight
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.files import write_text
from attenzione.model import Transformer
from attenzione.streams import as_command
from attenzione.training.batches import collate
from attenzione.training.checkpoint import list_checkpoints, load_model
from attenzione.training.loop import TrainingConfig, train
from attenzione.training.recipe import encode_pairs, prepare, read_recipe
from attenzione.training.schedule import lrate

RECORDED = Path(__file__).with_name("valori-iniziali.json")
MATRICES = ("W_Q", "W_K", "W_V", "W_O", "W_1", "W_2")
VARIANTS = {  # nome → per quanto si moltiplica ciascuna matrice di Xavier; un numero solo vale per tutte
    "xavier": 1.0,
    "un-mezzo": 0.5,
    "un-terzo": 0.33,
    "un-quinto": 0.2,
    "solo-rami": {"W_V": 0.33, "W_O": 0.33, "W_1": 0.33, "W_2": 0.33},
    "solo-punteggi": {"W_Q": 0.33, "W_K": 0.33},
}
LABELS = {
    "xavier": "Xavier",
    "un-mezzo": "tutte × 0,5",
    "un-terzo": "tutte × 0,33",
    "un-quinto": "tutte × 0,2",
    "solo-rami": "$W^V$, $W^O$, $W_1$, $W_2$ × 0,33",
    "solo-punteggi": "$W^Q$, $W^K$ × 0,33",
}


def matrices(model):
    """Le matrici dei sottostrati, per nome: un dizionario da MATRICES agli elenchi di viste sui parametri."""
    found = {name: [] for name in MATRICES}
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            for name, W in zip(("W_Q", "W_K", "W_V"), module.W_qkv.split(module.widths, dim=-1), strict=True):
                found[name].append(W)
            found["W_O"].append(module.W_o)
        elif isinstance(module, PositionwiseFeedForward):
            found["W_1"].append(module.W_1)
            found["W_2"].append(module.W_2)
    return found


@torch.no_grad()
def scale_matrices(model, gains):
    """Moltiplica le matrici di model per i guadagni: un numero, o un dizionario da un nome di MATRICES a un numero.

    Errori: ValueError se un nome non è fra MATRICES.
    """
    gains = dict.fromkeys(MATRICES, gains) if isinstance(gains, float) else gains
    if unknown := gains.keys() - set(MATRICES):
        raise ValueError(f"gains nomina {', '.join(sorted(unknown))}: attesi nomi fra {', '.join(MATRICES)}")
    for name, tensors in matrices(model).items():
        for W in tensors:
            W.mul_(gains.get(name, 1.0))


@torch.no_grad()
def branch_sizes(model, src, tgt):
    """Quanto è grande ogni ramo rispetto a ciò a cui si somma: media quadratica di Sublayer(x) su quella di x.

    src: (B, n), tgt: (B, m). Rende un dizionario da «self-attention», «encoder-decoder» e «feed-forward» alla media
    sugli strati delle due pile.
    """
    ratios = {"self-attention": [], "encoder-decoder": [], "feed-forward": []}

    def keep(where):
        def hook(module, args, output):
            where.append((output.square().mean() / args[0].square().mean()).sqrt().item())

        return hook

    hooks = []
    for layer in [*model.encoder, *model.decoder]:
        hooks.append(layer.self_attention.register_forward_hook(keep(ratios["self-attention"])))
        hooks.append(layer.feed_forward.register_forward_hook(keep(ratios["feed-forward"])))
    for layer in model.decoder:
        hooks.append(layer.cross_attention.register_forward_hook(keep(ratios["encoder-decoder"])))
    try:
        model(src, tgt)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: sum(values) / len(values) for name, values in ratios.items()}


@torch.no_grad()
def relative_steps(model, rate):
    """Quanto un passo di Adam, che sposta ogni numero di circa rate, sposta le matrici rispetto a come sono.

    Rende un dizionario da MATRICES a rate diviso la media quadratica dei valori.
    """
    return {
        name: rate / math.sqrt(sum(W.square().mean().item() for W in tensors) / len(tensors))
        for name, tensors in matrices(model).items()
    }


def build(config, gains, seed):
    """Il modello di una variante: Xavier con quel seme, poi i guadagni."""
    seed_everything(seed)
    model = Transformer(config)
    scale_matrices(model, gains)
    return model


def run(recipe, folder, seeds, steps, every, names=VARIANTS, progress=True):
    """Addestra le varianti, o le riprende, e ne misura l’inizio, la curva e la fine. Rende un dizionario JSON.

    recipe: resa da read_recipe; folder: una cartella per variante e seme; steps, every: passi, e ogni quanti si misura
    la perdita di sviluppo. L’init_gain della ricetta non conta: i guadagni sono quelli di VARIANTS. Errori: quelli di
    read_parts e di train.
    """
    parts, _, tokenizer = prepare(recipe, folder)
    options = {key: value for key, value in recipe.modello.items() if key not in ("classe", "init_gain")}
    config = TransformerConfig(n_vocab=len(tokenizer), **options)
    pairs, dev = (encode_pairs(parts[part], tokenizer, config.max_len) for part in ("addestramento", "sviluppo"))
    training = TrainingConfig(**recipe.addestramento | {"steps": steps, "save_every": every, "keep": 1})
    training = replace(training, precision="float32" if emulates_bf16("cpu") else "bf16")
    src, tgt, _ = collate(dev[:64], config)
    highest = min(steps, training.warmup_steps)  # il tasso sale fino alla fine del warmup, che può venire dopo la prova
    rate = training.rate_factor * lrate(highest, config.d_model, training.warmup_steps)
    variants = {}
    for name in names:
        model = build(config, VARIANTS[name], seeds[0]).eval()
        variants[name] = {
            "rami": rounded(branch_sizes(model, src, tgt)),
            "passo": rounded(relative_steps(model, rate)),
            "peso_massimo_all_inizio": round(peak_weight(model, [src for src, _ in dev]).mean().item(), 3),
            "semi": {},
        }
        for seed in seeds:
            place = Path(folder, f"{name}-{seed}")
            model = build(config, VARIANTS[name], seed)
            train(model, pairs, replace(training, seed=seed), place, dev_pairs=dev, progress=progress)
            lines = (place / "sviluppo.jsonl").read_text("utf-8").splitlines()
            model, _ = load_model(list_checkpoints(place)[-1])
            variants[name]["semi"][str(seed)] = {
                "sviluppo": {line["step"]: round(line["loss"], 3) for line in map(json.loads, lines)},
                "peso_massimo": round(peak_weight(model, [src for src, _ in dev]).mean().item(), 3),
            }
    return {
        "comandi": [
            f"python -m attenzione.evidence.initialisation --semi {' '.join(map(str, seeds))} "
            f"--passi {steps} --ogni {every} --varianti {' '.join(names)}"
        ],
        "data": date.today().isoformat(),
        "versioni": {"python": platform.python_version(), "torch": version("torch").split("+")[0]},
        "precisione": training.precision,
        "guadagni": {name: VARIANTS[name] for name in names},
        "varianti": variants,
    }


def recorded(path=RECORDED):
    """Le misure registrate: il dizionario che run rende, letto da path. OSError se il file manca."""
    return json.loads(Path(path).read_text("utf-8"))


def losses_at(report, step):
    """Le perdite di sviluppo misurate a quel passo: da ogni variante all’elenco, un numero per seme che l’ha.

    Una variante che a quel passo non ha nessuna misura non c’è.
    """
    found = {}
    for name, variant in report["varianti"].items():
        curves = [seed["sviluppo"] for seed in variant["semi"].values()]
        if losses := [curve[str(step)] for curve in curves if str(step) in curve]:
            found[name] = losses
    return found


def rounded(numbers):
    return {name: round(value, 3) for name, value in numbers.items()}


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m attenzione.evidence.initialisation", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--dati", required=True, help="dove stanno i dati della ricetta")
    parser.add_argument("--ricetta", default="modelli/europarl-en-it/ricetta.yml", help="la ricetta")
    parser.add_argument("--cartella", default="addestramenti/valori-iniziali", help="per gli addestramenti")
    parser.add_argument("--semi", type=int, nargs="+", default=[0, 1], help="i semi (0 1)")
    parser.add_argument("--passi", type=int, default=1200, help="passi di ciascun addestramento (1200)")
    parser.add_argument("--ogni", type=int, default=400, help="ogni quanti passi si misura lo sviluppo (400)")
    parser.add_argument("--varianti", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), help="quali (tutte)")
    parser.add_argument("--uscita", default="valori-iniziali.json", help="dove scrivere i numeri")
    options = parser.parse_args(arguments)
    recipe = read_recipe(options.ricetta, options.dati)
    result = run(recipe, options.cartella, options.semi, options.passi, options.ogni, options.varianti)
    write_text(options.uscita, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(as_command(main))
