"""La microlingua: frasi giuste, allineamenti e antecedenti noti, divisione per costrutto."""

import pytest

from attenzione.data.micro import (
    CONSTRUCTS,
    UNSEEN,
    contracted,
    definite_article,
    indefinite_article,
    micro_pairs,
)


@pytest.fixture(scope="module")
def pairs():
    return micro_pairs(3000)


@pytest.mark.parametrize(
    ("feminine", "plural", "following", "expected"),
    [
        (False, False, "gatto", "il"),
        (False, False, "studente", "lo"),
        (False, False, "psicologo", "lo"),
        (False, False, "albero", "l’"),
        (True, False, "isola", "l’"),
        (True, False, "zia", "la"),
        (False, True, "gatti", "i"),
        (False, True, "specchi", "gli"),
        (False, True, "alberi", "gli"),
        (False, True, "otto", "gli"),
        (True, True, "isole", "le"),
        (False, False, "sacco", "il"),
    ],
)
def test_articolo_determinativo(feminine, plural, following, expected):
    assert definite_article(feminine, plural, following) == expected


def test_articoli_indeterminativi_e_preposizioni():
    assert [indefinite_article(False, w) for w in ("gatto", "albero", "specchio")] == ["un", "un", "uno"]
    assert [indefinite_article(True, w) for w in ("casa", "isola")] == ["una", "un’"]
    assert [contracted(a) for a in ("il", "lo", "l’", "la", "i", "gli", "le")] == [
        "al",
        "allo",
        "all’",
        "alla",
        "ai",
        "agli",
        "alle",
    ]


def test_stesso_seme_stesse_frasi_e_tutte_diverse(pairs):
    assert micro_pairs(50) == pairs[:50] != micro_pairs(50, seed=1)
    assert len({p.english for p in pairs}) == len(pairs)


def test_ogni_parola_italiana_ha_una_fonte(pairs):
    for pair in pairs:
        assert {j for _, j in pair.alignment} == set(range(len(pair.italian)))
        assert {i for i, _ in pair.alignment} <= set(range(len(pair.english)))
        assert pair.constructs <= set(CONSTRUCTS)


def test_l_allineamento_dice_il_vero(pairs):
    words = {}
    for pair in pairs:
        sources = {}
        for i, j in pair.alignment:
            sources.setdefault(j, set()).add(pair.english[i])
        for j, found in sources.items():
            words.setdefault(pair.italian[j], set()).add(frozenset(found))
    assert words["gatto"] == {frozenset({"cat"})} and words["città"] == {frozenset({"city"}), frozenset({"cities"})}
    assert words["spegne"] == {frozenset({"turns", "off"}), frozenset({"turn", "off"})}
    assert words["non"] == {frozenset({"not"})} and words["otto"] == {frozenset({"eight"})}
    assert all("near" in found for found in words["allo"])


def test_il_pronome_concorda_con_l_antecedente(pairs):
    gender = {"house": "a", "tree": "o", "lamp": "a", "book": "o", "houses": "e", "trees": "i", "lamps": "e"}
    seen = 0
    for pair in pairs:
        if pair.antecedent is None:
            assert "its" not in pair.english and "their" not in pair.english
            continue
        its, antecedent = pair.antecedent
        assert pair.english[its] in ("its", "their") and antecedent in pair.nouns and max(pair.nouns) < its
        if pair.english[antecedent] in gender:
            pronoun = pair.italian[pair.italian.index("di") + 1]
            assert pronoun[-1] == gender[pair.english[antecedent]]
            seen += 1
    assert seen > 50


def test_i_costrutti_mai_visti_restano_fuori(pairs):
    assert not any(unseen <= pair.constructs for pair in pairs for unseen in UNSEEN)
    for unseen in UNSEEN:
        assert all(unseen <= pair.constructs for pair in micro_pairs(50, unseen=unseen))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_pairs": 0}, "n_pairs vale 0: atteso un intero positivo"),
        ({"n_pairs": 1, "unseen": {"copula"}}, "unseen vale"),
    ],
)
def test_argomenti_sbagliati(arguments, message):
    with pytest.raises(ValueError, match=message):
        micro_pairs(**arguments)
