"""La lingua artificiale delle teste: i legami sono quelli detti, e nessuna scorciatoia li trova."""

import random

import pytest
import torch

from attenzione.evidence import jobs


def sentences(n=300, seed=0, **how):
    rng = random.Random(seed)
    return [jobs.glossed_sentence(rng, **how) for _ in range(n)]


def gender(noun):
    return next(name for name, nouns in jobs.NOUNS.items() if noun in nouns)


def test_ogni_glossa_e_quella_del_suo_legame():
    for s in sentences():
        for task in ("articolo", "aggettivo"):
            for query, (noun,) in s.links[task].items():
                assert s.glosses[query] == f"{s.words[query]}:{gender(s.words[noun])}"
        for query, (particle,) in s.links.get("verbo", {}).items():
            assert s.glosses[query] == f"{s.words[query]}+{s.words[particle]}"
        for query, owner in s.links.get("its", {}).items():
            assert s.glosses[query] == f"its:{gender(s.words[max(owner)])}"
            assert s.words[min(owner) - 1] in jobs.VERBS + jobs.PHRASALS  # l’oggetto viene subito dopo il verbo


def test_senza_rimando_la_glossa_di_its_e_una_sola():
    with_its = [s for s in sentences(resolved=False) if "its" in s.links]
    assert {s.glosses[query] for s in with_its for query in s.links["its"]} == {"its:v"}


def test_ne_il_nome_piu_vicino_ne_una_distanza_fissa_trovano_l_antecedente():
    halves = jobs.held_out()
    assert all(jobs.fixed_offset(halves, task) < 0.4 for task in ("verbo", "its"))
    kept = jobs.link_examples(halves[0], dict.fromkeys([*jobs.vocabulary().tokens], 4), "its")
    assert 0 < len(kept) < sum("its" in s.links for s in halves[0])
    distances = {query - max(owner) for example in kept for query, owner in example.links.items()}
    assert len(distances) >= 6 and min(distances) > 2


def test_una_testa_spenta_non_da_niente_e_poi_torna():
    model, ids = jobs.trained(0, steps=0)
    src, _ = jobs.batch(sentences(4), ids)
    whole = model.encode(src)[0]
    with jobs.switched_off(model, 1, 2):
        attention = model.encoder[1].self_attention
        assert (attention.W_o[2 * attention.d_v : 3 * attention.d_v] == 0).all()
        assert not torch.equal(model.encode(src)[0], whole)
    assert torch.equal(model.encode(src)[0], whole)


def test_due_teste_si_dividono_due_compiti_solo_se_stanno_nello_stesso_strato():
    apart = {"a": torch.tensor([[0.9, 0.1], [0.0, 0.0]]), "b": torch.tensor([[0.2, 0.6], [0.0, 0.0]])}
    assert jobs.dissociation(apart, apart, "a", "b") == pytest.approx(0.4)
    layers = {"a": torch.tensor([[0.9, 0.9], [0.0, 0.0]]), "b": torch.tensor([[0.0, 0.0], [0.6, 0.6]])}
    assert jobs.dissociation(layers, layers, "a", "b") == 0
    assert jobs.dissociation(apart, layers, "a", "b") == 0  # scelte di qua, misurate di là


def test_chi_si_interrompe_riprende(tmp_path, monkeypatch):
    path, done = tmp_path / "jobs.json", []

    def measure(variant, seed, steps):
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append((variant, seed))
        return {"seme": seed}

    monkeypatch.setattr(jobs, "measure", measure)
    with pytest.raises(KeyboardInterrupt):
        jobs.record([0, 1, 2], path)
    assert done == [("addestrato", 0), ("addestrato", 1), ("addestrato", 2), ("senza rimando", 0)]
    done.clear(), monkeypatch.setattr(jobs, "measure", lambda variant, seed, steps: {"seme": seed})
    report = jobs.record([0, 1, 2], path)
    assert report["misure"] == {name: [{"seme": seed} for seed in (0, 1, 2)] for name in jobs.VARIANTS}
    with pytest.raises(ValueError, match="tre semi"):
        jobs.record([0, 1], path)
