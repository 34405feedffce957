"""Un addestramento intero da un file YAML: dati, pulizia, tokenizer, modello, ciclo."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from attenzione.data.corpus import read_parallel, split_corpus
from attenzione.data.download import load_corpus
from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.device import seed_everything
from attenzione.files import write_text
from attenzione.training.architecture import DEFAULT, find_class
from attenzione.training.distributed import process_group, rank_and_world
from attenzione.training.loop import TrainingConfig, train

SECTIONS = {
    "dati": {"partenza", "arrivo", "corpus", "limite"},
    "divisione": {"max_words", "max_ratio", "dev_per_mille", "test_per_mille"},
    "tokenizer": {"n_vocab", "min_count"},
    "modello": {"classe"},  # e le grandezze della sua configurazione, meno n_vocab, che viene dal tokenizer
    "addestramento": {field.name for field in fields(TrainingConfig)},
}


@dataclass(frozen=True)
class Recipe:
    """Le sezioni di una ricetta, ciascuna un dizionario; folder: dove stanno i file di dati."""

    nome: str
    dati: dict
    divisione: dict
    tokenizer: dict
    modello: dict
    addestramento: dict
    folder: Path


def read_recipe(path, data_folder=None, variant=None):
    """Legge una ricetta. data_folder: dove stanno i file di dati, se non accanto alla ricetta.

    variant: il nome di una delle varianti che la ricetta elenca, che ne cambia alcune voci.
    Errori: FileNotFoundError; ValueError se il YAML non si legge o se una voce manca o non è prevista.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"path vale «{path}»: atteso un file che esiste")
    try:
        written = yaml.safe_load(Path(path).read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"path vale «{path}»: non è un file YAML che si possa leggere") from error
    if not isinstance(written, dict):
        raise ValueError(f"path vale «{path}»: attese le sezioni nome, {', '.join(SECTIONS)}")
    name, variants = written.pop("nome", None), written.pop("varianti", {})
    if not isinstance(name, str) or not name:
        raise ValueError(f"{path}: nome vale «{name}»: atteso il nome del modello")
    sections = {section: dict(written.pop(section, None) or {}) for section in SECTIONS}
    if variant is not None:
        if variant not in variants:
            raise ValueError(f"variante vale «{variant}»: atteso uno fra {', '.join(variants) or 'nessuna'}")
        name = f"{name}-{variant}"
        for section, changes in variants[variant].items():
            changed = sections.get(section, {}) | changes
            sections[section] = {key: value for key, value in changed.items() if value is not None}
    unknown = [*written, *(section for section in sections if section not in SECTIONS)]
    known = SECTIONS | {"modello": SECTIONS["modello"] | model_options(path, sections["modello"])}
    for section, allowed in known.items():
        unknown += [f"{section}.{key}" for key in sections[section] if key not in allowed]
    if unknown:
        raise ValueError(f"{path}: {', '.join(unknown)}: voci non previste")
    for key in ("partenza", "arrivo"):
        if not {key, "corpus"} & sections["dati"].keys():
            raise ValueError(f"{path}: manca dati.{key}, il file di una delle due lingue (o dati.corpus)")
    return Recipe(name, **sections, folder=Path(data_folder or Path(path).parent))


def model_options(path, section):
    """Le voci che la configurazione del modello prevede, meno n_vocab. Errori: ValueError se la classe non va."""
    try:
        config_class = find_class(section.get("classe", DEFAULT)).config_class
    except ValueError as error:
        raise ValueError(f"{path}: modello.{error}") from error
    return {field.name for field in fields(config_class)} - {"n_vocab"}


def read_parts(recipe):
    """Le tre parti del corpus della ricetta, e i conti: ciò che rende split_corpus.

    I dati sono due file, partenza e arrivo, o un corpus pubblico, che si scarica se non c’è già.
    """
    data = recipe.dati
    if "corpus" in data:
        pairs = load_corpus(data["corpus"], recipe.folder, data.get("limite"))
    else:
        pairs = read_parallel(recipe.folder / data["partenza"], recipe.folder / data["arrivo"], data.get("limite"))
    return split_corpus(pairs, **recipe.divisione)


def prepare(recipe, folder):
    """I dati della ricetta e il suo tokenizer, imparato sull’addestramento e tenuto in folder.

    Rende (parti, conti, tokenizer): le parti e i conti di split_corpus.
    """
    parts, counts = read_parts(recipe)
    path = Path(folder, "tokenizer.json")
    if not path.exists() and rank_and_world()[0] == 0:
        texts = (text for pair in parts["addestramento"] for text in pair)
        write_text(Path(folder, "conti.json"), json.dumps(counts, indent=1) + "\n")
        BytePairTokenizer.from_texts(texts, **recipe.tokenizer).save(path)
    return parts, counts, BytePairTokenizer.load(path)


def encode_pairs(pairs, tokenizer, max_len):
    """Le coppie come identificatori, quelle che entrano in max_len posizioni e non restano vuote."""
    encoded = [(tokenizer.encode(src), tokenizer.encode(tgt)) for src, tgt in pairs]
    return [(src, tgt) for src, tgt in encoded if src and max(len(src), len(tgt) + 1) <= max_len]


def run_recipe(recipe, folder, *, device_name=None, steps=None, progress=True):
    """Addestra, o riprende, il modello della ricetta in folder; rende i passi compiuti."""
    with process_group(device_name) as device:
        parts, _, tokenizer = prepare(recipe, folder)
        options = dict(recipe.modello)
        model_class = find_class(options.pop("classe", DEFAULT))
        config = model_class.config_class(n_vocab=len(tokenizer), **options)
        training = TrainingConfig(**recipe.addestramento | ({"steps": steps} if steps is not None else {}))
        pairs, dev_pairs = (
            encode_pairs(parts[part], tokenizer, config.max_len) for part in ("addestramento", "sviluppo")
        )
        seed_everything(training.seed)
        return train(
            model_class(config), pairs, training, folder, device=device, dev_pairs=dev_pairs, progress=progress
        )
