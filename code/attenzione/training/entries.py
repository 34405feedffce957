"""Che cosa può stare in una ricetta: si legge il YAML e se ne controlla ogni voce, prima di fare qualunque cosa."""

from contextlib import suppress
from dataclasses import MISSING, fields
from decimal import Decimal, InvalidOperation
from inspect import signature
from math import isfinite
from pathlib import Path
from types import NoneType
from typing import get_args

import yaml

from attenzione.config import check_positive_integer, shown
from attenzione.data.corpus import split_corpus
from attenzione.data.download import CORPORA
from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.data.vocabulary import SPECIALS
from attenzione.training.architecture import DEFAULT, find_class
from attenzione.training.loop import TrainingConfig

SECTIONS = {
    "dati": {"partenza": str, "arrivo": str, "corpus": str, "limite": int | None, "testi": list},
    "divisione": {
        "max_words": int,
        "max_ratio": float,
        "block_lines": int,
        "dev_per_mille": int,
        "test_per_mille": int,
    },
    "tokenizer": {"n_vocab": int, "min_count": int},
    "modello": {"classe": str},  # e le grandezze della sua configurazione, meno n_vocab, che viene dal tokenizer
    "addestramento": {field.name: field.type for field in fields(TrainingConfig)},
}
OF_PAIRS, OF_TEXTS = {"max_words", "max_ratio"}, {"block_lines"}
"""Le voci della divisione che valgono soltanto per le coppie, e soltanto per i testi."""

KINDS = {bool: "true o false", int: "un intero", float: "un numero", str: "un testo", list: "un elenco"}


class Loader(yaml.SafeLoader):
    """Un lettore YAML che tiene da parte le chiavi date due volte, di cui l’altro prende l’ultima in silenzio."""

    def __init__(self, text):
        super().__init__(text)
        self.repeated = []  # (chiave, riga)

    def construct_mapping(self, node, deep=False):
        found = set()
        for key, _ in node.value:
            if str(key.value) in found:
                self.repeated.append((key.value, key.start_mark.line + 1))
            found.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_yaml(path):
    """Il dizionario scritto in un file YAML. Errori: ValueError se non si legge o una chiave è data due volte."""
    try:
        loader = Loader(Path(path).read_text("utf-8"))
        written = loader.get_single_data()
    except (yaml.YAMLError, ValueError) as error:  # ValueError: non è UTF-8, o una data che non esiste
        raise ValueError(f"path vale «{path}»: non è un file YAML che si possa leggere") from error
    for key, line in loader.repeated:
        raise ValueError(f"{path}, riga {line}: la voce «{key}» è data due volte")
    if not isinstance(written, dict):
        raise ValueError(f"path vale «{path}»: attese le sezioni nome, {', '.join(SECTIONS)}")
    return written


def choose_variant(written, variant):
    """Il nome e le sezioni di una ricetta, dal dizionario scritto nel file, con i cambiamenti della variante."""
    name = written.pop("nome", None)
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"nome vale {as_written(name)}: atteso il nome del modello, un testo")
    variants = entries("varianti", written.pop("varianti", None))
    variants = {key: entries(f"varianti.{key}", value) for key, value in variants.items()}
    sections = {section: entries(section, written.pop(section, None)) for section in SECTIONS}
    if unknown := [*map(str, written)]:
        raise ValueError(f"{', '.join(unknown)}: voci non previste")
    for key, changes in variants.items():
        if not isinstance(key, str):
            raise ValueError(f"varianti.{key}: atteso come nome un testo, fra virgolette")
        if unknown := [section for section in changes if section not in SECTIONS]:
            raise ValueError(f"varianti.{key}.{unknown[0]}: voci non previste")
        for section, changed in changes.items():
            changes[section] = entries(f"varianti.{key}.{section}", changed)
    if variant is None:
        return name, sections
    if variant not in variants:
        raise ValueError(f"variante vale «{variant}»: atteso uno fra {', '.join(variants) or 'nessuna'}")
    for section, changes in variants[variant].items():
        changed = sections[section] | changes
        sections[section] = {key: value for key, value in changed.items() if value is not None}
    return f"{name}-{variant}", sections


def entries(name, value):
    """Il dizionario delle voci di una sezione; vuoto se la sezione non dice nulla."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{name} vale {as_written(value)}: attese voci «chiave: valore»")
    return dict(value)


def check_sections(sections):
    """Controlla ogni voce di una ricetta. Errori: ValueError che nomina la voce, il valore e che cosa era atteso."""
    model_class = check_class(sections["modello"])
    sizes = {field.name: field.type for field in fields(model_class.config_class) if field.name != "n_vocab"}
    known = SECTIONS | {"modello": SECTIONS["modello"] | sizes}
    found = [(section, key, value) for section, values in sections.items() for key, value in values.items()]
    if unknown := [f"{section}.{key}" for section, key, _ in found if key not in known[section]]:
        raise ValueError(f"{', '.join(unknown)}: voci non previste")
    for section, key, value in found:
        check_kind(f"{section}.{key}", value, known[section][key])
        if section in ("dati", "divisione", "tokenizer") and isinstance(value, int):
            check_positive_integer(f"{section}.{key}", value)
    check_data(sections["dati"])
    check_division(sections["divisione"], "testi" in sections["dati"])
    n_vocab = sections["tokenizer"].get("n_vocab", default(BytePairTokenizer.from_texts, "n_vocab"))
    if n_vocab <= len(SPECIALS):
        raise ValueError(f"tokenizer.n_vocab vale {n_vocab}: atteso un intero oltre {len(SPECIALS)}, i token speciali")
    check_model(model_class, sections["modello"], n_vocab)
    try:
        TrainingConfig(**sections["addestramento"])
    except ValueError as error:
        raise ValueError(f"addestramento.{error}") from error


def check_class(section):
    """La classe di modello che la sezione nomina. Errori: ValueError se non è una classe di modello."""
    check_kind("modello.classe", section.get("classe", DEFAULT), str)
    try:
        return find_class(section.get("classe", DEFAULT))
    except ValueError as error:
        raise ValueError(f"modello.{error}") from error


def check_kind(name, value, kind):
    """Errore se un valore letto dal YAML non è del tipo kind: uno di KINDS, o uno di essi e None.

    Gli altri tipi, di una classe che non è nostra, li controlla lei.
    """
    kinds = get_args(kind) or (kind,)
    if not {*kinds} <= {*KINDS, NoneType} or any(is_a(value, kind) for kind in kinds):
        return
    expected = " o ".join(KINDS[kind] for kind in kinds if kind in KINDS)
    if isinstance(value, str) and str not in kinds:
        with suppress(InvalidOperation):
            expected += f"; per YAML è un testo, si scrive {Decimal(value):f}"
    raise ValueError(f"{name} vale {as_written(value)}: atteso {expected}")


def is_a(value, kind):
    """Se value è di tipo kind: un intero è anche un numero, vero e falso no; un testo dice qualcosa."""
    if isinstance(value, bool):
        return kind is bool
    if isinstance(value, float):
        return kind is float and isfinite(value)
    if isinstance(value, str):
        return kind is str and bool(value.strip())
    if isinstance(value, list):
        return kind is list and bool(value)
    return isinstance(value, int if kind is float else kind)


def as_written(value):
    """Un valore come sta scritto nel YAML, su una riga e non troppo lungo."""
    text = str(shown(value))
    if value is None or isinstance(value, bool):
        text = "null" if value is None else text.lower()
    return text if len(text) <= 60 else text[:60] + "…"


def check_data(section):
    """Errore se non si sa quali file leggere."""
    if "testi" in section:
        if others := [key for key in section if key != "testi"]:
            raise ValueError(f"dati.{others[0]} vale «{section[others[0]]}»: atteso che manchi, perché c’è dati.testi")
        for i, name in enumerate(section["testi"]):
            check_kind(f"dati.testi[{i}]", name, str)
        return
    for key in ("partenza", "arrivo"):
        if not {key, "corpus"} & section.keys():
            raise ValueError(f"manca dati.{key}, il file di una delle due lingue (o dati.corpus)")
        if {key, "corpus"} <= section.keys():
            raise ValueError(f"dati.{key} vale «{section[key]}»: atteso che manchi, perché c’è dati.corpus")
    if "corpus" in section and section["corpus"] not in CORPORA:
        raise ValueError(f"dati.corpus vale «{section['corpus']}»: atteso uno fra {', '.join(CORPORA)}")


def check_division(section, of_texts=False):
    """Errore se i filtri o le parti non lasciano nulla all’addestramento, o se una voce è di altri dati."""
    if wrong := sorted((OF_PAIRS if of_texts else OF_TEXTS) & section.keys()):
        others = "di coppie, non con dati.testi" if of_texts else "di dati.testi, non di coppie"
        raise ValueError(f"divisione.{wrong[0]} vale {section[wrong[0]]}: atteso che manchi, perché è {others}")
    ratio = section.get("max_ratio", 1)
    if ratio < 1:
        raise ValueError(f"divisione.max_ratio vale {ratio}: atteso un numero da 1 in su")
    shares = [section.get(key, default(split_corpus, key)) for key in ("dev_per_mille", "test_per_mille")]
    if sum(shares) >= 1000:
        raise ValueError(f"divisione.dev_per_mille vale {shares[0]} e test_per_mille {shares[1]}: attesi meno di 1000")


def check_model(model_class, section, n_vocab):
    """Errore se la configurazione del modello non si può costruire, o se i suoi token speciali sono altri."""
    options = {key: value for key, value in section.items() if key != "classe"}
    config_class = model_class.config_class
    required = [field.name for field in fields(config_class) if field.default is field.default_factory is MISSING]
    if missing := [name for name in required if name not in options and name != "n_vocab"]:
        raise ValueError(f"manca modello.{missing[0]}, che {config_class.__name__} chiede")
    try:
        config = config_class(n_vocab=n_vocab, **options)
    except (ValueError, TypeError) as error:
        raise ValueError(f"modello.{error}") from error
    for expected, key in enumerate(("pad_id", "bos_id", "eos_id")):
        if getattr(config, key, expected) != expected:
            raise ValueError(f"modello.{key} vale {getattr(config, key)}: atteso {expected}, quello del tokenizer")


def default(function, name):
    """Il valore predefinito di un argomento."""
    return signature(function).parameters[name].default
