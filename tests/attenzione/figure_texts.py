"""Ciò che si legge in una figura."""

from matplotlib.text import Text


def texts(fig):
    """I testi di una figura, nell’ordine in cui matplotlib li tiene; senza quelli vuoti."""
    return [t.get_text() for t in fig.findobj(Text) if t.get_text()]
