"""Dal rumore ai punti, un poco alla volta: la diffusione (Ho, Jain e Abbeel, 2020, arXiv 2006.11239), con attenzione.

Un esempio è un insieme di punti del piano, che stanno tutti su un cerchio o tutti su un segmento. La rete che toglie il
rumore è l’encoder di §3.1 senza posizioni, con i punti come token: come in Peebles e Xie (2022, arXiv 2212.09748), ma
su punti e non su tessere.
"""

import math

import torch
from torch import nn

from attenzione.config import TransformerConfig, check_positive_integer
from attenzione.embedding import sinusoidal_positions
from attenzione.layers import EncoderLayer

FIGURES = ("cerchio", "segmento")


class NoiseSchedule:
    """Quanto rumore c’è dopo t passi, t da 1 a n_steps: x_t = √(1 − σ_t²) x_0 + σ_t rumore.

    A ogni passo si tiene √(1 − β_t) di ciò che c’era e si aggiunge √β_t di rumore nuovo; β_t cresce in linea retta da
    first a last, e alla fine del segnale non resta quasi nulla. beta, signal, sigma: (n_steps + 1,), con il passo 0
    senza rumore. Errori: ValueError se n_steps non è un intero positivo.
    """

    def __init__(self, n_steps=20, first=0.02, last=0.4):
        check_positive_integer("n_steps", n_steps)
        self.n_steps = n_steps
        self.beta = torch.cat([torch.zeros(1), torch.linspace(first, last, n_steps)]).double()
        self.signal = (1 - self.beta).cumprod(dim=0).sqrt()  # √(1 − σ_t²)
        self.sigma = (1 - self.signal.square()).sqrt()

    def add_noise(self, x_0, t, noise):
        """x_t da x_0, in un colpo. x_0, noise: (B, n, 2); t: (B,), interi da 0 a n_steps."""
        signal, sigma = (values.to(x_0)[t, None, None] for values in (self.signal, self.sigma))  # (B, 1, 1)
        return signal * x_0 + sigma * noise

    def clean(self, x_t, t, noise):
        """x_0, se il rumore in x_t è noise: l’inverso di add_noise."""
        signal, sigma = (values.to(x_t)[t, None, None] for values in (self.signal, self.sigma))
        return (x_t - sigma * noise) / signal

    def step_back(self, x_t, t, noise, fresh):
        """x_{t−1} da x_t, un passo indietro; t è lo stesso per tutti.

        È estratto come se x_0 fosse quello che noise, il rumore predetto, lascia intendere: dato x_0, ciò che c’era un
        passo prima ha una distribuzione normale di cui si sanno media e varianza. fresh: (B, n, 2), numeri normali.
        """
        beta, before = self.beta[t].item(), self.signal[t - 1].item()
        left, left_before = self.sigma[t].item() ** 2, self.sigma[t - 1].item() ** 2  # σ_t², σ_{t−1}²
        x_0 = self.clean(x_t, torch.full((len(x_t),), t), noise)
        mean = (before * beta * x_0 + math.sqrt(1 - beta) * left_before * x_t) / left
        return mean + math.sqrt(beta * left_before / left) * fresh


class PointDenoiser(nn.Module):
    """Predice il rumore in ogni punto, guardando gli altri: encoder senza posizioni, la richiesta come primo token.

    Il passo t entra come le posizioni di §3.5, sommato a ogni token. alone: ogni punto vede soltanto la richiesta e sé
    stesso; i parametri sono gli stessi.
    """

    def __init__(self, n_steps, n_layers=2, d_model=32, d_ff=64, n_heads=2, alone=False):
        super().__init__()
        config = TransformerConfig(
            n_layers=n_layers, d_model=d_model, d_ff=d_ff, n_heads=n_heads, p_drop=0.0, norm_first=True
        )
        self.alone = alone
        self.W_in = nn.Parameter(torch.randn(2, d_model))
        self.request = nn.Parameter(torch.randn(len(FIGURES), d_model))
        self.register_buffer("steps", sinusoidal_positions(n_steps + 1, d_model).float(), persistent=False)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(n_layers))
        self.norm = nn.LayerNorm(d_model)
        self.W_out = nn.Parameter(torch.zeros(d_model, 2))

    def forward(self, points, t, figure):
        """points: (B, n, 2); t: (B,), il passo; figure: (B,), indici di FIGURES. Rende il rumore, (B, n, 2)."""
        x = torch.cat([self.request[figure, None], points @ self.W_in], dim=1)  # (B, n + 1, d_model)
        x = x + self.steps[t, None]
        mask = None
        if self.alone:
            mask = torch.eye(x.size(1), dtype=torch.bool, device=x.device)
            mask[:, 0] = True  # la richiesta
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x[:, 1:]) @ self.W_out


def draw_points(figure, generator, n=12):
    """n punti per insieme, tutti sul cerchio o sul segmento che figure (B,) chiede: (B, n, 2).

    Centro, grandezza e direzione cambiano a ogni insieme.
    """
    B, round_ = len(figure), (figure == 0)[:, None]  # (B, 1): vera per i cerchi
    center = 1.2 * torch.rand(B, 1, 2, generator=generator) - 0.6  # (B, 1, 2)
    size = 0.6 + 0.6 * torch.rand(B, 1, generator=generator)  # (B, 1): il raggio, o mezzo segmento
    angle = 2 * math.pi * torch.rand(B, n, generator=generator)  # (B, n)
    along = 2 * torch.rand(B, n, generator=generator) - 1  # (B, n): dove, lungo il segmento
    angle = torch.where(round_, angle, angle[:, :1])  # nel segmento la direzione è una
    length = size * torch.where(round_, 1.0, along)  # (B, n)
    return center + length[..., None] * torch.stack([angle.cos(), angle.sin()], dim=-1)


def noise_loss(network, schedule, generator, batch=64):
    """L’errore quadratico sul rumore predetto, per batch insiemi di punti nuovi e passi a caso: un numero."""
    figure = torch.randint(len(FIGURES), (batch,), generator=generator)  # (batch,)
    x_0 = draw_points(figure, generator)  # (batch, n, 2)
    t = torch.randint(1, schedule.n_steps + 1, (batch,), generator=generator)  # (batch,)
    noise = torch.randn(x_0.shape, generator=generator)
    return (network(schedule.add_noise(x_0, t, noise), t, figure) - noise).square().mean()


@torch.no_grad()
def sample(network, schedule, figure, generator, n=12):
    """Insiemi di n punti dal puro rumore: tutti i passi, (n_steps + 1, B, n, 2), dal rumore ai punti. figure: (B,)."""
    x = torch.randn(len(figure), n, 2, generator=generator)  # (B, n, 2)
    path = [x]
    for t in range(schedule.n_steps, 0, -1):
        noise = network(x, torch.full((len(x),), t), figure)
        x = schedule.step_back(x, t, noise, torch.randn(x.shape, generator=generator))
        path.append(x)
    return torch.stack(path)


def off_circle(points):
    """Quanto i punti distano dal cerchio che meglio li approssima, in media quadratica: (B,). points: (B, n, 2)."""
    points = points.double()
    known = torch.cat([2 * points, torch.ones_like(points[..., :1])], dim=-1)  # 2ax + 2by + c = x² + y²
    square = points.square().sum(dim=-1, keepdim=True)  # (B, n, 1)
    a, b, c = torch.linalg.lstsq(known, square).solution[..., 0].unbind(dim=-1)  # (B,) ciascuno
    center = torch.stack([a, b], dim=-1)[:, None]  # (B, 1, 2)
    radius = (c + a.square() + b.square()).sqrt()[:, None]  # (B, 1)
    return ((points - center).norm(dim=-1) - radius).square().mean(dim=-1).sqrt()


def off_line(points):
    """Quanto i punti distano dalla retta che meglio li approssima, in media quadratica: (B,). points: (B, n, 2)."""
    points = points.double()
    values = torch.linalg.svdvals(points - points.mean(dim=1, keepdim=True))  # (B, 2)
    return values[:, 1] / math.sqrt(points.size(1))
