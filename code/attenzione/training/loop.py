"""Il ciclo di addestramento, §5."""

import json
import math
import time
import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from attenzione.config import check_positive_integer
from attenzione.device import emulates_bf16
from attenzione.files import write_text
from attenzione.italian import number
from attenzione.training.batches import collate, endless_batches, token_batches
from attenzione.training.checkpoint import check_same_config, list_checkpoints, restore, save_checkpoint
from attenzione.training.distributed import gather, rank_and_world
from attenzione.training.loss import label_smoothing_loss
from attenzione.training.schedule import adam, lrate


@dataclass(frozen=True)
class TrainingConfig:
    """Come si addestra; i valori predefiniti sono quelli del modello base dell’articolo.

    steps: passi di Adam; max_tokens: token di partenza e di arrivo per batch; warmup_steps: equazione (3);
    rate_factor: per quanto si moltiplica il tasso dell’equazione (3), 1 nell’articolo; accumulate: batch per passo e
    per processo; precision: «float32» o «bf16» (calcoli misti); compile: torch.compile; save_every: passi fra due
    checkpoint; keep: quanti checkpoint restano; seed: il seme.
    Errori: ValueError che nomina la voce, il valore e che cosa era atteso.
    """

    steps: int = 100_000
    max_tokens: int = 25_000
    warmup_steps: int = 4_000
    rate_factor: float = 1.0
    accumulate: int = 1
    precision: str = "float32"
    compile: bool = False
    save_every: int = 1_000
    keep: int = 5
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "max_tokens", "warmup_steps", "accumulate", "save_every", "keep"):
            check_positive_integer(name, getattr(self, name))
        is_number = isinstance(self.rate_factor, int | float) and not isinstance(self.rate_factor, bool)
        if not is_number or not 0 < self.rate_factor < math.inf:
            raise ValueError(f"rate_factor vale {self.rate_factor}: atteso un numero positivo")
        if self.precision not in ("float32", "bf16"):
            raise ValueError(f"precision vale «{self.precision}»: atteso «float32» o «bf16»")


def train(model, pairs, training, folder=None, *, device="cpu", vocabulary=None, dev_pairs=None, progress=True):
    """Addestra model sulle coppie pairs, elenco di (src, tgt) senza BOS né EOS; rende i passi compiuti.

    folder: dove vanno i checkpoint e il registro passi.jsonl; se contiene già un checkpoint si riprende da
    lì, con gli stessi numeri che avrebbe dato l’addestramento mai interrotto. vocabulary: elenco dei token da
    salvare col modello. Ogni passo è un dizionario: step, loss (per token vero, in nat), lrate, tokens.
    dev_pairs: coppie su cui misurare la perdita a ogni checkpoint (dev_loss); va in sviluppo.jsonl,
    con i secondi di CPU spesi dal checkpoint precedente.
    Errori: ValueError se i dati non vanno bene (token_batches, max_len) o il checkpoint è di un’altra
    configurazione; FloatingPointError se la perdita non è un numero finito.
    """
    device = torch.device(device)
    rank, world = rank_and_world()
    check_lengths(pairs, model.config.max_len)
    if training.precision == "bf16" and emulates_bf16(device):
        warnings.warn("precision vale «bf16», che questa CPU non sa fare: si calcola in float32", stacklevel=2)
    model.to(device).train()
    torch.manual_seed(training.seed + rank)
    optimizer = adam(model)
    optimizer.zero_grad()  # un gradiente rimasto da fuori non entra nel primo passo
    state = resume(folder, model, optimizer, {"pairs": len(pairs), "world": world, **same_run(training)}, device)

    run = DistributedDataParallel(model) if world > 1 else model
    run = torch.compile(run, dynamic=True) if training.compile else run
    stream = endless_batches(pairs, training.max_tokens, training.seed, state["epoch"], state["index"])
    bar = tqdm(
        range(state["step"] + 1, training.steps + 1),
        desc="addestramento",
        unit="passo",
        initial=state["step"],
        total=training.steps,
        disable=not progress or rank > 0,
    )
    log = open_log(folder, "passi.jsonl", state["step"]) if folder and rank == 0 else nullcontext()
    records = []
    clock = time.process_time()
    with log as file:
        for step in bar:
            group = list(islice(stream, training.accumulate * world))
            batches = [[pairs[i] for i in batch] for batch, _, _ in group]
            record = adam_step(step, run, model.config, optimizer, batches, training, device)
            records.append(record)
            _, epoch, index = group[-1]
            state |= {"step": step, "epoch": epoch, "index": index}
            bar.set_postfix(perdita=number(record["loss"], ".3f"), refresh=False)
            if folder and rank == 0:
                file.write(json.dumps(record) + "\n")
                file.flush()
            if folder and (step % training.save_every == 0 or step == training.steps):
                save_state(folder, model, vocabulary, optimizer, state, training.keep, device)
                if dev_pairs and rank == 0:
                    loss = dev_loss(model, dev_pairs, training.max_tokens, device)
                    log_dev_loss(folder, step, loss, time.process_time() - clock)
                    clock = time.process_time()
    return records


def check_lengths(pairs, max_len):
    for i, (src, tgt) in enumerate(pairs):
        longest = max(len(src), len(tgt) + 1)  # tgt ha in più BOS o EOS
        if longest > max_len:
            raise ValueError(f"pairs[{i}] ha {longest} token: attesi al più max_len = {max_len}")


def resume(folder, model, optimizer, fixed, device):
    """Riporta model, optimizer e i generatori casuali all’ultimo checkpoint di folder, se ce n’è.

    fixed: le voci che nel checkpoint devono essere le stesse. Rende lo stato dell’addestramento: step, epoch e index,
    la posizione nei dati, e fixed. Errori: ValueError se il checkpoint è di un’altra configurazione.
    """
    found = list_checkpoints(folder) if folder else []
    if not found:
        return {"step": 0, "epoch": 0, "index": 0} | fixed
    state, rng = restore(found[-1], model, optimizer)
    state = {"rate_factor": 1.0} | state  # nei checkpoint più vecchi non c’era
    check_same_config(found[-1], state, fixed)
    set_rng(rng, rank_and_world()[0], device)
    return state


def adam_step(step, run, config, optimizer, batches, training, device):
    """Un passo di Adam sui batch di tutti i processi, al tasso dell’equazione (3); rende ciò che se ne registra.

    Errori: FloatingPointError se la perdita non è un numero finito.
    """
    rank, world = rank_and_world()
    tokens = sum(len(tgt) + 1 for batch in batches for _, tgt in batch)
    rate = training.rate_factor * lrate(step, config.d_model, training.warmup_steps)
    for parameters in optimizer.param_groups:
        parameters["lr"] = rate
    loss = gradient_step(run, config, batches[rank::world], tokens, training.precision, device)
    loss = sum(gather(loss)).item() / tokens
    if not math.isfinite(loss):
        raise FloatingPointError(f"la perdita al passo {step} vale {loss}: atteso un numero finito")
    optimizer.step()
    optimizer.zero_grad()
    return {"step": step, "loss": loss, "lrate": rate, "tokens": tokens}


def save_state(folder, model, vocabulary, optimizer, state, keep, device):
    """Scrive il checkpoint di questo passo e toglie i più vecchi, fuorché gli ultimi keep.

    La chiamano tutti i processi, perché ciascuno dia lo stato dei suoi generatori casuali; scrive il primo.
    """
    rng = get_rng(device)
    if rank_and_world()[0] > 0:
        return
    path = Path(folder, f"passo-{state['step']:08d}.safetensors")
    save_checkpoint(path, model, vocabulary=vocabulary, optimizer=optimizer, progress=state, rng=rng)
    for old in list_checkpoints(folder)[:-keep]:
        old.unlink()


def log_dev_loss(folder, step, loss, seconds):
    """Aggiunge a sviluppo.jsonl la perdita al passo step e i secondi di CPU spesi dalla precedente."""
    with open_log(folder, "sviluppo.jsonl", step - 1) as file:
        file.write(json.dumps({"step": step, "loss": loss, "cpu_s": round(seconds, 1)}) + "\n")


@torch.no_grad()
def dev_loss(model, pairs, max_tokens, device="cpu"):
    """L’entropia incrociata media per token vero, in nat, senza label smoothing né dropout.

    La sua esponenziale è la perplessità per unità. model torna nel modo in cui era.
    """
    was_training = model.training
    model.eval()
    total = 0.0
    for batch in token_batches(pairs, max_tokens):
        src, tgt_in, tgt_out = collate([pairs[i] for i in batch], model.config, device)
        total += label_smoothing_loss(model(src, tgt_in), tgt_out, 0.0, model.config.pad_id).item()
    model.train(was_training)
    return total / sum(len(tgt) + 1 for _, tgt in pairs)


def gradient_step(run, config, batches, tokens, precision, device):
    """Accumula il gradiente della perdita media sui tokens token veri del passo; rende la somma locale.

    batches: quelli di questo processo. DDP fa la media dei gradienti fra processi: si moltiplica per quanti
    sono, così il passo non dipende da come i batch si spartiscono.
    """
    _, world = rank_and_world()
    losses = []
    for i, batch in enumerate(batches):
        src, tgt_in, tgt_out = collate(batch, config, device)
        wait = world > 1 and i + 1 < len(batches)  # i gradienti si scambiano una volta per passo
        with run.no_sync() if wait else nullcontext():
            with mixed_precision(device, precision):
                logits = run(src, tgt_in)  # (B, m, n_vocab)
                loss = label_smoothing_loss(logits, tgt_out, config.eps_ls, config.pad_id)
            (loss * (world / tokens)).backward()
        losses.append(loss.detach())
    return torch.stack(losses).sum()


@contextmanager
def mixed_precision(device, precision):
    """I calcoli misti di «bf16», dove il dispositivo li sa fare.

    Sulla CPU, in bfloat16, frasi corte costano meno senza il kernel fuso.
    """
    mixed = precision == "bf16" and not emulates_bf16(device)
    plain = sdpa_kernel(SDPBackend.MATH) if mixed and device.type == "cpu" else nullcontext()
    with torch.autocast(device.type, torch.bfloat16, enabled=mixed), plain:
        yield


def same_run(training):
    """Le voci che devono restare uguali perché un addestramento ripreso dia gli stessi numeri."""
    names = ("max_tokens", "warmup_steps", "rate_factor", "accumulate", "precision", "seed")
    return {name: getattr(training, name) for name in names}


def get_rng(device):
    """Gli stati dei generatori casuali di tutti i processi, come dizionario di tensori."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return {
        f"{kind}.{rank}": tensor.cpu()
        for kind, state in states.items()
        for rank, tensor in enumerate(gather(state.to(device)))
    }


def set_rng(states, rank, device):
    torch.set_rng_state(states[f"cpu.{rank}"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[f"cuda.{rank}"], device)


def open_log(folder, name, step):
    """Apre un registro per aggiungere righe; toglie quelle dei passi dopo step e i file rimasti a metà."""
    path = Path(folder, name)
    for partial in path.parent.glob("*.parziale"):
        partial.unlink()
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    lines = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
    write_text(path, "".join(line + "\n" for line in lines))
    return open(path, "a", encoding="utf-8")
