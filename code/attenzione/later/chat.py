"""Lo schema di una chat: turni con un ruolo, scritti come un testo solo, e i token su cui si conta la perdita.

Ogni turno è il token del suo ruolo, il testo, il token di fine turno. L’addestramento supervisionato (SFT: Ouyang e
altri, 2022, arXiv 2203.02155) conta la perdita soltanto su ciò che il modello dovrà scrivere: il testo
dell’assistente e la sua fine. I segni dei ruoli sono token a sé: nessun testo li può contenere.
"""

import torch
from torch.nn.functional import cross_entropy

ROLES = ("sistema", "utente", "assistente")
ANSWERS = "assistente"


def encode_chat(turns, encode, role_ids, end_id):
    """I token di una chat e quali si contano: (ids, counted), due elenchi lunghi uguali, d’interi e di sì o no.

    turns: un elenco di (ruolo, testo); encode: dal testo agli identificatori; role_ids: l’identificatore di ogni ruolo;
    end_id: quello di fine turno. Errori: ValueError se un ruolo è ignoto, o il testo contiene uno di quei token.
    """
    ids, counted = [], []
    reserved = {*role_ids.values(), end_id}
    for role, text in turns:
        if role not in role_ids:
            raise ValueError(f"il ruolo vale «{role}»: atteso uno fra {', '.join(role_ids)}")
        tokens = list(encode(text))
        if found := reserved.intersection(tokens):
            raise ValueError(f"il testo di «{role}» ha il token {min(found)}: atteso nessuno dei segni dello schema")
        ids += [role_ids[role], *tokens, end_id]
        counted += [False] + [role == ANSWERS] * (len(tokens) + 1)
    return ids, counted


def chat_loss(logits, ids, counted):
    """La perdita media sui token che si contano, in nat; gli altri si leggono soltanto.

    logits: (B, n, n_vocab), dove la posizione i predice il token i + 1; ids: (B, n), interi; counted: (B, n), sì o no.
    Errori: ValueError se non si conta nessun token.
    """
    targets = ids[:, 1:].masked_fill(~counted[:, 1:], -100)  # (B, n − 1): −100 non si conta
    if not counted[:, 1:].any():
        raise ValueError("counted non ha nessun sì: atteso almeno un token da contare")
    return cross_entropy(logits[:, :-1].flatten(0, 1), targets.flatten(), ignore_index=-100)


def collate_chats(chats, pad_id, device=None):
    """Da un elenco di coppie rese da encode_chat ai tensori (ids, counted), con PAD in fondo: (B, n) tutti e due."""
    n = max(len(ids) for ids, _ in chats)
    ids = torch.tensor([ids + [pad_id] * (n - len(ids)) for ids, _ in chats], device=device)
    counted = torch.tensor([counted + [False] * (n - len(counted)) for _, counted in chats], device=device)
    return ids, counted
