"""Due compiti giocattolo: copiare una sequenza di lettere e rovesciarla."""

import random
import string

from attenzione.data.vocabulary import SPECIALS, Vocabulary

TASKS = {"copia": list, "inversione": lambda letters: letters[::-1]}


def toy_pairs(task, n_pairs, n_symbols=10, min_len=1, max_len=10, seed=0):
    """n_pairs coppie (src, tgt) di identificatori, tutte diverse e in ordine casuale.

    task: «copia» o «inversione»; le sequenze sono lunghe da min_len a max_len e usano n_symbols simboli, con
    identificatori dal 4 in su. Errori: ValueError se il compito non esiste o le sequenze non bastano.
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


def toy_vocabulary(n_symbols=10):
    """Il vocabolario dei compiti giocattolo: le prime n_symbols lettere. Errori: ValueError oltre 26."""
    if not 1 <= n_symbols <= 26:
        raise ValueError(f"n_symbols vale {n_symbols}: atteso un intero da 1 a 26")
    return Vocabulary([*SPECIALS, *string.ascii_lowercase[:n_symbols]])
