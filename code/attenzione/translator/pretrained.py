"""Il traduttore che accompagna il libro: lo trova, lo carica e traduce. Non usa mai la rete."""

import importlib.metadata
from pathlib import Path

from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.data.vocabulary import Vocabulary
from attenzione.decoding import beam_search, greedy
from attenzione.training.batches import pad
from attenzione.training.checkpoint import load_model

SHIPPED = "europarl-en-it"
WEIGHTS, TOKENIZER = "modello.safetensors", "tokenizer.json"
STRATEGIES = ("beam", "greedy")


def shipped_folder():
    """La cartella del modello spedito: nel progetto (pip install -e) o fra i file del pacchetto installato.

    Quali siano lo scrive pip: la cartella dei dati cambia da un sistema all’altro, e su Colab non è sys.prefix.
    Errori: FileNotFoundError se non è in nessuno dei due posti.
    """
    place = Path(__file__).parents[3] / "modelli" / SHIPPED
    if (place / WEIGHTS).is_file():
        return place
    for distribution in importlib.metadata.distributions(name="attenzione"):
        for file in distribution.files or ():
            if file.match(f"attenzione/{SHIPPED}/{WEIGHTS}") and (weights := Path(file.locate())).is_file():
                return weights.resolve().parent
    raise FileNotFoundError(
        f"il modello del libro non c’è: atteso {WEIGHTS} in {place} o fra i file del pacchetto attenzione installato"
    )


def load_translator(path=None, device=None):
    """Il modello, in modo valutazione, e il suo tokenizer.

    path: una cartella con modello.safetensors, o un file .safetensors; il modello del libro se None. Il
    tokenizer è il vocabolario scritto nel file o il tokenizer.json accanto.
    Errori: FileNotFoundError; ValueError se un file è danneggiato o i due non vanno insieme.
    """
    path = Path(path or shipped_folder())
    path = path / WEIGHTS if path.is_dir() else path
    model, tokens = load_model(path, device)
    tokenizer = Vocabulary(tokens) if tokens else BytePairTokenizer.load(path.parent / TOKENIZER)
    if len(tokenizer) != model.config.n_vocab:
        raise ValueError(
            f"il tokenizer di «{path.parent}» ha {len(tokenizer)} unità: attese le {model.config.n_vocab} del modello"
        )
    return model, tokenizer


def encode_source(tokenizer, text, config):
    """Gli identificatori di una frase da tradurre.

    Errori: ValueError se la frase è vuota, se non ha alcun segno noto al modello, se è troppo lunga o se contiene byte
    che non sono UTF-8 (surrogati).
    """
    shown = text if len(text) <= 40 else text[:40] + "…"
    if any("\ud800" <= c <= "\udfff" for c in text):
        escaped = shown.encode("utf-8", "backslashreplace").decode("utf-8")
        raise ValueError(f"la frase «{escaped}»: il testo non è in UTF-8")
    ids = tokenizer.encode(text)
    if not ids:
        raise ValueError("la frase è vuota: attesa almeno una parola")
    if not tokenizer.decode([i for i in ids if i != 3]):
        raise ValueError(f"la frase «{shown}» non ha alcun segno noto al modello")
    if len(ids) > config.max_len:
        raise ValueError(f"la frase «{shown}» è di {len(ids)} unità: attese al più {config.max_len}")
    return ids


def translate(model, tokenizer, texts, strategy="beam", beam=4, alpha=0.6, max_tokens=2000, failures=None):
    """Traduce un elenco di frasi a lotti, dalle più corte alle più lunghe; rende le traduzioni, nel loro ordine.

    strategy: «beam» o «greedy»; max_tokens: unità per lotto, riempimento compreso. failures: un dizionario in cui
    mettere, alla sua posizione, il perché di ogni frase che non si può tradurre, e che dà una traduzione vuota; senza,
    la prima è un errore. Errori: ValueError se strategy è un’altra; quelli di encode_source.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy vale «{strategy}»: atteso uno fra {', '.join(STRATEGIES)}")
    sources = {}
    for i, text in enumerate(texts):
        try:
            sources[i] = encode_source(tokenizer, text, model.config)
        except ValueError as error:
            if failures is None:
                raise
            failures[i] = str(error)
    device = model.embedding.E.device
    translations = [""] * len(texts)
    for batch in in_batches(sources, max_tokens):
        src = pad([sources[i] for i in batch], model.config.pad_id, device)  # (B, n)
        found = beam_search(model, src, beam, alpha) if strategy == "beam" else [[best] for best in greedy(model, src)]
        for i, (hypothesis,) in zip(batch, found, strict=True):
            translations[i] = tokenizer.decode(hypothesis.tokens)
    return translations


def in_batches(sources, max_tokens):
    """I numeri delle frasi a lotti, dalle più corte, di al più max_tokens unità, riempimento compreso.

    sources: dal numero di una frase ai suoi identificatori.
    """
    batches = []
    for i in sorted(sources, key=lambda i: len(sources[i])):
        if not batches or len(sources[i]) * (len(batches[-1]) + 1) > max_tokens:
            batches.append([])
        batches[-1].append(i)
    return batches
