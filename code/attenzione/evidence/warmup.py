"""Con e senza warmup, §5.3: lo stesso Transformer sullo stesso gioco, con più semi e batch di due grandezze.

Senza warmup il tasso parte dal suo massimo e poi cala come nell’equazione (3): cambia la sola salita. Le varianti
dicono dove sta la normalizzazione, se c’è la salita, e se la norma del gradiente si limita a 1.

    python -m attenzione.evidence.warmup --registra code/attenzione/evidence/warmup.json

addestra ogni variante e scrive i numeri: una ventina di minuti di un core. Il libro mostra warmup.json, accanto a
questo file.
"""

import argparse
import json
import platform
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

from attenzione.config import TransformerConfig
from attenzione.data.toy import toy_pairs
from attenzione.device import seed_everything
from attenzione.files import write_text
from attenzione.model import Transformer
from attenzione.streams import as_command
from attenzione.training.batches import collate
from attenzione.training.loop import dev_loss
from attenzione.training.loss import label_smoothing_loss
from attenzione.training.schedule import adam, lrate

RECORDED = Path(__file__).with_name("warmup.json")
SIZES = dict(n_vocab=14, n_layers=6, d_model=32, d_ff=128, n_heads=4, p_drop=0.0, eps_ls=0.0)
WARMUP_STEPS, RATE_FACTOR = 100, 0.3
VARIANTS = {  # nome → (normalizzazione prima del sottostrato, salita, limite alla norma del gradiente)
    "post-norm, senza warmup": (False, False, None),
    "post-norm, con warmup": (False, True, None),
    "post-norm, senza warmup, gradiente limitato": (False, False, 1.0),
    "pre-norm, senza warmup": (True, False, None),
    "pre-norm, con warmup": (True, True, None),
}


def rate(step, d_model, rising, warmup_steps=WARMUP_STEPS):
    """Il tasso al passo step: quello dell’equazione (3) per RATE_FACTOR, o lo stesso senza la salita."""
    return RATE_FACTOR * lrate(step if rising else max(step, warmup_steps), d_model, warmup_steps)


def run(variant, batch_size, seed, steps, sizes=SIZES):
    """Addestra una variante a rovesciare sequenze di 4–8 simboli.

    variant: una chiave di VARIANTS; batch_size: sequenze per passo. Rende un dizionario: «perdita», sulle 200 sequenze
    mai viste, in nat per token, e «curva», la perdita media di ogni decimo dei passi. Errori: KeyError se la variante
    è un’altra.
    """
    norm_first, rising, limit = VARIANTS[variant]
    config = TransformerConfig(**sizes, norm_first=norm_first, final_norm=norm_first)
    seed_everything(seed)
    model = Transformer(config)
    optimizer = adam(model)
    pairs = toy_pairs("inversione", 3200, min_len=4, max_len=8, seed=1)
    unseen, pairs = pairs[:200], pairs[200:]
    losses = []
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = rate(step, config.d_model, rising)
        batch = [pairs[i] for i in torch.randint(len(pairs), (batch_size,))]
        src, tgt_in, tgt_out = collate(batch, config)  # (B, n), (B, m), (B, m)
        logits = model(src, tgt_in, checked=True)  # (B, m, n_vocab)
        loss = label_smoothing_loss(logits, tgt_out, eps_ls=0.0) / (tgt_out != config.pad_id).sum()
        optimizer.zero_grad()
        loss.backward()
        if limit is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
        losses.append(loss.item())
    tenth = max(1, steps // 10)
    curve = [round(sum(losses[i : i + tenth]) / tenth, 3) for i in range(0, tenth * (steps // tenth), tenth)]
    return {"perdita": round(dev_loss(model, unseen, max_tokens=4096), 3), "curva": curve}


def compare(seeds, batch_sizes, steps, names=VARIANTS, sizes=SIZES, say=lambda text: None):
    """Tutte le varianti: un dizionario JSON. say: una funzione a cui dire ciò che si è fatto."""
    results = {}
    for name in names:
        results[name] = {}
        for size in batch_sizes:
            results[name][str(size)] = {}
            for seed in seeds:
                results[name][str(size)][str(seed)] = run(name, size, seed, steps, sizes)
                say(f"{name}, batch {size}, seme {seed}: {results[name][str(size)][str(seed)]['perdita']}")
    return {
        "comando": f"python -m attenzione.evidence.warmup --semi {' '.join(map(str, seeds))} --passi {steps}",
        "data": date.today().isoformat(),
        "versioni": {"python": platform.python_version(), "torch": version("torch").split("+")[0]},
        "modello": sizes,
        "passi": steps,
        "warmup": WARMUP_STEPS,
        "massimo": round(rate(WARMUP_STEPS, sizes["d_model"], rising=True), 5),
        "varianti": results,
    }


def recorded():
    """Le misure che accompagnano il libro."""
    return json.loads(RECORDED.read_text("utf-8"))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m attenzione.evidence.warmup", description=__doc__.split("\n")[0])
    parser.add_argument("--semi", type=int, nargs="+", default=[0, 1, 2], help="i semi (0 1 2)")
    parser.add_argument("--batch", type=int, nargs="+", default=[32, 96], help="sequenze per batch (32 96)")
    parser.add_argument("--passi", type=int, default=250, help="passi di ciascun addestramento (250)")
    parser.add_argument("--registra", default="warmup.json", metavar="FILE", help="dove scrivere i numeri")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    result = compare(options.semi, options.batch, options.passi, say=lambda text: print(text, flush=True))
    write_text(options.registra, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(as_command(main))
