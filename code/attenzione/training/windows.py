"""Un testo lungo, per un modello che predice il token dopo: finestre di n token, in batch."""

import hashlib
import random
from array import array

from attenzione.training.batches import pad


class Windows:
    """I documenti di un testo, uno dopo l’altro, che train() legge a finestre di length token.

    documents: elenchi di identificatori; ognuno riceve BOS in testa, che non si predice mai, e porta da sé gli EOS con
    cui le sue righe finiscono. A ogni epoca le finestre cominciano altrove, e ogni token è predetto una volta.
    Errori: ValueError se non c’è nulla da predire o length non è positivo.
    """

    def __init__(self, documents, length, bos_id=1):
        if length < 1:
            raise ValueError(f"length vale {length}: atteso un intero positivo")
        self.length, self.bos_id = length, bos_id
        self.tokens = [token for document in documents for token in (bos_id, *document)]
        self.targets = len(self.tokens) - self.tokens.count(bos_id)
        if not self.targets:
            raise ValueError("documents è vuoto: atteso almeno un token")

    def __len__(self):
        """Quanti token si predicono."""
        return self.targets

    def __getitem__(self, span):
        """I token di una finestra: quelli che il modello legge e, spostati di una posizione, quelli che predice."""
        return self.tokens[span]

    def batches(self, max_tokens, seed=0, epoch=0):
        """Le finestre di un’epoca, in ordine casuale, a gruppi che leggono al più max_tokens token (ma almeno una).

        Rende un elenco di elenchi di slice; lo stesso seme e la stessa epoca danno gli stessi.
        """
        rng = random.Random(f"{seed}/{epoch}")
        first = rng.randrange(self.length)  # quanti token ha la prima finestra
        starts = [*([0] if first else []), *range(first, len(self.tokens) - 1, self.length)]
        ends = [*starts[1:], len(self.tokens) - 1]
        spans = [slice(start, end + 1) for start, end in zip(starts, ends, strict=True)]
        spans = [span for span in spans if self.count([span])]
        rng.shuffle(spans)
        rows = max(1, max_tokens // self.length)
        return [spans[i : i + rows] for i in range(0, len(spans), rows)]

    def count(self, batch):
        """Quanti token predicono le finestre di un batch."""
        return sum(span.stop - span.start - 1 - self.tokens[span][1:].count(self.bos_id) for span in batch)

    def check(self, config, name="windows"):
        """Errore se i token non sono quelli di un modello, o le finestre più lunghe di max_len."""
        if self.length > config.max_len:
            raise ValueError(f"{name} ha finestre di {self.length} token: attese al più max_len = {config.max_len}")
        low, high = min(self.tokens), max(self.tokens)
        if low < 0 or high >= config.n_vocab or config.pad_id in self.tokens or self.bos_id != config.bos_id:
            raise ValueError(
                f"{name} ha token da {low} a {high}, e BOS {self.bos_id}: attesi interi da 0 a {config.n_vocab - 1}, "
                f"senza PAD, e BOS {config.bos_id}"
            )

    def fingerprint(self):
        """L’impronta dei token nel loro ordine: 16 cifre esadecimali."""
        return hashlib.sha256(array("q", [self.length, *self.tokens])).hexdigest()[:16]


def collate_windows(windows, config, device=None):
    """Dalle finestre, elenchi di token, ai tensori (tokens, targets), riempiti con PAD in fondo: (B, n) tutti e due.

    targets sono gli stessi token spostati di una posizione, con PAD dove c’è un BOS: un documento comincia quando
    comincia, e il modello non lo deve indovinare.
    """
    tokens = pad([window[:-1] for window in windows], config.pad_id, device)
    targets = pad([window[1:] for window in windows], config.pad_id, device)
    return tokens, targets.masked_fill(targets == config.bos_id, config.pad_id)
