"""La classe di un modello, dal suo nome: così l’addestramento non importa nessuna architettura.

Una classe di modello è un nn.Module che dice in config_class la classe della sua configurazione, una dataclass, e si
costruisce da una configurazione: attenzione.model.Transformer, per esempio. Si chiama con (src, tgt, checked=False) e
rende i logit; checked dice che i token li ha già guardati chi chiama. Una classe che riceve altro dice nella sua
collate come un batch diventa tensori, gli ultimi dei quali sono i token da predire.
"""

import importlib
import re
from dataclasses import is_dataclass

from torch import nn

DEFAULT = "attenzione.model.Transformer"
BEFORE_2 = {"transformer": DEFAULT, "lstm": "attenzione.translator.lstm.AttentionLSTM"}
"""Come i file scritti prima della versione 2.0.0 chiamano le due classi di allora."""


def class_name(model_class):
    """Il nome con cui ricette e checkpoint chiamano una classe: modulo e nome, separati da un punto."""
    return f"{model_class.__module__}.{model_class.__qualname__}"


def find_class(name):
    """La classe di modello che si chiama name. Errori: ValueError se non c’è o non è una classe di modello."""
    module, _, attribute = str(name).rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError, TypeError) as error:  # TypeError: «.nome»
        raise ValueError(f"classe vale «{name}»: attesa una classe di modello che esiste, come {DEFAULT}") from error
    is_model = isinstance(found, type) and issubclass(found, nn.Module)
    if not is_model or not is_dataclass(getattr(found, "config_class", None)):
        raise ValueError(f"classe vale «{name}»: attesa una classe di modello, come {DEFAULT}, con la sua config_class")
    return found


def find_own_class(name):
    """Come find_class, per un nome scritto in un file di pesi: solo le classi di questa libreria, e dove sono definite.

    Un file che viene da altri non sceglie che cosa importare. Errori: ValueError.
    """
    if not re.fullmatch(r"attenzione(\.[a-z_]\w*)+\.[A-Z]\w*", str(name)):
        raise ValueError(f"classe vale «{name}»: attesa una classe di modello di questa libreria, come {DEFAULT}")
    found = find_class(name)
    if class_name(found) != name:
        raise ValueError(f"classe vale «{name}»: atteso il nome del modulo che la definisce, {class_name(found)}")
    return found
