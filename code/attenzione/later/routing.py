"""A chi vanno le lettere: lo stesso modello linguistico con una rete feed-forward sola, o con quattro esperti.

Il testo e la prova sono quelli di sharing, la prosa di questo libro una lettera alla volta. La rete stretta fa per ogni
lettera le moltiplicazioni di due esperti, la larga ha i parametri di quattro; gli esperti si addestrano senza e con la
perdita che distribuisce il carico. Poi si misura che cosa l’esperto scelto dice della lettera, e che cosa della pagina.

    python -m attenzione.later.routing modelli/lingua-it/prosa.txt.gz --semi 0 1 2

addestra ogni modello con ogni seme e scrive i numeri in esperti.json. Il libro mostra quelli registrati accanto a
questo file.
"""

import gzip
import sys
from pathlib import Path

import torch

from attenzione.later.experts import MixtureOfExperts, balance_loss, load
from attenzione.later.recording import command_on_text, read, stamp
from attenzione.later.sharing import LENGTH, build, held_out_loss, read_letters, split, train
from attenzione.streams import as_command

RECORDED = Path(__file__).with_name("esperti.json")
D_FF = 128  # le unità nascoste di un esperto
DENSE = {"una rete stretta": 2 * D_FF, "una rete larga": 4 * D_FF}
SPARSE = {"quattro esperti": 0.0, "quattro esperti, con la perdita": 0.01}  # nome → quanto pesa la perdita ausiliaria


def with_experts(model, n_experts=4, k=2):
    """Mette in ogni strato di model, un LanguageModel, n_experts esperti al posto della rete. Rende model."""
    for layer in model.layers:
        layer.feed_forward = MixtureOfExperts(model.config.d_model, D_FF, n_experts, k)
    return model


def total_balance(model):
    """La media delle perdite ausiliarie degli strati, dopo un forward."""
    return sum(balance_loss(*layer.feed_forward.routing) for layer in model.layers) / len(model.layers)


def read_pages(path):
    """A quale pagina appartiene ogni lettera di read_letters: (lettere,). Le pagine sono separate da una riga vuota."""
    pages = gzip.decompress(Path(path).read_bytes()).decode("utf-8").split("\n\n")
    sizes = torch.tensor([len(page) + 2 for page in pages])  # con le due andate a capo
    sizes[-1] -= 2
    return torch.arange(len(pages)).repeat_interleave(sizes)


@torch.no_grad()
def choices(model, pieces, labels):
    """Gli esperti scelti per ogni lettera dei pezzi, strato per strato e dal peso più alto, e ciò che labels ne dice.

    pieces, labels: (pezzi, PIECE). Rende (strati, lettere, k), (lettere,), (lettere,): esperti, lettere, etichette.
    """
    size = pieces.size(1) // LENGTH * LENGTH
    windows, labels = pieces[:, :size].reshape(-1, LENGTH), labels[:, :size].reshape(-1, LENGTH)
    found = []
    for x in windows.split(64):
        model(x, checked=True)
        found.append(torch.stack([layer.feed_forward.routing[0].flatten(0, 1) for layer in model.layers]))
    return torch.cat(found, dim=1), windows.flatten(), labels.flatten()


def information(a, b):
    """L’informazione che a dà su b, in nat: 0 se sono indipendenti. a, b: (n,), interi non negativi."""
    width = int(b.max()) + 1
    joint = torch.bincount(a * width + b, minlength=(int(a.max()) + 1) * width).double().view(-1, width) / len(a)
    apart = joint.sum(dim=1, keepdim=True) * joint.sum(dim=0)  # come se fossero indipendenti
    seen = joint > 0
    return (joint[seen] * (joint[seen] / apart[seen]).log()).sum().item()


def look(model, kept, pages):
    """Il carico degli esperti in ogni strato, e l’informazione su lettera e pagina, vere e rimescolate."""
    experts, letters, places = choices(model, kept, pages)  # (strati, lettere, k), (lettere,), (lettere,)
    first = experts[..., 0]  # (strati, lettere): quello di peso più alto
    order = torch.randperm(len(letters), generator=torch.Generator().manual_seed(0))
    topics = {"lettera": letters, "pagina": places, "pagina rimescolata": places[order]}
    shares = [load(chosen, len(model.layers[0].feed_forward.experts)) for chosen in experts]
    return {
        "carico": [[round(x, 4) for x in share.tolist()] for share in shares],
        "informazione": {name: [round(information(e, known), 4) for e in first] for name, known in topics.items()},
    }


def run(path, seeds, steps, command):
    """Addestra e misura ogni modello con ogni seme. Rende un dizionario JSON."""
    letters, n_vocab = read_letters(path)
    pieces, kept = split(letters)
    _, pages = split(read_pages(path))
    models = {}
    for name in (*DENSE, *SPARSE):
        by_seed = {}
        for seed in seeds:
            model = build(n_vocab, 8, seed, d_ff=DENSE.get(name, D_FF))
            if name in SPARSE:
                torch.manual_seed(seed)
                with_experts(model)
            weight = SPARSE.get(name, 0.0)
            train(model, pieces, steps, seed, (lambda m, w=weight: w * total_balance(m)) if weight else None)
            by_seed[str(seed)] = {"perdita": round(held_out_loss(model, kept), 4)}
            if name in SPARSE:
                by_seed[str(seed)] |= look(model, kept, pages)
        models[name] = {"parametri": sum(p.numel() for p in model.parameters()), "semi": by_seed}
    return {
        **stamp(command),
        "modelli": models,
    }


def recorded(path=RECORDED):
    """Le misure registrate: il dizionario che run rende, letto da path. OSError se il file manca."""
    return read(path)


main = command_on_text("routing", __doc__, run, seeds=[0, 1, 2], steps=300, output="esperti.json")


if __name__ == "__main__":
    sys.exit(as_command(main))
