"""Le affermazioni del frontespizio e del sommario."""

from dataclasses import replace

import torch
from registro import affermazione, invece, tesi

from attenzione.config import BASE, load_tables
from attenzione.model import Transformer

ROWS = {row["model"]: row for row in load_tables()["tabella_2"]}
OTHERS = [row for row in ROWS.values() if row["gruppo"] != "transformer"]
BIG, BASE_MODEL = "Transformer (big)", "Transformer (base model)"


@affermazione("posizione-priva-di-parametri", vero={"posizioni": "sinusoidal"}, falso=[{"posizioni": "learned"}])
def test_posizione_priva_di_parametri(posizioni):
    """La codifica distingue le posizioni, e il modello intero ha tanti numeri da addestrare quanti senza di lei."""
    model = Transformer(replace(BASE, n_vocab=10, n_layers=1, positions=posizioni, p_drop=0.0))
    p = model.positions(torch.zeros(1, 50, BASE.d_model))[0]  # (50, d_model)
    assert len(p.unique(dim=0)) == 50
    with torch.device("meta"):
        models = [Transformer(replace(BASE, positions=kind)) for kind in (posizioni, "none")]
    with tesi:
        assert sum(parameter.numel() for parameter in model.positions.parameters()) == 0
        assert len({sum(p.numel() for p in model.parameters()) for model in models}) == 1


@affermazione("oltre-due-bleu", vero={"modello": BIG, "margine": 2}, falso=[{"modello": BASE_MODEL}, {"margine": 2.5}])
def test_oltre_due_bleu(modello, margine):
    """Il migliore degli altri, ensemble compresi, sta più di due punti sotto."""
    best = max(row.get("bleu_en_de", 0) for row in OTHERS)
    with tesi:
        assert ROWS[modello]["bleu_en_de"] - best > margine


@affermazione(
    "molto-piu-rapidi-da-addestrare",
    vero={"modello": BASE_MODEL, "volte": 2.9},
    falso=[{"modello": BIG}, {"modello": BIG, "volte": 1}, {"volte": 3}],
)
def test_molto_piu_rapidi_da_addestrare(modello, volte):
    """Il base costa molto meno di ogni altro, in tutte e due le lingue; il big soltanto in francese: in tedesco due
    costano meno di lui, e uno quanto lui. Sono operazioni: le ore degli altri nella tabella non ci sono."""
    costs = {row["model"]: row["flops_en_de"] for row in OTHERS if "flops_en_de" in row}
    french = [row["flops_en_fr"] for row in OTHERS if "flops_en_fr" in row]
    with tesi:
        assert all(cost > volte * ROWS[modello]["flops_both"] for cost in (*costs.values(), *french))
    big = ROWS[BIG]["flops_both"]
    with invece:
        assert len(french) == 7 and min(french) > 4 * big
        assert costs["GNMT + RL"] == big
        assert {name for name, cost in costs.items() if cost < big} == {"ConvS2S", "MoE"}
        assert (round(big / costs["MoE"], 2), round(big / costs["ConvS2S"], 1)) == (1.15, 2.4)


def as_they_come(attention, args):
    pass


def convolved(attention, args):
    """Una convoluzione a due posti su ciò che entra: è come farla su query, chiavi e valori."""
    return (args[0] + args[0].roll(1, dims=1), *args[1:])


@affermazione(
    "unicamente-attenzione",
    vero={"spento": "attenzione", "entrano": as_they_come, "dove": "self_attention"},
    falso=[{"spento": "rete feed-forward"}, {"entrano": convolved}, {"entrano": convolved, "dove": "cross_attention"}],
)
def test_unicamente_attenzione(spento, entrano, dove):
    """Spenta l’attenzione, nelle due pile intere, nessuna posizione sa nulla di un’altra, né della frase d’ingresso;
    spente le feed-forward si parlano ancora. Lo stesso se l’attenzione resta, ma ogni posizione guarda sé sola: nel suo
    modulo non c’è altro, come una convoluzione, da cui passi qualcosa. La frase d’ingresso, ferma, la guardano tutte:
    nemmeno di lì passa ciò che un’altra ha scritto."""
    torch.manual_seed(0)
    model = Transformer(replace(BASE, n_vocab=10)).eval()
    for layer in (*model.encoder, *model.decoder):
        attentions = [layer.self_attention, getattr(layer, "cross_attention", layer.self_attention)]
        for off in [a.W_o for a in attentions] if spento == "attenzione" else [layer.feed_forward.W_2]:
            off.data.zero_()
    masked = Transformer(replace(BASE, n_vocab=10)).eval()
    for layer in (*masked.encoder, *masked.decoder):
        getattr(layer, dove, layer.self_attention).register_forward_pre_hook(entrano)
        layer.self_attention.register_forward_pre_hook(only_itself, with_kwargs=True)
    one = torch.arange(4, 9)[None]  # (1, 5)

    def moved(outputs):
        """Chi si muove al cambiare di ciascun token: (5, 5)."""
        before = outputs(one)  # (1, 5, …)
        changed = [torch.where(torch.arange(5) == j, 9, one) for j in range(5)]
        return torch.stack([(outputs(tokens) != before).any(dim=-1)[0] for tokens in changed])

    with torch.no_grad():
        own = [moved(lambda x, m=m: m.encode(x)[0]) for m in (model, masked)]
        own += [moved(lambda x, m=m: m(one, x)) for m in (model, masked)]
        across = moved(lambda x: model(x, one))
    with tesi:
        assert all(torch.equal(found, torch.eye(5) > 0) for found in own) and not across.any()


def only_itself(attention, args, kwargs):
    n = args[0].size(1)
    return args, kwargs | {"mask": torch.eye(n) > 0, "is_causal": False}
