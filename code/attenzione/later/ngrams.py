"""Un modello a n-grammi con lo smoothing di Kneser e Ney, ciò che un modello linguistico deve battere.

È la versione modificata e interpolata di Chen e Goodman (1999): tre sconti per ordine, e negli ordini bassi si conta
non quante volte un n-gramma compare, ma dopo quanti token diversi. Un n-gramma è un intero in base n_vocab, e i conti
sono vettori ordinati di NumPy.
"""

import numpy as np
import torch

from attenzione.config import check_positive_integer


class KneserNey:
    """La probabilità di un token dati i order − 1 che lo precedono, da quante volte lo si è visto.

    documents: elenchi di identificatori, senza BOS, che si aggiunge in testa a ciascuno e non si predice mai; gli altri
    token, fuorché PAD (0), sono tutti possibili. discounts: (order, 3), lo sconto di ciò che si è visto una volta, due,
    tre o più, per ordine; all’inizio quelli di Chen e Goodman, e tune li regola.
    Errori: ValueError se documents è vuoto, order non è un intero positivo, o n_vocab ** order non sta in 63 bit.
    """

    def __init__(self, documents, n_vocab, order=5, bos_id=1):
        for name, value in (("order", order), ("n_vocab", n_vocab)):
            check_positive_integer(name, value)
        if n_vocab**order >= 2**63:
            raise ValueError(f"order vale {order}, n_vocab {n_vocab}: atteso n_vocab ** order sotto 2 ** 63")
        if not any(documents):
            raise ValueError("documents è vuoto: atteso almeno un token")
        self.n_vocab, self.order, self.bos_id = n_vocab, order, bos_id
        stream = self.stream(documents)
        found = [self.ngrams(stream, k) for k in range(1, order + 1)]
        raw = [np.unique(codes[codes >= 0], return_counts=True) for codes in found]
        self.tables = [self.table(raw, k) for k in range(1, order + 1)]
        starts = torch.tensor([starting_discounts(counts) for _, counts, _, _ in self.tables], dtype=torch.float64)
        self.discounts = starts  # (order, 3)

    def stream(self, documents):
        """I documenti uno dopo l’altro, ciascuno con BOS in testa."""
        return np.array([token for document in documents for token in (self.bos_id, *document)], dtype=np.int64)

    def ngrams(self, stream, k):
        """Per ogni posizione il k-gramma che vi finisce, o −1 dove non c’è: comincia prima, o il token è BOS."""
        codes = np.full(len(stream), -1, dtype=np.int64)
        if len(stream) < k:
            return codes
        code = np.zeros(len(stream) - k + 1, dtype=np.int64)
        inside = np.ones(len(code), dtype=bool)
        for i in range(k):
            column = stream[i : len(code) + i]
            code = code * self.n_vocab + column
            if i or k == 1:  # BOS sta soltanto in testa, e da solo non si predice
                inside &= column != self.bos_id
        codes[k - 1 :] = np.where(inside, code, -1)
        return codes

    def table(self, raw, k):
        """I k-grammi (ordinati), i loro conti, i contesti (ordinati), e di ciascuno quanto è seguito: (contesti, 4).

        Le quattro colonne: la somma dei conti, e quanti token lo seguono col conto 1, 2, 3 o più.
        """
        codes, counts = raw[k - 1]
        if k < self.order:  # dopo quanti token diversi; ciò che comincia con BOS non ha nulla prima
            first = codes // self.n_vocab ** (k - 1) == self.bos_id
            after, different = np.unique(raw[k][0] % self.n_vocab**k, return_counts=True)
            codes, counts = np.concatenate([after, codes[first]]), np.concatenate([different, counts[first]])
            order = codes.argsort()
            codes, counts = codes[order], counts[order]
        contexts, place = np.unique(codes // self.n_vocab, return_inverse=True)
        sums = [np.bincount(place, weights=counts, minlength=len(contexts))]
        for times in (1, 2, 3):
            seen = counts == times if times < 3 else counts >= 3
            sums.append(np.bincount(place, weights=seen, minlength=len(contexts)))
        return codes, counts, contexts, np.stack(sums, axis=1)

    def facts(self, documents):
        """Ciò che serve a calcolare la probabilità di ogni token: conti (n, order) e contesti (n, order, 4).

        n sono i token dei documenti, nel loro ordine. Un ordine che lì non si può usare ha tutti zeri.
        """
        stream = self.stream(documents)
        wanted = stream != self.bos_id
        counts = np.zeros((len(stream), self.order))
        contexts = np.zeros((len(stream), self.order, 4))
        for k, (codes, seen, histories, sums) in enumerate(self.tables):
            found = self.ngrams(stream, k + 1)
            place, there = look_up(codes, found)
            counts[there, k] = seen[place[there]]
            place, there = look_up(histories, np.where(found < 0, -1, found // self.n_vocab))
            contexts[there, k] = sums[place[there]]
        return torch.from_numpy(counts[wanted]), torch.from_numpy(contexts[wanted])

    def log_probs(self, documents):
        """Il logaritmo naturale della probabilità di ogni token dei documenti: (n,), in doppia precisione."""
        return mixed(*self.facts(documents), self.discounts, self.n_vocab).log()

    def tune(self, documents, steps=300):
        """Regola gli sconti perché i documenti, non quelli del conto, siano più probabili: discesa del gradiente.

        Lo sconto di ciò che si è visto i volte resta fra 0 e i. Rende la perdita, in nat per token.
        """
        facts = self.facts(documents)
        most = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
        free = torch.logit(self.discounts / most, eps=1e-3).requires_grad_()
        optimizer = torch.optim.Adam([free], lr=0.05)
        for _ in range(steps):
            loss = -mixed(*facts, most * free.sigmoid(), self.n_vocab).log().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.discounts = most * free.detach().sigmoid()
        return -self.log_probs(documents).mean().item()


def mixed(counts, contexts, discounts, n_vocab):
    """Le probabilità (n,) dai conti di facts: ogni ordine sconta i suoi, e ciò che toglie lo dà a quello più basso.

    Sotto il primo ordine c’è la distribuzione uniforme fra i token che si possono predire, n_vocab − 2.
    """
    p = torch.full((len(counts),), 1 / (n_vocab - 2), dtype=torch.float64)
    for k in range(counts.size(1)):
        total, followers = contexts[:, k, 0], contexts[:, k, 1:]  # (n,) e (n, 3)
        size = counts[:, k].clamp(max=3).long()  # 0, 1, 2, 3: quale sconto
        discount = torch.cat([discounts.new_zeros(1), discounts[k]])[size]  # (n,)
        taken = followers @ discounts[k]  # (n,)
        known = total > 0
        mixture = (counts[:, k] - discount + taken * p) / total.where(known, 1.0)
        p = torch.where(known, mixture, p)
    return p


def look_up(keys, wanted):
    """Dove sta ogni wanted in keys, ordinati: (posizioni, se c’è)."""
    place = np.searchsorted(keys, wanted)
    there = (wanted >= 0) & (place < len(keys))
    there[there] = keys[place[there]] == wanted[there]
    return place, there


def starting_discounts(counts):
    """I tre sconti di Chen e Goodman, da quanti n-grammi hanno conto 1, 2, 3 e 4; la metà del conto se mancano."""
    n = [int((counts == times).sum()) for times in (1, 2, 3, 4)]
    if not all(n):
        return [0.5, 1.0, 1.5]
    y = n[0] / (n[0] + 2 * n[1])
    found = [i + 1 - (i + 2) * y * n[i + 1] / n[i] for i in range(3)]
    return [min(max(d, 0.01 * (i + 1)), 0.99 * (i + 1)) for i, d in enumerate(found)]
