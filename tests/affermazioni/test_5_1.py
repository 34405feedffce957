"""Le affermazioni della sezione 5.1: i batch."""

import random

from registro import affermazione, tesi

from attenzione.config import BASE, TransformerConfig, count_parameters
from attenzione.model import Transformer
from attenzione.training.batches import token_batches
from attenzione.training.loop import TrainingConfig, train


def wasted(pairs, batches):
    """La quota di caselle di riempimento."""
    cells = tokens = 0
    for batch in batches:
        for lengths in ([len(pairs[i][0]) for i in batch], [len(pairs[i][1]) + 1 for i in batch]):
            cells, tokens = cells + len(batch) * max(lengths), tokens + sum(lengths)
    return 1 - tokens / cells


def uneven_pairs(n, rng):
    """Coppie di frasi, molte corte e poche lunghe, in ordine sparso."""
    lengths = [max(1, min(150, round(rng.lognormvariate(3.1, 0.6)))) for _ in range(n)]
    return [([3] * n, [3] * max(1, round(n * rng.gauss(1, 0.15)))) for n in lengths]


@affermazione(
    "batch-per-lunghezza",
    vero={"criterio": "lunghezza"},
    falso=[{"criterio": "caso"}, {"criterio": "corpus"}],
)
def test_batch_per_lunghezza(criterio):
    """Ventimila coppie, molte corte e poche lunghe: le caselle vuote, contro un raggruppamento a caso. E le caselle
    vuote di ciò che l’addestramento dà davvero a un modello, in un’epoca."""
    rng = random.Random(0)
    pairs = uneven_pairs(20_000, rng)
    by_tokens = token_batches(pairs, TrainingConfig().max_tokens)
    assert sorted(i for batch in by_tokens for i in batch) == list(range(len(pairs)))
    size = len(pairs) // len(by_tokens)

    def grouped(order):
        return [order[i : i + size] for i in range(0, len(order), size)]

    corpus = list(range(len(pairs)))
    batches = {
        "lunghezza": by_tokens,
        "caso": grouped(rng.sample(corpus, len(corpus))),
        "corpus": grouped(corpus),
    }[criterio]
    with tesi:
        assert wasted(pairs, batches) < wasted(pairs, grouped(rng.sample(corpus, len(corpus)))) / 2
    few = uneven_pairs(600, rng)
    epoch = len(token_batches(few, 1000))
    seen = []
    tiny = Transformer(TransformerConfig(n_vocab=8, n_layers=1, d_model=8, d_ff=8, n_heads=2))
    tiny.register_forward_pre_hook(lambda model, args: seen.extend(args))
    train(tiny, few, TrainingConfig(epoch, 1000), progress=False)
    empty = sum(int((tokens == tiny.config.pad_id).sum()) for tokens in seen)
    size = len(few) // epoch
    at_random = wasted(few, [range(i, min(i + size, len(few))) for i in range(0, len(few), size)])
    assert len(seen) == 2 * epoch
    with tesi:
        assert empty / sum(tokens.numel() for tokens in seen) < at_random / 2


@affermazione("batch-di-25000-token", vero={"token": 25_000}, falso=[{"token": 8 * 25_000}, {"token": 25_000 * 25}])
def test_batch_di_25000_token(token):
    """Sei operazioni per parametro e per token, contro 0,4 s di otto P100: per ciascuna, o di frasi, non ci stanno."""
    assert TrainingConfig().max_tokens == 25_000
    parts = count_parameters(BASE)
    stacks = sum(n for name, n in parts.items() if name.startswith(("encoder", "decoder", "embedding")))
    with tesi:
        assert 6 * token * stacks < 0.4 * 8 * 9.5e12
