"""Il tasso di apprendimento dell’equazione (3), §5.3, al variare di d_model e dei passi di warmup."""

import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator

from attenzione.figures.style import decimal_comma
from attenzione.training.schedule import lrate


def schedule_figure(
    d_models=(256, 512, 1024), warmups=(2000, 4000, 8000), d_model=512, warmup_steps=4000, steps=20_000
):
    """Due riquadri: sopra un d_model per curva, sotto un warmup per curva. Rende la figura.

    d_models: le curve di sopra, tutte con warmup_steps passi di warmup; warmups: quelle di sotto, tutte con
    d_model. steps: fino a quale passo si disegna. Un punto segna il massimo di ogni curva. ValueError se un numero
    non è un intero positivo (lrate).
    """
    fig, (above, below) = plt.subplots(2, 1, figsize=(6, 7), sharex=True)
    _curves(above, [(d, warmup_steps) for d in d_models], steps, [f"$d_{{model}}$ = {d}" for d in d_models])
    _curves(below, [(d_model, w) for w in warmups], steps, [f"warmup {w}" for w in warmups])
    above.set(title=f"warmup di {warmup_steps} passi")
    below.set(title=f"$d_{{model}}$ = {d_model}", xlabel="passo, in migliaia")
    return fig


def _curves(ax, cases, steps, labels):
    every = range(1, steps + 1, max(1, steps // 1000))
    thousands = [step / 1000 for step in every]
    styles = [("-", "--", ":", "-.")[i % 4] for i in range(len(cases))]
    for (d_model, warmup_steps), style, label in zip(cases, styles, labels, strict=True):
        (line,) = ax.plot(thousands, [1e3 * lrate(step, d_model, warmup_steps) for step in every], style, label=label)
        ax.plot(warmup_steps / 1000, 1e3 * lrate(warmup_steps, d_model, warmup_steps), "o", color=line.get_color())
    ax.set(ylabel="tasso, in millesimi", xlim=(0, None), ylim=(0, None))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(decimal_comma(1))
    ax.legend()
