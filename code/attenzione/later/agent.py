"""Un ciclo che osserva, progetta e agisce con degli strumenti (ReAct: Yao e altri, 2022).

Chi decide, policy, riceve il testo scritto fin lì e rende due righe: il pensiero e l’azione. L’azione è una chiamata a
uno strumento; ciò che lo strumento risponde si aggiunge al testo, come osservazione, e il giro ricomincia. Il ciclo non
sa che cosa ci sia dentro policy: un modello linguistico, o poche regole.
"""

import operator
import re

from attenzione.config import check_positive_integer

ACTION = re.compile(r"(\w+)\[(.*)\]", re.S)
FINISH = "rispondi"
OPERATIONS = {"+": operator.add, "-": operator.sub, "−": operator.sub, "*": operator.mul, "×": operator.mul}
CALCULATION = re.compile(r"\s*(-?\d+)\s*([-+*×−])\s*(-?\d+)\s*")


def calculate(text):
    """Una calcolatrice: un’operazione sola fra due interi, somma, differenza o prodotto. Rende un testo.

    Errori: ValueError se il testo non è un’operazione.
    """
    found = CALCULATION.fullmatch(text)
    if not found:
        raise ValueError(f"l’operazione vale «{text}»: attesi due interi con +, − o × in mezzo")
    a, sign, b = found.groups()
    return str(OPERATIONS[sign](int(a), int(b)))


def act(action, tools):
    """Esegue un’azione, «strumento[argomento]», e rende l’osservazione.

    Lo sbaglio di chi ha chiesto non ferma il ciclo: diventa un’osservazione, che comincia con «errore:».
    """
    found = ACTION.fullmatch(action)
    if not found or found[1] not in tools:
        return f"errore: l’azione vale «{action}»: attesa una fra {', '.join(f'{name}[…]' for name in tools)}"
    try:
        return tools[found[1]](found[2])
    except ValueError as error:
        return f"errore: {error}"


def run(policy, question, tools, max_turns=10):
    """Il ciclo. Rende la risposta, None se non è arrivata in max_turns giri, e il testo di tutto ciò che è successo.

    policy: da (domanda, giri) a (pensiero, azione), dove giri è un elenco di terne (pensiero, azione, osservazione);
    tools: da un nome a una funzione da testo a testo, che solleva ValueError se l’argomento non va. L’azione
    «rispondi[…]» finisce. Errori: ValueError se max_turns non è un intero positivo.
    """
    check_positive_integer("max_turns", max_turns)
    turns, answer = [], None
    while answer is None and len(turns) < max_turns:
        thought, action = policy(question, turns)
        found = ACTION.fullmatch(action)
        if found and found[1] == FINISH:
            answer, observation = found[2], ""
        else:
            observation = act(action, tools)
        turns.append((thought, action, observation))
    return answer, transcript(question, turns)


def transcript(question, turns):
    """Il testo che policy ha davanti, e che chi controlla può leggere."""
    lines = [f"Domanda: {question}"]
    for thought, action, observation in turns:
        lines += [f"  penso:   {thought}", f"  agisco:  {action}"]
        if observation:
            lines.append(f"  osservo: {observation}")
    return "\n".join(lines)
