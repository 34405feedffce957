"""Dal rumore ai punti: alcuni passi di alcuni insiemi."""

import matplotlib.pyplot as plt
import torch

from attenzione.later.denoising import NoiseSchedule, draw_points


def denoising_figure(paths=None, steps=(20, 12, 6, 2, 0)):
    """Una riga per insieme, una colonna per passo: i punti, sempre più puliti. Rende la figura.

    paths: da un titolo a una tabella (n_steps + 1, n, 2), dal rumore ai punti; se None un cerchio sporcato per davvero,
    non generato. steps: quali passi mostrare, dal più rumoroso.
    """
    if paths is None:
        schedule, generator = NoiseSchedule(), torch.Generator().manual_seed(0)
        x_0, noise = draw_points(torch.tensor([0]), generator), torch.randn(1, 12, 2, generator=generator)
        every = [schedule.add_noise(x_0, torch.tensor([t]), noise)[0] for t in range(schedule.n_steps, -1, -1)]
        paths = {"un cerchio": torch.stack(every)}
    fig, axes = plt.subplots(len(paths), len(steps), figsize=(2 * len(steps), 2.1 * len(paths) + 0.4), squeeze=False)
    for row, (title, path) in zip(axes, paths.items(), strict=True):
        for ax, step in zip(row, steps, strict=True):
            x, y = path[len(path) - 1 - step].unbind(dim=-1)  # il passo 0 è l’ultimo
            ax.plot(x, y, "o", markersize=5)
            ax.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), xticks=[], yticks=[], aspect="equal")
        row[0].set_ylabel(title)
    for ax, step in zip(axes[0], steps, strict=True):
        ax.set_title(f"passo {step}")
    return fig
