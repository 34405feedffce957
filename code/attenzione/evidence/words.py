"""L’attenzione parola per parola.

Il tokenizer spezza le parole in pezzi. Qui chi guarda è il primo pezzo di una parola; il peso dato a una parola è la
somma dei pesi dati ai suoi pezzi, così ogni riga somma ancora a 1.
"""

import torch

from attenzione.data.corpus import clean
from attenzione.evidence.heads import Example, attention_rows

START, END = "(inizio)", "(fine)"


def split_words(tokenizer, text):
    """Gli identificatori di una frase, le sue parole, e di ogni parola le posizioni dei suoi pezzi: tre elenchi.

    tokenizer: un BytePairTokenizer; la frase viene pulita.
    """
    text = clean(text)
    encoding = tokenizer.tokenizer.encode(text)
    pieces = {}
    for position, word in enumerate(encoding.word_ids):
        pieces.setdefault(word, []).append(position)
    groups = list(pieces.values())
    words = [text[encoding.offsets[group[0]][0] : encoding.offsets[group[-1]][1]].strip() for group in groups]
    return encoding.ids, words, groups


def by_words(weights, queries, keys):
    """Dai pesi fra pezzi (…, n_q, n_k) a quelli fra parole; queries, keys: le posizioni dei pezzi di ogni parola."""
    rows = weights[..., [group[0] for group in queries], :]  # (…, parole, n_k): il primo pezzo guarda
    return torch.stack([rows[..., group].sum(dim=-1) for group in keys], dim=-1)


@torch.no_grad()
def word_attention(model, tokenizer, text, translation=""):
    """L’attenzione di un modello su una frase e la sua traduzione, per parole.

    Rende un dizionario: per ogni tipo, una terna (pesi (n_layers, h, parole che guardano, parole guardate), parole che
    guardano, parole guardate). Nel decoder la parola che guarda è quella che si sta scrivendo; l’ultima è la fine.
    """
    src, src_words, src_groups = split_words(tokenizer, text)
    tgt, tgt_words, tgt_groups = split_words(tokenizer, translation)
    written = [[0], *([i + 1 for i in group] for group in tgt_groups)]  # spostate di una: prima c’è BOS
    writing = [*tgt_groups, [len(tgt)]]
    sides = {
        "encoder": (src_words, src_groups, src_words, src_groups),
        "decoder": ([*tgt_words, END], writing, [START, *tgt_words], written),
        "encoder-decoder": ([*tgt_words, END], writing, src_words, src_groups),
    }
    found = {}
    for kind, (queries, query_groups, keys, key_groups) in sides.items():
        # attention_rows lascia fuori l’ultima riga, che qui predice la fine: si aggiunge un token, che nessuno guarda
        example = Example(src, [*tgt, model.config.eos_id] if kind != "encoder" else tgt, {})
        (weights,) = attention_rows(model, [example], kind)
        found[kind] = by_words(weights, query_groups, key_groups), queries, keys
    return found
