"""Un vocabolario di parole separate da spazi."""

from collections import Counter

SPECIALS = ("<pad>", "<bos>", "<eos>", "<unk>")


class Vocabulary:
    """La corrispondenza fra token e identificatori; i primi quattro sono PAD, BOS, EOS e il token ignoto.

    tokens: tutti i token, in ordine di identificatore. Errori: ValueError se non cominciano con SPECIALS o se
    si ripetono.
    """

    def __init__(self, tokens):
        self.tokens = list(tokens)
        if tuple(self.tokens[:4]) != SPECIALS:
            raise ValueError(f"tokens comincia con {self.tokens[:4]}: attesi {list(SPECIALS)}")
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        if len(self.ids) < len(self.tokens):
            repeated = len(self.tokens) - len(self.ids)
            raise ValueError(f"tokens ha {repeated} ripetizioni: attesi token tutti diversi")

    @classmethod
    def from_texts(cls, texts, min_count=1):
        """Il vocabolario delle parole che compaiono almeno min_count volte, dalla più frequente."""
        counts = Counter(token for text in texts for token in text.split())
        words = [word for word in counts if counts[word] >= min_count and word not in SPECIALS]
        return cls([*SPECIALS, *sorted(words, key=lambda word: (-counts[word], word))])

    def __len__(self):
        return len(self.tokens)

    def encode(self, text):
        """Dal testo agli identificatori; una parola mai vista, o scritta come uno speciale, è il token ignoto."""
        return [max(self.ids.get(word, 3), 3) for word in text.split()]

    def lost(self, text):
        """Le parole del testo che diventano il token ignoto, nell’ordine e senza ripetizioni."""
        return list(dict.fromkeys(word for word in text.split() if self.encode(word) == [3]))

    def decode(self, ids):
        """Dagli identificatori al testo."""
        return " ".join(self.tokens[i] for i in ids)
