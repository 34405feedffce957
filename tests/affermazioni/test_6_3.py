"""Le affermazioni della sezione 6.3 e della tabella 4."""

import random
import re
from inspect import signature
from pathlib import Path
from statistics import mean

import pytest
from registro import affermazione, tesi

from attenzione.config import BASE, load_tables
from attenzione.decoding import beam_search
from attenzione.evidence.trees import brackets, linearize, parse, words

TABLE = load_tables()["tabella_4"]
TREES = [
    ("S", ("NP", "la", "gatta"), ("VP", "vede", ("NP", "il", "topo"), ("PP", "con", ("NP", "la", "lente")))),
    ("S", ("NP", ("NP", "il", "libro"), ("PP", "di", ("NP", "Anna"))), ("VP", "è", ("AP", "nuovo"))),
    ("S", ("NP", "chi"), ("VP", "dorme", ("SBAR", "mentre", ("S", ("NP", "il", "treno"), ("VP", "parte"))))),
]


def random_tree(length, rng):
    """Un albero a caso di length parole: ogni gruppo ne tiene insieme due o tre, parole o gruppi."""
    if length == 1:
        return "parola"
    parts = min(length, rng.choice((2, 2, 3)))
    cuts = sorted(rng.sample(range(1, length), parts - 1))
    return ("X", *(random_tree(b - a, rng) for a, b in zip([0, *cuts], [*cuts, length], strict=True)))


@affermazione("uscita-piu-lunga-dell-ingresso", vero={"volte": 2}, falso=[{"volte": 3}])
def test_uscita_piu_lunga_dell_ingresso(volte):
    """Le sequenze di molti alberi a caso contro le loro frasi; rilette, ridanno l’albero."""
    rng = random.Random(0)
    trees = [random_tree(rng.randint(5, 40), rng) for _ in range(300)]
    ratios = [len(linearize(tree)) / len(words(tree)) for tree in trees]
    with tesi:
        assert mean(ratios) > volte and min(ratios) > 1
    assert [parse(linearize(tree), words(tree)) for tree in trees] == trees


def is_tree(sequence, sentence):
    try:
        parse(sequence, sentence)
    except ValueError:
        return False
    return True


@affermazione("vincoli-strutturali", vero={"accettate": 0}, falso=[{"accettate": 1}, {"accettate": 5}])
def test_vincoli_strutturali(accettate):
    """Togliere, ripetere o cambiare etichetta a una parentesi qualsiasi non dà più un albero."""
    tree = TREES[0]
    sequence, sentence = linearize(tree), words(tree)
    spoiled = []
    for i, token in enumerate(sequence):
        if token != "XX":
            before, after = sequence[:i], sequence[i + 1 :]
            spoiled += [before + after, [*before, token, token, *after], [*before, token[0] + "X", *after]]
    assert len(spoiled) == 3 * 2 * brackets(tree).total()
    with tesi:
        assert sum(is_tree(wrong, sentence) for wrong in spoiled) == accettate


def binary(sentence):
    return sentence[0] if len(sentence) == 1 else ("X", sentence[0], binary(sentence[1:]))


@affermazione("lunghezza-piu-trecento", vero={"oltre": 300}, falso=[{"oltre": 50}, {"oltre": 76}])
def test_lunghezza_piu_trecento(oltre):
    """L’albero di una frase di 40 parole, divisa sempre in due, non sta entro + 50 e sta entro + 300."""
    length = len(linearize(binary(["parola"] * 40)))
    with tesi:
        assert 40 + 50 < length <= 40 + oltre


CHAPTER = Path(__file__).resolve().parents[2] / "chapters/articolo/6-3-parsing-a-costituenti.md"
SEARCH = {name: parameter.default for name, parameter in signature(beam_search).parameters.items()}
DECLARED = {  # come la traduzione scrive i valori che non si scelgono sull’insieme di sviluppo; quelli della libreria
    "strati": (r"Transformer a (\d+)\sstrati con", BASE.n_layers),
    "componenti": (r"strati con \$\\dmodel = (\d+)\$", BASE.d_model),
    "token oltre l’ingresso": (r"quella dell’ingresso \+ \$(\d+)\$", SEARCH["max_extra"]),
    "alfa": (r"\$\\alpha=(0\{,\}\d)\$", SEARCH["alpha"]),
}


@affermazione(
    "altri-parametri-come-il-base",
    vero={"diversi": sorted(DECLARED)},
    falso=[{"diversi": []}, {"diversi": ["componenti", "strati"]}, {"diversi": ["token oltre l’ingresso"]}],
)
def test_altri_parametri_come_il_base(diversi):
    """I valori che il testo della sezione 6.3 dichiara, letti dalla traduzione, contro quelli della libreria."""
    text = CHAPTER.read_text("utf-8")
    found = {name: float(re.search(how, text)[1].replace("{,}", ".")) for name, (how, _) in DECLARED.items()}
    with tesi:
        assert sorted(name for name, (_, base) in DECLARED.items() if found[name] != base) == diversi


@affermazione(
    "parsing-secondo-solo-alla-rnng",
    vero={"eccezioni": ("Dyer et al. (2016)", "Luong et al. (2015)")},
    falso=[{"eccezioni": ("Dyer et al. (2016)",)}, {"eccezioni": ()}],
)
def test_parsing_secondo_solo_alla_rnng(eccezioni):
    """L’articolo nomina un’eccezione sola: nella tabella ce ne sono due."""
    best = max(row["wsj23_f1"] for row in TABLE if row["parser"].startswith("Transformer"))
    above = {row["parser"] for row in TABLE if row["wsj23_f1"] > best}
    with tesi:
        assert above == set(eccezioni)


@affermazione(
    "parsing-con-poche-frasi", vero={"superato": "Petrov et al. (2006)"}, falso=[{"superato": "Dyer et al. (2016)"}]
)
def test_parsing_con_poche_frasi(superato):
    wsj = {row["parser"]: row["wsj23_f1"] for row in TABLE if "WSJ" in row["addestramento"]}
    assert wsj["Transformer (4 layers)"] == pytest.approx(91.3)
    with tesi:
        assert wsj["Transformer (4 layers)"] > wsj[superato]


@affermazione(
    "rnn-con-poche-frasi", vero={"rivale": "Vinyals & Kaiser el al. (2014)"}, falso=[{"rivale": "Dyer et al. (2016)"}]
)
def test_rnn_con_poche_frasi(rivale):
    """Con il solo WSJ la sequence-to-sequence ricorrente resta sotto il BerkeleyParser, e il Transformer sopra."""
    wsj = {row["parser"]: row["wsj23_f1"] for row in TABLE if "WSJ" in row["addestramento"]}
    with tesi:
        assert wsj[rivale] < wsj["Petrov et al. (2006)"] < wsj["Transformer (4 layers)"]
