"""Le righe della Tabella 3 rifatte in piccolo, §6.2: un compito sintetico e varianti da pochi secondi.

Il compito: in una frase di 12 token, presi fra 16, ogni token si traduce con un altro, e quale dipende dalla
parità dei vicini: quello prima, quello dopo e quello due posti prima (la frase è chiusa ad anello). A ogni
combinazione di parità corrisponde una tabella di traduzione. Per tradurre un token bisogna dunque guardare più
posti insieme. La frase tradotta è lunga quanto l’altra, e al modello basta l’encoder: §3.1, più i logit di §3.4.
"""

import math

import torch

from attenzione.config import TransformerConfig
from attenzione.model import Transformer
from attenzione.training.loss import label_smoothing_loss
from attenzione.training.schedule import adam, lrate

N_SYMBOLS, N_TOKENS, N_SPECIAL = 16, 12, 4
NEIGHBOURS = (1, -1, 2)  # quanti posti prima; negativo, dopo
SMALL = TransformerConfig(
    N_SYMBOLS + N_SPECIAL, n_layers=1, d_model=32, d_ff=64, n_heads=4, p_drop=0.0, eps_ls=0.0, max_len=N_TOKENS
)

# Variante → (riga della Tabella 3 di cui rifà la prova, che cosa cambia in SMALL).
ROWS = {
    "h = 1": ("A-h1", {"n_heads": 1, "d_k": 32, "d_v": 32}),
    "h = 32": ("A-h32", {"n_heads": 32, "d_k": 1, "d_v": 1}),
    "dₖ = 2": ("B-dk32", {"d_k": 2}),
    "dₖ = 1": ("B-dk16", {"d_k": 1}),
    "N = 2": ("C-N8", {"n_layers": 2}),
    "d_model = 16": ("C-d256", {"d_model": 16, "d_k": 4, "d_v": 4}),
    "d_ff = 16": ("C-ff1024", {"d_ff": 16}),
    "posizioni apprese": ("E", {"positions": "learned"}),
}


def neighbour_sentences(n_sentences, generator, neighbours=NEIGHBOURS):
    """Frasi del compito, estratte a sorte: (src, tgt), entrambi (n_sentences, 12), identificatori di token."""
    fixed = torch.Generator().manual_seed(7)  # le tabelle di traduzione sono sempre le stesse
    tables = torch.stack([torch.randperm(N_SYMBOLS, generator=fixed) for _ in range(2 ** len(neighbours))])
    x = torch.randint(N_SYMBOLS, (n_sentences, N_TOKENS), generator=generator)
    which = torch.zeros_like(x)  # quale tabella, per ogni posizione
    for shift in neighbours:
        which = 2 * which + x.roll(shift, dims=1) % 2
    return x + N_SPECIAL, tables[which, x] + N_SPECIAL


def replay(config=SMALL, *, steps=700, batch=32, n_sentences=None, neighbours=NEIGHBOURS, seed=0):
    """Addestra l’encoder di config sul compito e rende (perplessità, esattezza) su 500 frasi mai viste.

    n_sentences: quante frasi diverse vede l’addestramento; None per frasi sempre nuove. Gli stessi argomenti
    danno gli stessi numeri.
    """
    torch.manual_seed(seed)
    model, generator = Transformer(config).train(), torch.Generator().manual_seed(100 + seed)
    optimizer = adam(model)
    if n_sentences:
        all_src, all_tgt = neighbour_sentences(n_sentences, generator, neighbours)
    for step in range(1, steps + 1):
        if n_sentences:
            chosen = torch.randint(n_sentences, (batch,), generator=generator)
            src, tgt = all_src[chosen], all_tgt[chosen]  # (batch, 12)
        else:
            src, tgt = neighbour_sentences(batch, generator, neighbours)
        for group in optimizer.param_groups:
            group["lr"] = lrate(step, config.d_model, warmup_steps=200)
        z, _ = model.encode(src)  # (batch, 12, d_model)
        loss = label_smoothing_loss(model.embedding.logits(z), tgt, config.eps_ls)
        optimizer.zero_grad()
        (loss / tgt.numel()).backward()
        optimizer.step()
    return measure(model.eval(), neighbours)


@torch.inference_mode()
def measure(model, neighbours):
    """Perplessità ed esattezza, la parte di token giusti, su 500 frasi di prova sempre uguali."""
    src, tgt = neighbour_sentences(500, torch.Generator().manual_seed(5), neighbours)
    logits = model.embedding.logits(model.encode(src)[0])  # (500, 12, n_vocab)
    loss = label_smoothing_loss(logits, tgt, eps_ls=0.0) / tgt.numel()
    return math.exp(loss), (logits.argmax(dim=-1) == tgt).double().mean().item()
