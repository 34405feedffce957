"""Le affermazioni della sezione 5.2: macchine e tempi."""

from registro import affermazione, tesi

from attenzione.config import BASE, BIG, TABLE_3, load_tables
from attenzione.training.loop import TrainingConfig


def steps_of(name):
    return next(row["celle"]["train_steps"] for row in load_tables()["tabella_3"] if row["nome"] == name)


@affermazione(
    "dodici-ore-per-il-base",
    vero={"secondi": 0.4, "ore": 12},
    falso=[{"ore": 24}, {"ore": 8}, {"secondi": 1.0}, {"secondi": 0.2}],
)
def test_dodici_ore(secondi, ore):
    """Le ore dette stanno fra quelle dei passi che, arrotondati a un decimale, si scrivono «secondi»."""
    steps = steps_of("base")
    assert steps == TrainingConfig().steps and TABLE_3["base"] == BASE
    with tesi:
        assert steps * (secondi - 0.05) / 3600 < ore < steps * (secondi + 0.05) / 3600
        assert 11 < steps * secondi / 3600 < 11.2  # il prodotto esatto


@affermazione(
    "tre-giorni-e-mezzo-per-il-big",
    vero={"secondi": 1.0, "giorni": 3.5},
    falso=[{"giorni": 2.5}, {"giorni": 7}, {"secondi": 0.4}],
)
def test_tre_giorni_e_mezzo(secondi, giorni):
    """Come sopra, con i passi del modello big."""
    assert TABLE_3["big"] == BIG
    with tesi:
        assert steps_of("big") * (secondi - 0.05) < giorni * 86_400 < steps_of("big") * (secondi + 0.05)
