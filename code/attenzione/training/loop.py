"""Il ciclo di addestramento, §5."""

import json
import math
import time
import warnings
import zlib
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from attenzione.config import check_positive_integer, shown
from attenzione.device import emulates_bf16
from attenzione.files import locked, write_text
from attenzione.italian import number
from attenzione.training.batches import collate, endless_batches, examples
from attenzione.training.checkpoint import check_same_config, list_checkpoints, restore, save_checkpoint, unwrapped
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
            raise ValueError(f"rate_factor vale {shown(self.rate_factor)}: atteso un numero positivo")
        if self.precision not in ("float32", "bf16"):
            raise ValueError(f"precision vale «{self.precision}»: atteso «float32» o «bf16»")
        if not isinstance(self.compile, bool):
            raise ValueError(f"compile vale {shown(self.compile)}: atteso True o False")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or not 0 <= self.seed < 2**32:
            raise ValueError(f"seed vale {shown(self.seed)}: atteso un intero da 0 a {2**32 - 1}")


def train(model, pairs, training, folder=None, *, device="cpu", vocabulary=None, dev_pairs=None, progress=True):
    """Addestra model sulle coppie pairs, elenco di (src, tgt) senza BOS né EOS; rende i passi compiuti.

    Un modello che continua un testo si addestra su un attenzione.training.windows.Windows, dato al posto delle coppie.

    folder: dove vanno i checkpoint e il registro passi.jsonl; se contiene già un checkpoint si riprende da
    lì, con gli stessi numeri che avrebbe dato l’addestramento mai interrotto. vocabulary: elenco dei token da
    salvare col modello. Ogni passo è un dizionario: step, loss (per token vero, in nat), lrate, tokens.
    dev_pairs: coppie su cui misurare la perdita a ogni checkpoint (dev_loss); va in sviluppo.jsonl,
    con i secondi di CPU spesi dal checkpoint precedente.
    Errori: ValueError se i dati non vanno bene (token_batches, check_pairs), se il checkpoint è di un’altra
    configurazione, di altri dati o di un altro vocabolario, o se in folder lavora già un altro addestramento;
    FloatingPointError se la perdita non è un numero finito.
    """
    device = torch.device(device)
    rank, world = rank_and_world()
    run, model = model, unwrapped(model)
    data, dev_data = examples(pairs), examples(dev_pairs or [])
    data.check(model.config)
    dev_data.check(model.config, "dev_pairs")
    if training.precision == "bf16" and emulates_bf16(device):
        warnings.warn("precision vale «bf16», che questa CPU non sa fare: si calcola in float32", stacklevel=2)
    run.to(device).train()
    torch.manual_seed(training.seed + rank)
    optimizer = adam(model)
    optimizer.zero_grad()  # un gradiente rimasto da fuori non entra nel primo passo
    fixed = {
        "pairs": len(data),
        "data": data.fingerprint(),
        "dev_data": dev_data.fingerprint() if dev_pairs else None,
        "world": world,
        **same_run(training),
    }
    with alone_in(folder) if folder and rank == 0 else nullcontext():
        state = resume(folder, model, optimizer, fixed, vocabulary, device)
        check_same_start(state, device)
        run = DistributedDataParallel(run) if world > 1 else run
        run = torch.compile(run, dynamic=True) if training.compile else run
        log = open_log(folder, "passi.jsonl", state["step"]) if folder and rank == 0 else nullcontext()
        steps = tqdm(
            range(state["step"] + 1, training.steps + 1),
            desc="addestramento",
            unit="passo",
            initial=state["step"],
            total=training.steps,
            disable=not progress or rank > 0,
        )
        stream = endless_batches(data, training.max_tokens, training.seed, state["epoch"], state["index"])
        records = []
        clock = time.process_time()
        with log as file:
            for step in steps:
                group = list(islice(stream, training.accumulate * world))
                batches = [[data[i] for i in batch] for batch, _, _ in group]
                tokens = sum(data.count(batch) for batch, _, _ in group)
                record = adam_step(step, run, model.config, optimizer, batches, tokens, training, device)
                records.append(record)
                _, epoch, index = group[-1]
                state |= {"step": step, "epoch": epoch, "index": index}
                steps.set_postfix(perdita=number(record["loss"], ".3f"), refresh=False)
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


@contextmanager
def alone_in(folder):
    """Tiene folder per un solo addestramento. Errori: ValueError se vi lavora già un altro processo."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(Path(folder, "addestramento.in-corso"), wait=False))
        except BlockingIOError as error:
            raise ValueError(f"folder vale «{folder}»: vi lavora già un altro addestramento") from error
        yield


def resume(folder, model, optimizer, fixed, vocabulary, device):
    """Riporta model, optimizer e i generatori casuali all’ultimo checkpoint di folder, se ce n’è.

    fixed: le voci che nel checkpoint devono essere le stesse; un checkpoint scritto prima che si registrasse
    l’impronta dei dati si riprende lo stesso, con un avviso. Rende lo stato dell’addestramento: step, epoch e index, la
    posizione nei dati, e fixed. Errori: ValueError se il checkpoint è di un’altra configurazione.
    """
    found = list_checkpoints(folder) if folder else []
    if not found:
        return {"step": 0, "epoch": 0, "index": 0} | fixed
    saved, rng = restore(found[-1], model, optimizer, vocabulary)
    rank, _ = rank_and_world()
    if missing := [name for name in ("step", "epoch", "index") if name not in saved]:
        raise ValueError(f"path vale «{found[-1]}»: nell’avanzamento manca «{missing[0]}»")
    if "data" not in saved and rank == 0:
        warnings.warn(
            f"{found[-1]} non dice su quali dati è stato addestrato: si riprende senza poterli controllare",
            stacklevel=3,
        )
    before = {"rate_factor": 1.0} | {name: fixed[name] for name in ("data", "dev_data") if "data" not in saved}
    state = before | saved  # ciò che nei checkpoint più vecchi non c’era
    check_same_config(found[-1], state, fixed)
    set_rng(found[-1], rng, rank, device)
    return state


def check_same_start(state, device):
    """Errore se i processi partono da dati o checkpoint diversi: in cartelle che non sono la stessa, per esempio."""
    digest = zlib.crc32(json.dumps(state, sort_keys=True).encode())
    first, *others = gather(torch.tensor(digest, device=device))
    if any(first != other for other in others):
        raise ValueError("i processi partono da dati o checkpoint diversi: attesi gli stessi file in tutti")


def adam_step(step, run, config, optimizer, batches, tokens, training, device):
    """Un passo di Adam sui batch di tutti i processi, al tasso dell’equazione (3); rende ciò che se ne registra.

    tokens: quanti token vi si predicono. Errori: FloatingPointError se la perdita non è un numero finito.
    """
    rank, world = rank_and_world()
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

    La sua esponenziale è la perplessità per unità. pairs: come in train. model torna nel modo in cui era. Errori:
    quelli di check_pairs e di token_batches.
    """
    data = examples(pairs)
    data.check(model.config)
    was_training = model.training
    model.eval()
    losses, tokens = [], 0
    for batch in data.batches(max_tokens):
        *inputs, targets = tensors(model, [data[i] for i in batch], model.config, device)
        losses.append(label_smoothing_loss(model(*inputs, checked=True), targets, 0.0, model.config.pad_id))
        tokens += data.count(batch)
    model.train(was_training)
    return sum(torch.stack(losses).tolist()) / tokens


def tensors(model, batch, config, device):
    """I tensori di un batch: ciò che model riceve, poi ciò che deve predire. Li fa la sua collate, se ne ha una."""
    return getattr(unwrapped(model), "collate", collate)(batch, config, device)


def gradient_step(run, config, batches, tokens, precision, device):
    """Accumula il gradiente della perdita media sui tokens token veri del passo; rende la somma locale.

    batches: quelli di questo processo. DDP fa la media dei gradienti fra processi: si moltiplica per quanti
    sono, così il passo non dipende da come i batch si spartiscono.
    """
    _, world = rank_and_world()
    losses = []
    for i, batch in enumerate(batches):
        *inputs, targets = tensors(run, batch, config, device)
        wait = world > 1 and i + 1 < len(batches)  # i gradienti si scambiano una volta per passo
        with run.no_sync() if wait else nullcontext():
            with mixed_precision(device, precision):
                logits = run(*inputs, checked=True)  # (B, m, n_vocab); i token li ha guardati check
                loss = label_smoothing_loss(logits, targets, config.eps_ls, config.pad_id)
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
    """Le voci che devono restare uguali perché un addestramento ripreso dia gli stessi numeri.

    Le altre (steps, save_every, keep) dicono quanto si va avanti e che cosa resta, compile soltanto come si calcola.
    """
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


def set_rng(path, states, rank, device):
    """Rimette i generatori casuali di questo processo com’erano nel checkpoint path.

    Errori: ValueError se uno stato manca, come quello di CUDA in un addestramento cominciato sulla CPU.
    """
    kinds = {"cpu": torch.set_rng_state}
    if device.type == "cuda":
        kinds["cuda"] = lambda state: torch.cuda.set_rng_state(state, device)
    for kind, restore_state in kinds.items():
        state = states.get(f"{kind}.{rank}")
        if state is None:
            raise ValueError(f"path vale «{path}»: manca «rng.{kind}.{rank}», lo stato di un generatore casuale")
        restore_state(state)


def open_log(folder, name, step):
    """Apre un registro per aggiungere righe; toglie quelle dei passi dopo step e i file rimasti a metà."""
    path = Path(folder, name)
    for partial in path.parent.glob("*.parziale"):
        partial.unlink()
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    lines = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
    write_text(path, "".join(line + "\n" for line in lines))
    return open(path, "a", encoding="utf-8")
