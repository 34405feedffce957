"""Le figure si provano con lo stile del libro, senza schermo."""

import matplotlib
import matplotlib.pyplot as plt
import pytest

from attenzione.figures import use_style

matplotlib.use("Agg")


@pytest.fixture
def book_style():
    use_style()
    yield
    plt.close("all")
