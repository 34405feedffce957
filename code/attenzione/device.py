"""Dove si calcola (CUDA, MPS o CPU), con quale precisione e da quale seme."""

import random

import numpy as np
import torch


def pick_device(name=None):
    """Il dispositivo su cui calcolare: quello chiesto, oppure CUDA, MPS, CPU, in quest’ordine.

    name: None, «cpu», «mps», «cuda» o «cuda:1». Rende un torch.device.
    Errori: ValueError se il nome non è fra questi o se il dispositivo non c’è.
    """
    if name is None:
        name = best_device_name()
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cuda", "mps", "cpu"):
        raise ValueError(f"name vale «{name}»: atteso «cpu», «mps», «cuda» o «cuda:N»")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"name vale «{name}»: le GPU CUDA visibili sono {torch.cuda.device_count()}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError(f"name vale «{name}»: MPS non è disponibile su questa macchina")
    return device


def best_device_name():
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def describe_device(device):
    """Una riga che dice su che cosa gira la pagina, per esempio «CPU, 2 thread, torch 2.13.0»."""
    device = torch.device(device)
    version = torch.__version__.split("+")[0]
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        memory = f"{properties.total_memory / 2**30:.0f} GiB"
        return f"CUDA: {properties.name}, {memory}, CUDA {torch.version.cuda}, torch {version}"
    if device.type == "mps":
        return f"MPS: GPU Apple, torch {version}"
    return f"CPU, {torch.get_num_threads()} thread, torch {version}"


def emulates_bf16(device):
    """Vero se device è una CPU x86 senza le istruzioni AVX-512: il bfloat16 vi è emulato, e lentissimo."""
    return torch.device(device).type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX2"


def read(tensor):
    """Il contenuto di tensor in Python, un numero o elenchi di numeri: si aspetta che il dispositivo l’abbia calcolato.

    Il modello e la decodifica leggono soltanto di qui, e così si contano le attese.
    """
    return tensor.tolist()


def seed_everything(seed):
    """Fissa i semi di Python, NumPy e PyTorch (CPU e GPU): da qui in poi i numeri si ripetono.

    seed: intero da 0 a 2^32 − 1. Errori: ValueError fuori da questo intervallo.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed vale {seed}: atteso un intero da 0 a 4294967295")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
