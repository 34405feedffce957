"""Il modello come un grafo solo: torch.compile, torch.export e ONNX, per qualunque batch e lunghezza."""

import shutil
from dataclasses import replace

import pytest
import torch
from torch import nn

from attenzione.config import TransformerConfig
from attenzione.model import Transformer

CONFIG = TransformerConfig(n_vocab=13, n_layers=1, d_model=8, d_ff=16, n_heads=2, d_k=4, d_v=3, max_len=40)
OPTIONS = [
    {"positions": positions, "norm_first": first, "final_norm": first}
    for positions in ("sinusoidal", "learned", "none")
    for first in (False, True)
]
SIZES = ((3, 5, 4), (2, 7, 6), (4, 4, 5), (5, 5, 5), (2, 2, 2), (6, 30, 39))
ONES = ((1, 5, 4), (3, 1, 4), (3, 4, 1), (1, 7, 6), (2, 1, 7), (5, 6, 1))
"""B, n, m: frasi, token di partenza e di arrivo; nelle seconde una grandezza vale 1."""


class Encoder(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, src):
        return self.model.run_encoder(src, self.model.source_mask(src))


class Decoder(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tgt, z, z_mask):
        return self.model.decode(tgt, z, z_mask)


PARTS = {"encoder": Encoder, "decoder": Decoder, "modello": lambda model: model}
DYNAMIC = {"encoder": ((0, 1),), "decoder": ((0, 1), (0, 1), (0, 2)), "modello": ((0, 1), (0, 1))}
"""Gli assi che cambiano di ogni argomento: il batch e la lunghezza."""


def build(part, **options):
    return PARTS[part](Transformer(replace(CONFIG, **options))).eval()


def example(part, B, n, m):
    src, tgt = torch.randint(3, 13, (B, n)), torch.randint(3, 13, (B, m))
    src[0, 1:], tgt[0, 1:] = 0, 0
    z, mask = torch.randn(B, n, 8), (src != 0)[:, None]
    return {"encoder": (src,), "decoder": (tgt, z, mask), "modello": (src, tgt)}[part]


def assert_same(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def dynamic(part):
    return tuple(dict.fromkeys(axes, torch.export.Dim.DYNAMIC) for axes in DYNAMIC[part])


class Counter:
    """Un compilatore di prova: conta i grafi che riceve e li esegue come sono."""

    def __init__(self):
        self.graphs = 0

    def __call__(self, graph, inputs):
        self.graphs += 1
        return graph.forward


@pytest.fixture
def counter():
    torch._dynamo.reset()
    yield Counter()
    torch._dynamo.reset()


@pytest.mark.lento
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("part", PARTS)
@torch.no_grad()
def test_one_graph_for_every_size(part, options, counter):
    module = build(part, **options)
    compiled = torch.compile(module, backend=counter, fullgraph=True, dynamic=True)
    for sizes in SIZES:
        args = example(part, *sizes)
        assert_same(compiled(*args), module(*args))
        assert counter.graphs == 1


@pytest.mark.lento
@pytest.mark.parametrize("part", PARTS)
@torch.no_grad()
def test_a_size_of_one_costs_one_graph_more(part, counter):
    module = build(part)
    compiled = torch.compile(module, backend=counter, fullgraph=True, dynamic=True)
    for new, sizes in enumerate((SIZES[0], *ONES, *SIZES)):
        args = example(part, *sizes)
        assert_same(compiled(*args), module(*args))
        assert counter.graphs <= 1 + min(new, 3)  # B, n, m: ognuna, la prima volta che vale 1


@pytest.mark.lento
@torch.no_grad()
def test_the_whole_model_has_no_graph_break(counter):
    """Neanche senza fullgraph, che li vieta; e neanche encode, che controlla i token."""
    model = Transformer(CONFIG).eval()
    src, tgt = example("modello", 3, 5, 4)
    explained = torch._dynamo.explain(model)(src, tgt)
    assert (explained.graph_count, explained.graph_break_count) == (1, 0)
    for function, args in ((model, (src, tgt)), (model, (src, tgt, True)), (model.encode, (src,))):
        torch._dynamo.reset()
        counter.graphs = 0
        assert_same(torch.compile(function, backend=counter, dynamic=True)(*args), function(*args))
        assert counter.graphs == 1


@pytest.mark.lento
@torch.no_grad()
def test_the_default_compiler_agrees():
    if not any(map(shutil.which, ("g++", "clang++", "c++"))):
        pytest.skip("nessun compilatore C++ su questa macchina")
    torch._dynamo.reset()
    module = build("decoder")
    compiled = torch.compile(module, fullgraph=True, dynamic=True)
    for sizes in SIZES[:3]:
        args = example("decoder", *sizes)
        assert_same(compiled(*args), module(*args))


@pytest.mark.lento
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("part", PARTS)
@torch.no_grad()
def test_export_for_every_size(part, options):
    module = build(part, **options)
    program = torch.export.export(module, example(part, *SIZES[0]), dynamic_shapes=dynamic(part)).module()
    for sizes in SIZES + ONES:
        args = example(part, *sizes)
        assert_same(program(*args), module(*args))


@pytest.mark.lento
@pytest.mark.filterwarnings("ignore")  # quelli di chi converte, non i nostri
@pytest.mark.parametrize("options", (OPTIONS[1], OPTIONS[2]), ids=str)
@pytest.mark.parametrize("part", PARTS)
@torch.no_grad()
def test_onnx_for_every_size(part, options):
    """L’interprete di riferimento di ONNX fa gli stessi conti."""
    pytest.importorskip("onnxscript", reason="onnxscript manca: viene con l’extra «prove»")
    from onnx.reference import ReferenceEvaluator

    module, args = build(part, **options), example(part, *SIZES[0])
    program = torch.onnx.export(module, args, dynamo=True, dynamic_shapes=dynamic(part), verbose=False).model_proto
    names, run = [given.name for given in program.graph.input], ReferenceEvaluator(program).run
    for sizes in SIZES + ONES:
        args = example(part, *sizes)
        inputs = {name: x.numpy() for name, x in zip(names, args, strict=True)}
        assert_same(torch.from_numpy(run(None, inputs)[0]), module(*args))
