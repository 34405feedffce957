"""LoRA, adattatori, 4 bit, GPTQ, distillazione, schema di una chat: ciascuno contro una seconda forma del conto."""

import copy
import gzip
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from attenzione.config import TransformerConfig
from attenzione.figures import adapting_figure
from attenzione.later import adapting
from attenzione.later.adapters import Adapter, add_adapters
from attenzione.later.chat import chat_loss, collate_chats, encode_chat
from attenzione.later.distillation import distillation_loss
from attenzione.later.four_bits import (
    FourBits,
    dequantize_groups,
    freeze_in_four_bits,
    nf4_levels,
    quantize_groups,
    stored_bytes,
)
from attenzione.later.gptq import gptq, round_to_nearest
from attenzione.later.language_model import LanguageModel, LanguageModelConfig
from attenzione.later.lora import LowRankChange, add_lora, matrices, merge, trainable
from attenzione.model import Transformer
from attenzione.quantization import dequantized, output_axis, quantize_rows, quantized_state


def small(**options):
    torch.manual_seed(0)
    sizes = {"n_vocab": 11, "n_layers": 2, "d_model": 16, "d_ff": 24, "n_heads": 2, "p_drop": 0.0, "max_len": 12}
    return LanguageModel(LanguageModelConfig(**(sizes | options))).eval()


def shake(model):
    """Valori qualunque in ciò che si impara, anche dove parte da zero."""
    with torch.no_grad():
        for p in trainable(model):
            p.copy_(torch.randn(p.shape, dtype=p.dtype) / 10)
    return model


TOKENS = torch.tensor([[1, 5, 3, 9, 4], [1, 2, 7, 8, 10]])


# LoRA, 2106.09685


def test_it_starts_from_the_same_model_and_only_the_change_learns():
    model = small()
    changed = add_lora(copy.deepcopy(model), 2)
    torch.testing.assert_close(changed(TOKENS), model(TOKENS))
    before = {name: p.clone() for name, p in changed.named_parameters()}
    optimizer = torch.optim.SGD(trainable(changed), lr=1)
    changed(TOKENS).square().mean().backward()
    optimizer.step()
    for name, p in changed.named_parameters():
        assert torch.equal(p, before[name]) == (not name.endswith("B_lora")), name  # A_lora si muove dal secondo passo


@pytest.mark.parametrize("rank", [1, 3, 16])
def test_merged_and_apart_are_equal(rank):
    changed = shake(add_lora(small().double(), rank, alpha=5))
    expected = changed(TOKENS)
    names = set(small().state_dict())
    assert set(merge(changed).state_dict()) == names
    assert (changed(TOKENS) - expected).abs().max() < 1e-12
    assert (changed(TOKENS) - small().double()(TOKENS)).abs().max() > 1e-3


def test_any_matrix_of_any_model():
    """Anche quelle del Transformer, embedding compreso, e quelle di torch.nn."""
    torch.manual_seed(0)
    ours = Transformer(TransformerConfig(n_vocab=11, n_layers=1, d_model=8, d_ff=12, n_heads=2)).eval()
    theirs = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True).eval()
    for model, inputs in ((ours, (TOKENS, TOKENS)), (theirs, (torch.randn(2, 5, 8),))):
        names = [name for name, p in model.named_parameters() if p.dim() == 2]
        assert len(names) >= 4
        with torch.no_grad():
            start = model(*inputs)
            torch.testing.assert_close(add_lora(model, 2, names=names)(*inputs), start)
            apart = shake(model)(*inputs)
            torch.testing.assert_close(merge(model)(*inputs), apart, rtol=0, atol=1e-6)
        assert (apart - start).abs().max() > 1e-3


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 7), columns=st.integers(1, 7), alpha=st.sampled_from([None, 1, 6]), data=st.data())
def test_full_rank_represents_any_change_and_less_the_best_one(rows, columns, alpha, data):
    rank = data.draw(st.integers(1, min(rows, columns)))
    W, wanted = torch.randn(2, rows, columns).double()
    lora = LowRankChange(W, rank, alpha)
    lora.represent(wanted)
    change = lora(W) - W
    left = torch.linalg.svdvals(wanted)[rank:].norm()
    torch.testing.assert_close((change - wanted).norm(), left, rtol=1e-9, atol=1e-9)
    assert torch.linalg.matrix_rank(change, tol=1e-9) <= rank


def least_squares(parameters, loss, steps=60):
    optimizer = torch.optim.LBFGS(parameters, max_iter=steps, line_search_fn="strong_wolfe", tolerance_change=1e-14)

    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)
    return loss().item()


def test_on_a_convex_case_full_rank_reaches_the_loss_of_full_fine_tuning():
    """Minimi quadrati: la risposta si sa; il rango 1 resta più in alto, e di quanto si sa anche quello."""
    torch.manual_seed(0)
    X, _ = torch.linalg.qr(torch.randn(30, 4).double())  # colonne ortonormali: il meglio di rango 1 è quello di SVD
    W, Y = torch.randn(4, 3).double(), torch.randn(30, 3).double()
    best = X.T @ Y
    floor = (X @ best - Y).square().sum().item()
    for rank in (1, 3):
        lora = LowRankChange(W, rank)
        found = least_squares(list(lora.parameters()), lambda lora=lora: (X @ lora(W) - Y).square().sum(), 500)
        left = torch.linalg.svdvals(best - W)[rank:].square().sum().item()
        assert found == pytest.approx(floor + left, rel=1e-6)


def test_lora_has_its_derivative_and_its_errors():
    torch.manual_seed(0)
    lora = LowRankChange(torch.zeros(4, 3).double(), 2, alpha=3)
    A, B = torch.randn(4, 2).double(), torch.randn(2, 3).double()
    W = torch.randn(4, 3).double()

    def forward(W, A, B):
        return torch.func.functional_call(lora, {"A_lora": A, "B_lora": B}, W)

    inputs = [x.requires_grad_() for x in (W, A, B)]
    assert torch.autograd.gradcheck(forward, inputs)
    torch.testing.assert_close(forward(W, A, B), W + 1.5 * A @ B)
    with pytest.raises(ValueError, match="rank vale 4: atteso al più 3"):
        LowRankChange(torch.zeros(4, 3), 4)
    with pytest.raises(ValueError, match="attesa una matrice"):
        LowRankChange(torch.zeros(4), 1)
    with pytest.raises(ValueError, match=r"names contiene «layers\.0\.W»"):
        add_lora(small(), 1, names=["layers.0.W"])


# Adattatori, 1902.00751


def test_adapters_start_from_the_same_model_and_leave_the_rest():
    model = small()
    bottled = add_adapters(copy.deepcopy(model), 3)
    torch.testing.assert_close(bottled(TOKENS), model(TOKENS))
    old = dict(model.named_parameters())
    learned = {name for name, p in bottled.named_parameters() if p.requires_grad}
    assert all("adapter" in name or "norm" in name for name in learned)
    frozen = sum(p.numel() for p in bottled.parameters() if not p.requires_grad)
    norms = sum(p.numel() for p in old.values() if p.dim() == 1)
    assert frozen == sum(p.numel() for p in old.values()) - norms
    assert sum(p.numel() for p in trainable(bottled)) == norms + 2 * 2 * (2 * 16 * 3 + 3 + 16)
    assert len(shake(bottled).attention_weights(TOKENS)) == 2


def test_the_adapter_is_its_formula():
    torch.manual_seed(0)
    adapter = shake(Adapter(6, 2).double())
    x = torch.randn(3, 6).double()
    inner = x @ adapter.down.weight.T + adapter.down.bias
    expected = x + inner * (1 + torch.erf(inner / 2**0.5)) / 2 @ adapter.up.weight.T + adapter.up.bias
    torch.testing.assert_close(adapter(x), expected)
    assert torch.autograd.gradcheck(adapter, x.requires_grad_())


# 8 e 4 bit


@pytest.mark.parametrize("bits", range(2, 9))
def test_the_codes_of_every_number_of_bits(bits):
    top = 2 ** (bits - 1) - 1
    W = torch.randn(5, 40)
    codes, scale = quantize_rows(W, bits)
    assert codes.abs().amax(dim=1).tolist() == [top] * 5
    assert ((codes * scale[:, None] - W).abs() <= scale[:, None] / 2 * (1 + 1e-5)).all()
    with pytest.raises(ValueError, match="bits vale 9"):
        quantize_rows(W, 9)


def test_a_scale_belongs_to_an_output_unit_of_the_language_model_too():
    """Un’unità d’uscita grande non guasta le altre: un guasto piantato, W e V per righe, si vede."""
    model = small()
    for name in ("W", "V", "W_2"):
        assert output_axis(f"layers.0.feed_forward.{name}", torch.zeros(2, 2)) == 1
    assert output_axis("embedding.W_out", torch.zeros(2, 2)) == output_axis("embedding.E", torch.zeros(2, 2)) == 0
    with torch.no_grad():
        model.layers[0].feed_forward.W[:, 0] *= 1000
        model.embedding.W_out[3] *= 1000
    back = dequantized(quantized_state(model))
    for name, axis in (("layers.0.feed_forward.W", 1), ("embedding.W_out", 0)):
        W, found = model.state_dict()[name], back[name]
        step = W.abs().amax(dim=1 - axis, keepdim=True) / 127
        assert ((found - W).abs() <= step / 2 * (1 + 1e-4)).all()


def test_nf4_has_zero_the_ends_and_about_as_many_normal_numbers_in_each_level():
    levels = nf4_levels()
    assert len(levels) == 16 and levels[0] == -1 and levels[7] == 0 and levels[-1] == 1
    expected = torch.tensor([-0.6961928, -0.5250731, -0.3949175, -0.2844414, -0.1847734, -0.0910500])
    torch.testing.assert_close(levels[1:7], expected, rtol=0, atol=1e-6)  # i valori del codice degli autori
    counts = [torch.bincount(quantize_codes(kind), minlength=16) for kind in ("nf4", "interi")]
    spread = [(count / count.sum()).std() for count in counts]
    assert spread[0] < spread[1] / 1.5


def quantize_codes(kind):
    packed, _ = quantize_groups(torch.randn(64, 640, generator=torch.Generator().manual_seed(0)), kind)
    return torch.cat([packed // 16, packed % 16]).flatten().long()


@settings(max_examples=20, deadline=None)
@given(kind=st.sampled_from(["nf4", "interi"]), rows=st.integers(1, 4), seed=st.integers(0, 99))
def test_every_number_takes_the_nearest_level(kind, rows, seed):
    W = torch.randn(rows, 128, generator=torch.Generator().manual_seed(seed))
    packed, scale = quantize_groups(W, kind)
    assert packed.shape == (2 * rows, 32) and packed.dtype == torch.uint8
    levels = nf4_levels() if kind == "nf4" else torch.arange(-7, 8) / 7
    groups = W.view(-1, 64)
    nearest = (groups[..., None] - levels * scale[:, None, None]).abs().amin(dim=-1)
    found = (dequantize_groups(packed, scale, W.shape, kind).view(-1, 64) - groups).abs()
    torch.testing.assert_close(found, nearest, rtol=1e-4, atol=1e-5)


def test_qlora_keeps_four_bits_still_and_merges():
    model = freeze_in_four_bits(small(d_model=32, d_ff=64))
    assert stored_bytes(model) < stored_bytes(small(d_model=32, d_ff=64)) / 2
    rounded = model(TOKENS)
    assert (rounded - small(d_model=32, d_ff=64)(TOKENS)).abs().max() > 0
    W = small(d_model=32, d_ff=64).layers[0].feed_forward.W
    four = FourBits("W", W)
    torch.testing.assert_close(four(*four.right_inverse(W)), model.layers[0].feed_forward.W)
    add_lora(model, 2)
    assert sorted(matrices(model)) == sorted(matrices(small()))
    torch.testing.assert_close(model(TOKENS), rounded)
    shake(model)(TOKENS).sum().backward()
    assert all(p.grad is None for p in model.parameters() if p.dtype == torch.uint8)
    expected = model(TOKENS)
    torch.testing.assert_close(merge(model)(TOKENS), expected, rtol=0, atol=1e-6)


def test_four_bits_errors():
    with pytest.raises(ValueError, match="W ha 6 numeri: atteso un multiplo di 64"):
        quantize_groups(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="kind vale «int»"):
        quantize_groups(torch.zeros(64, 1), "int")


# GPTQ, 2210.17323


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_gptq_is_least_squares_one_row_at_a_time(bits):
    """La seconda forma: fissate le prime righe, le altre sono le migliori possibili, rifatte da capo ogni volta."""
    torch.manual_seed(0)
    mix = torch.randn(6, 6).double()
    X, W = torch.randn(50, 6).double() @ mix, torch.randn(6, 4).double()
    _, scale = quantize_rows(W.T, bits)
    top, free, fixed = 2 ** (bits - 1) - 1, W.clone(), torch.empty(0, 4).double()
    for i in range(6):
        row = (free[0] / scale).round().clamp(-top, top) * scale
        fixed = torch.cat([fixed, row[None]])
        free = torch.linalg.lstsq(X[:, i + 1 :], X @ W - X[:, : i + 1] @ fixed).solution if i < 5 else None
    found = gptq(W, X, bits, damping=0)
    torch.testing.assert_close(found, fixed.float())
    if bits > 2:  # con i soli −1, 0 e 1 chi deve rimediare trova il livello più alto e si ferma lì
        assert (X @ found.double() - X @ W).norm() < (X @ round_to_nearest(W, bits).double() - X @ W).norm()


def test_with_independent_inputs_gptq_is_the_nearest():
    X, _ = torch.linalg.qr(torch.randn(20, 5).double())
    W = torch.randn(5, 3)
    torch.testing.assert_close(gptq(W, X), round_to_nearest(W))
    with pytest.raises(ValueError, match=r"X ha forma \(20, 5\) e W \(4, 3\)"):
        gptq(W[:4], X)


# Distillazione, 1503.02531


@settings(max_examples=20, deadline=None)
@given(tau=st.sampled_from([0.5, 1.0, 4.0]), hard=st.sampled_from([0.0, 0.3]))
def test_the_loss_is_its_formula(tau, hard):
    torch.manual_seed(0)
    z, v = torch.randn(2, 3, 7).double(), torch.randn(2, 3, 7).double()
    targets = torch.randint(7, (2, 3))
    p, q = (v / tau).softmax(-1), (z / tau).softmax(-1)
    soft = (p * (p / q).log()).sum(-1).mean() * tau**2
    expected = (1 - hard) * soft + hard * cross_entropy(z.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(distillation_loss(z, v, targets, tau, hard), expected)
    assert distillation_loss(v, v, temperature=tau).item() == pytest.approx(0, abs=1e-12)
    z.requires_grad_(), v.requires_grad_()
    distillation_loss(z, v, targets, tau, hard).backward()
    assert v.grad is None
    loss_of = lambda z: distillation_loss(z, v, targets, tau, hard)  # noqa: E731
    assert torch.autograd.gradcheck(loss_of, z)


def test_at_high_temperature_it_matches_the_logits():
    torch.manual_seed(0)
    z, v = torch.randn(5, 6).double().requires_grad_(), torch.randn(5, 6).double()
    distillation_loss(z, v, temperature=1e4).backward()
    gap = z.detach() - z.detach().mean(-1, keepdim=True) - v + v.mean(-1, keepdim=True)
    torch.testing.assert_close(z.grad, gap / 6 / 5, rtol=1e-2, atol=1e-5)


def test_distillation_errors():
    z = torch.zeros(2, 3)
    with pytest.raises(ValueError, match="temperature vale 0"):
        distillation_loss(z, z, temperature=0)
    with pytest.raises(ValueError, match="targets vale None"):
        distillation_loss(z, z, hard=0.5)


# Lo schema di una chat

ROLES = {"sistema": 7, "utente": 8, "assistente": 9}
TEXTS = st.lists(st.integers(10, 20), max_size=4)
TURNS = st.lists(st.tuples(st.sampled_from(list(ROLES)), TEXTS), min_size=1, max_size=4)


@settings(max_examples=50, deadline=None)
@given(chats=st.lists(TURNS, min_size=1, max_size=3))
def test_only_the_answers_and_their_ends_count(chats):
    """La perdita è la media, calcolata a mano, sui token dell’assistente; il resto non riceve gradiente."""
    encoded = [encode_chat(turns, list, ROLES, 2) for turns in chats]
    for turns, (ids, counted) in zip(chats, encoded, strict=True):
        assert ids == [token for role, text in turns for token in (ROLES[role], *text, 2)]
        kept = [token for token, yes in zip(ids, counted, strict=True) if yes]
        assert kept == [token for role, text in turns if role == "assistente" for token in (*text, 2)]
    ids, counted = collate_chats(encoded, 0)
    logits = torch.randn(*ids.shape, 21).double().requires_grad_()
    if not counted.any():
        with pytest.raises(ValueError, match="counted non ha nessun sì"):
            chat_loss(logits, ids, counted)
        return
    places = [(row, i) for row, line in enumerate(counted.tolist()) for i, yes in enumerate(line) if yes]
    expected = -sum(logits[row, i - 1].log_softmax(-1)[ids[row, i]] for row, i in places) / len(places)
    loss = chat_loss(logits, ids, counted)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    moved = logits.grad.abs().sum(-1) > 0
    assert {(row, i) for row, i in moved.nonzero().tolist()} == {(row, i - 1) for row, i in places}


def test_a_text_cannot_forge_a_turn():
    with pytest.raises(ValueError, match="il ruolo vale «mago»"):
        encode_chat([("mago", [10])], list, ROLES, 2)
    with pytest.raises(ValueError, match="il testo di «utente» ha il token 9"):
        encode_chat([("utente", [10, 2 + 7])], list, ROLES, 2)


# La prova registrata


def test_manual_pages_become_plain_text(tmp_path):
    page = ".TH prova 1\n.SH NOME\n\\fBprova\\fP \\- una pagina da leggere\nsu due righe\n.PP\nbreve\n"
    (tmp_path / "man1").mkdir()
    for name in ("a", "b"):
        (tmp_path / "man1" / f"{name}.1.gz").write_bytes(gzip.compress(page.encode()))
    names, pages = adapting.read_manual(tmp_path)
    assert names == ["a.1.gz", "b.1.gz"]
    assert pages == [["prova - una pagina da leggere su due righe"], []]  # la riga già letta non torna
    with pytest.raises(ValueError, match="attesa una cartella"):
        adapting.read_manual(tmp_path / "vuota")


def test_the_figure_has_a_road_only_where_it_was_measured():
    lines = adapting_figure().axes[0].get_lines()
    assert [list(line.get_ydata()) for line in lines] == [[1.9, 2.6, 3.0], [2.0], [1.9]]
    left, right = adapting_figure().axes[0].get_xlim()
    assert left > right  # a destra si impara di più


def test_first_tokens_cuts_the_last():
    assert adapting.first_tokens([[1, 2], [3, 4], [5]], 3) == [[1, 2], [3]]


@pytest.mark.parametrize("name", list(adapting.kinds()))
def test_every_way_moves_only_what_it_says(name):
    torch.manual_seed(0)
    changed = adapting.kinds()[name](small(d_model=32, d_ff=64))
    assert (name == "intero") == all(p.requires_grad for p in changed.parameters())
    windows = adapting.Windows([[5, 3, 9, 4, 10, 7] * 8], 12)
    found = adapting.adapt(changed, windows, 0.01, 6, lambda model: json.dumps(model.training), 3, max_tokens=24)
    assert found == ["false", "false"]
