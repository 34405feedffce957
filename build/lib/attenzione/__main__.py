"""Il Transformer dalla riga di comando: python -m attenzione addestra | traduci | ispeziona."""

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

import torch

from attenzione.config import TABLE_3, TransformerConfig, count_parameters
from attenzione.data.toy import TASKS, toy_pairs, toy_vocabulary
from attenzione.data.vocabulary import Vocabulary
from attenzione.decoding import beam_search, greedy, sample, stream
from attenzione.device import describe_device, pick_device, seed_everything
from attenzione.model import Transformer
from attenzione.training.batches import pad
from attenzione.training.checkpoint import (
    average_checkpoints,
    list_checkpoints,
    load_model,
    read_checkpoint,
    save_checkpoint,
)
from attenzione.training.distributed import process_group, rank_and_world
from attenzione.training.loop import TrainingConfig, train

ITALIAN = {                                                 # le frasi di argparse
    "usage: ": "uso: ",
    "options": "opzioni",
    "positional arguments": "argomenti",
    "show this help message and exit": "mostra questo aiuto ed esce",
    "%(prog)s: error: %(message)s\n": "%(prog)s: errore: %(message)s\n",
    "argument %(argument_name)s: %(message)s": "argomento %(argument_name)s: %(message)s",
    "the following arguments are required: %s": "mancano gli argomenti: %s",
    "unrecognized arguments: %s": "argomenti sconosciuti: %s",
    "one of the arguments %s is required": "serve uno degli argomenti: %s",
    "not allowed with argument %s": "non va insieme a %s",
    "expected one argument": "atteso un valore",
    "invalid %(type)s value: %(value)r": "il valore %(value)r non è di tipo %(type)s",
    "invalid choice: %(value)r (choose from %(choices)s)": "%(value)r non è fra %(choices)s",
}


def main(arguments=None):
    """Esegue un comando; rende 0, o 1 dopo avere scritto l’errore."""
    argparse._ = lambda text: ITALIAN.get(text, text)
    parser = argparse.ArgumentParser(
        prog="python -m attenzione", description="Il Transformer di «Attention Is All You Need»."
    )
    commands = parser.add_subparsers(title="comandi", metavar="COMANDO", required=True, dest="comando")
    add_train(commands)
    add_translate(commands)
    add_inspect(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError, FloatingPointError, MemoryError) as error:
        print(f"errore: {error}", file=sys.stderr)
        return 1
    return 0


def add_command(commands, name, run, help_text):
    parser = commands.add_parser(name, help=help_text, description=help_text.capitalize() + ".")
    parser.set_defaults(run=run)
    parser.add_argument("--dispositivo", metavar="D", help="«cpu», «cuda» o «mps» (il migliore che c’è)")
    parser.add_argument("--seme", type=int, default=0, metavar="S", help="seme dei numeri casuali (0)")
    return parser


def add_train(commands):
    parser = add_command(commands, "addestra", run_train, "addestra un modello, o riprende dove era rimasto")
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--compito", choices=list(TASKS), help="un compito giocattolo")
    data.add_argument("--coppie", metavar="FILE", help="frase TAB traduzione, una coppia per riga")
    parser.add_argument("--cartella", required=True, metavar="DIR", help="per i checkpoint e il registro")
    parser.add_argument("--riga", choices=list(TABLE_3), metavar="NOME", help="riga della Tabella 3, come «base»")
    for option, default, text in (
        ("--strati", 2, "N, strati per pila"), ("--d-model", 64, "d_model"), ("--d-ff", 256, "d_ff"),
        ("--teste", 4, "h, teste di attenzione"),
    ):
        text = f"{text} ({default}), senza --riga"
        parser.add_argument(option, type=int, default=default, metavar="N", help=text)
    parser.add_argument("--dropout", type=float, default=0.1, metavar="P", help="P_drop (0.1), senza --riga")
    for option, default, text in (
        ("--passi", 1000, "passi di Adam"), ("--warmup", 200, "passi di warmup"),
        ("--token", 2000, "token di partenza e di arrivo per batch"), ("--accumula", 1, "batch per passo"),
        ("--salva-ogni", 200, "passi fra due checkpoint"), ("--media", 5, "checkpoint tenuti e mediati"),
    ):
        parser.add_argument(option, type=int, default=default, metavar="N", help=f"{text} ({default})")
    parser.add_argument("--bf16", action="store_true", help="calcoli misti in bfloat16")
    parser.add_argument("--compila", action="store_true", help="usa torch.compile")


def add_translate(commands):
    parser = add_command(commands, "traduci", run_translate, "traduce le frasi date, o le righe in ingresso")
    parser.add_argument("modello", help="un file .safetensors scritto da addestra")
    parser.add_argument("frasi", nargs="*", help="le frasi, fra virgolette")
    strategies = ["beam", "greedy", "campiona"]
    parser.add_argument("--strategia", choices=strategies, default="beam", help="come si sceglie (beam)")
    parser.add_argument("--beam", type=int, default=4, metavar="K", help="ampiezza del beam (4)")
    parser.add_argument("--alpha", type=float, default=0.6, metavar="A", help="penalità di lunghezza (0.6)")
    parser.add_argument("--ipotesi", type=int, default=1, metavar="N", help="quante ipotesi del beam mostrare (1)")
    parser.add_argument("--temperatura", type=float, default=1.0, metavar="T", help="di «campiona» (1.0)")
    parser.add_argument("--top-k", type=int, metavar="K", help="di «campiona»: i K token più probabili")
    parser.add_argument("--top-p", type=float, metavar="P", help="di «campiona»: i token che arrivano a P")
    parser.add_argument("--via-via", action="store_true", help="di «greedy»: scrive i token uno alla volta")


def add_inspect(commands):
    parser = add_command(commands, "ispeziona", run_inspect, "mostra la configurazione e i parametri parte per parte")
    parser.add_argument("che_cosa", metavar="CHE_COSA", help="una riga della Tabella 3 o un file .safetensors")
    parser.add_argument("--vocabolario", type=int, metavar="N", help="n_vocab da usare per una riga della tabella")


def run_train(options):
    if options.compito:
        vocabulary = toy_vocabulary()
        pairs = toy_pairs(options.compito, 20_000, min_len=3, max_len=8, seed=options.seme)
    else:
        texts = read_pairs(options.coppie)
        vocabulary = Vocabulary.from_texts(text for pair in texts for text in pair)
        pairs = [(vocabulary.encode(src), vocabulary.encode(tgt)) for src, tgt in texts]
    if options.riga:
        config = replace(TABLE_3[options.riga], n_vocab=len(vocabulary))
    else:
        config = TransformerConfig(
            n_vocab=len(vocabulary), n_layers=options.strati, d_model=options.d_model, d_ff=options.d_ff,
            n_heads=options.teste, p_drop=options.dropout,
        )
    training = TrainingConfig(
        steps=options.passi, max_tokens=options.token, warmup_steps=options.warmup,
        accumulate=options.accumula, precision="bf16" if options.bf16 else "float32",
        compile=options.compila, save_every=options.salva_ogni, keep=options.media, seed=options.seme,
    )
    with process_group(options.dispositivo) as device:
        seed_everything(options.seme)
        model = Transformer(config)
        train(model, pairs, training, options.cartella, device=device, vocabulary=vocabulary.tokens)
        if rank_and_world()[0] == 0:
            average, tokens = average_checkpoints(list_checkpoints(options.cartella))
            path = Path(options.cartella, "modello.safetensors")
            save_checkpoint(path, average, vocabulary=tokens)
            print(f"{path}: media degli ultimi checkpoint; addestrato su {describe_device(device)}")


def read_pairs(path):
    """Le coppie (frase, traduzione) di un file UTF-8 con una tabulazione per riga."""
    pairs = [tuple(line.split("\t")) for line in Path(path).read_text("utf-8").splitlines()]
    for number, pair in enumerate(pairs, start=1):
        if len(pair) != 2:
            raise ValueError(f"{path}, riga {number}: {len(pair)} campi, attesi 2, separati da TAB")
    return pairs


def run_translate(options):
    if options.via_via and options.strategia != "greedy":
        raise ValueError(f"--strategia vale «{options.strategia}»: con --via-via atteso «greedy»")
    device = pick_device(options.dispositivo)
    model, tokens = load_model(options.modello, device)
    if tokens is None:
        raise ValueError(f"modello vale «{options.modello}»: atteso un file con il suo vocabolario")
    vocabulary = Vocabulary(tokens)
    generator = torch.Generator(device).manual_seed(options.seme)
    for line in options.frasi or sys.stdin:
        src = pad([vocabulary.encode(line)], device=device)
        if options.strategia == "beam":
            found = beam_search(model, src, options.beam, options.alpha, options.ipotesi)[0]
        elif options.strategia == "campiona":
            found = sample(
                model, src, options.temperatura, options.top_k, options.top_p, generator=generator
            )
        elif options.via_via:
            for token, _ in stream(model, src):
                if token.item() != model.config.eos_id:
                    print(vocabulary.decode(token.tolist()), end=" ", flush=True)
            print()
            continue
        else:
            found = greedy(model, src)
        for hypothesis in found:
            score = f"{hypothesis.score:.3f}\t".replace(".", ",") if options.ipotesi > 1 else ""
            print(score + vocabulary.decode(hypothesis.tokens), flush=True)


def run_inspect(options):
    if options.che_cosa in TABLE_3:
        config = TABLE_3[options.che_cosa]
        config = replace(config, n_vocab=options.vocabolario) if options.vocabolario else config
    elif Path(options.che_cosa).suffix == ".safetensors":
        config = TransformerConfig(**read_checkpoint(options.che_cosa)[1]["configurazione"])
    else:
        rows = ", ".join(TABLE_3)
        raise ValueError(f"CHE_COSA vale «{options.che_cosa}»: atteso un file .safetensors o {rows}")
    print("configurazione")
    for name, value in asdict(config).items():
        print(f"  {name:<37}{value!s:>12}")
    print("parametri")
    for part, number in count_parameters(config).items():
        print(f"  {part:<37}{f'{number:_}'.replace('_', ' '):>12}")


if __name__ == "__main__":
    sys.exit(main())
