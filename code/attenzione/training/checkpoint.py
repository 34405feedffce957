"""Checkpoint in formato safetensors: numeri e JSON, niente da eseguire. Un file è intero o non c’è.

Un file contiene i tensori del modello («modello.…») e, se serve a riprendere, quelli di Adam («adam.…») e gli
stati dei generatori casuali («rng.…»); l’intestazione porta configurazione, avanzamento e somma di controllo. In quello
a 8 bit c’è soltanto il modello: «modello.nome.codes» e «modello.nome.scale» per ogni matrice, attenzione.quantization.
"""

import json
import re
import zlib
from contextlib import nullcontext
from dataclasses import MISSING, asdict, fields
from itertools import zip_longest
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.overrides import TorchFunctionMode

from attenzione.files import replacing
from attenzione.quantization import dequantized, quantized_state
from attenzione.training.architecture import BEFORE_2, DEFAULT, class_name, find_own_class

FORMAT, INT8 = "attenzione-1", "attenzione-int8-1"
HEADER = ("configurazione", "vocabolario", "avanzamento", "crc32")
ADAM = ("step", "exp_avg", "exp_avg_sq")
LABELS = {"data": "l’impronta delle coppie", "dev_data": "l’impronta delle coppie di sviluppo"}


def save_checkpoint(path, model, *, vocabulary=None, optimizer=None, progress=None, rng=None, dtype=None):
    """Scrive il modello, e quanto serve a riprendere l’addestramento, in path.

    model: anche compilato o avvolto (unwrapped); vocabulary: elenco dei token, in ordine di identificatore; progress:
    dizionario JSON (passo, posizione nei dati…); rng: dizionario di tensori; dtype: il tipo in cui scrivere i pesi, il
    loro se None. Un’interruzione, anche kill -9, non lascia mai un file a metà con quel nome.
    """
    model = unwrapped(model)
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
    return without_prefix(tensors), header


def unwrapped(model):
    """Il modello senza gli involucri di torch.compile, DataParallel e DistributedDataParallel."""
    while True:
        if hasattr(model, "_orig_mod"):  # torch.compile: importarne la classe costerebbe un secondo
            model = model._orig_mod
        elif isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        else:
            return model


def read_checkpoint(path, forms=(FORMAT,)):
    """Legge un file scritto da save_checkpoint. Rende (tensori, intestazione), due dizionari.

    forms: i formati ammessi. Si leggono sempre tutti i tensori, anche se serve il solo modello: la somma di controllo
    li riguarda tutti. Errori: FileNotFoundError se non c’è; ValueError se è danneggiato o non è un checkpoint di
    questo libro, in uno di quei formati.
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
    header = read_header(path, header, forms)
    if header["crc32"] != checksum(tensors):
        raise ValueError(f"path vale «{path}»: il file è danneggiato, la somma di controllo non torna")
    return tensors, header


def read_header(path, text, forms):
    """L’intestazione di un checkpoint, dal suo JSON. Errori: ValueError che dice che cosa vi manca."""
    try:
        header = json.loads(text)
    except ValueError as error:
        raise ValueError(f"path vale «{path}»: il file è danneggiato, l’intestazione non è JSON") from error
    known = isinstance(header, dict) and str(header.get("tipo", "transformer")) in BEFORE_2
    if not known or header.get("formato") not in forms:
        raise ValueError(f"path vale «{path}»: atteso un checkpoint in formato «{'» o «'.join(forms)}»")
    if missing := [name for name in HEADER if name not in header]:
        raise ValueError(f"path vale «{path}»: nell’intestazione manca «{missing[0]}»")
    return header


def checksum(tensors):
    """CRC-32 dei byte di tutti i tensori, in ordine di nome."""
    crc = 0
    for name in sorted(tensors):
        crc = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy(), zlib.crc32(name.encode(), crc))
    return crc


def load_model(path, device=None, model_class=None):
    """Costruisce il modello descritto da un checkpoint. Rende (modello in modo valutazione, vocabolario).

    I pesi a 8 bit tornano float32. model_class: la sua classe, per una che non è di questa libreria.
    Errori: quelli di read_checkpoint; ValueError se il checkpoint è di un’altra classe, di una che non si conosce o di
    un’altra versione.
    """
    tensors, header = read_checkpoint(path, (FORMAT, INT8))
    model = build_model(path, header, model_class)
    load_weights(path, model, tensors, header["formato"])
    return model.to(device).eval(), header["vocabolario"]


def build_model(path, header, model_class=None):
    """Il modello che l’intestazione di un checkpoint descrive, con i pesi ancora da riempire."""
    name = written_class(header)
    building = nullcontext()
    if model_class is None:
        building = NoRandomWeights()  # le nostre classi di casuale hanno soltanto i pesi
        try:
            model_class = find_own_class(name)
        except ValueError as error:
            raise ValueError(f"path vale «{path}»: {error}") from error
    check_same_class(path, name, class_name(model_class))
    config = read_config(path, header, model_class)
    with building:
        return model_class(config)


class NoRandomWeights(TorchFunctionMode):
    """Nel suo blocco i pesi casuali non si estraggono: riempirli è il più di quanto un modello costa."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name == "randn":
            return torch.zeros(*args, **kwargs)
        if re.fullmatch(r"(xavier_|kaiming_)?(uniform|normal)_", name):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def read_config(path, header, model_class):
    """La configurazione scritta in un checkpoint; le voci che mancano hanno il valore predefinito.

    Errori: ValueError che nomina la voce che non si conosce, che manca o che non va.
    """
    written, entries = header["configurazione"], fields(model_class.config_class)
    wrong = f"path vale «{path}»: la configurazione non è quella di {class_name(model_class)}"
    if not isinstance(written, dict):
        raise ValueError(f"{wrong}: attese voci con un nome")
    if unknown := written.keys() - {entry.name for entry in entries}:
        raise ValueError(f"{wrong}: la voce «{min(unknown)}» non vi è prevista")
    required = [entry.name for entry in entries if entry.default is entry.default_factory is MISSING]
    if missing := [name for name in required if name not in written]:
        raise ValueError(f"{wrong}: manca la voce «{missing[0]}»")
    try:
        return model_class.config_class(**written)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{wrong}: {error}") from error


def load_weights(path, model, tensors, form=FORMAT):
    """Mette in model i tensori di un checkpoint, nel tipo dei suoi; form: il formato in cui sono scritti.

    Errori: ValueError che nomina il tensore che manca, che non si conosce o che ha un’altra forma.
    """
    model.load_state_dict(model_tensors(path, model, tensors, form))


def without_prefix(tensors):
    """I tensori del modello, senza «modello.» nel nome."""
    return {name.removeprefix("modello."): t for name, t in tensors.items() if name.startswith("modello.")}


def model_tensors(path, model, tensors, form=FORMAT):
    """I tensori del modello, in virgola mobile. Errori: ValueError se non sono quelli di model."""
    found = without_prefix(tensors)
    if form == INT8:
        try:
            found = dequantized(found)
        except ValueError as error:
            raise ValueError(f"path vale «{path}»: {error}") from error
    expected = model.state_dict()
    for name, tensor in expected.items():
        if name not in found:
            raise ValueError(f"path vale «{path}»: manca il tensore «{name}», che {class_name(type(model))} prevede")
        check_shape(path, name, found[name], tensor)
    if unknown := sorted(found.keys() - expected.keys()):
        raise ValueError(f"path vale «{path}»: {class_name(type(model))} non prevede il tensore «{unknown[0]}»")
    return found


def check_shape(path, name, found, expected):
    """Errore se il tensore di un checkpoint non ha la forma attesa, o se l’uno è di interi e l’altro no."""
    if found.shape != expected.shape or found.is_floating_point() != expected.is_floating_point():
        raise ValueError(
            f"path vale «{path}»: il tensore «{name}» ha forma {tuple(found.shape)} e tipo {found.dtype}: atteso "
            f"{tuple(expected.shape)}, {expected.dtype}"
        )


def written_class(header):
    """Il nome della classe del modello; i file scritti prima della versione 2.0.0 ne hanno uno breve, o nessuno."""
    return header.get("classe") or BEFORE_2.get(header.get("tipo"), DEFAULT)


def check_same_class(path, saved, expected):
    """Errore se due nomi di classe sono diversi."""
    if saved != expected:
        raise ValueError(f"path vale «{path}»: è di un modello {saved}, atteso {expected}")


def restore(path, model, optimizer, vocabulary=None):
    """Rimette modello e Adam nello stato salvato. Rende (avanzamento, stati dei generatori casuali).

    vocabulary: i token del modello, se vanno salvati con lui. Errori: quelli di read_checkpoint; ValueError se il
    checkpoint è di un’altra classe, di un’altra configurazione o di un altro vocabolario, o se gli manca qualcosa.
    """
    tensors, header = read_checkpoint(path)
    check_same_class(path, written_class(header), class_name(type(model)))
    check_same_config(path, asdict(read_config(path, header, type(model))), asdict(model.config))
    check_same_vocabulary(path, header["vocabolario"], vocabulary)
    if not isinstance(header["avanzamento"], dict):
        raise ValueError(f"path vale «{path}»: il file ha solo il modello, atteso anche lo stato di Adam")
    states = adam_states(path, model, tensors)
    load_weights(path, model, tensors)
    for parameter, state in states.items():
        optimizer.state[parameter] = {key: tensor.to(parameter.device) for key, tensor in state.items()}
    rng = {name.removeprefix("rng."): tensor for name, tensor in tensors.items() if name.startswith("rng.")}
    return header["avanzamento"], rng


def adam_states(path, model, tensors):
    """Lo stato di Adam di ogni parametro del modello. Errori: ValueError che nomina ciò che manca."""
    states = {}
    for name, parameter in model.named_parameters():
        states[parameter] = {key: tensors.get(f"adam.{name}.{key}") for key in ADAM}
        for key, tensor in states[parameter].items():
            if tensor is None:
                raise ValueError(f"path vale «{path}»: manca il tensore «adam.{name}.{key}», lo stato di Adam")
            if key != "step":
                check_shape(path, f"adam.{name}.{key}", tensor, parameter)
    return states


def check_same_config(path, saved, expected):
    """Errore se due configurazioni, dizionari con le stesse voci, sono diverse: dice in che cosa."""
    differences = [
        f"{LABELS.get(k, k)} = {saved.get(k)} invece di {v}" for k, v in expected.items() if saved.get(k) != v
    ]
    if differences:
        raise ValueError(f"path vale «{path}»: è di un’altra configurazione, {'; '.join(differences)}")


def check_same_vocabulary(path, saved, expected):
    """Errore se due vocabolari, elenchi di token o None, sono diversi: dice il primo token che cambia."""
    for i, (found, token) in enumerate(zip_longest(saved or (), expected or ())):
        if found != token:
            found, token = ("nessuno" if text is None else f"«{text}»" for text in (found, token))
            difference = f"il token {i} del vocabolario è {found} invece di {token}"
            raise ValueError(f"path vale «{path}»: è di un’altra configurazione, {difference}")


def list_checkpoints(folder):
    """I checkpoint di addestramento di una cartella, dal più vecchio al più recente."""
    return sorted(path for path in Path(folder).glob("passo-*.safetensors") if path.stem[6:].isdecimal())


def average_checkpoints(paths, model_class=None):
    """La media, peso per peso, dei modelli di più checkpoint, §6.1; la somma è in doppia precisione.

    model_class: come in load_model. Rende (modello in modo valutazione, vocabolario).
    Errori: ValueError se paths è vuoto o i file sono di configurazioni o vocabolari diversi; quelli di load_model.
    """
    if not paths:
        raise ValueError("paths è vuoto: atteso almeno un checkpoint")
    total, model, first = {}, None, None
    for path in paths:
        tensors, header = read_checkpoint(path)
        if model is None:
            model, first = build_model(path, header, model_class), header
        check_same_class(path, written_class(header), class_name(type(model)))
        check_same_config(path, asdict(read_config(path, header, type(model))), asdict(model.config))
        check_same_vocabulary(path, header["vocabolario"], first["vocabolario"])
        for name, tensor in model_tensors(path, model, tensors).items():
            total[name] = total.get(name, 0) + tensor.double()
    model.load_state_dict({name: tensor / len(paths) for name, tensor in total.items()})
    return model.eval(), first["vocabolario"]
