"""Leggi di scala: l’adattamento ritrova ciò che si è piantato, e le formule pubblicate danno i loro numeri."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.figures import exam_figure, ladder_figure
from attenzione.later import scaling
from attenzione.later.scaling import (
    CHINCHILLA,
    REPLICA,
    Law,
    bootstrap,
    fit,
    huber,
    interval,
    kaplan,
    kaplan_compute,
    kaplan_data,
    kaplan_parameters,
    residuals,
)

N = torch.tensor([1_500, 5_000, 18_000, 70_000], dtype=torch.float64).repeat_interleave(4).repeat(2)  # (32,)
D = torch.tensor([8e4, 2.5e5, 8e5, 2.5e6], dtype=torch.float64).repeat(8)  # (32,)
TRUE = Law(0.9, 20.0, 60.0, 0.5, 0.45)


def noisy(seed, noise=0.005):
    generator = torch.Generator().manual_seed(seed)
    return TRUE(N, D) * torch.exp(noise * torch.randn(len(N), dtype=torch.float64, generator=generator))


@pytest.mark.lento
@settings(max_examples=10, deadline=None)
@given(
    E=st.floats(0.3, 2),
    at_center=st.tuples(st.floats(0.1, 1), st.floats(0.1, 1)),
    alpha=st.floats(0.25, 0.9),
    beta=st.floats(0.25, 0.9),
)
def test_without_noise_the_law_comes_back(E, at_center, alpha, beta):
    """at_center: quanto valgono i due termini al centro della griglia."""
    A, B = at_center[0] * 1e4**alpha, at_center[1] * 4e5**beta
    true = Law(E, A, B, alpha, beta)
    found = fit(N, D, true(N, D))
    for name, value in vars(true).items():
        assert getattr(found, name) == pytest.approx(value, rel=0.02), name
    torch.testing.assert_close(found(N, D), true(N, D), rtol=1e-4, atol=0)


@pytest.mark.lento
def test_planted_exponents_fall_in_their_own_interval():
    """Cinque prove di rumore, cinque numeri ciascuna: al 95 per cento ne cadono fuori poche; al 10, molte."""
    inside, narrow = [], []
    for seed in range(5):
        laws = bootstrap(N, D, noisy(seed), samples=60)
        for name, value in vars(TRUE).items():
            low, high = interval(getattr(laws, name))
            inside.append(low <= value <= high)
            low, high = interval(getattr(laws, name), 0.1)
            narrow.append(low <= value <= high)
    assert sum(inside) >= 22 and sum(narrow) <= 12


def test_the_interval_shrinks_with_the_noise():
    wide, tight = (bootstrap(N, D, noisy(0, noise), samples=40) for noise in (0.01, 0.001))
    for name in vars(TRUE):
        low, high = interval(getattr(wide, name))
        tight_low, tight_high = interval(getattr(tight, name))
        assert tight_high - tight_low < (high - low) / 3, name


def test_the_fit_is_where_the_derivatives_vanish():
    """La seconda forma: la stessa perdita scritta con la legge, derivata da autograd, con delta tutta nei quadrati."""
    losses = noisy(1)
    found = fit(N, D, losses, delta=1.0)
    theta = torch.tensor([math.log(found.E), math.log(found.A), math.log(found.B), found.alpha, found.beta])
    theta = theta.double().requires_grad_()

    def loss():
        law = Law(*theta[:3].exp(), theta[3], theta[4])
        return torch.nn.functional.huber_loss(law(N, D).log(), losses.log(), delta=1.0, reduction="sum")

    value = loss()
    (gradient,) = torch.autograd.grad(value, theta)
    assert gradient.abs().max() < 1e-6 < value
    optimizer = torch.optim.LBFGS([theta], max_iter=50, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss().backward()
        return loss()

    optimizer.step(closure)
    assert loss() >= value - 1e-9  # nemmeno un altro algoritmo scende più in basso


def test_an_outlier_moves_it_little():
    losses = noisy(2, 0.001)
    losses[5] *= 1.3
    robust, squares = fit(N, D, losses), fit(N, D, losses, delta=1.0)
    assert abs(robust.alpha - TRUE.alpha) < 0.02 < abs(squares.alpha - TRUE.alpha)


@settings(max_examples=20, deadline=None)
@given(delta=st.floats(0.01, 2))
def test_huber_is_pytorchs(delta):
    error = torch.randn(3, 7, dtype=torch.float64)
    expected = torch.nn.functional.huber_loss(error, torch.zeros_like(error), delta=delta, reduction="none")
    torch.testing.assert_close(huber(error, delta), expected.sum(dim=-1))


def test_the_jacobian_is_autograds():
    """Un guasto piantato: una pendenza senza il segno meno."""
    theta = torch.randn(1, 5, dtype=torch.float64)
    x, y, target = torch.randn(3, 1, 6, dtype=torch.float64)
    expected = torch.autograd.functional.jacobian(lambda theta: residuals(theta, x, y, target)[0][0], theta)
    torch.testing.assert_close(residuals(theta, x, y, target)[1][0], expected[:, 0])


def test_many_fits_are_one_at_a_time():
    losses = noisy(3)
    chosen = torch.randint(len(N), (4, len(N)), generator=torch.Generator().manual_seed(0))
    laws = bootstrap(N, D, losses, samples=4)
    for i, rows in enumerate(chosen):
        alone = fit(N[rows], D[rows], losses[rows])
        torch.testing.assert_close(laws(N[0], D[0])[i].item(), alone(N[0], D[0]).item(), rtol=1e-3, atol=0)


@settings(max_examples=20, deadline=None)
@given(C=st.floats(1e18, 1e25), law=st.sampled_from([CHINCHILLA, REPLICA]))
def test_the_optimum_beats_every_other_with_the_same_compute(C, law):
    N, D = law.optimum(C)
    assert math.isclose(6 * N * D, C)
    others = N * torch.logspace(-1, 1, 41, dtype=torch.float64)
    assert law(N, D) <= law(others, C / (6 * others)).min() * (1 + 1e-12)
    much_more, _ = law.optimum(100 * C)
    assert math.log(much_more / N, 100) == pytest.approx(law.exponent)


def test_the_published_numbers():
    assert CHINCHILLA(70e9, 1.4e12) == pytest.approx(1.937, abs=5e-4)
    assert CHINCHILLA(175e9, 300e9) == pytest.approx(2.002, abs=5e-4)
    assert CHINCHILLA.exponent == pytest.approx(0.4516, abs=1e-4)
    assert REPLICA.exponent == pytest.approx(0.5126, abs=1e-4)
    for law, exponent in ((kaplan_parameters, 0.076), (kaplan_data, 0.095), (kaplan_compute, 0.050)):
        assert law(1e20) / law(1e19) == pytest.approx(10**-exponent)
    assert kaplan_parameters(8.8e13) == kaplan_data(5.4e13) == 1
    assert kaplan(1e9, math.inf) == pytest.approx((6.4e13 / 1e9) ** 0.076)
    assert kaplan(math.inf, 1e10) == pytest.approx((1.8e13 / 1e10) ** 0.103)


def test_the_interval_leaves_as_much_on_either_side():
    low, high = interval(torch.arange(101, dtype=torch.float64), 0.9)
    assert (low, high) == pytest.approx((5, 95))


def test_scaling_errors():
    with pytest.raises(ValueError, match=r"N ha forma \(4,\): attesi almeno cinque numeri"):
        fit(N[:4], D[:4], TRUE(N[:4], D[:4]))
    with pytest.raises(ValueError, match=r"D ha forma \(31,\): attesi almeno cinque numeri, tanti per N, D e losses"):
        fit(N, D[:31], TRUE(N, D))
    losses = TRUE(N, D)
    losses[0] = 0
    with pytest.raises(ValueError, match="losses ha un numero che non è positivo"):
        bootstrap(N, D, losses)


def test_the_figures(book_style):
    run = {"parametri": 90_000, "lettere": 2_000_000, "perdita": 1.0}
    report = {"entropia": 0.9, "gradini": [{"parametri": 2_000, "lettere": 80_000, "perdita": 1.5}, run]}
    laws = Law(*(value * torch.ones(3) for value in vars(TRUE).values()))
    ax = ladder_figure(report, TRUE, laws, [run]).axes[0]
    points = {line.get_label(): line.get_xydata().tolist() for line in ax.lines if line.get_marker() != "None"}
    assert list(points.values()) == [[[2_000, 1.5]], [[90_000, 1.0]]]
    assert list(points)[1] == "fuori dall’adattamento"
    ax = exam_figure([10, 100], [0.5, 0.9], questions=2).axes[0]
    assert list(ax.lines[1].get_ydata()) == pytest.approx([0.25, 0.81])
    with pytest.raises(ValueError, match="sizes ne ha 1, right 2, passed 2: attesi altrettanti"):
        exam_figure([10], [0.5, 0.9])


def test_there_are_as_many_starts_as_said():
    assert len(scaling.STARTS) == len(set(scaling.STARTS)) == 8
