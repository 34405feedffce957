"""Quanto è veloce: questo Transformer accanto ad altri, misurati a turno nello stesso programma.

python -m attenzione.measure.benchmark misura un passo di addestramento e la generazione greedy e beam di ogni modello,
poi il kernel di attenzione; scrive prestazioni.json e prestazioni.md. torch.nn.Transformer c’è sempre;
MarianMT e x-transformers solo se installati (pip install ".[benchmark]"). Tutti hanno le stesse grandezze, la
stessa perdita, lo stesso Adam e gli stessi token; il rapporto è con torch.nn.Transformer nello stesso giro.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from attenzione.attention import causal_mask, fused_attention, scaled_dot_product_attention
from attenzione.config import TransformerConfig
from attenzione.decoding import beam_search, greedy
from attenzione.device import describe_device
from attenzione.embedding import Embedding, sinusoidal_positions
from attenzione.files import write_text
from attenzione.italian import number
from attenzione.model import Transformer
from attenzione.streams import as_command
from attenzione.training.loss import label_smoothing_loss
from attenzione.training.schedule import adam


@dataclass(frozen=True)
class Sizes:
    """Le grandezze della misura: batch × length token per passo; generated token per frase, sentences frasi."""

    n_vocab: int = 8000
    n_layers: int = 3
    d_model: int = 256
    d_ff: int = 1024
    n_heads: int = 4
    p_drop: float = 0.1
    batch: int = 16
    sentences: int = 8
    length: int = 48
    generated: int = 64
    n_attention: int = 2048


class Ours:
    """Questo libro."""

    def __init__(self, s):
        self.model = Transformer(
            TransformerConfig(
                n_vocab=s.n_vocab,
                n_layers=s.n_layers,
                d_model=s.d_model,
                d_ff=s.d_ff,
                n_heads=s.n_heads,
                p_drop=s.p_drop,
            )
        )
        self.logits = self.model
        self.extra = s.generated - s.length

    def greedy(self, src, use_cache):
        return sum(len(h.tokens) + h.finished for h in greedy(self.model, src, self.extra, use_cache))

    def beam(self, src):
        found = beam_search(self.model, src, beam=4, max_extra=self.extra)
        return sum(len(h[0].tokens) + h[0].finished for h in found)


class TorchTransformer(nn.Module):
    """torch.nn.Transformer con embedding condivisi e seni e coseni; non ha cache."""

    def __init__(self, s):
        super().__init__()
        self.embedding = Embedding(s.n_vocab, s.d_model)
        self.register_buffer("PE", sinusoidal_positions(s.length + s.generated, s.d_model).float())
        self.dropout = nn.Dropout(s.p_drop)
        self.transformer = nn.Transformer(
            s.d_model, s.n_heads, s.n_layers, s.n_layers, s.d_ff, s.p_drop, batch_first=True
        )
        self.generated = s.generated

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
        self.model, self.generated = MarianMTModel(config), s.generated

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
        self.model = Model(dim=s.d_model, tie_token_emb=True, **encoder, **decoder)
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


def training_step(peer, optimizer, src, tgt):
    optimizer.zero_grad()
    loss = label_smoothing_loss(peer.logits(src, tgt[:, :-1]), tgt[:, 1:]) / tgt[:, 1:].numel()
    loss.backward()
    optimizer.step()
    return tgt[:, 1:].numel()


def measure_models(s, rounds):
    """Token al secondo di ogni modello e prova, e il rapporto con torch.nn.Transformer, giro per giro."""
    makers = {"questo libro": Ours, "torch.nn.Transformer": TorchTransformer}
    if find_spec("transformers"):
        makers["HF MarianMT"] = Marian
    if find_spec("x_transformers"):
        makers["x-transformers"] = XTransformer
    src = torch.randint(3, s.n_vocab, (s.batch, s.length))
    tgt = torch.randint(3, s.n_vocab, (s.batch, s.length + 1))
    few = torch.randint(3, s.n_vocab, (s.sentences, s.length))
    peers = {name: make(s) for name, make in makers.items()}
    tests = {}  # (prova, modello): funzione che rende i token
    for name, peer in peers.items():
        optimizer = adam(peer.model)
        optimizer.param_groups[0]["lr"] = 1e-4
        tests["addestramento", name] = partial(training_step, peer, optimizer, src, tgt)
        tests["greedy senza cache", name] = partial(peer.greedy, few, False)
        if name != "torch.nn.Transformer":
            tests["greedy con cache", name] = partial(peer.greedy, few, True)
        if hasattr(peer, "beam"):
            tests["beam 4 con cache", name] = partial(peer.beam, few)
    rates = {key: [] for key in tests}
    for round_number in tqdm(range(rounds + 1), desc="modelli", unit="giro"):  # il primo scalda
        for (test, name), run in sorted(tests.items()):
            peers[name].model.train(test == "addestramento")
            start = time.perf_counter()
            tokens = run()
            if round_number:
                rates[test, name].append(tokens / (time.perf_counter() - start))
    rows = []
    for (test, name), values in rates.items():
        against = "addestramento" if test == "addestramento" else "greedy senza cache"
        reference = rates[against, "torch.nn.Transformer"]
        ratios = [value / other for value, other in zip(values, reference, strict=True)]
        rows.append(
            {
                "prova": test,
                "modello": name,
                "token_al_secondo": statistics.median(values),
                "rapporto": statistics.median(ratios),
                "rapporto_min": min(ratios),
                "rapporto_max": max(ratios),
            }
        )
    return rows


def measure_attention(s, rounds):
    """Attenzione causale, B = 4, h = 4, d_k = 64: tempo mediano e memoria di picco, kernel nudo e nostre vie."""
    Q, K, V = torch.randn(3, 4, 4, s.n_attention, 64)
    mask = causal_mask(s.n_attention)
    ways = {
        "kernel fuso nudo": lambda: nn.functional.scaled_dot_product_attention(Q, K, V, is_causal=True),
        "fused_attention": lambda: fused_attention(Q, K, V, is_causal=True),
        "formula esplicita": lambda: scaled_dot_product_attention(Q, K, V, mask)[0],
    }
    seconds = {name: [] for name in ways}
    for round_number in tqdm(range(rounds + 1), desc="attenzione", unit="giro"):
        for name, run in ways.items():
            start = time.perf_counter()
            run()
            if round_number:
                seconds[name].append(time.perf_counter() - start)
    bare = seconds["kernel fuso nudo"]
    rows = []
    for name, values in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(values, bare, strict=True))
        rows.append(
            {
                "via": name,
                "millisecondi": 1000 * statistics.median(values),
                "rapporto": ratio,
                "megabyte": peak_memory(ways[name]) / 1e6,
            }
        )
    return rows


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

    Solo i prodotti fra matrici: 2 operazioni per ogni moltiplicazione con la sua somma, e il ritorno costa due
    volte l’andata. Con la cache le chiavi e i valori della memoria non si contano: sono calcolati una volta.
    """
    encoder = s.n_layers * (4 * s.d_model**2 + 2 * s.d_model * s.d_ff)
    decoder = s.n_layers * (8 * s.d_model**2 + 2 * s.d_model * s.d_ff)
    logits = s.n_vocab * s.d_model
    attention = 2 * s.n_layers * s.length * s.d_model * 3  # QKᵀ e AV, per token, tre attenzioni
    per_step = 3 * 2 * s.batch * s.length * (encoder + decoder + logits + attention)
    cached = 2 * (decoder - 2 * s.n_layers * s.d_model**2 + logits)
    return {"operazioni_per_passo": per_step, "operazioni_per_token_con_cache": cached}


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
    """Le tabelle in Markdown, con la virgola decimale."""
    s = report["grandezze"]
    lines = [
        f"Misurato il {report['macchina']['data']}: {report['macchina']['processore']}; "
        f"{report['macchina']['dispositivo']}; mediana di {report['giri']} giri.",
        "",
        f"d_model {s['d_model']}, {s['n_heads']} teste, d_ff {s['d_ff']}, {s['n_layers']} + {s['n_layers']} "
        f"strati, vocabolario {s['n_vocab']}; batch {s['batch']} × {s['length']}; {s['generated']} token per "
        f"{s['sentences']} frasi.",
        "",
        "| prova | modello | token/s | × torch.nn.Transformer | minimo–massimo |",
        "|---|---|---|---|---|",
    ]
    for row in report["modelli"]:
        ratio, low, high = (number(row[name], ".2f") for name in ("rapporto", "rapporto_min", "rapporto_max"))
        rate = number(row["token_al_secondo"], ".0f")
        lines.append(f"| {row['prova']} | {row['modello']} | {rate} | {ratio} | {low}–{high} |")
    title = f"attenzione causale, n = {s['n_attention']}"
    lines += ["", f"| {title} | ms | MB di picco | × kernel nudo |", "|---|---|---|---|"]
    for row in report["attenzione"]:
        milliseconds, megabytes = number(row["millisecondi"], ".1f"), number(row["megabyte"], ".1f")
        lines.append(f"| {row['via']} | {milliseconds} | {megabytes} | {number(row['rapporto'], '.2f')} |")
    lines += ["", "Chi genera con la cache si confronta con torch.nn.Transformer senza, che non ne ha.", ""]
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m attenzione.measure.benchmark", description=__doc__.split("\n")[0])
    parser.add_argument("--giri", type=int, default=7, help="giri misurati, dopo uno per scaldare (7)")
    parser.add_argument("--cartella", default="_build/prestazioni", help="dove scrivere (_build/prestazioni)")
    parser.add_argument("--thread", type=int, help="thread di PyTorch")
    options = parser.parse_args(arguments)
    if options.thread:
        torch.set_num_threads(options.thread)
    torch.manual_seed(0)
    sizes = Sizes()
    report = {
        "macchina": machine(),
        "giri": options.giri,
        "grandezze": vars(sizes),
        "operazioni": operations(sizes),
        "modelli": measure_models(sizes, options.giri),
        "attenzione": measure_attention(sizes, options.giri),
    }
    text = as_markdown(report)
    write_text(Path(options.cartella, "prestazioni.json"), json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    write_text(Path(options.cartella, "prestazioni.md"), text)
    print(text)


if __name__ == "__main__":
    sys.exit(as_command(main))
