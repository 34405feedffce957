"""Embedding e softmax, §3.4; due strati soltanto, che qui non contano."""

import copy
import functools
from dataclasses import replace

import pytest
import torch
from registro import affermazione, tesi

from attenzione.config import BASE, TransformerConfig
from attenzione.data.toy import toy_pairs
from attenzione.decoding import beam_search, stream
from attenzione.embedding import sinusoidal_positions
from attenzione.model import Transformer
from attenzione.training.batches import collate
from attenzione.training.loop import TrainingConfig, train
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
    """Un passo di Adam su ciò che esce dalla pila: fra i mille vettori si muovono quelli dei token presenti. E un passo
    di addestramento vero, in cui servono anche all’uscita, muove almeno quelli."""
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
    small = Transformer(TransformerConfig(n_vocab=14, n_layers=1, d_model=16, d_ff=16, n_heads=2)).double()
    pairs, before = toy_pairs("copia", 8, min_len=3, max_len=4, seed=0), small.embedding.E.detach().clone()
    train(small, pairs, TrainingConfig(1, 64), progress=False)
    moved = small.embedding.E.ne(before).any(dim=1)  # (14,)
    with tesi:
        assert moved[sorted({token for pair in pairs for sentence in pair for token in sentence})].all()


def softmax(scores):
    weights = scores.exp()
    return weights / weights.sum(dim=-1, keepdim=True)


@affermazione(
    "probabilita-del-token-successivo",
    vero={"prima": lambda x: x, "funzione": softmax, "avanti": 1},
    falso=[{"prima": torch.tanh}, {"funzione": torch.sigmoid}, {"avanti": 0}, {"avanti": 2}],
)
def test_probabilita(prima, funzione, avanti):
    """Il modello e la perdita della libreria, contro meno il logaritmo della probabilità del token che viene dopo; e le
    probabilità con cui la libreria genera, un token alla volta o con la beam search, contro le stesse, fra i token che
    si possono scrivere: senza PAD e BOS."""
    sentence = [210, 22, 31, 47, 58, 63]
    src, tgt_in, tgt_out = collate([(SRC[0].tolist(), sentence)], BASE)
    with torch.no_grad():
        loss = label_smoothing_loss(model()(src, tgt_in), tgt_out, eps_ls=0.0)
        x = model().decode(tgt_in, *model().encode(src))[0]  # (7, 512)
        distribution = funzione(prima(x) @ model().embedding.E.T)  # (7, 1000)
    following = ([BASE.bos_id, *sentence, BASE.eos_id, BASE.eos_id])[avanti:][:7]
    with tesi:
        torch.testing.assert_close(loss, -distribution[range(7), following].log().sum())
    written, log_prob = zip(*stream(model(), SRC, max_extra=2), strict=True)
    (found,) = beam_search(model(), SRC, beam=2, max_extra=2)[0]
    generated = [[int(y) for y in written], found.tokens + [BASE.eos_id] * found.finished]
    for tokens, total in zip(generated, (sum(map(float, log_prob)), found.log_prob), strict=True):
        with torch.no_grad():
            x = model().decode(torch.tensor([[BASE.bos_id, *tokens[:-1]]]), *model().encode(SRC))[0]  # (m, 512)
        scores = prima(x) @ model().embedding.E.T  # (m, 1000)
        scores[:, [BASE.pad_id, BASE.bos_id]] = -torch.inf
        with tesi:
            assert total == pytest.approx(funzione(scores)[range(len(tokens)), tokens].log().sum().item())


USES = ("ingresso", "uscita", "prima della softmax")


@affermazione(
    "una-matrice-per-tre-usi",
    vero={"matrici": [USES]},
    falso=[{"matrici": [USES[:1], USES[1:]]}, {"matrici": [USES[:2], USES[2:]]}, {"matrici": [(use,) for use in USES]}],
)
def test_una_matrice(matrici):
    """Le matrici con una riga per token, e per ciascuna gli usi a cui arriva il suo gradiente; e mentre si genera."""
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
    other = copy.deepcopy(model())
    for change in (0, 1):  # cambiata la tabella, cambia anche ciò che si scrive: altrove non ce n’è una copia
        with torch.no_grad():
            other.embedding.E += change * torch.randn(1000, 512, dtype=torch.float64)
            steps = other.start_steps(*other.encode(SRC), TGT.size(1))
            generated = torch.stack([steps.step(token) for token in TGT.T], dim=1)  # (1, 3, 1000)
            with tesi:
                assert torch.allclose(generated, other(SRC, TGT))


@affermazione(
    "radice-di-dmodel",
    vero={"embedding": 0.5, "logit": 0},
    falso=[{"embedding": 0}, {"embedding": 1}, {"embedding": -0.5}, {"logit": 0.5}, {"logit": -0.5}],
)
@pytest.mark.parametrize("d_model", [64, 512])
def test_radice(embedding, logit, d_model):
    """Gli esponenti di d_model per cui si moltiplicano le righe all’ingresso e i punteggi all’uscita: in ciò che entra
    davvero nelle due pile, e anche quando si genera un token alla volta."""
    E = model(d_model).embedding.E.detach()  # (1000, d_model)
    entered, hooks = [], []
    for stack in (model(d_model).encoder, model(d_model).decoder):
        hooks.append(stack[0].register_forward_pre_hook(lambda m, args: entered.append(args[0][0])))
    with torch.no_grad():
        logits = model(d_model)(SRC, TGT)  # (1, 3, 1000)
        for hook in hooks:
            hook.remove()
        rows = [vectors - sinusoidal_positions(len(vectors), d_model) for vectors in entered]  # (n, d_model)
        z, mask = model(d_model).encode(SRC)
        x = model(d_model).decode(TGT, z, mask)  # (1, 3, d_model)
        steps = model(d_model).start_steps(z, mask, TGT.size(1))
        generated = torch.stack([steps.step(token) for token in TGT.T], dim=1)  # (1, 3, 1000)
    with tesi:
        for tokens, vectors in zip((SRC, TGT), rows, strict=True):
            assert torch.allclose(vectors, E[tokens[0]] * d_model**embedding)
        assert torch.allclose(logits, x @ E.T * d_model**logit) and torch.allclose(generated, logits)
