"""Gli esperti: contro la somma su tutti, contro chi li ha scritti; il carico, la perdita che lo distribuisce."""

import gzip
import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.feedforward import PositionwiseFeedForward
from attenzione.later import routing, sharing
from attenzione.later.experts import WEIGHTS, MixtureOfExperts, balance_loss, load


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def mixture(**sizes):
    torch.manual_seed(0)
    return MixtureOfExperts(6, 5, **sizes).double()


def weights_of(scores, k, weights):
    """I pesi di tutti gli esperti, zero a chi non è fra i k più alti: un vettore alla volta."""
    found = torch.zeros_like(scores)
    for i, row in enumerate(scores.tolist()):
        best = sorted(range(len(row)), key=row.__getitem__, reverse=True)[:k]
        values = {j: 1 / (1 + math.exp(-row[j])) if weights == "sigmoid" else math.exp(row[j]) for j in best}
        whole = sum(map(math.exp, row)) if weights == "probability" else sum(values.values())
        for j, value in values.items():
            found[i, j] = value / whole
    return found


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 9), n_experts=st.integers(1, 5), weights=st.sampled_from(WEIGHTS), data=st.data())
def test_it_is_the_sum_over_all_with_zeros(n, n_experts, weights, data):
    """La forma che calcola tutti gli esperti; un guasto piantato: i pesi dei k nell’ordine degli esperti, non loro."""
    k = data.draw(st.integers(1, n_experts))
    moe, x = mixture(n_experts=n_experts, k=k, weights=weights), torch.randn(n, 6).double()
    every = torch.stack([expert(x) for expert in moe.experts], dim=1)  # (n, n_experts, 6)
    found = weights_of(x @ moe.W_router.detach(), k, weights)  # (n, n_experts)
    close(moe(x), (found[..., None] * every).sum(dim=1))
    close(moe(x.view(1, n, 6)), moe(x)[None])
    if weights != "probability":
        close(found.sum(dim=1), torch.ones(n).double())


def test_with_one_expert_it_is_the_network_of_the_paper():
    moe, paper, x = mixture(n_experts=1, k=1), PositionwiseFeedForward(6, 5).double(), torch.randn(2, 3, 6).double()
    paper.load_state_dict(moe.experts[0].state_dict())
    close(moe(x), paper(x))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_experts_have_their_derivative(weights):
    moe = mixture(k=2, weights=weights)
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    top = (x @ moe.W_router).topk(3, dim=-1).values
    assert (top[:, 1] - top[:, 2]).min() > 1e-3  # lontano da dove la scelta cambia
    assert torch.autograd.gradcheck(moe, x)


def test_who_is_not_chosen_is_not_computed_nor_corrected():
    moe = mixture(n_experts=4, k=1)
    moe(torch.randn(1, 6).double()).sum().backward()
    (chosen,) = moe.routing[0].flatten().tolist()
    for i, expert in enumerate(moe.experts):
        assert (expert.W_1.grad is None) == (i != chosen)


def test_one_weight_normalised_gives_the_router_no_gradient():
    """Perciò in Switch, che ne sceglie uno, il peso è la probabilità com’è."""
    x = torch.randn(8, 6).double()
    for weights, learns in (("softmax", False), ("sigmoid", False), ("probability", True)):
        moe = mixture(k=1, weights=weights)
        moe(x).square().sum().backward()
        assert (moe.W_router.grad.abs().max() > 1e-9) == learns


def test_the_bias_changes_who_is_chosen_and_not_the_weights():
    moe, x = mixture(k=2), torch.randn(50, 6).double()
    before, _ = moe.route(x)
    moe.bias[3] = 100.0
    chosen, weights = moe.route(x)
    assert (chosen == 3).any(dim=1).all() and not (before == 3).any(dim=1).all()
    close(weights, (x @ moe.W_router).gather(1, chosen).softmax(dim=1))
    assert not moe.bias.requires_grad and "bias" in moe.state_dict()


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 20), n_experts=st.integers(1, 6), data=st.data())
def test_the_balance_loss_is_its_formula(n, n_experts, data):
    k = data.draw(st.integers(1, n_experts))
    probabilities = torch.randn(n, n_experts).double().softmax(dim=1)
    chosen = probabilities.topk(k, dim=1).indices
    expected = 0.0
    for i in range(n_experts):
        f = sum(row.count(i) for row in chosen.tolist()) / (n * k)
        P = sum(row[i] for row in probabilities.tolist()) / n
        expected += n_experts * f * P
    assert balance_loss(chosen, probabilities).item() == pytest.approx(expected, abs=1e-6)
    assert load(chosen, n_experts).sum().item() == pytest.approx(1)


def test_the_balance_loss_is_one_when_the_load_is_the_same_and_grows_with_it():
    chosen = torch.tensor([[0, 1], [2, 3]])
    assert balance_loss(chosen, torch.full((2, 4), 0.25)).item() == pytest.approx(1)
    crowd = torch.tensor([[0.97, 0.01, 0.01, 0.01]])
    assert balance_loss(torch.tensor([[0]]), crowd).item() == pytest.approx(4 * 0.97)


def test_the_balance_loss_pushes_down_the_router_of_the_crowded():
    moe, x = mixture(k=1), torch.randn(200, 6).double() + 2
    moe(x)
    crowded = load(moe.routing[0], 4).argmax()
    balance_loss(*moe.routing).backward()
    change = -(x @ moe.W_router.grad).mean(dim=0)  # quanto il passo muove i punteggi
    assert change.argmin() == crowded and change[crowded] < 0


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_experts": 0}, "n_experts vale 0: atteso un intero positivo"),
        ({"k": 5}, "k vale 5: atteso al più n_experts = 4"),
        ({"weights": "somma"}, "weights vale «somma»: atteso uno fra softmax, sigmoid, probability"),
    ],
)
def test_experts_errors(sizes, message):
    with pytest.raises(ValueError, match=message):
        MixtureOfExperts(6, 5, **sizes)


# A chi vanno le lettere


def test_information_is_that_of_known_cases():
    a = torch.arange(400) % 4
    assert routing.information(a, a) == pytest.approx(math.log(4))
    assert routing.information(a, a // 2) == pytest.approx(math.log(2))
    assert routing.information(a, torch.arange(400) // 4 % 5) == pytest.approx(0, abs=1e-12)
    a, b = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 0, 1])
    assert routing.information(a, b) == pytest.approx(
        0.5 * math.log(4 / 3) + 0.25 * math.log(2 / 3) + 0.25 * math.log(2)
    )


def test_every_letter_is_of_its_page(tmp_path):
    text = "prima.\n\nseconda,\ndue righe.\n\nterza.\n"
    (tmp_path / "a.gz").write_bytes(gzip.compress(text.encode()))
    pages, (letters, _) = routing.read_pages(tmp_path / "a.gz"), sharing.read_letters(tmp_path / "a.gz")
    assert len(pages) == len(letters) == len(text)
    assert [pages[text.index(word)].item() for word in ("prima", "seconda", "due", "terza")] == [0, 1, 1, 2]


def test_two_experts_do_the_work_of_the_narrow_and_four_hold_that_of_the_wide():
    def network(name):
        model = sharing.build(20, 8, d_ff=routing.DENSE[name])
        return sum(W.numel() for W in (model.layers[0].feed_forward.W_1, model.layers[0].feed_forward.W_2))

    experts = routing.with_experts(sharing.build(20, 8)).layers[0].feed_forward.experts
    one = experts[0].W_1.numel() + experts[0].W_2.numel()
    assert network("una rete stretta") == 2 * one and network("una rete larga") == 4 * one == len(experts) * one


@pytest.mark.lento
def test_the_command_records_every_model(tmp_path, monkeypatch):
    monkeypatch.setattr(sharing, "PIECE", 130)
    text = "la gatta mangia il topo. " * 60 + "\n\n" + "il topo scappa. " * 60
    (tmp_path / "prosa.txt.gz").write_bytes(gzip.compress(text.encode()))
    routing.main([str(tmp_path / "prosa.txt.gz"), "--semi", "3", "--passi", "2", "--uscita", str(tmp_path / "a.json")])
    report = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert set(report["modelli"]) == {*routing.DENSE, *routing.SPARSE} == set(routing.recorded()["modelli"])
    for name in routing.SPARSE:
        found = report["modelli"][name]["semi"]["3"]
        assert [sum(share) for share in found["carico"]] == pytest.approx([1, 1], abs=1e-3)
        assert set(found["informazione"]) == {"lettera", "pagina", "pagina rimescolata"}
    assert all(len(model["semi"]) >= 3 for model in routing.recorded()["modelli"].values())
