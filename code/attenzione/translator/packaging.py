"""Dall’addestramento al modello da spedire: la media degli ultimi checkpoint, il tokenizer, i fatti registrati."""

import json
import shutil
from pathlib import Path

import torch

from attenzione.config import check_positive_integer
from attenzione.files import replacing, write_text
from attenzione.training.checkpoint import average_checkpoints, list_checkpoints, read_checkpoint, save_checkpoint
from attenzione.training.recipe import ORIGIN
from attenzione.training.shipped import TOKENIZER, WEIGHTS


def package(source, target, average=5, last_step=None):
    """Scrive in target modello.safetensors (float16), tokenizer.json e addestramento.json.

    source: la cartella dell’addestramento; average: quanti checkpoint mediare; last_step: l’ultimo passo da
    considerare, tutti se None. Rende una riga che dice che cosa ha scritto. Errori: ValueError se average non è un
    intero positivo, se mancano i checkpoint o se la cartella non è di un addestramento da una ricetta.
    """
    check_positive_integer("average", average)
    source, target = Path(source), Path(target)
    paths = [p for p in list_checkpoints(source) if last_step is None or step_of(p) <= last_step][-average:]
    if not paths:
        raise ValueError(f"la cartella «{source}» non ha checkpoint: atteso almeno un passo-….safetensors")
    if missing := [name for name in (TOKENIZER, "conti.json") if not (source / name).is_file()]:
        raise ValueError(f"la cartella «{source}» non ha {missing[0]}: atteso un addestramento da una ricetta")
    progress = read_checkpoint(paths[-1])[1]["avanzamento"]
    if not isinstance(progress, dict) or "epoch" not in progress:
        raise ValueError(f"path vale «{paths[-1]}»: il file ha solo il modello, atteso anche l’avanzamento")
    model, _ = average_checkpoints(paths)
    target.mkdir(parents=True, exist_ok=True)
    save_checkpoint(target / WEIGHTS, model, dtype=torch.float16)
    (target / WEIGHTS).chmod(0o644)  # safetensors lo scrive leggibile dal solo proprietario
    if (source / TOKENIZER).resolve() != (target / TOKENIZER).resolve():
        with replacing(target / TOKENIZER) as partial:
            shutil.copyfile(source / TOKENIZER, partial)
    steps = [record for record in read_log(source / "passi.jsonl") if record["step"] <= step_of(paths[-1])]
    curve = [record for record in read_log(source / "sviluppo.jsonl") if record["step"] <= step_of(paths[-1])]
    facts = {
        "parametri": sum(parameter.numel() for parameter in model.parameters()),
        "passi": step_of(paths[-1]),
        "token_visti": sum(record["tokens"] for record in steps),
        "epoche_intere": progress["epoch"],
        "secondi_di_cpu": round(sum(record.get("cpu_s", 0) for record in curve)),
        "media_dei_passi": [step_of(path) for path in paths],
        "torch": torch.__version__.split("+")[0],
        "conti": json.loads((source / "conti.json").read_text("utf-8")),
        **texts_of(source),
        "sviluppo": [{"passo": r["step"], "perdita": round(r["loss"], 4)} for r in curve],
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    write_text(target / "addestramento.json", text)
    size = (target / WEIGHTS).stat().st_size / 1e6
    return f"{target / WEIGHTS}: media di {len(paths)} checkpoint fino al passo {facts['passi']}, {size:.1f} MB"


def texts_of(source):
    """L’impronta dei testi di addestramento, dove la preparazione la dice."""
    path = source / ORIGIN
    return {"impronta_dei_testi": json.loads(path.read_text("utf-8"))["testi"]} if path.is_file() else {}


def step_of(path):
    """Il passo di un checkpoint, dal suo nome."""
    return int(path.stem.removeprefix("passo-"))


def read_log(path):
    """Le righe di un registro .jsonl, fuorché una rimasta a metà; un elenco vuoto se non c’è."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]
