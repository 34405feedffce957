"""Le affermazioni della conclusione, dai numeri della tabella 2."""

from registro import affermazione, tesi

from attenzione.config import load_tables

ROWS = {row["model"]: row for row in load_tables()["tabella_2"]}
BASE, BIG = "Transformer (base model)", "Transformer (big)"


def previous(column, kinds=("singolo", "ensemble")):
    return [row[column] for row in ROWS.values() if row["gruppo"] in kinds and column in row]


@affermazione(
    "supera-gli-ensemble",
    vero={"modello": BIG},
    falso=[{"modello": "MoE"}, {"modello": "GNMT + RL Ensemble"}, {"modello": "ConvS2S"}],
)
def test_supera_gli_ensemble(modello):
    """Il BLEU inglese-tedesco contro quello di ogni ensemble."""
    with tesi:
        assert ROWS[modello]["bleu_en_de"] > max(previous("bleu_en_de", kinds=("ensemble",)))


@affermazione(
    "stato-dell-arte-in-due-compiti",
    vero={"en_de": 28.4, "en_fr": 41.8},
    falso=[{"en_fr": 41.0}, {"en_de": 27.3, "en_fr": 38.1}],
)
def test_stato_dell_arte_in_due_compiti(en_de, en_fr):
    """Ogni sistema precedente sta sotto; il 41,0 della sezione 6.1, sotto due ensemble, e il modello base non
    basterebbero."""
    assert (ROWS[BIG]["bleu_en_de"], ROWS[BIG]["bleu_en_fr"]) == (28.4, 41.8)
    with tesi:
        assert en_de > max(previous("bleu_en_de")) and en_fr > max(previous("bleu_en_fr"))
        above = [
            [bleu for bleu in previous("bleu_en_fr", kinds) if bleu > 41] for kinds in (("singolo",), ("ensemble",))
        ]
        assert [len(bleu) for bleu in above] == [0, 2]


@affermazione("nettamente-piu-in-fretta", vero={"modello": BASE, "volte": 2}, falso=[{"modello": BIG}, {"volte": 3}])
def test_nettamente_piu_in_fretta(modello, volte):
    """Contro ogni altra architettura della tabella 2, tutte ricorrenti o convoluzionali, in tutt’e due le lingue."""
    costs = [*previous("flops_en_de"), *previous("flops_en_fr")]
    assert (len(previous("flops_en_de")), len(costs)) == (5, 12)
    with tesi:
        assert min(costs) > volte * ROWS[modello]["flops_both"]
