"""Le tabelle dell’articolo: ogni cifra stampata, una volta, al suo posto."""

import re
from dataclasses import replace

import pytest

from attenzione.config import BASE, TABLE_3, count_parameters, load_tables
from attenzione.evidence.tables import (
    parameters_table,
    printed_table,
    training_cost_table,
    training_flops,
    vocabulary_range,
)

NUMBER = re.compile(r"(?<![\w.`])\d+(?:\.\d+)?K?(?:·10\^\d+)?(?![\w.)`])")
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


@pytest.mark.parametrize("number", (2, 3, 4))
def test_le_cifre_sono_quelle_dell_originale(number, originale):
    """Riga per riga: ogni cifra dei dati è stampata, e ogni cifra stampata è nei dati."""
    table = originale["blocchi"][f"tab{number}"]["myst"].replace("\\cdot10^{", "·10^")
    rows = re.findall(r"^\* -.*((?:\n  -.*)*)", table, re.M)  # senza la prima cella, che è il nome
    headers = int(re.search(r":header-rows: (\d)", table)[1])
    found = [sorted(NUMBER.findall(row)) for row in rows[headers:]]
    ours = [sorted(map(str, row["stampa"].values())) for row in load_tables()[f"tabella_{number}"]]
    assert [row for row in found if row] == ours


def test_stampato_e_ricalcolato_stanno_in_colonne_diverse():
    table = training_cost_table()
    assert [len(row) for row in table.rows] == [5] * 4
    assert table.header[2:4] == ["FLOPs: stampato", "FLOPs: ricalcolato"]
    assert [row[2] for row in table.rows] == [r"$3{,}3\cdot10^{18}$"] * 2 + [r"$2{,}3\cdot10^{19}$"] * 2
    assert table.rows[0][3:] == [r"$3{,}28\cdot10^{18}$", "−0,5\u00a0%"]
    assert table.rows[3][3:] == [r"$2{,}28\cdot10^{19}$", "−0,9\u00a0%"]


def test_operazioni_di_un_addestramento():
    assert training_flops(1, n_gpus=1, gpu="K80") == 2.8e12
    assert training_flops(10) == 8 * training_flops(10, n_gpus=1)


def test_vocabolari_che_danno_i_parametri_stampati():
    """Agli estremi dell’intervallo l’arrotondamento torna, appena fuori no."""
    for config, millions in ((BASE, 65), (TABLE_3["C-d256"], 28)):
        low, high = vocabulary_range(config, millions)
        counts = [count_parameters(replace(config, n_vocab=n))["totale"] / 1e6 for n in (low - 1, low, high, high + 1)]
        assert counts[0] < millions - 0.5 <= counts[1] <= counts[2] < millions + 0.5 <= counts[3]


def test_tabella_dei_parametri():
    table = parameters_table()
    assert len(table.rows) == sum("params_1e6" in row["celle"] for row in load_tables()["tabella_3"]) == 11
    assert table.rows[0][:3] == ["base", "65", "63,05"]
