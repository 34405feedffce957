"""Cercare fra i brani di un libro: vettori dalle parole, i vicini esatti, i vicini con iperpiani a caso.

Un brano è un vettore con una componente per parola: quante volte vi compare, pesata con quanto la parola è rara (Spärck
Jones, 1972). La somiglianza è il coseno. Gli iperpiani (Charikar, 2002) danno a ogni vettore poche cifre binarie,
uguali tanto più spesso quanto più piccolo è l’angolo: si confrontano soltanto i vettori con le stesse cifre.
"""

import json
import math
import re
from collections import Counter
from pathlib import Path

import torch

from attenzione.config import check_positive_integer

PASSAGES = Path(__file__).with_name("brani.json")
WORD = re.compile(r"\w+")
STEM = 6

QUESTIONS = (
    (
        "Perché i punteggi si dividono per la radice di d_k?",
        "(?:radice|√).{0,200}(?:varianza|satur)|(?:varianza|satur).{0,200}(?:radice|√)",
    ),
    ("A che cosa serve la maschera causale?", "posizioni successive|dopo di sé|futur"),
    (
        "Che cosa succede ai token PAD nella softmax?",
        "(?:PAD|riempimento).{0,160}maschera|maschera.{0,160}(?:PAD|riempimento)",
    ),
    ("Quanto dura l’addestramento del modello base?", "12 ore"),
    ("Perché si usano seni e coseni per la posizione?", "rotazion|si ruota|ruotat"),
    ("Che differenza c’è fra una LSTM e una GRU?", "due gate|tre blocchi"),
    ("Che cos’è una testa di induzione?", "già comparso|già comparsa"),
    ("Come funziona la beam search?", "più frasi parziali"),
    ("Che cosa misura il BLEU?", "n-grammi|gruppi di una, due"),
    ("Perché il tasso di apprendimento all’inizio cresce?", "(?:warmup|tasso).{0,200}(?:Adam|instabil)"),
    ("Quanti byte occupa la cache delle chiavi e dei valori?", "numeri di due byte|KiB|MiB"),
    ("Che cosa fa il label smoothing alla perplessità?", "peggiora la perplessità|la perplessità peggiora"),
    ("Che cosa sono le connessioni residuali?", "omma dell’ingresso|vi somma"),
    ("I pesi di attenzione spiegano la risposta?", "indizio|non è una spiegazione"),
    ("Che cosa vuol dire che Mamba è selettivo?", "dipendono dall’ingresso"),
    ("Come si tagliano le parole in sottoparole?", "fusioni|coppia più frequente"),
    ("Chi ha inventato l’attenzione prima del Transformer?", "Bahdanau"),
    ("Perché una scheda grafica è più veloce?", "prodotti fra matrici"),
    ("Su quali dati è stato addestrato il traduttore del libro?", "Europarl|Parlamento europeo"),
    ("Posso stampare il libro in caratteri grandi?", "caratteri grandi"),
)
"""Venti domande, e un’espressione regolare che riconosce, fra i brani che si trovano, quelli che rispondono."""


def load_passages(path=PASSAGES):
    """I brani del libro: dizionari con «pagina», «titolo», «testo». Li scrive `python -m lettore.brani`.

    OSError se il file manca.
    """
    return json.loads(Path(path).read_text("utf-8"))


def words(text):
    """Le parole di un testo, minuscole, ciascuna con le sole prime STEM lettere: «attenzione» e «attenzioni» sono una.

    Una lettera sola non conta.
    """
    return [word[:STEM] for word in WORD.findall(text.lower()) if len(word) > 1]


class Index:
    """I vettori dei brani, e la ricerca esatta.

    texts: elenco di testi. Ogni componente è (1 + ln conto) · ln(N / df), con N testi e df quelli che hanno la parola;
    poi il vettore si divide per la sua lunghezza. vectors: (N, parole); vocabulary: da ogni parola alla sua colonna.
    Errori: ValueError se texts è vuoto, o nessun testo ha parole.
    """

    def __init__(self, texts):
        counts = [Counter(words(text)) for text in texts]
        df = Counter(word for count in counts for word in count)
        if not df:
            raise ValueError(f"texts ha {len(counts)} testi e nessuna parola: attesa almeno una parola")
        self.vocabulary = {word: column for column, word in enumerate(sorted(df))}
        self.idf = torch.tensor([math.log(len(counts) / df[word]) for word in self.vocabulary])
        self.vectors = torch.stack([self.weigh(count) for count in counts])  # (N, parole)

    def weigh(self, count):
        vector = torch.zeros(len(self.vocabulary))
        for word, times in count.items():
            if word in self.vocabulary:
                vector[self.vocabulary[word]] = 1 + math.log(times)
        return unit(vector * self.idf)

    def encode(self, text):
        """Il vettore di un testo qualsiasi: (parole,). Le parole mai viste non contano; tutto zero se non ne resta."""
        return self.weigh(Counter(words(text)))

    def search(self, text, k=3):
        """I k brani più simili: coppie (coseno, numero del brano), dal più simile."""
        return nearest(self.vectors, self.encode(text), k)


def unit(x):
    """x diviso per la sua lunghezza, (..., d); il vettore nullo resta nullo."""
    return x / x.norm(dim=-1, keepdim=True).clamp(min=1e-12)


def nearest(vectors, query, k):
    """I k vettori col prodotto scalare più grande: coppie (prodotto, riga). vectors: (N, d); query: (d,)."""
    check_positive_integer("k", k)
    found = (vectors @ query).topk(min(k, len(vectors)))
    return list(zip(found.values.tolist(), found.indices.tolist(), strict=True))


class HyperplaneIndex:
    """Iperpiani a caso: n_tables tavole, in ciascuna i vettori raggruppati secondo n_bits cifre.

    La cifra è 1 se il vettore sta dalla parte positiva dell’iperpiano. Candidati sono i vettori che hanno le stesse
    cifre della query in almeno una tavola; fra loro si cerca esattamente. vectors: (N, d).
    Errori: ValueError se una grandezza non è un intero positivo, o n_bits supera 62.
    """

    def __init__(self, vectors, n_bits, n_tables, generator=None):
        check_positive_integer("n_bits", n_bits)
        check_positive_integer("n_tables", n_tables)
        if n_bits > 62:
            raise ValueError(f"n_bits vale {n_bits}: atteso al più 62, quante cifre stanno in un intero")
        self.vectors = vectors
        self.normals = torch.randn(n_tables, n_bits, vectors.size(1), generator=generator, dtype=vectors.dtype)
        self.powers = 2 ** torch.arange(n_bits)
        self.tables = []
        for codes in self.codes(vectors).T.tolist():
            table = {}
            for row, code in enumerate(codes):
                table.setdefault(code, []).append(row)
            self.tables.append(table)

    def codes(self, x):
        """Le cifre di x (..., d), lette come un numero per tavola: (..., n_tables)."""
        sides = torch.einsum("...d,tbd->...tb", x, self.normals) >= 0
        return (sides * self.powers).sum(dim=-1)

    def candidates(self, query):
        """Le righe che hanno le cifre di query in almeno una tavola, in ordine."""
        codes = self.codes(query).tolist()
        return sorted({row for table, code in zip(self.tables, codes, strict=True) for row in table.get(code, ())})

    def search(self, query, k=1):
        """Come nearest, ma solo fra i candidati; l’elenco può essere più corto di k, o vuoto."""
        rows = self.candidates(query)
        return [(score, rows[i]) for score, i in nearest(self.vectors[rows], query, k)] if rows else []


def found_probability(cosine, n_bits, n_tables):
    """Con che probabilità gli iperpiani mettono fra i candidati un vettore con quel coseno: 1 − (1 − pᵇ)ᵗ.

    p = 1 − θ/π è la probabilità che un iperpiano a caso lasci i due vettori dalla stessa parte, con θ l’angolo.
    cosine: un numero o un tensore, fra −1 e 1.
    """
    p = 1 - torch.as_tensor(cosine, dtype=torch.float64).clamp(-1, 1).arccos() / math.pi
    return 1 - (1 - p**n_bits) ** n_tables
