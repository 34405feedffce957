"""Un passo di decodifica con la cache, svelto: gli stessi conti di DecoderLayer, senza nulla fra un prodotto e l’altro.

Un token alla volta i tensori sono piccoli e costa ciò che sta in mezzo: i controlli, le chiamate ai moduli, le copie.
Qui i pesi si leggono una volta, all’inizio; la cache di tutti gli strati è un tensore solo; sulla CPU la matrice degli
embedding si riordina per oneDNN. La via piana, quella da leggere, è Transformer.decode: una prova le tiene uguali.
"""

import math
from functools import partial

import torch
from torch import nn
from torch.nn.functional import embedding, layer_norm, scaled_dot_product_attention

from attenzione.attention import MultiHeadAttention
from attenzione.embedding import Embedding
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.layers import DecoderLayer, Residual

PLAIN = (
    *(DecoderLayer, Residual, MultiHeadAttention, PositionwiseFeedForward, Embedding),
    *(nn.ModuleList, nn.LayerNorm, nn.Dropout, nn.Identity),
)
"""I moduli di cui qui si rifanno i conti: un decoder che ne ha altri prende la via piana."""


def can_step(model):
    """Se la via svelta fa ciò che farebbe quella piana: decoder del libro, senza hook, dropout né calcoli misti."""
    redone = [*model.decoder.modules(), model.embedding, model.dropout, model.decoder_norm]
    return (
        all(type(module) in PLAIN and not module.training for module in redone)
        and not any(module._forward_hooks or module._forward_pre_hooks for module in redone)
        and not torch.is_autocast_enabled(model.embedding.E.device.type)
    )


def matrix(W, bias=None):
    """Il prodotto per W (d_in, d_out), con il bias se c’è: una funzione da (righe, d_in) a (righe, d_out)."""
    return partial(torch.mm, mat2=W) if bias is None else partial(torch.addmm, bias, mat2=W)


def rows_of(E):
    """Il prodotto per Eᵀ, con E (n_vocab, d_model): i logit. Sulla CPU in float32 la riordina una volta per oneDNN."""
    if E.device.type != "cpu" or E.dtype != torch.float32 or not torch.backends.mkldnn.is_available():
        return matrix(E.T)
    packed = torch.ops.mkldnn._reorder_linear_weight(E.detach(), 8)  # 8 righe: una misura tipica, non un limite
    return lambda x: torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")


class FastDecoder:
    """Il decoder di model pronto a generare: step(tokens) rende i logit del token che segue.

    z, z_mask: rese da model.encode, (B, n, d_model) e (B, 1, n) o None; capacity: i token che si potranno generare;
    beam: le sequenze di ciascuna frase, in righe vicine; matrix, rows_of: come si fa il prodotto per una matrice
    dei pesi e per gli embedding. I pesi sono quelli di quando si costruisce. Errori: MemoryError se la cache non entra.
    """

    def __init__(self, model, z, z_mask, capacity, beam=1, matrix=matrix, rows_of=rows_of):
        c = model.config
        self.E, self.scale = model.embedding.E, math.sqrt(c.d_model)
        self.positions = model.positions
        self.logits = rows_of(self.E)
        self.beam, self.n_heads, self.d_k, self.d_v = beam, c.n_heads, c.d_k, c.d_v
        self.mask = None if z_mask is None else z_mask.unsqueeze(1)  # (B, 1, 1, n)
        self.norm = norm_of(model.decoder_norm)
        width = c.n_heads * (c.d_k + c.d_v)
        shape = (z.size(0) * beam, capacity, c.n_layers, width)
        try:  # due, per il riordino: si legge dall’una e si scrive nell’altra
            self.cache, self.spare = z.new_empty(shape), z.new_empty(shape if beam > 1 else 0)
        except RuntimeError as error:
            raise MemoryError(
                f"capacity vale {capacity}, le sequenze sono {shape[0]}: la memoria non basta per la cache; attesa una "
                "sequenza più corta o un batch più piccolo"
            ) from error
        self.length = 0
        self.layers = [self.prepare(i, layer, z, matrix) for i, layer in enumerate(model.decoder)]

    def prepare(self, i, layer, z, matrix):
        """I tre sottostrati di uno strato, come (normalizzazione, se sta prima, sottostrato)."""
        own, cross, net = layer.self_attention, layer.cross_attention, layer.feed_forward
        memory = [tensor.contiguous() for tensor in cross.keys_values(z)]  # (B, h, n, d_k) e (B, h, n, d_v)
        sublayers = (
            partial(self.look_back, i, matrix(own.W_qkv), matrix(own.W_o)),
            partial(self.look_at_memory, memory, matrix(cross.W_qkv[:, : cross.widths[0]]), matrix(cross.W_o)),
            partial(feed_forward, matrix(net.W_1, net.b_1), matrix(net.W_2, net.b_2)),
        )
        norms = [(norm_of(residual.norm), residual.norm_first) for residual in layer.residuals]
        return [(norm, first, sublayer) for (norm, first), sublayer in zip(norms, sublayers, strict=True)]

    def step(self, tokens):
        """tokens: (B·beam,), gli ultimi scelti. Rende i logit del token che segue: (B·beam, n_vocab)."""
        x = embedding(tokens, self.E) * self.scale  # (B·beam, d_model)
        x = self.positions(x[:, None], self.length)[:, 0]
        for layer in self.layers:
            for norm, norm_first, sublayer in layer:
                x = x + sublayer(norm(x)) if norm_first else norm(x + sublayer(x))
        self.length += 1
        return self.logits(self.norm(x))

    def look_back(self, i, W_qkv, W_o, x):
        """La self-attention dello strato i: l’ultima posizione guarda tutte quelle nella cache, e sé stessa."""
        qkv = W_qkv(x)  # (R, h(2 d_k + d_v)), con R = B·beam
        n, keys = self.length + 1, self.n_heads * self.d_k
        self.cache[:, n - 1, i] = qkv[:, keys:]
        past = self.cache[:, :n, i]  # (R, n, h(d_k + d_v))
        Q = qkv[:, :keys].view(-1, self.n_heads, 1, self.d_k)
        K = past[..., :keys].unflatten(-1, (self.n_heads, self.d_k)).transpose(1, 2)  # (R, h, n, d_k)
        V = past[..., keys:].unflatten(-1, (self.n_heads, self.d_v)).transpose(1, 2)  # (R, h, n, d_v)
        return W_o(scaled_dot_product_attention(Q, K, V).flatten(1))  # (R, d_model)

    def look_at_memory(self, memory, W_q, W_o, x):
        """L’attenzione encoder-decoder: le beam sequenze di una frase sono query della stessa memoria."""
        Q = W_q(x).view(-1, self.beam, self.n_heads, self.d_k).transpose(1, 2)  # (B, h, beam, d_k)
        heads = scaled_dot_product_attention(Q, *memory, attn_mask=self.mask)  # (B, h, beam, d_v)
        return W_o(heads.transpose(1, 2).flatten(2).flatten(0, 1))  # (B·beam, d_model)

    def reorder(self, rows):
        """La riga i prosegue la vecchia riga rows[i] (beam search): una copia sola, per tutti gli strati."""
        if self.beam == 1:
            return  # una sequenza per frase: ognuna prosegue sé stessa
        n = self.length
        torch.index_select(self.cache[:, :n], 0, rows, out=self.spare[:, :n])
        self.cache, self.spare = self.spare, self.cache


def feed_forward(W_1, W_2, x):
    return W_2(W_1(x).relu_())


def norm_of(module):
    """La layer normalization di module come funzione; l’identità dove module non normalizza."""
    if not isinstance(module, nn.LayerNorm):
        return lambda x: x
    return lambda x: layer_norm(x, module.normalized_shape, module.weight, module.bias, module.eps)
