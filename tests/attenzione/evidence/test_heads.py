"""Le teste messe alla prova, su un modello finto di cui si conoscono i pesi."""

import pytest
import torch

from attenzione.config import TransformerConfig
from attenzione.evidence.heads import (
    Example,
    alignment_error,
    alignment_error_rate,
    chance_accuracy,
    head_accuracy,
    peak_weight,
)
from attenzione.model import Transformer


class Fake(torch.nn.Linear):
    """Uno strato, due teste: la prima guarda la posizione stessa, la seconda la prima posizione."""

    def __init__(self):
        super().__init__(1, 1)
        self.config = TransformerConfig(n_vocab=10, n_layers=1, d_model=8, n_heads=2)

    def attention_weights(self, src, tgt):
        def rows(n_q, n_k):
            same, first = torch.zeros(n_q, n_k), torch.zeros(n_q, n_k)
            same[range(min(n_q, n_k)), range(min(n_q, n_k))] = 1
            first[:, 0] = 1
            return [torch.stack([same, first])[None]]

        n, m = src.size(1), tgt.size(1)
        return {"encoder": rows(n, n), "decoder": rows(m, m), "encoder-decoder": rows(m, n)}


def test_accuratezza_delle_teste():
    examples = [Example([4, 5, 6], [4], {0: frozenset({0}), 2: frozenset({0, 1})})]
    assert head_accuracy(Fake(), examples).tolist() == [[0.5, 1.0]]
    assert chance_accuracy(examples) == pytest.approx((1 / 3 + 2 / 3) / 2)


def test_si_sceglie_fra_i_candidati():
    examples = [Example([4, 5, 6], [4], {2: frozenset({1})}, candidates=(1, 0))]
    assert head_accuracy(Fake(), examples).tolist() == [[1.0, 0.0]]
    assert chance_accuracy(examples) == 0.5


def test_errore_di_allineamento():
    examples = [Example([4, 5, 6], [7, 8, 9], {0: frozenset({0}), 1: frozenset({1, 0}), 2: frozenset({2})})]
    rates = alignment_error_rate(Fake(), examples, [{(0, 0), (1, 1), (2, 2)}])
    assert rates[0, 0] == 0  # la diagonale
    assert rates[0, 1] == pytest.approx(1 - (1 + 2) / (3 + 3))


def test_errore_di_allineamento_di_scelte_date():
    examples = [Example([4, 5, 6], [7, 8], {0: frozenset({0}), 1: frozenset({1, 2})})]
    sure = [{(0, 0)}]
    right = torch.tensor([[1.0, 0, 0], [0, 0, 1]])
    uniform = torch.full((2, 3), 1 / 3)
    assert alignment_error([right], examples, sure) == 0
    assert alignment_error([right.flip(1)], examples, sure) == 1
    assert alignment_error([uniform], examples, sure) == pytest.approx(1 - (2 / 3 + 2 / 3) / (2 + 1))


def test_un_modello_vero_rende_strati_per_teste():
    model = Transformer(TransformerConfig(n_vocab=10, n_layers=2, d_model=16, d_ff=32, n_heads=4)).eval()
    examples = [Example([4, 5, 6], [7, 8], {1: frozenset({0})})]
    for kind in ("encoder", "decoder", "encoder-decoder"):
        assert head_accuracy(model, examples, kind).shape == (2, 4)


def test_il_peso_piu_grande_in_media():
    class Fixed:
        config = TransformerConfig(n_vocab=9)
        embedding = torch.nn.Linear(1, 1)
        parameters = embedding.parameters

        def attention_weights(self, src, tgt):
            n = src.size(1)  # una testa sicura, una che guarda tutto uguale
            return {"encoder": [torch.stack([torch.eye(n), torch.full((n, n), 1 / n)])[None]]}

    torch.testing.assert_close(peak_weight(Fixed(), [[5], [5, 6, 7]]), torch.tensor([[1.0, (1 + 3 / 3) / 4]]))


def test_argomenti_sbagliati():
    with pytest.raises(ValueError, match="kind vale «tutte»: atteso uno fra encoder, decoder, encoder-decoder"):
        head_accuracy(Fake(), [Example([4], [4], {0: frozenset({0})})], "tutte")
    with pytest.raises(ValueError, match="non contiene relazioni"):
        head_accuracy(Fake(), [Example([4], [4], {})])
