"""Le tabelle 1–4 dell’articolo, con i numeri com’è stampato (``tabelle.yml``) e le scritte in italiano."""

import math
from dataclasses import dataclass

from attenzione.config import TABLE_3, count_parameters, load_tables
from attenzione.italian import number

LAYERS = {
    "Self-Attention": "Self-attention",
    "Recurrent": "Ricorrente",
    "Convolutional": "Convoluzionale",
    "Self-Attention (restricted)": "Self-attention (ristretta)",
}
HYPERPARAMETERS = {
    "N": "$N$",
    "d_model": r"$d_{\text{model}}$",
    "d_ff": "$d_{ff}$",
    "h": "$h$",
    "d_k": "$d_k$",
    "d_v": "$d_v$",
    "P_drop": "$P_{drop}$",
    "eps_ls": r"$\epsilon_{ls}$",
    "train_steps": "passi",
    "ppl_dev": "PPL (sviluppo)",
    "bleu_dev": "BLEU (sviluppo)",
    "params_1e6": r"parametri $\times10^6$",
}

TFLOPS = {"K80": 2.8, "K40": 3.7, "M40": 6.0, "P100": 9.5}  # §6.1, nota 5: mille miliardi di operazioni al secondo


@dataclass(frozen=True)
class Table:
    """Una tabella da mostrare: ``header`` e ``rows`` sono testi in Markdown, tante celle per riga."""

    header: list[str]
    rows: list[list[str]]

    def _repr_markdown_(self):
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def printed_table(number):
    """La tabella 1, 2, 3 o 4 com’è stampata. ValueError se il numero è un altro."""
    builders = {1: _complexity, 2: _translation, 3: _variations, 4: _parsing}
    if number not in builders:
        raise ValueError(f"number vale {number!r}: attesa una tabella da 1 a 4")
    return builders[number](load_tables()[f"tabella_{number}"])


def _cell(row, key):
    """Le cifre come sono stampate, con la virgola; vuota se la stampa non ne ha; in grassetto se lo è là."""
    text = row["stampa"].get(key, "")
    if "10^" in text:
        text = _power(*text.split("·10^"))
    text = text.replace(".", ",").replace("00K", "00\u202f000")
    return f"**{text}**" if key in row.get("grassetto", ()) else text


def _complexity(rows):
    keys = ("complexity_per_layer", "sequential_operations", "maximum_path_length")
    header = ["Tipo di strato", "Complessità per strato", "Operazioni sequenziali", "Lunghezza massima del cammino"]
    return Table(header, [[LAYERS[row["layer"]], *(f"${row[key]}$" for key in keys)] for row in rows])


def _translation(rows):
    header = [
        "Modello",
        "BLEU EN-DE",
        "BLEU EN-FR",
        "Costo di addestramento (FLOPs) EN-DE",
        "Costo di addestramento (FLOPs) EN-FR",
    ]
    body = []
    for row in rows:
        name = row["model"].replace("(base model)", "(modello base)")
        costs = ["flops_both"] * 2 if "flops_both" in row else ["flops_en_de", "flops_en_fr"]
        body.append([name, *(_cell(row, key) for key in ("bleu_en_de", "bleu_en_fr", *costs))])
    return Table(header, body)


def _variations(rows):
    body, group = [], None
    for row in rows:
        label = row["gruppo"] if len(row["gruppo"]) > 1 else f"({row['gruppo']})"
        if row.get("posizioni") == "learned":
            label += " embedding posizionali al posto delle sinusoidi"
        first = row["gruppo"] != group  # la lettera del gruppo si scrive una volta
        body.append([label if first else "", *(_cell(row, key) for key in HYPERPARAMETERS)])
        group = row["gruppo"]
    return Table(["", *HYPERPARAMETERS.values()], body)


def _parsing(rows):
    header = ["Parser", "Addestramento", "F1 su WSJ 23"]
    body = []
    for row in rows:
        name = row["parser"].replace("4 layers", "4 strati")
        body.append([name, row["addestramento"], _cell(row, "wsj23_f1")])
    return Table(header, body)


def measured_complexity(n=27, d=512, kernel_size=3, r=9):
    """La Tabella 1 accanto a ciò che si misura su strati veri: colonne «stampato» e colonne «calcolato».

    Le operazioni sono la formula derivata e il suo aumento da n a 2n, contato; le altre due colonne calcolate
    danno il valore per n e per 2n posizioni. Le celle con «(testo)» sono stampate nel testo della §4.
    """
    from attenzione.evidence import complexity as c  # sympy si carica soltanto per questa tabella

    keys = ("complexity_per_layer", "sequential_operations", "maximum_path_length")
    printed = {row["layer"]: [f"${row[key]}$" for key in keys] for row in load_tables()["tabella_1"]}
    convolution = printed["Convolutional"]
    rows = (
        ("self-attention", "Self-attention", printed["Self-Attention"]),
        ("ricorrente", "Ricorrente", printed["Recurrent"]),
        ("dilatata", "Convoluzionale, dilatata", convolution),
        ("convoluzionale", "Convoluzionale, contigua", [*convolution[:2], "$O(n/k)$ (testo)"]),
        ("separabile", "Convoluzionale, separabile", [r"$O(k \cdot n \cdot d + n \cdot d^2)$ (testo)", "", ""]),
        ("ristretta", "Self-attention (ristretta)", printed["Self-Attention (restricted)"]),
    )
    header = [
        "Tipo di strato",
        "Complessità per strato: stampato",
        "calcolato",
        "Operazioni sequenziali: stampato",
        "calcolato",
        "Lunghezza massima del cammino: stampato",
        "calcolato",
    ]
    body = []
    for kind, name, (cost, wait, path) in rows:
        layer = c.build_layer(kind, d, kernel_size, r)
        operations = [c.count_operations(layer, m, d) for m in (n, 2 * n)]
        waits = [c.sequential_operations(layer, m, d) for m in (n, 2 * n)]
        paths = [c.max_path(kind, m, kernel_size, r) for m in (n, 2 * n)]
        growth = number(operations[1] / operations[0], "g")
        body.append(
            [
                name,
                cost,
                f"${c.sp.latex(c.COSTS[kind])}$; × {growth}",
                wait,
                "{} → {}".format(*waits),
                path,
                "{} → {}".format(*paths),
            ]
        )
    return Table(header, body)


def training_flops(seconds, n_gpus=8, gpu="P100"):
    """Le operazioni in virgola mobile di un addestramento, come le stima l’articolo, §6.1: tempo × GPU × velocità."""
    return seconds * n_gpus * TFLOPS[gpu] * 1e12


def training_cost_table():
    """I costi dei due Transformer della Tabella 2, stampati e ricalcolati dai tempi di §5.2, con lo scarto."""
    printed = {row["model"]: row for row in load_tables()["tabella_2"]}
    times = [
        ("Transformer (base model)", "12 ore", 12 * 3600),
        ("Transformer (base model)", "100\u202f000 passi da 0,4 s", 100_000 * 0.4),
        ("Transformer (big)", "3,5 giorni", 3.5 * 24 * 3600),
        ("Transformer (big)", "300\u202f000 passi da 1,0 s", 300_000 * 1.0),
    ]
    body = []
    for model, text, seconds in times:
        flops, row = training_flops(seconds), printed[model]
        gap = number(flops / row["flops_both"] - 1, "+.1%").replace("-", "−")
        body.append(
            [
                model.replace("base model", "modello base"),
                text,
                _cell(row, "flops_both").strip("*"),
                _scientific(flops),
                gap,
            ]
        )
    return Table(["Modello", "Tempo", "FLOPs: stampato", "FLOPs: ricalcolato", "Scarto"], body)


def _scientific(x, digits=2):
    mantissa, exponent = f"{x:.{digits}e}".split("e")
    return _power(mantissa, int(exponent))


def _power(mantissa, exponent):
    """mantissa · 10^exponent come formula; le graffe tolgono lo spazio che TeX mette dopo una virgola."""
    mantissa = mantissa.replace(".", "{,}")
    return rf"${mantissa}\cdot10^{{{exponent}}}$"


def vocabulary_range(config, millions):
    """Il vocabolario più piccolo e il più grande che danno ``millions`` milioni di parametri, arrotondati."""
    parts = count_parameters(config)
    rest = parts["totale"] - parts["embedding"]
    low, high = ((millions + half) * 1e6 - rest for half in (-0.5, 0.5))
    return math.ceil(low / config.d_model), math.ceil(high / config.d_model) - 1


def parameters_table():
    """I parametri della Tabella 3, stampati e contati con 37 000 token, e i vocabolari che li farebbero tornare."""
    body = []
    for row in load_tables()["tabella_3"]:
        if "params_1e6" not in row["celle"]:
            continue
        config, printed = TABLE_3[row["nome"]], row["celle"]["params_1e6"]
        counted = count_parameters(config)["totale"] / 1e6
        low, high = (number(n, ",") for n in vocabulary_range(config, printed))
        body.append([row["nome"], str(printed), number(counted, ".2f"), f"da {low} a {high}"])
    return Table(["Riga", r"Stampato ($\times10^6$)", r"Contato ($\times10^6$)", "Vocabolari che lo darebbero"], body)
