"""Relazioni linguistiche semplici, annotate a mano, contro cui mettere alla prova ogni testa dell’encoder.

Le frasi sono nostre, nello stile del corpus: minuscole, con la punteggiatura staccata. La query è il primo pezzo della
parola che guarda; la risposta è giusta se il peso più grande cade su un pezzo qualunque della parola attesa.
"""

from dataclasses import dataclass

import torch

from attenzione.evidence.heads import Example, chance_accuracy, head_accuracy
from attenzione.evidence.words import split_words, word_attention

# frase | verbo:soggetto | verbo:parola lontana che ne completa il senso | i nomi prima di «its», con
# l’asterisco quello a cui rimanda
SENTENCES = """
the commission must defend the citizens with its policy . | defend:commission | | commission* citizens
the members support the commission and its proposal . | support:members | | members commission*
parliament gave the regions its full support . | gave:parliament | | parliament* regions
the citizens no longer trust the union and its institutions . | trust:citizens | | citizens union*
the council rejected the amendments in its first reading . | rejected:council | | council* amendments
the groups welcome the report and its conclusions . | welcome:groups | | groups report*
the union protects consumers through its laws . | protects:union | | union* consumers
the ministers discussed the treaty and its consequences . | discussed:ministers | | ministers treaty*
the bank supported small companies with its loans . | supported:bank | | bank* companies
the governments signed the agreement despite its weaknesses . | signed:governments | | governments agreement*
my group will vote for the amendments in its own name . | vote:group | | group* amendments
many people know the problem but not its causes . | know:people | | people problem*
europe must offer the farmers its help . | offer:europe | | europe* farmers
the members adopted the budget with all its faults . | adopted:members | | members budget*
the court informed the governments of its decision . | informed:court | | court* governments
the experts studied the programme and its results . | studied:experts | | experts programme*
this country treats the refugees according to its constitution . | treats:country | | country* refugees
the farmers fear the reform and its costs . | fear:farmers | | farmers reform*
the parliament asked the states to respect its decisions . | asked:parliament | | parliament* states
the judges know that the law is not perfect , but its application must be fair . | know:judges | | judges law*
the new rules are making the work of small companies more difficult . | making:rules | making:difficult |
we must take the interests of all citizens into account . | take:we | take:account |
the report makes the role of the council very clear . | makes:report | makes:clear |
the agreement will make a common policy possible . | make:agreement | make:possible |
the commission has not taken the position of parliament into account . | taken:commission | taken:account |
we should keep the needs of the poorest regions in mind . | keep:we | keep:mind |
this directive puts the principle of equality into practice . | puts:directive | puts:practice |
the crisis made the single market more necessary . | made:crisis | made:necessary |
the member states must bring their laws into line . | bring:states | bring:line |
such measures would render the whole procedure useless . | render:measures | render:useless |
the president of the commission found the text of the council unacceptable . | found:president | found:unacceptable |
the parties in this house want to turn the proposal into law . | want:parties | turn:law |
"""
RELATIONS = {
    "prima": "ogni parola → quella subito prima",
    "dopo": "ogni parola → quella subito dopo",
    "sé": "ogni parola → sé stessa",
    "soggetto": "verbo → il suo soggetto",
    "lontana": "verbo → la parola lontana che ne completa il senso",
    "its": "its → il nome a cui rimanda, fra tutte le parole",
    "its fra i nomi": "its → il nome a cui rimanda, fra i soli nomi che lo precedono",
}


@dataclass(frozen=True)
class Annotated:
    """Una frase con le sue relazioni: links va dal nome della relazione alle coppie (chi guarda, parola attesa).

    nouns: le posizioni dei nomi prima di «its», i candidati; vuota senza «its».
    """

    words: tuple[str, ...]
    links: dict[str, tuple[tuple[int, int], ...]]
    nouns: tuple[int, ...]


def read_sentences(text=SENTENCES):
    """Le frasi annotate di un testo come SENTENCES. Errori: ValueError se una parola annotata non è una sola volta."""
    return [_read_line(line) for line in text.strip().splitlines()]


def _read_line(line):
    fields = [field.strip() for field in line.split("|")]
    words = tuple(fields[0].split())

    def place(word):
        if words.count(word) != 1:
            raise ValueError(f"«{word}» è {words.count(word)} volte in «{fields[0]}»: attesa una volta sola")
        return words.index(word)

    n, names = len(words), fields[3].split()
    links = {
        "prima": [(i, i - 1) for i in range(1, n)],
        "dopo": [(i, i + 1) for i in range(n - 1)],
        "sé": [(i, i) for i in range(n)],
        "soggetto": [tuple(map(place, pair.split(":"))) for pair in fields[1].split()],
        "lontana": [tuple(map(place, pair.split(":"))) for pair in fields[2].split()],
        "its": [(place("its"), place(name[:-1])) for name in names if name.endswith("*")],
    }
    links["its fra i nomi"] = links["its"]
    nouns = tuple(sorted(place(name.rstrip("*")) for name in names))
    return Annotated(words, {name: tuple(pairs) for name, pairs in links.items()}, nouns)


def halves(sentences):
    """Due metà: su una si sceglie la testa, sull’altra la si misura. Due frasi di qua e due di là, fino in fondo.

    Non una sì e una no: nelle frasi con «its» il nome giusto è, alternandosi, il primo e il più vicino.
    """
    first = [s for i, s in enumerate(sentences) if i % 4 < 2]
    second = [s for i, s in enumerate(sentences) if i % 4 >= 2]
    return first, second


def relation_examples(tokenizer, sentences, relation):
    """Gli esempi di una relazione, per head_accuracy: dalle parole ai pezzi; le frasi senza la relazione si saltano.

    Errori: ValueError se relation non è fra RELATIONS, o se il tokenizer divide le parole in un altro modo.
    """
    if relation not in RELATIONS:
        raise ValueError(f"relation vale «{relation}»: atteso uno fra {', '.join(RELATIONS)}")
    examples = []
    for sentence in sentences:
        if not sentence.links[relation]:
            continue
        ids, words, groups = split_words(tokenizer, " ".join(sentence.words))
        if tuple(words) != sentence.words:
            raise ValueError(f"il tokenizer divide «{' '.join(sentence.words)}» in {words}: attese le stesse parole")
        links = {groups[query][0]: frozenset(groups[key]) for query, key in sentence.links[relation]}
        among = [piece for noun in sentence.nouns for piece in groups[noun]]
        examples.append(Example(ids, [], links, tuple(among) if relation == "its fra i nomi" else None))
    return examples


def scan_heads(model, tokenizer, sentences):
    """Il punteggio di tutte le teste dell’encoder su tutte le relazioni: dal nome a una matrice (n_layers, h)."""
    return {name: head_accuracy(model, relation_examples(tokenizer, sentences, name)) for name in RELATIONS}


def mean_weights(model, tokenizer, sentences, relation):
    """Il peso che ogni testa dell’encoder dà, in media, alla parola attesa: (n_layers, h). Sceglie anche a parità."""
    found = [
        word_attention(model, tokenizer, " ".join(sentence.words))["encoder"][0][:, :, query, key]  # (N, h)
        for sentence in sentences
        for query, key in sentence.links[relation]
    ]
    return torch.stack(found).mean(dim=0)


def chance(tokenizer, sentences):
    """Per ogni relazione la frazione che si indovina scegliendo una chiave a caso."""
    return {name: chance_accuracy(relation_examples(tokenizer, sentences, name)) for name in RELATIONS}


def trivial(sentences, rule=lambda sentence, query: query - 1):
    """Per ogni relazione la frazione che indovina una regola banale: se non altra, «la parola prima».

    rule: da una frase annotata e dalla posizione che guarda alla posizione scelta.
    """
    fractions = {}
    for name in RELATIONS:
        right = [rule(s, query) == key for s in sentences for query, key in s.links[name]]
        fractions[name] = sum(right) / len(right)
    return fractions


def nearest_noun(sentence, query):
    """La regola banale per «its»: il nome più vicino fra quelli che lo precedono; None dove non ce ne sono."""
    return max(sentence.nouns, default=None)


def best_head(scores):
    """La testa (strato, testa), contati da 0, col punteggio più alto; a parità, la prima. scores: (n_layers, h)."""
    return divmod(int(torch.argmax(scores.flatten())), scores.size(1))
