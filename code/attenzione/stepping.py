"""Un passo di decodifica con la cache, svelto: gli stessi conti di DecoderLayer, senza nulla fra un prodotto e l’altro.

Un token alla volta i tensori sono piccoli e costa ciò che sta in mezzo: i controlli, le chiamate ai moduli, le copie.
Qui i pesi si leggono una volta, all’inizio; la cache di tutti gli strati è un tensore solo; sulla CPU la matrice degli
embedding si riordina per oneDNN. La via piana, quella da leggere, è Transformer.decode: una prova le tiene uguali.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.nn.functional import embedding, scaled_dot_product_attention

from attenzione.attention import MultiHeadAttention
from attenzione.embedding import Embedding
from attenzione.feedforward import PositionwiseFeedForward
from attenzione.layers import DecoderLayer, Residual
from attenzione.quantization import Int8Product, dequantized, quantize_rows, quantized_state

PLAIN = (
    *(DecoderLayer, Residual, MultiHeadAttention, PositionwiseFeedForward, Embedding),
    *(nn.ModuleList, nn.LayerNorm, nn.Dropout, nn.Identity),
)
"""I moduli di cui qui si rifanno i conti: un decoder che ne ha altri prende la via piana."""

INTEGER_ROWS = 16
"""Le righe da cui i prodotti fra interi convengono anche per le matrici piccole."""


def can_step(model):
    """Se la via svelta fa ciò che farebbe quella piana: decoder del libro, senza hook, dropout né calcoli misti."""
    redone = [*model.decoder.modules(), model.embedding, model.dropout, model.decoder_norm]
    changed = any(m._forward_hooks or m._forward_pre_hooks or "forward" in vars(m) for m in redone)
    return (
        all(type(module) in PLAIN and not module.training for module in redone)
        and not changed
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


@dataclass(frozen=True)
class Layer:
    """Uno strato del decoder come prodotti, funzioni da (righe, d_in) a (righe, d_out), e normalizzazioni."""

    qkv: Callable
    own_output: Callable
    query: Callable
    cross_output: Callable
    up: Callable
    down: Callable
    norms: tuple[tuple[Callable, bool], ...]


@dataclass(frozen=True)
class Products:
    """I prodotti di un decoder intero, pronti: i pesi sono quelli di quando si preparano."""

    layers: tuple[Layer, ...]
    norm: Callable
    logits: Callable


def prepare(model, matrix=matrix, rows_of=rows_of):
    """I prodotti del decoder di model. matrix, rows_of: come si fanno quelli per una matrice e per gli embedding."""
    layers = []
    for layer in model.decoder:
        own, cross, net = layer.self_attention, layer.cross_attention, layer.feed_forward
        norms = tuple((norm_of(residual.norm), residual.norm_first) for residual in layer.residuals)
        query = matrix(cross.W_qkv[:, : cross.widths[0]])
        up, down = matrix(net.W_1, net.b_1), matrix(net.W_2, net.b_2)
        layers.append(Layer(matrix(own.W_qkv), matrix(own.W_o), query, matrix(cross.W_o), up, down, norms))
    return Products(tuple(layers), norm_of(model.decoder_norm), rows_of(model.embedding.E))


def quantized(model):
    """Un modello uguale a model, coi pesi a 8 bit di quantization: da dare a greedy e beam_search al suo posto.

    Ha i pesi dequantizzati, fermi, e genera con prodotti fra interi: i logit sempre, gli altri quando le righe sono
    almeno INTEGER_ROWS, perché con meno costano più dei prodotti in float32. Rende un modello in modo valutazione,
    sulla CPU. Errori: quelli di quantize_rows.
    """
    twin = type(model)(model.config)
    twin.load_state_dict(dequantized(quantized_state(model)))
    twin.eval().requires_grad_(False)
    twin.few_rows = prepare(twin, rows_of=integer_rows)
    twin.many_rows = prepare(twin, integer_matrix, integer_rows)
    return twin


def integer_matrix(W, bias=None):
    return Int8Product(*quantize_rows(W.T), bias)


def integer_rows(E):
    return Int8Product(*quantize_rows(E))


class FastDecoder:
    """Il decoder di model pronto a generare: step(tokens) rende i logit del token che segue.

    z, z_mask: rese da model.encode, (B, n, d_model) e (B, 1, n) o None; capacity: i token che si potranno generare;
    beam: le sequenze di ciascuna frase, in righe vicine; products: resi da prepare.
    Errori: MemoryError se la cache non entra.
    """

    def __init__(self, model, z, z_mask, capacity, beam=1, products=None):
        c = model.config
        self.E, self.scale = model.embedding.E, math.sqrt(c.d_model)
        self.positions = model.positions
        self.beam, self.n_heads, self.d_k, self.d_v = beam, c.n_heads, c.d_k, c.d_v
        self.mask = None if z_mask is None else z_mask.unsqueeze(1)  # (B, 1, 1, n)
        shape = (z.size(0) * beam, capacity, c.n_layers, c.n_heads * (c.d_k + c.d_v))
        try:  # due, per il riordino: si legge dall’una e si scrive nell’altra
            self.cache, self.spare = z.new_empty(shape), z.new_empty(shape if beam > 1 else 0)
        except RuntimeError as error:
            raise MemoryError(
                f"capacity vale {capacity}, le sequenze sono {shape[0]}: la memoria non basta per la cache; attesa una "
                "sequenza più corta o un batch più piccolo"
            ) from error
        self.length = 0
        self.memories = [  # (B, h, n, d_k) e (B, h, n, d_v) per strato
            [tensor.contiguous() for tensor in layer.cross_attention.keys_values(z)] for layer in model.decoder
        ]
        self.products = prepare(model) if products is None else products

    def step(self, tokens):
        """tokens: (B·beam,), gli ultimi scelti. Rende i logit del token che segue: (B·beam, n_vocab)."""
        x = embedding(tokens, self.E) * self.scale  # (B·beam, d_model)
        x = self.positions(x[:, None], self.length)[:, 0]
        for i, layer in enumerate(self.products.layers):
            sublayers = (self.look_back, self.look_at_memory, feed_forward)
            for (norm, norm_first), sublayer in zip(layer.norms, sublayers, strict=True):
                x = x + sublayer(layer, i, norm(x)) if norm_first else norm(x + sublayer(layer, i, x))
        self.length += 1
        return self.products.logits(self.products.norm(x))

    def look_back(self, layer, i, x):
        """La self-attention dello strato i: l’ultima posizione guarda tutte quelle nella cache, e sé stessa."""
        qkv = layer.qkv(x)  # (R, h(2 d_k + d_v)), con R = B·beam
        n, keys = self.length + 1, self.n_heads * self.d_k
        past = self.cache.select(2, i).narrow(1, 0, n)  # (R, n, h(d_k + d_v)), una vista
        past.select(1, n - 1).copy_(qkv[:, keys:])
        Q = qkv[:, :keys].view(-1, self.n_heads, 1, self.d_k)  # (R, h, 1, d_k)
        K = past[..., :keys].view(-1, n, self.n_heads, self.d_k).transpose(1, 2)  # (R, h, n, d_k)
        V = past[..., keys:].view(-1, n, self.n_heads, self.d_v).transpose(1, 2)  # (R, h, n, d_v)
        return layer.own_output(scaled_dot_product_attention(Q, K, V).flatten(1))  # (R, d_model)

    def look_at_memory(self, layer, i, x):
        """L’attenzione encoder-decoder: le beam sequenze di una frase sono query della stessa memoria."""
        Q = layer.query(x).view(-1, self.beam, self.n_heads, self.d_k).transpose(1, 2)  # (B, h, beam, d_k)
        heads = scaled_dot_product_attention(Q, *self.memories[i], attn_mask=self.mask)  # (B, h, beam, d_v)
        return layer.cross_output(heads.transpose(1, 2).flatten(2).flatten(0, 1))  # (B·beam, d_model)

    def reorder(self, rows):
        """La riga i prosegue la vecchia riga rows[i] (beam search): una copia sola, per tutti gli strati."""
        if self.beam == 1:
            return  # una sequenza per frase: ognuna prosegue sé stessa
        n = self.length
        torch.index_select(self.cache[:, :n], 0, rows, out=self.spare[:, :n])
        self.cache, self.spare = self.spare, self.cache


def feed_forward(layer, i, x):
    return layer.down(layer.up(x).relu_())


def norm_of(module):
    """La layer normalization di module come funzione; l’identità dove module non normalizza."""
    if not isinstance(module, nn.LayerNorm):
        return lambda x: x
    return lambda x: torch.layer_norm(x, module.normalized_shape, module.weight, module.bias, module.eps)
