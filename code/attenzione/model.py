"""Il Transformer intero, Figura 1."""

import torch
from torch import nn

from attenzione.attention import KVCache, MultiHeadAttention, padding_mask
from attenzione.config import TransformerConfig
from attenzione.device import read
from attenzione.embedding import (
    Embedding,
    LearnedPositionalEncoding,
    NoPositionalEncoding,
    SinusoidalPositionalEncoding,
)
from attenzione.layers import DecoderLayer, EncoderLayer
from attenzione.stepping import INTEGER_ROWS, FastDecoder, can_step

TABLE = 4096
"""Le posizioni che si calcolano subito, al più: oltre, la tabella si allunga quando serve."""


class Transformer(nn.Module):
    """Encoder e decoder con embedding condivisi, esattamente quelli dell’articolo se config non dice altro.

    Errori (ValueError, TypeError) di encode, decode e forward: token che non sono interi o sono fuori dal
    vocabolario, una sequenza vuota, una frase di soli PAD, una sequenza più lunga di max_len, src e tgt di batch
    diversi. Il contenuto dei token si guarda con un trasferimento solo dal dispositivo; dentro torch.compile e
    torch.export non si guarda, e lo fa chi chiama, con check_tokens.
    """

    config_class = TransformerConfig
    few_rows = many_rows = None  # i prodotti a 8 bit, dove stepping.quantized li ha preparati

    def __init__(self, config):
        super().__init__()
        self.config = c = config
        self.embedding = Embedding(c.n_vocab, c.d_model)
        if c.positions == "learned":
            self.positions = LearnedPositionalEncoding(c.max_len, c.d_model)
        elif c.positions == "none":
            self.positions = NoPositionalEncoding()
        else:
            self.positions = SinusoidalPositionalEncoding(c.d_model, c.positions, min(c.max_len, TABLE))
        self.dropout = nn.Dropout(c.p_drop)
        self.encoder = nn.ModuleList(EncoderLayer(c) for _ in range(c.n_layers))
        self.decoder = nn.ModuleList(DecoderLayer(c) for _ in range(c.n_layers))
        self.encoder_norm = nn.LayerNorm(c.d_model) if c.final_norm else nn.Identity()
        self.decoder_norm = nn.LayerNorm(c.d_model) if c.final_norm else nn.Identity()

    def forward(self, src, tgt, checked=False):
        """src: (B, n) e tgt: (B, m), identificatori di token. Rende i logit (B, m, n_vocab).

        tgt è già spostato di una posizione: comincia con BOS, e i logit in posizione i predicono il token
        i + 1. I PAD stanno in fondo. checked: se i token li ha già guardati chi chiama, con check_tokens.
        """
        mask = self.source_mask(src) if checked else check_tokens(self.config, src=src, tgt=tgt)
        check_same_batch(src, tgt)
        z = self.run_encoder(src, mask)
        return self.embedding.logits(self.run_decoder(tgt, z, mask))

    def encode(self, src):
        """src: (B, n). Rende la memoria z (B, n, d_model) e la sua maschera (B, 1, n), None senza PAD."""
        mask = check_tokens(self.config, src=src)
        return self.run_encoder(src, mask), mask

    def decode(self, tgt, z, z_mask=None, cache=None):
        """tgt: (B·k, m); z, z_mask: resi da encode. Rende i vettori (B·k, m, d_model) prima dei logit.

        k sequenze (righe vicine) possono guardare la stessa memoria. cache: quella resa da start_cache; con
        la cache tgt contiene soltanto i token nuovi, e z non serve più. Errori: ValueError, oltre a quelli dei token,
        se le righe di tgt non sono un multiplo di quelle della memoria.
        """
        memory = z if cache is None else cache[0][0][0]
        if tgt.size(0) % memory.size(0):
            raise ValueError(f"tgt ha {tgt.size(0)} righe: atteso un multiplo delle {memory.size(0)} della memoria")
        if cache is None:
            check_tokens(self.config, tgt=tgt)
        return self.run_decoder(tgt, z, z_mask, cache)

    def run_encoder(self, src, mask):
        x = self.embed(src)  # (B, n, d_model)
        for layer in self.encoder:
            x = layer(x, mask)
        return self.encoder_norm(x)

    def run_decoder(self, tgt, z, z_mask, cache=None):
        start = 0 if cache is None else cache[0][1].length
        x = self.embed(tgt, start)  # (B·k, m, d_model)
        for layer, (memory, kv_cache) in zip(self.decoder, cache or [(z, None)] * len(self.decoder), strict=True):
            x = layer(x, memory, z_mask, kv_cache)
        return self.decoder_norm(x)

    def embed(self, tokens, start=0):
        return self.dropout(self.positions(self.embedding(tokens), start))

    def start_cache(self, z, capacity, beam=1):
        """La cache per generare fino a capacity token: per ciascuno strato (chiavi e valori di z, KVCache).

        z: (B, n, d_model), proiettata qui una volta sola; beam: quante sequenze per frase di partenza.
        """
        c = self.config
        shape = (z.size(0) * beam, c.n_heads, capacity, c.d_k, c.d_v)
        return [
            (layer.cross_attention.keys_values(z), KVCache(*shape, device=z.device, dtype=z.dtype))
            for layer in self.decoder
        ]

    def start_steps(self, z, z_mask, capacity, beam=1):
        """La via svelta di start_cache e decode: un FastDecoder, o None dove la via piana farebbe altro."""
        if not can_step(self):
            return None
        products = self.many_rows if z.size(0) * beam >= INTEGER_ROWS else self.few_rows
        return FastDecoder(self, z, z_mask, capacity, beam, products)

    def source_mask(self, src):
        """La maschera di riempimento di src (B, 1, n); None se non nasconde nulla e saperlo non costa un’attesa."""
        mask = padding_mask(src, self.config.pad_id)
        if torch.compiler.is_compiling() or src.device.type != "cpu":
            return mask
        return None if mask.all() else mask

    def attention_weights(self, src, tgt):
        """I pesi di ogni strato e testa, per le figure: un dizionario con tre elenchi lunghi n_layers.

        Chiavi: «encoder» (B, h, n, n), «decoder» (B, h, m, m), «encoder-decoder» (B, h, m, n).
        """
        weights = {"encoder": [], "decoder": [], "encoder-decoder": []}

        def ask(module, args, kwargs):
            return args, kwargs | {"need_weights": True}

        def keep(where):
            def hook(module, args, result):
                where.append(result[1])
                return result[0]

            return hook

        hooks = []
        for name, module in self.named_modules():
            if isinstance(module, MultiHeadAttention):
                stack = "encoder-decoder" if "cross" in name else name.split(".")[0]
                hooks.append(module.register_forward_pre_hook(ask, with_kwargs=True))
                hooks.append(module.register_forward_hook(keep(weights[stack])))
        try:
            self(src, tgt)
        finally:
            for hook in hooks:
                hook.remove()
        return weights


def check_tokens(config, **named):
    """Guarda i token di ciascun argomento, src o tgt: (B, n). Rende la maschera del primo, (B, 1, n).

    La maschera è None se non nasconde nulla; dentro torch.compile e torch.export c’è sempre, e i token non si guardano.
    Ciò che si deve leggere dal dispositivo si legge in un trasferimento solo.
    Errori (ValueError, TypeError): token che non sono interi o sono fuori dal vocabolario, una sequenza vuota o più
    lunga di max_len, una frase di soli PAD.
    """
    masks, facts = [], []
    for name, tokens in named.items():
        mask = padding_mask(tokens, config.pad_id)  # (B, 1, n); TypeError se non sono interi
        if tokens.dim() != 2 or 0 in tokens.shape:
            raise ValueError(f"{name} ha forma {tuple(tokens.shape)}: attesa (B, n), con B e n almeno 1")
        if tokens.size(1) > config.max_len:
            raise ValueError(f"{name} ha {tokens.size(1)} posizioni: attese al più max_len = {config.max_len}")
        masks.append(mask)
        if not torch.compiler.is_compiling():
            facts += about(tokens, mask)
    if not facts:
        return masks[0]
    facts = read(torch.stack(facts).unflatten(0, (-1, 5)))  # l’unica attesa
    for name, (low, high, row, real, _) in zip(named, facts, strict=True):
        if low < 0 or high >= config.n_vocab:
            wrong = low if low < 0 else high
            raise ValueError(f"{name} contiene il token {wrong}: attesi interi da 0 a {config.n_vocab - 1}")
        if not real:
            raise ValueError(f"{name} ha soltanto PAD nella riga {row}: atteso almeno un token")
    return masks[0] if facts[0][-1] < masks[0].numel() else None


def check_same_batch(src, tgt):
    """Errore se src e tgt non hanno altrettante frasi: una riga non deve mai guardare la frase di un’altra."""
    if src.size(0) != tgt.size(0):
        raise ValueError(f"src ha {src.size(0)} frasi e tgt ne ha {tgt.size(0)}: attese altrettante")


def about(tokens, mask):
    """Ciò che check_tokens deve sapere di tokens (B, n), di maschera (B, 1, n): cinque scalari sul loro dispositivo.

    Il token più piccolo e il più grande, la riga con meno token veri, quanti ne ha, quanti ce ne sono in tutto.
    """
    real = mask.sum(dim=-1).squeeze(-1)  # (B,)
    return [*(extreme.long() for extreme in tokens.aminmax()), real.argmin(), real.min(), real.sum()]
