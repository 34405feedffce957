"""La codifica in unità di byte-pair encoding, condivisa fra le due lingue, §5.1.

Si appoggia alla libreria tokenizers. Una parola comincia con «▁», che sta per lo spazio; un apostrofo resta
attaccato alla parola che elide (l'unione: «▁l'», «unione») o alla s del genitivo inglese; cifre e
punteggiatura stanno ciascuna per sé. Così il testo si ricompone senza regole.
"""

from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from attenzione.data.corpus import clean
from attenzione.data.vocabulary import SPECIALS
from attenzione.files import replacing

PIECES = Regex(r"'s\b|▁?[^\W\d_]+(?:'(?!s\b))?|▁?\d|▁?[^\w\s▁]|▁?_|▁")


class BytePairTokenizer:
    """Dal testo agli identificatori e ritorno, con la stessa interfaccia di Vocabulary.

    tokenizer: un tokenizers.Tokenizer con SPECIALS come primi identificatori, nell’ordine. Errori: ValueError
    se non li ha.
    """

    def __init__(self, tokenizer):
        found = tuple(map(tokenizer.id_to_token, range(len(SPECIALS))))
        if found != SPECIALS:
            raise ValueError(f"tokenizer comincia con {list(found)}: attesi {list(SPECIALS)}")
        self.tokenizer = tokenizer
        self.tokenizer.encode_special_tokens = True  # «<eos>», in un testo, sono cinque caratteri

    def __setstate__(self, state):
        """Una copia si rifà da capo: tokenizers non vi porta encode_special_tokens."""
        self.__init__(state["tokenizer"])

    @classmethod
    def from_texts(cls, texts, n_vocab=5000, min_count=2):
        """Impara n_vocab unità (al più) dai testi, delle due lingue insieme; min_count: volte di una coppia."""
        tokenizer = Tokenizer(models.BPE(unk_token=SPECIALS[3]))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Metaspace(split=False), pre_tokenizers.Split(PIECES, "isolated")]
        )
        tokenizer.decoder = decoders.Metaspace()
        trainer = trainers.BpeTrainer(
            vocab_size=n_vocab, min_frequency=min_count, special_tokens=list(SPECIALS), show_progress=False
        )
        tokenizer.train_from_iterator(texts, trainer)
        return cls(tokenizer)

    @classmethod
    def load(cls, path):
        """Legge un file scritto da save. Errori: FileNotFoundError; ValueError se è danneggiato."""
        if not Path(path).is_file():
            raise FileNotFoundError(f"path vale «{path}»: atteso un file che esiste")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers solleva Exception, niente di più preciso
            raise ValueError(f"path vale «{path}»: non è un tokenizer.json che si possa leggere") from error
        return cls(tokenizer)

    def save(self, path):
        """Scrive tokenizer.json in path; un’interruzione non lascia un file a metà."""
        with replacing(path) as partial:
            self.tokenizer.save(str(partial))

    def __len__(self):
        return self.tokenizer.get_vocab_size()

    @property
    def tokens(self):
        """Tutte le unità, in ordine di identificatore."""
        return list(map(self.tokenizer.id_to_token, range(len(self))))

    def encode(self, text):
        """Dal testo, che viene pulito, agli identificatori; i caratteri mai visti diventano il token ignoto."""
        return self.tokenizer.encode(clean(text)).ids

    def lost(self, text):
        """I caratteri del testo, pulito, che la traduzione non vede, nell’ordine e senza ripetizioni.

        Sono quelli che diventano il token ignoto, e «▁», che qui sta per lo spazio.
        """
        text = clean(text)
        encoding = self.tokenizer.encode(text)
        unknown = {start for i, (start, _) in zip(encoding.ids, encoding.offsets, strict=True) if i == 3}
        return list(dict.fromkeys(c for i, c in enumerate(text) if i in unknown or c == "▁"))

    def decode(self, ids):
        """Dagli identificatori al testo; PAD, BOS, EOS e il token ignoto non vi compaiono."""
        return self.tokenizer.decode(list(ids)).strip()
