"""Il decoratore che lega una prova alla voce del registro, e pretende che la prova possa fallire."""

import functools
import inspect

import pytest


def affermazione(ident, *, vero, falso=()):
    """La prova dell’affermazione ``ident``: passa con ciò che l’articolo dice, fallisce con altro.

    vero: gli argomenti della prova come li afferma l’articolo, per nome. falso: una o più alternative
    plausibili; un nome che manca prende il valore di ``vero``. La prova diventa «vero», «falso-1»,
    «falso-2»…: con ``vero`` deve passare, con ogni ``falso`` deve sollevare AssertionError. Gli altri
    argomenti della prova sono fixture. Una tabella senza alternative è un errore alla raccolta.
    """
    casi = [dict(vero), *({**vero, **altro} for altro in _alternative(ident, vero, falso))]

    def decora(prova):
        firma = inspect.signature(prova)
        if assenti := vero.keys() - firma.parameters.keys():
            raise ValueError(f"affermazione «{ident}»: la prova non ha gli argomenti {sorted(assenti)}")

        @functools.wraps(prova)
        def eseguita(caso, **fixture):
            if caso is casi[0]:
                return prova(**caso, **fixture)
            with pytest.raises(AssertionError):
                prova(**caso, **fixture)

        eseguita.affermazione = ident
        fixture = [p for nome, p in firma.parameters.items() if nome not in vero]
        caso = inspect.Parameter("caso", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        eseguita.__signature__ = firma.replace(parameters=[caso, *fixture])
        nomi = ["vero", *(f"falso-{n}" for n in range(1, len(casi)))]
        return pytest.mark.parametrize("caso", casi, ids=nomi)(eseguita)

    return decora


def _alternative(ident, vero, falso):
    if not isinstance(vero, dict) or not vero:
        raise ValueError(f"affermazione «{ident}»: «vero» deve dire che cosa l’articolo afferma, per nome")
    if not falso or isinstance(falso, dict):
        raise ValueError(f"affermazione «{ident}»: «falso» deve essere una lista con almeno un’alternativa")
    for altro in falso:
        if ignoti := altro.keys() - vero.keys():
            raise ValueError(f"affermazione «{ident}»: «falso» nomina {sorted(ignoti)}, che «vero» non ha")
        if all(_uguali(valore, vero[nome]) for nome, valore in altro.items()):
            raise ValueError(f"affermazione «{ident}»: l’alternativa {altro} è uguale al vero")
    return falso


def _uguali(a, b):
    try:
        return a is b or bool(a == b)
    except (RuntimeError, ValueError):  # tensori e matrici: il confronto è elemento per elemento
        return repr(a) == repr(b)
