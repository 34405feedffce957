"""Embedding e softmax, §3.4; due strati soltanto, che qui non contano."""

import functools
from dataclasses import replace

import pytest
import torch
from registro import affermazione, tesi

from attenzione.config import BASE
from attenzione.embedding import sinusoidal_positions
from attenzione.model import Transformer
from attenzione.training.batches import collate
from attenzione.training.loss import label_smoothing_loss
from attenzione.training.schedule import adam

SRC, TGT = torch.tensor([[11, 120, 360, 14, 15]]), torch.tensor([[1, 210, 22]])


@functools.cache
def model(d_model=512):
    torch.manual_seed(0)
    config = replace(BASE, n_vocab=1000, n_layers=2, d_model=d_model, d_k=64, d_v=64)
    return Transformer(config).double().eval()


@affermazione(
    "embedding-appresi",
    vero={"dimensione": 512, "mossi": "presenti"},
    falso=[{"dimensione": 1000}, {"mossi": "nessuno"}, {"mossi": "tutti"}],
)
@pytest.mark.parametrize("pila", ["encoder", "decoder"])
def test_embedding_appresi(dimensione, mossi, pila):
    """Un passo di Adam su ciò che esce dalla pila: fra i mille vettori si muovono quelli dei token presenti."""
    torch.manual_seed(0)
    model = Transformer(replace(BASE, n_vocab=1000, n_layers=1))
    every = torch.arange(1000)[None]  # (1, 1000)
    before = model.embedding(every)[0].detach()  # (1000, 512)
    vectors = model.encode(SRC)[0] if pila == "encoder" else model.decode(TGT, torch.randn(1, 5, 512))  # (1, n, 512)
    vectors[..., 0].sum().backward()
    optimizer = adam(model)
    optimizer.param_groups[0]["lr"] = 0.1
    optimizer.step()
    moved = (model.embedding(every)[0] != before).any(dim=-1).nonzero().flatten().tolist()
    present = sorted((SRC if pila == "encoder" else TGT)[0].tolist())
    with tesi:
        assert before.shape == (1000, dimensione)
        assert moved == {"presenti": present, "tutti": every[0].tolist(), "nessuno": []}[mossi]


def softmax(scores):
    weights = scores.exp()
    return weights / weights.sum(dim=-1, keepdim=True)


@affermazione(
    "probabilita-del-token-successivo",
    vero={"prima": lambda x: x, "funzione": softmax, "avanti": 1},
    falso=[{"prima": torch.tanh}, {"funzione": torch.sigmoid}, {"avanti": 0}, {"avanti": 2}],
)
def test_probabilita(prima, funzione, avanti):
    """Il modello e la perdita della libreria, contro meno il logaritmo della probabilità del token che viene dopo."""
    sentence = [210, 22, 31, 47, 58, 63]
    src, tgt_in, tgt_out = collate([(SRC[0].tolist(), sentence)], BASE)
    with torch.no_grad():
        loss = label_smoothing_loss(model()(src, tgt_in), tgt_out, eps_ls=0.0)
        x = model().decode(tgt_in, *model().encode(src))[0]  # (7, 512)
        distribution = funzione(prima(x) @ model().embedding.E.T)  # (7, 1000)
    following = ([BASE.bos_id, *sentence, BASE.eos_id, BASE.eos_id])[avanti:][:7]
    with tesi:
        torch.testing.assert_close(loss, -distribution[range(7), following].log().sum())


USES = ("ingresso", "uscita", "prima della softmax")


@affermazione(
    "una-matrice-per-tre-usi",
    vero={"matrici": [USES]},
    falso=[{"matrici": [USES[:1], USES[1:]]}, {"matrici": [USES[:2], USES[2:]]}, {"matrici": [(use,) for use in USES]}],
)
def test_una_matrice(matrici):
    """Le matrici con una riga per token, e per ciascuna gli usi a cui arriva il suo gradiente."""
    tables = [p for p in model().parameters() if 1000 in p.shape]
    memory = model().encode(SRC)[0]  # (1, 5, 512)
    vectors = model().decode(TGT, memory.detach())  # (1, 3, 512)
    logits = model().embedding.logits(vectors.detach())  # (1, 3, 1000)
    assert torch.allclose(model()(SRC, TGT), logits)
    used = [[] for _ in tables]
    for use, output in zip(USES, (memory, vectors, logits), strict=True):
        gradients = torch.autograd.grad(output[..., 0].sum(), tables, allow_unused=True)
        for found, gradient in zip(used, gradients, strict=True):
            found += [use] * (gradient is not None)
    with tesi:
        assert [tuple(found) for found in used] == matrici
        assert torch.allclose(logits, vectors @ tables[0].T)
        for tokens in (SRC, TGT):
            row, E = model().embedding(tokens)[0], tables[0][tokens[0]]  # (n, 512), (n, 512)
            assert torch.allclose(row / row.norm(dim=1, keepdim=True), E / E.norm(dim=1, keepdim=True))


@affermazione(
    "radice-di-dmodel",
    vero={"embedding": 0.5, "logit": 0},
    falso=[{"embedding": 0}, {"embedding": 1}, {"embedding": -0.5}, {"logit": 0.5}, {"logit": -0.5}],
)
@pytest.mark.parametrize("d_model", [64, 512])
def test_radice(embedding, logit, d_model):
    """Gli esponenti di d_model per cui si moltiplicano le righe all’ingresso e i punteggi all’uscita."""
    E = model(d_model).embedding.E.detach()  # (1000, d_model)
    with torch.no_grad():
        rows = [
            model(d_model).embed(tokens)[0] - sinusoidal_positions(tokens.size(1), d_model) for tokens in (SRC, TGT)
        ]
        logits = model(d_model)(SRC, TGT)  # (1, 3, 1000)
        x = model(d_model).decode(TGT, *model(d_model).encode(SRC))  # (1, 3, d_model)
    with tesi:
        for tokens, vectors in zip((SRC, TGT), rows, strict=True):
            assert torch.allclose(vectors, E[tokens[0]] * d_model**embedding)
        assert torch.allclose(logits, x @ E.T * d_model**logit)
