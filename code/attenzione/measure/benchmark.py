"""Quanto è veloce: questo Transformer accanto ad altri e al suo pavimento, misurati a turno nello stesso programma.

python -m attenzione.measure.benchmark misura un passo di addestramento e la generazione greedy e beam di ogni modello,
poi il pavimento (attenzione.measure.floor) e il kernel di attenzione; scrive prestazioni.json e prestazioni.md. Con
--pavimento misura soltanto quello e scrive pavimento.json e pavimento.md. torch.nn.Transformer c’è sempre;
MarianMT e x-transformers solo se installati (pip install ".[benchmark]"). Tutti hanno le stesse grandezze, la
stessa perdita, lo stesso Adam e gli stessi token; il rapporto è con torch.nn.Transformer nello stesso giro.
"""

import argparse
import json
import os
import platform
import statistics
import sys
from datetime import date
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from attenzione.attention import causal_mask, fused_attention, scaled_dot_product_attention
from attenzione.decoding import beam_search, greedy
from attenzione.device import describe_device
from attenzione.embedding import Embedding, sinusoidal_positions
from attenzione.files import write_text
from attenzione.italian import number
from attenzione.measure.floor import (
    Sizes,
    count_operations,
    decoding_products,
    measure_floor,
    random_tokens,
    ratios,
    rigged,
    training_products,
    training_step,
)
from attenzione.measure.timing import seconds_in_turn
from attenzione.stepping import quantized
from attenzione.streams import as_command
from attenzione.training.schedule import adam

TESTS = ("addestramento", "greedy senza cache", "greedy con cache", "beam 4 con cache")
REFERENCE = "torch.nn.Transformer"


class Ours:
    """Questo libro."""

    tests = TESTS

    def __init__(self, s):
        self.model = self.logits = rigged(s.config)
        self.max_extra = s.max_extra

    def greedy(self, src, use_cache):
        return sum(len(h.tokens) for h in greedy(self.model, src, self.max_extra, use_cache))

    def beam(self, src):
        return sum(len(h[0].tokens) for h in beam_search(self.model, src, beam=4, max_extra=self.max_extra))


class OursInt8(Ours):
    """Questo libro, con i pesi in otto bit."""

    tests = TESTS[2:]

    def __init__(self, s):
        super().__init__(s)
        self.model = quantized(self.model)


class TorchTransformer(nn.Module):
    """torch.nn.Transformer con embedding condivisi e seni e coseni; non ha cache."""

    tests = TESTS[:2]

    def __init__(self, s):
        super().__init__()
        self.embedding = Embedding(s.n_vocab, s.d_model)
        self.register_buffer("PE", sinusoidal_positions(s.length + s.generated, s.d_model).float())
        self.dropout = nn.Dropout(s.p_drop)
        self.transformer = nn.Transformer(
            s.d_model, s.n_heads, s.n_layers, s.n_layers, s.d_ff, s.p_drop, batch_first=True
        )
        self.generated = s.generated
        self.eval()

    @property
    def model(self):
        return self

    def embed(self, tokens):
        return self.dropout(self.embedding(tokens) + self.PE[: tokens.size(1)])

    def decode(self, tgt, z):
        mask = nn.Transformer.generate_square_subsequent_mask(tgt.size(1))
        return self.transformer.decoder(self.embed(tgt), z, tgt_mask=mask, tgt_is_causal=True)

    def logits(self, src, tgt):
        return self.embedding.logits(self.decode(tgt, self.transformer.encoder(self.embed(src))))

    @torch.inference_mode()
    def greedy(self, src, use_cache):
        z = self.transformer.encoder(self.embed(src))
        prefix = src.new_ones(src.size(0), 1)
        for _ in range(self.generated):
            logits = self.embedding.logits(self.decode(prefix, z)[:, -1])
            prefix = torch.cat([prefix, logits.argmax(-1, keepdim=True)], dim=1)
        return prefix[:, 1:].numel()


class Marian:
    """HF MarianMT con le stesse scelte dell’articolo: ReLU, embedding scalati, niente dropout sui pesi."""

    tests = TESTS

    def __init__(self, s):
        from transformers import MarianConfig, MarianMTModel
        from transformers.utils import logging

        logging.set_verbosity_error()
        config = MarianConfig(
            vocab_size=s.n_vocab,
            d_model=s.d_model,
            encoder_layers=s.n_layers,
            decoder_layers=s.n_layers,
            encoder_ffn_dim=s.d_ff,
            decoder_ffn_dim=s.d_ff,
            encoder_attention_heads=s.n_heads,
            decoder_attention_heads=s.n_heads,
            dropout=s.p_drop,
            attention_dropout=0.0,
            activation_function="relu",
            scale_embedding=True,
            pad_token_id=0,
            eos_token_id=2,
            decoder_start_token_id=1,
            forced_eos_token_id=None,
            attn_implementation="sdpa",
        )
        self.model, self.generated = MarianMTModel(config).eval(), s.generated

    def logits(self, src, tgt):
        return self.model(input_ids=src, decoder_input_ids=tgt, use_cache=False).logits

    def generate(self, src, use_cache, num_beams):
        out = self.model.generate(
            input_ids=src,
            attention_mask=torch.ones_like(src),
            do_sample=False,
            num_beams=num_beams,
            use_cache=use_cache,
            max_new_tokens=self.generated,
            min_new_tokens=self.generated,
        )
        return out[:, 1:].numel()

    def greedy(self, src, use_cache):
        return self.generate(src, use_cache, 1)

    def beam(self, src):
        return self.generate(src, True, 4)


class XTransformer:
    """x-transformers, con il kernel fuso e gli embedding condivisi."""

    tests = TESTS[:3]

    def __init__(self, s):
        from x_transformers import XTransformer as Model

        sizes = {
            "num_tokens": s.n_vocab,
            "depth": s.n_layers,
            "heads": s.n_heads,
            "max_seq_len": s.length + s.generated,
            "attn_dim_head": s.d_model // s.n_heads,
            "ff_mult": s.d_ff / s.d_model,
            "attn_flash": True,
            "emb_dropout": s.p_drop,
            "attn_sublayer_dropout": s.p_drop,
            "ff_sublayer_dropout": s.p_drop,
        }
        encoder = {f"enc_{name}": value for name, value in sizes.items()}
        decoder = {f"dec_{name}": value for name, value in sizes.items()}
        self.model = Model(dim=s.d_model, tie_token_emb=True, **encoder, **decoder).eval()
        self.generated = s.generated
        self.model.decoder.net.to_logits.weight = self.model.encoder.token_emb.emb.weight

    def logits(self, src, tgt):
        z = self.model.encoder(src, return_embeddings=True)
        return self.model.decoder.net(tgt, context=z)

    @torch.inference_mode()
    def greedy(self, src, use_cache):
        z = self.model.encoder(src, return_embeddings=True)
        start = src.new_ones(src.size(0), 1)
        options = {"context": z, "temperature": 0.0, "cache_kv": use_cache}
        return self.model.decoder.generate(start, self.generated, **options).numel()


def measure_models(s, rounds):
    """I secondi di ogni prova e modello, giro per giro: {(prova, modello): [secondi, ...]}."""
    makers = {"questo libro": Ours, REFERENCE: TorchTransformer, "questo libro, int8": OursInt8}
    if find_spec("transformers"):
        makers["HF MarianMT"] = Marian
    if find_spec("x_transformers"):
        makers["x-transformers"] = XTransformer
    src, tgt = random_tokens(s, s.batch, s.length), random_tokens(s, s.batch, s.length + 1)
    few = random_tokens(s, s.sentences, s.length)
    jobs = {}
    for name, make in makers.items():
        if "addestramento" in make.tests:
            peer = make(s)
            peer.model.train()
            jobs["addestramento", name] = partial(training_step, peer.logits, adam(peer.model), src, tgt)
        peer = make(s)
        runs = {
            "greedy senza cache": lambda peer=peer: peer.greedy(few, False),
            "greedy con cache": lambda peer=peer: peer.greedy(few, True),
            "beam 4 con cache": lambda peer=peer: peer.beam(few),
        }
        jobs |= {(test, name): run for test, run in runs.items() if test in make.tests}
    in_order = dict(sorted(jobs.items(), key=lambda job: TESTS.index(job[0][0])))  # chi si confronta sta vicino
    return seconds_in_turn(in_order, rounds, "modelli")


def model_rows(s, seconds):
    """Token al secondo di ogni prova e modello, e il rapporto con torch.nn.Transformer."""
    rows = []
    for (test, name), values in seconds.items():
        reference = seconds[test if test in TorchTransformer.tests else "greedy senza cache", REFERENCE]
        tokens = s.batch * s.length if test == "addestramento" else s.sentences * s.generated
        rate = tokens / statistics.median(values)
        rows.append({"prova": test, "modello": name, "token_al_secondo": rate, **ratios(reference, values)})
    return rows


def summary(seconds):
    """I rapporti che si guardano per primi: quante volte i token al secondo degli altri."""
    against = (
        ("addestramento", "addestramento", REFERENCE),
        ("greedy con cache", "greedy senza cache", REFERENCE),
        ("greedy con cache", "greedy con cache", "HF MarianMT"),
    )
    return [
        {"prova": test, "contro": name, **ratios(seconds[other, name], seconds[test, "questo libro"])}
        for test, other, name in against
        if (other, name) in seconds
    ]


def measure_attention(s, rounds):
    """Attenzione causale, B = 4, h = 4, d_k = 64: tempo mediano e memoria di picco, kernel nudo e nostre vie."""
    Q, K, V = torch.randn(3, 4, 4, s.n_attention, 64)
    mask = causal_mask(s.n_attention)
    ways = {
        "kernel fuso nudo": lambda: nn.functional.scaled_dot_product_attention(Q, K, V, is_causal=True),
        "fused_attention": lambda: fused_attention(Q, K, V, is_causal=True),
        "formula esplicita": lambda: scaled_dot_product_attention(Q, K, V, mask)[0],
    }
    seconds = seconds_in_turn(ways, rounds, "attenzione")
    return [
        {
            "via": name,
            "millisecondi": 1000 * statistics.median(values),
            "rapporto": ratios(values, seconds["kernel fuso nudo"])["rapporto"],
            "megabyte": peak_memory(ways[name]) / 1e6,
        }
        for name, values in seconds.items()
    ]


def peak_memory(run):
    """I byte di picco che run alloca sulla CPU, dai punti di allocazione che PyTorch registra."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # il profilatore non scriva righe sue, con data e ora
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        run()
    current = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            current += event.nbytes()
            peak = max(peak, current)
    return peak


def operations(s):
    """Le operazioni in virgola mobile di un passo di addestramento e di un token generato con la cache.

    Solo i prodotti fra matrici; il ritorno costa due volte l’andata. Il token è quello a metà della generazione.
    """
    return {
        "operazioni_per_passo": 3 * count_operations(training_products(s)),
        "operazioni_per_token_con_cache": count_operations(decoding_products(s, 1, 1, s.generated // 2 + 1)),
    }


def machine():
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    peers = ("transformers", "x-transformers")
    versions = {name: version(name) for name in peers if find_spec(name.replace("-", "_"))}
    return {"data": date.today().isoformat(), "processore": cpu, "dispositivo": describe_device("cpu")} | versions


def as_markdown(report):
    """Le tabelle in Markdown, con la virgola decimale; in fondo, una riga l’uno, i rapporti di in_breve."""
    s = report["grandezze"]
    lines = [
        f"Misurato il {report['macchina']['data']}: {report['macchina']['processore']}; "
        f"{report['macchina']['dispositivo']}; mediana di {report['giri']} giri.",
        "",
        f"d_model {s['d_model']}, {s['n_heads']} teste, d_ff {s['d_ff']}, {s['n_layers']} + {s['n_layers']} "
        f"strati, vocabolario {s['n_vocab']}; batch {s['batch']} × {s['length']}; {s['generated']} token per "
        f"{s['sentences']} frasi.",
    ]
    if "modelli" in report:
        lines += models_as_markdown(report["modelli"])
    lines += floor_as_markdown(report["pavimento"])
    if "attenzione" in report:
        lines += attention_as_markdown(report["attenzione"], s["n_attention"])
    for row in report.get("in_breve", ()):
        ratio, low, high = spread(row)
        lines += ["", f"{row['prova']}: {ratio} × {row['contro']} ({low}–{high})"]
    return "\n".join([*lines, ""])


def models_as_markdown(rows):
    lines = ["", "| prova | modello | token/s | × torch.nn.Transformer | minimo–massimo |", "|---|---|---|---|---|"]
    for row in rows:
        ratio, low, high = spread(row)
        rate = number(row["token_al_secondo"], ".0f")
        lines.append(f"| {row['prova']} | {row['modello']} | {rate} | {ratio} | {low}–{high} |")
    return [*lines, "", "Chi genera con la cache si confronta con torch.nn.Transformer senza, che non ne ha."]


def floor_as_markdown(floor):
    lines = [
        "",
        "Il pavimento: i soli prodotti fra matrici dello stesso passo, in tensori già pronti.",
        "",
        "| prova | ms | pavimento, ms | × pavimento | minimo–massimo | al più vogliamo |",
        "|---|---|---|---|---|---|",
    ]
    for row in floor["passi"]:
        ratio, low, high = spread(row)
        ours, alone = (number(row[name], ".2f") for name in ("millisecondi", "pavimento_millisecondi"))
        wanted = number(row["voluto"], ".1f") if row["voluto"] else "–"
        lines.append(f"| {row['prova']} | {ours} | {alone} | {ratio} | {low}–{high} | {wanted} |")
    parts = ", ".join(f"{name} {number(ratio, '.2f')}" for name, ratio in floor["parti"].items())
    return [*lines, "", f"Del passo intero, in pavimenti, misurati a parte: {parts}."]


def attention_as_markdown(rows, n):
    lines = ["", f"| attenzione causale, n = {n} | ms | MB di picco | × kernel nudo |", "|---|---|---|---|"]
    for row in rows:
        milliseconds, megabytes = number(row["millisecondi"], ".1f"), number(row["megabyte"], ".1f")
        lines.append(f"| {row['via']} | {milliseconds} | {megabytes} | {number(row['rapporto'], '.2f')} |")
    return lines


def spread(row):
    """La mediana dei rapporti di una riga, il minimo e il massimo, come si scrivono."""
    return (number(row[name], ".2f") for name in ("rapporto", "rapporto_min", "rapporto_max"))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m attenzione.measure.benchmark", description=__doc__.split("\n")[0])
    parser.add_argument("--giri", type=int, default=7, help="giri misurati, dopo uno per scaldare (7)")
    parser.add_argument("--cartella", default="_build/prestazioni", help="dove scrivere (_build/prestazioni)")
    parser.add_argument("--thread", type=int, help="thread di PyTorch; con 1 si conta il tempo di processore")
    parser.add_argument("--pavimento", action="store_true", help="misura soltanto il pavimento")
    options = parser.parse_args(arguments)
    for name in ("giri", "thread"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name} vale {value}: atteso almeno 1")
    if options.thread:
        torch.set_num_threads(options.thread)
    torch.manual_seed(0)
    sizes = Sizes()
    report = {"macchina": machine(), "giri": options.giri, "grandezze": vars(sizes), "operazioni": operations(sizes)}
    if not options.pavimento:
        seconds = measure_models(sizes, options.giri)
        report |= {
            "modelli": model_rows(sizes, seconds),
            "attenzione": measure_attention(sizes, options.giri),
            "in_breve": summary(seconds),
        }
    report["pavimento"] = measure_floor(sizes, options.giri)
    text = as_markdown(report)
    path = Path(options.cartella, "pavimento" if options.pavimento else "prestazioni")
    write_text(path.with_suffix(".json"), json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    write_text(path.with_suffix(".md"), text)
    print(text)


if __name__ == "__main__":
    sys.exit(as_command(main))
