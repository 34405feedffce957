"""L’attenzione, §3.2: il prodotto scalare scalato, la via fusa, più teste, la cache, le maschere.

Una maschera è booleana e vera dove si può guardare. Una query che non può guardare da nessuna parte (riga
tutta falsa) riceve pesi e uscita nulli, mai NaN, e gradiente nullo.
"""

import math

import torch
from torch import nn

from attenzione.config import check_positive_integer


def scaled_dot_product_attention(Q, K, V, mask=None, scale=None):
    """Attenzione a prodotto scalare scalato, equazione (1), §3.2.1.

    Q: (..., n_q, d_k); K: (..., n_k, d_k); V: (..., n_k, d_v); mask: booleana, trasmissibile a
    (..., n_q, n_k), vera dove si può guardare; scale: il fattore che moltiplica QKᵀ, 1/√d_k se None (con 1
    è l’attenzione a prodotto scalare senza scala). Si moltiplica Q, prima del prodotto: in mezza precisione i punteggi
    non escono così dai numeri che si possono scrivere. Rende (uscita, pesi): (..., n_q, d_v) e (..., n_q, n_k).
    Errori: ValueError se le forme non vanno d’accordo, TypeError se la maschera non è booleana.
    """
    check_inputs(Q, K, V, mask)
    scale = 1 / math.sqrt(Q.size(-1)) if scale is None else scale
    scores = (Q * scale) @ K.mT  # (..., n_q, n_k)
    return attend(scores, V, mask)


def fused_attention(Q, K, V, mask=None, *, is_causal=False, scale=None, dropout_p=0.0):
    """La stessa attenzione con il kernel fuso di PyTorch: non costruisce i pesi, e non li rende.

    Forme, scala ed errori come in scaled_dot_product_attention: con scale=None il fattore 1/√d_k lo mette PyTorch, e
    chi lo cambia lo cambia nelle due funzioni. is_causal: maschera causale senza costruirla, con
    n_q = n_k e mask=None; dropout_p: dropout sui pesi (l’articolo non ne usa). Rende l’uscita (..., n_q, d_v).
    """
    check_inputs(Q, K, V, mask)
    if is_causal and (mask is not None or Q.size(-2) != K.size(-2)):
        raise ValueError(
            f"is_causal vale True con n_q = {Q.size(-2)}, n_k = {K.size(-2)} e mask = "
            f"{'None' if mask is None else 'un tensore'}: attesi n_q = n_k e mask=None"
        )
    return nn.functional.scaled_dot_product_attention(
        Q, K, V, attn_mask=mask, dropout_p=dropout_p, is_causal=is_causal, scale=scale
    )  # (..., n_q, d_v)


class AdditiveAttention(nn.Module):
    """Attenzione additiva di Bahdanau, Cho e Bengio, quella che l’articolo confronta in §3.2.1.

    Il punteggio di una query q e di una chiave k è v · tanh(W_q q + W_k k): una rete con un solo strato
    nascosto di d_hidden unità (d_k se non è dato). Stessa interfaccia di scaled_dot_product_attention.
    """

    def __init__(self, d_k, d_hidden=None):
        super().__init__()
        d_hidden = d_k if d_hidden is None else d_hidden
        check_positive_integer("d_k", d_k)
        check_positive_integer("d_hidden", d_hidden)
        self.W_q = nn.Linear(d_k, d_hidden, bias=False)
        self.W_k = nn.Linear(d_k, d_hidden, bias=False)
        self.v = nn.Linear(d_hidden, 1, bias=False)

    def forward(self, Q, K, V, mask=None):
        """Q: (..., n_q, d_k); K: (..., n_k, d_k); V: (..., n_k, d_v). Rende (uscita, pesi)."""
        check_inputs(Q, K, V, mask)
        hidden = self.W_q(Q).unsqueeze(-2) + self.W_k(K).unsqueeze(-3)  # (..., n_q, n_k, d_hidden)
        scores = self.v(hidden.tanh()).squeeze(-1)  # (..., n_q, n_k)
        return attend(scores, V, mask)


class KVCache:
    """Le chiavi e i valori già calcolati di uno strato: un posto prenotato una volta, riempito sul posto.

    batch, n_heads, capacity, d_k, d_v: le grandezze dei due tensori, (B, h, capacity, d_k) e (…, d_v).
    Errori: MemoryError se il posto non c’è; ValueError se si aggiungono più posizioni di capacity, o a un altro batch.
    """

    def __init__(self, batch, n_heads, capacity, d_k, d_v, *, device=None, dtype=None):
        try:
            self.K = torch.empty(batch, n_heads, capacity, d_k, device=device, dtype=dtype)
            self.V = torch.empty(batch, n_heads, capacity, d_v, device=device, dtype=dtype)
        except RuntimeError as error:
            raise MemoryError(
                f"capacity vale {capacity}, batch {batch}: la memoria non basta per la cache di uno strato; "
                "attesa una sequenza più corta o un batch più piccolo"
            ) from error
        self.length = 0

    def append(self, K, V):
        """Aggiunge le posizioni nuove, (B, h, n, d_k) e (B, h, n, d_v); rende tutte quelle fin qui."""
        if K.size(0) != self.K.size(0):
            raise ValueError(f"K ha {K.size(0)} sequenze: attese quante ne ha la cache, {self.K.size(0)}")
        end = self.length + K.size(-2)
        if end > self.K.size(-2):
            raise ValueError(f"la cache arriva a {end} posizioni: attese al più capacity = {self.K.size(-2)}")
        self.K[:, :, self.length : end] = K
        self.V[:, :, self.length : end] = V
        self.length = end
        return self.K[:, :, :end], self.V[:, :, :end]  # viste: nessuna copia

    def reorder(self, rows):
        """Riordina le sequenze del batch: la riga i diventa la vecchia riga rows[i] (beam search, §6.1)."""
        for filled in (self.K[:, :, : self.length], self.V[:, :, : self.length]):
            filled.copy_(filled.index_select(0, rows))


class MultiHeadAttention(nn.Module):
    """Attenzione multi-testa, §3.2.2, nei tre usi di §3.2.3.

    Le proiezioni W^Q, W^K, W^V di tutte le teste stanno in una sola matrice W_qkv, senza bias: nella
    self-attention basta un prodotto, x W_qkv. p_attention: dropout sui pesi (0 nell’articolo); init_gain: moltiplica
    i valori di partenza delle matrici.
    Errori: ValueError se una grandezza non è un intero positivo.
    """

    def __init__(self, d_model, n_heads, d_k=None, d_v=None, p_attention=0.0, init_gain=1.0):
        super().__init__()
        for name, value in (("d_model", d_model), ("n_heads", n_heads)):
            check_positive_integer(name, value)
        if d_model % n_heads and (d_k is None or d_v is None):
            raise ValueError(f"d_model vale {d_model}: atteso un multiplo di n_heads = {n_heads}")
        self.n_heads, self.p_attention = n_heads, p_attention
        self.d_k = d_model // n_heads if d_k is None else d_k
        self.d_v = d_model // n_heads if d_v is None else d_v
        check_positive_integer("d_k", self.d_k)
        check_positive_integer("d_v", self.d_v)
        self.widths = (n_heads * self.d_k, n_heads * self.d_k, n_heads * self.d_v)
        self.W_qkv = nn.Parameter(torch.empty(d_model, sum(self.widths)))  # (d_model, h(2d_k + d_v))
        self.W_o = nn.Parameter(torch.empty(n_heads * self.d_v, d_model))  # (h d_v, d_model)
        for W in (*self.W_qkv.split(self.widths, dim=-1), self.W_o):
            nn.init.xavier_uniform_(W, init_gain)

    def forward(self, x, z=None, mask=None, *, is_causal=False, cache=None, need_weights=False):
        """Le posizioni di x guardano sé stesse (z=None) o la memoria z.

        x: (B, n_q, d_model); z: (B, n_k, d_model), oppure la coppia (K, V) resa da keys_values(z); mask:
        booleana, trasmissibile a (B, n_q, n_k), uguale per tutte le teste; is_causal: maschera causale (vale
        anche insieme a mask); cache: una KVCache a cui aggiungere chiavi e valori di x. Rende l’uscita
        (B, n_q, d_model) o, con need_weights, la coppia (uscita, pesi) con pesi (B, h, n_q, n_k).
        """
        if z is None:
            Q, K, V = map(self.split_heads, (x @ self.W_qkv).split(self.widths, dim=-1))
            if cache is not None:
                K, V = cache.append(K, V)
        else:
            Q = self.split_heads(x @ self.W_qkv[:, : self.widths[0]])
            K, V = z if isinstance(z, tuple) else self.keys_values(z)
        p_drop = self.p_attention if self.training else 0.0
        if is_causal and (cache is not None or z is not None or mask is not None or need_weights):
            causal = causal_mask(Q.size(-2), K.size(-2), device=x.device)  # le query sono le ultime posizioni
            mask, is_causal = causal if mask is None else causal & mask, False
        if mask is not None and mask.dim() > 2:
            mask = mask.unsqueeze(-3)  # (B, 1, n_q, n_k)
        if need_weights:
            heads, weights = scaled_dot_product_attention(Q, K, V, mask)
            if p_drop:
                heads = nn.functional.dropout(weights, p_drop) @ V
        else:
            heads = fused_attention(Q, K, V, mask, is_causal=is_causal, dropout_p=p_drop)
        output = heads.transpose(1, 2).flatten(2) @ self.W_o  # (B, n_q, h d_v) → (B, n_q, d_model)
        return (output, weights) if need_weights else output

    def keys_values(self, z):
        """Le chiavi e i valori della memoria z (B, n_k, d_model): (B, h, n_k, d_k) e (B, h, n_k, d_v)."""
        kv = z @ self.W_qkv[:, self.widths[0] :]  # (B, n_k, h(d_k + d_v))
        return tuple(map(self.split_heads, kv.split(self.widths[1:], dim=-1)))

    def split_heads(self, x):
        return x.view(*x.shape[:2], self.n_heads, -1).transpose(1, 2)  # (B, n, h d) → (B, h, n, d)

    def per_head(self):
        """Le matrici come le scrive l’articolo, una per testa: rende la quaterna W_q, W_k, W_v, W_o.

        W_q e W_k: (h, d_model, d_k); W_v: (h, d_model, d_v); W_o: (h d_v, d_model). Viste, non copie.
        """
        W_q, W_k, W_v = (
            W.unflatten(-1, (self.n_heads, -1)).transpose(0, 1) for W in self.W_qkv.split(self.widths, dim=-1)
        )
        return W_q, W_k, W_v, self.W_o


def attend(scores, V, mask=None):
    """Dai punteggi all’uscita: softmax per righe, poi somma pesata dei valori. Rende (uscita, pesi)."""
    if mask is None:
        weights = scores.softmax(dim=-1)  # (..., n_q, n_k), righe che sommano a 1
    else:
        weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
        weights = weights.masked_fill(~mask, 0.0)  # una riga tutta falsa: zeri, non NaN
    return weights @ V, weights  # (..., n_q, d_v)


def causal_mask(n_q, n_k=None, device=None):
    """Maschera causale, §3.2.3: ogni posizione guarda sé stessa e quelle prima.

    n_q query contro n_k chiavi (n_q se None); con n_k > n_q le query sono le ultime posizioni, come quando
    le chiavi precedenti sono già in cache. Rende un tensore booleano (n_q, n_k).
    """
    n_k = n_q if n_k is None else n_k
    if n_k < n_q:
        raise ValueError(f"n_k vale {n_k}: atteso almeno n_q = {n_q}")
    return torch.ones(n_q, n_k, dtype=torch.bool, device=device).tril(n_k - n_q)


def padding_mask(tokens, pad_id=0):
    """Maschera di riempimento: vera sui token veri, falsa sui PAD.

    tokens: (..., n), interi. Rende un tensore booleano (..., 1, n), trasmissibile a (..., n_q, n).
    Errori: TypeError se tokens non sono interi.
    """
    if tokens.is_floating_point() or tokens.dtype == torch.bool:
        raise TypeError(f"tokens ha tipo {tokens.dtype}: attesi identificatori interi")
    return (tokens != pad_id).unsqueeze(-2)  # (..., 1, n)


def check_inputs(Q, K, V, mask=None):
    """Controlla che le forme di Q, K, V e della maschera vadano d’accordo; spiega che cosa non va."""
    for name, x in (("Q", Q), ("K", K), ("V", V)):
        if x.dim() < 2:
            raise ValueError(f"{name} ha forma {tuple(x.shape)}: attesi almeno due assi")
    if K.size(-1) != Q.size(-1):
        raise ValueError(f"K ha d_k = {K.size(-1)}: atteso lo stesso d_k di Q, {Q.size(-1)}")
    if V.size(-2) != K.size(-2):
        raise ValueError(f"V ha {V.size(-2)} righe: attese quante le chiavi, {K.size(-2)}")
    if mask is None:
        return
    if mask.dtype != torch.bool:
        raise TypeError(f"mask ha tipo {mask.dtype}: atteso torch.bool, vero dove si può guardare")
    shape = (*torch.broadcast_shapes(Q.shape[:-2], K.shape[:-2]), Q.size(-2), K.size(-2))
    pairs = zip(reversed(mask.shape), reversed(shape), strict=False)
    if mask.dim() > len(shape) or any(m not in (1, s) for m, s in pairs):
        raise ValueError(f"mask ha forma {tuple(mask.shape)}: attesa una forma trasmissibile a {shape}")
