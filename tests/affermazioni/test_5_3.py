"""Le affermazioni della sezione 5.3: Adam e il tasso di apprendimento."""

import json
import math

import pytest
import sympy as sp
import torch
from registro import affermazione, tesi

from attenzione.config import TransformerConfig
from attenzione.data.toy import toy_pairs
from attenzione.model import Transformer
from attenzione.training.loop import TrainingConfig, train
from attenzione.training.schedule import adam, lrate


@affermazione(
    "costanti-di-adam",
    vero={"beta1": 0.9, "beta2": 0.98, "eps": 1e-9},
    falso=[{"beta2": 0.999}, {"eps": 1e-8}, {"beta1": 0.98, "beta2": 0.9}, {"beta1": 0.0}],
)
def test_costanti_di_adam(beta1, beta2, eps):
    """Sei passi a mano contro l’ottimizzatore della libreria, con gradienti fino a 10⁻⁹, dove ε conta."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(4, 3, bias=False).double()
    optimizer = adam(layer)
    optimizer.param_groups[0]["lr"] = 0.1
    weight, m, v = layer.weight.detach().clone(), 0.0, 0.0
    for step in range(1, 7):
        gradient = torch.randn(3, 4).double() * 10.0 ** -(step + 3)
        layer.weight.grad = gradient.clone()
        optimizer.step()
        m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
        weight -= 0.1 * m / (1 - beta1**step) / ((v / (1 - beta2**step)).sqrt() + eps)
    with tesi:
        torch.testing.assert_close(layer.weight.detach(), weight, rtol=1e-9, atol=1e-12)


@affermazione(
    "formula-del-tasso",
    vero={"modello": -0.5, "passo": -0.5, "warmup": -1.5},
    falso=[{"modello": 0.5}, {"modello": -1}, {"passo": -1}, {"warmup": -0.5}, {"warmup": -1}],
)
def test_formula_del_tasso(modello, passo, warmup, tmp_path):
    """Il tasso segnato a ogni passo di un addestramento vero, contro la formula con gli esponenti dati."""
    config = TransformerConfig(n_vocab=14, n_layers=1, d_model=16, d_ff=16, n_heads=2)
    pairs = toy_pairs("copia", 40, min_len=3, max_len=4, seed=0)
    train(Transformer(config), pairs, TrainingConfig(14, 64, warmup_steps=6), tmp_path, progress=False)
    records = [json.loads(line) for line in (tmp_path / "passi.jsonl").read_text("utf-8").splitlines()]
    assert [record["step"] for record in records] == list(range(1, 15))
    with tesi:
        for record in records:
            step = record["step"]
            expected = 16**modello * min(step**passo, step * 6**warmup)
            assert math.isclose(record["lrate"], expected, rel_tol=1e-9)


def slope(first, second):
    """L’esponente del tasso fra due passi: la pendenza in scala logaritmica."""
    return math.log(lrate(second, 512) / lrate(first, 512)) / math.log(second / first)


@affermazione("tasso-lineare-nel-warmup", vero={"esponente": 1}, falso=[{"esponente": 0.5}, {"esponente": 2}])
def test_tasso_lineare_nel_warmup(esponente):
    """Sympy per il ramo che vince prima del warmup; la libreria nei passi fino a 4000."""
    step, warmup, share = sp.symbols("step warmup share", positive=True)
    rising, falling = step * warmup ** sp.Rational(-3, 2), step ** sp.Rational(-1, 2)
    ratio = sp.simplify((rising / falling).subs(step, share * warmup))  # quota del warmup trascorsa
    assert sp.simplify(ratio - share ** sp.Rational(3, 2)) == 0  # sotto 1 finché share < 1
    with tesi:
        assert sp.simplify(step * sp.diff(rising, step) / rising) == esponente
        assert slope(1, 3) == pytest.approx(esponente) and slope(1000, 4000) == pytest.approx(esponente)


@affermazione(
    "tasso-come-inverso-della-radice",
    vero={"esponente": -0.5},
    falso=[{"esponente": -1}, {"esponente": -0.25}, {"esponente": 0}],
)
def test_tasso_come_inverso_della_radice(esponente):
    """Sympy per il secondo ramo; la libreria nei passi dopo 4000."""
    step = sp.symbols("step", positive=True)
    falling = step ** sp.Rational(-1, 2)
    with tesi:
        assert sp.simplify(step * sp.diff(falling, step) / falling) == sp.Rational(esponente)
        assert slope(4000, 4001) == pytest.approx(esponente) and slope(10_000, 100_000) == pytest.approx(esponente)


@affermazione("massimo-al-passo-4000", vero={"passo": 4000}, falso=[{"passo": 2000}, {"passo": 8000}, {"passo": 4001}])
def test_massimo_al_passo_4000(passo):
    """I due rami si incontrano solo a warmup_steps; il massimo della libreria, con i valori predefiniti."""
    step, warmup = sp.symbols("step warmup", positive=True)
    assert sp.solve(sp.Eq(step * warmup ** sp.Rational(-3, 2), step ** sp.Rational(-1, 2)), step) == [warmup]
    with tesi:
        assert TrainingConfig().warmup_steps == passo
        assert max(range(1, 20_001), key=lambda step: lrate(step, 512)) == passo
