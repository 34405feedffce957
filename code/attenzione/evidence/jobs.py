"""I compiti delle teste, appendice: una lingua artificiale in cui si sa quale parola ne completa un’altra.

    the old girl near the lamp turns the red mirror near the small key and its price off .

Ogni parola ha una glossa, che dice ciò che in italiano occorrerebbe sapere per tradurla: di un articolo o di un
aggettivo il genere del nome che segue («red:m»), di certi verbi la particella in fondo («turns+off»), di «its» il
genere dell’oggetto. L’oggetto è il nome dopo il verbo: mai il primo, non sempre il più vicino, a una distanza che
cambia. Un encoder impara le glosse; poi si misura che cosa guardano le sue teste, e che cosa sbaglia senza una.

    python -m attenzione.evidence.jobs --semi 5 6 7 8 9

addestra gli encoder e scrive jobs.json, accanto a questo file: una decina di minuti di un core. In
jobs-scelta.json stanno le stesse misure con i semi da 0 a 4, su cui si è scelto quali compiti accostare: non decidono.
"""

import argparse
import itertools
import json
import platform
import random
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch
from tqdm import tqdm

from attenzione.config import TransformerConfig
from attenzione.data.vocabulary import Vocabulary
from attenzione.evidence.heads import Example, head_accuracy
from attenzione.files import write_text
from attenzione.model import Transformer
from attenzione.streams import as_command
from attenzione.training.loss import label_smoothing_loss
from attenzione.training.schedule import adam, lrate

RECORDED, CHOICE = (Path(__file__).with_name(name) for name in ("jobs.json", "jobs-scelta.json"))
NOUNS = {
    "m": ["mirror", "book", "tree", "garden", "engine", "hat", "coat", "cat"],
    "f": ["girl", "key", "lamp", "radio", "city", "island", "scarf", "chair"],
}
ADJECTIVES = ["red", "new", "white", "small", "old", "ugly"]
VERBS, PHRASALS, PARTICLES = ["sees", "draws", "wants"], ["puts", "turns", "takes"], ["on", "off", "down"]
PARTS = ["price", "shadow", "name", "door"]
TASKS = ("articolo", "aggettivo", "verbo", "its")
VARIANTS = {  # nome → (si addestra?, la glossa di «its» dipende dall’antecedente?)
    "addestrato": (True, True),
    "senza rimando": (True, False),
    "non addestrato": (False, True),
}
STEPS, BATCH, N_TEST = 1000, 32, 600


@dataclass(frozen=True)
class Glossed:
    """Una frase con le sue glosse, una per parola.

    links: compito → le posizioni delle parole la cui glossa lo richiede, ciascuna con quelle che lo risolvono;
    nearest: il nome più vicino prima di «its», o None.
    """

    words: tuple[str, ...]
    glosses: tuple[str, ...]
    links: dict[str, dict[int, frozenset[int]]]
    nearest: int | None


def glossed_sentence(rng, resolved=True):
    """Una frase a caso, Glossed. resolved: falso se «its» ha la stessa glossa qualunque sia il suo antecedente."""
    subject, owner = noun_phrases(rng, rng.choice([0, 1])), noun_phrases(rng, rng.choice([0, 1, 2]))
    verb, phrasal, particle = sum(map(len, subject)), rng.random() < 0.6, rng.choice(PARTICLES)
    word = rng.choice(PHRASALS if phrasal else VERBS)
    pairs = [*itertools.chain(*subject), (word, f"{word}+{particle}" if phrasal else f"{word}:v")]
    pairs += itertools.chain(*owner)
    links, nearest = {}, None
    if rng.random() < 0.6:
        end = verb + 1 + len(owner[0])
        nearest, its = len(pairs) - 1, len(pairs) + 1
        links["its"] = {its: frozenset(range(verb + 1, end))}  # una parola qualsiasi dell’oggetto ne dice il genere
        part = rng.choice(PARTS)
        pairs += [("and", "and:v"), ("its", f"its:{pairs[end - 1][1][-1] if resolved else 'v'}"), (part, f"{part}:v")]
    if phrasal:
        links["verbo"] = {verb: frozenset([len(pairs)])}
        pairs.append((particle, f"{particle}:v"))
    words, glosses = zip(*pairs, (".", ".:v"), strict=True)
    nouns = [i for i, word in enumerate(words) if word in NOUNS["m"] + NOUNS["f"]]
    for task, those in (("articolo", ["the"]), ("aggettivo", ADJECTIVES)):
        queries = [i for i, word in enumerate(words) if word in those]
        links[task] = {i: frozenset([next(noun for noun in nouns if noun > i)]) for i in queries}
    return Glossed(words, glosses, links, nearest)


def noun_phrases(rng, complements):
    """Un nome e i suoi complementi, «near the…»: un elenco di sintagmi, ciascuno di coppie (parola, glossa)."""
    phrases = []
    for n in range(complements + 1):
        gender = rng.choice("mf")
        adjectives = rng.sample(ADJECTIVES, rng.choice([0, 0, 1, 2]))
        words = ["the", *adjectives, rng.choice(NOUNS[gender])]
        phrases.append([*([("near", "near:v")] if n else []), *((word, f"{word}:{gender}") for word in words)])
    return phrases


def held_out(resolved=True):
    """Le frasi di prova, sempre le stesse, in due metà: sulla prima si sceglie la testa, sull’altra la si misura."""
    rng = random.Random(20170612)
    sentences = [glossed_sentence(rng, resolved) for _ in range(N_TEST)]
    return sentences[: N_TEST // 2], sentences[N_TEST // 2 :]


def vocabulary():
    """Il vocabolario delle parole e delle loro glosse."""
    rng = random.Random(1)
    sentences = [glossed_sentence(rng, resolved) for resolved in (True, False) for _ in range(2000)]
    return Vocabulary.from_texts(" ".join([*s.words, *s.glosses]) for s in sentences)


def batch(sentences, ids):
    """Parole e glosse come identificatori, con i PAD in fondo: due tensori (B, n)."""
    sides = ([torch.tensor([ids[w] for w in side]) for side in (s.words, s.glosses)] for s in sentences)
    return tuple(torch.nn.utils.rnn.pad_sequence(side, batch_first=True) for side in zip(*sides, strict=True))


def trained(seed, resolved=True, steps=STEPS):
    """Un encoder di due strati e quattro teste che ha imparato le glosse per steps passi: (modello, identificatori)."""
    torch.manual_seed(seed)
    ids, rng = vocabulary().ids, random.Random(seed)
    config = TransformerConfig(
        len(ids), n_layers=2, d_model=64, d_ff=128, n_heads=4, p_drop=0.0, eps_ls=0.0, max_len=64
    )
    model = Transformer(config).train()
    optimizer = adam(model)
    for step in range(1, steps + 1):
        src, tgt = batch([glossed_sentence(rng, resolved) for _ in range(BATCH)], ids)  # (32, n), due volte
        optimizer.param_groups[0]["lr"] = lrate(step, config.d_model, warmup_steps=200)
        logits = model.embedding.logits(model.encode(src)[0])  # (32, n, n_vocab)
        loss = label_smoothing_loss(logits, tgt, eps_ls=0.0) / (tgt != config.pad_id).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval(), ids


@torch.no_grad()
def accuracy(model, ids, sentences):
    """La parte di glosse giuste, compito per compito."""
    src, tgt = batch(sentences, ids)
    right = model.embedding.logits(model.encode(src)[0]).argmax(dim=-1) == tgt  # (B, n)
    found = {task: [right[n, i] for n, s in enumerate(sentences) for i in s.links.get(task, ())] for task in TASKS}
    return {task: torch.stack(values).double().mean().item() for task, values in found.items()}


@contextmanager
def switched_off(model, layer, head):
    """Per la durata del blocco la testa non dà niente: le sue righe di W^O valgono zero."""
    attention = model.encoder[layer].self_attention
    rows = attention.W_o.data[head * attention.d_v : (head + 1) * attention.d_v]  # (d_v, d_model), una vista
    kept = rows.clone()
    rows.zero_()
    try:
        yield
    finally:
        rows.copy_(kept)


def losses(model, ids, sentences):
    """Quanto perde ogni compito, senza una testa: compito → (n_layers, h), parti di glosse giuste in meno."""
    whole, c = accuracy(model, ids, sentences), model.config
    lost = {task: torch.zeros(c.n_layers, c.n_heads) for task in TASKS}
    for layer, head in itertools.product(range(c.n_layers), range(c.n_heads)):
        with switched_off(model, layer, head):
            for task, value in accuracy(model, ids, sentences).items():
                lost[task][layer, head] = whole[task] - value
    return lost


def dissociation(choose, measure, one, other):
    """Quanto due teste di uno stesso strato si dividono due compiti.

    choose, measure: compito → un numero per testa (n_layers, h), su frasi diverse: con la prima si sceglie la coppia
    di teste, sull’altra la si misura. Di quanto una supera l’altra nel compito one, e di quanto l’altra la supera in
    other: il minore dei due. Zero, o meno, se una sola fa tutto.
    """

    def split(scores):
        ahead = scores[one].unsqueeze(2) - scores[one].unsqueeze(1)  # (N, h, h): la prima meno la seconda
        behind = scores[other].unsqueeze(1) - scores[other].unsqueeze(2)  # (N, h, h): la seconda meno la prima
        return torch.minimum(ahead, behind)

    return split(measure).flatten()[split(choose).argmax()].item()


def link_examples(sentences, ids, task):
    """Gli esempi di un legame, per le teste. Di «its» solo quelli in cui il nome più vicino non è il suo."""
    return [
        Example([ids[word] for word in s.words], [], s.links[task])
        for s in sentences
        if s.links.get(task) and not (task == "its" and s.nearest in set().union(*s.links["its"].values()))
    ]


def scores(model, ids, sentences):
    """Quante volte il peso più grande di ogni testa segue il legame: compito → (n_layers, h)."""
    return {task: head_accuracy(model, link_examples(sentences, ids, task)) for task in TASKS}


def ranked(choose, measure):
    """Le frazioni di measure, dalla testa che è la migliore in choose: un elenco di n_layers · h numeri."""
    return measure.flatten()[choose.flatten().argsort(descending=True, stable=True)].tolist()


def fixed_offset(halves, task):
    """Quante volte segue il legame chi guarda sempre a una stessa distanza, la migliore sulla prima metà."""

    def hits(half):
        found = [pair for s in link_examples(half, Counter(), task) for pair in s.links.items()]
        return Counter(key - query for query, keys in found for key in keys), len(found)

    (offsets, _), (measured, total) = map(hits, halves)
    return measured[offsets.most_common(1)[0][0]] / total


def measure(variant, seed, steps=STEPS):
    """Addestra una variante e la misura: un dizionario JSON, con le frazioni arrotondate a tre cifre.

    «giuste»: glosse giuste, per compito; «segue»: ranked, per compito; «divisi»: dissociation, per coppia di compiti,
    di ciò che le teste guardano (scores) e di ciò a cui servono (losses).
    Errori: KeyError se variant non è fra VARIANTS.
    """
    learns, resolved = VARIANTS[variant]
    model, ids = trained(seed, resolved, steps if learns else 0)
    halves = held_out(resolved)
    seen, lost = ([how(model, ids, half) for half in halves] for how in (scores, losses))
    result = {
        "giuste": accuracy(model, ids, halves[1]),
        "segue": {task: ranked(*(half[task] for half in seen)) for task in TASKS},
        "divisi": {
            f"{one}, {other}": {"guardano": dissociation(*seen, one, other), "servono": dissociation(*lost, one, other)}
            for one, other in itertools.combinations(TASKS, 2)
        },
    }
    return json.loads(json.dumps(result), parse_float=lambda number: round(float(number), 3))


def record(seeds, path=RECORDED, steps=STEPS):
    """Misura ogni variante con ogni seme e scrive in path le misure, una per seme; rende il dizionario scritto.

    Si scrive a ogni addestramento: chi si interrompe riprende da lì, se semi, passi e versioni sono gli stessi.
    Errori: ValueError se i semi diversi sono meno di tre.
    """
    if len(set(seeds)) < 3:
        raise ValueError(f"seeds vale {list(seeds)}: attesi almeno tre semi diversi")
    halves = held_out()
    report = {
        "comando": f"python -m attenzione.evidence.jobs --semi {' '.join(map(str, seeds))}",
        "data": date.today().isoformat(),
        "versioni": {"python": platform.python_version(), "torch": version("torch").split("+")[0]},
        "passi": steps,
        "semi": list(seeds),
        "distanza fissa": {task: round(fixed_offset(halves, task), 3) for task in TASKS},
        "misure": {},
    }
    before = recorded(path)
    if before and all(before[key] == report[key] for key in ("semi", "passi", "versioni")):
        report["misure"] = before["misure"]
    todo = [(name, seed) for name in VARIANTS for seed in seeds[len(report["misure"].get(name, [])) :]]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name, seed in tqdm(todo, desc="compiti delle teste", unit="encoder"):
            report["misure"].setdefault(name, []).append(measure(name, seed, steps))
            write_text(path, json.dumps(report, ensure_ascii=False) + "\n")
    finally:
        torch.set_num_threads(threads)
    return report


def recorded(path=RECORDED):
    """Le misure registrate, o None se nessuno le ha ancora fatte."""
    return json.loads(Path(path).read_text("utf-8")) if Path(path).exists() else None


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m attenzione.evidence.jobs", description=__doc__.split("\n")[0])
    parser.add_argument("--semi", type=int, nargs="+", default=[5, 6, 7, 8, 9], help="i semi (5 6 7 8 9)")
    parser.add_argument("--uscita", default=RECORDED, help="dove scrivere i numeri")
    options = parser.parse_args(arguments)
    record(options.semi, options.uscita)


if __name__ == "__main__":
    sys.exit(as_command(main))
