"""Il modello linguistico che accompagna il libro: lo carica e gli fa continuare un testo. Non usa mai la rete."""

import torch

from attenzione.device import read
from attenzione.streams import check_utf8
from attenzione.training import shipped
from attenzione.training.architecture import class_name

SHIPPED = "lingua-it"
UNKNOWN = 3
"""L’identificatore del token ignoto, che non si scrive mai."""


def load_language_model(path=None, device=None):
    """Il modello, in modo valutazione, e il suo tokenizer.

    path: come in load_shipped; il modello del libro se None. Errori: quelli di load_shipped; ValueError se il modello
    non continua un testo.
    """
    path = path or shipped.shipped_folder(SHIPPED)
    model, tokenizer = shipped.load_shipped(path, device)
    if hasattr(model, "encode"):
        raise ValueError(f"path vale «{path}»: atteso un modello che continua un testo, è un {class_name(type(model))}")
    return model, tokenizer


def encode_start(tokenizer, text, config):
    """Gli identificatori di un testo da continuare, BOS in testa; ogni a capo è la fine di una riga, EOS.

    Errori: ValueError se il testo contiene byte che non sono UTF-8 (surrogati).
    """
    check_utf8("il testo", text if len(text) <= 40 else text[:40] + "…", text)
    ids = [config.bos_id]
    for line in text.splitlines(keepends=True):
        ids += tokenizer.encode(line)
        if line.endswith("\n"):
            ids.append(config.eos_id)
    return ids


@torch.inference_mode()
def continuation(model, ids, choose):
    """Cede senza fine i token che il modello mette dopo ids, un intero alla volta.

    ids: identificatori, BOS in testa; choose: dai logit (1, n_vocab) al token (1,), come in attenzione.decoding.stream.
    PAD, BOS e il token ignoto sono esclusi. Il modello vede al più gli ultimi max_len token: quando la cache è piena si
    riparte da max_len / 2. Errori: ValueError se il modello è in modo addestramento.
    """
    c = model.config
    if model.training:
        raise ValueError("model è in modo addestramento, con il dropout: atteso dopo model.eval()")
    device = model.embedding.E.device
    seen, cache = list(ids[-c.max_len :]), None
    fresh = seen
    while True:
        if cache is None or cache[0].length + len(fresh) > c.max_len:
            fresh = seen if cache is None else seen[-max(1, c.max_len // 2) :]
            cache = model.start_cache(1, c.max_len)
        logits = model.decode(torch.tensor([fresh], device=device), cache)[:, -1]  # (1, n_vocab)
        logits[:, [c.pad_id, c.bos_id, UNKNOWN]] = -torch.inf
        (token,) = read(choose(logits.float()))
        yield token
        fresh = [token]
        seen.append(token)
