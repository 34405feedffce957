"""I numeri in italiano."""

import pytest
import torch

from attenzione.italian import number


@pytest.mark.parametrize(
    ("x", "spec", "written"),
    [
        (0.125, ".2f", "0,12"),
        (0.5, "", "0,5"),
        (1234567, ",", "1\u202f234\u202f567"),
        (1234.5, ",.1f", "1\u202f234,5"),
        (0.256, ".1%", "25,6\u00a0%"),
        (-2.5, "+.1f", "-2,5"),
        (2.5, "7.2f", "   2,50"),
        (1e-8, ".0e", "1e-08"),
        (1e-8, ".1e", "1,0e-08"),
        (42, "", "42"),
        (torch.tensor(0.25), ".2f", "0,25"),
    ],
)
def test_a_number_as_italians_write_it(x, spec, written):
    assert number(x, spec) == written
