"""Dispositivo, precisione e semi."""

import random

import numpy as np
import pytest
import torch

from attenzione.device import describe_device, pick_device, seed_everything


def test_pick_device_prefers_cuda_then_mps_then_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device() == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device() == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert pick_device() == torch.device("cuda")
    assert pick_device("cpu") == torch.device("cpu")


def test_pick_device_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match=r"name vale «cuda:3»: le GPU CUDA visibili sono 1"):
        pick_device("cuda:3")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"name vale «mps»: MPS non è disponibile"):
        pick_device("mps")
    for name in ("gpu", "meta", "cuda:x"):
        with pytest.raises(ValueError, match=rf"name vale «{name}»: atteso «cpu», «mps»"):
            pick_device(name)


def test_describe_device():
    text = describe_device("cpu")
    assert text.startswith(f"CPU, {torch.get_num_threads()} thread, torch ") and "+" not in text


def test_the_same_seed_gives_the_same_numbers():
    def draw(seed):
        seed_everything(seed)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw(7) == draw(7)
    assert all(a != b for a, b in zip(draw(7), draw(8), strict=True))


def test_seed_out_of_range():
    for seed in (-1, 2**32):
        with pytest.raises(ValueError, match=rf"seed vale {seed}: atteso un intero da 0"):
            seed_everything(seed)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="nessuna GPU CUDA su questa macchina")
def test_cuda_is_found_and_described():
    device = pick_device()
    assert device.type == "cuda"
    assert describe_device(device).startswith(f"CUDA: {torch.cuda.get_device_name(device)}, ")
