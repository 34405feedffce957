"""DPO: dai confronti al modello, senza un modello dei premi in mezzo (Rafailov e altri, 2023, arXiv 2305.18290).

Il modello migliore per un premio r, con la KL pesata β, è π = π_rif exp(r/β)/Z. Girata, la formula dà il premio dal
modello: r = β log(π/π_rif) + β log Z; nelle differenze Z sparisce, e la perdita di Bradley e Terry si scrive sui pesi.
"""

from attenzione.later.preferences import preference_loss


def implicit_reward(log_probs, reference, beta):
    """Il premio per cui il modello sarebbe il migliore, a meno di una costante: β (log π − log π_rif), (B,).

    log_probs, reference: i logaritmi delle probabilità delle risposte intere, (B,). Errori: ValueError se beta non è
    positivo.
    """
    if beta <= 0:
        raise ValueError(f"beta vale {beta}: atteso un numero positivo")
    return beta * (log_probs - reference.detach())


def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta):
    """La perdita di DPO, in media sui confronti; gli argomenti sono logaritmi di probabilità di risposte, (B,)."""
    return preference_loss(
        implicit_reward(chosen, reference_chosen, beta), implicit_reward(rejected, reference_rejected, beta)
    )
