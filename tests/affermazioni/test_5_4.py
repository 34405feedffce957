"""Le affermazioni della sezione 5.4: dropout e label smoothing."""

import random
from dataclasses import replace
from functools import cache
from statistics import mean

import pytest
import torch
from registro import affermazione, distacco, premessa, tesi
from torch.optim.optimizer import register_optimizer_step_post_hook

from attenzione.config import BASE, TransformerConfig, load_tables
from attenzione.data.toy import toy_pairs
from attenzione.layers import Residual
from attenzione.model import Transformer
from attenzione.training.batches import collate
from attenzione.training.loop import TrainingConfig, train
from attenzione.training.loss import label_smoothing_loss, smoothed_entropy

SMALL = {"n_vocab": 14, "n_layers": 1, "d_model": 32, "d_ff": 64, "n_heads": 2}


@cache
def trained_in_training_mode():
    """Se, in un passo di addestramento vero, tutti i moduli del modello lavorano in modo addestramento, col dropout."""
    torch.manual_seed(0)
    model, modes = Transformer(TransformerConfig(**SMALL)), set()
    hooks = [m.register_forward_hook(lambda m, x, y: modes.add(m.training)) for m in model.modules()]
    train(model, toy_pairs("copia", 8, min_len=3, max_len=4, seed=0), TrainingConfig(1, 10_000), progress=False)
    for hook in hooks:
        hook.remove()
    return modes == {True}


@affermazione(
    "dropout-prima-della-somma",
    vero={"dove": "uscita"},
    falso=[{"dove": "somma"}, {"dove": "ingresso"}, {"dove": "dopo la norma"}],
)
def test_dropout_prima_della_somma(dove):
    """Con lo stesso seme, ogni strato delle due pile del modello base contro la formula, col dropout nel posto dato e
    in nessun altro; e in modo addestramento, come qui, gli strati ci stanno davvero quando li si addestra."""
    torch.manual_seed(0)
    model = Transformer(replace(BASE, n_vocab=100))
    drop, z = torch.nn.Dropout(BASE.p_drop), torch.randn(1, 7, 512)  # z: (1, 7, 512)
    places = {
        "uscita": lambda norm, x, y: norm(x + drop(y)),
        "somma": lambda norm, x, y: norm(drop(x + y)),
        "ingresso": lambda norm, x, y: norm(drop(x) + y),
        "dopo la norma": lambda norm, x, y: drop(norm(x + y)),
    }
    for layer in (*model.encoder, *model.decoder):
        x, memory = torch.randn(1, 5, 512), [z] * (layer in model.decoder)  # x: (1, 5, 512)
        torch.manual_seed(1)
        result = layer.train()(x, *memory)
        layer.eval()
        sublayers = [lambda x, layer=layer: layer.self_attention(x, is_causal=layer in model.decoder)]
        if memory:
            sublayers.append(lambda x, layer=layer: layer.cross_attention(x, z))
        torch.manual_seed(1)
        for residual, sublayer in zip(layer.residuals, (*sublayers, layer.feed_forward), strict=True):
            x = places[dove](residual.norm, x, sublayer(x))
        with tesi:
            torch.testing.assert_close(result, x, atol=1e-4, rtol=0)
    with tesi:
        assert trained_in_training_mode()


@affermazione(
    "dropout-sulle-somme",
    vero={"dove": "somma"},
    falso=[{"dove": "embedding"}, {"dove": "posizioni"}, {"dove": "nessuno"}],
)
def test_dropout_sulle_somme(dove):
    """L’ingresso del primo strato di ciascuna pila, con lo stesso seme, contro il dropout nel posto dato; e il modello
    che si addestra è, come qui, in modo addestramento."""
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
        with tesi:
            torch.testing.assert_close(seen, places[dove]())
            assert trained_in_training_mode()
    assert len(inputs) == 2
    model.eval()
    torch.testing.assert_close(model.embed(tokens), embedded + position)


@affermazione("dropout-del-modello-base", vero={"tasso": 0.1}, falso=[{"tasso": 0.0}, {"tasso": 0.2}, {"tasso": 0.3}])
def test_dropout_del_modello_base(tasso):
    """La frazione azzerata e la media conservata, in un sottostrato della configurazione base; il tasso, in tutti gli
    altri posti del modello: trenta sottostrati e le due somme, che hanno un dropout solo."""
    torch.manual_seed(0)
    with torch.device("meta"):
        rates = [module.p for module in Transformer(BASE).modules() if isinstance(module, torch.nn.Dropout)]
    assert len(rates) == 31
    seen = []
    residual = Residual(BASE)
    residual.norm.register_forward_pre_hook(lambda norm, arguments: seen.append(arguments[0]))
    residual(torch.zeros(1000, 512), lambda x: torch.ones_like(x))
    with tesi:
        assert set(rates) == {tasso}
        assert abs(seen[0].eq(0).float().mean() - tasso) < 0.005
        assert abs(seen[0].mean() - 1) < 0.005 and abs(seen[0].max() - 1 / (1 - tasso)) < 1e-6


@affermazione("label-smoothing-0-1", vero={"eps_ls": 0.1}, falso=[{"eps_ls": 0.0}, {"eps_ls": 0.2}, {"eps_ls": 0.01}])
def test_label_smoothing_0_1(eps_ls):
    """La perdita predefinita della libreria è minima, e vale l’entropia, sulla distribuzione smussata di eps_ls; ed è
    quella che un addestramento segna, e che scende: il gradiente che muove i pesi è il suo."""
    assert BASE.eps_ls == TransformerConfig(14).eps_ls
    pairs = toy_pairs("copia", 8, min_len=3, max_len=4, seed=0)
    torch.manual_seed(0)
    model = Transformer(TransformerConfig(**SMALL, p_drop=0.0))
    src, tgt_in, tgt_out = collate(pairs, model.config)
    log_p = model(src, tgt_in).log_softmax(dim=-1)[tgt_out != 0]  # (token veri, 14)
    right = log_p.gather(1, tgt_out[tgt_out != 0][:, None])[:, 0]  # (token veri,)
    by_hand = -((1 - eps_ls) * right + eps_ls * log_p.mean(dim=-1)).mean()
    downhill = torch.autograd.grad(by_hand, list(model.parameters()))
    parameters, used = list(model.parameters()), []
    hook = register_optimizer_step_post_hook(lambda *_: used.extend(p.grad.clone() for p in parameters))
    (record,) = train(model, pairs, TrainingConfig(1, 10_000), progress=False)
    hook.remove()
    q = torch.full((7,), eps_ls / 7, dtype=torch.float64)
    q[3] += 1 - eps_ls
    logits = q.log().requires_grad_()
    loss = label_smoothing_loss(logits[None], torch.tensor([3]))
    (gradient,) = torch.autograd.grad(loss, logits)
    with tesi:
        torch.testing.assert_close(gradient, torch.zeros(7, dtype=torch.float64), atol=1e-7, rtol=0)
        assert abs(loss.item() - smoothed_entropy(7, eps_ls)) < 1e-6
        assert record["loss"] == pytest.approx(by_hand.item(), rel=1e-5)
        for gradient, expected in zip(used, downhill, strict=True):
            torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)


@affermazione(
    "label-smoothing-migliora-bleu",
    vero={"migliore": "base", "peggiore": "D-eps0.0"},
    falso=[{"migliore": "D-eps0.0", "peggiore": "base"}, {"migliore": "D-eps0.2"}, {"peggiore": "D-eps0.2"}],
)
def test_label_smoothing_migliora_bleu(migliore, peggiore):
    """Nelle righe base e (D) della tabella 3 con il solo label smoothing cambiato."""
    bleu = {row["nome"]: row["celle"]["bleu_dev"] for row in load_tables()["tabella_3"]}
    rows = ("D-eps0.0", "base", "D-eps0.2")
    with tesi:
        assert migliore == max(rows, key=bleu.get) and peggiore == min(rows, key=bleu.get)


@cache
def predictions(eps_ls, seed, trained):
    """Copia di sequenze, un token su cinque sostituito a caso: i logit su 300 frasi nuove e i token giusti."""
    rng = random.Random(0)
    pairs = toy_pairs("copia", 3300, min_len=3, max_len=4, seed=1)
    pairs = [(s, [rng.randrange(4, 14) if rng.random() < 0.2 else t for t in tgt]) for s, tgt in pairs]
    torch.manual_seed(seed)
    model = Transformer(TransformerConfig(**SMALL, p_drop=0.0, eps_ls=eps_ls))
    if trained:
        train(model, pairs[:3000], TrainingConfig(250, 256, warmup_steps=100, seed=seed), progress=False)
    src, tgt_in, tgt_out = collate(pairs[3000:], model.config)
    with torch.no_grad():
        logits = model.eval()(src, tgt_in)
    return logits[tgt_out != 0], tgt_out[tgt_out != 0]  # (token veri, 14), (token veri,)


def measured(logits, right):
    """Perplessità (non smussata), incertezza ed errore."""
    log_p = logits.log_softmax(-1)
    return {
        "perplessità": torch.nn.functional.cross_entropy(logits, right).exp().item(),
        "incertezza": -(log_p.exp() * log_p).sum(-1).mean().item(),
        "errore": (logits.argmax(-1) != right).float().mean().item(),
    }


def unsmoothed(logits, eps_ls):
    """Le stesse previsioni, tolta a ogni token la parte che il label smoothing dà a tutti."""
    share = eps_ls / logits.size(1)
    return ((logits.softmax(-1) - share) / (1 - eps_ls)).clamp(min=1e-4).log()


@pytest.mark.lento
@affermazione(
    "label-smoothing-peggiora-la-perplessita",
    vero={"perche": "incertezza", "eps_ls": 0.1, "altro_seme": 0, "addestrato": True},
    falso=[{"perche": "errore"}],
    controllo=[{"addestrato": False, "altro_seme": 3}, {"eps_ls": 0.0, "altro_seme": 3}],
    semi=(0, 1, 2),
)
def test_label_smoothing_peggiora_la_perplessita(perche, eps_ls, altro_seme, addestrato, semi):
    """Cresce la perplessità perché cresce l’entropia delle previsioni, non perché si sbagli di più: tolta alle stesse
    previsioni l’incertezza imparata, se ne va più di metà di ciò che è cresciuto. I controlli sono modelli mai
    addestrati, e addestrati senza label smoothing: i semi sono altri, e le differenze non sono nulle, ma il caso."""
    rows = {row["nome"]: row["celle"]["ppl_dev"] for row in load_tables()["tabella_3"]}
    assert rows["D-eps0.0"] < rows["base"] < rows["D-eps0.2"]
    found = [predictions(eps_ls, seed + altro_seme, addestrato) for seed in semi]
    plain = [measured(*predictions(0.0, seed, addestrato)) for seed in semi]
    smooth = [measured(logits, right) for logits, right in found]
    with premessa:  # il compito è imparato: si sbaglia poco più dei token sostituiti a caso, 18 su cento
        assert all(run["errore"] < 0.4 for run in (*plain, *smooth))
    with tesi:
        for what in ("perplessità", perche):
            assert distacco([run[what] for run in smooth], [run[what] for run in plain]) > 2
        low, high = (mean(run["perplessità"] for run in runs) for runs in (plain, smooth))
        sure = mean(measured(unsmoothed(logits, eps_ls), right)["perplessità"] for logits, right in found)
        assert sure - low < (high - low) / 2
