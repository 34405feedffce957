"""Bradley–Terry, il migliore di N, REINFORCE, PPO, GRPO, DPO: contro una forma chiusa, o contando tutti i casi."""

import math
from itertools import product

import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.figures import reward_figure
from attenzione.later.answers import counted, log_probs, moved, write
from attenzione.later.best_of import best_of, best_of_bound, best_of_probabilities, kl
from attenzione.later.dpo import dpo_loss, implicit_reward
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.policy import best_policy, clipped_loss, group_advantages, reinforce_loss
from attenzione.later.preferences import RewardModel, preference_loss, preferred, strengths

END = 2


def doubles(*numbers, grad=False):
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=grad)


def small(seed=0, n_vocab=4):
    torch.manual_seed(seed)
    sizes = {"n_layers": 1, "d_model": 8, "d_ff": 8, "n_heads": 2, "p_drop": 0.0, "max_len": 8}
    return LanguageModel(LanguageModelConfig(n_vocab=n_vocab, **sizes)).double().eval()


def climb(parameters, loss, steps=200):
    optimizer = torch.optim.LBFGS(parameters, max_iter=steps, line_search_fn="strong_wolfe", tolerance_change=1e-15)

    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)


# le risposte: tutte quelle di un vocabolario di quattro token


QUESTION = torch.tensor([[3, 1]])
EVERY = torch.tensor([[a, b, c] for a, b, c in product((1, 2, 3), repeat=3)])  # PAD non si scrive


def every_answer():
    """Le risposte di al più tre token, una volta ciascuna: dopo la fine non c’è altro che la fine."""
    rows = torch.where(counted(EVERY, END), EVERY, torch.full_like(EVERY, END))
    return torch.unique(rows, dim=0)


def test_the_answers_of_every_length_have_all_the_probability():
    answers = every_answer()
    assert len(answers) == 1 + 2 + 4 * 3
    p = log_probs(small(), QUESTION.expand(len(answers), -1), answers, END).sum(dim=1).exp()
    assert p.sum().item() == pytest.approx(1)


def test_what_is_written_has_the_probability_that_is_told():
    model, answers = small(), every_answer()
    told = log_probs(model, QUESTION.expand(len(answers), -1), answers, END).sum(dim=1).exp()
    drawn = write(model, QUESTION.expand(20_000, -1), 3, END, torch.Generator().manual_seed(0))
    share = (drawn[:, None] == answers).all(dim=-1).double().mean(dim=0)
    assert (share - told).abs().max() < 0.012
    assert share.sum() == 1


def test_how_far_it_moved_is_the_divergence_between_whole_answers():
    ours, theirs, answers = small(0), small(1), every_answer()
    questions = QUESTION.expand(len(answers), -1)
    p, q = (log_probs(model, questions, answers, END).sum(dim=1).exp() for model in (ours, theirs))
    by_answer = moved(ours, theirs, questions, answers, END)
    assert (p * by_answer).sum().item() == pytest.approx(kl(p, q))
    assert moved(ours, ours, questions, answers, END).abs().max() < 1e-12


# Bradley e Terry


def test_the_loss_is_minus_the_log_of_the_probability_of_the_choices():
    chosen, rejected = doubles(1.0, -0.5), doubles(0.0, 2.0)
    odds = chosen.exp() / (chosen.exp() + rejected.exp())
    assert preference_loss(chosen, rejected).item() == pytest.approx(-odds.log().mean().item())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6))
def test_exact_shares_give_back_the_strengths(known):
    known = torch.tensor(known, dtype=torch.float64)
    wins = 100 * torch.sigmoid(known[:, None] - known)
    wins.fill_diagonal_(0)
    torch.testing.assert_close(strengths(wins), known - known.mean(), rtol=1e-6, atol=1e-6)


def test_drawn_choices_give_back_the_strengths():
    known, n = doubles(-1.2, -0.2, 0.4, 1.0), 4
    rows, columns = torch.randint(n, (2, 40_000), generator=torch.Generator().manual_seed(0))
    first = preferred(known[rows], known[columns], torch.Generator().manual_seed(1))
    wins = torch.zeros(n, n)
    for i, j, yes in zip(rows.tolist(), columns.tolist(), first.tolist(), strict=True):
        if i != j:
            wins[(i, j) if yes else (j, i)] += 1
    torch.testing.assert_close(strengths(wins), known, rtol=0, atol=0.06)


def test_who_never_lost_has_no_finite_strength():
    with pytest.raises(ValueError, match="due gruppi"):
        strengths(torch.tensor([[0, 3, 2], [0, 0, 4], [0, 1, 0]]))


def test_the_reward_model_learns_a_taste_and_starts_from_indifference():
    model, answers = small().float(), every_answer()
    rewards = RewardModel(model, END)
    questions = QUESTION.expand(len(answers), -1)
    assert rewards(questions, answers).abs().max() == 0
    taste = -counted(answers, END).sum(dim=1).float()
    i, j = torch.triu_indices(len(answers), len(answers), 1)
    swap = taste[i] < taste[j]
    i, j = torch.where(swap, j, i), torch.where(swap, i, j)
    kept = taste[i] != taste[j]
    i, j = i[kept], j[kept]
    adam = torch.optim.Adam(rewards.parameters(), 0.01)
    for _ in range(40):
        found = rewards(questions, answers)
        loss = preference_loss(found[i], found[j])
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert (found[i] > found[j]).float().mean() > 0.97
    torch.testing.assert_close(model.state_dict(), small().float().state_dict())  # quello di partenza non si muove


def test_the_reward_is_read_at_the_end_of_the_answer():
    model = RewardModel(small(), END)
    torch.nn.init.normal_(model.w)
    short = model(QUESTION, torch.tensor([[1, END]]))
    torch.testing.assert_close(model(QUESTION, torch.tensor([[1, END, END, END]])), short)


# il migliore di N


def enumerated(p, rewards, N):
    """La distribuzione di chi si tiene, su tutte le N-uple."""
    kept = torch.zeros(len(p), dtype=torch.float64)
    for drawn in product(range(len(p)), repeat=N):
        chance = math.prod(p[i].item() for i in drawn)
        kept[drawn[best_of(rewards[list(drawn)][None]).item()]] += chance
    return kept


@pytest.mark.parametrize("N", [1, 2, 3, 5])
@pytest.mark.parametrize("rewards", [(0.0, 1.0, 2.0), (1.0, 1.0, 0.0), (2.0, 2.0, 2.0)])
def test_the_best_of_n_counts_every_draw(N, rewards):
    p, rewards = doubles(0.5, 0.3, 0.2), doubles(*rewards)
    found = best_of_probabilities(p, rewards, N)
    torch.testing.assert_close(found, enumerated(p, rewards, N))
    assert kl(found, p) <= best_of_bound(N) + 1e-12


def test_the_bound_is_reached_without_ties_and_not_with_them():
    """Diecimila risposte: la forma chiusa. Con due premi soltanto se ne resta molto sotto."""
    p = torch.full((10_000,), 1e-4, dtype=torch.float64)
    rewards = torch.arange(10_000)
    for N in (1, 2, 8, 32):
        without = kl(best_of_probabilities(p, rewards, N), p)
        tied = kl(best_of_probabilities(p, rewards // 5000, N), p)
        assert best_of_bound(N) == pytest.approx(without, abs=0.01) and without <= best_of_bound(N) + 1e-9
        assert tied <= math.log(2) + 1e-9
    assert kl(best_of_probabilities(p, 0 * rewards, 32), p) == pytest.approx(0, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 3)), min_size=1, max_size=8), st.integers(1, 40))
def test_it_is_a_bound(drawn, N):
    p = torch.tensor([weight for weight, _ in drawn], dtype=torch.float64)
    p = p / p.sum()
    q = best_of_probabilities(p, torch.tensor([reward for _, reward in drawn]), N)
    assert q.sum().item() == pytest.approx(1) and kl(q, p) <= best_of_bound(N) + 1e-9


# REINFORCE e PPO su un bandito


@pytest.mark.parametrize("baseline", [0.0, 0.7, -3.0])
@pytest.mark.parametrize("loss", [reinforce_loss, "PPO"])
def test_summed_over_every_action_the_estimate_is_the_gradient(loss, baseline):
    """La media su tutte le azioni è il gradiente del premio atteso; PPO, a rapporto 1, è REINFORCE."""
    theta, rewards = doubles(0.3, -0.2, 0.9, 0.0, grad=True), doubles(1.0, 0.2, -0.5, 2.0)
    exact = torch.autograd.grad((theta.softmax(dim=0) * rewards).sum(), theta)[0]
    p, estimate = theta.softmax(dim=0).detach(), torch.zeros(4, dtype=torch.float64)
    for action in range(4):
        taken = theta.log_softmax(dim=0)[action : action + 1]
        advantage = rewards[action : action + 1] - baseline
        value = clipped_loss(taken, taken.detach(), advantage) if loss == "PPO" else loss(taken, advantage)
        estimate -= p[action] * torch.autograd.grad(value, theta)[0]
    torch.testing.assert_close(estimate, exact)


def test_it_finds_the_better_arm():
    theta, rewards = doubles(0.0, 0.0, grad=True), doubles(0.3, 0.6)
    generator = torch.Generator().manual_seed(0)
    for _ in range(400):
        actions = torch.multinomial(theta.softmax(dim=0).detach(), 16, replacement=True, generator=generator)
        won = (torch.rand(16, generator=generator) < rewards[actions]).double()
        loss = reinforce_loss(theta.log_softmax(dim=0)[actions], won - won.mean())
        theta = (theta - 0.5 * torch.autograd.grad(loss, theta)[0]).detach().requires_grad_()
    assert theta.softmax(dim=0)[1] > 0.95


@pytest.mark.parametrize(
    ("ratio", "advantage", "slope"),
    [(1.1, 1.0, 1.1), (1.3, 1.0, 0.0), (0.7, 1.0, 0.7), (0.9, -1.0, -0.9), (0.7, -1.0, 0.0), (1.3, -1.0, -1.3)],
)
def test_the_clip_stops_whoever_gained_enough_and_nobody_else(ratio, advantage, slope):
    log_p = doubles(math.log(ratio), grad=True)
    clipped_loss(log_p, doubles(0.0), doubles(advantage), clip=0.2).backward()
    assert -log_p.grad.item() == pytest.approx(slope)


# GRPO


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=8))
def test_the_advantages_of_a_group_are_standardised(rewards):
    rewards = torch.tensor([rewards, rewards[::-1]], dtype=torch.float64) / 10
    advantages = group_advantages(rewards, eps=1e-9)
    if rewards[0].unique().numel() > 1:
        assert advantages.sum(dim=1).abs().max() < 1e-9
        torch.testing.assert_close(advantages.square().mean(dim=1), torch.ones(2).double())
        torch.testing.assert_close(advantages, group_advantages(3 * rewards + 7, eps=1e-9))
    else:  # anche quando la media, arrotondata, non è proprio il premio
        assert group_advantages(rewards.float()).abs().max() < 0.05


def test_a_group_that_agrees_teaches_nothing_and_another_group_does_not_count():
    rewards = doubles(*[1.0] * 4, *[0.0, 0.0, 0.0, 1.0]).view(2, 4)
    advantages = group_advantages(rewards)
    assert advantages[0].abs().max() == 0
    torch.testing.assert_close(advantages[1], group_advantages(rewards[1:])[0])
    torch.testing.assert_close(advantages[1], doubles(-1, -1, -1, 3) / 3**0.5, rtol=1e-3, atol=1e-3)


def test_the_losses_pass_gradcheck():
    torch.manual_seed(0)
    logits, actions = torch.randn(2, 4, 5).double().requires_grad_(), torch.randint(5, (2, 4, 1))
    advantages = group_advantages(torch.randn(2, 4).double())
    old = (logits.detach() + torch.randn(2, 4, 5) / 20).log_softmax(dim=-1).gather(-1, actions)[..., 0]

    def loss(logits):
        return clipped_loss(logits.log_softmax(dim=-1).gather(-1, actions)[..., 0], old, advantages)

    assert torch.autograd.gradcheck(loss, logits)
    chosen, rejected = torch.randn(2, 6).double().requires_grad_()
    reference = torch.randn(2, 6).double()
    assert torch.autograd.gradcheck(lambda a, b: dpo_loss(a, b, *reference, 0.3), (chosen, rejected))


# DPO


def test_the_gradient_of_dpo_by_sympy_and_by_finite_differences():
    a, b, c, d, beta = sympy.symbols("a b c d beta", real=True)
    loss = -sympy.log(1 / (1 + sympy.exp(-beta * ((a - c) - (b - d)))))
    slopes = [sympy.lambdify((a, b, c, d, beta), sympy.diff(loss, variable)) for variable in (a, b)]
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        values = torch.randn(4, generator=generator).double()
        weight = torch.rand(1, generator=generator).item() + 0.1
        chosen, rejected = (v.clone().requires_grad_() for v in values[:2, None])
        dpo_loss(chosen, rejected, values[2:3], values[3:4], weight).backward()
        found = chosen.grad.item(), rejected.grad.item()
        assert found == pytest.approx([slope(*values.tolist(), weight) for slope in slopes])
        assert found[0] == pytest.approx(-found[1])
        for i, got in enumerate(found):
            nudge = torch.zeros(4).double()
            nudge[i] = 1e-5
            up, down = (dpo_loss(*(values + s * nudge)[:, None], weight).item() for s in (1, -1))
            assert got == pytest.approx((up - down) / 2e-5, abs=1e-7)


def test_the_gradient_weighs_more_what_the_model_gets_wrong():
    """Il peso è β σ(premio implicito della scartata meno quello della scelta)."""
    chosen, rejected = doubles(-5.0, grad=True), doubles(-1.0, grad=True)
    reference, beta = doubles(-2.0), 0.5
    dpo_loss(chosen, rejected, reference, reference, beta).backward()
    gap = implicit_reward(rejected, reference, beta) - implicit_reward(chosen, reference, beta)
    assert -chosen.grad.item() == pytest.approx(beta * torch.sigmoid(gap).item())


# tre risposte: la soluzione chiusa


REFERENCE, REWARDS = doubles(0.6, 0.3, 0.1).log(), doubles(-1.0, 0.5, 1.0)


@pytest.mark.parametrize("beta", [0.2, 0.5, 2.0])
def test_rlhf_and_dpo_arrive_at_the_closed_form(beta):
    closed = best_policy(REFERENCE, REWARDS, beta).exp()

    theta = REFERENCE.clone().requires_grad_()  # premio meno β KL, per intero
    climb([theta], lambda: -(lp := theta.log_softmax(dim=0)).exp() @ (REWARDS - beta * (lp - REFERENCE)))
    torch.testing.assert_close(theta.softmax(dim=0).detach(), closed, rtol=1e-4, atol=1e-6)

    theta = REFERENCE.clone().requires_grad_()  # tutti i confronti, con la loro probabilità
    i, j = torch.cartesian_prod(torch.arange(3), torch.arange(3)).T
    won = torch.sigmoid(REWARDS[i] - REWARDS[j])

    def loss():
        lp = theta.log_softmax(dim=0)
        return sum(
            w * dpo_loss(lp[a], lp[b], REFERENCE[a], REFERENCE[b], beta) for w, a, b in zip(won, i, j, strict=True)
        )

    climb([theta], loss)
    torch.testing.assert_close(theta.softmax(dim=0).detach(), closed, rtol=1e-4, atol=1e-6)


def test_ppo_drawn_arrives_near_the_closed_form():
    beta, theta, generator = 0.5, REFERENCE.clone().requires_grad_(), torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD([theta], lr=0.3)
    for _ in range(300):
        old = theta.log_softmax(dim=0).detach()
        drawn = torch.multinomial(old.exp(), 256, replacement=True, generator=generator)
        rewards = REWARDS[drawn] - beta * (old - REFERENCE)[drawn]
        for _ in range(2):
            loss = clipped_loss(theta.log_softmax(dim=0)[drawn], old[drawn], rewards - rewards.mean())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.testing.assert_close(
        theta.softmax(dim=0).detach(), best_policy(REFERENCE, REWARDS, beta).exp(), rtol=0, atol=0.03
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6), st.floats(0.1, 3))
def test_no_other_distribution_does_better(rewards, beta):
    rewards = torch.tensor(rewards, dtype=torch.float64)
    reference = torch.linspace(0, 1, len(rewards), dtype=torch.float64).log_softmax(dim=0)

    def value(lp):
        return (lp.exp() @ (rewards - beta * (lp - reference))).item()

    best = best_policy(reference, rewards, beta)
    assert value(best) == pytest.approx(beta * (reference + rewards / beta).logsumexp(dim=0).item())
    assert value(best) >= value((best + torch.randn(len(rewards)) / 3).log_softmax(dim=0)) - 1e-9


# gli errori


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: clipped_loss(doubles(0), doubles(0), doubles(0), clip=1.5), "clip vale 1.5: atteso fra 0 e 1"),
        (lambda: group_advantages(doubles(1)), "G vale 1: attese almeno due"),
        (lambda: best_policy(doubles(0), doubles(0), 0), "beta vale 0: atteso un numero positivo"),
        (lambda: implicit_reward(doubles(0), doubles(0), -1), "beta vale -1: atteso un numero positivo"),
        (lambda: best_of_bound(0), "N vale 0"),
    ],
)
def test_what_is_asked_wrong_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_the_figure_draws_both_rewards():
    figure = reward_figure({"imparato": [(0, 0), (1, 1), (3, 2)], "vero": [(0, 0), (1, 1), (3, -1)]})
    assert [line.get_label() for line in figure.axes[0].lines if not line.get_label().startswith("_")] == [
        "imparato",
        "vero",
    ]
