"""Le affermazioni sulle tre famiglie, e sui pezzi di un blocco di oggi."""

import math

import torch
from registro import affermazione, tesi
from torch import nn

from attenzione.config import TransformerConfig
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.masked import MaskedModel, hide
from attenzione.later.normalization import RMSNorm
from attenzione.model import Transformer


def everything(n):
    return torch.ones(n, n, dtype=torch.bool)


def up_to_itself(n):
    return everything(n).tril()


def before_itself(n):
    return everything(n).tril(-1)


@affermazione(
    "chi-vede-chi-nelle-tre-famiglie",
    vero={"bert": everything, "gpt": up_to_itself, "t5_frase": everything, "t5_risposta": up_to_itself},
    falso=[
        {"bert": up_to_itself},
        {"gpt": everything},
        {"gpt": before_itself},
        {"t5_frase": up_to_itself},
        {"t5_risposta": everything},
    ],
)
def test_chi_vede_chi_nelle_tre_famiglie(bert, gpt, t5_frase, t5_risposta):
    """Due strati, tre lunghezze, ogni token cambiato da solo: quali posizioni dei logit si muovono."""
    sizes = {"n_vocab": 50, "n_layers": 2, "d_model": 32, "d_ff": 48, "n_heads": 4}
    for n in (2, 5, 8):
        masked, t5 = MaskedModel(TransformerConfig(**sizes)), Transformer(TransformerConfig(**sizes))
        masked, t5, writer = (m.double().eval() for m in (masked, t5, LanguageModel(LanguageModelConfig(**sizes))))
        source, target = torch.randint(4, 49, (2, n))
        with torch.no_grad():
            filled, continued = moved(masked, source), moved(writer, source)
            within = moved(lambda x, t5=t5: t5.encode(x)[0], source)
            across = moved(lambda x, t5=t5, y=target: t5(x, y.expand(len(x), -1)), source)
            written = moved(lambda y, t5=t5, x=source: t5(x.expand(len(y), -1), y), target)
        with tesi:
            assert torch.equal(filled, bert(n)) and torch.equal(continued, gpt(n))
            assert torch.equal(within, t5_frase(n)) and across.all()
            assert torch.equal(written, t5_risposta(n))


def moved(run, tokens):
    """Chi arriva a chi: (n, n), vero se cambiando il token j si muove l’uscita i. run: da (B, n) a (B, n, …)."""
    changed = tokens + torch.eye(len(tokens), dtype=tokens.dtype)  # (n, n): una riga per token cambiato
    return ((run(changed) - run(tokens[None])).abs() > 1e-9).any(dim=-1).T


@affermazione(
    "bert-quanti-ne-nasconde",
    vero={"scelti": 0.15, "nascosti": 0.8, "cambiati": 0.1},
    falso=[
        {"scelti": 0.2},
        {"nascosti": 1.0, "cambiati": 0.0},
        {"nascosti": 0.9},
        {"cambiati": 0.2},
    ],
)
def test_bert_quanti_ne_nasconde(scelti, nascosti, cambiati):
    """Quattromila frasi di lunghezze diverse, due semi: le parti osservate, e che cosa non si tocca."""
    words, mask = range(10, 5010), 3
    for seed in (0, 1):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randint(words.start, words.stop, (4000, 50), generator=generator)
        x[:, 0] = 1  # BOS
        x.masked_fill_(torch.arange(50) >= torch.randint(10, 51, (4000, 1), generator=generator), 0)
        spoiled, chosen = hide(x, mask, words, generator)
        fate, word = spoiled[chosen], (x >= words.start).sum(dim=0)
        other = (fate != mask) & (fate != x[chosen])
        with tesi:
            assert not chosen[x < words.start].any() and torch.equal(spoiled[~chosen], x[~chosen])
            assert near(chosen[:, 1:].sum(dim=0), word[1:], scelti)  # in ogni posto
            assert near((fate == mask).sum(), len(fate), nascosti)
            assert near(other.sum(), len(fate), cambiati)
            assert near((fate[other] < 2510).sum(), other.sum(), 0.5) and fate[other].min() >= words.start


def near(count, n, p):
    """Se count su n si spiega con la probabilità p, entro quattro scarti tipo e mezzo."""
    n = torch.as_tensor(n, dtype=torch.float64)
    return bool(((count - n * p).abs() <= 4.5 * (n * p * (1 - p)).sqrt()).all())


@affermazione(
    "rmsnorm-scala-e-spostamento",
    vero={"toglie_la_media": False, "resta": {"scala"}},
    falso=[{"resta": {"scala", "spostamento"}}, {"resta": set()}, {"toglie_la_media": True}],
)
def test_rmsnorm_scala_e_spostamento(toglie_la_media, resta):
    """Quattro larghezze, guadagni a caso; accanto, la layer normalization, che resta uguale in tutti e due i casi."""
    for d_model in (2, 8, 64, 512):
        norm, x = RMSNorm(d_model, eps=1e-20).double(), torch.randn(5, d_model, dtype=torch.float64)
        nn.init.normal_(norm.g)
        layer_norm = nn.LayerNorm(d_model, eps=1e-20, dtype=torch.float64)
        rows = (x - x.mean(dim=1, keepdim=True) if toglie_la_media else x).tolist()
        by_hand = [[v / math.sqrt(math.fsum(u * u for u in row) / d_model) for v in row] for row in rows]
        with tesi:
            assert torch.allclose(norm(x), torch.tensor(by_hand, dtype=torch.float64) * norm.g, atol=1e-6)
            assert unchanged(norm, x) == resta
            assert unchanged(layer_norm, x) == {"scala", "spostamento"}


def unchanged(norm, x):
    """Che cosa, fatto all’ingresso, lascia l’uscita com’è, per ogni quantità provata; o non la lascia per nessuna."""
    found = set()
    for name, changes in (
        ("scala", [c * x for c in (0.01, 3, 1000)]),
        ("spostamento", [x + c for c in (0.5, -3, 100)]),
    ):
        same = {torch.allclose(norm(change), norm(x), atol=1e-5) for change in changes}
        assert len(same) == 1, name
        found |= {name} & ({name} if same == {True} else set())
    return found
