"""Gli adattatori (Houlsby e altri, 2019, arXiv 1902.00751): una piccola rete dopo ogni sottostrato, il resto fermo."""

from torch import nn
from torch.nn.functional import gelu

from attenzione.config import check_positive_integer


class Adapter(nn.Module):
    """x + GELU(x W_down + b_down) W_up + b_up: una strozzatura larga width, con una connessione residuale.

    W_down: (d_model, width), di varianza 1 / d_model; W_up: (width, d_model), che parte da zero: all’inizio l’uscita è
    l’ingresso. Errori: ValueError se una grandezza non è un intero positivo.
    """

    def __init__(self, d_model, width):
        super().__init__()
        check_positive_integer("d_model", d_model)
        check_positive_integer("width", width)
        self.down = nn.Linear(d_model, width)
        self.up = nn.Linear(width, d_model)
        nn.init.normal_(self.down.weight, std=d_model**-0.5)
        for start in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(start)

    def forward(self, x):
        """x: (..., d_model). Rende (..., d_model)."""
        return x + self.up(gelu(self.down(x)))


class Adapted(nn.Module):
    """Un sottostrato e il suo adattatore, che ne corregge l’uscita (la prima, se sono due: i pesi non si toccano)."""

    def __init__(self, sublayer, adapter):
        super().__init__()
        self.sublayer, self.adapter = sublayer, adapter

    def forward(self, *args, **kwargs):
        """Gli argomenti del sottostrato; rende ciò che rende lui, corretto."""
        output = self.sublayer(*args, **kwargs)
        if isinstance(output, tuple):
            return self.adapter(output[0]), *output[1:]
        return self.adapter(output)


def add_adapters(model, width):
    """Congela un LanguageModel e mette un adattatore dopo ogni attenzione e ogni rete feed-forward.

    Cambia model sul posto e lo rende: da imparare restano gli adattatori e, come nell’articolo, le normalizzazioni.
    """
    model.requires_grad_(False)
    for layer in model.layers:
        for name in ("self_attention", "feed_forward"):
            setattr(layer, name, Adapted(getattr(layer, name), Adapter(model.config.d_model, width)))
        layer.residuals.requires_grad_(True)
    model.norm.requires_grad_(True)
    return model
