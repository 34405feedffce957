"""BLEU e chrF di un modello sulle frasi tenute da parte, con sacrebleu e la sua firma."""

import json
import platform
import time
import warnings
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from attenzione.evidence.heads import peak_weight
from attenzione.files import write_text
from attenzione.italian import number
from attenzione.model import Transformer
from attenzione.training.checkpoint import list_checkpoints
from attenzione.training.loop import dev_loss
from attenzione.training.recipe import encode_pairs, read_parts, read_recipe
from attenzione.translator.packaging import package, step_of
from attenzione.translator.pretrained import load_translator, translate

HOW = {"beam": "beam search, ampiezza 4, α = 0,6", "greedy": "greedy"}


def evaluate(
    model_path, recipe_path, data_folder=None, part="prova", strategies=HOW, device=None, output=None, *, loss=True
):
    """Traduce le frasi di una parte del corpus della ricetta e le confronta con quelle vere.

    part: «sviluppo» o «prova»; strategies: quali fra HOW; output: dove scrivere le traduzioni dell’ultima
    strategia, una per riga; loss: se misurare anche le perdite sulle tre parti (losses). Rende un dizionario
    JSON con i punteggi, le firme, la data, le versioni, i secondi e, se chieste, le perdite. Il confronto non
    distingue le maiuscole: il corpus è in minuscolo. Una frase che non si può tradurre conta come tradotta con nulla:
    un avviso dice quante sono, e il dizionario pure, in «non_tradotte».
    Errori: ImportError se sacrebleu non è installato; quelli di read_recipe e load_translator.
    """
    BLEU, CHRF = import_metrics()
    parts = read_parts(read_recipe(recipe_path, data_folder))[0]
    pairs = parts[part]
    model, tokenizer = load_translator(model_path, device)
    sources = [src for src, _ in pairs]
    references = [[tgt for _, tgt in pairs]]  # un solo riferimento per frase
    results, failures = {}, {}
    for strategy in strategies:
        start = time.perf_counter()
        found = translate(model, tokenizer, sources, strategy, failures=failures)
        seconds = time.perf_counter() - start
        bleu, chrf = BLEU(lowercase=True), CHRF(lowercase=True)
        bleu_score = bleu.corpus_score(found, references).score  # la firma si sa soltanto dopo
        chrf_score = chrf.corpus_score(found, references).score
        results[strategy] = {
            "BLEU": round(bleu_score, 2),
            "firma_BLEU": str(bleu.get_signature()),
            "chrF": round(chrf_score, 2),
            "firma_chrF": str(chrf.get_signature()),
            "secondi": round(seconds, 1),
        }
        if output:
            write_text(output, "".join(line + "\n" for line in found))
    report = {"parte": part, "frasi": len(pairs), "risultati": results}
    if failures:
        report["non_tradotte"] = len(failures)
        first = next(iter(failures.values()))
        count = f"{len(failures)} su {len(pairs)}"
        warnings.warn(f"frasi non tradotte, che contano come sbagliate: {count}; la prima: {first}", stacklevel=2)
    if loss:
        report["perdite"] = losses(model, tokenizer, parts)
    versions = {name: version(name).split("+")[0] for name in ("torch", "tokenizers", "sacrebleu")}
    return report | {
        "data": datetime.now(UTC).date().isoformat(),
        "dispositivo": str(next(model.parameters()).device),
        "versioni": {"python": platform.python_version()} | versions,
    }


def import_metrics():
    """BLEU e CHRF di sacrebleu. Errori: ImportError, che dice come averlo, se non è installato."""
    try:
        from sacrebleu.metrics import BLEU, CHRF
    except ImportError as error:
        raise ImportError('manca sacrebleu: si installa con pip install ".[valutazione]"', name="sacrebleu") from error
    return BLEU, CHRF


def losses(model, tokenizer, parts):
    """La perdita del modello su ciascuna parte: nat per unità di arrivo, riferimento alla mano, senza dropout.

    Dell’addestramento basta un campione, grande circa quanto la prova, di frasi prese a distanza uguale: quanto la
    perdita vi è minore dice quanto il modello ha imparato a memoria. parts: quelle di read_parts.
    Rende {parte: perdita}.
    """
    every = max(1, len(parts["addestramento"]) // max(1, len(parts["prova"])))
    sampled = parts | {"addestramento": parts["addestramento"][::every]}
    device = next(model.parameters()).device
    encoded = {part: encode_pairs(pairs, tokenizer, model.config.max_len) for part, pairs in sampled.items()}
    return {part: round(dev_loss(model, pairs, 4096, device), 4) for part, pairs in encoded.items() if pairs}


def compare(folders, recipe_path, data_folder=None, part="prova", average=3, device=None):
    """Le varianti di una ricetta allo stesso passo, il più alto che tutte hanno raggiunto: greedy, stesse frasi.

    folders: le cartelle degli addestramenti, la prima è il principale e le altre si chiamano come lui più un
    trattino e il nome della variante. average: checkpoint mediati. Rende un dizionario JSON con un modello per
    variante; peso_massimo è la media di peak_weight, sulle stesse frasi, e manca dove non c’è un encoder di
    attenzione. Errori: ValueError se una cartella non ha checkpoint; quelli di evaluate.
    """
    folders = [Path(folder) for folder in folders]
    paths = {folder: list_checkpoints(folder) for folder in folders}
    if empty := [str(folder) for folder, found in paths.items() if not found]:
        raise ValueError(f"nessun checkpoint in {', '.join(empty)}: attese cartelle di addestramenti")
    step = min(step_of(found[-1]) for found in paths.values())
    pairs = read_parts(read_recipe(recipe_path, data_folder))[0][part]
    models = {}
    for folder in tqdm(folders, desc="confronti", unit="modello"):
        with TemporaryDirectory() as packed:
            package(folder, packed, average, step)
            facts = json.loads(Path(packed, "addestramento.json").read_text("utf-8"))
            result = evaluate(packed, recipe_path, data_folder, part, ["greedy"], device, loss=False)
            model, tokenizer = load_translator(packed, device)
        scores = result["risultati"]["greedy"]
        name = "principale" if folder == folders[0] else folder.name.removeprefix(f"{folders[0].name}-")
        models[name] = {
            "parametri": facts["parametri"],
            "token_visti": facts["token_visti"],
            "perdita_sviluppo": facts["sviluppo"][-1]["perdita"],
            "BLEU": scores["BLEU"],
            "chrF": scores["chrF"],
        }
        if "non_tradotte" in result:
            models[name]["non_tradotte"] = result["non_tradotte"]
        if isinstance(model, Transformer):
            sources = [src for src, _ in encode_pairs(pairs, tokenizer, model.config.max_len)]
            models[name]["peso_massimo"] = round(peak_weight(model, sources).mean().item(), 3)
    shared = {key: result[key] for key in ("parte", "frasi", "data", "versioni")}
    signatures = {key: scores[key] for key in ("firma_BLEU", "firma_chrF")}
    return {"passi": step, "media": average, "modelli": models} | shared | signatures


def show(result):
    """Stampa i punteggi di evaluate."""
    untranslated = f", {result['non_tradotte']} non tradotte" if "non_tradotte" in result else ""
    print(f"{result['frasi']} frasi, parte «{result['parte']}»{untranslated}")
    for strategy, scores in result["risultati"].items():
        bleu, chrf = number(scores["BLEU"], ".2f"), number(scores["chrF"], ".2f")
        print(f"  BLEU {bleu}   chrF {chrf}   {HOW[strategy]}")
        print(f"    {scores['firma_BLEU']}\n    {scores['firma_chrF']}")
