"""Il pavimento: il tempo che i soli prodotti fra matrici di un passo chiedono, e quante volte tanto impiega il modello.

I prodotti sono quelli dell’articolo, con le loro forme, uno dopo l’altro in tensori già pronti, nulla in mezzo: né
softmax, né normalizzazioni, né somme. Sotto non si va senza fare meno prodotti, o prodotti più svelti.
"""

import statistics
from dataclasses import dataclass
from functools import partial

import torch

from attenzione.config import TransformerConfig
from attenzione.decoding import beam_search, greedy
from attenzione.measure.timing import seconds_in_turn
from attenzione.model import Transformer
from attenzione.training.loss import label_smoothing_loss
from attenzione.training.schedule import adam

GENERATIONS = {  # prova: (frasi, beam, quante volte il pavimento al più vogliamo)
    "un passo greedy, 1 frase": (1, 1, 1.7),
    "un passo greedy, 8 frasi": (8, 1, 1.4),
    "un passo greedy, 32 frasi": (32, 1, 1.4),
    "un passo beam 4, 8 frasi": (8, 4, 1.7),
}


@dataclass(frozen=True)
class Sizes:
    """Le grandezze della misura: batch × length token per passo; generated token per ciascuna di sentences frasi.

    generated è più di length, perché il limite di una generazione si conta oltre la frase di partenza.
    """

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

    @property
    def config(self):
        names = ("n_vocab", "n_layers", "d_model", "d_ff", "n_heads", "p_drop")
        return TransformerConfig(**{name: getattr(self, name) for name in names})

    @property
    def max_extra(self):
        """I token oltre la lunghezza della frase di partenza, con cui se ne generano generated."""
        return self.generated - self.length


def training_products(s):
    """I prodotti dell’andata di un passo di addestramento, (m, k, n) o (b, m, k, n): A (m, k) per B (k, n), b volte."""
    d, n, tokens, heads = s.d_model, s.length, s.batch * s.length, s.batch * s.n_heads
    attention = [(heads, n, d // s.n_heads, n), (heads, n, n, d // s.n_heads)]  # QKᵀ, poi i pesi per V
    self_attention = [(tokens, d, 3 * d), *attention, (tokens, d, d)]  # W_qkv, ..., W_o
    cross_attention = [(tokens, d, d), (tokens, d, 2 * d), *attention, (tokens, d, d)]  # W_q, W_kv, ..., W_o
    feed_forward = [(tokens, d, s.d_ff), (tokens, s.d_ff, d)]
    encoder = [*self_attention, *feed_forward]
    decoder = [*self_attention, *cross_attention, *feed_forward]
    return s.n_layers * encoder + s.n_layers * decoder + [(tokens, d, s.n_vocab)]


def decoding_products(s, sentences, beam, length):
    """I prodotti di un passo di decodifica con la cache, quando la self-attention guarda length posizioni.

    sentences frasi, beam sequenze per frase. Le sequenze di una frase guardano insieme la stessa memoria, di s.length
    posizioni; le sue chiavi e i suoi valori sono già in cache.
    """
    d, d_k, rows = s.d_model, s.d_model // s.n_heads, sentences * beam
    own, memory = rows * s.n_heads, sentences * s.n_heads
    layer = [
        (rows, d, 3 * d),
        (own, 1, d_k, length),
        (own, 1, length, d_k),
        (rows, d, d),
        (rows, d, d),
        (memory, beam, d_k, s.length),
        (memory, beam, s.length, d_k),
        (rows, d, d),
        (rows, d, s.d_ff),
        (rows, s.d_ff, d),
    ]
    return s.n_layers * layer + [(rows, d, s.n_vocab)]


def count_operations(products):
    """Due operazioni in virgola mobile per ogni moltiplicazione con la sua somma."""
    total = 0
    for *batch, m, k, n in products:
        total += 2 * (batch[0] if batch else 1) * m * k * n
    return total


def ready(products, backward=False, times=1):
    """La funzione, senza argomenti, che fa i prodotti uno dopo l’altro, times volte, in tensori preparati qui.

    backward: anche il ritorno, due prodotti per ciascuno dell’andata: dC Bᵀ è il gradiente di A, Aᵀ dC quello di B.
    """
    calls = []  # (prodotto, sinistra, destra, uscita)
    for *batch, m, k, n in products:
        A, B, C = (torch.randn(*batch, *shape) for shape in ((m, k), (k, n), (m, n)))
        calls.append((torch.bmm if batch else torch.mm, A, B, C))
    if backward:
        for multiply, A, B, C in calls[::-1]:
            calls += [(multiply, C, B.mT, torch.empty_like(A)), (multiply, A.mT, C, torch.empty_like(B))]

    @torch.inference_mode()
    def run():
        for _ in range(times):
            for multiply, left, right, out in calls:
                multiply(left, right, out=out)

    return run


def rigged(config, first_eos=False):
    """Un Transformer dai pesi casuali che EOS non lo genera mai, o, con first_eos, subito.

    Il primo numero di ogni vettore che esce dal decoder vale circa 100, e fra gli embedding lo guarda quello di EOS.
    """
    model = Transformer(config).eval()
    with torch.no_grad():
        model.decoder[-1].residuals[-1].norm.bias[0] = 100.0
        model.embedding.E[:, 0] = 0.0
        model.embedding.E[config.eos_id, 0] = 1.0 if first_eos else -1.0
    return model


def random_tokens(s, rows, n):
    """Token qualsiasi, nessuno speciale: (rows, n)."""
    return torch.randint(3, s.n_vocab, (rows, n))


def training_step(logits, optimizer, src, tgt):
    """Un passo intero: andata, perdita, ritorno, Adam. logits: la funzione da (src, tgt) ai logit."""
    optimizer.zero_grad()
    loss = label_smoothing_loss(logits(src, tgt[:, :-1]), tgt[:, 1:]) / tgt[:, 1:].numel()
    loss.backward()
    optimizer.step()


def training_jobs(s):
    """Il passo di addestramento, le sue parti misurate da sole, il pavimento: {nome: funzione senza argomenti}."""
    model = Transformer(s.config)
    optimizer = adam(model)  # il tasso resta 0: i pesi non cambiano, il lavoro è lo stesso
    src, tgt = random_tokens(s, s.batch, s.length), random_tokens(s, s.batch, s.length + 1)
    logits = torch.randn(s.batch, s.length, s.n_vocab, requires_grad=True)
    gradient = torch.randn(s.batch, s.length, s.n_vocab)

    def whole():
        training_step(model.train(), optimizer, src, tgt)

    def there_and_back(p_drop):
        model.train(p_drop)
        model.zero_grad()
        model(src, tgt[:, :-1]).backward(gradient)

    def loss():
        logits.grad = None
        label_smoothing_loss(logits, tgt[:, 1:]).backward()

    return {
        "pavimento": ready(training_products(s), backward=True),
        "andata e ritorno": partial(there_and_back, False),
        "col dropout": partial(there_and_back, True),
        "passo intero": whole,
        "perdita": loss,
        "Adam": optimizer.step,
    }


def generation_jobs(s, sentences, beam):
    """Una generazione di s.generated token, una che finisce al primo, e il pavimento dei passi che le distinguono.

    La differenza toglie l’encoder e ciò che si prepara una volta. I passi dal secondo in poi guardano da 2 a
    s.generated posizioni: in media metà, più una.
    """
    src = random_tokens(s, sentences, s.length)
    search = partial(beam_search, beam=beam) if beam > 1 else greedy
    products = decoding_products(s, sentences, beam, s.generated // 2 + 1)
    return {
        "pavimento": ready(products, times=s.generated - 1),
        "intera": partial(search, rigged(s.config), src, max_extra=s.max_extra),
        "un token": partial(search, rigged(s.config, first_eos=True), src, max_extra=s.max_extra),
    }


def measure_floor(s, rounds):
    """Il tempo di un passo accanto al suo pavimento, misurati a turno, e le parti del passo di addestramento.

    Rende {"passi": righe, "parti": {nome: quante volte il pavimento}}.
    """
    jobs = {("addestramento", part): job for part, job in training_jobs(s).items()}
    for test, (sentences, beam, _) in GENERATIONS.items():
        jobs |= {(test, part): job for part, job in generation_jobs(s, sentences, beam).items()}
    times = seconds_in_turn(jobs, rounds, "pavimento")
    of = {part: values for (test, part), values in times.items() if test == "addestramento"}
    rows = [
        compare(f"addestramento, {part}", of[part], of["pavimento"]) for part in ("andata e ritorno", "passo intero")
    ]
    for test, (_, _, wanted) in GENERATIONS.items():
        steps = [a - b for a, b in zip(times[test, "intera"], times[test, "un token"], strict=True)]
        rows.append(compare(test, steps, times[test, "pavimento"], s.generated - 1, wanted))
    of["dropout"] = [a - b for a, b in zip(of["col dropout"], of["andata e ritorno"], strict=True)]
    parts = {part: ratios(of[part], of["pavimento"])["rapporto"] for part in ("dropout", "perdita", "Adam")}
    return {"passi": rows, "parti": parts}


def compare(test, ours, floor, steps=1, wanted=None):
    """La riga di una prova; ours e floor: i secondi di steps passi, giro per giro."""
    return {
        "prova": test,
        "millisecondi": 1000 * statistics.median(ours) / steps,
        "pavimento_millisecondi": 1000 * statistics.median(floor) / steps,
        **ratios(ours, floor),
        "voluto": wanted,
    }


def ratios(values, others):
    """La mediana, il minimo e il massimo dei rapporti values / others, giro per giro."""
    all_ratios = [value / other for value, other in zip(values, others, strict=True)]
    return {
        "rapporto": statistics.median(all_ratios),
        "rapporto_min": min(all_ratios),
        "rapporto_max": max(all_ratios),
    }
