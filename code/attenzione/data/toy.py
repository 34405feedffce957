"""I compiti giocattolo: copiare, rovesciare, ordinare lettere; palindromi; parentesi bilanciate."""

import random
import string
from functools import cache

from attenzione.data.vocabulary import SPECIALS, Vocabulary

TASKS = {"copia": list, "inversione": lambda letters: letters[::-1], "ordinamento": sorted}
PALINDROME_TASKS = ("riconoscere", "completare")
BLANK, YES, NO = "_", "sì", "no"
BRACKETS = {"(": ")", "[": "]"}


def toy_pairs(task, n_pairs, n_symbols=10, min_len=1, max_len=10, seed=0):
    """n_pairs coppie (src, tgt) di identificatori, tutte diverse e in ordine casuale.

    task: «copia», «inversione» o «ordinamento»; le sequenze sono lunghe da min_len a max_len e usano n_symbols
    simboli, con identificatori dal 4 in su. Errori: ValueError se il compito non esiste o le sequenze non bastano.
    """
    if task not in TASKS:
        raise ValueError(f"task vale «{task}»: atteso uno fra {', '.join(TASKS)}")
    half = sum(n_symbols**n for n in range(min_len, max_len + 1)) // 2
    if n_pairs > half:
        raise ValueError(f"n_pairs vale {n_pairs}: attese al più {half}, metà delle sequenze possibili")
    rng = random.Random(seed)
    sources = {}
    while len(sources) < n_pairs:
        length = rng.randint(min_len, max_len)
        sources[tuple(rng.randrange(n_symbols) + len(SPECIALS) for _ in range(length))] = None
    return [(list(src), TASKS[task](list(src))) for src in sources]


def toy_vocabulary(n_symbols=10, extra=()):
    """Il vocabolario dei compiti giocattolo: le prime n_symbols lettere, poi extra. Errori: ValueError oltre 26."""
    if not 1 <= n_symbols <= 26:
        raise ValueError(f"n_symbols vale {n_symbols}: atteso un intero da 1 a 26")
    return Vocabulary([*SPECIALS, *string.ascii_lowercase[:n_symbols], *extra])


def palindrome_vocabulary(n_symbols=10):
    """Il vocabolario dei palindromi: le lettere, il vuoto «_», «sì» e «no»."""
    return toy_vocabulary(n_symbols, (BLANK, YES, NO))


def palindrome_pairs(task, n_pairs, n_symbols=10, min_len=4, max_len=10, seed=0):
    """n_pairs coppie (src, tgt) sui palindromi, con gli identificatori di palindrome_vocabulary, tutte diverse.

    task: «riconoscere» (tgt è «sì» o «no», metà e metà; chi non è palindromo lo sarebbe con una lettera diversa)
    o «completare» (in src una lettera di ogni coppia speculare su due, in media, è il vuoto; tgt è il palindromo).
    Errori: ValueError se il compito non esiste, min_len è minore di 2, i simboli sono meno di due o le sequenze non
    bastano.
    """
    if task not in PALINDROME_TASKS:
        raise ValueError(f"task vale «{task}»: atteso uno fra {', '.join(PALINDROME_TASKS)}")
    if n_symbols < 2 or min_len < 2:
        raise ValueError(f"n_symbols e min_len valgono {n_symbols} e {min_len}: attesi interi da 2 in su")
    half = sum(n_symbols ** -(-n // 2) for n in range(min_len, max_len + 1)) // 2
    if n_pairs > half:
        raise ValueError(f"n_pairs vale {n_pairs}: attese al più {half}, metà dei palindromi possibili")
    vocabulary = palindrome_vocabulary(n_symbols)
    rng = random.Random(seed)
    pairs = {}
    blank, yes, no = (vocabulary.ids[token] for token in (BLANK, YES, NO))
    while len(pairs) < n_pairs:
        length = rng.randint(min_len, max_len)
        first = [rng.randrange(n_symbols) + len(SPECIALS) for _ in range(-(-length // 2))]
        whole = first + first[: length // 2][::-1]
        src = list(whole)
        if task == "completare":
            for i in range(length // 2):
                if rng.random() < 0.5:
                    src[rng.choice([i, -1 - i])] = blank
            pairs.setdefault(tuple(src), whole)
        elif len(pairs) % 2:
            i = rng.choice([i for i in range(length) if 2 * i + 1 != length])
            src[i] = rng.choice([k + len(SPECIALS) for k in range(n_symbols) if k + len(SPECIALS) != src[i]])
            pairs.setdefault(tuple(src), [no])
        else:
            pairs.setdefault(tuple(src), [yes])
    return [(list(src), tgt) for src, tgt in pairs.items()]


def bracket_vocabulary():
    """Il vocabolario delle parentesi: tonde, quadre, «sì» e «no»."""
    return Vocabulary([*SPECIALS, *(bracket for pair in BRACKETS.items() for bracket in pair), YES, NO])


def bracket_pairs(n_pairs, depth, length=16, seed=0):
    """n_pairs coppie (src, tgt), metà bilanciate («sì») e metà no («no»), tutte diverse e profonde depth.

    src: length parentesi tonde e quadre; la profondità è il numero massimo di parentesi aperte insieme. Una
    successione non bilanciata nasce da una bilanciata scambiando di posto due chiusure di specie diversa: contare le
    parentesi non basta a scoprirla. Errori: ValueError se length non è pari, depth non sta fra 1 e length / 2 o le
    successioni non bastano.
    """
    if length < 4 or length % 2:
        raise ValueError(f"length vale {length}: atteso un intero pari, da 4 in su")
    if not 1 <= depth <= length // 2:
        raise ValueError(f"depth vale {depth}: atteso un intero da 1 a {length // 2}, metà di length")
    possible = _shapes(length, 0, depth, False) * 2 ** (length // 2)
    if n_pairs > possible // 2:
        raise ValueError(f"n_pairs vale {n_pairs}: attese al più {possible // 2}, metà delle successioni possibili")
    vocabulary = bracket_vocabulary()
    rng = random.Random(f"{seed}/{depth}")
    pairs = {}
    while len(pairs) < n_pairs:
        text = _balanced(rng, length, depth)
        answer = YES
        if len(pairs) % 2:
            if not {")", "]"} <= set(text):
                continue  # non ci sono due chiusure di specie diversa
            _unbalance(rng, text)
            answer = NO
        pairs.setdefault(tuple(vocabulary.ids[c] for c in text), [vocabulary.ids[answer]])
    return [(list(src), tgt) for src, tgt in pairs.items()]


def _balanced(rng, length, depth):
    """Una successione bilanciata di length parentesi, profonda depth: un elenco; le forme sono equiprobabili."""
    text, stack = [], []
    reached = False
    for left in reversed(range(length)):  # quante ne restano dopo questa
        up = _shapes(left, len(stack) + 1, depth, reached or len(stack) + 1 == depth)
        down = _shapes(left, len(stack) - 1, depth, reached)
        if rng.randrange(up + down) < up:
            stack.append(rng.choice(list(BRACKETS)))
            text.append(stack[-1])
            reached = reached or len(stack) == depth
        else:
            text.append(BRACKETS[stack.pop()])
    return text


def _unbalance(rng, text):
    """Scambia di posto, in text, una chiusura tonda e una quadra."""
    i = rng.choice([i for i, c in enumerate(text) if c == ")"])
    k = rng.choice([k for k, c in enumerate(text) if c == "]"])
    text[i], text[k] = text[k], text[i]


@cache
def _shapes(left, height, depth, reached):
    """In quanti modi si finisce: left parentesi da scrivere, height aperte; depth va raggiunta e mai superata."""
    if not 0 <= height <= depth:
        return 0
    if not left:
        return int(height == 0 and reached)
    return _shapes(left - 1, height + 1, depth, reached or height + 1 == depth) + _shapes(
        left - 1, height - 1, depth, reached
    )
