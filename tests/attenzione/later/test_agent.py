"""Il ciclo dell’agente: si ferma, racconta tutto, e uno sbaglio è un’osservazione."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenzione.later.agent import act, calculate, run

SIGNS = {"+": operator.add, "−": operator.sub, "×": operator.mul}


@given(st.integers(-(10**9), 10**9), st.sampled_from(list(SIGNS)), st.integers(-(10**9), 10**9))
def test_the_calculator_is_right(a, sign, b):
    assert calculate(f" {a} {sign} {b}") == str(SIGNS[sign](a, b))


@pytest.mark.parametrize("text", ["2 + 3 + 4", "due + 3", "", "2 / 3", "__import__('os')", "2 ** 9"])
def test_the_calculator_runs_nothing_else(text):
    with pytest.raises(ValueError, match="attesi due interi"):
        calculate(text)


def test_mistakes_become_observations():
    tools = {"calcola": calculate}
    assert act("calcola[2 + 2]", tools) == "4"
    assert act("calcola[2 +]", tools).startswith("errore: l’operazione vale «2 +»")
    assert act("cerca[pesi]", tools).startswith("errore: l’azione vale «cerca[pesi]»: attesa una fra calcola[…]")
    assert act("non so", tools).startswith("errore:")


def test_the_policy_sees_what_it_did_and_the_loop_ends():
    seen = []

    def policy(question, turns):
        seen.append(list(turns))
        if not turns:
            return "moltiplico", "calcola[6 × 7]"
        return "ho finito", f"rispondi[{turns[-1][2]}]"

    answer, text = run(policy, "sei per sette?", {"calcola": calculate})
    assert answer == "42"
    assert seen == [[], [("moltiplico", "calcola[6 × 7]", "42")]]
    assert text.splitlines() == [
        "Domanda: sei per sette?",
        "  penso:   moltiplico",
        "  agisco:  calcola[6 × 7]",
        "  osservo: 42",
        "  penso:   ho finito",
        "  agisco:  rispondi[42]",
    ]


def test_who_never_answers_is_stopped():
    answer, text = run(lambda question, turns: ("ancora", "calcola[1 + 1]"), "?", {"calcola": calculate}, max_turns=3)
    assert answer is None and text.count("osservo") == 3


def test_a_tool_that_breaks_is_not_hidden():
    def broken(argument):
        raise RuntimeError("guasto")

    with pytest.raises(RuntimeError, match="guasto"):
        act("rotto[x]", {"rotto": broken})
