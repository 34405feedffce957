"""Il Transformer dalla riga di comando: addestra, traduci, continua, valuta, confronta, impacchetta, scheda, ispeziona.

Ogni comando importa ciò che usa, così che «traduci» parta subito. Un’opzione che il comando non userebbe è un errore.
Lo stato di uscita: 0; 1 dopo un errore; 2 se il comando è scritto male; 130 dopo Ctrl-C; 141 se chi legge l’uscita
smette prima.
"""

import argparse
import json
import re
import sys
import warnings
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from attenzione.config import TABLE_3, TransformerConfig, count_parameters
from attenzione.data.toy import TASKS, toy_pairs, toy_vocabulary
from attenzione.files import write_text
from attenzione.italian import number
from attenzione.streams import arriving_lines, as_command, decode_line, opened, reason, say

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

SIZES = {"strati": 2, "d_model": 64, "d_ff": 256, "teste": 4, "dropout": 0.1}
PACE = {"warmup": 200, "token": 2000, "accumula": 1, "salva_ogni": 200, "media": 5}
PACE |= {"bf16": False, "compila": False, "seme": 0}
"""Le opzioni di «addestra» che --riga, e che --ricetta, dicono già, coi valori di quando non si danno."""

BY_STRATEGY = {
    "beam": {"beam": 4, "alpha": 0.6},
    "greedy": {"via_via": False},
    "campiona": {"temperatura": 1.0, "top_k": None, "top_p": None, "seme": 0},
}
"""Le opzioni di «traduci» che servono a una strategia sola, coi valori di quando non si danno."""


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


def between(kind, low, high, text):
    """Il valore di un’opzione: un numero da low a high, estremi compresi; kind: int o float."""
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        wanted = "intero" if kind is int else "numero"
        raise argparse.ArgumentTypeError(f"vale «{text}»: atteso un {wanted} da {low} a {high}")
    return value


positive = partial(between, int, 1, 10**9)
seed = partial(between, int, 0, 2**32 - 1)


def refuse(options, names, why):
    """Errore se è stata data una delle opzioni names, che questo comando non userebbe: why dice perché."""
    for name in names:
        if getattr(options, name) is not None:
            raise ValueError(f"--{name.replace('_', '-')} {why}")


def fill(options, defaults):
    """Dà alle opzioni che mancano i valori di defaults."""
    for name, value in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, value)


def main(arguments=None):
    """Esegue un comando; rende 0, o 1 dopo avere scritto l’errore."""
    parser = ItalianParser(prog="python -m attenzione", description="Il Transformer di «Attention Is All You Need».")
    commands = parser.add_subparsers(title="comandi", metavar="COMANDO", required=True, dest="comando")
    add_train(commands)
    add_translate(commands)
    add_continue(commands)
    add_evaluate(commands)
    add_compare(commands)
    add_package(commands)
    add_card(commands)
    add_inspect(commands)
    options = parser.parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = partial(show_warning, warnings.showwarning)
        try:
            options.run(options)
        except BrokenPipeError:  # non è un errore: chi legge ha smesso
            raise
        except OSError as error:
            say(f"errore: {reason(error)}")
            return 1
        except (ValueError, ImportError, FloatingPointError) as error:
            say(f"errore: {error}")
            return 1
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            say("errore: la memoria non basta: atteso un modello, un lotto o un beam più piccolo")
            return 1
    return 0


def show_warning(show, message, category, filename, *rest):
    """Un avviso di questa libreria in una riga; quelli degli altri come fa show, la funzione di prima."""
    if Path(filename).is_relative_to(Path(__file__).parent):
        say(f"avviso: {message}")
    else:
        show(message, category, filename, *rest)


def out_of_memory(error):
    """Se un’eccezione dice che la memoria non basta: PyTorch, sulla CPU, ha soltanto una frase."""
    sentences = ("out of memory", "t allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(sentence in str(error) for sentence in sentences)


def add_command(commands, name, run, help_text):
    """Aggiunge il comando name, eseguito da run; rende il suo ItalianParser."""
    parser = commands.add_parser(name, help=help_text, description=f"{help_text[0].upper()}{help_text[1:]}.")
    parser.set_defaults(run=run)
    return parser


def add_device(parser):
    parser.options.add_argument("--dispositivo", metavar="D", help="«cpu», «cuda» o «mps» (il migliore che c’è)")


def add_train(commands):
    parser = add_command(commands, "addestra", run_train, "addestra un modello, o riprende dove era rimasto")
    add_device(parser)
    data = parser.options.add_mutually_exclusive_group(required=True)
    data.add_argument("--compito", choices=list(TASKS), help="un compito giocattolo")
    data.add_argument("--coppie", metavar="FILE", help="frase TAB traduzione, una coppia per riga")
    data.add_argument("--ricetta", metavar="FILE", help="un file YAML che dice tutto: dati, modello, passi")
    add_recipe_data(parser)
    parser.options.add_argument("--variante", metavar="NOME", help="una delle varianti della ricetta")
    parser.options.add_argument("--cartella", metavar="DIR", help="per i checkpoint e il registro (addestramenti/…)")
    parser.options.add_argument(
        "--passi", type=positive, metavar="N", help="passi di Adam (1000; quelli della ricetta)"
    )
    parser.options.add_argument("--riga", choices=list(TABLE_3), metavar="R", help="riga della Tabella 3: base, big…")
    for option, most, text in (
        ("--strati", 256, "N, strati per pila"),
        ("--d-model", 16384, "d_model"),
        ("--d-ff", 65536, "d_ff"),
        ("--teste", 256, "h, teste di attenzione"),
    ):
        default = SIZES[option[2:].replace("-", "_")]
        text = f"{text}, al più {most} ({default}), senza --riga né --ricetta"
        parser.options.add_argument(option, type=partial(between, int, 1, most), metavar="N", help=text)
    parser.options.add_argument(
        "--dropout", type=float, metavar="P", help="P_drop, meno di 1 (0.1), senza --riga né --ricetta"
    )
    for option, text in (
        ("--warmup", "passi di warmup"),
        ("--token", "token di partenza e di arrivo per batch"),
        ("--accumula", "batch per passo"),
        ("--salva-ogni", "passi fra due checkpoint"),
        ("--media", "checkpoint tenuti e mediati"),
    ):
        text = f"{text} ({PACE[option[2:].replace('-', '_')]}), senza --ricetta"
        parser.options.add_argument(option, type=positive, metavar="N", help=text)
    parser.options.add_argument("--seme", type=seed, metavar="S", help="seme dei numeri casuali (0), senza --ricetta")
    for option, text in (("--bf16", "calcoli misti in bfloat16"), ("--compila", "usa torch.compile")):
        parser.options.add_argument(option, action="store_true", default=None, help=f"{text}, senza --ricetta")


def add_recipe_data(parser):
    parser.options.add_argument("--dati", metavar="DIR", help="dove stanno i dati della ricetta (accanto a lei)")


def add_translate(commands):
    parser = add_command(commands, "traduci", run_translate, "traduce le frasi date, o le righe in ingresso")
    parser.arguments.add_argument("frasi", nargs="*", help="le frasi, fra virgolette; «-»: una per riga in ingresso")
    add_device(parser)
    add_model(parser)
    parser.options.add_argument("--strategia", choices=list(BY_STRATEGY), default="beam", help="come si sceglie (beam)")
    for option, letter, kind, low, high, text in (
        ("--ipotesi", "N", int, 1, 100, "ipotesi da mostrare, al più 100; con «greedy» una (1)"),
        ("--beam", "K", int, 1, 100, "di «beam»: ampiezza, da 1 a 100 (4)"),
        ("--alpha", "A", float, 0, 10, "di «beam»: penalità di lunghezza, da 0 a 10 (0.6)"),
        ("--temperatura", "T", float, 0.001, 1000, "di «campiona»: da 0.001 a 1000 (1.0)"),
        ("--top-k", "K", int, 1, 10**9, "di «campiona»: i K token più probabili"),
        ("--top-p", "P", float, 0.001, 1, "di «campiona»: i token che arrivano a P, da 0.001 a 1"),
    ):
        parser.options.add_argument(option, type=partial(between, kind, low, high), metavar=letter, help=text)
    parser.options.add_argument("--seme", type=seed, metavar="S", help="di «campiona»: seme dei numeri casuali (0)")
    text = "di «greedy»: scrive i token uno alla volta"
    parser.options.add_argument("--via-via", action="store_true", default=None, help=text)


def add_continue(commands):
    parser = add_command(commands, "continua", run_continue, "continua un testo italiano, scrivendo via via")
    parser.arguments.add_argument("testo", help="come comincia, fra virgolette; «» per cominciare da capo")
    add_device(parser)
    add_model(parser)
    for option, letter, kind, low, high, text in (
        ("--token", "N", int, 1, 10**6, "quanti token aggiungere (80)"),
        ("--temperatura", "T", float, 0.001, 1000, "da 0.001 a 1000: più è bassa, più prudente (0.8)"),
        ("--top-k", "K", int, 1, 10**9, "solo fra i K token più probabili; con 1 sempre il più probabile"),
        ("--top-p", "P", float, 0.001, 1, "solo fra i token che arrivano a P, da 0.001 a 1 (0.95)"),
    ):
        parser.options.add_argument(option, type=partial(between, kind, low, high), metavar=letter, help=text)
    parser.options.add_argument("--seme", type=seed, metavar="S", help="seme dei numeri casuali (0)")
    parser.set_defaults(token=80, temperatura=0.8, top_p=0.95, seme=0)


def add_model(parser):
    help_text = "un file .safetensors o la sua cartella (quello del libro)"
    parser.options.add_argument("--modello", metavar="M", help=help_text)


def add_evaluate(commands):
    parser = add_command(commands, "valuta", run_evaluate, "misura un modello sul testo tenuto da parte")
    add_device(parser)
    add_model(parser)
    parser.options.add_argument("--ricetta", metavar="FILE", help="la ricetta (ricetta.yml accanto al modello)")
    add_recipe_data(parser)
    choices = ["sviluppo", "prova"]
    parser.options.add_argument("--parte", choices=choices, help="di un traduttore: quali frasi (prova)")
    parser.options.add_argument(
        "--strategie", nargs="+", choices=["beam", "greedy"], help="di un traduttore: come traduce (entrambe)"
    )
    parser.options.add_argument("--uscita", metavar="FILE", help="dove scrivere i numeri, in JSON")
    text = "di un traduttore: dove scrivere le traduzioni dell’ultima strategia, una per riga"
    parser.options.add_argument("--traduzioni", metavar="FILE", help=text)


def add_compare(commands):
    parser = add_command(commands, "confronta", run_compare, "misura le varianti di una ricetta allo stesso passo")
    add_device(parser)
    parser.options.add_argument(
        "--da", nargs="+", required=True, metavar="DIR", help="gli addestramenti, prima il principale"
    )
    parser.options.add_argument("--ricetta", required=True, metavar="FILE", help="la ricetta")
    add_recipe_data(parser)
    parser.options.add_argument("--parte", choices=["sviluppo", "prova"], default="prova", help="quali frasi (prova)")
    parser.options.add_argument("--uscita", required=True, metavar="FILE", help="dove scrivere i numeri, in JSON")


def add_package(commands):
    help_text = "media gli ultimi checkpoint e scrive il modello da spedire"
    parser = add_command(commands, "impacchetta", run_package, help_text)
    parser.options.add_argument("--da", required=True, metavar="DIR", help="la cartella dell’addestramento")
    parser.options.add_argument("--a", required=True, metavar="DIR", help="la cartella del modello")
    parser.options.add_argument("--media", type=positive, default=5, metavar="N", help="checkpoint da mediare (5)")
    parser.options.add_argument("--fino-a", type=positive, metavar="PASSO", help="ultimo passo da considerare")


def add_card(commands):
    parser = add_command(commands, "scheda", run_card, "scrive la scheda del modello dai numeri registrati")
    parser.options.add_argument("--modello", metavar="DIR", help="la cartella del modello (quello del libro)")


def add_inspect(commands):
    parser = add_command(commands, "ispeziona", run_inspect, "mostra la configurazione e i parametri")
    parser.arguments.add_argument("che_cosa", metavar="CHE_COSA", help="riga della Tabella 3 o file .safetensors")
    parser.options.add_argument("--vocabolario", type=positive, metavar="N", help="n_vocab per una riga della tabella")


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
        refuse(options, ["riga", *SIZES, *PACE], "non va insieme a --ricetta, che lo dice già")
        recipe = read_recipe(options.ricetta, options.dati, options.variante)
        folder = options.cartella or Path("addestramenti", recipe.nome)
        run_recipe(recipe, folder, device=device, steps=options.passi)
        return
    refuse(options, ["variante", "dati"], "va soltanto insieme a --ricetta")
    if options.riga:
        refuse(options, SIZES, "non va insieme a --riga, che lo dice già")
    if not options.cartella:
        raise ValueError("--cartella non è dato: atteso dove mettere i checkpoint")
    fill(options, SIZES | PACE | {"passi": 1000})
    if options.compito:
        vocabulary = toy_vocabulary()
        pairs = toy_pairs(options.compito, 20_000, min_len=3, max_len=8, seed=options.seme)
    else:
        texts = read_pairs(options.coppie)
        vocabulary = Vocabulary.from_texts(text for pair in texts for text in pair)
        pairs = [(vocabulary.encode(src), vocabulary.encode(tgt)) for src, tgt in texts]
        say_lost(dict.fromkeys(word for pair in texts for text in pair for word in vocabulary.lost(text)))
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
        steps=options.passi,
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
    """Le coppie (frase, traduzione) di un file UTF-8, anche .gz, con una tabulazione per riga."""
    from attenzione.data.corpus import read_lines

    pairs = [tuple(line.split("\t")) for line in read_lines(path)]
    for row, pair in enumerate(pairs, start=1):
        if len(pair) != 2:
            raise ValueError(f"{path}, riga {row}: {len(pair)} campi, attesi 2, separati da TAB")
        if not pair[0].strip():
            raise ValueError(f"{path}, riga {row}: la frase di partenza è vuota, attesa almeno una parola")
    return pairs


def say_lost(lost, what="non traduce"):
    """Un avviso, se lost non è vuoto: i segni, o le parole, che il modello non conosce e perciò non vede."""
    shown = [word if word.isprintable() else ascii(word)[1:-1] for word in lost]
    if shown:
        more = f" e altri {len(shown) - 20}" if len(shown) > 20 else ""
        say(f"avviso: il modello non conosce, e {what}: {' '.join(shown[:20])}{more}")


def run_translate(options):
    opened(sys.stdout, "output")
    check_strategy(options)
    by_line = options.frasi in ([], ["-"])
    if not by_line and "-" in options.frasi:
        raise ValueError("«-» non va insieme ad altre frasi")
    if by_line and (options.strategia == "campiona" or options.ipotesi > 1 or options.via_via):
        raise ValueError("con «-» si sceglie «beam» o «greedy», un’ipotesi per riga")
    stream = opened(sys.stdin, "input") if by_line else None

    from attenzione.device import pick_device  # PyTorch, lento: dopo gli errori che si sanno già
    from attenzione.translator.pretrained import load_translator

    model, tokenizer = load_translator(options.modello, pick_device(options.dispositivo))
    lost = {}
    try:
        if by_line:
            translate_lines(options, model, tokenizer, lost, stream.buffer)
        elif options.via_via:
            translate_as_generated(options, model, tokenizer, lost)
        else:
            translate_sentences(options, model, tokenizer, lost)
    finally:
        say_lost(lost)


def check_strategy(options):
    """Dà alle opzioni di --strategia i loro valori. Errori: ValueError se ce n’è una di un’altra strategia."""
    for strategy, defaults in BY_STRATEGY.items():
        if strategy != options.strategia:
            refuse(options, defaults, f"va soltanto insieme a --strategia {strategy}")
        fill(options, defaults)
    fill(options, {"ipotesi": 1})
    most = {"beam": options.beam, "greedy": 1}.get(options.strategia, options.ipotesi)
    if options.ipotesi > most:
        raise ValueError(f"--ipotesi vale {options.ipotesi}: con --strategia {options.strategia} attese al più {most}")


def translate_sentences(options, model, tokenizer, lost):
    """Le traduzioni di ogni frase, una per riga; se le ipotesi sono più d’una, prima il punteggio e TAB.

    lost: il dizionario in cui mettere, come chiavi, i segni che il modello non conosce.
    """
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
            choices = options.temperatura, options.top_k, options.top_p
            found = [sample(model, src, *choices, generator=generator)[0] for _ in range(options.ipotesi)]
        else:
            found = greedy(model, src)
        lost |= dict.fromkeys(tokenizer.lost(text))
        for hypothesis in found:
            translation = tokenizer.decode(hypothesis.tokens)
            if options.ipotesi > 1:
                translation = number(hypothesis.score, ".3f") + "\t" + translation
            print(translation, flush=True)


def translate_as_generated(options, model, tokenizer, lost):
    """La traduzione di ogni frase, scritta mentre nasce: a ogni token ciò che aggiunge al testo.

    lost: come in translate_sentences.
    """
    import torch

    from attenzione.decoding import stream
    from attenzione.translator.pretrained import encode_source

    device = next(model.parameters()).device
    for text in options.frasi:
        src = torch.tensor([encode_source(tokenizer, text, model.config)], device=device)  # (1, n)
        lost |= dict.fromkeys(tokenizer.lost(text))
        tokens, written = [], ""
        for token, _ in stream(model, src):
            if token.item() != model.config.eos_id:
                tokens.append(token.item())
                translation = tokenizer.decode(tokens)
                print(translation[len(written) :], end="", flush=True)
                written = translation
        print()


def translate_lines(options, model, tokenizer, lost, stream, batch_size=32):
    """Una traduzione per riga di stream, un flusso di byte, appena arriva; una riga vuota per una riga vuota.

    Le righe già arrivate si traducono a lotti. Anche una riga che non si può tradurre dà una riga vuota: il perché va
    sullo standard error, e alla fine si alza ValueError. lost: come in translate_sentences.
    """
    from attenzione.translator.pretrained import translate

    choices = options.strategia, options.beam, options.alpha
    failed = row = 0
    for lines in arriving_lines(stream, batch_size):
        texts, reasons, failures = {}, {}, {}
        rows = range(row + 1, row + len(lines) + 1)
        for row, line in zip(rows, lines, strict=True):
            try:
                if text := decode_line(line, row).strip():
                    texts[row] = text
            except ValueError as error:
                reasons[row] = str(error)
        found = dict(zip(texts, translate(model, tokenizer, texts.values(), *choices, failures=failures), strict=True))
        reasons |= {list(texts)[i]: f"riga {list(texts)[i]}: {failure}" for i, failure in failures.items()}
        for _, sentence in sorted(reasons.items()):
            say(sentence)
        failed += len(reasons)
        lost |= dict.fromkeys(sign for row in texts if row not in reasons for sign in tokenizer.lost(texts[row]))
        print("\n".join(found.get(row, "") for row in rows), flush=True)
    if failed == 1:
        raise ValueError("1 riga non tradotta")
    if failed:
        raise ValueError(f"{failed} righe non tradotte")


def run_continue(options):
    opened(sys.stdout, "output")

    import torch

    from attenzione.decoding import filter_logits
    from attenzione.device import pick_device
    from attenzione.later.continuing import continuation, encode_start, load_language_model

    model, tokenizer = load_language_model(options.modello, pick_device(options.dispositivo))
    generator = torch.Generator(model.embedding.E.device).manual_seed(options.seme)

    def choose(logits):
        probs = filter_logits(logits, options.temperatura, options.top_k, options.top_p).softmax(dim=-1)
        return probs.multinomial(1, generator=generator).squeeze(1)

    ids = encode_start(tokenizer, options.testo, model.config)
    say_lost(tokenizer.lost(options.testo), "non legge")
    text = options.testo.rstrip(" ")
    print(text, end="", flush=True)
    line = tokenizer.encode(text.rpartition("\n")[2])  # la riga in corso, che si decodifica tutta insieme
    write_continuation(continuation(model, ids, choose), options.token, line, tokenizer, model.config.eos_id)


def write_continuation(tokens, most, line, tokenizer, eos_id):
    """Scrive al più most dei token, appena arrivano, e va a capo alla fine di ogni riga; line: quelli già scritti."""
    written = tokenizer.decode(line)
    for _, token in zip(range(most), tokens, strict=False):
        if token == eos_id:
            line, written = [], ""
            print(flush=True)
        else:
            line = [*line, token]
            text = tokenizer.decode(line)
            print(text[len(written) :], end="", flush=True)
            written = text
    if line:
        print()


def is_of_texts(recipe):
    """Se una ricetta, un percorso, è di un modello che continua un testo; di una che non c’è dirà chi la legge."""
    from attenzione.training.recipe import read_recipe

    return Path(recipe).is_file() and "testi" in read_recipe(recipe).dati


def run_evaluate(options):
    from attenzione.device import pick_device
    from attenzione.translator.pretrained import shipped_folder

    folder = Path(options.modello or shipped_folder())
    recipe = options.ricetta or (folder if folder.is_dir() else folder.parent) / "ricetta.yml"
    if is_of_texts(recipe):
        from attenzione.later.scoring import evaluate, show

        refuse(options, ["parte", "strategie", "traduzioni"], "è di un traduttore, non di un modello che continua")
        result = evaluate(options.modello, recipe, options.dati, pick_device(options.dispositivo))
    else:
        from attenzione.translator.evaluation import evaluate, show

        fill(options, {"parte": "prova", "strategie": ["beam", "greedy"]})
        choices = options.parte, options.strategie, pick_device(options.dispositivo), options.traduzioni
        result = evaluate(options.modello, recipe, options.dati, *choices)
    show(result)
    if options.uscita:
        write_text(options.uscita, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def run_compare(options):
    from attenzione.device import pick_device
    from attenzione.translator.evaluation import compare

    device = pick_device(options.dispositivo)
    result = compare(options.da, options.ricetta, options.dati, options.parte, device=device)
    write_text(options.uscita, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    for name, scores in result["modelli"].items():
        print(f"{name:18}BLEU {number(scores['BLEU'], '.2f')}   chrF {number(scores['chrF'], '.2f')}")


def run_package(options):
    from attenzione.translator.packaging import package

    print(package(options.da, options.a, options.media, options.fino_a))


def run_card(options):
    from attenzione.translator.pretrained import shipped_folder

    folder = Path(options.modello or shipped_folder())
    if is_of_texts(folder / "ricetta.yml"):
        from attenzione.later.card import write_card
    else:
        from attenzione.translator.card import write_card
    print(write_card(folder))


def run_inspect(options):
    opened(sys.stdout, "output")
    if options.che_cosa in TABLE_3:
        config = TABLE_3[options.che_cosa]
        config = config if options.vocabolario is None else replace(config, n_vocab=options.vocabolario)
    elif Path(options.che_cosa).suffix == ".safetensors":
        refuse(options, ["vocabolario"], "va soltanto insieme a una riga della tabella")
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
    sys.exit(as_command(main))
