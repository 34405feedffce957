"""La testa di induzione trovata in un modello linguistico: un punteggio, e l’ablazione.

Si fa leggere al modello una sequenza di token a caso scritta due volte, come fanno Olsson e altri (2022, arXiv
2209.11895). Nella seconda copia la risposta giusta si sa: è ciò che nella prima seguiva lo stesso token. Una testa di
induzione guarda quel posto; spenta, le risposte giuste calano.
"""

from contextlib import contextmanager

import torch
from torch.nn.functional import cross_entropy

from attenzione.config import check_positive_integer
from attenzione.later.language_model import LanguageModel, LanguageModelConfig


def repeated(how_many, length, words, generator, before=0, start=None):
    """how_many sequenze di token estratti dal range words, tutti diversi, le cui ultime length si ripetono.

    before: quanti token ci sono prima della prima copia; start: un identificatore da mettere in testa, o None. Rende
    (how_many, s + before + 2 length), con s = 1 se c’è start. Errori: ValueError se i token diversi non bastano.
    """
    check_positive_integer("length", length)
    if before + length > len(words):
        raise ValueError(f"words ha {len(words)} token: attesi almeno before + length = {before + length}")
    order = torch.rand(how_many, len(words), generator=generator).argsort(dim=1)[:, : before + length]
    tokens = torch.cat([order, order[:, before:]], dim=1) + words.start
    return tokens if start is None else torch.cat([tokens.new_full((how_many, 1), start), tokens], dim=1)


def induction_scores(weights, length):
    """Quanto ciascuna testa, nella seconda copia, guarda il token che nella prima seguiva quello presente.

    weights: i pesi di ogni strato (B, h, n, n), come li rende LanguageModel.attention_weights, di sequenze che
    finiscono con due copie lunghe length. Rende (n_layers, h), in media fra 0 e 1.
    """
    weights = torch.stack(list(weights))  # (n_layers, B, h, n, n)
    i = torch.arange(weights.size(-1) - length, weights.size(-1) - 1)  # la seconda copia, meno l’ultimo
    return weights[..., i, i - length + 1].mean(dim=(1, -1))


def previous_scores(weights):
    """Quanto ciascuna testa guarda il posto prima, in media: (n_layers, h). weights: come in induction_scores."""
    weights = torch.stack(list(weights))  # (n_layers, B, h, n, n)
    return weights.diagonal(-1, dim1=-2, dim2=-1).mean(dim=(1, -1))


@contextmanager
def without_head(model, layer, head):
    """Finché dura, la testa head dello strato layer, contati da 0, non scrive nulla: le sue righe di W^O sono nulle."""
    attention = model.layers[layer].self_attention
    rows = attention.W_o.data[head * attention.d_k : (head + 1) * attention.d_k]  # (d_k, d_model)
    saved = rows.clone()
    rows.zero_()
    try:
        yield model
    finally:
        rows.copy_(saved)


@torch.no_grad()
def examine(model, tokens, length):
    """(perdita in nat, parte di risposte giuste) nella seconda copia di tokens, dal suo secondo token in poi."""
    logits = model(tokens)[:, -length:-1]  # (B, length − 1, n_vocab)
    right = tokens[:, -length + 1 :]  # (B, length − 1)
    loss = cross_entropy(logits.flatten(0, 1), right.flatten())
    return loss.item(), (logits.argmax(dim=-1) == right).float().mean().item()


def small_model(seed=0, n_words=24):
    """Un modello nello stile di LLaMA, di due strati, su n_words parole; gli identificatori da 0 a 3 sono speciali."""
    torch.manual_seed(seed)
    return LanguageModel(
        LanguageModelConfig(
            n_vocab=4 + n_words, n_layers=2, d_model=32, d_ff=80, n_heads=2, n_kv_heads=1, p_drop=0.0, max_len=64
        )
    )


def train(model, steps=1500, seed=0, enough=0.97):
    """Addestra model con Adam su sequenze che si ripetono, sempre di lunghezza diversa.

    La perdita si conta sulla seconda copia: il resto è a caso, e non c’è nulla da imparare. Ogni 50 passi un esame, su
    altre sequenze: ci si ferma quando le risposte giuste sono enough, o dopo steps passi. Rende (model, esami).
    """
    words = range(4, model.config.n_vocab)
    exam = repeated(100, 12, words, torch.Generator().manual_seed(2017))
    history = [examine(model, exam, 12)[1]]
    generator = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98))
    for step in range(steps):
        adam.param_groups[0]["lr"] = 0.01 * min(1, (step + 1) / 50)
        before = int(torch.randint(4, (1,), generator=generator))
        length = int(torch.randint(6, 14, (1,), generator=generator))
        x = repeated(48, length, words, generator, before)
        logits = model(x[:, :-1], checked=True)[:, -length + 1 :]  # (48, length − 1, n_vocab)
        loss = cross_entropy(logits.flatten(0, 1), x[:, -length + 1 :].flatten())
        adam.zero_grad()
        loss.backward()
        adam.step()
        if step % 50 == 49:
            history.append(examine(model, exam, 12)[1])
            if history[-1] >= enough:
                break
    return model.eval(), history
