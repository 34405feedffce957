"""Le relazioni annotate, la scansione delle teste e i pesi per parole."""

import pytest
import torch

from attenzione.config import TransformerConfig
from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.evidence.heads import head_accuracy
from attenzione.evidence.relations import (
    RELATIONS,
    best_head,
    chance,
    halves,
    mean_weights,
    nearest_noun,
    read_sentences,
    relation_examples,
    scan_heads,
    trivial,
)
from attenzione.evidence.words import END, START, by_words, split_words, word_attention
from attenzione.figures.viewer import attention_view
from attenzione.model import Transformer

SENTENCES = read_sentences()
PAIR = ("The judges protect the citizens with their laws.", "i giudici proteggono i cittadini.")


@pytest.fixture(scope="module")
def tokenizer():
    """Poche unità: quasi ogni parola è di più pezzi."""
    return BytePairTokenizer.from_texts([" ".join(s.words) for s in SENTENCES] + list(PAIR), n_vocab=120)


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    sizes = {"n_layers": 2, "n_heads": 3, "d_model": 24, "d_ff": 32, "p_drop": 0.0, "max_len": 128}
    return Transformer(TransformerConfig(n_vocab=len(tokenizer), **sizes)).eval()


# ---------------------------------------------------------------- le frasi


def test_le_frasi_sono_tutte_diverse_e_annotate():
    assert len({s.words for s in SENTENCES}) == len(SENTENCES) >= 25
    assert all(s.links["soggetto"] for s in SENTENCES)
    for part in (SENTENCES, *halves(SENTENCES)):
        assert all(sum(len(s.links[name]) for s in part) >= 6 for name in RELATIONS)


def test_le_due_meta_sono_una_partizione():
    one, other = halves(SENTENCES)
    assert len(one) == len(other) and {s.words for s in one}.isdisjoint(s.words for s in other)
    assert len(one) + len(other) == len(SENTENCES)


def test_le_annotazioni_stanno_al_loro_posto():
    text = "the council rejected the amendments in its first reading . | rejected:council | | council* amendments"
    (sentence,) = read_sentences(text)
    assert sentence.links["soggetto"] == ((2, 1),)
    assert sentence.links["its"] == sentence.links["its fra i nomi"] == ((6, 1),)
    assert sentence.nouns == (1, 4) and sentence.links["lontana"] == ()
    assert sentence.links["prima"][0] == (1, 0) and sentence.links["dopo"][-1] == (8, 9)


TWICE = ["the end of the day | the:day | |", "a law is a law | is:law | |", "it works | works:they | |"]


@pytest.mark.parametrize("line", TWICE)
def test_una_parola_annotata_e_una_sola_volta(line):
    with pytest.raises(ValueError, match="attesa una volta sola"):
        read_sentences(line)


def test_nessuna_scorciatoia_basta_per_its():
    """In ciascuna metà il nome giusto è ora il primo, ora il più vicino."""
    first = lambda sentence, query: min(sentence.nouns, default=None)  # noqa: E731
    for part in halves(SENTENCES):
        assert trivial(part, nearest_noun)["its"] == trivial(part, first)["its"] == 0.5


def test_le_regole_banali():
    scores = trivial(SENTENCES)
    assert scores["prima"] == 1 and scores["sé"] == scores["dopo"] == scores["its"] == 0
    assert trivial(SENTENCES, lambda sentence, query: query)["sé"] == 1


# ---------------------------------------------------------------- dalle parole ai pezzi


def test_le_parole_tornano(tokenizer):
    ids, words, groups = split_words(tokenizer, PAIR[0])
    assert words == ["the", "judges", "protect", "the", "citizens", "with", "their", "laws", "."]
    assert [i for group in groups for i in group] == list(range(len(ids))) and max(map(len, groups)) > 1
    for sentence in SENTENCES:
        assert split_words(tokenizer, " ".join(sentence.words))[1] == list(sentence.words)


def test_i_pesi_si_sommano_sulle_parole_guardate():
    weights = torch.tensor([[0.1, 0.2, 0.7], [0.5, 0.5, 0.0], [0.3, 0.3, 0.4]])
    groups = [[0, 1], [2]]
    torch.testing.assert_close(by_words(weights, groups, groups), torch.tensor([[0.3, 0.7], [0.6, 0.4]]))


def test_gli_esempi_guardano_il_primo_pezzo(tokenizer):
    text = "the court informed the governments of its decision . | informed:court | | court* governments"
    (sentence,) = read_sentences(text)
    _, _, groups = split_words(tokenizer, " ".join(sentence.words))
    (example,) = relation_examples(tokenizer, [sentence], "its fra i nomi")
    assert example.links == {groups[6][0]: frozenset(groups[1])}
    assert example.candidates == (*groups[1], *groups[4])
    assert relation_examples(tokenizer, [sentence], "its")[0].candidates is None
    assert relation_examples(tokenizer, [sentence], "lontana") == []
    with pytest.raises(ValueError, match="relation vale «parente»"):
        relation_examples(tokenizer, [sentence], "parente")


class Puppet(torch.nn.Module):
    """Una testa che guarda sempre la posizione prima, una sé stessa: si sa che punteggio devono avere."""

    def __init__(self, config):
        super().__init__()
        self.config, self.weight = config, torch.nn.Parameter(torch.zeros(1))

    def attention_weights(self, src, tgt):
        n = src.size(1)
        before = torch.eye(n).roll(-1, dims=1)
        return {"encoder": [torch.stack([before, torch.eye(n)])[None]]}


def test_la_scansione_riconosce_le_teste_note(model):
    words = BytePairTokenizer.from_texts([" ".join(s.words) for s in SENTENCES] * 2, n_vocab=2000)  # parole intere
    scores = scan_heads(Puppet(model.config), words, SENTENCES)
    assert best_head(scores["prima"]) == (0, 0) and scores["prima"][0, 0] == 1
    assert best_head(scores["sé"]) == (0, 1) and scores["sé"][0].tolist() == [0, 1]
    for name, value in trivial(SENTENCES).items():
        if name != "its fra i nomi":
            assert scores[name][0, 0].item() == pytest.approx(value)
    luck = chance(words, SENTENCES)
    assert all(0 < luck[name] < 0.2 for name in RELATIONS if name != "its fra i nomi") and luck["its fra i nomi"] > 0.4


def test_la_scansione_e_quella_di_heads(model, tokenizer):
    scores = scan_heads(model, tokenizer, SENTENCES[18:22])
    for name in ("prima", "its"):
        expected = head_accuracy(model, relation_examples(tokenizer, SENTENCES[18:22], name))
        assert scores[name].shape == (2, 3) and torch.equal(scores[name], expected)


def test_il_peso_medio_e_quello_della_parola_attesa(model, tokenizer):
    sentence = SENTENCES[0]
    ((query, key),) = sentence.links["its"]
    weights = word_attention(model, tokenizer, " ".join(sentence.words))["encoder"][0]
    torch.testing.assert_close(mean_weights(model, tokenizer, [sentence], "its"), weights[:, :, query, key])


def test_la_testa_migliore():
    assert best_head(torch.tensor([[0.1, 0.4, 0.2], [0.3, 0.9, 0.0]])) == (1, 1)


# ---------------------------------------------------------------- la vista


def test_i_pesi_per_parole_sono_medie(model, tokenizer):
    found = word_attention(model, tokenizer, *PAIR)
    target = ["i", "giudici", "proteggono", "i", "cittadini", "."]
    assert found["encoder"][1] == found["encoder"][2] == split_words(tokenizer, PAIR[0])[1]
    assert found["decoder"][1:] == ([*target, END], [START, *target])
    assert found["encoder-decoder"][1:] == ([*target, END], found["encoder"][1])
    for weights, queries, keys in found.values():
        assert weights.shape == (2, 3, len(queries), len(keys))
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones(weights.shape[:-1]))


def test_nel_decoder_non_si_guarda_avanti(model, tokenizer):
    weights, _, _ = word_attention(model, tokenizer, *PAIR)["decoder"]
    assert not weights.triu(diagonal=1).any() and weights[..., 0, 0].eq(1).all()


def test_una_frase_sola_ha_anche_una_traduzione_vuota(model, tokenizer):
    assert word_attention(model, tokenizer, PAIR[0])["decoder"][1:] == ([END], [START])


@pytest.mark.parametrize(
    ("pairs", "options", "message"),
    [
        ([], {}, "pairs è vuoto"),
        ([PAIR], {"kind": "enc"}, "kind vale «enc»"),
        ([PAIR], {"layer": 2}, "layer vale 2"),
        ([PAIR], {"head": 3}, "heads vale"),
        ([PAIR], {"word": 40}, "word vale 40"),
    ],
)
def test_la_vista_dice_che_cosa_non_va(model, tokenizer, pairs, options, message):
    with pytest.raises(ValueError, match=message):
        attention_view(model, tokenizer, pairs, **options)
