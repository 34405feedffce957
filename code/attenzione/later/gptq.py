"""GPTQ (Frantar e altri, 2022, arXiv 2210.17323): si arrotonda un ingresso alla volta, e i seguenti rimediano.

Di una matrice non conta l’errore sui numeri, conta quello su x W per gli x che arrivano davvero. Arrotondata una riga
di W, quelle che restano si spostano di quanto serve perché il prodotto cambi il meno possibile (minimi quadrati).
"""

import torch

from attenzione.quantization import quantize_rows


def gptq(W, X, bits=4, damping=0.01):
    """W: (d_in, d_out), usata come x @ W; X: (n, d_in), gli ingressi d’esempio. Rende la W arrotondata (d_in, d_out).

    Ogni unità d’uscita ha la scala che le darebbe quantize_rows, decisa prima. H = XᵀX è la matrice dei minimi
    quadrati; damping: la parte della media della sua diagonale che le si aggiunge, perché si possa invertire. I numeri
    resi sono interi per scala. Errori: ValueError se le forme non vanno d’accordo; quelli di quantize_rows.
    """
    if X.dim() != 2 or W.dim() != 2 or X.size(1) != W.size(0):
        raise ValueError(f"X ha forma {tuple(X.shape)} e W {tuple(W.shape)}: attese (n, d_in) e (d_in, d_out)")
    _, scale = quantize_rows(W.T, bits)  # (d_out,)
    top = 2 ** (bits - 1) - 1
    W, X, scale = W.detach().double().clone(), X.detach().double(), scale.double()
    H = X.T @ X  # (d_in, d_in)
    H += damping * H.diagonal().mean() * torch.eye(len(H), dtype=H.dtype, device=H.device)
    inverse = torch.linalg.cholesky(torch.linalg.inv(H), upper=True)  # (d_in, d_in)
    rounded = torch.empty_like(W)
    for i in range(len(W)):
        rounded[i] = (W[i] / scale).round().clamp(-top, top) * scale  # (d_out,)
        error = (W[i] - rounded[i]) / inverse[i, i]  # (d_out,)
        W[i + 1 :] -= inverse[i, i + 1 :, None] * error  # le righe che restano rimediano
    return rounded.float()


def round_to_nearest(W, bits=4):
    """W: (d_in, d_out). Le stesse scale di gptq, e ogni numero al più vicino, senza rimedio. Rende (d_in, d_out)."""
    codes, scale = quantize_rows(W.T, bits)
    return (codes * scale[:, None]).T
