"""Il gradiente di un premio: REINFORCE (Williams, 1992), PPO (arXiv 1707.06347) e GRPO (arXiv 2402.03300).

Fra i pesi e il premio c’è un’estrazione, che non si deriva. Si deriva il logaritmo della probabilità di ciò
che si è fatto, moltiplicato per quanto è andata meglio del solito; il resto è retropropagazione. Sono perdite.
"""

import torch

from attenzione.config import check_positive_integer


def reinforce_loss(log_probs, advantages):
    """Meno la media di vantaggio per logaritmo della probabilità; il suo gradiente, in media, è meno quello del premio.

    log_probs: dei token o delle risposte estratti dal modello; advantages: il premio meno un termine di confronto che
    non dipende da ciò che si è estratto, della stessa forma o trasmissibile.
    """
    return -(advantages.detach() * log_probs).mean()


def clipped_loss(log_probs, old_log_probs, advantages, clip=0.2):
    """La perdita di PPO: come reinforce_loss, ma sul rapporto fra la probabilità di adesso e quella di chi ha estratto.

    Oltre 1 ± clip il rapporto non dà più guadagno, e il gradiente è zero; dove è già andato male, no. old_log_probs: di
    quando si è estratto, senza gradiente. A rapporto 1 il gradiente è quello di reinforce_loss.
    Errori: ValueError se clip non è fra 0 e 1.
    """
    if not 0 < clip < 1:
        raise ValueError(f"clip vale {clip}: atteso fra 0 e 1")
    ratio = (log_probs - old_log_probs.detach()).exp()
    advantages = advantages.detach()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages).mean()


def group_advantages(rewards, eps=1e-4):
    """I vantaggi di GRPO: ogni premio meno la media del suo gruppo, diviso per la deviazione standard del gruppo.

    rewards: (..., G), G risposte alla stessa domanda. Un gruppo di premi tutti uguali ha vantaggi zero: non insegna
    nulla. Errori: ValueError se i gruppi hanno meno di due risposte.
    """
    check_positive_integer("G", rewards.size(-1))
    if rewards.size(-1) < 2:
        raise ValueError("G vale 1: attese almeno due risposte alla stessa domanda")
    centred = rewards - rewards.mean(dim=-1, keepdim=True)
    return centred / (rewards.std(dim=-1, keepdim=True, correction=0) + eps)


def best_policy(log_probs, rewards, beta):
    """La distribuzione che rende massimo il premio medio meno β volte la KL da quella di partenza: i logaritmi, (n,).

    È π_rif · exp(r/β), divisa per la somma. log_probs: quelli di partenza, (n,); rewards: (n,).
    Errori: ValueError se beta non è positivo.
    """
    if beta <= 0:
        raise ValueError(f"beta vale {beta}: atteso un numero positivo")
    return (log_probs + rewards / beta).log_softmax(dim=-1)
