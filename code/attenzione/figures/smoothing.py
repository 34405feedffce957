"""La distribuzione smussata e la perdita che ne viene, §5.4."""

import matplotlib.pyplot as plt
import torch

from attenzione.config import check_fraction
from attenzione.figures.style import decimal_comma
from attenzione.italian import number
from attenzione.training.loss import label_smoothing_loss


def smoothing_figure(n_vocab=5, gold=1, eps_ls=0.1):
    """Sopra le probabilità chieste al modello, sotto la perdita se ne dà p al token giusto. Rende la figura.

    n_vocab: quanti token, almeno 2; gold: il token giusto, da 0; eps_ls: la quota tolta al token giusto. In entrambi
    i riquadri si confrontano 0 ed eps_ls. Sotto, il resto 1 − p, è diviso in parti uguali fra gli altri token; un
    punto segna il minimo. ValueError se un numero è fuori dai limiti.
    """
    if n_vocab < 2 or not 0 <= gold < n_vocab:
        raise ValueError(f"gold vale {gold} e n_vocab {n_vocab}: attesi almeno due token e gold da 0 a n_vocab − 1")
    check_fraction("eps_ls", eps_ls)
    fig, (above, below) = plt.subplots(2, 1, figsize=(6, 7))
    for i, (value, style, hatch) in enumerate([(0.0, "-", ""), (eps_ls, "--", "//")]):
        target = torch.full((n_vocab,), value / n_vocab)  # (n_vocab,)
        target[gold] += 1 - value
        name = f"ε$_{{ls}}$ = {number(value, 'g')}"
        places = [k + 0.4 * i - 0.2 for k in range(n_vocab)]
        bars = above.bar(places, target.tolist(), width=0.38, hatch=hatch, edgecolor="white", label=name)
        for bar, q in zip(bars, target.tolist(), strict=True):
            if not q:
                continue
            share, side = 0.5, "center"
            if q > 0.5:  # due barre alte vicine: i numeri si scostano
                share, side = (0.85, "right") if i == 0 else (0.15, "left")
            above.text(bar.get_x() + share * bar.get_width(), q + 0.02, number(q, ".2f"), ha=side, fontsize=12)
        p = torch.linspace(0.3, 0.999, 700)  # (700,)
        rest = ((1 - p) / (n_vocab - 1)).log()
        losses = torch.stack([loss_at(x, r, n_vocab, gold, value) for x, r in zip(p.log(), rest, strict=True)])
        (line,) = below.plot(p, losses, style, label=name)
        lowest = losses.argmin()
        below.plot(p[lowest], losses[lowest], "o", color=line.get_color(), clip_on=False)
    above.set(xlabel="token", ylabel="probabilità chiesta", ylim=(0, 1.25), xticks=range(n_vocab))
    above.set_xticks(range(n_vocab), [f"{k}\ngiusto" if k == gold else str(k) for k in range(n_vocab)])
    above.set_yticks([0, 0.5, 1])
    above.yaxis.set_major_formatter(decimal_comma(1))
    above.legend(loc="upper right")
    below.set(xlabel="probabilità $p$ data al token giusto", ylabel="perdita (nat)", ylim=(0, None))
    for axis in (below.xaxis, below.yaxis):
        axis.set_major_formatter(decimal_comma(1))
    below.legend(loc="upper right")
    return fig


def loss_at(gold_logit, rest_logit, n_vocab, gold, eps_ls):
    """La perdita, in nat, se il logit del token giusto è gold_logit e quello di ciascun altro rest_logit."""
    logits = rest_logit.repeat(n_vocab)  # (n_vocab,)
    logits[gold] = gold_logit
    return label_smoothing_loss(logits[None], torch.tensor([gold]), eps_ls, pad_id=-1)
