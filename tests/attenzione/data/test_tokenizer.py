"""Le unità di byte-pair encoding: andata e ritorno, segni speciali, file."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenzione.data.corpus import clean
from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.data.vocabulary import SPECIALS

TEXTS = [
    "l'unione europea e la commissione europea",
    "the european union and the commission's report",
    "un'altra relazione: 1995, 20 voti (e 3 contro)!",
    "the members' rights, isn't it? perché no",
] * 3


@pytest.fixture(scope="module")
def tokenizer():
    return BytePairTokenizer.from_texts(TEXTS, n_vocab=120)


def pieces(tokenizer, text):
    return [tokenizer.tokens[i] for i in tokenizer.encode(text)]


def test_special_tokens_come_first_and_the_size_is_the_one_asked(tokenizer):
    assert tuple(tokenizer.tokens[:4]) == SPECIALS
    assert len(tokenizer) == len(tokenizer.tokens) == len(set(tokenizer.tokens)) == 120


@pytest.mark.parametrize("text", TEXTS[:4])
def test_the_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("aeilnotu',.:(3)?"), max_size=25).map("".join))
def test_any_text_of_known_characters_comes_back_clean(text):
    known = "aeilnotu',.:(3)? aei', lno è"  # la pulizia fa di «e'» una «è»
    tokenizer = BytePairTokenizer.from_texts([known] * 2, n_vocab=60, min_count=1)
    assert tokenizer.decode(tokenizer.encode(text)) == clean(text)


def test_apostrophes_digits_and_punctuation_stand_alone(tokenizer):
    big = BytePairTokenizer.from_texts(TEXTS * 20, n_vocab=300)
    assert pieces(big, "l'unione") == ["▁l'", "unione"]
    assert pieces(big, "commission's") == ["▁commission", "'s"]
    assert pieces(big, "1995,") == ["▁1", "9", "9", "5", ","]


def test_encode_cleans(tokenizer):
    assert tokenizer.encode("– L’Unione  EUROPEA") == tokenizer.encode("l'unione europea")


def test_unknown_characters(tokenizer):
    ids = tokenizer.encode("🙂 europea 日本")
    assert ids.count(3) == 3 and tokenizer.decode(ids) == "europea"
    assert tokenizer.encode("") == tokenizer.encode(" . ") == []


@pytest.mark.parametrize("special", SPECIALS)
def test_text_is_never_a_special_token(tokenizer, tmp_path, special):
    tokenizer.save(tmp_path / "tokenizer.json")
    learned = BytePairTokenizer.from_texts([*TEXTS, f"{special} <> the {special}"], n_vocab=120)
    copies = [copy.deepcopy(tokenizer), pickle.loads(pickle.dumps(tokenizer))]
    for each in (tokenizer, learned, *copies, BytePairTokenizer.load(tmp_path / "tokenizer.json")):
        for text in (special, f"the {special} union", f"a{special}b", special.upper()):
            ids = each.encode(text)
            assert min(ids) >= 3 and len(ids) > len(each.encode(text.lower().replace(special, "")))
    assert learned.decode(learned.encode(f"the {special} union")) == f"the {special} union"  # conosce «<» e «>»


def test_the_lost_characters_are_those_the_translation_does_not_see(tokenizer):
    assert tokenizer.lost("L’Unione europea: 1995!") == tokenizer.lost("") == []
    assert tokenizer.lost("the * < union 🙂 *§ a▁b \x07") == ["*", "<", "🙂", "§", "▁", "\x07"]
    assert tokenizer.lost("*") == ["*"] and tokenizer.lost("a*b") == ["*"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("aei'1, *<§🙂"), max_size=25).map("".join))
def test_a_text_without_lost_characters_comes_back(tokenizer, text):
    whole = tokenizer.decode(tokenizer.encode(text)) == clean(text)
    assert whole == (tokenizer.lost(text) == [])


def test_save_and_load(tokenizer, tmp_path):
    path = tmp_path / "nuova" / "tokenizer.json"
    tokenizer.save(path)
    assert not list(path.parent.glob("*.parziale"))
    loaded = BytePairTokenizer.load(path)
    assert loaded.tokens == tokenizer.tokens and all(loaded.encode(t) == tokenizer.encode(t) for t in TEXTS)


def test_learning_is_deterministic():
    first, second = (BytePairTokenizer.from_texts(TEXTS, n_vocab=120) for _ in range(2))
    assert first.tokens == second.tokens


def test_damaged_or_foreign_files(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    whole = path.read_bytes()
    for content in (whole[:-40], b"", b"{}", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"tokenizer\.json».*non è un tokenizer\.json che si possa leggere"):
            BytePairTokenizer.load(path)
    path.write_bytes(whole.replace(b"<bos>", b"<cls>"))
    with pytest.raises(ValueError, match="attesi \\['<pad>', '<bos>', '<eos>', '<unk>'\\]"):
        BytePairTokenizer.load(path)
    with pytest.raises(FileNotFoundError, match="atteso un file che esiste"):
        BytePairTokenizer.load(tmp_path / "manca.json")
