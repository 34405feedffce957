"""Il piccolo traduttore delle figure 3, 4 e 5, addestrato in pochi secondi su una parte della microlingua."""

import torch

from attenzione.config import TransformerConfig
from attenzione.data.micro import micro_pairs
from attenzione.data.vocabulary import Vocabulary
from attenzione.figures.attention_lines import attention_lines, attention_of, attention_panels
from attenzione.model import Transformer
from attenzione.training.loop import TrainingConfig, train

# verbi con la particella lontana e possessivi con l’antecedente: i due legami che le figure cercano
CONSTRUCTS = {"affermazione", "particella", "possessivo", "numero"}
VERB_SENTENCE = ["the", "small", "girls", "turn", "the", "five", "red", "lamps", "off", "."]
ITS_SENTENCE = ["the", "five", "engineers", "see", "the", "old", "mirror", "and", "its", "price", "."]


def small_translator(steps=400, n_test=200, seed=0):
    """Addestra due strati, quattro teste e d_model = 64 a tradurre dall’inglese all’italiano della microlingua.

    steps: passi di Adam; n_test: frasi tenute da parte; seed: il seme dei pesi. Rende (modello, vocabolario, frasi
    tenute da parte), il modello in modo valutazione.
    """
    pairs = [
        pair
        for pair in micro_pairs(20_000, seed=1)
        if pair.constructs <= CONSTRUCTS and pair.constructs & {"particella", "possessivo"}
    ]
    vocabulary = Vocabulary.from_texts(" ".join(pair.english + pair.italian) for pair in pairs)
    ids = [
        ([vocabulary.ids[word] for word in pair.english], [vocabulary.ids[word] for word in pair.italian])
        for pair in pairs
    ]
    torch.manual_seed(seed)
    config = TransformerConfig(
        n_vocab=len(vocabulary), n_layers=2, n_heads=4, d_model=64, d_ff=128, p_drop=0.0, max_len=64
    )
    model = Transformer(config)
    train(
        model, ids[n_test:], TrainingConfig(steps=steps, max_tokens=2000, warmup_steps=150, seed=seed), progress=False
    )
    return model.eval(), vocabulary, pairs[:n_test]


def particle_link(pair):
    """Dal verbo alla sua particella, «turns … off»: (posizione del verbo, posizione della particella), o None."""
    if "particella" not in pair.constructs:
        return None
    sources = {}
    for english, italian in pair.alignment:
        sources.setdefault(italian, []).append(english)
    particle = len(pair.english) - 2  # prima del punto
    return next((min(words), particle) for words in sources.values() if particle in words)


def antecedent_link(pair):
    """Da «its» o «their» al nome a cui rimanda, o None."""
    return pair.antecedent


def head_scores(model, vocabulary, pairs, link):
    """Quanto ogni testa della self-attention dell’encoder segue un legame, in media sulle frasi che lo hanno.

    link: da una MicroPair alla coppia (posizione che guarda, posizione guardata), o None. Rende (n_layers, h) pesi
    medi: così le teste da mostrare le sceglie una regola. Errori: ValueError se nessuna frase ha il legame.
    """
    layers, found = range(model.config.n_layers), []
    for pair in pairs:
        if link(pair) is None:
            continue
        query, key = link(pair)
        src = vocabulary.encode(" ".join(pair.english))
        found.append(torch.stack([attention_of(model, src, [1], layer=layer)[:, query, key] for layer in layers]))
    if not found:
        raise ValueError(f"pairs ha {len(pairs)} frasi: attesa almeno una con il legame chiesto")
    return torch.stack(found).mean(dim=0)  # (n_layers, h)


def examples(model, vocabulary, pairs):
    """Le figure 3, 4 e 5 dal modello dato, sull’ultimo strato dell’encoder: rende le tre figure."""
    verb = head_scores(model, vocabulary, pairs, particle_link)[-1]  # (h,)
    its = head_scores(model, vocabulary, pairs, antecedent_link)[-1]  # (h,)
    first, second = its.argsort(descending=True)[:2].tolist()
    weights = attention_of(model, vocabulary.encode(" ".join(VERB_SENTENCE)), [1])  # (h, n, n)
    figure_3 = attention_lines(weights, VERB_SENTENCE, word=VERB_SENTENCE.index("turn"))
    weights = attention_of(model, vocabulary.encode(" ".join(ITS_SENTENCE)), [1])  # (h, n, n)
    figure_4 = attention_panels(
        weights, ITS_SENTENCE, None, [([first], None), ([first, second], ITS_SENTENCE.index("its"))]
    )
    others = [head for head in verb.argsort(descending=True).tolist() if head not in (first, second)][:2]
    return figure_3, figure_4, attention_panels(weights, ITS_SENTENCE, None, [([head], None) for head in others])
