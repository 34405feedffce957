"""Le figure dei compiti giocattolo: seguono i numeri dati."""

import pytest
import torch

from attenzione.figures import depth_figure, letter_map

pytestmark = pytest.mark.usefixtures("book_style")


def test_depth_figure_divide_le_profondita_viste_dalle_altre():
    seen, new, _ = depth_figure({1: 1.0, 2: 0.9, 3: 0.6}, trained=2).axes[0].lines
    assert list(seen.get_ydata()) == [1.0, 0.9] and list(new.get_ydata()) == [0.9, 0.6]
    with pytest.raises(ValueError, match="scores è vuoto"):
        depth_figure({})


def test_letter_map_ha_le_lettere_e_i_pesi():
    weights = torch.eye(3)
    ax = letter_map(weights, "abc", "xyz").axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.collections[0].get_array().tolist() == weights.tolist()
    with pytest.raises(ValueError, match=r"weights ha forma \(3, 3\): attesa \(2, 3\)"):
        letter_map(weights, "ab", "xyz")
