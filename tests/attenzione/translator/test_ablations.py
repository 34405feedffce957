"""Le ablazioni: ognuna toglie ciò che dice e nient’altro, e quelle registrate sono del modello spedito."""

import json

import pytest
import torch

from attenzione.attention import MultiHeadAttention
from attenzione.config import TransformerConfig
from attenzione.decoding import greedy
from attenzione.model import Transformer
from attenzione.translator.ablations import ablate, ablations, main, measure, trials
from attenzione.translator.pretrained import shipped_folder
from attenzione.translator.searches import fingerprint

SRC, TGT = torch.tensor([[5, 6, 7, 8, 3]]), torch.tensor([[1, 9, 4, 6]])


@pytest.fixture
def model():
    config = TransformerConfig(n_vocab=20, n_layers=2, d_model=16, d_ff=32, n_heads=4, max_len=64)
    model = Transformer(config).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model


def outputs(model):
    """Ciò che esce da ogni modulo su una frase: {nome: tensore}."""
    found = {}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda m, args, y, name=name: found.__setitem__(name, y))
    with torch.inference_mode():
        model(SRC, TGT)
    return found


def test_ogni_ablazione_cambia_il_modello_che_rende_e_non_quello_dato(model):
    before = model(SRC, TGT)
    for name, options in trials(model.config).items():
        assert (ablate(model, **options)(SRC, TGT) - before).abs().max() > 1e-6, name
    assert torch.equal(model(SRC, TGT), before)


@pytest.mark.parametrize("name", ["encoder.0.self_attention", "decoder.1.cross_attention", "decoder.0.feed_forward"])
def test_un_sottostrato_spento_da_zeri(model, name):
    found = outputs(ablate(model, [name]))
    assert not found[name].any()
    stack, layer, _ = name.split(".")
    assert found[f"{stack}.{layer}.residuals.0"].any()


def test_una_testa_spenta_e_una_somma_senza_la_sua_parte(model):
    """L’uscita è W^O per le teste affiancate: senza la testa 2 manca il suo pezzo, e solo quello."""
    module = model.encoder[0].self_attention
    x = torch.randn(1, 5, 16, dtype=torch.double)
    whole, weights = module(x, need_weights=True)
    V = module.split_heads(x @ module.W_qkv[:, -16:])
    share = (weights @ V)[:, 2] @ module.W_o[8:12]
    ablated = ablate(model, ["encoder.0.self_attention.heads.2"]).encoder[0].self_attention
    torch.testing.assert_close(ablated(x), whole - share)


def test_residua_e_normalizzazione(model):
    x, y = torch.randn(2, 1, 5, 16, dtype=torch.double)
    norm = model.decoder[1].residuals[2].norm
    cases = {
        "decoder.1.residuals.2": norm(y),
        "decoder.1.residuals.2.norm": x + y,
    }
    for name, expected in cases.items():
        residual = ablate(model, [name]).decoder[1].residuals[2]
        torch.testing.assert_close(residual(x, lambda _: y), expected)
    both = ablate(model, list(cases)).decoder[1].residuals[2]
    assert torch.equal(both(x, lambda _: y), y)


def test_senza_scala_i_punteggi_si_moltiplicano_per_la_radice(model):
    x = torch.randn(1, 5, 16, dtype=torch.double)
    module = model.encoder[0].self_attention
    Q, K = (module.split_heads(part) for part in (x @ module.W_qkv).split(16, dim=-1)[:2])
    _, weights = ablate(model, ["scale"]).encoder[0].self_attention(x, need_weights=True)
    torch.testing.assert_close(weights, (Q @ K.mT).softmax(dim=-1))


def test_senza_posizioni_l_ordine_non_conta_e_senza_maschera_il_futuro_si_vede(model):
    shuffled = SRC[:, [3, 0, 4, 2, 1]]
    lost = ablate(model, ["positions"])
    torch.testing.assert_close(lost(SRC, TGT), lost(shuffled, TGT))
    other = TGT.clone()
    other[0, -1] = 11
    assert torch.allclose(model(SRC, TGT)[:, 0], model(SRC, other)[:, 0])
    open_eyes = ablate(model, ["causal_mask"])
    assert not torch.allclose(open_eyes(SRC, TGT)[:, 0], open_eyes(SRC, other)[:, 0])


def test_meno_strati_con_e_senza_cache(model):
    fewer = ablate(model, encoder_layers=1, decoder_layers=1)
    assert (len(fewer.encoder), len(fewer.decoder)) == (1, 1)
    assert greedy(fewer, SRC)[0].tokens == greedy(fewer, SRC, use_cache=False)[0].tokens


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"without": ["encoder.5.residuals.0"]},
            "without contiene «encoder.5.residuals.0»: atteso un nome di ablations",
        ),
        ({"encoder_layers": 0}, "encoder_layers vale 0: atteso un intero da 1 a 2"),
        ({"decoder_layers": 3}, "decoder_layers vale 3: atteso un intero da 1 a 2"),
    ],
)
def test_un_ablazione_che_non_c_e_e_nominata(model, options, message):
    with pytest.raises(ValueError, match=message):
        ablate(model, **options)


def test_le_attenzioni_hanno_tutte_un_nome(model):
    names = {name for name, module in model.named_modules() if isinstance(module, MultiHeadAttention)}
    assert names <= set(ablations(model.config)) and len(names) == 6


def test_le_ablazioni_registrate_sono_del_modello_spedito():
    """Chi cambia il modello, o le ablazioni, rilancia il comando in testa al modulo."""
    found = json.loads((shipped_folder() / "ablazioni.json").read_text("utf-8"))
    assert found["modello"] == fingerprint(shipped_folder()) and found["parte"] == "prova"
    assert list(found["prove"]) == list(trials(TransformerConfig(n_vocab=5000, n_layers=3, d_model=256, n_heads=4)))
    assert abs(found["intero"]["8 bit"]["BLEU"] - found["intero"]["float32"]["BLEU"]) <= 0.3


def test_chi_interrompe_riprende_e_non_rifa(model):
    """Le prove già scritte restano com’erano, le altre si fanno, e si scrive a ciascuna."""

    class Words:
        def decode(self, ids):
            return " ".join(map(str, ids))

        def encode(self, text):
            return [int(word) for word in text.split()]

    saved, pairs = [], [("5 6 7", "5 6 7"), ("8 9", "8 9")]
    report, names = {}, list(trials(model.config))
    measure(model.float(), Words(), pairs, report, lambda r: saved.append(len(r["prove"])))
    assert list(report["prove"]) == names and saved == list(range(1, len(names) + 1))
    again = report | {"prove": dict.fromkeys(names[:-2], "com’era")}
    saved.clear()
    measure(model, Words(), pairs, again, lambda r: saved.append(len(r["prove"])))
    assert saved == [len(names) - 1, len(names)]
    assert again["prove"] == dict.fromkeys(names[:-2], "com’era") | {n: report["prove"][n] for n in names[-2:]}


def test_il_comando_dice_che_cosa_non_va(capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(["--dati", str(tmp_path), "--registra", str(tmp_path / "a.json"), "--frasi", "0"])
    assert "--frasi vale 0: atteso un intero positivo" in capsys.readouterr().err
