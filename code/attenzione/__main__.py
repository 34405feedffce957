"""Il Transformer dalla riga di comando: addestra, traduci, valuta, impacchetta, scheda, ispeziona.

Ogni comando importa ciò che usa, così che «traduci» parta subito.
"""

import argparse
import json
import re
import sys
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

from attenzione.config import TABLE_3, TransformerConfig, count_parameters
from attenzione.data.toy import TASKS, toy_pairs, toy_vocabulary
from attenzione.italian import number

ERRORS = {  # le frasi di argparse, e le nostre
    r"the following arguments are required: (.+)": r"mancano gli argomenti: \1",
    r"unrecognized arguments: (.+)": r"argomenti sconosciuti: \1",
    r"ambiguous option: (.+) could match (.+)": r"l’opzione \1 è ambigua: può essere \2",
    r"one of the arguments (.+) is required": r"serve uno degli argomenti: \1",
    r"not allowed with argument (.+)": r"non va insieme a \1",
    r"expected one argument": "atteso un valore",
    r"expected at least one argument": "atteso almeno un valore",
    r"ignored explicit argument (.+)": r"non vuole un valore, e riceve \1",
    r"invalid (\w+) value: (.+)": r"il valore \2 non è di tipo \1",
    r"invalid choice: (.+?) \(choose from (.+)\)": r"\1 non è fra \2",
}


class ItalianFormatter(argparse.HelpFormatter):
    """L’aiuto di argparse che comincia con «uso: »."""

    def add_usage(self, usage, actions, groups, prefix=None):
        super().add_usage(usage, actions, groups, "uso: " if prefix is None else prefix)


class ItalianParser(argparse.ArgumentParser):
    """Un ArgumentParser che parla italiano. arguments e options: i gruppi a cui si aggiungono le voci."""

    def __init__(self, **settings):
        super().__init__(formatter_class=ItalianFormatter, add_help=False, **settings)
        self.arguments = self.add_argument_group("argomenti")
        self.options = self.add_argument_group("opzioni")
        self.options.add_argument("-h", "--help", action="help", help="mostra questo aiuto ed esce")

    def error(self, message):
        """Scrive l’uso e l’errore sullo standard error ed esce con 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: errore: {italian_error(message)}\n")


def italian_error(message):
    """Un errore di argparse, detto in italiano; una frase che ERRORS non conosce resta com’è."""
    argument, sentence = re.fullmatch(r"(?:argument (.+?): )?(.*)", message, re.DOTALL).groups()
    for english, italian in ERRORS.items():
        if found := re.fullmatch(english, sentence, re.DOTALL):
            sentence = found.expand(italian)
            break
    return f"argomento {argument}: {sentence}" if argument else sentence


def main(arguments=None):
    """Esegue un comando; rende 0, o 1 dopo avere scritto l’errore."""
    parser = ItalianParser(prog="python -m attenzione", description="Il Transformer di «Attention Is All You Need».")
    commands = parser.add_subparsers(title="comandi", metavar="COMANDO", required=True, dest="comando")
    add_train(commands)
    add_translate(commands)
    add_evaluate(commands)
    add_compare(commands)
    add_package(commands)
    add_card(commands)
    add_inspect(commands)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError, ImportError, FloatingPointError, MemoryError) as error:
        print(f"errore: {error}", file=sys.stderr)
        return 1
    return 0


def add_command(commands, name, run, help_text):
    """Aggiunge il comando name, eseguito da run, con le opzioni di tutti; rende il suo ItalianParser."""
    parser = commands.add_parser(name, help=help_text, description=help_text.capitalize() + ".")
    parser.set_defaults(run=run)
    parser.options.add_argument("--dispositivo", metavar="D", help="«cpu», «cuda» o «mps» (il migliore che c’è)")
    parser.options.add_argument("--seme", type=int, default=0, metavar="S", help="seme dei numeri casuali (0)")
    return parser


def add_train(commands):
    parser = add_command(commands, "addestra", run_train, "addestra un modello, o riprende dove era rimasto")
    data = parser.options.add_mutually_exclusive_group(required=True)
    data.add_argument("--compito", choices=list(TASKS), help="un compito giocattolo")
    data.add_argument("--coppie", metavar="FILE", help="frase TAB traduzione, una coppia per riga")
    data.add_argument("--ricetta", metavar="FILE", help="un file YAML che dice tutto: dati, modello, passi")
    parser.options.add_argument("--variante", metavar="NOME", help="una delle varianti della ricetta")
    parser.options.add_argument("--dati", metavar="DIR", help="dove stanno i dati della ricetta (accanto a lei)")
    parser.options.add_argument("--cartella", metavar="DIR", help="per i checkpoint e il registro (addestramenti/…)")
    parser.options.add_argument("--riga", choices=list(TABLE_3), metavar="R", help="riga della Tabella 3: base, big…")
    for option, default, text in (
        ("--strati", 2, "N, strati per pila"),
        ("--d-model", 64, "d_model"),
        ("--d-ff", 256, "d_ff"),
        ("--teste", 4, "h, teste di attenzione"),
    ):
        text = f"{text} ({default}), senza --riga"
        parser.options.add_argument(option, type=int, default=default, metavar="N", help=text)
    parser.options.add_argument("--dropout", type=float, default=0.1, metavar="P", help="P_drop (0.1), senza --riga")
    for option, default, text in (
        ("--passi", None, "passi di Adam (1000; quelli della ricetta)"),
        ("--warmup", 200, "passi di warmup"),
        ("--token", 2000, "token di partenza e di arrivo per batch"),
        ("--accumula", 1, "batch per passo"),
        ("--salva-ogni", 200, "passi fra due checkpoint"),
        ("--media", 5, "checkpoint tenuti e mediati"),
    ):
        text = f"{text} ({default})" if default else text
        parser.options.add_argument(option, type=int, default=default, metavar="N", help=text)
    parser.options.add_argument("--bf16", action="store_true", help="calcoli misti in bfloat16")
    parser.options.add_argument("--compila", action="store_true", help="usa torch.compile")


def add_translate(commands):
    parser = add_command(commands, "traduci", run_translate, "traduce le frasi date, o le righe in ingresso")
    parser.arguments.add_argument("frasi", nargs="*", help="le frasi, fra virgolette; «-»: una per riga in ingresso")
    add_model(parser)
    strategies = ["beam", "greedy", "campiona"]
    parser.options.add_argument("--strategia", choices=strategies, default="beam", help="come si sceglie (beam)")
    parser.options.add_argument("--beam", type=int, default=4, metavar="K", help="ampiezza del beam (4)")
    parser.options.add_argument("--alpha", type=float, default=0.6, metavar="A", help="penalità di lunghezza (0.6)")
    parser.options.add_argument("--ipotesi", type=int, default=1, metavar="N", help="ipotesi da mostrare (1)")
    parser.options.add_argument("--temperatura", type=float, default=1.0, metavar="T", help="di «campiona» (1.0)")
    parser.options.add_argument("--top-k", type=int, metavar="K", help="di «campiona»: i K token più probabili")
    parser.options.add_argument("--top-p", type=float, metavar="P", help="di «campiona»: i token che arrivano a P")
    parser.options.add_argument("--via-via", action="store_true", help="di «greedy»: scrive i token uno alla volta")


def add_model(parser):
    help_text = "un file .safetensors o la sua cartella (quello del libro)"
    parser.options.add_argument("--modello", metavar="M", help=help_text)


def add_evaluate(commands):
    parser = add_command(commands, "valuta", run_evaluate, "misura BLEU e chrF sulle frasi tenute da parte")
    add_model(parser)
    parser.options.add_argument("--ricetta", metavar="FILE", help="la ricetta (ricetta.yml accanto al modello)")
    parser.options.add_argument("--dati", metavar="DIR", help="dove stanno i dati della ricetta (accanto a lei)")
    parser.options.add_argument("--parte", choices=["sviluppo", "prova"], default="prova", help="quali frasi (prova)")
    parser.options.add_argument(
        "--strategie",
        nargs="+",
        choices=["beam", "greedy"],
        default=["beam", "greedy"],
        help="come si traduce (entrambe)",
    )
    parser.options.add_argument("--uscita", metavar="FILE", help="dove scrivere i numeri, in JSON")
    parser.options.add_argument("--traduzioni", metavar="FILE", help="dove scrivere le traduzioni, una per riga")


def add_compare(commands):
    parser = add_command(commands, "confronta", run_compare, "misura le varianti di una ricetta allo stesso passo")
    parser.options.add_argument(
        "--da", nargs="+", required=True, metavar="DIR", help="gli addestramenti, prima il principale"
    )
    parser.options.add_argument("--ricetta", required=True, metavar="FILE", help="la ricetta")
    parser.options.add_argument("--dati", metavar="DIR", help="dove stanno i dati della ricetta (accanto a lei)")
    parser.options.add_argument("--parte", choices=["sviluppo", "prova"], default="prova", help="quali frasi (prova)")
    parser.options.add_argument("--uscita", required=True, metavar="FILE", help="dove scrivere i numeri, in JSON")


def add_package(commands):
    help_text = "media gli ultimi checkpoint e scrive il modello da spedire"
    parser = add_command(commands, "impacchetta", run_package, help_text)
    parser.options.add_argument("--da", required=True, metavar="DIR", help="la cartella dell’addestramento")
    parser.options.add_argument("--a", required=True, metavar="DIR", help="la cartella del modello")
    parser.options.add_argument("--media", type=int, default=5, metavar="N", help="checkpoint da mediare (5)")
    parser.options.add_argument("--fino-a", type=int, metavar="PASSO", help="ultimo passo da considerare")


def add_card(commands):
    parser = add_command(commands, "scheda", run_card, "scrive la scheda del modello dai numeri registrati")
    parser.options.add_argument("--modello", metavar="DIR", help="la cartella del modello (quello del libro)")


def add_inspect(commands):
    parser = add_command(commands, "ispeziona", run_inspect, "mostra la configurazione e i parametri")
    parser.arguments.add_argument("che_cosa", metavar="CHE_COSA", help="riga della Tabella 3 o file .safetensors")
    parser.options.add_argument("--vocabolario", type=int, metavar="N", help="n_vocab per una riga della tabella")


def run_train(options):
    from attenzione.training.distributed import process_group

    with process_group(options.dispositivo) as device:
        train_here(options, device)


def train_here(options, device):
    """Ciò che fa «addestra», in ciascuno dei processi che torchrun ha avviato."""
    from attenzione.data.vocabulary import Vocabulary
    from attenzione.device import describe_device, seed_everything
    from attenzione.model import Transformer
    from attenzione.training.checkpoint import average_checkpoints, list_checkpoints, save_checkpoint
    from attenzione.training.distributed import rank_and_world
    from attenzione.training.loop import TrainingConfig, train
    from attenzione.training.recipe import read_recipe, run_recipe

    if options.ricetta:
        recipe = read_recipe(options.ricetta, options.dati, options.variante)
        folder = options.cartella or Path("addestramenti", recipe.nome)
        run_recipe(recipe, folder, device=device, steps=options.passi)
        return
    if not options.cartella:
        raise ValueError("--cartella non è dato: atteso dove mettere i checkpoint")
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
            n_vocab=len(vocabulary),
            n_layers=options.strati,
            d_model=options.d_model,
            d_ff=options.d_ff,
            n_heads=options.teste,
            p_drop=options.dropout,
        )
    training = TrainingConfig(
        steps=1000 if options.passi is None else options.passi,
        max_tokens=options.token,
        warmup_steps=options.warmup,
        accumulate=options.accumula,
        precision="bf16" if options.bf16 else "float32",
        compile=options.compila,
        save_every=options.salva_ogni,
        keep=options.media,
        seed=options.seme,
    )
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
    for row, pair in enumerate(pairs, start=1):
        if len(pair) != 2:
            raise ValueError(f"{path}, riga {row}: {len(pair)} campi, attesi 2, separati da TAB")
    return pairs


def run_translate(options):
    from attenzione.device import pick_device
    from attenzione.translator.pretrained import load_translator

    if options.via_via and options.strategia != "greedy":
        raise ValueError(f"--strategia vale «{options.strategia}»: con --via-via atteso «greedy»")
    by_line = options.frasi in ([], ["-"])
    if by_line and (options.strategia == "campiona" or options.ipotesi > 1 or options.via_via):
        raise ValueError("con «-» si sceglie «beam» o «greedy», un’ipotesi per riga")
    model, tokenizer = load_translator(options.modello, pick_device(options.dispositivo))
    if by_line:
        translate_lines(options, model, tokenizer)
    elif options.via_via:
        translate_as_generated(options, model, tokenizer)
    else:
        translate_sentences(options, model, tokenizer)


def translate_sentences(options, model, tokenizer):
    """Le traduzioni di ogni frase, una per riga; se le ipotesi sono più d’una, prima il punteggio e TAB."""
    import torch

    from attenzione.decoding import beam_search, greedy, sample
    from attenzione.translator.pretrained import encode_source

    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(options.seme)
    for text in options.frasi:
        src = torch.tensor([encode_source(tokenizer, text, model.config)], device=device)  # (1, n)
        if options.strategia == "beam":
            found = beam_search(model, src, options.beam, options.alpha, options.ipotesi)[0]
        elif options.strategia == "campiona":
            found = sample(model, src, options.temperatura, options.top_k, options.top_p, generator=generator)
        else:
            found = greedy(model, src)
        for hypothesis in found:
            translation = tokenizer.decode(hypothesis.tokens)
            if options.ipotesi > 1:
                translation = number(hypothesis.score, ".3f") + "\t" + translation
            print(translation, flush=True)


def translate_as_generated(options, model, tokenizer):
    """La traduzione di ogni frase, scritta mentre nasce: a ogni token ciò che aggiunge al testo."""
    import torch

    from attenzione.decoding import stream
    from attenzione.translator.pretrained import encode_source

    device = next(model.parameters()).device
    for text in options.frasi:
        src = torch.tensor([encode_source(tokenizer, text, model.config)], device=device)  # (1, n)
        tokens, written = [], ""
        for token, _ in stream(model, src):
            if token.item() != model.config.eos_id:
                tokens.append(token.item())
                translation = tokenizer.decode(tokens)
                print(translation[len(written) :], end="", flush=True)
                written = translation
        print()


def translate_lines(options, model, tokenizer, batch_size=32):
    """Una traduzione per riga dello standard input, a lotti; una riga vuota per una riga vuota.

    Anche una riga che non si può tradurre dà una riga vuota: il perché va sullo standard error, e alla fine
    si alza ValueError.
    """
    from attenzione.translator.pretrained import encode_source, translate

    size = 1 if sys.stdin.isatty() else batch_size
    failed = row = 0
    while lines := list(islice(sys.stdin.buffer, size)):
        texts = {}
        for i, line in enumerate(lines):
            row += 1
            try:
                text = line.decode("utf-8").strip()
                if text:
                    encode_source(tokenizer, text, model.config)
                    texts[i] = text
            except ValueError as error:  # anche UnicodeDecodeError
                reason = "il testo non è in UTF-8" if isinstance(error, UnicodeDecodeError) else error
                print(f"riga {row}: {reason}", file=sys.stderr)
                failed += 1
        found = translate(model, tokenizer, list(texts.values()), options.strategia, options.beam, options.alpha)
        found = dict(zip(texts, found, strict=True))
        print("\n".join(found.get(i, "") for i in range(len(lines))), flush=True)
    if failed == 1:
        raise ValueError("1 riga non tradotta")
    if failed:
        raise ValueError(f"{failed} righe non tradotte")


def run_evaluate(options):
    from attenzione.device import pick_device
    from attenzione.translator.evaluation import evaluate, show
    from attenzione.translator.pretrained import shipped_folder

    folder = Path(options.modello or shipped_folder())
    recipe = options.ricetta or (folder if folder.is_dir() else folder.parent) / "ricetta.yml"
    device = pick_device(options.dispositivo)
    result = evaluate(
        options.modello, recipe, options.dati, options.parte, options.strategie, device, options.traduzioni
    )
    show(result)
    if options.uscita:
        Path(options.uscita).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")


def run_compare(options):
    from attenzione.device import pick_device
    from attenzione.translator.evaluation import compare

    device = pick_device(options.dispositivo)
    result = compare(options.da, options.ricetta, options.dati, options.parte, device=device)
    Path(options.uscita).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for name, scores in result["modelli"].items():
        print(f"{name:18}BLEU {number(scores['BLEU'], '.2f')}   chrF {number(scores['chrF'], '.2f')}")


def run_package(options):
    from attenzione.translator.packaging import package

    print(package(options.da, options.a, options.media, options.fino_a))


def run_card(options):
    from attenzione.translator.card import write_card
    from attenzione.translator.pretrained import shipped_folder

    print(write_card(options.modello or shipped_folder()))


def run_inspect(options):
    if options.che_cosa in TABLE_3:
        config = TABLE_3[options.che_cosa]
        config = replace(config, n_vocab=options.vocabolario) if options.vocabolario else config
    elif Path(options.che_cosa).suffix == ".safetensors":
        from attenzione.model import Transformer
        from attenzione.training.architecture import DEFAULT
        from attenzione.training.checkpoint import FORMAT, INT8, read_checkpoint, read_config, written_class

        header = read_checkpoint(options.che_cosa, (FORMAT, INT8))[1]
        if written_class(header) != DEFAULT:
            raise ValueError(f"CHE_COSA vale «{options.che_cosa}»: atteso un {DEFAULT}, è un {written_class(header)}")
        config = read_config(options.che_cosa, header, Transformer)
    else:
        rows = ", ".join(TABLE_3)
        raise ValueError(f"CHE_COSA vale «{options.che_cosa}»: atteso un file .safetensors o {rows}")
    print("configurazione")
    for name, value in asdict(config).items():
        print(f"  {name:<37}{value!s:>12}")
    print("parametri")
    for part, count in count_parameters(config).items():
        grouped = f"{count:_}".replace("_", " ")
        print(f"  {part:<37}{grouped:>12}")


if __name__ == "__main__":
    sys.exit(main())
