"""Più processi con torchrun e il DistributedDataParallel di PyTorch: NCCL fra GPU, gloo fra CPU."""

import os
import time
from contextlib import contextmanager
from itertools import count

import torch
import torch.distributed as dist

from attenzione.device import pick_device

_shared = {}
"""Mentre i processi sono uniti: l’archivio che hanno in comune, e il numero del prossimo turno."""


@contextmanager
def process_group(device_name=None):
    """Unisce i processi avviati da torchrun, se ce ne sono; cede il dispositivo di questo processo.

    Se più processi falliscono l’errore è del primo che lo incontra: gli altri finiscono con SystemExit, in silenzio.
    """
    if "RANK" not in os.environ:
        yield pick_device(device_name)
        return
    device = pick_device(device_name)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    store, rank, world = next(dist.rendezvous("env://"))
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=dist.PrefixStore("gruppo", store), rank=rank, world_size=world)
    _shared.update(store=dist.PrefixStore("attenzione", store), turns=count())
    try:
        yield device
    except (Exception, KeyboardInterrupt):
        if not speaks_first():
            leave_quietly()
        raise
    finally:
        _shared.clear()
        dist.destroy_process_group()


def speaks_first():
    """Vero per il primo processo che lo chiede, falso per gli altri."""
    rank = str(dist.get_rank())
    try:
        return _shared["store"].compare_set("parla", "", rank).decode() == rank
    except RuntimeError:  # l’archivio non c’è più: chi lo teneva è già finito
        return False


def leave_quietly():
    """Finisce il processo senza dire nulla, dopo che chi ha fallito per primo ha avuto il tempo di dire perché."""
    time.sleep(2)  # torchrun, quando un processo finisce male, ferma subito gli altri
    raise SystemExit(1) from None


@contextmanager
def first_process_first():
    """Esegue il blocco prima nel processo 0, poi negli altri, che vi trovano già fatto ciò che il primo ha scritto.

    Si aspetta quanto serve. Se il processo 0 fallisce gli altri finiscono con SystemExit: il perché lo dice lui.
    """
    rank, world = rank_and_world()
    if world == 1 or not _shared:
        yield
        return
    store, turn = _shared["store"], f"turno-{next(_shared['turns'])}"
    if rank > 0:
        while not store.check([turn]):
            time.sleep(0.1)
        if store.get(turn) != b"fatto":
            leave_quietly()
        yield
        return
    outcome = "fallito"
    try:
        yield
        outcome = "fatto"
    finally:
        store.set(turn, outcome)


def rank_and_world():
    """Il numero di questo processo, da 0, e quanti sono in tutto."""
    if not dist.is_initialized():
        return 0, 1
    return dist.get_rank(), dist.get_world_size()


def gather(tensor):
    """Lo stesso tensore di tutti i processi, in ordine di numero: un elenco."""
    if not dist.is_initialized():
        return [tensor]
    tensors = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
    dist.all_gather(tensors, tensor)
    return tensors
