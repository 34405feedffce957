"""Il decoratore che lega una prova alla voce del registro, e pretende che la prova decida.

@affermazione("proprieta-autoregressiva", vero={"spostamento": 0}, falso=[{"spostamento": 1}])
def test_…(spostamento):
    …                       # si prepara: un assert che cade qui è un guasto della prova
    with premessa:
        assert …            # ciò che l’alternativa ha in comune col vero: se manca, cadrebbe per un’altra ragione
    with tesi:
        assert …            # ciò che l’articolo afferma
    with invece:
        assert …            # se dà torto all’articolo: ciò che la voce dice al suo posto, numeri compresi
"""

import functools
import inspect
import statistics
from contextlib import nullcontext

import pytest


class Smentita(AssertionError):  # noqa: N818  (è il nome della cosa)
    """La tesi è falsa: l’assert che enuncia l’affermazione non regge."""


class Posto:
    """Un posto per gli assert di una prova, che conta quante volte ci si passa."""

    def __init__(self):
        self.volte = 0

    def __enter__(self):
        self.volte += 1

    def __exit__(self, tipo, errore, traccia):
        pass


class Tesi(Posto):
    """Il posto dell’assert che enuncia l’affermazione: lì dentro, e solo lì, un caso falso deve cadere."""

    def __exit__(self, tipo, errore, traccia):
        if tipo is not None and issubclass(tipo, AssertionError):
            raise Smentita(str(errore)) from errore


class Premessa(Posto):
    """Ciò che il vero e i falsi hanno in comune; ai controlli, che sono senza speranza, non si chiede."""

    chiesta = True

    def __exit__(self, tipo, errore, traccia):
        return not self.chiesta and tipo is not None and issubclass(tipo, AssertionError)


tesi, premessa, invece = Tesi(), Premessa(), Posto()


def affermazione(ident, *, vero, falso, controllo=(), semi=None):
    """La prova dell’affermazione ``ident``: passa con ciò che l’articolo dice, fallisce con altro.

    vero: gli argomenti della prova come li afferma l’articolo, per nome. falso: una o più alternative
    plausibili; un nome che manca prende il valore di ``vero``. La prova diventa «vero», «falso-1»,
    «falso-2»…: con ``vero`` deve passare per la tesi e reggere, con ogni ``falso`` deve cadere sulla tesi.

    Una replica dichiara anche ``semi``, tre o più, che la prova riceve con quel nome, e ``controllo``: una o
    più varianti senza speranza (non addestrata, a caso), in cui il risultato non ci può essere: «controllo-1»… devono
    cadere sulla tesi come i falsi. Una replica ha una premessa, e «vero» e ogni «falso» la passano: chi cade, per
    esempio, qualcosa ha imparato. Gli altri argomenti della prova sono fixture. Una tabella che non può decidere è un
    errore alla raccolta.
    """
    _controlla_la_replica(ident, controllo, semi)
    if semi is not None:
        vero = {**vero, "semi": tuple(semi)} if vero else vero
    casi = {"vero": dict(vero)}
    for nome, varianti in (("falso", falso), ("controllo", controllo)):
        if nome == "falso" or varianti:
            varianti = _alternative(ident, nome, vero, varianti)
            casi |= {f"{nome}-{n}": {**vero, **altro} for n, altro in enumerate(varianti, 1)}

    def decora(prova):
        firma = inspect.signature(prova)
        if assenti := vero.keys() - firma.parameters.keys():
            raise ValueError(f"affermazione «{ident}»: la prova non ha gli argomenti {sorted(assenti)}")

        @functools.wraps(prova)
        def eseguita(caso, **fixture):
            vero = caso is casi["vero"]
            da_passare = {"tesi": tesi} | ({"invece": invece} if vero and "invece" in prova.__code__.co_names else {})
            premessa.chiesta = not any(caso is casi[nome] for nome in casi if nome.startswith("controllo"))
            if semi is not None and premessa.chiesta:
                da_passare["premessa"] = premessa
            passate = {nome: posto.volte for nome, posto in da_passare.items()}
            with nullcontext() if vero else pytest.raises(Smentita):
                prova(**caso, **fixture)
            for nome, posto in da_passare.items():
                if posto.volte == passate[nome]:
                    pytest.fail(f"affermazione «{ident}»: la prova non passa dal suo posto (with {nome}: assert …)")

        eseguita.affermazione = ident
        fixture = [p for nome, p in firma.parameters.items() if nome not in vero]
        caso = inspect.Parameter("caso", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        eseguita.__signature__ = firma.replace(parameters=[caso, *fixture])
        return pytest.mark.parametrize("caso", list(casi.values()), ids=list(casi))(eseguita)

    return decora


def distacco(maggiori, minori):
    """Di quanto ``maggiori`` supera ``minori``, in unità di quanto oscillano: due esecuzioni per seme, appaiate.

    La media delle differenze divisa per il loro scarto tipo: con tre semi e nessun effetto supera 2 meno di
    quattro volte su cento. Errori: ValueError se i valori non sono almeno tre e altrettanti.
    """
    if len(maggiori) != len(minori) or len(maggiori) < 3:
        raise ValueError(f"distacco: {len(maggiori)} e {len(minori)} valori: attesi altrettanti, almeno tre")
    differenze = [a - b for a, b in zip(maggiori, minori, strict=True)]
    return statistics.mean(differenze) / max(statistics.stdev(differenze), 1e-12)


def _controlla_la_replica(ident, controllo, semi):
    if (semi is None) != (not controllo):
        raise ValueError(f"affermazione «{ident}»: una replica dichiara «semi» e «controllo», tutti e due")
    if semi is not None and len(set(semi)) < 3:
        raise ValueError(f"affermazione «{ident}»: semi vale {semi}: attesi almeno tre semi diversi")


def _alternative(ident, nome, vero, varianti):
    if not isinstance(vero, dict) or not vero:
        raise ValueError(f"affermazione «{ident}»: «vero» deve dire che cosa l’articolo afferma, per nome")
    if not varianti or isinstance(varianti, dict):
        raise ValueError(f"affermazione «{ident}»: «{nome}» deve essere una lista con almeno un’alternativa")
    for altro in varianti:
        if ignoti := altro.keys() - vero.keys():
            raise ValueError(f"affermazione «{ident}»: «{nome}» nomina {sorted(ignoti)}, che «vero» non ha")
        if all(_uguali(valore, vero[voce]) for voce, valore in altro.items()):
            raise ValueError(f"affermazione «{ident}»: l’alternativa {altro} è uguale al vero")
    return varianti


def _uguali(a, b):
    try:
        return a is b or bool(a == b)
    except (RuntimeError, ValueError):  # tensori e matrici: il confronto è elemento per elemento
        return repr(a) == repr(b)
