"""Le affermazioni di chi sposta un modello verso una preferenza: su casi in cui la risposta si calcola."""

import math

import pytest
import torch
from registro import affermazione, tesi

from attenzione.later.best_of import best_of_probabilities, kl
from attenzione.later.dpo import dpo_loss
from attenzione.later.policy import best_policy, reinforce_loss


@pytest.fixture(autouse=True)
def doppia_precisione():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


@affermazione(
    "migliore-di-n-limite",
    vero={"limite": "log N − (N − 1)/N"},
    falso=[{"limite": "log N − 1"}, {"limite": "(N − 1)/N"}, {"limite": "log N"}],
)
def test_migliore_di_n_limite(limite):
    """Distribuzioni a caso con pari merito, e diecimila risposte senza: sotto il limite, e lì di pochissimo."""
    for N in (2, 5, 16, 60):
        bound = {
            "log N − (N − 1)/N": math.log(N) - (N - 1) / N,
            "log N − 1": math.log(N) - 1,
            "(N − 1)/N": (N - 1) / N,
            "log N": math.log(N),
        }[limite]
        p, rewards = torch.full((10_000,), 1e-4), torch.randperm(10_000)
        apart = kl(best_of_probabilities(p, rewards, N), p)
        for answers in (3, 10, 50):
            q = torch.rand(answers).softmax(dim=0)
            tied = kl(best_of_probabilities(q, torch.randint(3, (answers,)), N), q)
            with tesi:
                assert tied < bound - 0.001
        with tesi:
            assert apart < bound < apart + 0.01


@affermazione(
    "reinforce-senza-distorsione",
    vero={"confronto": "lo stesso per tutte"},
    falso=[{"confronto": "metà del suo premio"}, {"confronto": "un numero per leva"}],
)
def test_reinforce_senza_distorsione(confronto):
    """Banditi con da due a otto leve: la media su tutte le leve, contro il gradiente del premio atteso."""
    for levers in (2, 3, 8):
        theta, rewards = torch.randn(levers, requires_grad=True), torch.randn(levers)
        (exact,) = torch.autograd.grad(theta.softmax(dim=0) @ rewards, theta)
        baselines = {
            "lo stesso per tutte": torch.full((levers,), 2.5),
            "metà del suo premio": rewards / 2,
            "un numero per leva": torch.randn(levers),
        }[confronto]
        mean, p = torch.zeros(levers), theta.softmax(dim=0).detach()
        for lever in range(levers):
            loss = reinforce_loss(theta.log_softmax(dim=0)[lever], rewards[lever] - baselines[lever])
            mean -= p[lever] * torch.autograd.grad(loss, theta)[0]
        with tesi:
            assert torch.allclose(mean, exact)


@affermazione(
    "dpo-stesso-posto",
    vero={"confronti": "secondo i premi"},
    falso=[{"confronti": "vince sempre la migliore"}, {"confronti": "a caso"}],
)
def test_dpo_stesso_posto(confronti):
    """Tre premi e tre riferimenti a caso, due pesi della KL: il minimo della DPO contro la soluzione chiusa."""
    a, b = torch.cartesian_prod(torch.arange(3), torch.arange(3)).T
    for beta in (0.3, 1.0):
        for _ in range(3):
            rewards, reference = torch.randn(3), torch.randn(3).log_softmax(dim=0)
            gap = rewards[a] - rewards[b]
            share = {
                "secondo i premi": torch.sigmoid(gap),
                "vince sempre la migliore": (gap > 0).double(),
                "a caso": torch.full((9,), 0.5),
            }[confronti]
            found = lowest(share, a, b, reference, beta)
            with tesi:
                assert torch.allclose(found, best_policy(reference, rewards, beta).exp(), atol=1e-3)


def lowest(share, a, b, reference, beta):
    """Le probabilità in cui la DPO, con quella parte di confronti vinti da a contro b, è minima: (3,)."""
    theta = reference.clone().requires_grad_()
    descent = torch.optim.LBFGS([theta], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        descent.zero_grad()
        log_p = theta.log_softmax(dim=0)
        rows = zip(share, a, b, strict=True)
        loss = sum(w * dpo_loss(log_p[i], log_p[j], reference[i], reference[j], beta) for w, i, j in rows)
        loss.backward()
        return loss

    descent.step(closure)
    return theta.softmax(dim=0).detach()
