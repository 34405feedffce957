"""Le affermazioni della sezione 3.5: la codifica posizionale."""

import math
from functools import cache
from statistics import mean

import pytest
import sympy as sp
import torch
from formule import attention_by_formula, norm, unmasked
from registro import affermazione, distacco, invece, premessa, tesi

from attenzione.config import BASE, TransformerConfig, load_tables
from attenzione.embedding import sinusoidal_positions
from attenzione.model import Transformer


def small_model(seed=0, **options):
    torch.manual_seed(seed)
    values = {"n_vocab": 12, "n_layers": 1, "d_model": 32, "d_ff": 64, "n_heads": 1, "p_drop": 0.0} | options
    return Transformer(TransformerConfig(**values))


@affermazione(
    "senza-posizioni-ordine-perduto",
    vero={"posizioni": "none", "mescolata": "ingresso"},
    falso=[{"posizioni": "sinusoidal"}, {"posizioni": "learned"}, {"mescolata": "uscita"}],
)
def test_senza_posizioni_ordine_perduto(posizioni, mescolata):
    """Senza posizioni le parole d’ingresso, mescolate, danno la stessa previsione; quelle già scritte, no: la maschera
    causale ne dice l’ordine."""
    moved = {"ingresso": [], "uscita": []}
    for seed in range(3):
        model = small_model(seed, n_layers=2, n_heads=4, positions=posizioni).double()
        src, tgt = torch.randint(3, 12, (2, 1, 10))  # (1, 10), due volte
        for name, order in (("rovesciata", torch.arange(9).flip(0)), ("a caso", torch.randperm(9))):
            kept = torch.cat([order, torch.tensor([9])])  # l’ultima parola resta al suo posto
            for what, pair in (("ingresso", (src[:, kept], tgt)), ("uscita", (src, tgt[:, kept]))):
                with torch.no_grad():
                    before, after = (model(*texts)[0, -1].softmax(dim=-1) for texts in ((src, tgt), pair))
                moved[what].append(((after - before).abs().sum().item() / 2, name))  # la probabilità che cambia posto
    with tesi:
        assert max(share for share, _ in moved[mescolata]) < 1e-12
    with torch.no_grad(), unmasked(model), invece:  # l’ultimo dei tre: senza la maschera, neanche le parole già scritte
        assert torch.allclose(model(src, tgt)[0, -1], model(src, tgt[:, kept])[0, -1], atol=1e-12)
    reversed_ones = [share for share, name in moved["uscita"] if name == "rovesciata"]
    with invece:
        assert (round(min(reversed_ones), 2), round(max(reversed_ones), 2)) == (0.05, 0.18)
    for n in (5, 17, 64, 300):  # e con frasi d’ingresso di altre lunghezze
        src = torch.randint(3, 12, (1, n))
        with torch.no_grad(), tesi:
            assert torch.allclose(model(src[:, torch.randperm(n)], tgt), model(src, tgt), atol=1e-12)


@affermazione(
    "posizioni-larghe-quanto-embedding",
    vero={"unione": lambda x, p: x + p},
    falso=[
        {"unione": lambda x, p: x * p},
        {"unione": lambda x, p: torch.cat([x, p], dim=-1)},
        {"unione": lambda x, p: torch.cat([x[..., ::2], p[..., ::2]], dim=-1)},
    ],
)
@pytest.mark.parametrize("posizioni", ["sinusoidal", "learned"])
def test_posizioni_larghe_quanto_embedding(unione, posizioni):
    """Ciò che entra nelle pile contro la somma, il prodotto e due modi di affiancare; a più grandezze."""
    for d_model in (8, 64, 512):
        model = small_model(d_model=d_model, positions=posizioni, max_len=300).double()
        tokens = torch.randint(3, 12, (1, 300))
        x, p = model.embedding(tokens), model.positions.PE[:300]  # (1, 300, d_model), (300, d_model)
        with tesi:
            assert p.size(1) == x.size(2)
        expected = unione(x, p.expand_as(x))
        with tesi:
            assert model.embed(tokens).shape == expected.shape
            assert torch.allclose(model.embed(tokens), expected)


@affermazione(
    "posizioni-alla-base-delle-pile",
    vero={"pile": ("encoder", "decoder"), "strati": (0,), "dentro": ()},
    falso=[{"pile": ("encoder",)}, {"strati": range(6)}, {"strati": ()}, {"dentro": range(6)}],
)
def test_posizioni_alla_base_delle_pile(pile, strati, dentro):
    """Che cosa entra in ciascuno dei sei strati: ciò che esce da sotto, con la codifica o senza. Dentro nessuno la
    somma: tutti rendono la formula, che di posizioni non ne ha. In cima, no."""
    model, inputs, outputs = small_model(n_layers=6), {}, {}
    for stack in ("encoder", "decoder"):
        for i, layer in enumerate(getattr(model, stack)):
            layer.register_forward_pre_hook(lambda m, x, key=(stack, i): inputs.update({key: x[0]}))
            layer.register_forward_hook(lambda m, x, y, key=(stack, i): outputs.update({key: y}))
    src, tgt = torch.randint(3, 12, (1, 300)), torch.randint(3, 12, (1, 64))
    logits = model(src, tgt)
    assert len(inputs) == len(outputs) == 12
    for (stack, i), x in inputs.items():
        below = outputs[stack, i - 1] if i else model.embedding(src if stack == "encoder" else tgt)
        added = model.positions.PE[: x.size(1)] if stack in pile and i in strati else 0
        with tesi:
            assert torch.allclose(x, below + added, atol=1e-6)
        layer, x = getattr(model, stack)[i], x + model.positions.PE[: x.size(1)] * (i in dentro)
        visible = torch.ones(x.size(1), x.size(1)).tril() > 0 if stack == "decoder" else None
        after = norm(x + attention_by_formula(layer.self_attention, x, x, visible=visible))
        if stack == "decoder":
            after = norm(after + attention_by_formula(layer.cross_attention, after, outputs["encoder", 5]))
        with tesi:
            assert torch.allclose(outputs[stack, i], norm(after + layer.feed_forward(after)), atol=1e-4)
    with tesi:
        assert torch.equal(model.encode(src)[0], outputs["encoder", 5])
        assert torch.allclose(logits, model.embedding.logits(outputs["decoder", 5]), atol=1e-5)


@affermazione(
    "formule-della-codifica",
    vero={"base": 10000, "pari": math.sin, "dispari": math.cos, "passo": 2},
    falso=[{"pari": math.cos, "dispari": math.sin}, {"base": 1000}, {"dispari": math.sin}, {"passo": 1}],
)
@pytest.mark.parametrize("d_model", [8, 64, 512])
def test_formule_della_codifica(base, pari, dispari, passo, d_model):
    """Ciò che il modello somma a un embedding nullo, componente per componente, contro la formula."""
    model = small_model(d_model=d_model).double()
    PE = model.positions(torch.zeros(1, BASE.max_len, d_model, dtype=torch.float64))[0].tolist()  # 1024 righe
    for pos in (*range(60), *range(60, BASE.max_len, 37), BASE.max_len - 1):
        for i in range(d_model // 2):
            angle = pos / base ** (passo * i / d_model)
            with tesi:
                assert abs(PE[pos][2 * i] - pari(angle)) < 1e-11 and abs(PE[pos][2 * i + 1] - dispari(angle)) < 1e-11


def triangles(n, d_model):
    return sinusoidal_positions(n, d_model).asin() * 2 / math.pi  # le stesse lunghezze d’onda, a denti di sega


def noise(n, d_model):
    return torch.randn(n, d_model, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@affermazione(
    "ogni-componente-una-sinusoide",
    vero={"codifica": sinusoidal_positions},
    falso=[{"codifica": triangles}, {"codifica": noise}],
)
@pytest.mark.parametrize("d_model", [8, 64, 512])
def test_ogni_componente_una_sinusoide(codifica, d_model):
    """Solo una sinusoide soddisfa f(p − 1) + f(p + 1) = c f(p) a ogni p, con c fra −2 e 2: in tutte le posizioni che il
    modello accetta."""
    PE = codifica(BASE.max_len, d_model)  # (1024, d_model)
    around, middle = PE[:-2] + PE[2:], PE[1:-1]  # (1022, d_model), due volte
    c = (around * middle).sum(dim=0) / (middle * middle).sum(dim=0)  # (d_model,): il migliore per ogni componente
    with tesi:
        assert torch.allclose(around, c * middle, atol=1e-11, rtol=0) and (c.abs() < 2).all()


i, d, pos, w, k = sp.symbols("i d_model pos omega k", positive=True)
WAVELENGTH = (
    2 * sp.pi / sp.diff(pos / 10000 ** (2 * i / d), pos)
)  # quanto deve crescere pos perché l’angolo faccia un giro


@affermazione(
    "lunghezze-in-progressione-geometrica",
    vero={"costante": lambda a, b: b / a},
    falso=[{"costante": lambda a, b: b - a}, {"costante": lambda a, b: 1 / a - 1 / b}],
)
def test_lunghezze_in_progressione_geometrica(costante):
    """Fra due lunghezze d’onda di fila è costante il rapporto: non la differenza, né quella fra le frequenze, come
    sarebbe in una serie di Fourier. Per ogni i e ogni d_model; poi nella libreria."""
    with tesi:
        assert sp.simplify(sp.diff(costante(WAVELENGTH, WAVELENGTH.subs(i, i + 1)), i)) == 0
    for d_model in (8, 64, 512):
        lengths = 2 * math.pi / sinusoidal_positions(2, d_model)[1, 0::2].asin()  # (d_model/2,)
        steps = costante(lengths[:-1], lengths[1:])  # (d_model/2 − 1,)
        with tesi:
            assert torch.allclose(steps, steps[0])


@affermazione(
    "estremi-delle-lunghezze-d-onda",
    vero={"prima": 2 * sp.pi, "ultima": 2 * sp.pi * 10000 ** (1 - 2 / d)},
    falso=[{"ultima": 2 * sp.pi * 10000}, {"prima": sp.Integer(1)}],
)
def test_estremi_delle_lunghezze_d_onda(prima, ultima):
    """La prima coppia ha i = 0 e l’ultima i = d_model/2 − 1: per ogni d_model, poi nella libreria."""
    with tesi:
        assert sp.simplify(WAVELENGTH.subs(i, 0) - prima) == 0
        assert sp.simplify(WAVELENGTH.subs(i, d / 2 - 1) - ultima) == 0
    for d_model in (8, 64, 512):
        lengths = 2 * math.pi / sinusoidal_positions(2, d_model)[1, 0::2].asin()  # (d_model/2,)
        extremes = [float(prima), float(ultima.subs(d, d_model))]
        with tesi:
            assert torch.allclose(lengths[[0, -1]], torch.tensor(extremes, dtype=torch.float64))
    last = WAVELENGTH.subs(i, d / 2 - 1) / (2 * sp.pi)
    with invece:
        assert round(float(last.subs(d, 512)), 1) == 9646.6 and round(100 - 9646.6 / 100, 1) == 3.5
        assert sp.limit(last, d, sp.oo) == 10000  # e vi si avvicina crescendo: non la raggiunge
        assert sp.simplify(d**2 * sp.diff(sp.expand_log(sp.log(last), force=True), d)).is_positive


@affermazione(
    "spostamento-lineare",
    vero={"seno": w * pos, "coseno": w * pos},
    falso=[{"coseno": 2 * w * pos}, {"seno": w * pos**2, "coseno": w * pos**2}],
)
def test_spostamento_lineare(seno, coseno):
    """La matrice che sposta di k si ricava da due posizioni, e deve valere in tutte. Con due frequenze nella stessa
    coppia, o con un angolo che non cresce in proporzione a pos, non vale."""
    pair = sp.Matrix([[sp.sin(seno), sp.cos(coseno)]])  # (1, 2)
    here = sp.Matrix.vstack(pair.subs(pos, 0), pair.subs(pos, sp.pi / (2 * w)))  # (2, 2)
    there = sp.Matrix.vstack(pair.subs(pos, k), pair.subs(pos, sp.pi / (2 * w) + k))  # (2, 2)
    shift = here.inv() * there  # (2, 2): in k e ω, senza pos
    difference = pair.subs(pos, pos + k) - pair * shift  # (1, 2)
    with tesi:
        assert all(sp.simplify(sp.expand_trig(sp.expand(entry))) == 0 for entry in difference)
    numbers = sp.lambdify((w, k), shift)
    for d_model in (8, 64, 512):
        PE = sinusoidal_positions(BASE.max_len, d_model)  # (1024, d_model)
        for pair_index in range(d_model // 2):
            both = PE[:, 2 * pair_index : 2 * pair_index + 2]  # (1024, 2)
            for offset in (1, 7, 30, 1000):
                matrix = torch.tensor(numbers(10000 ** (-2 * pair_index / d_model), offset), dtype=torch.float64)
                with tesi:
                    assert torch.allclose(both[:-offset] @ matrix, both[offset:], atol=1e-11)


N = 12  # le posizioni su cui si addestra


def encoder(codifica, seed):
    """Un encoder di uno strato. «mescolata»: le stesse sinusoidi, ma distribuite a caso fra le posizioni; «liscia»:
    sinusoidi di pos²/12, vicine fra posti vicini, ma senza spostamento lineare; «a caso»: vettori a caso, fissi, della
    stessa varianza."""
    max_len = N if codifica == "learned" else 64
    model = small_model(seed, positions="learned" if codifica == "learned" else "sinusoidal", max_len=max_len)
    if codifica == "mescolata":
        model.positions.PE[:N] = model.positions.PE[torch.randperm(N)]
    if codifica == "liscia":
        angles = torch.arange(64)[:, None] ** 2 / N / 10000 ** (torch.arange(0, 32, 2) / 32)  # (64, 16)
        model.positions.PE = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)  # (64, 32)
    if codifica == "a caso":
        model.positions.PE = torch.randn(64, 32) / math.sqrt(2)
    return model


@cache
def trained(codifica, steps, seed, held_out=()):
    """Il compito del capitolo: in ogni posizione la lettera di quella prima. Non si impara nelle posizioni held_out."""
    model, generator = encoder(codifica, seed), torch.Generator().manual_seed(seed + 100)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, betas=(0.9, 0.98))
    asked = [p for p in range(1, N) if p not in held_out]
    for _ in range(steps):
        letters = torch.randint(4, 12, (32, N), generator=generator)
        z, _ = model.encode(letters)  # (32, 12, 32)
        logits = model.embedding.logits(z[:, asked])  # (32, posizioni, 12)
        loss = torch.nn.functional.cross_entropy(logits.mT, letters[:, [p - 1 for p in asked]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@torch.no_grad()
def accuracy(model, where, n=N):
    """La parte di lettere giuste, su 500 sequenze di n, nelle posizioni where; a caso si indovina un ottavo."""
    letters = torch.randint(4, 12, (500, n), generator=torch.Generator().manual_seed(1))
    logits = model.embedding.logits(model.encode(letters)[0])  # (500, n, 12)
    right = logits[:, 1:].argmax(dim=-1) == letters[:, :-1]  # (500, n − 1)
    return right[:, [p - 1 for p in where]].double().mean().item()


@pytest.mark.lento
@affermazione(
    "posizioni-relative-facili",
    vero={"codifica": "sinusoidal", "mai_viste": (2, 5, 8), "passi": 300},
    falso=[{"codifica": "learned"}, {"codifica": "mescolata"}, {"mai_viste": (5, 6, 7)}],
    controllo=[{"passi": 0}],
    semi=(0, 1, 2),
)
def test_posizioni_relative_facili(codifica, mai_viste, passi, semi):
    """La regola «guarda un posto prima», imparata in due posizioni su tre, vale anche in quella in mezzo? Con le
    sinusoidi sì, con le stesse distribuite a caso, o con una tabella, no. Ma in tre di fila non vale più; e in mezzo
    vale anche con una codifica liscia qualsiasi: non è lo spostamento lineare a darla."""

    def right(codifica, mai_viste, where):
        return [accuracy(trained(codifica, passi, seed, mai_viste), where) for seed in semi]

    with premessa:  # dove si insegna, imparano tutti
        assert mean(right(codifica, mai_viste, [p for p in range(1, N) if p not in mai_viste])) > 0.8
    new = right(codifica, mai_viste, mai_viste)
    with tesi:
        assert distacco(new, [1 / 8] * len(semi)) > 2 and mean(new) > 1 / 2
    with invece:
        assert abs(mean(right("sinusoidal", (5, 6, 7), (5, 6, 7))) - 1 / 3) < 0.1
        assert mean(right("liscia", mai_viste, mai_viste)) > 1 / 2


@affermazione(
    "apprese-e-sinusoidali-quasi-uguali",
    vero={"riga": "E"},
    falso=[{"riga": "A-h4"}, {"riga": "B-dk32"}, {"riga": "C-N8"}, {"riga": "D-p0.2"}],
)
def test_apprese_e_sinusoidali_quasi_uguali(riga):
    """Nella tabella 3 la riga (E) contro la riga base; altre righe, che pure cambiano poco, cambiano di più."""
    rows = {row["nome"]: row for row in load_tables()["tabella_3"]}
    assert rows["E"]["posizioni"] == "learned" and BASE.positions == "sinusoidal"
    cells, base = rows[riga]["celle"], rows["base"]["celle"]
    with tesi:
        assert round(abs(cells["ppl_dev"] - base["ppl_dev"]), 2) == 0
        assert round(abs(cells["bleu_dev"] - base["bleu_dev"]), 1) <= 0.1


@pytest.mark.lento
@affermazione(
    "sinusoidi-e-sequenze-piu-lunghe",
    vero={"codifica": "sinusoidal", "passi": 300, "conservata": False},
    falso=[{"codifica": "mescolata"}, {"conservata": True}],
    controllo=[{"passi": 0}],
    semi=(0, 1, 2),
)
def test_sinusoidi_e_sequenze_piu_lunghe(codifica, passi, conservata, semi):
    """Oltre le posizioni viste la tabella appresa non arriva. Le sinusoidi sì: vi si indovina più che con altri vettori
    fissi, ma molto meno che nelle posizioni viste, anche quando la frase è altrettanto lunga."""
    with pytest.raises(ValueError, match="attese al più max_len = 12"):
        accuracy(encoder("learned", 0), range(N, 32), n=32)
    seen = [accuracy(trained(codifica, passi, seed), range(1, N)) for seed in semi]
    new = [accuracy(trained(codifica, passi, seed), range(N, 32), n=32) for seed in semi]
    first = [accuracy(trained(codifica, passi, seed), range(1, N), n=32) for seed in semi]
    others = [accuracy(trained("a caso", passi, seed), range(N, 32), n=32) for seed in semi]
    with premessa:  # nelle posizioni viste imparano tutti
        assert mean(seen) > 0.7
    with tesi:
        assert distacco(new, others) > 2 and mean(new) > mean(others) + 0.05
        assert (mean(new) > mean(seen) - 0.3) == conservata
    with invece:
        assert abs(mean(new) - 1 / 3) < 0.1 and 1.6 < mean(new) / mean(others) < 2.6 and mean(seen) > 0.99
        assert mean(first) > 0.9 and min(first) > max(new) + 0.4
