"""Le affermazioni del frontespizio e del sommario."""

from dataclasses import replace

import torch
from registro import affermazione

from attenzione.config import BASE, load_tables
from attenzione.embedding import LearnedPositionalEncoding, SinusoidalPositionalEncoding
from attenzione.model import Transformer

ROWS = {row["model"]: row for row in load_tables()["tabella_2"]}
OTHERS = [row for row in ROWS.values() if row["gruppo"] != "transformer"]
BIG, BASE_MODEL = "Transformer (big)", "Transformer (base model)"


@affermazione(
    "posizione-priva-di-parametri",
    vero={"posizioni": "sinusoidal", "parametri": 0},
    falso=[{"posizioni": "learned"}, {"parametri": 512}],
)
def test_posizione_priva_di_parametri(posizioni, parametri):
    """Nel modello base la codifica posizionale non ha nulla da addestrare."""
    model = Transformer(replace(BASE, n_vocab=10, n_layers=1, positions=posizioni))
    assert isinstance(model.positions, SinusoidalPositionalEncoding | LearnedPositionalEncoding)
    assert sum(p.numel() for p in model.positions.parameters()) == parametri


@affermazione("oltre-due-bleu", vero={"modello": BIG, "margine": 2}, falso=[{"modello": BASE_MODEL}, {"margine": 2.5}])
def test_oltre_due_bleu(modello, margine):
    """Il migliore degli altri, ensemble compresi, sta più di due punti sotto."""
    best = max(row.get("bleu_en_de", 0) for row in OTHERS)
    assert best == 26.36
    assert ROWS[modello]["bleu_en_de"] - best > margine


@affermazione("molto-piu-rapidi-da-addestrare", vero={"modello": BASE_MODEL}, falso=[{"modello": BIG}])
def test_molto_piu_rapidi_da_addestrare(modello):
    """Per inglese-tedesco il modello base costa meno della metà di ogni altro; il big no."""
    assert all(2 * ROWS[modello]["flops_both"] < row["flops_en_de"] for row in OTHERS if "flops_en_de" in row)


@affermazione("unicamente-attenzione", vero={"spento": "attenzione"}, falso=[{"spento": "rete feed-forward"}])
def test_unicamente_attenzione(spento):
    """Spenta l’attenzione le posizioni non si parlano; spente le reti feed-forward si parlano ancora."""
    torch.manual_seed(0)
    model = Transformer(replace(BASE, n_vocab=10, n_layers=2)).eval()
    for layer in model.encoder:
        off = layer.self_attention.W_o if spento == "attenzione" else layer.feed_forward.W_2
        off.data.zero_()
    one, other = torch.tensor([[4, 5, 6, 7, 8]]), torch.tensor([[9, 5, 6, 7, 8]])  # (1, 5), (1, 5)
    changed = (model.encode(one)[0] != model.encode(other)[0]).any(dim=-1)[0]  # (5,)
    assert changed.tolist() == [True] + [False] * 4
