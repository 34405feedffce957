"""Le affermazioni della sezione 5.3: Adam e il tasso di apprendimento."""

import json
import math

import pytest
import sympy as sp
import torch
from registro import affermazione, tesi
from torch.optim.optimizer import register_optimizer_step_post_hook

from attenzione.config import BASE, TransformerConfig
from attenzione.data.toy import toy_pairs
from attenzione.model import Transformer
from attenzione.training.loop import TrainingConfig, train
from attenzione.training.schedule import lrate


@affermazione(
    "costanti-di-adam",
    vero={"beta1": 0.9, "beta2": 0.98, "eps": 1e-9},
    falso=[{"beta2": 0.999}, {"eps": 1e-8}, {"beta1": 0.98, "beta2": 0.9}, {"beta1": 0.0}],
)
def test_costanti_di_adam(beta1, beta2, eps):
    """Sei passi a mano contro l’ottimizzatore che usa l’addestramento, con gradienti fino a 10⁻⁹, dove ε conta."""
    optimizer = training_optimizer()
    (group,) = optimizer.param_groups
    W = group["params"][0]  # i gradienti dell’addestramento non si azzerano da soli: si muove un parametro solo
    optimizer.zero_grad()
    optimizer.state.clear()
    group["lr"] = 0.1
    torch.manual_seed(0)
    weight, m, v = W.detach().clone(), 0.0, 0.0
    for step in range(1, 7):
        gradient = torch.randn(W.shape).double() * 10.0 ** -(step + 3)
        W.grad = gradient.clone()
        optimizer.step()
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
        weight -= 0.1 * m / (1 - beta1**step) / ((v / (1 - beta2**step)).sqrt() + eps)
    with tesi:
        torch.testing.assert_close(W.detach(), weight, rtol=1e-9, atol=1e-12)


def training_optimizer():
    """L’ottimizzatore di un addestramento vero, di un passo, in doppia precisione."""
    found = []
    hook = register_optimizer_step_post_hook(lambda optimizer, *_: found.append(optimizer))
    model = Transformer(TransformerConfig(n_vocab=14, n_layers=1, d_model=16, d_ff=16, n_heads=2)).double()
    train(model, toy_pairs("copia", 8, min_len=3, max_len=4, seed=0), TrainingConfig(1, 64), progress=False)
    hook.remove()
    (optimizer,) = found
    assert sum(p.numel() for p in optimizer.param_groups[0]["params"]) == sum(p.numel() for p in model.parameters())
    return optimizer


@affermazione(
    "formula-del-tasso",
    vero={"modello": -0.5, "passo": -0.5, "warmup": -1.5},
    falso=[{"modello": 0.5}, {"modello": -1}, {"passo": -1}, {"warmup": -0.5}, {"warmup": -1}],
)
@pytest.mark.parametrize(("d_model", "warmup_steps"), [(16, 6), (32, 4)])
def test_formula_del_tasso(modello, passo, warmup, d_model, warmup_steps, tmp_path):
    """Il tasso segnato a ogni passo di un addestramento vero, e quello che Adam ha usato, contro la formula con gli
    esponenti dati."""
    config, used = TransformerConfig(n_vocab=14, n_layers=1, d_model=d_model, d_ff=16, n_heads=2), []
    pairs = toy_pairs("copia", 40, min_len=3, max_len=4, seed=0)
    hook = register_optimizer_step_post_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"]))
    train(Transformer(config), pairs, TrainingConfig(14, 64, warmup_steps=warmup_steps), tmp_path, progress=False)
    hook.remove()
    records = [json.loads(line) for line in (tmp_path / "passi.jsonl").read_text("utf-8").splitlines()]
    assert [record["step"] for record in records] == list(range(1, 15))
    with tesi:
        for record, rate in zip(records, used, strict=True):
            step = record["step"]
            expected = d_model**modello * min(step**passo, step * warmup_steps**warmup)
            assert math.isclose(record["lrate"], expected, rel_tol=1e-9) and rate == record["lrate"]


STEP, WARMUP = sp.symbols("step warmup", positive=True)
RISING, FALLING = STEP * WARMUP ** sp.Rational(-3, 2), STEP ** sp.Rational(-1, 2)
SETTINGS = ((512, 4000), (1024, 4000), (512, 400), (64, 10_000))  # d_model e warmup_steps


def smaller(share):
    """Il ramo che il minimo sceglie a quella quota del warmup, e, poiché si incontrano una volta sola, a warmup_steps,
    in tutto quel lato: per ogni warmup."""
    assert sp.solve(sp.Eq(RISING, FALLING), STEP) == [WARMUP]
    ratio = sp.simplify((RISING / FALLING).subs(STEP, share * WARMUP))
    return RISING if ratio < 1 else FALLING


def exponent(branch):
    return sp.simplify(STEP * sp.diff(branch, STEP) / branch)


@affermazione("tasso-lineare-nel-warmup", vero={"esponente": 1}, falso=[{"esponente": 0.5}, {"esponente": 2}])
def test_tasso_lineare_nel_warmup(esponente):
    """Sympy per il ramo che vince prima del warmup; la libreria a ogni passo fino a lì, per più d_model e warmup."""
    with tesi:
        assert exponent(smaller(sp.Rational(1, 4))) == esponente
        for d_model, warmup_steps in SETTINGS:
            first = lrate(1, d_model, warmup_steps)
            for step in range(1, warmup_steps + 1):
                assert math.isclose(lrate(step, d_model, warmup_steps), first * step**esponente)


@affermazione(
    "tasso-come-inverso-della-radice",
    vero={"esponente": -0.5},
    falso=[{"esponente": -1}, {"esponente": -0.25}, {"esponente": 0}],
)
def test_tasso_come_inverso_della_radice(esponente):
    """Sympy per il ramo che vince dopo il warmup; nella libreria, a passo quadruplo, metà del tasso: ovunque dopo il
    warmup, per più d_model e warmup."""
    with tesi:
        assert exponent(smaller(4)) == sp.Rational(esponente)
        for d_model, warmup_steps in SETTINGS:
            for step in (warmup_steps, warmup_steps + 1, *range(2 * warmup_steps, 20 * warmup_steps, 777), 1_000_000):
                now, later = (lrate(times * step, d_model, warmup_steps) for times in (1, 4))
                assert math.isclose(later, now * 4**esponente)


@affermazione("massimo-al-passo-4000", vero={"passo": 4000}, falso=[{"passo": 2000}, {"passo": 8000}, {"passo": 4001}])
def test_massimo_al_passo_4000(passo):
    """Prima del warmup vince un ramo che cresce sempre, dopo uno che cala sempre; la libreria, coi valori predefiniti,
    in tutti i passi del modello base."""
    assert exponent(smaller(sp.Rational(1, 4))).is_positive and exponent(smaller(4)).is_negative
    with tesi:
        assert TrainingConfig().warmup_steps == passo
        assert max(range(1, TrainingConfig().steps + 1), key=lambda step: lrate(step, BASE.d_model)) == passo
