"""Il vocabolario di parole: una parola non è mai un token speciale, e ciò che non si conosce si sa."""

import pytest

from attenzione.data.vocabulary import SPECIALS, Vocabulary


@pytest.mark.parametrize("special", SPECIALS)
def test_a_word_written_as_a_special_token_is_the_unknown_one(special):
    vocabulary = Vocabulary.from_texts(["il gatto", f"il {special}"])
    assert vocabulary.tokens == [*SPECIALS, "il", "gatto"]
    assert vocabulary.encode(f"il {special} gatto {special}x") == [4, 3, 5, 3]
    assert vocabulary.ids[special] == SPECIALS.index(special)


def test_the_lost_words_are_the_unknown_ones_once_each_and_in_order():
    vocabulary = Vocabulary.from_texts(["il gatto vede il topo"])
    assert vocabulary.lost("il gatto") == vocabulary.lost("") == []
    assert vocabulary.lost("il cane vede <eos> e il cane <unk>") == ["cane", "<eos>", "e", "<unk>"]
