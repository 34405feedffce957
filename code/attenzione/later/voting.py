"""Più risposte alla stessa domanda: la maggioranza, la verifica, e le loro probabilità esatte (Wang e altri, 2022)."""

import math

import torch

from attenzione.config import check_positive_integer


def majority(answers, n_answers=10):
    """La risposta più frequente di ogni colonna: (B,) da (N, B), interi da 0 a n_answers − 1.

    A parità vince la più piccola.
    """
    counts = torch.nn.functional.one_hot(answers, n_answers).sum(dim=0)  # (B, n_answers)
    return counts.argmax(dim=-1)


def majority_probability(p, n, n_wrong=9):
    """Con che probabilità la più frequente di n risposte è quella giusta, se ciascuna lo è con probabilità p.

    Le risposte sono indipendenti, e gli sbagli tutti ugualmente probabili fra n_wrong; a parità si estrae a sorte. È la
    somma, sul numero k di risposte giuste, della probabilità che nessuna sbagliata ne abbia di più: si conta con le
    funzioni generatrici. Con n_wrong = 1 è il teorema della giuria di Condorcet.
    Errori: ValueError se p non è fra 0 e 1, o una grandezza non è un intero positivo.
    """
    check_positive_integer("n", n)
    check_positive_integer("n_wrong", n_wrong)
    if not 0 <= p <= 1:
        raise ValueError(f"p vale {p}: atteso fra 0 e 1")
    q, total = (1 - p) / n_wrong, 0.0
    for k in range(1, n + 1):
        below = [q**j / math.factorial(j) for j in range(k)]  # una sbagliata, meno di k volte
        for tied in range(min(n_wrong, (n - k) // k) + 1):  # quante sbagliate ne hanno proprio k
            left = n - k - tied * k
            rest = power(below, n_wrong - tied, left)
            ways = math.comb(n_wrong, tied) * (q**k / math.factorial(k)) ** tied * rest * p**k / math.factorial(k)
            total += math.factorial(n) * ways / (tied + 1)
    return total


def power(coefficients, exponent, degree):
    """Il coefficiente di grado degree del polinomio elevato a exponent; i coefficienti dal grado 0."""
    result = [1.0] + [0.0] * degree
    for _ in range(exponent):
        result = [
            sum(coefficients[j] * result[i - j] for j in range(min(i + 1, len(coefficients))))
            for i in range(degree + 1)
        ]
    return result[degree]


def one_right_probability(p, n):
    """Con che probabilità almeno una di n risposte indipendenti è giusta: ciò che ottiene chi sa riconoscerla."""
    check_positive_integer("n", n)
    return 1 - (1 - p) ** n
