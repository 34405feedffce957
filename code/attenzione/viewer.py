"""I pesi di attenzione per parole, e la vista <attenzione-vista> che li mostra nella pagina.

Il tokenizer spezza le parole in pezzi. Qui chi guarda è il primo pezzo di una parola; il peso dato a una parola è la
somma dei pesi dati ai suoi pezzi, così ogni riga somma ancora a 1.
"""

import base64
import html
import io
import json
from dataclasses import dataclass

import torch
from matplotlib import pyplot as plt

from attenzione.data.corpus import clean
from attenzione.figures.attention_lines import KINDS, attention_lines
from attenzione.heads import Example, attention_rows

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
    rows = weights[..., [group[0] for group in queries], :]           # (…, parole, n_k): il primo pezzo guarda
    return torch.stack([rows[..., group].sum(dim=-1) for group in keys], dim=-1)


@torch.no_grad()
def word_attention(model, tokenizer, text, translation=""):
    """L’attenzione di un modello su una frase e la sua traduzione, per parole.

    Rende un dizionario: per ogni tipo, una terna (pesi (n_layers, h, parole che guardano, parole guardate), parole che
    guardano, parole guardate). Nel decoder la parola che guarda è quella che si sta scrivendo; l’ultima è la fine.
    """
    src, src_words, src_groups = split_words(tokenizer, text)
    tgt, tgt_words, tgt_groups = split_words(tokenizer, translation)
    written = [[0], *([i + 1 for i in group] for group in tgt_groups)]     # spostate di una: prima c’è BOS
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


@dataclass(frozen=True)
class AttentionView:
    """La vista: un elemento HTML con i dati e una figura ferma; nel PDF, e dove non c’è JavaScript, la sola figura."""

    data: str
    figure: bytes
    pdf: bytes
    alt: str

    def _repr_mimebundle_(self, include=None, exclude=None):
        image = base64.b64encode(self.figure).decode()
        page = (
            f'<attenzione-vista><img class="vista-ferma" alt="{html.escape(self.alt)}" '
            f'src="data:image/svg+xml;base64,{image}"><script type="application/json">{self.data}</script>'
            "</attenzione-vista>"
        )
        pdf = base64.b64encode(self.pdf).decode()
        return {"text/html": page, "application/pdf": pdf, "text/plain": self.alt}


def attention_view(model, tokenizer, pairs, kind="encoder", layer=0, head=None, word=0, alt="Vista dell’attenzione"):
    """La vista di più frasi, con tutti gli strati, le teste e i tipi di un modello.

    pairs: coppie (frase, traduzione); kind, layer, head, word: che cosa si vede all’inizio e nella figura ferma, della
    prima frase; head e word contati da 0, head None per tutte le teste. alt: la figura ferma, a parole.
    Errori: ValueError se pairs è vuoto, o se kind, layer, head o word non ci sono.
    """
    pairs = list(pairs)
    if not pairs:
        raise ValueError("pairs è vuoto: attesa almeno una coppia (frase, traduzione)")
    if kind not in KINDS:
        raise ValueError(f"kind vale «{kind}»: atteso uno fra {', '.join(KINDS)}")
    if not 0 <= layer < model.config.n_layers:
        raise ValueError(f"layer vale {layer}: atteso un intero da 0 a {model.config.n_layers - 1}")
    found = [word_attention(model, tokenizer, *pair) for pair in pairs]
    weights, queries, keys = found[0][kind]
    fig = attention_lines(weights[layer], queries, keys, None if head is None else [head], word)
    files = io.BytesIO(), io.BytesIO()
    with plt.rc_context({"svg.hashsalt": "vista"}):                   # gli stessi byte a ogni costruzione
        fig.savefig(files[0], format="svg", metadata={"Date": None})
    fig.savefig(files[1], format="pdf", metadata={"CreationDate": None})
    plt.close(fig)
    start = {"tipo": kind, "strato": layer, "testa": head, "parola": word}
    data = {"inizio": start, "frasi": [{name: as_json(*kind) for name, kind in one.items()} for one in found]}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return AttentionView(text, files[0].getvalue(), files[1].getvalue(), alt)


def as_json(weights, queries, keys):
    """Pesi in centesimi, strato per strato, testa per testa, riga per riga, senza gli zeri in fondo alle righe."""
    numbers = (weights * 100).round().int().tolist()
    for row in (row for layer in numbers for head in layer for row in head):
        while row and row[-1] == 0:
            row.pop()
    return {"chi": queries, "chiavi": keys, "pesi": numbers}
