"""Leggi di scala: la perdita come funzione di parametri e dati, adattata a dei modelli addestrati, con l’incertezza.

La formula è quella di Hoffmann e altri (2022, arXiv 2203.15556), E + A/N^α + B/D^β, e il modo di adattarla è il loro:
la perdita di Huber sui logaritmi, da molti punti di partenza. In Kaplan e altri (2020, arXiv 2001.08361) le leggi sono
tre, ciascuna per quando le altre due grandezze non mancano, e una per due grandezze insieme.
"""

from dataclasses import dataclass
from itertools import product

import torch

DELTA = 1e-3  # Hoffmann e altri, appendice: oltre, l’errore pesa come il suo valore assoluto


@dataclass(frozen=True)
class Law:
    """La legge E + A/N^α + B/D^β: cinque numeri, o cinque tensori della stessa forma, una legge per elemento."""

    E: float
    A: float
    B: float
    alpha: float
    beta: float

    def __call__(self, N, D):
        """La perdita con N parametri e D token letti, in nat."""
        return self.E + self.A * N**-self.alpha + self.B * D**-self.beta

    @property
    def exponent(self):
        """Con quale potenza del calcolo cresce il numero di parametri migliore: β/(α + β). Quello dei dati fa a 1."""
        return self.beta / (self.alpha + self.beta)

    def optimum(self, C):
        """Il modello di perdita più bassa fra quelli che costano C = 6ND FLOPs: la coppia (N, D)."""
        scale = (self.alpha * self.A / (self.beta * self.B)) ** (1 / (self.alpha + self.beta))
        N = scale * (C / 6) ** self.exponent
        return N, C / (6 * N)


CHINCHILLA = Law(1.69, 406.4, 410.7, 0.34, 0.28)  # come è stampata, con gli esponenti arrotondati
REPLICA = Law(1.8172, 482.01, 2085.43, 0.3478, 0.3658)  # Besiroglu e altri, 2024, arXiv 2404.10102


def kaplan_parameters(N):
    """La perdita se mancano soltanto i parametri, (1.1) di Kaplan e altri. N: senza gli embedding."""
    return (8.8e13 / N) ** 0.076


def kaplan_data(D):
    """La perdita se mancano soltanto i dati, (1.2). D: in token."""
    return (5.4e13 / D) ** 0.095


def kaplan_compute(C):
    """La perdita se manca soltanto il calcolo, bene speso, (1.3). C: in FLOPs; un PF-day sono 8,64·10¹⁹."""
    return (3.1e8 * 8.64e19 / C) ** 0.050


def kaplan(N, D):
    """La perdita se mancano parametri e dati, (1.5), con i numeri della loro tabella 2."""
    return ((6.4e13 / N) ** (0.076 / 0.103) + 1.8e13 / D) ** 0.103


def fit(N, D, losses, delta=DELTA):
    """Adatta la legge: rende la Law che rende minima la somma delle perdite di Huber sui logaritmi.

    N, D, losses: (n,), parametri, token e perdita di n addestramenti. Errori: ValueError se sono meno di cinque, quanti
    sono i numeri da trovare, o se qualcuno non è positivo.
    """
    N, D, losses = check_runs(N, D, losses)
    laws = fit_many(N[None], D[None], losses[None], delta)
    return Law(*(value.item() for value in vars(laws).values()))


def bootstrap(N, D, losses, samples=200, seed=0, delta=DELTA):
    """Rifà l’adattamento su samples estrazioni, con ripetizione, degli stessi addestramenti: una Law di (samples,).

    Ogni estrazione prende n addestramenti fra gli n, alcuni più volte, altri mai. Errori: quelli di fit.
    """
    N, D, losses = check_runs(N, D, losses)
    chosen = torch.randint(len(N), (samples, len(N)), generator=torch.Generator().manual_seed(seed))
    return fit_many(N[chosen], D[chosen], losses[chosen], delta)


def interval(values, level=0.95):
    """I due estremi fra cui sta la parte level dei valori (n,), lasciandone fuori altrettanti da ogni capo."""
    edges = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=values.dtype)
    return tuple(values.quantile(edges).tolist())


def check_runs(*numbers):
    numbers = [torch.as_tensor(values, dtype=torch.float64) for values in numbers]
    for name, values in zip(("N", "D", "losses"), numbers, strict=True):
        if values.shape != numbers[0].shape or values.dim() != 1 or len(values) < 5:
            raise ValueError(
                f"{name} ha forma {tuple(values.shape)}: attesi almeno cinque numeri, tanti per N, D e losses"
            )
        if not (values.isfinite() & (values > 0)).all():
            raise ValueError(f"{name} ha un numero che non è positivo: attesi numeri finiti maggiori di zero")
    return numbers


def fit_many(N, D, losses, delta=DELTA):
    """Gli adattamenti di b insiemi di addestramenti, tutti insieme. N, D, losses: (b, n). Rende una Law di (b,).

    Da ogni punto di STARTS si scende un poco; dai due arrivati più in basso fino in fondo, e resta il migliore.
    """
    x, y, target = N.log(), D.log(), losses.log()
    x_mean, y_mean = x.mean(dim=1, keepdim=True), y.mean(dim=1, keepdim=True)  # (b, 1)
    x, y, target = (values[:, None] for values in (x - x_mean, y - y_mean, target))  # (b, 1, n)
    theta = torch.stack([start_at(losses, *start) for start in STARTS], dim=1)  # (b, s, 5)
    theta, cost = descend(theta, x, y, target, delta, steps=50)
    two = cost.topk(2, dim=1, largest=False).indices[..., None].expand(-1, -1, 5)  # (b, 2, 5)
    theta, cost = descend(theta.gather(1, two), x, y, target, delta, steps=250)
    best = cost.argmin(dim=1)[:, None, None].expand(-1, -1, 5)  # (b, 1, 5)
    e, a, b, alpha, beta = theta.gather(1, best)[:, 0].unbind(dim=-1)
    return Law(e.exp(), (a + alpha * x_mean[:, 0]).exp(), (b + beta * y_mean[:, 0]).exp(), alpha, beta)


def descend(theta, x, y, target, delta, steps):
    """Levenberg-Marquardt con i pesi di Huber, da ogni theta (b, s, 5): rende dove si arriva, e il costo (b, s)."""
    damping = torch.full_like(theta[..., :1], 1e-2)
    error, J = residuals(theta, x, y, target)
    cost = huber(error, delta)
    for _ in range(steps):
        weighted = J * (delta / error.abs().clamp(min=delta))[..., None]  # (b, s, n, 5)
        curvature = J.mT @ weighted  # (b, s, 5, 5)
        gradient = (weighted * error[..., None]).sum(dim=-2)  # (b, s, 5)
        ridge = damping * curvature.diagonal(dim1=-2, dim2=-1) + 1e-12
        tried = theta - torch.linalg.solve(curvature + torch.diag_embed(ridge), gradient).clamp(-1, 1)
        tried_error, tried_J = residuals(tried, x, y, target)
        tried_cost = huber(tried_error, delta)
        better = (tried_cost < cost)[..., None]  # (b, s, 1)
        theta, error = torch.where(better, tried, theta), torch.where(better, tried_error, error)
        J, cost = torch.where(better[..., None], tried_J, J), torch.minimum(tried_cost, cost)
        damping = torch.where(better, damping / 3, damping * 4).clamp(1e-9, 1e9)
    return theta, cost


STARTS = tuple(product((0.3, 0.9), (0.2, 0.7), (0.2, 0.7)))  # E, in parti della perdita più bassa; α; β


def start_at(losses, part, alpha, beta):
    """Un punto di partenza per ogni insieme: E è una parte della perdita più bassa, il resto si divide in due."""
    lowest, middle = losses.amin(dim=1), losses.mean(dim=1)  # (b,)
    half = (middle - part * lowest) / 2
    exponents = [torch.full_like(lowest, alpha), torch.full_like(lowest, beta)]
    return torch.stack([(part * lowest).log(), half.log(), half.log(), *exponents], dim=1)


def residuals(theta, x, y, target):
    """Gli errori sui logaritmi (..., n), e le loro derivate (..., n, 5). theta: (..., 5), cioè ln E, ln A, ln B, α, β.

    x, y: i logaritmi di N e D, misurati dal loro centro, dove i termini si confondono meno: ln A e ln B sono lì.
    """
    e, a, b, alpha, beta = theta[..., None].unbind(dim=-2)  # (..., 1)
    terms = torch.stack([e + 0 * x, a - alpha * x, b - beta * y], dim=-1)  # (..., n, 3)
    parts = terms.softmax(dim=-1)  # quanto pesa ogni termine
    slopes = torch.stack([-parts[..., 1] * x, -parts[..., 2] * y], dim=-1)
    return terms.logsumexp(dim=-1) - target, torch.cat([parts, slopes], dim=-1)


def huber(error, delta):
    """La somma delle perdite di Huber: metà del quadrato fino a delta, poi in linea retta. error: (..., n)."""
    size = error.abs()
    return torch.where(size <= delta, size**2 / 2, delta * (size - delta / 2)).sum(dim=-1)
