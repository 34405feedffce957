"""I tempi misurati a turno."""

import pytest

from attenzione.measure.timing import seconds_in_turn


def test_i_lavori_si_alternano_e_il_giro_che_scalda_non_conta():
    calls = []
    times = seconds_in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] * 4
    assert {name: len(values) for name, values in times.items()} == {"a": 3, "b": 3}
    assert min(times["a"] + times["b"]) >= 0


def test_servono_dei_giri():
    with pytest.raises(ValueError, match="rounds vale 0: atteso almeno 1"):
        seconds_in_turn({"a": list}, 0)
