"""La microlingua: coppie di frasi inglesi e italiane da una grammatica nostra, con allineamento e antecedenti noti.

Ogni frase inglese ha una sola traduzione giusta, e di ogni parola italiana si sa da quali parole inglesi viene:
così l’attenzione si può misurare, non soltanto guardare.
"""

import random
from dataclasses import dataclass
from itertools import count

# inglese, plurale, italiano, plurale, genere, classi: chi agisce (a), chi si indossa (i), si accende (s), si prende (p)
NOUNS = """
girl girls ragazza ragazze f a | boy boys ragazzo ragazzi m a | student students studente studenti m a
actress actresses attrice attrici f a | engineer engineers ingegnere ingegneri m a | aunt aunts zia zie f a
psychologist psychologists psicologo psicologi m a | cat cats gatto gatti m a
house houses casa case f - | tree trees albero alberi m - | mirror mirrors specchio specchi m p
city cities città città f - | island islands isola isole f - | garden gardens giardino giardini m -
book books libro libri m p | key keys chiave chiavi f p | umbrella umbrellas ombrello ombrelli m p
lamp lamps lampada lampade f s | engine engines motore motori m s | radio radios radio radio f s
hat hats cappello cappelli m i | scarf scarves sciarpa sciarpe f i | coat coats cappotto cappotti m i
"""
PARTS = "door porta f | shadow ombra f | name nome m | price prezzo m"
ADJECTIVES = """
red rosso rossa rossi rosse | new nuovo nuova nuovi nuove | white bianco bianca bianchi bianche
small piccolo piccola piccoli piccole | old antico antica antichi antiche | green verde verde verdi verdi
elegant elegante elegante eleganti eleganti | ugly brutto brutta brutti brutte
"""
VERBS = "see sees vede vedono | draw draws disegna disegnano | want wants vuole vogliono | find finds trova trovano"
PHRASALS = """
put puts on indossa indossano i | take takes off toglie tolgono i | turn turns on accende accendono s
turn turns off spegne spengono s | pick picks up raccoglie raccolgono p | put puts down posa posano p
"""
PRONOUN = ["it", "esso", "essa", "essi", "esse"]
NUMBERS = {"two": "due", "three": "tre", "four": "quattro", "five": "cinque", "eight": "otto", "ten": "dieci"}
CONSTRUCTS = (
    "affermazione",
    "negazione",
    "domanda",
    "particella",
    "possessivo",
    "copula",
    "numero",
    "complemento",
    "due complementi",
)
UNSEEN = (frozenset({"domanda", "particella"}), frozenset({"negazione", "possessivo"}), frozenset({"due complementi"}))
"""Gli insiemi di costrutti che l’addestramento non contiene mai insieme."""


@dataclass(frozen=True)
class MicroPair:
    """Una frase con la sua traduzione.

    english, italian: i token; alignment: coppie (posizione inglese, posizione italiana); antecedent: la coppia
    (posizione di «its» o «their», posizione del nome a cui rimanda), o None; nouns: le posizioni dei nomi inglesi
    prima del possessivo, cioè i candidati; constructs: i costrutti della frase, fra CONSTRUCTS.
    """

    english: tuple[str, ...]
    italian: tuple[str, ...]
    alignment: frozenset[tuple[int, int]]
    antecedent: tuple[int, int] | None
    nouns: tuple[int, ...]
    constructs: frozenset[str]


def micro_pairs(n_pairs, seed=0, unseen=None):
    """n_pairs coppie tutte diverse, in ordine casuale; a parità di seme, sempre le stesse.

    unseen: None per le sole frasi di addestramento, senza gli insiemi di costrutti di UNSEEN; altrimenti uno di
    quegli insiemi, e ogni frase lo contiene. Errori: ValueError se n_pairs non è positivo o unseen non è in UNSEEN.
    """
    if not isinstance(n_pairs, int) or n_pairs < 1:
        raise ValueError(f"n_pairs vale {n_pairs!r}: atteso un intero positivo")
    if unseen is not None and unseen not in UNSEEN:
        names = "; ".join(", ".join(sorted(constructs)) for constructs in UNSEEN)
        raise ValueError(f"unseen vale {unseen!r}: atteso None o uno di questi insiemi: {names}")
    wanted = [unseen] if unseen else []
    grammar = Grammar(random.Random(f"{seed}/{unseen and sorted(unseen)}"))
    found = {}
    while len(found) < n_pairs:
        pair = grammar.sentence()
        if [constructs for constructs in UNSEEN if constructs <= pair.constructs] == wanted:
            found.setdefault(pair.english, pair)
    return list(found.values())


def definite_article(feminine, plural, following):
    """L’articolo determinativo davanti alla parola following: il, lo, l’, la, i, gli, le."""
    vowel = starts_with_vowel(following)
    if plural and feminine:
        return "le"
    if plural:
        return "gli" if vowel or needs_lo(following) else "i"
    if vowel:
        return "l’"
    if feminine:
        return "la"
    return "lo" if needs_lo(following) else "il"


def indefinite_article(feminine, following):
    """L’articolo indeterminativo davanti alla parola following: un, uno, una, un’."""
    if feminine:
        return "un’" if starts_with_vowel(following) else "una"
    return "uno" if needs_lo(following) else "un"


def contracted(article):
    """La preposizione «a» con l’articolo: il → al, lo → allo, l’ → all’…"""
    return {"il": "al", "i": "ai", "gli": "agli"}.get(article, f"al{article}")


def starts_with_vowel(word):
    return word[0] in "aeiou"


def needs_lo(word):
    """Le parole davanti a cui «il» e «un» diventano «lo» e «uno»: s impura, z, ps, gn."""
    return word[0] == "z" or word.startswith(("ps", "gn")) or (word[0] == "s" and word[1] not in "aeiou")


class Grammar:
    """Compone le frasi. Ogni parola inglese è (token, nome), ogni parola italiana (token, nomi da cui viene)."""

    def __init__(self, rng):
        self.rng = rng

    def sentence(self):
        """Una frase a caso, MicroPair."""
        self.names = count()
        self.constructs = set()
        self.nouns = []
        mood = self.rng.choice(["affermazione", "affermazione", "negazione", "domanda"])
        self.constructs.add(mood)
        subject = self.noun_phrase(self.noun("a"), complements=self.rng.choice([0, 0, 1, 1, 2]))
        predicate = self.rng.choice([self.copula, *[self.plain_verb] * 2, *[self.phrasal_verb] * 2])
        english, italian, antecedent = predicate(mood, *subject)
        end = "?" if mood == "domanda" else "."
        stop = self.word(end)
        return self.place([*english, stop], [*italian, (end, [stop[1]])], antecedent)

    def place(self, english, italian, antecedent):
        """Dai nomi delle parole alle loro posizioni."""
        where = {name: i for i, (_, name) in enumerate(english)}
        links = frozenset((where[name], j) for j, (_, names) in enumerate(italian) for name in names)
        if antecedent:
            antecedent = where[antecedent[0]], where[antecedent[1]]
        before = len(english) if antecedent is None else antecedent[0]
        nouns = tuple(sorted(where[name] for name in self.nouns if where[name] < before))
        return MicroPair(
            tuple(token for token, _ in english),
            tuple(token for token, _ in italian),
            links,
            antecedent,
            nouns,
            frozenset(self.constructs),
        )

    def word(self, token):
        return token, next(self.names)

    def noun(self, tag=None):
        """Un nome della classe tag; senza tag, uno qualsiasi che non agisce."""
        if tag:
            return self.rng.choice([noun for noun in table(NOUNS) if tag in noun[5]])
        return self.rng.choice([noun for noun in table(NOUNS) if noun[5] != "a"])

    def noun_phrase(self, noun, complements=0):
        """Articolo o numero, aggettivo, nome, complementi: (inglese, italiano, nome, femminile, plurale)."""
        feminine, plural = noun[4] == "f", self.rng.random() < 0.4
        head = self.word(noun[1] if plural else noun[0])
        self.nouns.append(head[1])
        italian_head = noun[3] if plural else noun[2]
        number = self.word(self.rng.choice(list(NUMBERS))) if plural and self.rng.random() < 0.4 else None
        adjective = self.rng.choice(table(ADJECTIVES)) if self.rng.random() < 0.4 else None
        definite = (plural and not number) or self.rng.random() < 0.6
        english_adjective = self.word(adjective[0]) if adjective else None

        english = [w for w in (number, english_adjective, head) if w]
        italian = [(NUMBERS[number[0]], [number[1]])] if number else []
        italian.append((italian_head, [head[1]]))
        if definite:
            article = self.word("the")
            italian = [(definite_article(feminine, plural, italian[0][0]), [article[1]]), *italian]
        elif not plural:
            article = self.word("an" if starts_with_vowel(english[0][0]) else "a")
            italian = [(indefinite_article(feminine, italian_head), [article[1]]), *italian]
        english = [article, *english] if definite or not plural else english
        if adjective:
            italian.append((agree(adjective, feminine, plural), [english_adjective[1]]))
        for _ in range(complements):
            more_english, more_italian = self.complement()
            english, italian = english + more_english, italian + more_italian
        if number:
            self.constructs.add("numero")
        if complements:
            self.constructs.add("due complementi" if complements == 2 else "complemento")
        return english, italian, head[1], feminine, plural

    def complement(self):
        """«near the…» o «behind the…», con la preposizione articolata in italiano."""
        noun = self.noun()
        preposition, the, head = self.word(self.rng.choice(["near", "behind"])), self.word("the"), self.word(noun[0])
        self.nouns.append(head[1])
        article = definite_article(noun[4] == "f", False, noun[2])
        near = preposition[0] == "near"
        italian = [
            ("vicino" if near else "dietro", [preposition[1]]),
            (contracted(article), [preposition[1], the[1]]) if near else (article, [the[1]]),
            (noun[2], [head[1]]),
        ]
        return [preposition, the, head], italian

    def copula(self, mood, english, italian, _, feminine, plural):
        """«the houses near the tree are red»: l’aggettivo concorda col soggetto, anche da lontano."""
        self.constructs.add("copula")
        adjective = self.rng.choice(table(ADJECTIVES))
        be, predicate = self.word("are" if plural else "is"), self.word(adjective[0])
        verb = ("sono" if plural else "è", [be[1]])
        agreed = (agree(adjective, feminine, plural), [predicate[1]])
        if mood == "domanda":
            return [be, *english, predicate], [*italian, verb, agreed], None
        if mood == "negazione":
            no = self.word("not")
            return [*english, be, no, predicate], [*italian, ("non", [no[1]]), verb, agreed], None
        return [*english, be, predicate], [*italian, verb, agreed], None

    def plain_verb(self, mood, english, italian, _, feminine, plural):
        """Soggetto, verbo, complemento oggetto, e a volte «and its…», che rimanda all’oggetto."""
        base, third, singular_it, plural_it = self.rng.choice(table(VERBS))
        helper, verb, verb_it = self.verb(mood, plural, base, third, plural_it if plural else singular_it)
        thing = self.noun()
        object_en, object_it, head, object_f, object_pl = self.noun_phrase(thing, self.rng.choice([0, 0, 1]))
        antecedent = None
        if not (plural and object_pl) and self.rng.random() < 0.6:  # «their» di due plurali sarebbe ambiguo
            self.constructs.add("possessivo")
            more_en, more_it, its = self.possessive(object_f, object_pl)
            more_it[-1] = (more_it[-1][0], [its, head])  # «essa» viene da «its» e dal suo antecedente
            object_en, object_it, antecedent = object_en + more_en, object_it + more_it, (its, head)
        return [*self.order(mood, english, helper), verb, *object_en], [*italian, *verb_it, *object_it], antecedent

    def possessive(self, feminine, plural):
        """«and its door» → «e la porta di essa»: il pronome concorda con l’antecedente, non con la cosa posseduta."""
        part = self.rng.choice(table(PARTS))
        conjunction, its, head = self.word("and"), self.word("their" if plural else "its"), self.word(part[0])
        pronoun = agree(PRONOUN, feminine, plural)
        article = definite_article(part[2] == "f", False, part[1])
        italian = [
            ("e", [conjunction[1]]),
            (article, [its[1]]),
            (part[1], [head[1]]),
            ("di", [its[1]]),
            (pronoun, [its[1]]),
        ]
        return [conjunction, its, head], italian, its[1]

    def phrasal_verb(self, mood, english, italian, _, feminine, plural):
        """«turns the red lamp off» → «spegne la lampada rossa»: il verbo si sa solo dalla particella in fondo."""
        self.constructs.add("particella")
        base, third, particle, singular_it, plural_it, tag = self.rng.choice(table(PHRASALS))
        helper, verb, verb_it = self.verb(mood, plural, base, third, plural_it if plural else singular_it)
        object_en, object_it, *_ = self.noun_phrase(self.noun(tag), self.rng.choice([0, 0, 1]))
        last = self.word(particle)
        verb_it[-1] = (verb_it[-1][0], [verb[1], last[1]])
        return [*self.order(mood, english, helper), verb, *object_en, last], [*italian, *verb_it, *object_it], None

    def verb(self, mood, plural, base, third, italian):
        """(ausiliare e negazione inglesi, verbo inglese, verbo italiano con l’eventuale «non»)."""
        if mood == "affermazione":
            verb = self.word(base if plural else third)
            return [], verb, [(italian, [verb[1]])]
        verb, helper = self.word(base), [self.word("do" if plural else "does")]
        if mood == "domanda":
            return helper, verb, [(italian, [verb[1]])]
        helper.append(self.word("not"))
        return helper, verb, [("non", [helper[1][1]]), (italian, [verb[1]])]

    def order(self, mood, subject, helper):
        return [*helper, *subject] if mood == "domanda" else [*subject, *helper]


def agree(adjective, feminine, plural):
    """La forma italiana dell’aggettivo, o del pronome, per genere e numero."""
    _, masculine, feminine_form, masculine_plural, feminine_plural = adjective
    if plural:
        return feminine_plural if feminine else masculine_plural
    return feminine_form if feminine else masculine


def table(text):
    """Le righe di una tabella di parole: un elenco di elenchi."""
    return [row.split() for line in text.strip().splitlines() for row in line.split("|")]
