"""La ricorrenza lineare h_t = a_t h_{t−1} + b_t, in tre modi che danno gli stessi numeri.

Un passo alla volta (``recurrence``); per raddoppi, in log₂ n passi (``scan``, come in Hillis e Steele, 1986); come
somma pesata di tutte le b precedenti (``decay_weights``). I due ultimi si possono fare perché a_t non dipende da
h_{t−1}: due passi di seguito sono ancora un passo della stessa forma. Ci si appoggiano ``state_space`` e
``linear_attention``.
"""

import torch


def recurrence(a, b):
    """Un passo alla volta, da uno stato nullo. a, b: (B, n, ...), trasmissibili fra loro. Rende gli stati (B, n, ...).

    Errori: quelli di check_steps.
    """
    a, b = check_steps(a, b)
    state, states = torch.zeros_like(b[:, 0]), []
    for a_t, b_t in zip(a.unbind(dim=1), b.unbind(dim=1), strict=True):
        state = a_t * state + b_t  # (B, ...)
        states.append(state)
    return torch.stack(states, dim=1)


def scan(a, b):
    """Gli stessi stati per raddoppi: dopo r giri ogni posizione ha unito in un passo solo i suoi 2^r passi ultimi.

    Fare prima (a, b) e poi (a′, b′) è fare (a′ a, a′ b + b′). Stessi argomenti, resa ed errori di recurrence.
    """
    a, b = check_steps(a, b)
    length = 1
    while length < b.size(1):
        joined = b[:, length:] + a[:, length:] * b[:, :-length]
        b = torch.cat([b[:, :length], joined], dim=1)  # (B, n, ...)
        a = torch.cat([a[:, :length], a[:, length:] * a[:, :-length]], dim=1)  # (B, n, ...)
        length *= 2
    return b


def decay_weights(a):
    """Quanto resta alla posizione t di ciò che si è scritto alla posizione j: il prodotto delle a da j + 1 a t.

    a: (B, n, ...). Rende (B, n, n, ...), nullo dove j > t. Costa n² numeri: serve a vedere, e a provare.
    """
    n = a.size(1)
    rows, row = [], torch.zeros_like(a)  # (B, n, ...): la riga che precede la prima
    for t in range(n):
        written = torch.zeros_like(row)
        written[:, t] = 1
        row = a[:, t, None] * row + written
        rows.append(row)
    return torch.stack(rows, dim=1)


def check_steps(a, b):
    """a e b alla stessa forma.

    Errori: ValueError se non si trasmettono l’una all’altra, hanno meno di due assi o nessun passo.
    """
    try:
        a, b = torch.broadcast_tensors(a, b)
    except RuntimeError:
        raise ValueError(f"a ha forma {tuple(a.shape)}: attesa trasmissibile a {tuple(b.shape)}, quella di b") from None
    if a.dim() < 2 or a.size(1) == 0:
        raise ValueError(f"a ha forma {tuple(a.shape)}: attesa (B, n, ...), con almeno un passo")
    return a, b
