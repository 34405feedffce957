"""Le strategie di ricerca messe alla prova sul traduttore, una volta, e registrate accanto a lui.

    python -m attenzione.translator.searches conti --dati DIR --registra modelli/europarl-en-it/conti-bleu.json
    python -m attenzione.translator.searches ampiezze --dati DIR --registra modelli/europarl-en-it/ampiezze.json
    python -m attenzione.translator.searches otto-bit --dati DIR --registra modelli/europarl-en-it/otto-bit.json

«conti» traduce le frasi di prova con più sistemi e di ogni frase scrive i soli numeri da cui viene BLEU: bastano a
rifare il punteggio, e a ricampionarlo, senza il corpus. «ampiezze» traduce quelle di sviluppo con ogni ampiezza del
beam e ogni penalità di lunghezza. «otto-bit» traduce quelle di prova con i pesi interi e con i pesi a 8 bit.
"""

import argparse
import copy
import hashlib
import json
import platform
import re
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

from tqdm import tqdm

from attenzione.decoding import beam_search, length_penalty
from attenzione.device import pick_device
from attenzione.files import write_text
from attenzione.italian import number
from attenzione.quantization import dequantized, quantized_state
from attenzione.streams import as_command, reason
from attenzione.training.batches import pad
from attenzione.training.recipe import read_parts, read_recipe
from attenzione.translator.evaluation import import_metrics
from attenzione.translator.pretrained import WEIGHTS, encode_source, load_translator, shipped_folder, translate

SYSTEMS = {
    "greedy": {"strategy": "greedy"},
    "ampiezza 4": {"strategy": "beam", "beam": 4},
    "ampiezza 8": {"strategy": "beam", "beam": 8},
}
WIDTHS, ALPHAS = (1, 2, 4, 8, 16), (0.0, 0.3, 0.6, 1.0)
ROWS = 512  # sequenze che avanzano insieme


def split_compounds(text):
    """I composti col trattino spezzati in tre pezzi, come nel punteggio degli autori: a-b → a ##AT##-##AT## b."""
    return re.sub(r"(\S)-(\S)", r"\1 ##AT##-##AT## \2", text)


def sentence_counts(translations, references):
    """I conti di BLEU, frase per frase: (righe, lunghezze dei riferimenti).

    Ogni riga è [parole della traduzione, gruppi di 1, 2, 3, 4 parole che stanno anche nel riferimento]; quanti gruppi
    la traduzione abbia in tutto lo dice la sua lunghezza.
    """
    BLEU, _ = import_metrics()
    metric = BLEU(lowercase=True)
    scores = [metric.corpus_score([a], [[b]]) for a, b in zip(translations, references, strict=True)]
    return [[score.sys_len, *score.counts] for score in scores], [score.ref_len for score in scores]


def scores_by_rule(translations, references):
    """Il BLEU delle stesse traduzioni con più regole per dividere le parole: un dizionario dal nome al punteggio."""
    BLEU, _ = import_metrics()
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    def score(rule, found, right):
        return round(BLEU(lowercase=True, tokenize=rule, force=True).corpus_score(found, [right]).score, 2)

    rules = {"spazi": "none", "13a": "13a", "intl": "intl"}
    scores = {name: score(rule, translations, references) for name, rule in rules.items()}
    split = Tokenizer13a()
    sides = [[split_compounds(split(text.lower())) for text in side] for side in (translations, references)]
    return scores | {"13a, composti spezzati": score("none", *sides)}


def count(models, pairs):
    """I conti di ogni sistema sulle coppie, in un dizionario JSON.

    models: dal nome della cartella alla coppia (modello, tokenizer). Il primo è provato con tutti i SYSTEMS, gli
    altri, che portano quel nome, con ampiezza 4.
    """
    BLEU, _ = import_metrics()
    (_, first), *others = models.items()
    systems = {name: (first, options) for name, options in SYSTEMS.items()}
    systems |= {name: (loaded, SYSTEMS["ampiezza 4"]) for name, loaded in others}
    sources, references = zip(*pairs, strict=True)
    results = {}
    for name, (loaded, options) in tqdm(systems.items(), desc="conti", unit="sistema"):
        found = translate(*loaded, sources, **options, failures={})
        rows, lengths = sentence_counts(found, references)
        metric = BLEU(lowercase=True)
        score = metric.corpus_score(found, [references]).score
        results[name] = {"BLEU": round(score, 2), "conti": rows}
        if name == "ampiezza 4":
            rules = scores_by_rule(found, references)
    return {"firma": str(metric.get_signature()), "regole": rules, "riferimenti": lengths, "sistemi": results}


def find_all(model, tokenizer, texts, beam):
    """Per ogni frase tutte le Hypothesis che una ricerca di ampiezza beam porta alla fine, nell’ordine di texts."""
    sources = [encode_source(tokenizer, text, model.config) for text in texts]
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    size = max(1, ROWS // beam)
    found = [None] * len(sources)
    for start in tqdm(range(0, len(order), size), desc=f"ampiezza {beam}", unit="lotto"):
        batch = order[start : start + size]
        src = pad([sources[i] for i in batch], model.config.pad_id, model.embedding.E.device)  # (B, n)
        for i, hypotheses in zip(batch, beam_search(model, src, beam, alpha=0, n_best=beam), strict=True):
            found[i] = hypotheses
    return found


def choose(hypotheses, alpha):
    """La Hypothesis col punteggio più alto. Dove si cerca non dipende da alpha: dipende che cosa si sceglie."""
    return max(hypotheses, key=lambda h: h.log_prob / length_penalty(len(h.tokens) + h.finished, alpha))


def sweep(model, tokenizer, pairs, widths=WIDTHS, alphas=ALPHAS):
    """Ogni ampiezza con ogni alpha: BLEU, lunghezza rispetto al riferimento, log-probabilità media di una frase.

    Rende un elenco di dizionari JSON, uno per prova. Errori: quelli di encode_source.
    """
    BLEU, _ = import_metrics()
    sources, references = zip(*pairs, strict=True)
    trials = []
    for beam in widths:
        found = find_all(model, tokenizer, sources, beam)
        for alpha in alphas:
            chosen = [choose(hypotheses, alpha) for hypotheses in found]
            texts = [tokenizer.decode(hypothesis.tokens) for hypothesis in chosen]
            score = BLEU(lowercase=True).corpus_score(texts, [references])
            trials.append(
                {
                    "ampiezza": beam,
                    "alpha": alpha,
                    "BLEU": round(score.score, 2),
                    "lunghezza": round(score.sys_len / score.ref_len, 4),
                    "log_prob": round(sum(h.log_prob for h in chosen) / len(chosen), 3),
                }
            )
    return trials


def compare_weights(model, tokenizer, pairs):
    """Il BLEU dei pesi interi e dei pesi a 8 bit, con ogni strategia di SYSTEMS che l’articolo usa o il libro mostra.

    Rende un dizionario JSON, con quante traduzioni restano uguali. I prodotti sono in float32: a 8 bit sono i pesi.
    """
    BLEU, _ = import_metrics()
    sources, references = zip(*pairs, strict=True)
    twin = copy.deepcopy(model)
    twin.load_state_dict(dequantized(quantized_state(model)))
    metric, results = BLEU(lowercase=True), {}
    for name in ("greedy", "ampiezza 4"):
        found = {
            weights: translate(loaded, tokenizer, sources, **SYSTEMS[name], failures={})
            for weights, loaded in (("float32", model), ("8 bit", twin))
        }
        results[name] = {w: round(metric.corpus_score(texts, [references]).score, 2) for w, texts in found.items()}
        results[name]["uguali"] = sum(a == b for a, b in zip(*found.values(), strict=True))
    return {"firma": str(metric.get_signature()), "sistemi": results}


def fingerprint(folder):
    """L’impronta dei pesi di un modello, 16 cifre esadecimali: dice di quale modello sono i numeri registrati."""
    with Path(folder, WEIGHTS).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m attenzione.translator.searches", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "misura",
        choices=["conti", "ampiezze", "otto-bit"],
        help="ampiezze: sullo sviluppo; conti, otto-bit: sulla prova",
    )
    parser.add_argument("--dati", required=True, metavar="DIR", help="dove stanno i dati della ricetta")
    parser.add_argument("--registra", required=True, metavar="FILE", help="dove scrivere i numeri")
    parser.add_argument("--modello", metavar="DIR", help="la cartella del modello, con la ricetta (quello del libro)")
    parser.add_argument("--altri", nargs="+", default=[], metavar="DIR", help="altri modelli, per «conti»")
    parser.add_argument("--frasi", type=int, metavar="N", help="soltanto le prime N, per provare")
    parser.add_argument("--dispositivo", metavar="D", help="«cpu», «cuda» o «mps» (il migliore che c’è)")
    options = parser.parse_args(arguments)
    if options.altri and options.misura != "conti":
        parser.error(f"--altri non serve ad «{options.misura}»: atteso soltanto con «conti»")
    if options.frasi is not None and options.frasi < 1:
        parser.error(f"--frasi vale {options.frasi}: atteso un intero positivo")
    try:
        run(options)
    except OSError as error:
        parser.error(reason(error))
    except (ValueError, ImportError) as error:
        parser.error(str(error))


def run(options):
    """Misura ciò che le opzioni di main chiedono, lo scrive e ne stampa il BLEU."""
    folder = Path(options.modello or shipped_folder())
    device = pick_device(options.dispositivo)
    part = "sviluppo" if options.misura == "ampiezze" else "prova"
    pairs = read_parts(read_recipe(folder / "ricetta.yml", options.dati))[0][part][: options.frasi]
    models = {Path(path).name: load_translator(path, device) for path in (folder, *options.altri)}
    packages = ("torch", "tokenizers", "sacrebleu")
    report = {
        "comando": f"python -m attenzione.translator.searches {options.misura}",
        "data": date.today().isoformat(),
        "modello": fingerprint(folder),
        "parte": part,
        "frasi": len(pairs),
        "versioni": {"python": platform.python_version()} | {name: version(name).split("+")[0] for name in packages},
    }
    if options.misura == "conti":
        report |= count(models, pairs)
        scores = {name: system["BLEU"] for name, system in report["sistemi"].items()}
    elif options.misura == "otto-bit":
        report |= compare_weights(*models[folder.name], pairs)
        scores = {f"{name}, {w}": result[w] for name, result in report["sistemi"].items() for w in ("float32", "8 bit")}
    else:
        report["prove"] = sweep(*models[folder.name], pairs)
        scores = {f"{t['ampiezza']}, α = {number(t['alpha'])}": t["BLEU"] for t in report["prove"]}
    write_text(options.registra, as_lines(report))
    for name, score in scores.items():
        print(f"{name:20} BLEU {number(score, '.2f')}")


def as_lines(report):
    """Il JSON con una voce per riga: gli elenchi dei conti sono lunghi."""
    entries = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in report.items())
    return "{\n" + ",\n".join(entries) + "\n}\n"


if __name__ == "__main__":
    sys.exit(as_command(main))
