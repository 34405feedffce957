"""Embedding e softmax, §3.4, con 37 000 token e d_model = 512; due strati soltanto, che qui non contano."""

import functools
from dataclasses import replace

import torch
from registro import affermazione

from attenzione.config import BASE
from attenzione.embedding import sinusoidal_positions
from attenzione.model import Transformer

SRC, TGT = torch.tensor([[11, 1200, 36000, 14, 15]]), torch.tensor([[1, 2100, 22]])


@functools.cache
def model():
    torch.manual_seed(0)
    return Transformer(replace(BASE, n_layers=2)).eval()


@affermazione("embedding-appresi", vero={"dimensione": 512}, falso=[{"dimensione": 37000}, {"dimensione": 64}])
def test_embedding_appresi(dimensione):
    """Vettori di quella dimensione, e un gradiente che arriva alle righe dei token presenti."""
    E = model().embedding.E
    for tokens in (SRC, TGT):
        x = model().embedding(tokens)
        assert x.shape == (*tokens.shape, dimensione)
        gradient = torch.autograd.grad(x.square().sum(), E)[0]
        assert gradient.any(dim=1).nonzero().flatten().tolist() == sorted(tokens[0].tolist())


@affermazione(
    "probabilita-del-token-successivo",
    vero={"asse": -1, "probabilita": 37000},
    falso=[{"asse": 1}, {"probabilita": 512}],
)
def test_probabilita(asse, probabilita):
    """Una distribuzione per posizione sul vocabolario; prima della softmax, una trasformazione lineare."""
    with torch.no_grad():
        logits = model()(SRC, TGT)  # (1, 3, 37000)
        x = model().decode(TGT, *model().encode(SRC))  # (1, 3, 512)
        distribution = logits.softmax(dim=asse)
        assert distribution.shape == (1, 3, probabilita) and (distribution > 0).all()
        assert torch.allclose(distribution.sum(dim=-1), torch.ones(1, 3), atol=1e-4)
        doubled = model().embedding.logits(2 * x)
    assert torch.allclose(doubled, 2 * logits, atol=1e-3)


@affermazione("una-matrice-per-tre-usi", vero={"matrici": 1}, falso=[{"matrici": 2}, {"matrici": 3}])
def test_una_matrice(matrici):
    """Le matrici con una riga per token; ciascuna si tocca, e si guarda che cosa cambia."""
    tables = [p for p in model().parameters() if BASE.n_vocab in p.shape]
    assert len(tables) == matrici
    E = tables[0].detach()
    with torch.no_grad():
        x = model().decode(TGT, *model().encode(SRC))  # (1, 3, 512)
        assert torch.allclose(model()(SRC, TGT), x @ E.T, atol=1e-4)
        for tokens in (SRC, TGT):
            embedded = model().embed(tokens)[0] - sinusoidal_positions(tokens.size(1), 512).float()  # (n, 512)
            cosine = torch.nn.functional.cosine_similarity(embedded, E[tokens[0]])
            assert torch.allclose(cosine, torch.ones_like(cosine), atol=1e-5)


@affermazione(
    "radice-di-dmodel",
    vero={"embedding": 0.5, "logit": 0},
    falso=[{"embedding": 0}, {"embedding": 1}, {"embedding": -0.5}, {"logit": 0.5}],
)
def test_radice(embedding, logit):
    """Gli esponenti di d_model per cui si moltiplicano le righe all’ingresso e i punteggi all’uscita."""
    E = model().embedding.E.detach()
    with torch.no_grad():
        for tokens in (SRC, TGT):
            embedded = model().embed(tokens)[0] - sinusoidal_positions(tokens.size(1), 512).float()  # (n, 512)
            assert torch.allclose(embedded, E[tokens[0]] * 512**embedding, atol=1e-5)
        x = model().decode(TGT, *model().encode(SRC))
        assert torch.allclose(model()(SRC, TGT), x @ E.T * 512**logit, atol=1e-3)
