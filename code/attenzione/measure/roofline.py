"""Il tetto di una macchina: operazioni e byte contati, velocità misurate.

python -m attenzione.measure.roofline misura la macchina su cui gira; con --registra FILE, che chiede una GPU, scrive le
misure in JSON con il dispositivo, la data e il comando. Il libro mostra gpu.json, accanto a questo file, se c’è.
"""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from attenzione.attention import fused_attention, scaled_dot_product_attention
from attenzione.config import BASE
from attenzione.device import describe_device, pick_device
from attenzione.evidence.tables import TFLOPS
from attenzione.files import write_text
from attenzione.italian import number
from attenzione.measure.timing import best_seconds, pick_clock
from attenzione.model import Transformer
from attenzione.streams import as_command

RECORDED = Path(__file__).with_name("gpu.json")


@dataclass(frozen=True)
class Roof:
    """Ciò che una macchina può fare al più. peak: operazioni al secondo; bandwidth: byte al secondo."""

    peak: float
    bandwidth: float

    @property
    def ridge(self):
        """Le operazioni per byte oltre le quali il limite non è più la memoria."""
        return self.peak / self.bandwidth

    def attainable(self, intensity):
        """Le operazioni al secondo che si possono raggiungere con intensity operazioni per byte."""
        return min(self.peak, self.bandwidth * intensity)


# velocità pubblicate: le operazioni della P100 sono la capacità sostenuta che stima la nota 5 dell’articolo, §6.1; il
# resto è di targa, da NVIDIA (2020), «NVIDIA A100 Tensor Core GPU Architecture», tabella di confronto: 720 e 1555 GB/s
DATASHEETS = {
    "P100": Roof(TFLOPS["P100"] * 1e12, 720e9),
    "A100": Roof(19.5e12, 1555e9),
    "A100, matrici a 16 bit": Roof(312e12, 1555e9),
}


class _Traffic(TorchDispatchMode):
    """Somma i byte che ogni operazione di PyTorch riceve e rende; le viste non spostano nulla."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.embedding.default:  # legge le righe cercate, non la tabella
            self.bytes += 2 * result.nbytes
        elif not func.is_view and "_unsafe_view" not in func.name():
            tensors = [x for x in tree_leaves((args, kwargs, result)) if isinstance(x, torch.Tensor)]
            self.bytes += sum(x.nbytes for x in tensors)
        return result


@torch.no_grad()
def count_traffic(function, *args):
    """Le operazioni e i byte di ``function(*args)``: una coppia di interi.

    Operazioni: due per ogni moltiplicazione con la sua somma, nei soli prodotti fra matrici. Byte: ciò che ogni
    operazione di PyTorch legge e scrive, come se niente restasse nella memoria vicina al processore.
    """
    with FlopCounterMode(display=False) as counter, _Traffic() as traffic:
        function(*args)
    return counter.get_total_flops(), traffic.bytes


def measure_roof(device="cpu", numbers=2**25, sizes=(256, 512, 1024)):
    """Il tetto di questa macchina, in float32: la copia di numbers numeri e il più svelto dei prodotti d × d."""
    clock = pick_clock(device)
    source = torch.ones(numbers, device=device)
    copy = torch.empty_like(source)
    bandwidth = 2 * source.nbytes / best_seconds(copy.copy_, source, repeats=5, clock=clock)
    peak = 0.0
    for d in sizes:
        A, B = torch.randn(2, d, d, device=device)  # (d, d), (d, d)
        peak = max(peak, 2 * d**3 / best_seconds(torch.mm, A, B, repeats=5, clock=clock))
    return Roof(peak, bandwidth)


def workloads(device="cpu", numbers=2**24, n=1024, positions=128, config=None):
    """I lavori che si misurano: nome → (funzione senza argomenti, operazioni, byte), in float32.

    numbers: quanti numeri si sommano o passano nella softmax; n: posizioni dell’attenzione; positions: quante
    posizioni attraversano insieme il decoder; config: il suo, quello del modello base con due strati se None.
    """
    config = config or replace(BASE, n_layers=2)
    x, y, out = torch.randn(3, numbers, device=device)
    table = [t.view(-1, min(numbers, 4096)) for t in (x, out)]  # (numbers/4096, 4096)
    h, d_k = config.n_heads, config.d_k
    A, B = torch.randn(2, n, n, device=device)  # (n, n)
    Q, K, V = torch.randn(3, 1, h, n, d_k, device=device)  # (1, h, n, d_k)
    attention = 4 * h * n**2 * d_k
    jobs = {
        "somma": (lambda: torch.add(x, y, out=out), numbers, 12 * numbers),
        "softmax": (lambda: torch.softmax(table[0], -1, out=table[1]), 5 * numbers, 8 * numbers),
        "attenzione, formula intera": (
            lambda: scaled_dot_product_attention(Q, K, V),
            attention,
            4 * h * (6 * n * d_k + 4 * n**2),
        ),
        "attenzione, kernel fuso": (lambda: fused_attention(Q, K, V), attention, 4 * h * 4 * n * d_k),
        "prodotto di matrici": (lambda: A @ B, 2 * n**3, 12 * n**2),
    }
    for name, run in decoder_jobs(config, positions, device).items():
        jobs[name] = (run, *count_traffic(run))
    return jobs


@torch.no_grad()
def decoder_jobs(config, positions, device="cpu"):
    """Un token generato con la cache, e positions token tutti insieme: lo stesso decoder, gli stessi pesi."""
    model = Transformer(config).eval().to(device)
    z = torch.randn(1, positions, config.d_model, device=device)  # (1, n, d_model): una memoria
    tokens = torch.full((1, positions), config.n_vocab - 1, device=device)  # (1, m): token qualsiasi
    cache = model.start_cache(z, positions)
    E_T = model.embedding.E.T.contiguous()  # (d_model, n_vocab)

    @torch.no_grad()
    def one():
        for _, kv_cache in cache:
            kv_cache.length = positions - 1  # come se i precedenti fossero già generati
        return model.decode(tokens[:, :1], z, cache=cache) @ E_T  # (1, 1, n_vocab)

    @torch.no_grad()
    def together():
        return model.decode(tokens, z) @ E_T  # (1, m, n_vocab)

    return {"un token, con la cache": one, f"{positions} token insieme": together}


def measure(device="cpu", repeats=3, roof=None, **sizes):
    """Il rapporto di una macchina: dispositivo, data, tetto e punti; sizes: le grandezze di workloads."""
    roof, clock = roof or measure_roof(device), pick_clock(device)
    points = [
        {
            "nome": name,
            "operazioni": operations,
            "byte": traffic,
            "secondi": best_seconds(run, repeats=repeats, clock=clock),
        }
        for name, (run, operations, traffic) in workloads(device, **sizes).items()
    ]
    return {
        "dispositivo": describe_device(device),
        "data": date.today().isoformat(),
        "operazioni_al_secondo": roof.peak,
        "byte_al_secondo": roof.bandwidth,
        "punti": points,
    }


def recorded(path=RECORDED):
    """Le misure registrate su una GPU, o None se nessuno le ha ancora fatte."""
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def record(report, path):
    """Scrive il rapporto in path, JSON; un’interruzione non lascia un file a metà."""
    write_text(path, json.dumps(report, ensure_ascii=False, indent=1) + "\n")


def as_text(report):
    """Una riga per il tetto e una per punto, con la virgola decimale."""
    peak, bandwidth = report["operazioni_al_secondo"] / 1e9, report["byte_al_secondo"] / 1e9
    lines = [f"al più {peak:.0f} miliardi di operazioni e {number(bandwidth, '.1f')} miliardi di byte al secondo"]
    for p in report["punti"]:
        intensity, rate = p["operazioni"] / p["byte"], p["operazioni"] / p["secondi"] / 1e9
        counted, measured = number(intensity, "9.2f"), number(rate, "9.1f")
        lines.append(f"{p['nome']:27}{counted} operazioni per byte {measured} miliardi al secondo")
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m attenzione.measure.roofline", description=__doc__.split("\n")[0])
    parser.add_argument("--dispositivo", help="cpu, mps, cuda; la GPU, se c’è")
    parser.add_argument("--registra", metavar="FILE", help="scrive le misure in FILE; vuole una GPU")
    options = parser.parse_args(arguments)
    try:
        device = pick_device(options.dispositivo)
    except ValueError as error:
        parser.error(str(error))
    if options.registra and device.type == "cpu":
        parser.error("--registra vuole una GPU, e qui il dispositivo è la CPU: attesa CUDA o MPS")
    torch.manual_seed(0)
    report = measure(device)
    print(report["dispositivo"], as_text(report), sep="\n")
    if options.registra:
        report["comando"] = f"python -m attenzione.measure.roofline --registra {options.registra}"
        record(report, options.registra)


if __name__ == "__main__":
    sys.exit(as_command(main))
