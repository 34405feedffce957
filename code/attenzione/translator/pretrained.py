"""Il traduttore che accompagna il libro: lo trova, lo carica e traduce. Non usa mai la rete."""

from attenzione.decoding import beam_search, greedy
from attenzione.streams import check_utf8
from attenzione.training import shipped
from attenzione.training.architecture import class_name
from attenzione.training.batches import pad
from attenzione.training.shipped import TOKENIZER, WEIGHTS

__all__ = ["TOKENIZER", "WEIGHTS", "encode_source", "load_translator", "shipped_folder", "translate"]

SHIPPED = "europarl-en-it"
STRATEGIES = ("beam", "greedy")


def shipped_folder():
    """La cartella del traduttore spedito. Errori: quelli di attenzione.training.shipped.shipped_folder."""
    return shipped.shipped_folder(SHIPPED)


def load_translator(path=None, device=None):
    """Il traduttore, in modo valutazione, e il suo tokenizer.

    path: come in load_shipped; il modello del libro se None. Errori: quelli di load_shipped; ValueError se il modello
    non traduce.
    """
    path = path or shipped_folder()
    model, tokenizer = shipped.load_shipped(path, device)
    if not hasattr(model, "encode"):
        raise ValueError(f"path vale «{path}»: atteso un modello che traduce, è un {class_name(type(model))}")
    return model, tokenizer


def encode_source(tokenizer, text, config):
    """Gli identificatori di una frase da tradurre.

    Errori: ValueError se la frase è vuota, se non ha alcun segno noto al modello, se è troppo lunga o se contiene byte
    che non sono UTF-8 (surrogati).
    """
    shown = text if len(text) <= 40 else text[:40] + "…"
    check_utf8("la frase", shown, text)
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
