"""I numeri come si scrivono in italiano."""

MARKS = str.maketrans({".": ",", ",": "\u202f", "%": "\u00a0%"})


def number(x, spec=""):
    """x scritto come vuole spec, la stessa di format, con i segni italiani.

    La virgola decimale; fra le migliaia, che in spec si chiedono con «,», uno spazio stretto; prima di «%» uno spazio
    che non va a capo.
    """
    return format(x, spec).translate(MARKS)
