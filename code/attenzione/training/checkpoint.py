"""Checkpoint in formato safetensors: numeri e JSON, niente da eseguire. Un file è intero o non c’è.

Un file contiene i tensori del modello («modello.…») e, se serve a riprendere, quelli di Adam («adam.…») e gli
stati dei generatori casuali («rng.…»); l’intestazione porta configurazione, avanzamento e somma di controllo. In quello
a 8 bit c’è soltanto il modello: «modello.nome.codes» e «modello.nome.scale» per ogni matrice, attenzione.quantization.
"""

import json
import zlib
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from attenzione.files import replacing
from attenzione.quantization import dequantized, quantized_state
from attenzione.training.architecture import BEFORE_2, DEFAULT, class_name, find_own_class

FORMAT, INT8 = "attenzione-1", "attenzione-int8-1"


def save_checkpoint(path, model, *, vocabulary=None, optimizer=None, progress=None, rng=None, dtype=None):
    """Scrive il modello, e quanto serve a riprendere l’addestramento, in path.

    vocabulary: elenco dei token, in ordine di identificatore; progress: dizionario JSON (passo, posizione nei
    dati…); rng: dizionario di tensori; dtype: il tipo in cui scrivere i pesi, il loro se None. Un’interruzione, anche
    kill -9, non lascia mai un file a metà con quel nome.
    """
    tensors = {f"modello.{name}": tensor.to(dtype or tensor.dtype) for name, tensor in model.state_dict().items()}
    if optimizer is not None:
        names = {parameter: name for name, parameter in model.named_parameters()}
        for parameter, state in optimizer.state.items():
            for key, tensor in state.items():
                tensors[f"adam.{names[parameter]}.{key}"] = tensor
    for name, tensor in (rng or {}).items():
        tensors[f"rng.{name}"] = tensor
    write_tensors(path, tensors, model, FORMAT, vocabulary, progress)


def save_quantized(path, model, vocabulary=None):
    """Scrive in path il solo modello, a 8 bit: un byte per peso invece di quattro. vocabulary: come in save_checkpoint.

    Errori: quelli di attenzione.quantization.quantize_rows.
    """
    tensors = {f"modello.{name}": tensor for name, tensor in quantized_state(model).items()}
    write_tensors(path, tensors, model, INT8, vocabulary)


def write_tensors(path, tensors, model, form, vocabulary, progress=None):
    """Il file, per intero o niente: i tensori e l’intestazione che dice di che modello sono."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {
        "formato": form,
        "classe": class_name(type(model)),
        "configurazione": asdict(model.config),
        "vocabolario": vocabulary,
        "avanzamento": progress,
        "crc32": checksum(tensors),
    }
    with replacing(path) as partial:
        save_file(tensors, partial, {"attenzione": json.dumps(header, ensure_ascii=False)})


def load_quantized(path):
    """Legge un file scritto da save_quantized. Rende (stato, intestazione): lo stato è quello di quantized_state.

    Chi vuole un modello comune usa load_model. Errori: quelli di read_checkpoint.
    """
    tensors, header = read_checkpoint(path, (INT8,))
    return model_tensors(tensors), header


def read_checkpoint(path, forms=(FORMAT,)):
    """Legge un file scritto da save_checkpoint. Rende (tensori, intestazione), due dizionari.

    forms: i formati ammessi. Errori: FileNotFoundError se il file non c’è; ValueError se è danneggiato o non è un
    checkpoint di questo libro, in uno di quei formati.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"path vale «{path}»: atteso un file che esiste")
    try:
        with safe_open(path, "pt") as file:
            header = (file.metadata() or {}).get("attenzione", "{}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        message = f"path vale «{path}»: il file è danneggiato o non è in formato safetensors"
        raise ValueError(message) from error
    header = json.loads(header)
    if header.get("formato") not in forms or header.get("tipo", "transformer") not in BEFORE_2:
        raise ValueError(f"path vale «{path}»: atteso un checkpoint in formato «{'» o «'.join(forms)}»")
    if header["crc32"] != checksum(tensors):
        raise ValueError(f"path vale «{path}»: il file è danneggiato, la somma di controllo non torna")
    return tensors, header


def checksum(tensors):
    """CRC-32 dei byte di tutti i tensori, in ordine di nome."""
    crc = 0
    for name in sorted(tensors):
        crc = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy(), zlib.crc32(name.encode(), crc))
    return crc


def load_model(path, device=None, model_class=None):
    """Costruisce il modello descritto da un checkpoint. Rende (modello in modo valutazione, vocabolario).

    I pesi a 8 bit tornano float32. model_class: la sua classe, per una che non è di questa libreria.
    Errori: quelli di read_checkpoint; ValueError se il checkpoint è di un’altra classe, o di una che non si conosce, o
    se i tensori non sono quelli della sua configurazione.
    """
    tensors, header = read_checkpoint(path, (FORMAT, INT8))
    model = build_model(path, header, model_class)
    state = model_tensors(tensors)
    try:
        model.load_state_dict(dequantized(state) if header["formato"] == INT8 else state)
    except (RuntimeError, ValueError) as error:  # di load_state_dict, di dequantized
        message = f"path vale «{path}»: i tensori non sono quelli della configurazione scritta nel file"
        raise ValueError(message) from error
    return model.to(device).eval(), header["vocabolario"]


def build_model(path, header, model_class=None):
    """Il modello, con pesi casuali, che l’intestazione di un checkpoint descrive."""
    name = written_class(header)
    if model_class is None:
        try:
            model_class = find_own_class(name)
        except ValueError as error:
            raise ValueError(f"path vale «{path}»: {error}") from error
    check_same_class(path, name, class_name(model_class))
    try:
        return model_class(model_class.config_class(**header["configurazione"]))
    except TypeError as error:
        raise ValueError(f"path vale «{path}»: la configurazione non è quella di {class_name(model_class)}") from error


def written_class(header):
    """Il nome della classe del modello; i file scritti prima della versione 2.0.0 ne hanno uno breve, o nessuno."""
    return header.get("classe") or BEFORE_2.get(header.get("tipo"), DEFAULT)


def check_same_class(path, saved, expected):
    """Errore se due nomi di classe sono diversi."""
    if saved != expected:
        raise ValueError(f"path vale «{path}»: è di un modello {saved}, atteso {expected}")


def restore(path, model, optimizer):
    """Rimette modello e Adam nello stato salvato. Rende (avanzamento, stati dei generatori casuali).

    Errori: quelli di read_checkpoint; ValueError se il checkpoint è di un’altra classe o di un’altra configurazione.
    """
    tensors, header = read_checkpoint(path)
    check_same_class(path, written_class(header), class_name(type(model)))
    check_same_config(path, header["configurazione"], asdict(model.config))
    if header["avanzamento"] is None:
        raise ValueError(f"path vale «{path}»: il file ha solo il modello, atteso anche lo stato di Adam")
    model.load_state_dict(model_tensors(tensors))
    for name, parameter in model.named_parameters():
        prefix = f"adam.{name}."
        optimizer.state[parameter] = {
            key.removeprefix(prefix): tensor.to(parameter.device)
            for key, tensor in tensors.items()
            if key.startswith(prefix)
        }
    rng = {name.removeprefix("rng."): tensor for name, tensor in tensors.items() if name.startswith("rng.")}
    return header["avanzamento"], rng


def model_tensors(tensors):
    return {name.removeprefix("modello."): t for name, t in tensors.items() if name.startswith("modello.")}


def check_same_config(path, saved, expected):
    """Errore se due configurazioni, dizionari con le stesse voci, sono diverse: dice in che cosa."""
    differences = [f"{k} = {saved.get(k)} invece di {v}" for k, v in expected.items() if saved.get(k) != v]
    if differences:
        raise ValueError(f"path vale «{path}»: è di un’altra configurazione, {'; '.join(differences)}")


def list_checkpoints(folder):
    """I checkpoint di addestramento di una cartella, dal più vecchio al più recente."""
    return sorted(Path(folder).glob("passo-*.safetensors"))


def average_checkpoints(paths, model_class=None):
    """La media, peso per peso, dei modelli di più checkpoint, §6.1; la somma è in doppia precisione.

    model_class: come in load_model. Rende (modello in modo valutazione, vocabolario).
    Errori: ValueError se paths è vuoto o i file sono di configurazioni diverse; quelli di read_checkpoint.
    """
    if not paths:
        raise ValueError("paths è vuoto: atteso almeno un checkpoint")
    total, first = {}, None
    for path in paths:
        tensors, header = read_checkpoint(path)
        first = first or header
        check_same_class(path, written_class(header), written_class(first))
        check_same_config(path, header["configurazione"], first["configurazione"])
        for name, tensor in model_tensors(tensors).items():
            total[name] = total.get(name, 0) + tensor.double()
    model = build_model(paths[0], first, model_class)
    model.load_state_dict({name: tensor / len(paths) for name, tensor in total.items()})
    return model.eval(), first["vocabolario"]
