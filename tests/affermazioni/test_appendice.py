"""Le affermazioni dell’appendice, sul piccolo modello della pagina, addestrato una volta per tutte le prove."""

import pytest
import torch
from registro import affermazione

from attenzione.figures import attention_of
from attenzione.figures.trained import ITS_SENTENCE, antecedent_link, head_scores, particle_link, small_translator

pytestmark = pytest.mark.lento


@pytest.fixture(scope="module")
def translator():
    return small_translator()


def subject_link(pair):
    """Dal verbo alla prima parola della frase: la stessa query di particle_link, un’altra chiave."""
    link = particle_link(pair)
    return link and (link[0], 0)


def wrong_noun(pair):
    others = [noun for noun in pair.nouns if pair.antecedent and noun != pair.antecedent[1]]
    return (pair.antecedent[0], others[0]) if others else None


@affermazione("teste-a-distanza", vero={"verso": "particella"}, falso=[{"verso": "prima parola"}])
def test_teste_a_distanza(verso, translator):
    """Le teste dell’ultimo strato, insieme, e almeno metà di loro, guardano la particella più di un’altra parola.

    Quali teste e quanto dipende dall’addestramento, che su un altro processore prende un’altra via: una testa sola,
    o una soglia sul suo peso, non reggerebbe. Il rapporto, su tredici addestramenti, è almeno 1,3.
    """
    particle, first = (head_scores(*translator, link)[-1] for link in (particle_link, subject_link))  # (h,)
    told, other = (particle, first) if verso == "particella" else (first, particle)
    assert told.sum() > 1.15 * other.sum() and (told > other).sum() >= len(told) / 2


@affermazione("teste-e-antecedente", vero={"verso": "antecedente"}, falso=[{"verso": "altro nome"}])
def test_teste_e_antecedente(verso, translator):
    right, wrong = head_scores(*translator, antecedent_link)[-1], head_scores(*translator, wrong_noun)[-1]
    head = int(right.argmax())
    told, other = (right, wrong) if verso == "antecedente" else (wrong, right)
    assert told[head] > 2 * other[head]


@affermazione("teste-compiti-diversi", vero={"strato": "addestrato"}, falso=[{"strato": "teste copiate"}])
def test_teste_compiti_diversi(strato, translator):
    model, vocabulary, _ = translator
    weights = attention_of(model, vocabulary.encode(" ".join(ITS_SENTENCE)), [1])
    if strato == "teste copiate":
        weights = weights[:1].expand_as(weights)
    distance = (weights[:, None] - weights[None]).abs().sum(dim=-1).mean(dim=-1) / 2
    assert distance[~torch.eye(len(weights), dtype=torch.bool)].min() > 0.2
