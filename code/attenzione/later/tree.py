"""L’albero dei pensieri (Yao e altri, 2023) sul gioco del 24: quattro numeri, tre operazioni, arrivare a 24.

Uno stato sono i numeri che restano; un passo ne prende due e vi mette il risultato di un’operazione. Si va avanti
tenendo i width stati che un giudice trova più promettenti: con uno solo è una catena di passi, con tutti è la ricerca
completa.
"""

from fractions import Fraction
from itertools import combinations

from attenzione.config import check_positive_integer

GOAL = 24


def operations(a, b):
    """I risultati che si hanno da due numeri, in ogni verso: coppie (come si scrive, quanto fa)."""
    yield f"{a} + {b}", a + b
    yield f"{a} × {b}", a * b
    for x, y in ((a, b), (b, a)):
        yield f"{x} − {y}", x - y
        if y:
            yield f"{x} : {y}", x / y


def moves(state):
    """Gli stati che seguono: coppie (l’operazione fatta, lo stato nuovo). state: numeri in ordine crescente."""
    for i, j in combinations(range(len(state)), 2):
        rest = [x for k, x in enumerate(state) if k not in (i, j)]
        for step, result in operations(state[i], state[j]):
            yield step, tuple(sorted([*rest, result]))


def closeness(state):
    """Un giudice che guarda un passo avanti: quanto manca a 24, col segno meno, dopo l’operazione migliore fra due."""
    if len(state) == 1:
        return -abs(GOAL - state[0])
    return max(-abs(GOAL - result) for a, b in combinations(state, 2) for _, result in operations(a, b))


def search(numbers, width, judge=closeness):
    """I passi che portano a 24, o None; e quanti stati si sono dovuti giudicare: (passi, stati).

    A ogni passo si tengono i width stati che il giudice mette più in alto; a parità, nell’ordine in cui si trovano.
    Errori: ValueError se width non è un intero positivo.
    """
    check_positive_integer("width", width)
    states, judged = {tuple(sorted(map(Fraction, numbers))): ()}, 0
    for _ in range(len(numbers) - 1):
        found = {}
        for state, steps in states.items():
            for step, after in moves(state):
                found.setdefault(after, (*steps, step))
        judged += len(found)
        kept = sorted(found, key=judge, reverse=True)[:width]
        states = {state: found[state] for state in kept}
    return states.get((GOAL,)), judged
