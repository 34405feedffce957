"""Come imparano le matrici di una testa: il film di W^Q, W^K e della mappa di attenzione."""

import html
import json
import math
from dataclasses import dataclass

import matplotlib.pyplot as plt
import torch
from matplotlib import colormaps
from matplotlib.colors import to_hex
from torch.nn.functional import cosine_similarity, cross_entropy

from attenzione.attention import scaled_dot_product_attention
from attenzione.data import example
from attenzione.embedding import sinusoidal_positions
from attenzione.figures.style import decimal_comma, draw_cells
from attenzione.italian import number

STEPS, RATE, LIMIT = 200, 0.02, 2.0  # passi di Adam, tasso di apprendimento, estremo dei colori delle matrici
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"  # un colore, un carattere


@dataclass(frozen=True)
class Frame:
    """Un fotogramma: step, il passo; W_q e W_k (8, 4); weights (5, 5), la mappa sulla frase del libro; loss;
    accuracy, la frazione di parole giuste.
    """

    step: int
    W_q: torch.Tensor
    W_k: torch.Tensor
    weights: torch.Tensor
    loss: float
    accuracy: float


def random_sentences(n_sentences=400, seed=0):
    """La frase del libro e poi frasi di cinque parole estratte a caso fra le sue: (n_sentences, 5)."""
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(example.N, (n_sentences, example.N), generator=generator)  # (n_sentences, 5)
    words[0] = torch.arange(example.N)
    return words


def previous_word(words, W_q, W_k, W_v, W_o):
    """Una testa che deve scrivere, in ogni posizione, la parola precedente; nella prima, l’ultima della frase.

    words: (B, 5). Rende (logit, parole giuste, pesi): (B, 5, 5), (B, 5), (B, 5, 5).
    """
    X = example.E[words] * math.sqrt(example.D_MODEL) + sinusoidal_positions(example.N, example.D_MODEL).float()
    head, weights = scaled_dot_product_attention(X @ W_q, X @ W_k, X @ W_v)  # (B, 5, 3), (B, 5, 5)
    logits = head @ W_o @ example.E.T  # (B, 5, 5)
    return logits, words.roll(1, dims=1), weights


def learn_previous(W_q=None, W_k=None, steps=STEPS, rate=RATE):
    """Il film: addestra una testa a scrivere la parola precedente e rende un Frame per passo, dal passo 0.

    W_q, W_k: da dove si parte, (8, 4); se None, tutte e due dalla W^Q della prima testa dell’esempio del libro. Il
    resto della testa comincia da W^V e W^O dell’esempio; gli embedding non cambiano. Errori: ValueError se le forme
    sono altre.
    """
    W_q = example.W_q[0] if W_q is None else W_q
    W_k = example.W_q[0] if W_k is None else W_k
    for name, W in (("W_q", W_q), ("W_k", W_k)):
        if W.shape != (example.D_MODEL, example.D_K):
            raise ValueError(f"{name} ha forma {tuple(W.shape)}: attesa ({example.D_MODEL}, {example.D_K})")
    matrices = [W.detach().clone().requires_grad_() for W in (W_q, W_k, example.W_v[0], example.W_o[: example.D_V])]
    optimizer, words, frames = torch.optim.Adam(matrices, lr=rate), random_sentences(), []
    for step in range(steps + 1):
        logits, target, weights = previous_word(words, *matrices)  # (B, 5, 5), (B, 5), (B, 5, 5)
        loss = cross_entropy(logits.flatten(0, 1), target.flatten())
        right = (logits.argmax(dim=-1) == target).double().mean().item()
        frames.append(
            Frame(
                step,
                matrices[0].detach().clone(),
                matrices[1].detach().clone(),
                weights[0].detach(),
                loss.item(),
                right,
            )
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return frames


def learning_frames(frames=None, steps=(0, 20, 50, 100, 200)):
    """I fotogrammi del film: in alto W^Q, in mezzo W^K, in basso la mappa di attenzione. Rende la figura.

    frames: resi da learn_previous, calcolati se None; steps: quali passi. Errori: ValueError se un passo manca.
    """
    frames = learn_previous() if frames is None else frames
    missing = sorted(set(steps) - {frame.step for frame in frames})
    if missing:
        raise ValueError(f"steps contiene {missing}: attesi passi che il film abbia, da 0 a {frames[-1].step}")
    chosen = [frame for frame in frames if frame.step in steps]
    fig, axes = plt.subplots(
        3, len(chosen), figsize=(1.9 * len(chosen), 7.6), squeeze=False, gridspec_kw={"height_ratios": [8, 8, 6]}
    )
    for column, frame in zip(axes.T, chosen, strict=True):
        for ax, W in zip(column, (frame.W_q, frame.W_k), strict=False):
            image = draw_cells(ax, W, cmap="cividis", vmin=-LIMIT, vmax=LIMIT)
        draw_cells(column[2], frame.weights, vmin=0, vmax=1)
        column[0].set_title(f"passo {frame.step}")
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.spines[:].set_visible(False)
    for ax, label in zip(axes[:2, 0], ("$W^Q$", "$W^K$"), strict=True):
        ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=16)
    axes[2, 0].set_yticks(range(example.N), example.TOKENS)
    axes[2, 0].tick_params(length=0)
    bar = fig.colorbar(image, ax=axes[:2], ticks=[-LIMIT, 0, LIMIT], shrink=0.6, format=decimal_comma(0))
    bar.outline.set_visible(False)
    return fig


def separation_figure(frames=None):
    """Quanto si somigliano W^Q e W^K, passo dopo passo, e quante parole sono giuste. Rende la figura.

    La somiglianza è il coseno dell’angolo fra le due matrici, lette come vettori: 1 se sono uguali.
    """
    frames = learn_previous() if frames is None else frames
    steps = [frame.step for frame in frames]
    cosine = [cosine_similarity(frame.W_q.flatten(), frame.W_k.flatten(), dim=0).item() for frame in frames]
    fig, ax = plt.subplots()
    ax.plot(steps, cosine, label="coseno fra $W^Q$ e $W^K$")
    ax.plot(steps, [frame.accuracy for frame in frames], "--", label="parole giuste")
    ax.set(xlabel="passo", ylim=(min(0, *cosine) - 0.05, 1.05))
    ax.yaxis.set_major_formatter(decimal_comma(1))
    ax.legend()
    return fig


def learning_film(frames=None, every=4, name="film-q-k"):
    """Il film come pezzo di pagina HTML, con un cursore e un tasto: nessuna immagine e nessun altro file.

    frames: resi da learn_previous, calcolati se None; si mostra un fotogramma ogni every passi. name: l’identificatore
    dell’elemento, diverso per ogni film della pagina. Parte solo se lo si chiede; a chi preferisce meno movimento
    resta il cursore. Rende una stringa.
    """
    frames = (learn_previous() if frames is None else frames)[::every]
    panels = [
        ("W<sup>Q</sup>", 8, 4, [], "cividis"),
        ("W<sup>K</sup>", 8, 4, [], "cividis"),
        ("mappa di attenzione", 5, 5, example.TOKENS, "Blues"),
    ]
    palettes = [[to_hex(colormaps[panel[4]](i / (len(DIGITS) - 1))) for i in range(len(DIGITS))] for panel in panels]
    states = [
        [_digits((frame.W_q + LIMIT) / (2 * LIMIT)), _digits((frame.W_k + LIMIT) / (2 * LIMIT)), _digits(frame.weights)]
        for frame in frames
    ]
    captions = [f"passo {frame.step} · parole giuste {number(frame.accuracy, '.0%')}" for frame in frames]
    drawings = "".join(
        _drawing(*panel[:4], [palette[DIGITS.index(c)] for c in state])
        for panel, palette, state in zip(panels, palettes, states[0], strict=True)
    )
    data = json.dumps({"palettes": palettes, "states": states, "captions": captions}, ensure_ascii=False)
    page = FILM
    for mark, text in (
        ("NAME", html.escape(name)),
        ("DRAWINGS", drawings),
        ("DATA", data),
        ("LAST", str(len(frames) - 1)),
        ("FIRST", captions[0]),
    ):
        page = page.replace(mark, text)
    return page


def _digits(values):
    """Ogni numero fra 0 e 1 diventa un carattere di DIGITS."""
    return "".join(DIGITS[i] for i in (values.clamp(0, 1) * (len(DIGITS) - 1)).round().int().flatten().tolist())


def _drawing(title, rows, columns, labels, colors):
    """Una griglia di caselle colorate, con le etichette di righe e colonne se ci sono."""
    side, left, top = (46, 62, 20) if labels else (22, 0, 0)
    cells = "".join(
        f'<rect x="{left + side * (i % columns)}" y="{top + side * (i // columns)}" width="{side - 1}" '
        f'height="{side - 1}" fill="{color}"/>'
        for i, color in enumerate(colors)
    )
    words = "".join(
        f'<text x="{left - 6}" y="{top + side * (i + 0.6):.0f}" text-anchor="end">{word}</text>'
        f'<text x="{left + side * (i + 0.5):.0f}" y="13" text-anchor="middle">{word}</text>'
        for i, word in enumerate(labels)
    )
    width, height = left + side * columns, top + side * rows
    return (
        f'<figure><figcaption>{title}</figcaption><svg width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" aria-hidden="true">{cells}{words}</svg></figure>'
    )


FILM = """
<div id="NAME" role="group" aria-label="Film dell’addestramento: le matrici W Q e W K e la mappa di attenzione">
<style>
#NAME .quadri { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-end; }
#NAME figure { margin: 0; }
#NAME figcaption { text-align: center; margin: 0 0 0.4rem; color: inherit; }
#NAME text { fill: currentColor; font-size: 13px; }
#NAME .comandi { display: flex; flex-wrap: wrap; gap: 0.8rem; align-items: center; margin-top: 0.8rem; }
#NAME button { min-width: 6rem; min-height: 2.75rem; font: inherit; cursor: pointer; }
#NAME input { flex: 1 1 10rem; min-height: 2.75rem; }
#NAME output { flex: 1 1 100%; font-variant-numeric: tabular-nums; }
@media print { #NAME .comandi { display: none; } }
</style>
<div class="quadri">DRAWINGS</div>
<div class="comandi">
<button type="button">Avvia</button>
<input type="range" min="0" max="LAST" value="0" aria-label="Passo dell’addestramento">
<output>FIRST</output>
</div>
<script>
(() => {
  const film = DATA;
  const root = document.getElementById("NAME");
  const [button, slider, output] = ["button", "input", "output"].map((tag) => root.querySelector(tag));
  const cells = [...root.querySelectorAll("svg")].map((svg) => [...svg.querySelectorAll("rect")]);
  let timer = null;
  const show = () => {
    film.states[slider.value].forEach((state, panel) => [...state].forEach((c, i) =>
      cells[panel][i].setAttribute("fill", film.palettes[panel][parseInt(c, 36)])));
    output.textContent = film.captions[slider.value];
    slider.setAttribute("aria-valuetext", film.captions[slider.value]);
  };
  const stop = () => { clearInterval(timer); timer = null; button.textContent = "Avvia"; };
  const advance = () => { slider.value = +slider.value + 1; show(); if (slider.value === slider.max) stop(); };
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) { slider.value = 0; show(); }
    timer = setInterval(advance, 200);
    button.textContent = "Pausa";
  });
  slider.addEventListener("input", () => { stop(); show(); });
  button.hidden = matchMedia("(prefers-reduced-motion: reduce)").matches;
  show();
})();
</script>
</div>
"""
