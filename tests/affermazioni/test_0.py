"""Le affermazioni del frontespizio e del sommario."""

from dataclasses import replace

import torch
from registro import affermazione, tesi

from attenzione.config import BASE, load_tables
from attenzione.model import Transformer

ROWS = {row["model"]: row for row in load_tables()["tabella_2"]}
OTHERS = [row for row in ROWS.values() if row["gruppo"] != "transformer"]
BIG, BASE_MODEL = "Transformer (big)", "Transformer (base model)"


@affermazione("posizione-priva-di-parametri", vero={"posizioni": "sinusoidal"}, falso=[{"posizioni": "learned"}])
def test_posizione_priva_di_parametri(posizioni):
    """La codifica distingue le posizioni e non ha nulla da addestrare."""
    model = Transformer(replace(BASE, n_vocab=10, n_layers=1, positions=posizioni, p_drop=0.0))
    p = model.positions(torch.zeros(1, 50, BASE.d_model))[0]  # (50, d_model)
    assert len(p.unique(dim=0)) == 50
    with tesi:
        assert sum(parameter.numel() for parameter in model.positions.parameters()) == 0


@affermazione("oltre-due-bleu", vero={"modello": BIG, "margine": 2}, falso=[{"modello": BASE_MODEL}, {"margine": 2.5}])
def test_oltre_due_bleu(modello, margine):
    """Il migliore degli altri, ensemble compresi, sta più di due punti sotto."""
    best = max(row.get("bleu_en_de", 0) for row in OTHERS)
    with tesi:
        assert ROWS[modello]["bleu_en_de"] - best > margine


@affermazione(
    "molto-piu-rapidi-da-addestrare",
    vero={"volte": 2.9, "sotto_il_big": {"ConvS2S", "MoE"}},
    falso=[{"volte": 3}, {"sotto_il_big": set()}],
)
def test_molto_piu_rapidi_da_addestrare(volte, sotto_il_big):
    """Per inglese-tedesco il base costa molto meno di ogni altro; due costano meno del big, e uno quanto lui."""
    costs = {row["model"]: row["flops_en_de"] for row in OTHERS if "flops_en_de" in row}
    base, big = (ROWS[name]["flops_both"] for name in (BASE_MODEL, BIG))
    assert costs["GNMT + RL"] == big
    with tesi:
        assert all(cost > volte * base for cost in costs.values())
        assert {name for name, cost in costs.items() if cost < big} == sotto_il_big


@affermazione("unicamente-attenzione", vero={"spento": "attenzione"}, falso=[{"spento": "rete feed-forward"}])
def test_unicamente_attenzione(spento):
    """Spenta l’attenzione, nelle due pile, le posizioni non si parlano; spente le feed-forward si parlano ancora."""
    torch.manual_seed(0)
    model = Transformer(replace(BASE, n_vocab=10, n_layers=2)).eval()
    for layer in (*model.encoder, *model.decoder):
        attentions = [layer.self_attention, getattr(layer, "cross_attention", layer.self_attention)]
        for off in [a.W_o for a in attentions] if spento == "attenzione" else [layer.feed_forward.W_2]:
            off.data.zero_()
    one, other = torch.tensor([[4, 5, 6, 7, 8]]), torch.tensor([[9, 5, 6, 7, 8]])  # (1, 5), (1, 5)
    with torch.no_grad():
        pairs = [(model.encode(one)[0], model.encode(other)[0]), (model(one, one), model(other, other))]
    moved = [(a != b).any(dim=-1)[0].tolist() for a, b in pairs]  # l’encoder; poi encoder e decoder insieme
    with tesi:
        assert moved == [[True] + [False] * 4] * 2
