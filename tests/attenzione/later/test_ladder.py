"""La lingua di cui si conosce l’entropia, e la registrazione dei gradini."""

import json
import math

import pytest
import torch

from attenzione.later import ladder
from attenzione.later.ladder import Language, build, count_parameters, loss_of, record, recorded, rungs, train


def test_the_entropy_is_the_loss_of_who_knows_everything():
    language = Language(500)
    assert language.entropy == pytest.approx(torch.distributions.Categorical(language.p).entropy().item() / 5)
    drawn = language.sample(200_000, torch.Generator().manual_seed(0))
    assert -language.p[drawn].log().mean().item() / 5 == pytest.approx(language.entropy, abs=0.01)
    uniform = Language(100, exponent=0)
    assert uniform.entropy == pytest.approx(math.log(100) / 5)


def test_words_are_distinct_and_end_with_a_space():
    language = Language(5_000)
    assert len(language.words.unique(dim=0)) == 5_000
    assert (language.words[:, 4] == ladder.SPACE).all() and language.words[:, :4].min() >= ladder.FIRST
    examples = language.examples(50, torch.Generator().manual_seed(1))
    assert examples.shape == (50, 6) and (examples[:, 0] == ladder.SPACE).all()
    assert examples.max() < build(8).config.n_vocab


def test_frequencies_follow_the_power():
    language = Language(50, exponent=1.3)
    counts = language.sample(200_000, torch.Generator().manual_seed(0)).bincount(minlength=50)
    assert counts[0] / counts[9] == pytest.approx(10**1.3, rel=0.1)


def test_a_perfect_model_reaches_the_entropy():
    """Le probabilità vere, lettera per lettera, danno la perdita di chi sa tutto: la misura non ha altro dentro."""
    language = Language(300)

    def knows(inputs, checked):
        logits = torch.full((*inputs.shape, ladder.FIRST + ladder.N_LETTERS), -50.0)
        for row, line in enumerate(inputs[:, 1:]):
            for t in range(5):
                fits = (language.words[:, :t] == line[:t]).all(dim=1)
                p = torch.zeros(logits.size(-1), dtype=torch.float64)
                p.index_add_(0, language.words[fits, t], language.p[fits])
                logits[row, t] = (p / p.sum()).clamp(min=1e-20).log()
        return logits

    drawn = language.sample(200, torch.Generator().manual_seed(3))
    examples = language.examples(200, torch.Generator().manual_seed(3))
    assert loss_of(knows, examples).item() == pytest.approx(-language.p[drawn].log().mean().item() / 5, abs=1e-4)


def test_training_reads_each_word_once_and_lowers_the_loss():
    language = Language(20)
    model = build(8)
    examples = language.examples(500, torch.Generator().manual_seed(5))
    before = loss_of(model, examples).item()
    drawn = []
    sample = language.examples
    language.examples = lambda n, generator: drawn.append(n) or sample(n, generator)
    train(model, language, 30_000)
    assert sum(drawn) * 5 <= 30_000 < sum(drawn) * 5 + 5 * ladder.BATCH
    assert language.entropy < loss_of(model, examples).item() < before / 1.5


def test_a_wider_model_has_more_parameters():
    counts = [count_parameters(build(width)) for width in ladder.WIDTHS]
    assert counts == sorted(counts) and counts[-1] > 30 * counts[0]


def test_the_recorded_ladder_is_whole():
    report = recorded()
    runs = report["gradini"]
    seeds = {run["seme"] for run in runs}
    assert len(seeds) >= 2 and len(rungs()) == 14
    assert {(run["larghezza"], run["lettere"], run["seme"]) for run in runs} == {
        (*rung, seed) for rung in rungs() for seed in seeds
    }
    assert all(run["perdita"] > report["entropia"] for run in report["gradini"])
    assert all(run["parametri"] == count_parameters(build(run["larghezza"])) for run in report["gradini"])


@pytest.mark.lento
def test_what_is_recorded_is_what_is_trained():
    run = next(run for run in recorded()["gradini"] if (run["larghezza"], run["lettere"]) == (32, 80_000))
    language = Language()
    model = train(build(32, run["seme"]), language, 80_000, run["seme"])
    assert ladder.held_out_loss(model, language) == pytest.approx(run["perdita"], abs=0.02)


def test_an_interrupted_record_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "s.json"
    places = [(8, 2_560), (8, 1_280)]
    monkeypatch.setattr(ladder, "held_out_loss", lambda model, language: 1.5)
    record([0], path, places)
    first = json.loads(path.read_text("utf-8"))
    assert [run["lettere"] for run in first["gradini"]] == [1_280, 2_560]
    trained = []
    monkeypatch.setattr(ladder, "train", lambda model, *args: trained.append(args[1:]) or model)
    record([0, 1], path, places)
    assert trained == [(2_560, 1), (1_280, 1)]


def test_ladder_errors():
    with pytest.raises(ValueError, match="n_words vale 0: atteso fra 1 e 456976"):
        Language(0)
