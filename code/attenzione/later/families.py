"""Tre famiglie sullo stesso piccolo corpus: chi riempie, chi continua, chi trasforma.

Il corpus è l’italiano della microlingua, dove ciò che è giusto si sa: l’articolo vuole il suo nome, il verbo il numero
del soggetto. I tre modelli hanno gli strati dell’articolo, e imparano dalle stesse frasi.
"""

from functools import lru_cache

import torch
from torch.nn.functional import cross_entropy

from attenzione.config import TransformerConfig
from attenzione.data.micro import (
    NOUNS,
    PHRASALS,
    VERBS,
    definite_article,
    indefinite_article,
    micro_pairs,
    table,
)
from attenzione.data.vocabulary import SPECIALS, Vocabulary
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.masked import MaskedModel, hide
from attenzione.later.spans import cut, draw_spans
from attenzione.model import Transformer
from attenzione.training.batches import pad

MASK, HOLE = "[MASK]", "[1]"
TASKS = ("riempi", "nega", "numero")
EXTRA = (MASK, HOLE, ":", *TASKS, "singolare", "plurale")
LEFT_OUT = {
    "domanda",
    "complemento",
    "due complementi",
    "possessivo",
    "numero",
}  # i costrutti della microlingua che qui mancano
SIZES = {"n_layers": 1, "d_model": 64, "d_ff": 256, "n_heads": 4, "p_drop": 0.0}
SINGULAR = {"è", *(row[2] for row in table(VERBS)), *(row[3] for row in table(PHRASALS))}
PLURAL = {"sono", *(row[3] for row in table(VERBS)), *(row[4] for row in table(PHRASALS))}
AGENTS = {}  # nome → (femminile, plurale), di chi può fare da soggetto
for row in table(NOUNS):
    if row[5] == "a":
        AGENTS[row[2]], AGENTS[row[3]] = (row[4] == "f", False), (row[4] == "f", True)


@lru_cache(maxsize=1)
def corpus(n=3000):
    """n frasi italiane, tutte diverse, affermative o negative, al più di otto parole: tuple di parole."""
    found = {}
    for pair in micro_pairs(12 * n):
        if not LEFT_OUT & pair.constructs:
            found.setdefault(pair.italian)
    return list(found)[:n]


@lru_cache(maxsize=1)
def vocabulary():
    """Le parole del corpus, precedute dai segnali in più: MASK, HOLE, i compiti e le risposte."""
    words = sorted({word for sentence in corpus() for word in sentence})
    return Vocabulary([*SPECIALS, *EXTRA, *words])


def words_of_corpus():
    """Gli identificatori che sono parole del corpus, un range."""
    return range(len(SPECIALS) + len(EXTRA), len(vocabulary()))


def ids(words):
    return vocabulary().encode(" ".join(words))


def text(tokens):
    """Da identificatori a testo, senza PAD, BOS ed EOS."""
    return vocabulary().decode([token for token in tokens if token > 2])


def build(family, seed=0):
    """Il modello di una famiglia: «BERT» è l’encoder dell’articolo, «GPT» il suo decoder senza encoder, «T5» entrambi.

    Errori: ValueError se family non è una delle tre.
    """
    torch.manual_seed(seed)
    n_vocab = len(vocabulary())
    if family == "BERT":
        return MaskedModel(TransformerConfig(n_vocab=n_vocab, **SIZES))
    if family == "T5":
        return Transformer(TransformerConfig(n_vocab=n_vocab, **SIZES))
    if family == "GPT":
        paper = {"norm_first": False, "final_norm": False, "norm": "layer", "bias": True, "feed_forward": "relu"}
        return LanguageModel(LanguageModelConfig(n_vocab, positions="sinusoidal", tied=True, **SIZES, **paper))
    raise ValueError(f"family vale «{family}»: atteso uno fra BERT, GPT, T5")


def loss_of(model, sentences, generator):
    """La perdita della famiglia di model su un batch di frasi del corpus: riempire, continuare, o trasformare."""
    c = model.config
    if isinstance(model, Transformer):
        pairs = [exercise(sentence, generator) for sentence in sentences]
        source = pad([source for source, _ in pairs])
        target = pad([[c.bos_id, *target, c.eos_id] for _, target in pairs])
        logits, right = model(source, target[:, :-1], checked=True), target[:, 1:]
    elif isinstance(model, LanguageModel):
        x = pad([[c.bos_id, *ids(sentence), c.eos_id] for sentence in sentences])
        logits, right = model(x[:, :-1], checked=True), x[:, 1:]
    else:
        x = pad([ids(sentence) for sentence in sentences])
        spoiled, chosen = hide(x, ids([MASK])[0], words_of_corpus(), generator)
        logits, right = model(spoiled, checked=True), x.masked_fill(~chosen, 0)
    return cross_entropy(logits.flatten(0, 1), right.flatten(), ignore_index=0)


def exercise(sentence, generator):
    """Un esercizio da testo a testo su una frase: metà delle volte riempire, poi negare, o dire il numero.

    Rende (frase d’ingresso, risposta), liste di identificatori.
    """
    kind = TASKS[max(0, int(torch.randint(-1, 3, (1,), generator=generator)))]
    if kind == "nega" and "non" in sentence:
        kind = "numero"
    if kind == "riempi":
        (span,) = draw_spans(len(sentence), generator, share=0.25, mean=len(sentence))
        source, target = cut(ids(sentence), [span], ids([HOLE]))
        return ids(["riempi", ":"]) + source, target
    answer = negated(sentence) if kind == "nega" else [number_of(sentence)]
    return ids([kind, ":", *sentence]), ids(answer)


def negated(sentence):
    """La frase con «non» davanti al verbo."""
    verb = verb_place(sentence)
    return [*sentence[:verb], "non", *sentence[verb:]]


def number_of(sentence):
    """«singolare» o «plurale»: il numero del soggetto, che è quello del verbo."""
    return "plurale" if sentence[verb_place(sentence)] in PLURAL else "singolare"


def verb_place(sentence):
    """Dove sta il verbo. Errori: ValueError se la frase non ne ha."""
    for i, word in enumerate(sentence):
        if word in SINGULAR | PLURAL:
            return i
    raise ValueError(f"sentence non ha verbo: {' '.join(sentence)}")


def article_agrees(article, noun):
    """Se l’articolo è uno di quelli che il nome può avere davanti."""
    feminine, plural = AGENTS[noun]
    fitting = {definite_article(feminine, plural, noun)}
    return article in (fitting if plural else fitting | {indefinite_article(feminine, noun)})


def train(model, sentences, steps, seed=0):
    """Addestra model con Adam: a ogni passo 48 frasi a caso. Rende model, in modo valutazione."""
    generator = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98))
    for step in range(steps):
        adam.param_groups[0]["lr"] = 0.003 * min(1, (step + 1) / 100)
        rows = torch.randint(len(sentences), (48,), generator=generator).tolist()
        loss = loss_of(model, [sentences[row] for row in rows], generator)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model.eval()
