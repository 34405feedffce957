"""I modelli che viaggiano col libro: dove stanno, e come si caricano col loro tokenizer. Senza rete."""

import importlib.metadata
from pathlib import Path

from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.data.vocabulary import Vocabulary
from attenzione.training.checkpoint import load_model

WEIGHTS, TOKENIZER = "modello.safetensors", "tokenizer.json"


def shipped_folder(name):
    """La cartella del modello spedito name: nel progetto (pip install -e) o fra i file del pacchetto installato.

    Quali siano lo scrive pip: la cartella dei dati cambia da un sistema all’altro, e su Colab non è sys.prefix.
    Errori: FileNotFoundError se non è in nessuno dei due posti.
    """
    place = Path(__file__).parents[3] / "modelli" / name
    if (place / WEIGHTS).is_file():
        return place
    for distribution in importlib.metadata.distributions(name="attenzione"):
        for file in distribution.files or ():
            if file.match(f"attenzione/{name}/{WEIGHTS}") and (weights := Path(file.locate())).is_file():
                return weights.resolve().parent
    raise FileNotFoundError(
        f"il modello del libro non c’è: atteso {WEIGHTS} in {place} o fra i file del pacchetto attenzione installato"
    )


def load_shipped(path, device=None):
    """Un modello, in modo valutazione, e il suo tokenizer.

    path: una cartella con modello.safetensors, o un file .safetensors. Il tokenizer è il vocabolario scritto nel file o
    il tokenizer.json accanto. Errori: FileNotFoundError; ValueError se un file è danneggiato o i due non vanno insieme.
    """
    path = Path(path)
    path = path / WEIGHTS if path.is_dir() else path
    model, tokens = load_model(path, device)
    tokenizer = Vocabulary(tokens) if tokens else BytePairTokenizer.load(path.parent / TOKENIZER)
    if len(tokenizer) != model.config.n_vocab:
        raise ValueError(
            f"il tokenizer di «{path.parent}» ha {len(tokenizer)} unità: attese le {model.config.n_vocab} del modello"
        )
    return model, tokenizer
