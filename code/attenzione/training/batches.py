"""I batch dell’articolo, §5.1: coppie di lunghezza simile, fino a un numero di token di partenza e di arrivo."""

import hashlib
import random
from array import array
from numbers import Integral

import torch


def token_batches(pairs, max_tokens, seed=0, epoch=0):
    """Gli indici di pairs raggruppati in batch, in ordine casuale: un elenco di elenchi.

    pairs: elenco di (src, tgt), liste di identificatori. In ogni batch righe × lunghezza massima, riempimento
    ed EOS compresi, non supera max_tokens né per src né per tgt. Ogni coppia compare una volta; lo stesso
    seme e la stessa epoca danno gli stessi batch.
    Errori: ValueError se pairs è vuoto, se una frase di partenza è vuota o se una coppia non entra da sola in
    un batch.
    """
    if not pairs:
        raise ValueError("pairs è vuoto: attesa almeno una coppia di frasi")
    for i, (src, tgt) in enumerate(pairs):
        if not src:
            raise ValueError(f"pairs[{i}] ha la frase di partenza vuota: atteso almeno un token")
        if max(len(src), len(tgt) + 1) > max_tokens:
            raise ValueError(
                f"pairs[{i}] ha {len(src)} token di partenza e {len(tgt) + 1} di arrivo: attesi al più "
                f"max_tokens = {max_tokens}"
            )
    rng = random.Random(f"{seed}/{epoch}")
    order = list(range(len(pairs)))
    rng.shuffle(order)  # fra coppie ugualmente lunghe decide il caso
    order.sort(key=lambda i: (len(pairs[i][1]), len(pairs[i][0])))
    batches = [[]]
    longest = 0  # src o tgt che sia: entrambi devono entrare in max_tokens
    for i in order:
        src, tgt = pairs[i]
        length = max(len(src), len(tgt) + 1)
        longest = max(longest, length)
        if longest * (len(batches[-1]) + 1) > max_tokens:
            batches.append([])
            longest = length
        batches[-1].append(i)
    rng.shuffle(batches)
    return batches


def endless_batches(data, max_tokens, seed=0, epoch=0, index=0):
    """I batch di data, un’epoca dopo l’altra, a partire da una posizione.

    data: un elenco di coppie, o ciò che examples ne fa. Cede (batch, epoch, index): gli indici del batch e la
    posizione da cui proseguire dopo di esso.
    """
    data = examples(data)
    while True:
        batches = data.batches(max_tokens, seed, epoch)
        for i in range(index, len(batches)):
            if i + 1 < len(batches):
                yield batches[i], epoch, i + 1
            else:
                yield batches[i], epoch + 1, 0
        epoch += 1
        index = 0


class Pairs:
    """Le coppie come le legge l’addestramento: i batch di un’epoca, quanti token predicono, l’impronta.

    pairs: elenco di (src, tgt), liste di identificatori. Chi addestra su altro che coppie, come un testo lungo
    (windows), dà a train() un oggetto con gli stessi metodi.
    """

    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        return self.pairs[i]

    def batches(self, max_tokens, seed=0, epoch=0):
        return token_batches(self.pairs, max_tokens, seed, epoch)

    def count(self, batch):
        """Quanti token di arrivo, EOS compreso, predicono le coppie di un batch, un elenco di indici."""
        return sum(len(self.pairs[i][1]) + 1 for i in batch)

    def check(self, config, name="pairs"):
        check_pairs(self.pairs, config, name)

    def fingerprint(self):
        return fingerprint(self.pairs)


def examples(data):
    """Ciò su cui si addestra, con i metodi di Pairs: data stesso, o Pairs se è un elenco di coppie."""
    return Pairs(data) if isinstance(data, list | tuple) else data


def check_pairs(pairs, config, name="pairs"):
    """Controlla le coppie da dare a un modello, una volta e prima di cominciare: sul dispositivo costerebbe attese.

    Errori: ValueError se una coppia non è di interi, contiene un token fuori dal vocabolario o uno speciale (PAD, BOS
    ed EOS li mette collate), o è più lunga di max_len.
    """
    specials = {config.pad_id, config.bos_id, config.eos_id}
    for i, (src, tgt) in enumerate(pairs):
        longest = max(len(src), len(tgt) + 1)  # tgt ha in più BOS o EOS
        if longest > config.max_len:
            raise ValueError(f"{name}[{i}] ha {longest} token: attesi al più max_len = {config.max_len}")
        kinds = {*map(type, src), *map(type, tgt)} - {int}
        if kinds and not all(issubclass(kind, Integral) and kind is not bool for kind in kinds):
            raise ValueError(f"{name}[{i}] vale {(src, tgt)}: attesi due elenchi di identificatori interi")
        tokens = {*src, *tgt}
        if tokens and (min(tokens) < 0 or max(tokens) >= config.n_vocab or not specials.isdisjoint(tokens)):
            wrong = next(t for t in (*src, *tgt) if not 0 <= t < config.n_vocab or t in specials)
            raise ValueError(
                f"{name}[{i}] contiene il token {wrong}: attesi interi da 0 a {config.n_vocab - 1}, senza gli speciali "
                f"{', '.join(map(str, sorted(specials)))}"
            )


def fingerprint(pairs):
    """L’impronta delle coppie nel loro ordine: 16 cifre esadecimali, uguali solo per gli stessi identificatori."""
    digest = hashlib.sha256()
    for src, tgt in pairs:
        digest.update(array("q", [len(src), *src, len(tgt), *tgt]))
    return digest.hexdigest()[:16]


def collate(pairs, config, device=None):
    """Da un elenco di coppie ai tensori (src, tgt_in, tgt_out), riempiti con PAD a destra.

    src: (B, n); tgt_in: (B, m), con BOS in testa; tgt_out: (B, m), gli stessi token spostati di una
    posizione, con EOS in coda. Verso una GPU CUDA il trasferimento non aspetta che essa abbia finito altro.
    """
    src = pad([src for src, _ in pairs], config.pad_id, device)
    tgt_in = pad([[config.bos_id, *tgt] for _, tgt in pairs], config.pad_id, device)
    tgt_out = pad([[*tgt, config.eos_id] for _, tgt in pairs], config.pad_id, device)
    return src, tgt_in, tgt_out


def pad(rows, pad_id=0, device=None):
    """Un tensore (B, n) dalle liste di token rows, di lunghezza diversa: PAD in fondo alle più corte."""
    n = max(map(len, rows))
    padded = torch.tensor([[*row, *[pad_id] * (n - len(row))] for row in rows], dtype=torch.long)
    if device is not None and torch.device(device).type == "cuda":
        return padded.pin_memory().to(device, non_blocking=True)  # dalla memoria comune la copia aspetterebbe
    return padded.to(device)
