"""I pesi a 8 bit: l’errore di una riga, il prodotto fra interi, lo stato di un modello, il file."""

import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from attenzione import quantization
from attenzione.__main__ import main
from attenzione.config import TransformerConfig
from attenzione.model import Transformer
from attenzione.quantization import (
    Int8Product,
    dequantize_rows,
    dequantized,
    has_integer_kernel,
    quantize_rows,
    quantized_state,
)
from attenzione.training.checkpoint import (
    INT8,
    load_model,
    load_quantized,
    read_checkpoint,
    save_checkpoint,
    save_quantized,
    write_tensors,
)
from attenzione.translator.lstm import AttentionLSTM, LSTMConfig
from attenzione.translator.pretrained import encode_source, load_translator

CONFIG = TransformerConfig(n_vocab=30, n_layers=1, d_model=8, d_ff=12, n_heads=2, max_len=16, positions="learned")
HALF = 0.5 + 2**-15
"""Mezza unità del codice, e l’arrotondamento di float32 su numeri fino a 127."""


def wrong_by(W, codes, scale):
    """L’errore più grande, in unità della scala della sua riga."""
    error = (W.double() - dequantize_rows(codes, scale).double()).abs()
    return (error / scale.double()[:, None]).max().item()


def matrix(rows, columns, seed, exponent=0):
    """Righe di grandezza molto diversa: da 10^(exponent − 3) a 10^(exponent + 3)."""
    generator = torch.Generator().manual_seed(seed)
    size = 10.0 ** torch.linspace(exponent - 3, exponent + 3, rows)[:, None]
    return size * torch.randn(rows, columns, generator=generator)


shapes = st.tuples(st.integers(1, 7), st.integers(1, 40))


@given(shapes, st.integers(0, 999), st.integers(-34, 34))
@settings(max_examples=60, deadline=None)
def test_si_sbaglia_al_piu_di_mezza_scala(shape, seed, exponent):
    W = matrix(*shape, seed, exponent)
    codes, scale = quantize_rows(W)
    assert codes.dtype == torch.int8 and codes.shape == W.shape and scale.shape == W.shape[:1]
    assert wrong_by(W, codes, scale) <= HALF
    assert torch.equal(scale, (W.abs().amax(dim=1) / 127).clamp(min=quantization.TINY))
    assert codes.min() >= -127
    again, _ = quantize_rows(dequantize_rows(codes, scale))  # chi ha solo i pesi ritrova i codici
    assert torch.equal(again, codes)


def test_la_scala_di_un_altra_riga_si_vede():
    W = matrix(4, 30, 0)
    codes, scale = quantize_rows(W)
    assert wrong_by(W, codes, scale.roll(1)) > 1


def test_una_riga_di_zeri_resta_di_zeri():
    W = torch.tensor([[0.0, 0.0], [1e-44, -1e-44], [1.0, -2.0]])
    codes, scale = quantize_rows(W)
    assert codes[0].tolist() == [0, 0] and codes[2].tolist() == [64, -127]  # 63,5 al pari più vicino
    assert scale.isfinite().all() and wrong_by(W, codes, scale) <= HALF
    assert Int8Product(codes, scale)(torch.ones(1, 2))[0, 0] == 0


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_un_numero_non_finito_e_un_errore_che_dice_la_riga(bad):
    W = torch.ones(3, 2)
    W[1, 1] = bad
    with pytest.raises(ValueError, match="NaN o infiniti nella riga 1"):
        quantize_rows(W)


def test_gli_errori_dicono_che_cosa_era_atteso():
    codes, scale = quantize_rows(torch.randn(3, 4))
    product = Int8Product(codes, scale)
    for wrong in (torch.randn(3), torch.randn(0, 4), torch.randn(2, 3, 4)):
        with pytest.raises(ValueError, match=r"W ha forma .*: attesa \(righe, colonne\)"):
            quantize_rows(wrong)
    with pytest.raises(TypeError, match="atteso un tipo in virgola mobile"):
        quantize_rows(codes)
    for wrong in (scale[:2], scale.double(), scale[:, None]):
        with pytest.raises(ValueError, match=r"la scala di codes .*: attesi 3 float32"):
            dequantize_rows(codes, wrong)
    with pytest.raises(ValueError, match="attesa una matrice int8"):
        Int8Product(codes.int(), scale)
    with pytest.raises(ValueError, match=r"bias ha forma \(4,\): attesa \(3,\)"):
        Int8Product(codes, scale, torch.zeros(4))
    with pytest.raises(ValueError, match=r"x ha forma \(2, 3\): attesa \(..., d_in\) con d_in = 4"):
        product(torch.ones(2, 3))
    with pytest.raises(TypeError, match=r"x ha tipo torch\.float64: atteso torch\.float32"):
        product(torch.ones(2, 4, dtype=torch.float64))


@given(st.lists(st.integers(1, 4), max_size=2), st.integers(1, 70), st.integers(1, 40), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_il_prodotto_sbaglia_quanto_l_arrotondamento_delle_attivazioni(batch, d_in, d_out, seed):
    W, bias = matrix(d_out, d_in, seed), torch.randn(d_out)
    codes, scale = quantize_rows(W)
    x = torch.randn(*batch, d_in) * 10 ** torch.randn(*batch, 1)  # righe di grandezza diversa
    y = Int8Product(codes, scale, bias)(x)
    weights = dequantize_rows(codes, scale).double()
    exact = x.double() @ weights.T + bias
    half = x.double().abs().amax(dim=-1, keepdim=True) / 63 * HALF  # di quanto può sbagliare ogni attivazione
    largest = half * weights.abs().sum(dim=1) + 1e-6 * (exact.abs() + bias.abs())
    assert y.shape == (*batch, d_out) and y.dtype == torch.float32
    assert ((y - exact).abs() <= largest).all()


def extremes():
    """Attivazioni e pesi tutti ai valori estremi, dove una somma in 16 bit satura. Rende l’errore relativo."""
    W = torch.ones(96, 64)
    W[::3] = -1
    x = torch.ones(5, 64)
    x[1::2] = -1
    y = Int8Product(*quantize_rows(W))(x)
    exact = x.double() @ W.double().T
    return ((y - exact).abs() / exact.abs()).max().item()


def test_ai_valori_estremi_il_prodotto_non_satura():
    assert extremes() < 1e-6


@pytest.mark.lento
@pytest.mark.parametrize("isa", ["AVX2", "AVX512_CORE"])
def test_non_satura_neppure_dove_mancano_le_istruzioni_per_gli_interi(isa):
    code = "import test_quantization as t; print(t.has_integer_kernel(), t.extremes())"
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": isa, "ATEN_CPU_CAPABILITY": "avx2"}
    folder = os.path.dirname(__file__)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=folder, capture_output=True, text=True, check=True
    )
    kernel, error = done.stdout.split()
    assert kernel == str(has_integer_kernel()) and float(error) < 1e-6


def test_una_riga_non_dipende_da_quelle_che_ha_accanto():
    product = Int8Product(*quantize_rows(torch.randn(50, 32)))
    x = torch.randn(6, 32)
    x[0] *= 1000
    alone = torch.cat([product(row[None]) for row in x])
    torch.testing.assert_close(product(x), alone, rtol=1e-5, atol=1e-5)


def test_un_nan_resta_nella_sua_riga_e_gli_zeri_danno_il_bias():
    bias = torch.randn(5)
    product = Int8Product(*quantize_rows(torch.randn(5, 4)), bias)
    x = torch.randn(3, 4)
    x[0, 2], x[1] = torch.nan, 0
    y = product(x)
    assert y[0].isnan().all() and y[1:].isfinite().all() and torch.equal(y[1], bias)
    assert product(torch.zeros(0, 4)).shape == (0, 5)


@pytest.mark.parametrize("with_bias", [False, True])
def test_senza_il_prodotto_fra_interi_si_usano_i_pesi_in_float32(monkeypatch, with_bias):
    codes, scale = quantize_rows(torch.randn(40, 64))
    bias = torch.randn(40, requires_grad=True) if with_bias else None
    x = torch.randn(7, 64, requires_grad=True)
    integer = Int8Product(codes, scale, bias)
    monkeypatch.setattr(quantization, "has_integer_kernel", lambda: False)
    plain = Int8Product(codes, scale, bias)
    exact = x.detach() @ dequantize_rows(codes, scale).T + (bias.detach() if with_bias else 0)
    torch.testing.assert_close(plain(x), exact)
    assert (integer(x) - exact).norm() < 0.03 * exact.norm()
    assert not plain(x).requires_grad and not integer(x).requires_grad


def test_le_prime_colonne_di_W_sono_le_prime_righe_dei_codici():
    W = torch.randn(16, 24)
    codes, scale = quantize_rows(W.T)
    x = torch.randn(3, 16)
    first = Int8Product(codes[:8], scale[:8])(x)
    torch.testing.assert_close(first, Int8Product(codes, scale)(x)[:, :8])
    assert (first - x @ W[:, :8]).norm() < 0.05 * first.norm()


def test_nello_stato_ogni_matrice_e_per_unita_d_uscita():
    model = Transformer(CONFIG)
    state = quantized_state(model)
    parameters = model.state_dict()
    matrices = {name.removesuffix(".codes") for name in state if name.endswith(".codes")}
    assert matrices == {name for name, p in parameters.items() if p.dim() == 2} - {"positions.PE"}
    assert state["embedding.E.codes"].shape == (30, 8) and state["embedding.E.scale"].shape == (30,)
    assert state["encoder.0.feed_forward.W_1.codes"].shape == (12, 8)  # W_1 è (8, 12)
    assert torch.equal(state["positions.PE"], parameters["positions.PE"])
    assert all(tensor.is_contiguous() for tensor in state.values())
    plain = dequantized(state)
    assert plain.keys() == parameters.keys()
    for name, W in parameters.items():
        if name not in matrices:
            assert torch.equal(plain[name], W)
            continue
        scale = state[f"{name}.scale"]
        scale = scale[:, None] if name == "embedding.E" else scale
        assert ((plain[name] - W).abs() <= HALF * scale).all()


def test_lo_stato_di_un_modello_con_moduli_di_torch_torna_indietro():
    model = AttentionLSTM(LSTMConfig(n_vocab=20, n_layers=1, d_model=8, d_hidden=10))
    state = quantized_state(model)
    assert state["combine.weight.codes"].shape == model.combine.weight.shape
    model.load_state_dict(dequantized(state))


def test_a_uno_stato_non_possono_mancare_i_codici_o_le_scale():
    state = quantized_state(Transformer(CONFIG))
    for lost, kept in (("codes", "scale"), ("scale", "codes")):
        broken = {name: tensor for name, tensor in state.items() if name != f"embedding.E.{lost}"}
        with pytest.raises(ValueError, match=f"«embedding.E.{kept}»: atteso anche «embedding.E.{lost}»"):
            dequantized(broken)


def test_il_file_va_e_torna(tmp_path):
    model, path = Transformer(CONFIG), tmp_path / "int8.safetensors"
    save_quantized(path, model, ["a", "b"])
    state, header = load_quantized(path)
    expected = quantized_state(model)
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in expected.items())
    assert header["formato"] == INT8 and header["vocabolario"] == ["a", "b"]
    loaded, vocabulary = load_model(path)
    assert vocabulary == ["a", "b"] and not loaded.training
    plain = dequantized(expected)
    assert all(torch.equal(tensor, plain[name]) for name, tensor in loaded.state_dict().items())


def test_di_un_file_a_8_bit_si_vede_la_configurazione(tmp_path, capsys):
    path = tmp_path / "int8.safetensors"
    save_quantized(path, Transformer(CONFIG))
    assert main(["ispeziona", str(path)]) == 0
    assert "learned" in capsys.readouterr().out


def test_un_file_di_altro_formato_danneggiato_o_di_altra_forma(tmp_path):
    model, path = Transformer(CONFIG), tmp_path / "int8.safetensors"
    save_checkpoint(path, model)
    with pytest.raises(ValueError, match="atteso un checkpoint in formato «attenzione-int8-1»"):
        load_quantized(path)
    save_quantized(path, model)
    with pytest.raises(ValueError, match="atteso un checkpoint in formato «attenzione-1»"):
        read_checkpoint(path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="il file è danneggiato"):
        load_quantized(path)
    path.write_bytes(content[:-40])
    with pytest.raises(ValueError, match="il file è danneggiato"):
        load_quantized(path)
    state = {f"modello.{name}": tensor for name, tensor in quantized_state(model).items()}
    scale, codes = "modello.embedding.E.scale", "modello.embedding.E.codes"
    for wrong, message in (
        ({scale: state[scale][1:]}, "la scala di embedding.E.codes ha tipo"),
        ({codes: state[codes][:, 1:]}, "il tensore «embedding.E» ha forma"),
        ({"modello.altro": torch.ones(1)}, "non prevede il tensore «altro»"),
    ):
        write_tensors(path, state | wrong, model, INT8, None)
        with pytest.raises(ValueError, match=message):
            load_model(path)


def test_il_traduttore_a_8_bit_pesa_la_meta_e_da_le_stesse_probabilita(tmp_path):
    model, tokenizer = load_translator()
    path = tmp_path / "int8.safetensors"
    save_quantized(path, model)
    assert path.stat().st_size <= 7e6
    assert sum(tensor.numel() for tensor in load_file(path).values() if tensor.dtype == torch.int8) > 6.7e6
    light, _ = load_model(path)
    src = torch.tensor([encode_source(tokenizer, "we must find a common solution to this problem .", model.config)])
    tgt = torch.tensor([[1, *tokenizer.encode("dobbiamo trovare una soluzione comune a questo problema .")]])
    with torch.inference_mode():
        expected, found = (m(src, tgt).softmax(dim=-1) for m in (model, light))
    assert (expected - found).abs().sum(dim=-1).mean() < 0.1  # su 2, se non avessero nulla in comune
