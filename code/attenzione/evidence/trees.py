"""Gli alberi scritti come sequenze, §6.3, alla maniera di Vinyals e Kaiser, e la F1 sulle parentesi.

Un albero è una tupla (etichetta, figlio, figlio…); un figlio è un altro albero, un gruppo, o una parola. Nella
sequenza un gruppo si apre con «(NP» e si chiude con «)NP», e ogni parola è lo stesso segno, «XX»: le parole le
sa già l’ingresso.
"""

from collections import Counter

WORD = "XX"


def words(tree):
    """Le parole dell’albero, da sinistra a destra."""
    return [tree] if isinstance(tree, str) else [word for child in tree[1:] for word in words(child)]


def linearize(tree):
    """La sequenza di un albero: parole + 2 · gruppi token."""
    if isinstance(tree, str):
        return [WORD]
    label, *children = tree
    return [f"({label}", *(token for child in children for token in linearize(child)), f"){label}"]


def parse(tokens, words):
    """L’albero scritto nella sequenza tokens, con le parole words al posto dei segni «XX».

    Errori: ValueError se la sequenza non è un albero solo: una parentesi di troppo, di meno o con un’altra
    etichetta, un gruppo vuoto, una parola fuori da ogni gruppo, un numero di parole diverso da quello di words.
    """
    words, stack = iter(words), [[None]]
    for i, token in enumerate(tokens):
        if token.startswith("("):
            stack.append([token[1:]])
        elif token == WORD:
            stack[-1].append(next(words, None))
            if len(stack) == 1 or stack[-1][-1] is None:
                raise ValueError(f"tokens[{i}] vale «{token}»: attesa una parola in meno, o dentro un gruppo")
        else:
            if token != f"){stack[-1][0]}" or len(stack[-1]) == 1:
                raise ValueError(f"tokens[{i}] vale «{token}»: attesa la chiusura di un gruppo non vuoto")
            closed = tuple(stack.pop())
            stack[-1].append(closed)
    if len(stack) > 1 or len(stack[0]) != 2 or next(words, None) is not None:
        raise ValueError("tokens non è un albero intero: atteso un solo gruppo chiuso, con tutte le parole")
    return stack[0][1]


def brackets(tree, start=0):
    """I gruppi dell’albero, contati: Counter di (etichetta, prima parola, parola dopo l’ultima)."""
    end, found = start, Counter()
    for child in tree[1:]:
        if not isinstance(child, str):
            found += brackets(child, end)
        end += len(words(child))
    found[tree[0], start, end] += 1
    return found


def bracket_f1(predicted, gold):
    """La F1, da 0 a 100, dei gruppi di predicted rispetto a gold, due elenchi di alberi della stessa lunghezza.

    I gruppi di tutte le frasi si contano insieme. La precisione è la parte giusta di quelli trovati, il
    richiamo la parte trovata di quelli giusti; la F1 è la loro media armonica.
    Errori: ValueError se gli elenchi sono vuoti o di lunghezza diversa, o una coppia ha parole diverse.
    """
    if not gold or len(predicted) != len(gold):
        raise ValueError(f"predicted ha {len(predicted)} alberi e gold {len(gold)}: attesi altrettanti, almeno uno")
    right = total = 0
    for i, (p, g) in enumerate(zip(predicted, gold, strict=True)):
        if words(p) != words(g):
            raise ValueError(f"predicted[{i}] ha parole diverse da gold[{i}]: attese le stesse")
        p, g = brackets(p), brackets(g)
        right, total = right + (p & g).total(), total + p.total() + g.total()
    return 100 * 2 * right / total
