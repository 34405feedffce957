"""L’igiene dei dispositivi, senza GPU: ogni tensore nasce dov’è il modello, e si aspetta al più una volta.

I tensori finti di FakeTensorMode hanno forma e dispositivo, ma non contenuto: due dispositivi mescolati sono un errore
come su una GPU, e leggere fuori da attenzione.device.read anche. Qui read risponde numeri inventati, e si contano le
volte che è chiamata; con tensori veri, sulla CPU, si contano anche gli scalari letti di nascosto.
"""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode, unset_fake_temporarily
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import attenzione.device
from attenzione import attention, decoding, model
from attenzione.config import TransformerConfig
from attenzione.decoding import beam_search, greedy, sample
from attenzione.model import Transformer, check_tokens
from attenzione.training.loss import label_smoothing_loss

CONFIG = TransformerConfig(n_vocab=9, n_layers=2, d_model=8, d_ff=16, n_heads=2, d_k=4, d_v=3, max_len=40)
OPTIONS = [
    {"positions": positions, "norm_first": first, "final_norm": first}
    for positions, first in (("sinusoidal", False), ("learned", True), ("none", False))
]
STRATEGIES = {
    "greedy": greedy,
    "sample": lambda *args, **options: sample(*args, tau=1.5, top_k=4, top_p=0.9, **options),
    "beam": lambda *args, **options: beam_search(*args, n_best=4, **options),
}
STEPS = 5
MIXED = r"two (different )?devices"


def indexed(x, index):
    """x[index] detto con le operazioni di ATen: l’indicizzazione di Python, su «cuda», vuole una build con CUDA."""
    index, dim = index if isinstance(index, tuple) else (index,), 0
    for i, item in enumerate(index):
        if item is None:
            x, dim = x.unsqueeze(dim), dim + 1
        elif item is Ellipsis:
            dim = x.dim() - len(index[i + 1 :])
        elif isinstance(item, int):
            x = x.select(dim, item)
        elif isinstance(item, slice):
            x, dim = torch.ops.aten.slice.Tensor(x, dim, item.start, item.stop, item.step or 1), dim + 1
        else:
            x, dim = torch.ops.aten.index.Tensor(x, [None] * dim + [item]), dim + item.dim()
    return x


INSTEAD = {
    torch.Tensor.__getitem__: indexed,
    torch.Tensor.__setitem__: lambda x, index, value: indexed(x, index) + value,
    torch.Tensor.__invert__: torch.logical_not,
    torch.Tensor.copy_: torch.add,
    torch.Tensor.contiguous: torch.clone,
}
"""Ciò che senza CUDA non si sa fare su «cuda», e una che guarda gli stessi dispositivi: non ci sono valori."""


class WithoutCUDA(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        return INSTEAD.get(function, function)(*args, **(kwargs or {}))


@contextmanager
def elsewhere(device, **options):
    """Un modello finto su device, con i modi che lo fanno funzionare; su «cuda» niente gradienti: la vogliono vera."""
    whole = Transformer(replace(CONFIG, **options)).eval()
    with FakeTensorMode(), WithoutCUDA(), torch.set_grad_enabled(device == "meta"):
        for module in whole.modules():
            for name, parameter in module._parameters.items():
                module._parameters[name] = nn.Parameter(torch.empty(parameter.shape, device=device))
            for name, buffer in module._buffers.items():
                module._buffers[name] = torch.empty(buffer.shape, device=device)
        yield whole


def tokens(*shape, device):
    return torch.ones(*shape, dtype=torch.long, device=device)


def answering(monkeypatch, live=False):
    """Da qui in poi read inventa: STEPS agli interi (limiti, token), live al sì o no di fine passo. Rende i letti."""
    found = []

    def answer(tensor):
        found.append(tensor)
        value = (live and tensor.dim() == 0) if tensor.dtype == torch.bool else STEPS
        with unset_fake_temporarily():
            return torch.full(tensor.shape, value, dtype=tensor.dtype).tolist()

    for module in (model, decoding):
        monkeypatch.setattr(module, "read", answer)
    return found


def generate(whole, name, way):
    """Una frase con la via svelta, con la cache piana, o senza cache."""
    if way == "cache piana":
        whole.start_steps = lambda *args: None
    return STRATEGIES[name](whole, tokens(4, 6, device="cuda"), use_cache=way != "senza cache")


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options["positions"])
def test_the_forward_pass_stays_on_the_device_and_waits_once(monkeypatch, options):
    found = answering(monkeypatch)
    with elsewhere("cuda", **options) as whole:
        src, tgt = tokens(4, 6, device="cuda"), tokens(4, 7, device="cuda")
        logits = whole.train()(src, tgt[:, :-1])
        assert label_smoothing_loss(logits, tgt[:, 1:]).device.type == "cuda"
        assert len(found) == 1
        whole(src, tgt, checked=True)
        assert len(found) == 1
        z, mask = whole.eval().encode(src)
        assert len(found) == 2
        whole.decode(tgt, z, mask)
        assert len(found) == 3
        weights = whole.attention_weights(src, tgt)
        assert {w.device.type for stack in weights.values() for w in stack} == {"cuda"} and len(found) == 4


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options["positions"])
def test_the_backward_pass_stays_on_the_device(monkeypatch, options):
    """Su «meta»: i gradienti di un tensore su «cuda» li sa fare soltanto una build con CUDA."""
    found = answering(monkeypatch)
    with elsewhere("meta", **options) as whole:
        src, tgt = tokens(4, 6, device="meta"), tokens(4, 7, device="meta")
        label_smoothing_loss(whole.train()(src, tgt[:, :-1]), tgt[:, 1:]).backward()
        assert {p.grad.device.type for p in whole.parameters()} == {"meta"} and len(found) == 1


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options["positions"])
@pytest.mark.parametrize("way", ["via svelta", "cache piana", "senza cache"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_decoding_stays_on_the_device_and_waits_once_a_step(monkeypatch, name, way, options):
    found = answering(monkeypatch, live=name == "beam")
    with elsewhere("cuda", **options) as whole:
        generate(whole, name, way)
    of_steps = sum(tensor.dtype == torch.bool and tensor.dim() == 0 for tensor in found)
    assert of_steps == STEPS
    of_tokens = STEPS if way == "senza cache" else 0  # decode guarda i token a ogni chiamata
    before, after = 2, 4 if name == "beam" else 2  # la frase di partenza e i suoi limiti; ciò che si è trovato
    assert len(found) == before + of_steps + of_tokens + after


def without_device(function):
    return lambda *args, device=None, **options: function(*args, **options)


FAULTS = {
    "arange": (torch, "arange", without_device(torch.arange), "beam", "via svelta"),
    "zeros": (torch, "zeros", without_device(torch.zeros), "greedy", "via svelta"),
    "maschera causale": (attention, "causal_mask", without_device(attention.causal_mask), "greedy", "cache piana"),
    "cache": (model, "KVCache", without_device(attention.KVCache), "sample", "cache piana"),
    **{
        f"maschera di riempimento, {way}": (
            *(model, "padding_mask", lambda tokens, pad_id: torch.ones(len(tokens), 1, 6, dtype=torch.bool)),
            *("greedy", way),
        )
        for way in ("via svelta", "cache piana", "senza cache")
    },
}
"""Guasti piantati: un tensore che nasce sulla CPU, e la generazione che se ne deve accorgere."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_tensor_born_on_the_cpu_is_found(monkeypatch, fault):
    module, function, wrong, name, way = FAULTS[fault]
    answering(monkeypatch, live=name == "beam")
    with elsewhere("cuda") as whole:
        monkeypatch.setattr(module, function, wrong)
        with pytest.raises(RuntimeError, match=MIXED):
            generate(whole, name, way)


def test_a_mask_on_the_cpu_is_found_by_the_forward_pass(monkeypatch):
    answering(monkeypatch)
    with elsewhere("cuda") as whole:
        src, tgt = tokens(4, 6, device="cuda"), tokens(4, 5, device="cuda")
        mask = torch.ones(4, 1, 6, dtype=torch.bool)
        monkeypatch.setattr(whole, "source_mask", lambda src: mask)
        with pytest.raises(RuntimeError, match=MIXED):
            whole(src, tgt, checked=True)
        with pytest.raises(RuntimeError, match=MIXED):
            whole.decode(tgt, torch.empty(4, 6, 8, device="cuda"), mask)


def test_reading_elsewhere_is_found():
    """Un tensore finto non ha contenuto: chi lo legge senza passare da read, o in un if, non può."""
    with elsewhere("cuda") as whole, pytest.raises(DataDependentOutputException):
        whole(tokens(4, 6, device="cuda"), tokens(4, 7, device="cuda"))


HIDDEN = {"_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero"}
"""Le operazioni che aspettano. Con i gradienti, item e un if si vedono come la prima; senza, con i loro nomi."""


class Scalars(TorchDispatchMode):
    """Conta ciò che Python legge da un tensore senza dirlo."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function.overloadpacket.__name__ in HIDDEN
        return function(*args, **(kwargs or {}))


@pytest.fixture
def waits(monkeypatch):
    """Quante volte si è aspettato un tensore vero: le chiamate di read, e gli scalari letti senza read."""
    with Scalars() as scalars:

        def read(tensor):
            so_far = scalars.count
            content = attenzione.device.read(tensor)
            scalars.count = so_far + 1
            return content

        for module in (model, decoding):
            monkeypatch.setattr(module, "read", read)
        yield scalars


def source():
    src = torch.randint(3, 9, (4, 6))
    src[1, 4:], src[2, 1:] = 0, 0
    return src


def test_a_call_of_the_model_waits_once(waits):
    whole, src, tgt = Transformer(CONFIG), source(), torch.randint(3, 9, (4, 7))
    for call in (
        lambda: whole(src, tgt),
        lambda: whole(src, tgt, checked=True),
        lambda: whole.encode(src),
        lambda: check_tokens(whole.config, src=src, tgt=tgt),
        lambda: whole.decode(tgt, torch.zeros(4, 6, 8)),
        lambda: label_smoothing_loss(whole(src, tgt), tgt).backward(),
    ):
        waits.count = 0
        call()
        assert waits.count == 1


@pytest.mark.parametrize("way", ["via svelta", "cache piana", "senza cache"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_step_of_decoding_waits_once(monkeypatch, waits, name, way):
    whole, steps, ask = Transformer(CONFIG).eval(), [], decoding.DecodingState.next_logits
    monkeypatch.setattr(decoding.DecodingState, "next_logits", lambda self: steps.append(1) or ask(self))
    if way == "cache piana":
        whole.start_steps = lambda *args: None
    STRATEGIES[name](whole, source(), max_extra=9, use_cache=way != "senza cache")
    assert len(steps) > 6
    assert waits.count <= len(steps) * (2 if way == "senza cache" else 1) + 6


def test_a_hidden_wait_is_counted(waits):
    whole, steps = Transformer(CONFIG).eval(), []

    def choose(logits):
        steps.append(logits.max().item())
        return logits.argmax(dim=-1)

    decoding.generate(whole, source(), choose, max_extra=9)
    assert waits.count == 2 * len(steps) + 4
