"""Le tabelle 1–4 dell’articolo, con i numeri com’è stampato (``tabelle.yml``) e le scritte in italiano."""

from dataclasses import dataclass

from .config import load_tables

LAYERS = {"Self-Attention": "Self-attention", "Recurrent": "Ricorrente", "Convolutional": "Convoluzionale",
          "Self-Attention (restricted)": "Self-attention (ristretta)"}
HYPERPARAMETERS = {"N": "$N$", "d_model": r"$d_{\text{model}}$", "d_ff": "$d_{ff}$", "h": "$h$", "d_k": "$d_k$",
                   "d_v": "$d_v$", "P_drop": "$P_{drop}$", "eps_ls": r"$\epsilon_{ls}$", "train_steps": "passi",
                   "ppl_dev": "PPL (sviluppo)", "bleu_dev": "BLEU (sviluppo)", "params_1e6": r"parametri $\times10^6$"}


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
        mantissa, exponent = text.split("·10^")
        text = rf"${mantissa.replace('.', '{,}')}\cdot10^{{{exponent}}}$"
    text = text.replace(".", ",").replace("00K", "00\u202f000")
    return f"**{text}**" if key in row.get("grassetto", ()) else text


def _complexity(rows):
    keys = ("complexity_per_layer", "sequential_operations", "maximum_path_length")
    header = ["Tipo di strato", "Complessità per strato", "Operazioni sequenziali", "Lunghezza massima del cammino"]
    return Table(header, [[LAYERS[row["layer"]], *(f"${row[key]}$" for key in keys)] for row in rows])


def _translation(rows):
    header = ["Modello", "BLEU EN-DE", "BLEU EN-FR",
              "Costo di addestramento (FLOPs) EN-DE", "Costo di addestramento (FLOPs) EN-FR"]
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
        first = row["gruppo"] != group                          # la lettera del gruppo si scrive una volta
        body.append([label if first else "", *(_cell(row, key) for key in HYPERPARAMETERS)])
        group = row["gruppo"]
    return Table(["", *HYPERPARAMETERS.values()], body)


def _parsing(rows):
    header = ["Parser", "Addestramento", "F1 su WSJ 23"]
    return Table(header, [[row["parser"].replace("4 layers", "4 strati"), row["addestramento"], _cell(row, "wsj23_f1")]
                          for row in rows])
