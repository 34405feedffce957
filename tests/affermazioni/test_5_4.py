"""Le affermazioni della sezione 5.4: dropout e label smoothing."""

import random
from functools import cache
from statistics import median

import pytest
import torch
from registro import affermazione

from attenzione.config import BASE, TransformerConfig, load_tables
from attenzione.data.toy import toy_pairs
from attenzione.layers import Residual
from attenzione.model import Transformer
from attenzione.training.batches import collate
from attenzione.training.loop import TrainingConfig, train
from attenzione.training.loss import label_smoothing_loss, smoothed_entropy

SMALL = {"n_vocab": 14, "n_layers": 1, "d_model": 32, "d_ff": 64, "n_heads": 2}


@affermazione("tre-tipi-di-regolarizzazione", vero={"quanti": 3}, falso=[{"quanti": 2}, {"quanti": 4}])
def test_tre_tipi_di_regolarizzazione(quanti):
    """I punti in cui agisce il dropout, con la configurazione base, più il label smoothing."""
    model = Transformer(TransformerConfig(**SMALL, p_drop=BASE.p_drop, p_attention=BASE.p_attention))
    parents = [m for m in model.modules() if getattr(getattr(m, "dropout", None), "p", 0) > 0]
    attention = [m for m in model.modules() if getattr(m, "p_attention", 0) > 0]
    kinds = {type(parent).__name__ for parent in (*parents, *attention)} | ({"loss"} if BASE.eps_ls else set())
    assert len(kinds) == quanti


@affermazione(
    "dropout-prima-della-somma",
    vero={"dove": "uscita"},
    falso=[{"dove": "somma"}, {"dove": "ingresso"}, {"dove": "dopo la norma"}],
)
def test_dropout_prima_della_somma(dove):
    """Con lo stesso seme, il sottostrato della libreria contro la formula, col dropout nel posto dato."""
    torch.manual_seed(0)
    residual, x, y = Residual(BASE), torch.randn(5, 512), torch.randn(5, 512)
    drop = torch.nn.Dropout(BASE.p_drop)
    places = {
        "uscita": lambda: residual.norm(x + drop(y)),
        "somma": lambda: residual.norm(drop(x + y)),
        "ingresso": lambda: residual.norm(drop(x) + y),
        "dopo la norma": lambda: drop(residual.norm(x + y)),
    }
    torch.manual_seed(1)
    result = residual(x, lambda x: y)
    torch.manual_seed(1)
    torch.testing.assert_close(result, places[dove]())


@affermazione(
    "dropout-sulle-somme",
    vero={"dove": "somma"},
    falso=[{"dove": "embedding"}, {"dove": "posizioni"}, {"dove": "nessuno"}],
)
def test_dropout_sulle_somme(dove):
    """L’ingresso del primo strato di ciascuna pila, con lo stesso seme, contro il dropout nel posto dato."""
    torch.manual_seed(0)
    model = Transformer(TransformerConfig(**SMALL, p_drop=BASE.p_drop))
    tokens = torch.randint(3, 14, (2, 40))
    embedded = model.embedding(tokens)
    position = model.positions(torch.zeros_like(embedded))
    drop = torch.nn.Dropout(BASE.p_drop)
    places = {
        "somma": lambda: drop(embedded + position),
        "embedding": lambda: drop(embedded) + position,
        "posizioni": lambda: embedded + drop(position),
        "nessuno": lambda: embedded + position,
    }
    inputs, memory = [], torch.randn(2, 40, 32)
    for layer in (model.encoder[0], model.decoder[0]):
        layer.register_forward_pre_hook(lambda layer, arguments: inputs.append(arguments[0]))
    torch.manual_seed(1)
    model.encode(tokens)
    torch.manual_seed(1)
    model.decode(tokens, memory)
    for seen in inputs:
        torch.manual_seed(1)
        torch.testing.assert_close(seen, places[dove]())
    assert len(inputs) == 2
    model.eval()
    torch.testing.assert_close(model.embed(tokens), embedded + position)


@affermazione("dropout-del-modello-base", vero={"tasso": 0.1}, falso=[{"tasso": 0.0}, {"tasso": 0.2}, {"tasso": 0.3}])
def test_dropout_del_modello_base(tasso):
    """La frazione azzerata e la media conservata, in un sottostrato della configurazione base."""
    torch.manual_seed(0)
    seen = []
    residual = Residual(BASE)
    residual.norm.register_forward_pre_hook(lambda norm, arguments: seen.append(arguments[0]))
    residual(torch.zeros(1000, 512), lambda x: torch.ones_like(x))
    assert abs(seen[0].eq(0).float().mean() - tasso) < 0.005
    assert abs(seen[0].mean() - 1) < 0.005 and abs(seen[0].max() - 1 / (1 - tasso)) < 1e-6


@affermazione("label-smoothing-0-1", vero={"eps_ls": 0.1}, falso=[{"eps_ls": 0.0}, {"eps_ls": 0.2}, {"eps_ls": 0.01}])
def test_label_smoothing_0_1(eps_ls):
    """La perdita predefinita della libreria è minima, e vale l’entropia, sulla distribuzione smussata di eps_ls."""
    assert BASE.eps_ls == eps_ls
    q = torch.full((7,), eps_ls / 7, dtype=torch.float64)
    q[3] += 1 - eps_ls
    logits = q.log().requires_grad_()
    loss = label_smoothing_loss(logits[None], torch.tensor([3]))
    (gradient,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(gradient, torch.zeros(7, dtype=torch.float64), atol=1e-7, rtol=0)
    assert abs(loss.item() - smoothed_entropy(7, eps_ls)) < 1e-6


@affermazione(
    "label-smoothing-migliora-bleu",
    vero={"migliore": "base", "peggiore": "D-eps0.0"},
    falso=[{"migliore": "D-eps0.0", "peggiore": "base"}, {"migliore": "D-eps0.2"}, {"peggiore": "D-eps0.2"}],
)
def test_label_smoothing_migliora_bleu(migliore, peggiore):
    """Nelle righe base e (D) della tabella 3 con il solo label smoothing cambiato."""
    bleu = {row["nome"]: row["celle"]["bleu_dev"] for row in load_tables()["tabella_3"]}
    rows = ("D-eps0.0", "base", "D-eps0.2")
    assert migliore == max(rows, key=bleu.get) and peggiore == min(rows, key=bleu.get)


@cache
def effects(task, n_pairs, min_len, max_len, steps, max_tokens, warmup_steps, seed=0):
    """Perplessità (non smussata) e accuratezza su 300 frasi nuove, senza e con label smoothing."""
    rng = random.Random(0)
    pairs = toy_pairs(task, n_pairs + 300, min_len=min_len, max_len=max_len, seed=1)
    pairs = [(s, [rng.randrange(4, 14) if rng.random() < 0.2 else t for t in tgt]) for s, tgt in pairs]
    results = []
    for eps_ls in (0.0, 0.1):
        torch.manual_seed(seed)
        model = Transformer(TransformerConfig(**SMALL, p_drop=0.0, eps_ls=eps_ls))
        train(model, pairs[:n_pairs], TrainingConfig(steps, max_tokens, warmup_steps, seed=seed), progress=False)
        src, tgt_in, tgt_out = collate(pairs[n_pairs:], model.config)
        with torch.no_grad():
            logits = model.eval()(src, tgt_in)
        real = tgt_out != 0
        perplexity = (label_smoothing_loss(logits, tgt_out, 0.0) / real.sum()).exp().item()
        results.append((perplexity, (logits.argmax(-1) == tgt_out)[real].float().mean().item()))
    return results


@pytest.mark.lento
@affermazione("label-smoothing-peggiora-la-perplessita", vero={"effetto": "peggiora"}, falso=[{"effetto": "migliora"}])
def test_label_smoothing_peggiora_la_perplessita(effetto):
    """Copia di sequenze con rumore, dati abbastanza numerosi perché il modello non li impari a memoria.

    La mediana di tre semi: con uno solo può capitare un addestramento rimasto indietro.
    """
    runs = [effects("copia", 3000, 3, 4, 500, 256, 100, seed) for seed in range(3)]
    plain, smooth = (median(run[i][0] for run in runs) for i in (0, 1))
    assert effetto == ("peggiora" if smooth > plain + 0.03 else "migliora")
    rows = {row["nome"]: row["celle"]["ppl_dev"] for row in load_tables()["tabella_3"]}
    assert rows["D-eps0.0"] < rows["base"] < rows["D-eps0.2"]


@pytest.mark.lento
@affermazione("label-smoothing-migliora-l-accuratezza", vero={"effetto": "migliora"}, falso=[{"effetto": "peggiora"}])
def test_label_smoothing_migliora_l_accuratezza(effetto):
    """Rovesciare sequenze con rumore, pochi dati e niente dropout: il modello li impara a memoria.

    La mediana di cinque semi, ciascuno senza e con: di un seme solo decide la via dell’addestramento, che cambia da un
    processore all’altro, e uno su cinque dà torto.
    """
    runs = [effects("inversione", 300, 4, 8, 400, 512, 50, seed) for seed in range(5)]
    gain = median(smooth[1] - plain[1] for plain, smooth in runs)
    assert effetto == ("migliora" if gain > 0.02 else "peggiora")
