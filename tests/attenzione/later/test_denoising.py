"""La diffusione: il rumore in un colpo e a passi, la distribuzione all’indietro, i punti e la rete che li guarda."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from attenzione.later.denoising import (
    FIGURES,
    NoiseSchedule,
    PointDenoiser,
    draw_points,
    noise_loss,
    off_circle,
    off_line,
    sample,
)
from attenzione.later.fitting import fit


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


@settings(max_examples=20, deadline=None)
@given(n_steps=st.integers(2, 30), last=st.floats(0.05, 0.9))
def test_many_small_steps_are_one_jump(n_steps, last):
    """Media e varianza, un passo alla volta; un guasto piantato: √ dimenticata su 1 − β."""
    schedule = NoiseSchedule(n_steps, 0.01, last)
    mean, variance = 1.0, 0.0
    for t in range(1, n_steps + 1):
        beta = schedule.beta[t].item()
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
        assert schedule.signal[t].item() == pytest.approx(mean)
        assert schedule.sigma[t].item() ** 2 == pytest.approx(variance)
    assert schedule.signal[0] == 1 and schedule.sigma[0] == 0


def test_cleaning_undoes_adding():
    schedule, x, noise = NoiseSchedule(), torch.randn(5, 3, 2).double(), torch.randn(5, 3, 2).double()
    t = torch.tensor([0, 1, 7, 15, 20])
    close(schedule.clean(schedule.add_noise(x, t, noise), t, noise), x)
    close(schedule.add_noise(x, t, noise)[0], x[0])


@pytest.mark.parametrize("t", [1, 2, 9, 20])
def test_the_step_back_is_bayes(t):
    """Normale a priori per x_{t−1} dato x_0, normale per x_t dato x_{t−1}: il prodotto, completando il quadrato."""
    schedule, x_0, x_t = NoiseSchedule(), torch.randn(1, 4, 2).double(), torch.randn(1, 4, 2).double()
    noise = (x_t - schedule.signal[t] * x_0) / schedule.sigma[t]
    beta, variance = schedule.beta[t], schedule.sigma[t - 1] ** 2
    found = schedule.step_back(x_t, t, noise, torch.zeros_like(x_t))
    if t == 1:
        close(found, x_0)
        return
    precision = 1 / variance + (1 - beta) / beta
    mean = (schedule.signal[t - 1] * x_0 / variance + (1 - beta).sqrt() * x_t / beta) / precision
    close(found, mean)
    spread = schedule.step_back(x_t, t, noise, torch.ones_like(x_t)) - found
    close(spread, torch.full_like(spread, precision.rsqrt().item()))


def test_with_the_right_noise_known_the_variance_comes_back():
    """Punti normali di scarto 0,5: il rumore atteso è una formula, e i punti estratti hanno di nuovo quello scarto."""
    schedule, deviation = NoiseSchedule(400, 0.0005, 0.03), 0.5

    def network(x_t, t, figure):
        signal, sigma = schedule.signal[t[0]], schedule.sigma[t[0]]
        return (sigma / (signal**2 * deviation**2 + sigma**2)).float() * x_t

    path = sample(network, schedule, torch.zeros(4000, dtype=torch.long), torch.Generator().manual_seed(0), n=4)
    assert path.shape == (401, 4000, 4, 2)
    assert path[0].std().item() == pytest.approx(1, rel=0.02)
    assert path[-1].std().item() == pytest.approx(deviation, rel=0.03)  # con pochi passi sarebbe un po’ meno


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 100), n=st.integers(4, 14))
def test_points_are_on_their_figure(seed, n):
    figure = torch.tensor([0, 1, 0, 1])
    points = draw_points(figure, torch.Generator().manual_seed(seed), n)
    assert off_circle(points[[0, 2]]).max() < 1e-4 and off_line(points[[1, 3]]).max() < 1e-5
    assert off_line(points[[0, 2]]).min() > 1e-3


def test_the_distances_are_those_of_known_points():
    square = torch.tensor([[[1.0, 0], [0, 1], [-1, 0], [0, -1]]])
    assert off_circle(square).item() == pytest.approx(0, abs=1e-6)
    assert off_circle(3 * square + 5).item() == pytest.approx(0, abs=1e-5)
    assert off_line(square).item() == pytest.approx(math.sqrt(2) / 2)
    rings = torch.cat([0.9 * square, 1.1 * square], dim=1)
    assert off_circle(rings).item() == pytest.approx(0.1, abs=2e-3)


def denoiser(alone=False):
    torch.manual_seed(0)
    network = PointDenoiser(20, d_model=8, d_ff=6, alone=alone).double()
    nn.init.normal_(network.W_out)
    return network


@pytest.mark.parametrize("alone", [False, True])
def test_points_have_no_order(alone):
    network, points, order = denoiser(alone), torch.randn(2, 5, 2).double(), torch.tensor([3, 0, 4, 1, 2])
    t, figure = torch.tensor([3, 9]), torch.tensor([0, 1])
    close(network(points[:, order], t, figure), network(points, t, figure)[:, order])


def test_alone_a_point_sees_only_itself_and_the_request():
    points, t = torch.randn(1, 5, 2).double(), torch.tensor([4])
    changed = points.clone()
    changed[0, 2] += 1
    for alone in (False, True):
        network = denoiser(alone)
        moved = (network(changed, t, torch.tensor([0])) != network(points, t, torch.tensor([0]))).any(dim=-1)[0]
        assert moved.tolist() == ([False, False, True, False, False] if alone else [True] * 5)
        asked = network(points, t, torch.tensor([1])) != network(points, t, torch.tensor([0]))
        assert asked.any(dim=-1).all()
        later = network(points, torch.tensor([5]), torch.tensor([0])) != network(points, t, torch.tensor([0]))
        assert later.any(dim=-1).all()


def test_the_denoiser_has_its_derivative():
    points = torch.randn(1, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: denoiser()(x, torch.tensor([4]), torch.tensor([1])), points)


def test_it_starts_by_predicting_no_noise_and_its_loss_is_one():
    schedule = NoiseSchedule()
    loss = noise_loss(PointDenoiser(20), schedule, torch.Generator().manual_seed(0), batch=500)
    assert loss.item() == pytest.approx(1, rel=0.05)


@pytest.mark.lento
def test_a_few_steps_are_enough_to_gain_from_the_others():
    schedule, losses = NoiseSchedule(), {}
    for alone in (False, True):
        torch.manual_seed(0)
        network = fit(PointDenoiser(20, alone=alone), lambda m, g: noise_loss(m, schedule, g), 200)
        with torch.no_grad():
            losses[alone] = noise_loss(network, schedule, torch.Generator().manual_seed(9), batch=500).item()
    assert losses[False] < 0.92 * losses[True] and len(FIGURES) == 2


def test_schedule_errors():
    with pytest.raises(ValueError, match="n_steps vale 0: atteso un intero positivo"):
        NoiseSchedule(0)


# Il ciclo che addestra


def test_fit_finds_a_line_and_repeats_itself():
    def loss_of(model, generator):
        x = torch.randn(32, 1, generator=generator)
        return (model(x) - 3 * x - 1).square().mean()

    lines = []
    for _ in range(2):
        torch.manual_seed(0)
        line = fit(nn.Linear(1, 1), loss_of, 200, rate=0.1)
        assert not line.training
        lines.append((line.weight.item(), line.bias.item()))
    assert lines[0] == lines[1] == pytest.approx((3, 1), abs=1e-2)
