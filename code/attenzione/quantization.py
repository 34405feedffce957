"""Pesi a 8 bit: ogni riga di una matrice diventa interi da −127 a 127 e una scala, max|riga| / 127.

Una riga è un’unità d’uscita del prodotto: di W (d_in, d_out), che si usa come x @ W, le righe di Wᵀ; di E (n_vocab,
d_model) un token, per l’ingresso e per i logit. Bias, normalizzazioni e posizioni apprese restano in float32.
"""

import platform
from functools import cache

import torch

TINY = torch.finfo(torch.float32).tiny
"""La scala più piccola: quella di una riga di zeri, che così non fa caso a sé."""


def quantize_rows(W, bits=8):
    """W: (righe, colonne), in virgola mobile. Rende (codes, scale): int8 (righe, colonne) e float32 (righe,).

    Il codice è l’intero più vicino a W / scale: tornando indietro si sbaglia al più di scale / 2 per elemento, a meno
    dell’arrotondamento di float32. bits: da 2 a 8; gli interi vanno da −(2^(bits − 1) − 1) al suo opposto, 127 con 8
    bit e 7 con 4. Errori: TypeError se W non è in virgola mobile; ValueError se non ha due assi, è vuota o ha NaN o
    infiniti, o se bits non è fra 2 e 8.
    """
    if bits not in range(2, 9):
        raise ValueError(f"bits vale {bits}: atteso un intero da 2 a 8")
    if not W.is_floating_point():
        raise TypeError(f"W ha tipo {W.dtype}: atteso un tipo in virgola mobile")
    if W.dim() != 2 or 0 in W.shape:
        raise ValueError(f"W ha forma {tuple(W.shape)}: attesa (righe, colonne), non vuota")
    W = W.detach().float()
    scale = (W.abs().amax(dim=1) / (2 ** (bits - 1) - 1)).clamp(min=TINY)  # (righe,)
    if (wrong := ~scale.isfinite()).any():
        raise ValueError(f"W ha NaN o infiniti nella riga {int(wrong.nonzero()[0])}: attesi numeri finiti")
    codes = (W / scale[:, None]).round().to(torch.int8)  # (righe, colonne)
    return codes, scale


def dequantize_rows(codes, scale):
    """codes: int8 (righe, colonne); scale: (righe,). Rende la matrice float32 che rappresentano (righe, colonne)."""
    check_rows("codes", codes, scale)
    return codes * scale[:, None]


def check_rows(name, codes, scale):
    """Errore se codes non è una matrice int8, o scale non ha un float32 per riga."""
    if codes.dtype != torch.int8 or codes.dim() != 2:
        raise ValueError(f"{name} ha tipo {codes.dtype} e forma {tuple(codes.shape)}: attesa una matrice int8")
    if scale.dtype != torch.float32 or scale.shape != codes.shape[:1]:
        raise ValueError(
            f"la scala di {name} ha tipo {scale.dtype} e forma {tuple(scale.shape)}: attesi {codes.size(0)} float32"
        )


class Int8Product:
    """Il prodotto x @ Wᵀ + bias, con W a 8 bit: x (..., d_in), float32 → (..., d_out), float32. Senza gradienti.

    codes, scale: resi da quantize_rows, (d_out, d_in) e (d_out,); bias: (d_out,) o None. Per una W (d_in, d_out) dei
    nostri moduli è Int8Product(*quantize_rows(W.T)), per i logit Int8Product(*quantize_rows(E)); le prime righe dei
    codici sono le prime colonne di W.

    Anche x diventa intera, con una scala per riga: il risultato di una frase non dipende da quelle che ha accanto. Con
    una scala per l’intero tensore, come in quantized::linear_dynamic (che ha anche bisogno dei tensori qint8, in via
    di scomparsa da PyTorch), il traduttore del libro rende diverse da sole e in lotto 49 frasi su 188; così 2, per
    gli arrotondamenti dell’attenzione. Gli interi di x hanno 7 bit, da −63 a 63: i processori senza le istruzioni VNNI
    sommano i prodotti a coppie in 16 bit, e con 8 bit saturano senza dirlo (255 · 127 · 2 > 32 767); con 7 non possono
    (127 · 127 · 2), e gli interi sono gli stessi su ogni processore.

    Dove PyTorch non ha quel prodotto, o i codici non sono sulla CPU, i pesi tornano float32: stesso risultato, salvo
    l’arrotondamento di x. Una chiamata costa da sé una quarantina di microsecondi: conviene per i logit da quattro
    righe in su, per matrici più piccole da una decina o una trentina; senza VNNI, da una trentina in ogni caso.
    Errori: ValueError se le forme non vanno d’accordo, TypeError se x non è float32.
    """

    def __init__(self, codes, scale, bias=None):
        check_rows("codes", codes, scale)
        self.d_out, self.d_in = codes.shape
        if bias is not None and bias.shape != scale.shape:
            raise ValueError(f"bias ha forma {tuple(bias.shape)}: attesa ({self.d_out},)")
        self.scale, self.bias = scale.contiguous(), None if bias is None else bias.detach()
        self.integer = codes.device.type == "cpu" and has_integer_kernel()
        if self.integer:
            self.packed = pack(codes)
            self.zeros = torch.zeros(self.d_out, dtype=torch.long)  # i pesi sono simmetrici
        else:
            self.W = dequantize_rows(codes, scale).T.contiguous()  # (d_in, d_out)

    def __call__(self, x):
        if x.dtype != torch.float32:
            raise TypeError(f"x ha tipo {x.dtype}: atteso torch.float32")
        if not x.dim() or x.size(-1) != self.d_in:
            raise ValueError(f"x ha forma {tuple(x.shape)}: attesa (..., d_in) con d_in = {self.d_in}")
        x = x.detach()
        if not self.integer:
            return x @ self.W if self.bias is None else x @ self.W + self.bias
        scale = x.abs().amax(dim=-1, keepdim=True).mul_(1 / 63).clamp_(min=TINY)  # (..., 1)
        codes = (x / scale).add_(64.5).to(torch.uint8)  # (..., d_in), da 1 a 127: più 64, al più vicino
        y = multiply(codes, self.packed, self.scale, self.zeros)  # (..., d_out)
        return y.mul_(scale) if self.bias is None else torch.addcmul(self.bias, y, scale)


def pack(codes):
    """I codici (d_out, d_in) nell’ordine in cui il prodotto fra interi li legge."""
    return torch.ops.onednn.qlinear_prepack(codes.contiguous(), None)


def multiply(x, packed, scale, zeros):
    """(x − 64) @ codesᵀ · scale, sommato in interi: x (..., d_in), uint8; packed reso da pack. Rende (..., d_out)."""
    return torch.ops.onednn.qlinear_pointwise(
        x, 1.0, 64, packed, scale, zeros, None, 1.0, 0, torch.float32, "none", [], ""
    )


@cache
def has_integer_kernel():
    """Se PyTorch ha qui il prodotto fra interi, svelto (su x86) ed esatto: lo prova sui valori estremi."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    codes = torch.full((2, 64), 127, dtype=torch.int8)
    codes[1] = -127
    x = torch.full((1, 64), 127, dtype=torch.uint8)
    try:
        y = multiply(x, pack(codes), torch.ones(2), torch.zeros(2, dtype=torch.long))
    except (AttributeError, RuntimeError):  # una versione di PyTorch senza oneDNN, o con altre firme
        return False
    return y.tolist() == [[63 * 127 * 64, -63 * 127 * 64]]


def output_axis(name, tensor):
    """L’asse delle unità d’uscita di un parametro, None se resta in float32: quali sono matrici lo decide qui.

    W_q, W_1, W e V di SwiGLU… si usano come x @ W, e le unità d’uscita sono le colonne; in E, nella matrice dei logit
    W_out e in quelle di torch.nn, le righe. Le posizioni apprese PE si sommano e basta.
    """
    last = name.rpartition(".")[2]
    if tensor.dim() != 2 or last == "PE":
        return None
    return 1 if last in ("W", "V") or (last.startswith("W_") and last != "W_out") else 0


def quantized_state(model):
    """Lo stato di un modello a 8 bit, un dizionario di tensori: di una matrice «nome.codes» e «nome.scale».

    I codici sono per righe, (unità d’uscita, ingressi), anche dove il parametro è per colonne; il resto è in float32,
    con il suo nome. Errori: quelli di quantize_rows.
    """
    state = {}
    for name, tensor in model.state_dict().items():
        axis = output_axis(name, tensor)
        if axis is None:
            state[name] = tensor.float() if tensor.is_floating_point() else tensor
        else:
            codes, scale = quantize_rows(tensor.T if axis else tensor)
            state |= {f"{name}.codes": codes.contiguous(), f"{name}.scale": scale}
    return state


def dequantized(state):
    """Da uno stato reso da quantized_state a quello che load_state_dict vuole, in float32.

    Errori: ValueError se a una matrice mancano i codici o la scala, o non vanno d’accordo.
    """
    plain = {}
    for key, tensor in state.items():
        name, _, kind = key.rpartition(".")
        if kind not in ("codes", "scale"):
            plain[key] = tensor
            continue
        other = f"{name}.{'scale' if kind == 'codes' else 'codes'}"
        if other not in state:
            raise ValueError(f"lo stato ha «{key}»: atteso anche «{other}»")
        if kind == "codes":
            check_rows(key, tensor, state[other])
            W = dequantize_rows(tensor, state[other])
            plain[name] = W.T.contiguous() if output_axis(name, W) else W
    return plain
