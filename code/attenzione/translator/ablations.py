"""Il modello senza un pezzo: che cosa perde la traduzione se si toglie una testa, una residua, la maschera…

    python -m attenzione.translator.ablations --dati DIR --registra modelli/europarl-en-it/ablazioni.json

traduce le frasi di prova con ciascuna ablazione, coi pesi a 8 bit, e scrive il BLEU che resta; interrotto, riprende
dalle prove che il file ha già. I nomi sono quelli dell’albero dei moduli, gli stessi del modello in JavaScript
(web/modello); i primi tre valgono per il modello intero. Il modello è stato addestrato con il pezzo, che poi gli si
toglie: chi ne fa a meno dal principio impara in altro modo.
"""

import argparse
import copy
import json
import math
import platform
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from attenzione.decoding import greedy
from attenzione.embedding import NoPositionalEncoding
from attenzione.files import write_text
from attenzione.italian import number
from attenzione.quantization import dequantized, quantized_state
from attenzione.streams import as_command, reason
from attenzione.training.batches import pad
from attenzione.training.recipe import read_parts, read_recipe
from attenzione.translator.evaluation import import_metrics
from attenzione.translator.pretrained import encode_source, in_batches, load_translator, shipped_folder
from attenzione.translator.searches import as_lines, fingerprint

STACKS = {"encoder": ("self_attention",), "decoder": ("self_attention", "cross_attention")}
MAX_TOKENS = 4000  # per lotto, riempimento compreso


def ablations(config):
    """Tutto ciò che si può togliere a un Transformer di quella configurazione: un elenco di nomi."""
    names = ["scale", "positions", "causal_mask"]
    for stack, attentions in STACKS.items():
        for layer in range(config.n_layers):
            for attention in attentions:
                place = f"{stack}.{layer}.{attention}"
                names += [place, *(f"{place}.heads.{h}" for h in range(config.n_heads))]
            names.append(f"{stack}.{layer}.feed_forward")
            for i in range(len(attentions) + 1):
                names += [f"{stack}.{layer}.residuals.{i}", f"{stack}.{layer}.residuals.{i}.norm"]
    return names


class Bare(nn.Module):
    """Un Residual senza la connessione residuale: LayerNorm(Sublayer(x))."""

    def __init__(self, residual):
        super().__init__()
        self.norm, self.dropout = residual.norm, residual.dropout

    def forward(self, x, sublayer):
        """x: (B, n, d_model); sublayer: una funzione da (B, n, d_model) a (B, n, d_model)."""
        return self.norm(self.dropout(sublayer(x)))


def ablate(model, without=(), encoder_layers=None, decoder_layers=None):
    """Una copia di model, post-norm, senza ciò che without nomina e con i soli primi strati, tutti se None.

    Spenti, un’attenzione, una testa o una rete feed-forward danno zeri; senza una residua resta l’uscita del
    sottostrato; senza una normalizzazione resta la somma. Senza maschera causale la cache non vale: si genera con
    use_cache=False. Errori: ValueError se without ha un nome che ablations non elenca, se gli strati non sono fra 1 e
    n_layers, o se il modello è pre-norm.
    """
    c = model.config
    if c.norm_first:
        raise ValueError("model ha norm_first = True: atteso un modello post-norm, come nell’articolo")
    if unknown := sorted(set(without) - set(ablations(c))):
        raise ValueError(f"without contiene «{unknown[0]}»: atteso un nome di ablations")
    model = copy.deepcopy(model)
    with torch.no_grad():
        for name in sorted(without, key=len, reverse=True):  # la norma di una residua prima della residua
            remove(model, name)
    for stack, n in (("encoder", encoder_layers), ("decoder", decoder_layers)):
        if n is not None:
            if not 1 <= n <= c.n_layers:
                raise ValueError(f"{stack}_layers vale {n}: atteso un intero da 1 a {c.n_layers}")
            setattr(model, stack, getattr(model, stack)[:n])
    return model


def remove(model, name):
    """Toglie a model, sul posto, ciò che name nomina."""
    c = model.config
    if name == "scale":  # la scala 1/√d_k moltiplica Q: la si disfa in W^Q
        for _, attention in attentions(model):
            attention.W_qkv[:, : attention.widths[0]] *= math.sqrt(c.d_k)
    elif name == "positions":
        model.positions = NoPositionalEncoding()
    elif name == "causal_mask":
        for layer in model.decoder:
            layer.self_attention.register_forward_pre_hook(unmasked, with_kwargs=True)
    elif ".heads." in name:
        place, _, h = name.partition(".heads.")
        model.get_submodule(place).W_o[int(h) * c.d_v : (int(h) + 1) * c.d_v] = 0
    elif name.endswith("attention"):
        model.get_submodule(name).W_o.zero_()
    elif name.endswith("feed_forward"):
        net = model.get_submodule(name)
        net.W_2.zero_()
        net.b_2.zero_()
    elif name.endswith(".norm"):
        model.get_submodule(name.removesuffix(".norm")).norm = nn.Identity()
    else:
        place, _, i = name.rpartition(".")
        residuals = model.get_submodule(place)
        residuals[int(i)] = Bare(residuals[int(i)])


def attentions(model):
    """Le coppie (nome, MultiHeadAttention) del modello."""
    return [(name, module) for name, module in model.named_modules() if name.endswith("_attention")]


def unmasked(module, args, kwargs):
    """Prima di un’attenzione: la maschera causale non c’è."""
    return args, kwargs | {"is_causal": False}


def trials(config):
    """Le ablazioni da misurare: coppie (titolo, opzioni di ablate). Una per nome, poi i gruppi e gli strati."""
    names = ablations(config)
    single = {name: {"without": [name]} for name in names}
    groups = {
        "cross_attention": [name for name in names if name.endswith("cross_attention")],
        "residuals": [name for name in names if "residuals" in name and not name.endswith("norm")],
        "norms": [name for name in names if name.endswith("norm")],
        "feed_forward": [name for name in names if name.endswith("feed_forward")],
    }
    fewer = {f"{stack}_layers={n}": {f"{stack}_layers": n} for stack in STACKS for n in range(1, config.n_layers)}
    return single | {name: {"without": removed} for name, removed in groups.items()} | fewer


def translations(model, tokenizer, texts, use_cache=True):
    """Le traduzioni greedy di texts, nel loro ordine, e la media dei logaritmi delle probabilità."""
    sources = {i: encode_source(tokenizer, text, model.config) for i, text in enumerate(texts)}
    found, log_prob = [""] * len(texts), 0.0
    for batch in in_batches(sources, MAX_TOKENS):
        src = pad([sources[i] for i in batch], model.config.pad_id)  # (B, n)
        for i, hypothesis in zip(batch, greedy(model, src, use_cache=use_cache), strict=True):
            found[i] = tokenizer.decode(hypothesis.tokens)
            log_prob += hypothesis.log_prob
    return found, log_prob / len(texts)


def measure(model, tokenizer, pairs, report, save):
    """Aggiunge a report il BLEU del modello in float32, di quello a 8 bit e di questo con ogni ablazione.

    pairs: coppie di testi, la frase e il suo riferimento; report: un dizionario, vuoto o già in parte riempito, che si
    cambia sul posto. A ogni prova chiama save(report); le prove che report ha già non si rifanno.
    """
    BLEU, _ = import_metrics()
    sources, references = zip(*pairs, strict=True)
    metric = BLEU(lowercase=True)

    def score(candidate, **options):
        found, log_prob = translations(candidate, tokenizer, sources, **options)
        bleu = metric.corpus_score(found, [references])
        return {
            "BLEU": round(bleu.score, 2),
            "lunghezza": round(bleu.sys_len / bleu.ref_len, 3),
            "log_prob": round(log_prob, 3),
        }

    twin = copy.deepcopy(model)
    twin.load_state_dict(dequantized(quantized_state(model)))
    if "intero" not in report:
        whole = {"float32": score(model), "8 bit": score(twin)}
        report |= {"firma": str(metric.get_signature()), "intero": whole, "prove": {}}
    left = {name: options for name, options in trials(model.config).items() if name not in report["prove"]}
    for name, options in tqdm(left.items(), desc="ablazioni", unit="prova"):
        use_cache = "causal_mask" not in options.get("without", ())
        report["prove"][name] = score(ablate(twin, **options), use_cache=use_cache)
        save(report)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m attenzione.translator.ablations", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--dati", required=True, metavar="DIR", help="dove stanno i dati della ricetta")
    parser.add_argument("--registra", required=True, metavar="FILE", help="dove scrivere i numeri")
    parser.add_argument("--modello", metavar="DIR", help="la cartella del modello, con la ricetta (quello del libro)")
    parser.add_argument("--frasi", type=int, metavar="N", help="soltanto le prime N, per provare")
    options = parser.parse_args(arguments)
    if options.frasi is not None and options.frasi < 1:
        parser.error(f"--frasi vale {options.frasi}: atteso un intero positivo")
    try:
        run(options)
    except OSError as error:
        parser.error(reason(error))
    except (ValueError, ImportError) as error:
        parser.error(str(error))


def run(options):
    """Misura ogni ablazione, scrive i numeri e ne stampa il BLEU."""
    folder = Path(options.modello or shipped_folder())
    pairs = read_parts(read_recipe(folder / "ricetta.yml", options.dati))[0]["prova"][: options.frasi]
    packages = ("torch", "tokenizers", "sacrebleu")
    report = {
        "comando": "python -m attenzione.translator.ablations",
        "data": date.today().isoformat(),
        "modello": fingerprint(folder),
        "parte": "prova",
        "frasi": len(pairs),
        "strategia": "greedy",
        "versioni": {"python": platform.python_version()} | {name: version(name).split("+")[0] for name in packages},
    }
    if Path(options.registra).exists():  # interrotto: si riprende, se si misura la stessa cosa
        before = json.loads(Path(options.registra).read_text("utf-8"))
        if all(before.get(key) == value for key, value in report.items() if key != "data"):
            report = before
    measure(*load_translator(folder), pairs, report, lambda report: write_text(options.registra, as_lines(report)))
    for name, result in (report["intero"] | report["prove"]).items():
        print(f"{name:40} BLEU {number(result['BLEU'], '.2f')}")


if __name__ == "__main__":
    sys.exit(as_command(main))
