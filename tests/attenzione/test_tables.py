"""Le tabelle dell’articolo: ogni cifra stampata, una volta, al suo posto."""

import re
from pathlib import Path

import pytest
import yaml

from attenzione.config import load_tables
from attenzione.tables import printed_table

FATTI = Path(__file__).parents[2].parent / "shared" / "originale" / "tabelle.yml"
RIGHE = {1: 4, 2: 10, 3: 20, 4: 12}


def digits(text):
    """Le cifre di una cella in forma comune: «$2{,}3\\cdot10^{19}$» → 2.3·10^19, «100 000» → 100K."""
    text = text.strip("*").replace("{,}", ".").replace(",", ".").replace("\u202f000", "K")
    return re.sub(r"\$(.*?)\\cdot10\^\{(\d+)\}\$", r"\1·10^\2", text)


@pytest.mark.parametrize("number", RIGHE)
def test_righe_e_colonne(number):
    table = printed_table(number)
    assert len(table.rows) == RIGHE[number]
    assert {len(row) for row in table.rows} == {len(table.header)}
    assert table._repr_markdown_().count("\n") == RIGHE[number] + 1


@pytest.mark.parametrize("number", (2, 3, 4))
def test_ogni_cifra_stampata(number):
    """Ogni cifra dei dati compare nella sua riga, e nessun’altra."""
    for row, shown in zip(load_tables()[f"tabella_{number}"], printed_table(number).rows, strict=True):
        found = [digits(cell) for cell in shown[1:] if re.search(r"\d", cell)]
        expected = list(row["stampa"].values())
        if "flops_both" in row["stampa"]:  # un costo solo, scritto sotto le due colonne
            expected.append(row["stampa"]["flops_both"])
        assert sorted(found) == sorted(expected), row


def test_grassetto():
    best = [cell for row in printed_table(2).rows for cell in row if cell.startswith("**")]
    assert [digits(cell) for cell in best] == ["41.29", "3.3·10^18", "3.3·10^18", "28.4", "41.8"]


def test_tabella_ignota():
    with pytest.raises(ValueError, match="da 1 a 4"):
        printed_table(5)


@pytest.mark.skipif(not FATTI.exists(), reason="mancano i numeri di riferimento delle tabelle")
@pytest.mark.parametrize("number", (2, 3, 4))
def test_dati_uguali_ai_fatti(number):
    facts = yaml.safe_load(FATTI.read_text("utf8"))[f"table_{number}"]["rows"]
    ours = load_tables()[f"tabella_{number}"]
    assert [row["stampa"] for row in ours] == [row["printed"] for row in facts]
