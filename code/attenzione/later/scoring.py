"""Quanto un modello linguistico predice un testo mai letto, accanto a un modello a n-grammi sulle stesse unità.

Si conta ogni token, EOS compreso. Per parola vuol dire per parola separata da spazi o fine di riga; per carattere, per
carattere del testo pulito o fine di riga: così due modelli con tokenizer diversi si possono confrontare.
"""

import math
import platform
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from attenzione.data.corpus import PARTS
from attenzione.device import read
from attenzione.italian import number
from attenzione.later.continuing import SHIPPED, load_language_model
from attenzione.later.ngrams import KneserNey
from attenzione.training.batches import pad
from attenzione.training.recipe import encode_blocks, read_parts, read_recipe
from attenzione.training.shipped import shipped_folder

ORDER = 5
PROMPT, CONTINUED, SAMPLES = 32, 32, 400
"""La prova di memoria: quanti token si danno, quanti se ne chiedono, in quanti luoghi."""


@torch.inference_mode()
def token_losses(model, documents, batch=16):
    """La perdita di ogni token dei documenti, in nat, ciascuno col suo contesto: (n,), in doppia precisione.

    documents: elenchi di identificatori senza BOS. Le finestre sono lunghe max_len e si sovrappongono per metà: un
    token vede almeno i max_len / 2 che lo precedono, o tutti quelli del suo documento.
    """
    c, device = model.config, model.embedding.E.device
    half = max(1, c.max_len // 2)
    losses = []
    windows = [window for document in documents for window in overlapping([c.bos_id, *document], c.max_len, half)]
    for start in range(0, len(windows), batch):
        group = windows[start : start + batch]
        tokens = pad([window[:-1] for window, _ in group], c.pad_id, device)  # (B, n)
        targets = pad([window[1:] for window, _ in group], c.pad_id, device)
        logits = model(tokens, checked=True).float()  # (B, n, n_vocab)
        found = read(cross_entropy(logits.transpose(1, 2), targets, reduction="none"))
        for row, (window, skipped) in zip(found, group, strict=True):
            losses += row[skipped : len(window) - 1]
    return torch.tensor(losses, dtype=torch.float64)


def overlapping(tokens, length, step):
    """Le finestre di length + 1 token che, di step in step, predicono ogni token dopo il primo: (finestra, saltati).

    saltati: quanti dei token predetti dalla finestra appartengono già a quella prima.
    """
    windows = [(tokens[: length + 1], 0)]
    for end in range(length + 1, len(tokens), step):
        new = tokens[end : end + step]
        window = tokens[end + len(new) - length - 1 : end + len(new)]
        windows.append((window, length - len(new)))
    return windows


def summary(losses, blocks):
    """Ciò che si dice di una parte: losses (n,), in nat, e blocks, i suoi blocchi di righe."""
    lines = [line for block in blocks for line in block]
    words = sum(len(line.split()) + 1 for line in lines)
    characters = sum(len(line) + 1 for line in lines)
    total = losses.sum().item()
    return {
        "perdita": round(total / len(losses), 4),
        "perplessita_per_parola": round(math.exp(total / words), 1),
        "bit_per_carattere": round(total / math.log(2) / characters, 4),
    }


def evaluate(model_path=None, recipe_path=None, data_folder=None, device=None):
    """Il modello e i 5-grammi sulle parti della ricetta, e la prova di memoria. Rende un dizionario JSON.

    Gli n-grammi contano l’addestramento, e i loro sconti li regola lo sviluppo; la prova non decide nulla. Dei due si
    dice anche quanto fanno su ciascun testo della ricetta. Errori: quelli di read_recipe e load_language_model.
    """
    folder = Path(model_path or shipped_folder(SHIPPED))
    recipe = read_recipe(recipe_path or (folder if folder.is_dir() else folder.parent) / "ricetta.yml", data_folder)
    if "testi" not in recipe.dati:
        raise ValueError("la ricetta non ha dati.testi: attesa quella di un modello che continua un testo")
    parts = read_parts(recipe)[0]
    model, tokenizer = load_language_model(model_path, device)
    documents = {part: encode_blocks(parts[part], tokenizer, model.config.eos_id) for part in PARTS}
    ngrams = KneserNey(documents["addestramento"], len(tokenizer), ORDER, model.config.bos_id)
    ngrams.tune(documents["sviluppo"])
    results = {}
    for part in PARTS[1:]:
        names = {"modello": token_losses(model, documents[part]), "5-grammi": -ngrams.log_probs(documents[part])}
        results[part] = {
            "blocchi": len(parts[part]),
            "righe": sum(map(len, parts[part])),
            "parole": sum(len(line.split()) for block in parts[part] for line in block),
            "token": len(names["modello"]),
            "modelli": {name: summary(losses, parts[part]) for name, losses in names.items()},
        }
    results["prova"]["testi"] = by_text(recipe, parts["prova"], documents["prova"], names)
    every = max(1, len(documents["addestramento"]) // len(documents["prova"]))
    seen = documents["addestramento"][::every]
    report = {"parti": results, "perdita_sull_addestramento": round(token_losses(model, seen).mean().item(), 4)}
    report["memoria"] = {part: recalled(model, documents[part]) for part in ("addestramento", "prova")}
    versions = {name: version(name).split("+")[0] for name in ("torch", "tokenizers")}
    return report | {
        "data": datetime.now(UTC).date().isoformat(),
        "dispositivo": str(model.embedding.E.device),
        "versioni": {"python": platform.python_version()} | versions,
    }


def by_text(recipe, blocks, documents, losses):
    """Le perdite di ciascun modello su ciascun testo della ricetta: {testo: {modello: perdita}}.

    I blocchi stanno nell’ordine dei testi: quelli del primo sono quanti ne dà la ricetta col solo primo, e così via.
    """
    names, results, start = recipe.dati["testi"], {}, 0
    for i, name in enumerate(names, start=1):
        only = read_parts(replace(recipe, dati={"testi": names[:i]}))[0]["prova"] if i < len(names) else blocks
        first, last = (sum(map(len, documents[:n])) for n in (start, len(only)))
        if first < last:  # un testo breve può non avere blocchi nella prova
            mine = blocks[start : len(only)]
            results[name] = {model: summary(values[first:last], mine) for model, values in losses.items()}
        start = len(only)
    return results


@torch.inference_mode()
def recalled(model, documents, samples=SAMPLES):
    """La prova di memoria: dati PROMPT token di un documento, quante volte greedy ridà i CONTINUED che seguono.

    I luoghi sono a distanza uguale fra quelli in cui i documenti sono lunghi abbastanza. Rende quanti luoghi, quanti
    ridati per intero, e in media quanti token giusti di fila.
    """
    c, device = model.config, model.embedding.E.device
    size = PROMPT + CONTINUED
    places = [document[i : i + size] for document in documents for i in range(0, len(document) - size + 1, size)]
    places = places[:: max(1, len(places) // samples)][:samples]
    whole, right = 0, 0
    for start in range(0, len(places), 50):
        group = torch.tensor(places[start : start + 50], device=device)  # (B, size)
        cache = model.start_cache(len(group), size + 1)
        fresh = torch.cat([torch.full_like(group[:, :1], c.bos_id), group[:, :PROMPT]], dim=1)  # (B, PROMPT + 1)
        found = []
        for _ in range(CONTINUED):
            fresh = model.decode(fresh, cache)[:, -1].argmax(dim=-1, keepdim=True)  # (B, 1)
            found.append(fresh)
        same = (torch.cat(found, dim=1) == group[:, PROMPT:]).long()  # (B, CONTINUED)
        run = same.cumprod(dim=1).sum(dim=1)  # (B,): quanti giusti prima del primo sbagliato
        whole += read((run == CONTINUED).sum())
        right += read(run.sum())
    return {"luoghi": len(places), "per_intero": whole, "token_di_fila": round(right / max(1, len(places)), 2)}


def show(result):
    """Scrive i punteggi di evaluate, una riga per parte e modello."""
    for part, facts in result["parti"].items():
        for name, scores in facts["modelli"].items():
            word, bits = scores["perplessita_per_parola"], scores["bit_per_carattere"]
            print(
                f"{part:10}{name:10}perdita {number(scores['perdita'], '.3f')}   perplessità per parola "
                f"{number(word, '.1f')}   bit per carattere {number(bits, '.3f')}"
            )
