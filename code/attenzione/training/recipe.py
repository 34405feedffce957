"""Un addestramento intero da un file YAML: dati, pulizia, tokenizer, modello, ciclo."""

import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path

from attenzione.data.corpus import PARTS, read_parallel, split_corpus
from attenzione.data.download import load_corpus
from attenzione.data.text import split_text
from attenzione.data.tokenizer import BytePairTokenizer
from attenzione.device import pick_device, seed_everything
from attenzione.files import locked, write_text
from attenzione.training.architecture import DEFAULT, find_class
from attenzione.training.distributed import first_process_first, rank_and_world
from attenzione.training.entries import SECTIONS, check_sections, choose_variant, default, read_yaml
from attenzione.training.loop import TrainingConfig, train
from attenzione.training.windows import Windows

ORIGIN = "preparazione.json"


@dataclass(frozen=True)
class Recipe:
    """Le sezioni di una ricetta, ciascuna un dizionario; folder: dove stanno i file di dati; beside: dove sta lei."""

    nome: str
    dati: dict
    divisione: dict
    tokenizer: dict
    modello: dict
    addestramento: dict
    folder: Path
    beside: Path


def read_recipe(path, data_folder=None, variant=None):
    """Legge una ricetta e ne controlla ogni voce. data_folder: dove stanno i file di dati, se non accanto alla ricetta.

    variant: il nome di una delle varianti che la ricetta elenca, che ne cambia alcune voci.
    Errori: FileNotFoundError; ValueError se il YAML non si legge, se una voce manca, è data due volte, non è prevista o
    non vale ciò che deve: nomina la voce, come sezione.chiave, il valore e che cosa era atteso.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"path vale «{path}»: atteso un file che esiste")
    written = read_yaml(path)
    try:
        name, sections = choose_variant(written, variant)
        check_sections(sections)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    beside = Path(path).parent
    return Recipe(name, **sections, folder=Path(data_folder or beside), beside=beside)


def read_parts(recipe):
    """Le tre parti del corpus della ricetta, e i conti: ciò che rende split_corpus, o split_text.

    I dati sono due file, partenza e arrivo, o un corpus pubblico, che si scarica se non c’è già; oppure testi, che si
    cercano nella cartella dei dati e poi accanto alla ricetta.
    """
    data = recipe.dati
    if "testi" in data:
        return split_text([find_text(recipe, name) for name in data["testi"]], **recipe.divisione)
    if "corpus" in data:
        pairs = load_corpus(data["corpus"], recipe.folder, data.get("limite"))
    else:
        paths = {key: recipe.folder / data[key] for key in ("partenza", "arrivo")}
        for key, path in paths.items():
            if not path.is_file():
                raise FileNotFoundError(f"dati.{key} vale «{path}»: atteso un file che esiste")
        pairs = read_parallel(*paths.values(), data.get("limite"))
    return split_corpus(pairs, **recipe.divisione)


def find_text(recipe, name):
    """Il file di un testo della ricetta. Errori: FileNotFoundError se non è in nessuno dei due posti."""
    for folder in (recipe.folder, recipe.beside):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"dati.testi vale «{name}»: atteso un file che esiste, in {recipe.folder}")


def prepare(recipe, folder):
    """I dati della ricetta e il suo tokenizer, imparato sull’addestramento e tenuto in folder.

    Accanto al tokenizer sta preparazione.json, che dice da che cosa viene: con un’altra ricetta o altri dati non si
    riusa. Rende (parti, conti, tokenizer): le parti e i conti di read_parts.
    Errori: ValueError se il tokenizer in folder non viene da qui, o se n_vocab non basta ai segni dei testi.
    """
    parts, counts = read_parts(recipe)
    path = Path(folder, "tokenizer.json")
    options = {key: default(BytePairTokenizer.from_texts, key) for key in SECTIONS["tokenizer"]} | recipe.tokenizer
    origin = options | {"testi": texts_fingerprint(parts["addestramento"])}
    with locked(path.with_name("tokenizer.json.in-corso")):  # due comandi nella stessa cartella
        if path.exists():
            check_origin(path, origin)
        else:
            texts = (text for pair in parts["addestramento"] for text in pair)
            tokenizer = BytePairTokenizer.from_texts(texts, **options)
            if len(tokenizer) > options["n_vocab"]:
                raise ValueError(
                    f"tokenizer.n_vocab vale {options['n_vocab']}: attese almeno {len(tokenizer)} unità, i segni dei "
                    "testi e i token speciali"
                )
            write_text(path.with_name("conti.json"), json.dumps(counts, indent=1) + "\n")
            write_text(path.with_name(ORIGIN), json.dumps(origin, indent=1) + "\n")
            tokenizer.save(path)  # per ultimo: finché non c’è si rifà tutto
    return parts, counts, BytePairTokenizer.load(path)


def check_origin(path, origin):
    """Errore se il tokenizer in path viene da altre opzioni o da altri testi; un avviso se non lo si può sapere."""
    record = path.with_name(ORIGIN)
    if not record.exists():
        if rank_and_world()[0] == 0:
            warnings.warn(f"{path} non dice da quali dati viene: si riusa senza poterlo controllare", stacklevel=3)
        return
    try:
        saved = dict(json.loads(record.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"path vale «{record}»: non è un file JSON che si possa leggere") from error
    names = {"testi": "l’impronta dei testi", "n_vocab": "tokenizer.n_vocab", "min_count": "tokenizer.min_count"}
    differences = [f"{names[k]} = {saved.get(k)} invece di {v}" for k, v in origin.items() if saved.get(k) != v]
    if differences:
        raise ValueError(f"path vale «{path}»: è di un’altra configurazione, {'; '.join(differences)}")


def texts_fingerprint(pairs):
    """L’impronta di un elenco di coppie di frasi, o di blocchi di righe, nel loro ordine: 16 cifre esadecimali."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update("\n".join((*pair, "")).encode("utf-8"))
    return digest.hexdigest()[:16]


def encode_pairs(pairs, tokenizer, max_len):
    """Le coppie come identificatori, quelle che entrano in max_len posizioni e non restano vuote."""
    encoded = [(tokenizer.encode(src), tokenizer.encode(tgt)) for src, tgt in pairs]
    return [(src, tgt) for src, tgt in encoded if src and max(len(src), len(tgt) + 1) <= max_len]


def encode_blocks(blocks, tokenizer, eos_id=2):
    """I blocchi di righe come documenti, elenchi di identificatori: ogni riga finisce con EOS."""
    return [[token for line in block for token in (*tokenizer.encode(line), eos_id)] for block in blocks]


def run_recipe(recipe, folder, *, device=None, steps=None, progress=True):
    """Addestra, o riprende, il modello della ricetta in folder; rende i passi compiuti.

    device: dove, il migliore che c’è se None. Con più processi si chiama dentro process_group: il primo prepara i dati
    e il tokenizer, gli altri lo aspettano. Errori: ValueError, quelli di prepare e di train.
    """
    device = pick_device(device)
    training = TrainingConfig(**recipe.addestramento | ({"steps": steps} if steps is not None else {}))
    with first_process_first():
        parts, _, tokenizer = prepare(recipe, folder)
    options = dict(recipe.modello)
    model_class = find_class(options.pop("classe", DEFAULT))
    config = model_class.config_class(n_vocab=len(tokenizer), **options)
    encode = encode_text if "testi" in recipe.dati else encode_sentences
    data, dev_data = encode(parts, tokenizer, config)
    seed_everything(training.seed)
    return train(model_class(config), data, training, folder, device=device, dev_pairs=dev_data, progress=progress)


def encode_text(parts, tokenizer, config):
    """Addestramento e sviluppo di un testo, due Windows."""
    documents = (encode_blocks(parts[part], tokenizer, config.eos_id) for part in PARTS[:2])
    return tuple(Windows(text, config.max_len, config.bos_id) for text in documents)


def encode_sentences(parts, tokenizer, config):
    """Addestramento e sviluppo di un corpus parallelo, due elenchi di coppie; un avviso per ciò che resta fuori."""
    pairs, dev_pairs = (encode_pairs(parts[part], tokenizer, config.max_len) for part in PARTS[:2])
    if not pairs or not dev_pairs:
        raise ValueError(f"modello.max_len vale {config.max_len}: non vi entra nessuna coppia di una delle parti")
    if (left_out := len(parts["addestramento"]) - len(pairs)) and rank_and_world()[0] == 0:
        warnings.warn(
            f"oltre max_len = {config.max_len} restano fuori {left_out} coppie di addestramento", stacklevel=3
        )
    return pairs, dev_pairs
