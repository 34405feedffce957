"""Il modello linguistico del libro portato in un altro dominio: quanto impara lì, e quanto dimentica.

Il dominio nuovo sono le pagine italiane del manuale di Linux (il pacchetto manpages-it di Debian), una su dieci tenuta
da parte; il vecchio è la prova del modello, che è fatta di atti del Parlamento europeo e della prosa del libro. Ogni
modo parte dagli stessi pesi e vede gli stessi esempi nello stesso ordine. I tassi di apprendimento sono due, uno per il
fine-tuning intero e uno per gli altri, scelti fra quelli di RATES con pochi passi su altre pagine tenute da parte.

    apt-get download manpages-it && dpkg-deb -x manpages-it_*.deb manuale
    python -m attenzione.later.adapting manuale/usr/share/man/it --dati CARTELLA_DI_EUROPARL

scrive i numeri in adattare.json. Il libro mostra quelli registrati accanto a questo file.
"""

import argparse
import copy
import gzip
import hashlib
import json
import platform
import re
import sys
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from attenzione.data.corpus import clean
from attenzione.files import write_text
from attenzione.later.adapters import add_adapters
from attenzione.later.continuing import SHIPPED, load_language_model
from attenzione.later.four_bits import freeze_in_four_bits
from attenzione.later.lora import add_lora, trainable
from attenzione.later.recording import read, stamp
from attenzione.later.scoring import token_losses
from attenzione.quantization import dequantized, quantized_state
from attenzione.streams import as_command
from attenzione.training.recipe import encode_blocks, read_parts, read_recipe
from attenzione.training.shipped import shipped_folder
from attenzione.training.windows import Windows

RECORDED = Path(__file__).with_name("adattare.json")
RATES = {"intero": (3e-4, 1e-3), "LoRA 4": (3e-3, 1e-2)}
"""Fra quali tassi si sceglie: chi non è intero prende quello di LoRA 4."""
MEASURED = 3000
"""I token su cui si misura ciascun dominio."""


def read_manual(folder):
    """Le pagine di manuale di folder, elenchi di righe di testo: (nomi, pagine).

    Restano fuori i comandi di troff, le righe di tre parole o meno e quelle già lette.

    Errori: ValueError se folder non contiene pagine.
    """
    files = sorted(Path(folder).glob("man*/*.gz"))
    if not files:
        raise ValueError(f"folder vale «{folder}»: attesa una cartella con man1/….gz")
    pages, seen = [], set()
    for path in files:
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
        paragraphs = re.split(r"\n(?:[.'].*\n)+", f"\n{text}\n")  # un comando sta su una riga che comincia con . o '
        lines = [line for line in map(plain, paragraphs) if len(line.split()) > 3]
        pages.append([line for line in dict.fromkeys(lines) if line not in seen])
        seen.update(lines)
    return [path.name for path in files], pages


def plain(paragraph):
    """Il paragrafo senza i segni di troff, su una riga e in minuscolo, come il testo del modello."""
    text = re.sub(r"\\f(?:\(..|\[[^]]*\]|.)", "", paragraph)  # i cambi di carattere
    text = text.replace(r"\-", "-").replace(r"\&", "")
    text = re.sub(r"\\(?:\(..|\[[^]]*\]|\*\(..|.)", " ", text)
    return clean(" ".join(text.split()).lower())


def kinds():
    """I modi di adattare: da un nome alla funzione che prepara una copia del modello."""
    return {
        "intero": lambda model: model.requires_grad_(True),
        "LoRA 1": lambda model: add_lora(model, 1),
        "LoRA 4": lambda model: add_lora(model, 4),
        "LoRA 16": lambda model: add_lora(model, 16),
        "adattatori 16": lambda model: add_adapters(model, 16),
        "QLoRA 16": lambda model: add_lora(freeze_in_four_bits(model), 16),
    }


def rounded(model, bits):
    """Una copia del modello con le matrici arrotondate, e i byte che occuperebbe: (copia, byte).

    bits: «8», riga per riga e logit ed embedding compresi, come attenzione.quantization; «4 interi» e «4 nf4», a gruppi
    e per le sole matrici degli strati, con il resto a 16 bit, che qui è quello di partenza.
    """
    model = copy.deepcopy(model)
    if bits == "8":
        state = quantized_state(model)
        model.load_state_dict(dequantized(state))
        return model, sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    freeze_in_four_bits(model, bits.removeprefix("4 "))
    small = [name for name, _ in model.named_parameters() if ".original" in name]
    others = sum(2 * p.numel() for name, p in model.named_parameters() if name not in small)
    return model, others + sum(p.numel() * p.element_size() for name, p in model.named_parameters() if name in small)


def adapt(model, windows, rate, steps, measure, every, max_tokens=1024, seed=0):
    """Addestra ciò che model ha da imparare, con Adam; ogni every passi chiama measure(model). Rende le misure."""
    c = model.config
    torch.manual_seed(seed)
    adam = torch.optim.Adam(trainable(model), betas=(0.9, 0.98))
    found, epoch, batches = [], 0, []
    for step in range(1, steps + 1):
        if not batches:
            batches, epoch = windows.batches(max_tokens, seed, epoch), epoch + 1
        tokens, targets = model.collate([windows[span] for span in batches.pop()], c)
        adam.param_groups[0]["lr"] = rate * min(1, step / 20)
        model.train()
        logits = model(tokens, checked=True)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=c.pad_id)
        adam.zero_grad()
        loss.backward()
        adam.step()
        if step % every == 0:
            found.append(measure(model.eval()))
    return found


def first_tokens(documents, count):
    """I documenti dal primo, finché i token sono count; l’ultimo tagliato."""
    kept = []
    for document in documents:
        if count <= 0:
            break
        kept.append(document[:count])
        count -= len(document)
    return kept


def run(folder, data_folder, steps, every, trial, command, model_path=None):
    """Adatta in ogni modo e misura. trial: i passi con cui si sceglie il tasso. Rende un dizionario JSON."""
    model_path = Path(model_path or shipped_folder(SHIPPED))
    model, tokenizer = load_language_model(model_path, "cpu")
    names, pages = read_manual(folder)
    documents = encode_blocks(pages, tokenizer, model.config.eos_id)
    parts = {name: [] for name in ("imparare", "sviluppo", "prova")}
    for i, document in enumerate(documents):
        parts["prova" if i % 10 == 9 else "sviluppo" if i % 10 == 4 else "imparare"].append(document)
    windows = Windows(parts["imparare"], model.config.max_len, model.config.bos_id)
    recipe = read_recipe(model_path / "ricetta.yml", data_folder)
    blocks = read_parts(recipe)[0]["prova"]
    old = encode_blocks(blocks[:: max(1, len(blocks) // 12)], tokenizer, model.config.eos_id)
    old, new, dev = (first_tokens(part, MEASURED) for part in (old, parts["prova"], parts["sviluppo"]))

    def measure(model):
        return [round(token_losses(model, part).mean().item(), 4) for part in (new, old)]

    def choose(model):
        return token_losses(model, dev).mean().item()

    def fresh(name):
        torch.manual_seed(0)
        return kinds()[name](copy.deepcopy(model))

    chosen = {}
    for name, rates in RATES.items():
        tried = {rate: adapt(fresh(name), windows, rate, trial, choose, trial)[-1] for rate in rates}
        chosen[name] = min(tried, key=tried.get)
    start, ways = measure(model), {}
    for name in kinds():
        changed, rate = fresh(name), chosen["intero" if name == "intero" else "LoRA 4"]
        first = measure(changed.eval()) if name.startswith("QLoRA") else start
        ways[name] = {
            "parametri": sum(p.numel() for p in trainable(changed)),
            "tasso": rate,
            "misure": [first, *adapt(changed, windows, rate, steps, measure, every)],
        }
        print(name, json.dumps(ways[name]), flush=True)
    sizes = {}
    for bits in ("8", "4 interi", "4 nf4"):
        changed, size = rounded(model, bits)
        sizes[bits] = {"byte": size, "misure": measure(changed)}
    text = "\n".join(line for page in pages for line in page)
    return {
        **stamp(command),
        "processore": platform.machine(),
        "pagine": len(names),
        "impronta": hashlib.sha256(text.encode("utf-8")).hexdigest()[:16],
        "token": {name: sum(map(len, part)) for name, part in parts.items()},
        "misurati": {"nuovo": sum(map(len, new)), "vecchio": sum(map(len, old))},
        "parametri": sum(p.numel() for p in model.parameters()),
        "passi": list(range(0, steps + 1, every)),
        "prova_del_tasso": trial,
        "modi": ways,
        "arrotondati": sizes,
    }


def recorded(path=RECORDED):
    """Le misure registrate: il dizionario che run rende, letto da path. OSError se il file manca."""
    return read(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m attenzione.later.adapting", description=__doc__.split("\n")[0])
    parser.add_argument("manuale", help="la cartella con man1, man2… in italiano")
    parser.add_argument("--modello", help="la cartella del modello (quello del libro)")
    parser.add_argument("--dati", help="la cartella di europarl.it.gz")
    parser.add_argument("--passi", type=int, default=40, help="passi di ciascun addestramento (40)")
    parser.add_argument("--ogni", type=int, default=20, help="ogni quanti passi si misura (20)")
    parser.add_argument("--prova", type=int, default=10, help="passi con cui si sceglie il tasso (10)")
    parser.add_argument("--uscita", default="adattare.json", help="dove scrivere i numeri")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    command = (
        f"python -m attenzione.later.adapting usr/share/man/it --dati … --passi {options.passi} "
        f"--ogni {options.ogni} --prova {options.prova}"
    )
    result = run(options.manuale, options.dati, options.passi, options.ogni, options.prova, command, options.modello)
    write_text(options.uscita, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(as_command(main))
