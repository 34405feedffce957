"""Dall’articolo a un blocco nello stile di LLaMA in otto cambiamenti, uno alla volta, sugli stessi dati.

Il testo è la prosa di questo libro, letta una lettera alla volta. Ogni esempio sono WINDOW lettere: la prima metà si
legge, e della seconda si misura la perdita. Encoder e decoder dell’articolo leggono la prima metà con l’uno e scrivono
la seconda con l’altro; i solo decoder leggono tutto di seguito. I passi, gli esempi, il tasso sono gli stessi, i
parametri quasi: dove un cambiamento ne toglie o ne aggiunge, non si compensa, salvo la larghezza di SwiGLU.

    python -m attenzione.later.changes modelli/lingua-it/prosa.txt.gz --semi 0 1

addestra ogni modello con ogni seme e scrive i numeri in cambiamenti.json. Il libro mostra quelli registrati accanto a
questo file.
"""

import math
import sys
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from attenzione.config import TransformerConfig
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.recording import command_on_text, read, stamp
from attenzione.later.sharing import PIECE, read_letters, split
from attenzione.model import Transformer
from attenzione.streams import as_command

RECORDED = Path(__file__).with_name("cambiamenti.json")
WINDOW = 64  # le lettere di un esempio: metà si legge, metà si predice
HALF = WINDOW // 2
BATCH = 16  # gli esempi di un passo
START = "encoder e decoder"  # l’articolo
CHANGES = {  # nome → che cosa cambia nella configurazione rispetto al modello di prima
    "solo decoder": {},
    "pre-norm": {"norm_first": True, "final_norm": True},
    "RMSNorm": {"norm": "rms"},
    "senza bias": {"bias": False},
    "SwiGLU": {"feed_forward": "swiglu", "d_ff": 171},  # tre matrici: due terzi di 256
    "RoPE": {"positions": "rotary"},
    "chiavi a gruppi": {"n_kv_heads": 2},
    "uscita slegata": {"tied": False},
}
CONTROL = "solo decoder, mezza perdita"
"""Il primo cambiamento senza il suo effetto di contorno: la perdita si conta soltanto sulla seconda metà."""
SCALED = "uscita slegata, con la scala"
"""L’ultimo senza il suo: con due matrici l’embedding si moltiplica ancora per √d_model."""
SIZES = {"d_model": 64, "n_heads": 4, "p_drop": 0.0}


def configurations(n_vocab):
    """Nome → configurazione, da START all’ultimo cambiamento: ciascuna viene dalla precedente con CHANGES[nome]."""
    config = LanguageModelConfig(
        n_vocab=n_vocab,
        n_layers=4,
        d_ff=256,
        max_len=WINDOW,
        norm_first=False,
        final_norm=False,
        norm="layer",
        bias=True,
        feed_forward="relu",
        positions="sinusoidal",
        tied=True,
        **SIZES,
    )
    found = {START: TransformerConfig(n_vocab=n_vocab, n_layers=2, d_ff=256, eps_ls=0.0, **SIZES)}
    values = dict(vars(config))
    for name, change in CHANGES.items():
        values |= change
        found[name] = LanguageModelConfig(**values)
    return found


def build(config, seed=0):
    """Il modello di una configurazione, coi valori di partenza estratti dal seme."""
    torch.manual_seed(seed)
    return (Transformer if isinstance(config, TransformerConfig) else LanguageModel)(config)


def scaled(model):
    """model, con l’embedding moltiplicato per √d_model prima del primo strato, come in §3.4."""
    model.embedding.register_forward_hook(times_root_d)
    return model


def times_root_d(module, inputs, x):
    return x * math.sqrt(x.shape[-1])


def second_half(model, x):
    """I logit della seconda metà di x, (B, WINDOW): (B, HALF, n_vocab)."""
    if isinstance(model, Transformer):
        bos = x.new_full((len(x), 1), model.config.bos_id)
        return model(x[:, :HALF], torch.cat([bos, x[:, HALF:-1]], dim=1), checked=True)
    return model(x[:, :-1], checked=True)[:, HALF - 1 :]


def loss_on(model, x, whole=False):
    """La perdita in nat per lettera sulla seconda metà di x, (B, WINDOW); con whole su tutte, dalla seconda in poi."""
    if whole:
        return cross_entropy(model(x[:, :-1], checked=True).flatten(0, 1), x[:, 1:].flatten())
    return cross_entropy(second_half(model, x).flatten(0, 1), x[:, HALF:].flatten())


def train(model, pieces, steps, seed=0, whole=True):
    """Addestra model con Adam: a ogni passo BATCH esempi presi a caso dai pezzi, gli stessi per ogni modello.

    whole: un solo decoder impara da tutte le lettere; encoder e decoder possono soltanto dalla seconda metà.
    """
    whole = whole and not isinstance(model, Transformer)
    generator = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98))
    for step in range(steps):
        adam.param_groups[0]["lr"] = 0.003 * min(1, (step + 1) / 100)
        rows = torch.randint(len(pieces), (BATCH,), generator=generator)
        starts = torch.randint(PIECE - WINDOW + 1, (BATCH,), generator=generator)
        x = torch.stack([pieces[row, start : start + WINDOW] for row, start in zip(rows, starts, strict=True)])
        loss = loss_on(model, x, whole)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model.eval()


@torch.no_grad()
def held_out_loss(model, pieces):
    """La perdita sulla seconda metà degli esempi da parte, in nat per lettera: finestre una dopo l’altra."""
    windows = pieces[:, : PIECE // WINDOW * WINDOW].reshape(-1, WINDOW)
    return (sum(loss_on(model, x) * len(x) for x in windows.split(64)) / len(windows)).item()


def run(path, seeds, steps, command):
    """Addestra e misura ogni modello con ogni seme. Rende un dizionario JSON."""
    letters, n_vocab = read_letters(path)
    pieces, kept = split(letters)
    configs = configurations(n_vocab)
    configs[CONTROL] = configs["solo decoder"]
    configs[SCALED] = configs["uscita slegata"]
    models = {}
    for name, config in configs.items():
        losses = {}
        for seed in seeds:
            model = build(config, seed)
            if name == SCALED:
                scaled(model)
            train(model, pieces, steps, seed, whole=name != CONTROL)
            losses[str(seed)] = round(held_out_loss(model, kept), 4)
        models[name] = {"parametri": sum(p.numel() for p in model.parameters()), "perdita": losses}
    return {
        **stamp(command),
        "dispositivo": "CPU, un thread",
        "lettere": {"per imparare": pieces.numel(), "da parte": kept.numel()},
        "modelli": models,
    }


def recorded(path=RECORDED):
    """Le misure registrate: il dizionario che run rende, letto da path. OSError se il file manca."""
    return read(path)


main = command_on_text("changes", __doc__, run, seeds=[0, 1], steps=400, output="cambiamenti.json")


if __name__ == "__main__":
    sys.exit(as_command(main))
