"""La generazione della frase di arrivo, §6.1: greedy, campionamento, beam search, un token alla volta.

Tutte le strategie scelgono fra le probabilità del token successivo, PAD e BOS esclusi; si fermano a EOS o,
al più, a max_extra token oltre la lunghezza della frase di partenza (50 nell’articolo). Con use_cache=True ogni
passo calcola la sola posizione nuova; con False ricalcola tutto da capo: più lento, gli stessi risultati.
"""

from dataclasses import dataclass

import torch

from attenzione.device import read


@dataclass(frozen=True)
class Hypothesis:
    """Una frase generata. tokens: gli identificatori, senza BOS né EOS; log_prob: il logaritmo naturale della
    sua probabilità, EOS compreso; score: log_prob diviso per la penalità di lunghezza; finished: se c’è EOS.
    """

    tokens: list[int]
    log_prob: float
    score: float
    finished: bool


class DecodingState:
    """Ciò che le strategie hanno in comune: la memoria, i prefissi generati fin qui, la cache.

    src: (B, n), identificatori di token; beam: quante sequenze per ciascuna frase, in righe vicine. Con la cache si
    prende la via svelta del modello, dove ce n’è una (start_steps), o quella piana (start_cache e decode).
    """

    def __init__(self, model, src, max_extra, use_cache, beam=1):
        if model.training:
            raise ValueError("model è in modo addestramento, con il dropout: atteso dopo model.eval()")
        for name, value in (("max_extra", max_extra), ("beam", beam)):
            if value < 1:
                raise ValueError(f"{name} vale {value}: atteso un intero positivo")
        self.model, self.config = model, model.config
        self.z, self.z_mask = model.encode(src)
        lengths = (src != self.config.pad_id).sum(dim=1)
        self.limits = (lengths + max_extra).clamp(max=self.config.max_len)  # (B,)
        self.max_steps = read(self.limits.max())
        self.prefix = src.new_full((src.size(0) * beam, 1), self.config.bos_id)  # (B·beam, 1)
        self.fast = self.cache = None
        if use_cache and hasattr(model, "start_steps"):
            self.fast = model.start_steps(self.z, self.z_mask, self.max_steps, beam)
        if use_cache and self.fast is None:
            self.cache = model.start_cache(self.z, self.max_steps, beam)

    def next_logits(self):
        """I logit del token che segue ciascun prefisso, −∞ per PAD e BOS: (B·beam, n_vocab)."""
        if self.fast is not None:
            logits = self.fast.step(self.prefix[:, -1])
        else:
            tokens = self.prefix if self.cache is None else self.prefix[:, -1:]
            x = self.model.decode(tokens, self.z, self.z_mask, self.cache)[:, -1]  # (B·beam, d_model)
            logits = self.model.embedding.logits(x)
        logits[:, self.config.pad_id] = logits[:, self.config.bos_id] = -torch.inf
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def append(self, tokens, rows=None):
        """Allunga i prefissi con tokens (B·beam,); rows dice da quale vecchia riga prosegue ciascuno."""
        if rows is not None:
            self.prefix = self.prefix[rows]
            if self.fast is not None:
                self.fast.reorder(rows)
            for _, kv_cache in self.cache or ():
                kv_cache.reorder(rows)
        self.prefix = torch.cat([self.prefix, tokens[:, None]], dim=1)


@torch.inference_mode()
def stream(model, src, choose=None, max_extra=50, use_cache=True):
    """Genera un token alla volta: a ogni passo cede (tokens, log_probs), entrambi (B,).

    src: (B, n), con PAD in fondo alle frasi più corte; choose: dai logit (B, n_vocab) ai token (B,), il più
    probabile se None. Alle frasi già finite tocca PAD, con logaritmo della probabilità 0. A ogni passo si aspetta il
    dispositivo una volta, per sapere se le frasi sono finite tutte.
    """
    state = DecodingState(model, src, max_extra, use_cache)
    done = torch.zeros(src.size(0), dtype=torch.bool, device=src.device)
    for step in range(1, state.max_steps + 1):
        logits = state.next_logits()  # (B, n_vocab)
        log_probs = logits.log_softmax(dim=-1)
        if choose is None:
            log_probs, tokens = log_probs.max(dim=-1)  # (B,)
        else:
            tokens = choose(logits)  # (B,)
            log_probs = log_probs.gather(1, tokens[:, None]).squeeze(1)
        tokens, log_probs = tokens.masked_fill(done, model.config.pad_id), log_probs.masked_fill(done, 0.0)
        yield tokens, log_probs
        done |= (tokens == model.config.eos_id) | (state.limits <= step)
        if read(done.all()):
            return
        state.append(tokens)


def generate(model, src, choose=None, max_extra=50, use_cache=True):
    """Raccoglie ciò che stream genera. Rende una Hypothesis per frase, con score = log_prob."""
    steps = list(stream(model, src, choose, max_extra, use_cache))
    log_probs = read(torch.stack([log_prob for _, log_prob in steps]).sum(dim=0))
    rows = read(torch.stack([tokens for tokens, _ in steps], dim=1))  # (B, passi)
    hypotheses = []
    for row, log_prob in zip(rows, log_probs, strict=True):
        tokens = [token for token in row if token not in (model.config.pad_id, model.config.eos_id)]
        hypotheses.append(Hypothesis(tokens, log_prob, log_prob, model.config.eos_id in row))
    return hypotheses


def greedy(model, src, max_extra=50, use_cache=True):
    """A ogni passo il token più probabile. src: (B, n). Rende una Hypothesis per frase."""
    return generate(model, src, None, max_extra, use_cache)


def sample(model, src, tau=1.0, top_k=None, top_p=None, *, generator=None, max_extra=50, use_cache=True):
    """A ogni passo un token estratto a sorte fra quelli che filter_logits lascia (fuori dall’articolo).

    generator: il torch.Generator da cui si estrae, per ripetere gli stessi numeri. Una Hypothesis per frase.
    """

    def choose(logits):
        probs = filter_logits(logits, tau, top_k, top_p).softmax(dim=-1)
        return probs.multinomial(1, generator=generator).squeeze(1)

    return generate(model, src, choose, max_extra, use_cache)


def filter_logits(logits, tau=1.0, top_k=None, top_p=None):
    """Logit divisi per la temperatura tau, con −∞ ai token esclusi: (..., n_vocab).

    top_k: restano i top_k più probabili; top_p: resta il più piccolo insieme dei più probabili che insieme
    arrivano a top_p (dopo top_k), e ce n’è sempre almeno uno. Errori: ValueError se tau è fuori da [0.001, 1000],
    top_k < 1 o top_p fuori da (0, 1].
    """
    if not 0.001 <= tau <= 1000:
        raise ValueError(
            f"tau vale {tau}: atteso un numero positivo, da 0.001 a 1000 (per il più probabile si usa greedy)"
        )
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k vale {top_k}: atteso un intero positivo")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p vale {top_p}: atteso un numero maggiore di 0 e al più 1")
    logits = logits / tau
    if top_k is not None:
        kept = logits.topk(min(top_k, logits.size(-1)), dim=-1)
        logits = torch.full_like(logits, -torch.inf).scatter(-1, kept.indices, kept.values)
    if top_p is not None:
        probs, order = logits.softmax(dim=-1).sort(dim=-1, descending=True)
        enough = probs.cumsum(dim=-1) - probs >= top_p  # vero se i precedenti bastano già
        enough[..., 0] = False  # un top_p più piccolo di ogni float32 vale zero
        excluded = torch.zeros_like(enough).scatter(-1, order, enough)  # dall’ordine di probs a quello dei token
        logits = logits.masked_fill(excluded, -torch.inf)
    return logits


def length_penalty(length, alpha):
    """La penalità di lunghezza di GNMT, ((5 + length) / 6)^alpha, per length token generati, EOS compreso."""
    return ((5 + length) / 6) ** alpha


@torch.inference_mode()
def beam_search(model, src, beam=4, alpha=0.6, n_best=1, *, max_extra=50, use_cache=True):
    """Beam search, §6.1: le beam sequenze più probabili avanzano insieme, ognuna finita occupa un posto.

    src: (B, n), con PAD in fondo. Rende per ogni frase un elenco di Hypothesis, al più n_best, dal punteggio
    più alto; con n_best = beam tutte quelle trovate. Si ferma prima del limite quando nessuna sequenza in
    corso può più entrare fra le n_best: il suo punteggio non supera log_prob / length_penalty(limite, alpha).
    Errori: ValueError se beam < 1, alpha è fuori da [0, 10] o n_best non è fra 1 e beam.
    """
    if not 0 <= alpha <= 10:
        raise ValueError(f"alpha vale {alpha}: atteso un numero non negativo, al più 10")
    state = DecodingState(model, src, max_extra, use_cache, beam)
    if not 1 <= n_best <= beam:
        raise ValueError(f"n_best vale {n_best}: atteso un intero da 1 a beam = {beam}")
    B, eos_id, limits = src.size(0), model.config.eos_id, state.limits
    places = torch.arange(beam, device=src.device)  # (beam,)
    first_rows = torch.arange(B, device=src.device)[:, None] * beam  # (B, 1)
    best_penalties = length_penalty(limits, alpha)  # (B,)
    log_probs = state.z.new_full((B, beam), -torch.inf, dtype=torch.promote_types(state.z.dtype, torch.float32))
    log_probs[:, 0] = 0.0  # i prefissi sono tutti BOS: ne conta uno solo
    scores = log_probs.new_full((B, n_best), -torch.inf)  # delle migliori frasi finite, dal più alto
    found = torch.zeros(B, 1, dtype=torch.long, device=src.device)  # quante frasi finite
    history = []
    for step in range(1, state.max_steps + 1):
        next_log_probs = state.next_logits().log_softmax(dim=-1).view(B, beam, -1)
        log_probs, parents, tokens = best_continuations(log_probs, next_log_probs)  # (B, beam) tutti e tre

        # delle continuazioni, in ordine, ne restano quanti sono i posti che le frasi finite non occupano
        log_probs = log_probs.masked_fill(places >= beam - found, -torch.inf)

        # si mettono da parte quelle che finiscono qui, con EOS o al limite
        closing = ((tokens == eos_id) | (limits[:, None] <= step)) & log_probs.isfinite()
        history.append((tokens, parents, closing, log_probs))
        closed = (log_probs / length_penalty(step, alpha)).masked_fill(~closing, -torch.inf)
        scores = torch.cat([scores, closed], dim=1).topk(n_best, dim=1).values
        found += closing.sum(dim=1, keepdim=True)
        log_probs = log_probs.masked_fill(closing, -torch.inf)

        # le altre proseguono soltanto se il punteggio a cui possono arrivare basta a entrare fra le n_best
        highest = log_probs.amax(dim=1) / best_penalties  # (B,)
        log_probs = log_probs.masked_fill((scores[:, -1] >= highest)[:, None], -torch.inf)
        if not read(log_probs.isfinite().any()):  # l’unica attesa del passo
            break
        state.append(tokens.flatten(), (first_rows + parents).flatten())
    return [ranked[:n_best] for ranked in read_back(history, alpha, eos_id)]


def best_continuations(log_probs, next_log_probs):
    """I prefissi allungati di un token, i beam più probabili per frase: (log_probs, parents, tokens), (B, beam).

    log_probs: (B, beam), dei prefissi; next_log_probs: (B, beam, n_vocab), del token che segue. parents dice quale
    prefisso prosegue, tokens con quale token. Di un prefisso non servono più di beam continuazioni.
    """
    beam = log_probs.size(1)
    likeliest = next_log_probs.topk(min(beam, next_log_probs.size(-1)), dim=-1)  # (B, beam, al più beam)
    candidates = (log_probs[:, :, None] + likeliest.values).flatten(1)
    log_probs, order = candidates.topk(beam, dim=-1)  # (B, beam)
    tokens = likeliest.indices.flatten(1).gather(1, order)
    return log_probs, order // likeliest.values.size(-1), tokens


def read_back(history, alpha, eos_id):
    """Le frasi finite, lette all’indietro: per ogni frase di partenza un elenco di Hypothesis, dalla migliore.

    history: per ogni passo (tokens, parents, closing, log_probs), (B, beam): che cosa si è scelto, quale prefisso
    proseguiva, se lì una frase finisce, e con quale probabilità.
    """
    tokens, parents, closing, log_probs = (read(torch.stack(tensors)) for tensors in zip(*history, strict=True))
    found = [[] for _ in tokens[0]]
    for step, flags in enumerate(closing):
        for b, place in [(b, place) for b, row in enumerate(flags) for place, ends in enumerate(row) if ends]:
            generated, at = [], place
            for past in range(step, -1, -1):
                generated.append(tokens[past][b][at])
                at = parents[past][b][at]
            found[b].append(close(generated[::-1], log_probs[step][b][place], alpha, eos_id))
    return [sorted(hypotheses, key=lambda h: h.score, reverse=True) for hypotheses in found]


def close(generated, log_prob, alpha, eos_id):
    """La Hypothesis dei token generated, EOS compreso se c’è, di probabilità log_prob."""
    finished = generated[-1] == eos_id
    tokens = generated[:-1] if finished else generated
    return Hypothesis(tokens, log_prob, log_prob / length_penalty(len(generated), alpha), finished)
