"""Le risposte di un modello a dei testi da continuare: scriverle, darne la probabilità, dire quanto si è spostato.

Una risposta è ciò che il modello scrive dopo una domanda, fino al token di fine compreso; se non finisce si taglia.
"""

import torch


def counted(answers, end_id):
    """I token di ogni risposta fino alla fine compresa, sì o no: (B, m) da (B, m)."""
    ends = (answers == end_id).long()
    return ends.cumsum(dim=1) - ends == 0


@torch.no_grad()
def write(model, questions, length, end_id, generator=None):
    """Una risposta per domanda, estratta un token alla volta: (B, length), con end_id dopo la fine.

    questions: (B, n), tutte lunghe uguali.
    """
    cache = model.start_cache(len(questions), questions.size(1) + length)
    fresh, answers = questions, []
    over = torch.zeros(len(questions), dtype=torch.bool)
    for _ in range(length):
        p = without_pad(model, model.decode(fresh, cache)[:, -1]).softmax(dim=-1)  # (B, n_vocab)
        token = torch.multinomial(p, 1, generator=generator)[:, 0].masked_fill(over, end_id)  # (B,)
        over = over | (token == end_id)
        answers.append(token)
        fresh = token[:, None]
    return torch.stack(answers, dim=1)


def next_log_probs(model, questions, answers):
    """I logaritmi delle probabilità di ogni token possibile, a ogni posto della risposta: (B, m, n_vocab)."""
    texts = torch.cat([questions, answers[:, :-1]], dim=1)  # (B, n + m − 1)
    logits = model(texts, checked=True)[:, questions.size(1) - 1 :]
    return without_pad(model, logits).log_softmax(dim=-1)


def without_pad(model, logits):
    """I logit (..., n_vocab) con quello di PAD, che non si scrive mai, a meno un miliardo: la probabilità è zero."""
    return logits.index_fill(-1, torch.tensor([model.config.pad_id]), -1e9)


def log_probs(model, questions, answers, end_id):
    """Il logaritmo della probabilità di ogni token di ogni risposta, zero dopo la fine: (B, m).

    La somma di una riga è il logaritmo della probabilità della risposta.
    """
    found = next_log_probs(model, questions, answers).gather(-1, answers[..., None])[..., 0]  # (B, m)
    return found.masked_fill(~counted(answers, end_id), 0.0)


@torch.no_grad()
def moved(model, start, questions, answers, end_id):
    """La KL di model da start, in nat per risposta: (B,). Le risposte sono di model.

    A ogni posto è la somma su tutti i token possibili; la media sulle risposte è la KL fra le distribuzioni delle
    risposte intere, che non si possono elencare.
    """
    ours = next_log_probs(model, questions, answers)  # (B, m, n_vocab)
    theirs = next_log_probs(start, questions, answers)
    divergence = (ours.exp() * (ours - theirs)).sum(dim=-1)  # (B, m)
    return divergence.masked_fill(~counted(answers, end_id), 0.0).sum(dim=1)
