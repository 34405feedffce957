"""Più processi con torchrun e il DistributedDataParallel di PyTorch: NCCL fra GPU, gloo fra CPU."""

import os
from contextlib import contextmanager

import torch
import torch.distributed as dist

from attenzione.device import pick_device


@contextmanager
def process_group(device_name=None):
    """Unisce i processi avviati da torchrun, se ce ne sono; cede il dispositivo di questo processo."""
    if "RANK" not in os.environ:
        yield pick_device(device_name)
        return
    device = pick_device(device_name)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


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
