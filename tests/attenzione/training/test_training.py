"""L’addestramento: tasso, perdita, batch, accumulo, precisione, checkpoint, ripresa."""

import json
import math
import shutil
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch.utils._python_dispatch import TorchDispatchMode

from attenzione import files
from attenzione.attention import padding_mask
from attenzione.config import TransformerConfig
from attenzione.data.toy import toy_pairs, toy_vocabulary
from attenzione.device import emulates_bf16
from attenzione.model import Transformer
from attenzione.training.batches import collate, endless_batches, token_batches
from attenzione.training.checkpoint import (
    average_checkpoints,
    list_checkpoints,
    load_model,
    read_checkpoint,
    save_checkpoint,
)
from attenzione.training.loop import TrainingConfig, dev_loss, gradient_step, train
from attenzione.training.loss import label_smoothing_loss, smoothed_entropy
from attenzione.training.schedule import adam, lrate

CONFIG = TransformerConfig(n_vocab=14, n_layers=1, d_model=8, d_ff=16, n_heads=2, p_drop=0.1, max_len=32)
PAIRS = toy_pairs("copia", 300, max_len=6)
TRAINING = TrainingConfig(steps=12, max_tokens=60, warmup_steps=5, save_every=4, keep=3)


def run(folder=None, config=CONFIG, training=TRAINING, pairs=PAIRS):
    torch.manual_seed(3)
    model = Transformer(config)
    return model, train(model, pairs, training, folder, progress=False)


# Il tasso di apprendimento e l’ottimizzatore, §5.3


def test_learning_rate_is_equation_3():
    for step in (1, 100, 3999, 4000, 4001, 100_000):
        expected = min(1 / math.sqrt(step), step / (4000 * math.sqrt(4000))) / math.sqrt(512)
        assert lrate(step, 512) == pytest.approx(expected)
    rates = [lrate(step, 512) for step in range(1, 9000)]
    assert max(rates) == lrate(4000, 512) == pytest.approx(0.000699, abs=5e-7)
    assert lrate(16000, 512) == pytest.approx(lrate(4000, 512) / 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 512), "step vale 0: atteso un intero positivo"),
        ((1, 0), "d_model vale 0"),
        ((1, 512, 0), "warmup_steps vale 0"),
    ],
)
def test_learning_rate_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        lrate(*arguments)


def test_adam_has_the_settings_of_the_paper_and_its_formula():
    model = torch.nn.Linear(3, 2).double()
    optimizer = adam(model)
    group = optimizer.param_groups[0]
    assert (group["betas"], group["eps"], group["weight_decay"]) == ((0.9, 0.98), 1e-9, 0)
    W, m, v = model.weight.detach().clone(), 0, 0
    for step in range(1, 5):
        group["lr"] = lrate(step, 16, 4)
        g = torch.randn(2, 3).double()
        model.weight.grad = g.clone()
        optimizer.step()
        m, v = 0.9 * m + 0.1 * g, 0.98 * v + 0.02 * g**2
        W -= lrate(step, 16, 4) * (m / (1 - 0.9**step)) / ((v / (1 - 0.98**step)).sqrt() + 1e-9)
        torch.testing.assert_close(model.weight.detach(), W, rtol=0, atol=1e-12)


# Il label smoothing, §5.4


@settings(max_examples=40, deadline=None)
@given(n_vocab=st.integers(2, 9), m=st.integers(1, 6), eps_ls=st.sampled_from([0.0, 0.1, 0.2, 0.5]))
def test_label_smoothing_is_its_definition_and_the_kl_form_plus_a_constant(n_vocab, m, eps_ls):
    logits = torch.randn(3, m, n_vocab).double().requires_grad_()
    targets = torch.randint(0, n_vocab, (3, m))
    loss = label_smoothing_loss(logits, targets, eps_ls)
    p, expected, kl, real = logits.softmax(-1), 0, 0, 0
    for b in range(3):
        for i in range(m):
            y = targets[b, i].item()
            if y == 0:
                continue
            q = torch.full((n_vocab,), eps_ls / n_vocab, dtype=torch.float64)
            q[y] += 1 - eps_ls
            expected = expected - (q * p[b, i].log()).sum()
            kl = kl + torch.xlogy(q, q / p[b, i]).sum()
            real += 1
    torch.testing.assert_close(loss, torch.as_tensor(expected).double(), rtol=0, atol=1e-10)
    entropy = real * smoothed_entropy(n_vocab, eps_ls)
    torch.testing.assert_close(loss - entropy, torch.as_tensor(kl).double(), rtol=0, atol=1e-10)
    if real and eps_ls:
        (gradient,) = torch.autograd.grad(loss, logits)
        (kl_gradient,) = torch.autograd.grad(kl, logits)
        torch.testing.assert_close(gradient, kl_gradient, rtol=0, atol=1e-10)


def test_the_entropy_is_the_lowest_loss():
    logits = torch.tensor([[math.log(0.02)] * 4 + [math.log(0.92)]])
    loss = label_smoothing_loss(logits, torch.tensor([4]))
    assert loss.item() == pytest.approx(smoothed_entropy(5), abs=1e-6)
    assert smoothed_entropy(5, 0.0) == 0


def test_label_smoothing_errors():
    with pytest.raises(ValueError, match=r"targets ha forma \(2, 4\): attesa quella dei logit, \(2, 3\)"):
        label_smoothing_loss(torch.zeros(2, 3, 5), torch.zeros(2, 4, dtype=torch.long))
    with pytest.raises(ValueError, match="eps_ls vale 1: atteso un numero da 0 compreso a 1 escluso"):
        label_smoothing_loss(torch.zeros(2, 5), torch.zeros(2, dtype=torch.long), eps_ls=1)


# I batch, §5.1

sentence = st.lists(st.just(7), min_size=1, max_size=9)
sentences = st.lists(st.tuples(sentence, sentence), min_size=1, max_size=40)


@settings(max_examples=80, deadline=None)
@given(pairs=sentences, max_tokens=st.integers(10, 60), seed=st.integers(0, 9))
def test_batches_hold_every_pair_once_within_the_tokens(pairs, max_tokens, seed):
    batches = token_batches(pairs, max_tokens, seed)
    assert sorted(i for batch in batches for i in batch) == list(range(len(pairs)))
    for batch in batches:
        src, tgt_in, tgt_out = collate([pairs[i] for i in batch], CONFIG)
        assert max(src.numel(), tgt_in.numel()) <= max_tokens and tgt_in.shape == tgt_out.shape
    assert batches == token_batches(pairs, max_tokens, seed)


def test_batches_group_similar_lengths_and_change_with_the_epoch():
    pairs = toy_pairs("copia", 2000, max_len=20)
    batches = token_batches(pairs, 500)
    real = sum(len(tgt) + 1 for _, tgt in pairs)
    padded = sum(collate([pairs[i] for i in batch], CONFIG)[1].numel() for batch in batches)
    assert padded / real < 1.05  # mescolati a caso sarebbe circa 1,8
    assert batches != token_batches(pairs, 500, epoch=1) and batches != token_batches(pairs, 500, seed=1)


def test_the_stream_resumes_from_any_position():
    stream = endless_batches(PAIRS, 60, seed=4)
    all_steps = [next(stream) for _ in range(80)]
    assert all_steps[-1][1] >= 2  # almeno due epoche intere
    for i in (0, 7, 30, 60):
        _, epoch, index = all_steps[i]
        again = endless_batches(PAIRS, 60, seed=4, epoch=epoch, index=index)
        assert [next(again) for _ in range(5)] == all_steps[i + 1 : i + 6]


def test_collate():
    src, tgt_in, tgt_out = collate([([5, 6, 7], [8]), ([9], [4, 3])], CONFIG)
    assert src.tolist() == [[5, 6, 7], [9, 0, 0]]
    assert tgt_in.tolist() == [[1, 8, 0], [1, 4, 3]]
    assert tgt_out.tolist() == [[8, 2, 0], [4, 3, 2]]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "pairs è vuoto: attesa almeno una coppia"),
        ([([5], [5]), ([], [5])], r"pairs\[1\] ha la frase di partenza vuota"),
        ([([5] * 11, [5])], r"pairs\[0\] ha 11 token di partenza e 2 di arrivo: .* max_tokens = 10"),
        ([([5], [5] * 10)], r"pairs\[0\] ha 1 token di partenza e 11 di arrivo"),
    ],
)
def test_batch_errors(pairs, message):
    with pytest.raises(ValueError, match=message):
        token_batches(pairs, 10)


# Il ciclo


def test_accumulated_gradients_equal_those_of_the_whole():
    model = Transformer(replace(CONFIG, p_drop=0.0)).double()
    tokens = sum(len(tgt) + 1 for _, tgt in PAIRS[:30])

    def gradients(*batches):
        model.zero_grad()
        loss = gradient_step(model, CONFIG, batches, tokens, "float32", torch.device("cpu"))
        return [loss / tokens, *(p.grad.clone() for p in model.parameters())]

    whole = gradients(PAIRS[:30])
    for a, b in zip(whole, gradients(PAIRS[:7], PAIRS[7:10], PAIRS[10:30]), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    src, tgt_in, tgt_out = collate(PAIRS[:30], CONFIG)
    mean = torch.nn.functional.cross_entropy(
        model(src, tgt_in).flatten(0, 1), tgt_out.flatten(), ignore_index=0, label_smoothing=CONFIG.eps_ls
    )
    torch.testing.assert_close(whole[0], mean.detach(), rtol=0, atol=1e-12)


def test_the_loss_falls_and_the_log_says_so(tmp_path):
    _, records = run(tmp_path, training=replace(TRAINING, steps=60))
    assert [r["step"] for r in records] == list(range(1, 61))
    assert sum(r["loss"] for r in records[-5:]) < sum(r["loss"] for r in records[:5])
    assert records[9]["lrate"] == lrate(10, 8, 5)
    lines = (tmp_path / "passi.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    assert [p.name for p in list_checkpoints(tmp_path)] == [
        "passo-00000052.safetensors",
        "passo-00000056.safetensors",
        "passo-00000060.safetensors",
    ]


def test_the_development_loss_is_logged_at_every_checkpoint_and_changes_nothing(tmp_path):
    _, expected = run()
    torch.manual_seed(3)
    model, dev = Transformer(CONFIG), PAIRS[:20]
    short = replace(TRAINING, steps=8)
    records = train(model, PAIRS, short, tmp_path, dev_pairs=dev, progress=False)
    records += train(model, PAIRS, TRAINING, tmp_path, dev_pairs=dev, progress=False)
    assert records == expected and model.training
    log = [json.loads(line) for line in (tmp_path / "sviluppo.jsonl").read_text().splitlines()]
    assert [record["step"] for record in log] == [4, 8, 12] and all(record["cpu_s"] >= 0 for record in log)
    src, tgt_in, tgt_out = collate(dev, CONFIG)
    logits = model.eval()(src, tgt_in)
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tgt_out.flatten(), ignore_index=0)
    assert log[-1]["loss"] == pytest.approx(loss.item(), rel=1e-5)


def test_a_gradient_left_from_before_does_not_enter_the_first_step():
    torch.manual_seed(3)
    model = Transformer(CONFIG)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    records = train(model, PAIRS, TRAINING, progress=False)
    assert records == run()[1]


@pytest.mark.parametrize(("capability", "warned"), [("AVX2", True), ("AVX512", False)])
def test_a_cpu_that_emulates_bf16_computes_in_float32_and_says_so(monkeypatch, recwarn, capability, warned):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    run(training=replace(TRAINING, steps=1, precision="bf16"))
    assert any("si calcola in float32" in str(w.message) for w in recwarn) is warned


def test_bf16_stays_close_to_float32():
    config = replace(CONFIG, p_drop=0.0)
    _, single = run(config=config)
    model, mixed = run(config=config, training=replace(TRAINING, precision="bf16"))
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert ([r["loss"] for r in mixed] == [r["loss"] for r in single]) is emulates_bf16("cpu")
    for a, b in zip(mixed, single, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=0.02)


@pytest.mark.lento
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile chiede un compilatore C++")
def test_compiled_training_gives_the_same_losses():
    config, training = replace(CONFIG, p_drop=0.0), replace(TRAINING, steps=4)
    _, eager = run(config=config, training=training)
    _, compiled = run(config=config, training=replace(training, compile=True))
    for a, b in zip(compiled, eager, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-4)


class CountReads(TorchDispatchMode):
    """Conta quante volte un numero passa dal dispositivo a Python: su una GPU ciascuna è un’attesa."""

    reads = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.reads += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **kwargs or {})


def test_a_step_waits_for_the_device_once(monkeypatch):
    """Sulla CPU leggere non costa, e il modello guarda se la maschera serve: qui fa come su una GPU."""
    monkeypatch.setattr(Transformer, "source_mask", lambda self, src: padding_mask(src))
    model = Transformer(CONFIG)
    with CountReads() as counter:
        train(model, PAIRS, replace(TRAINING, steps=6, accumulate=3, save_every=100), progress=False)
    assert counter.reads == 6
    with CountReads() as counter:
        dev_loss(model, PAIRS, max_tokens=60)
    assert counter.reads == 0  # le perdite di tutti i batch si leggono insieme, alla fine


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="nessuna GPU CUDA su questa macchina")
def test_the_batches_reach_the_gpu_without_waiting():
    device = torch.device("cuda")
    model = Transformer(CONFIG).to(device)
    src, tgt_in, tgt_out = collate(PAIRS[:20], CONFIG, device)
    assert [t.tolist() for t in (src, tgt_in, tgt_out)] == [t.tolist() for t in collate(PAIRS[:20], CONFIG)]
    gradient_step(model, CONFIG, [PAIRS[:20], PAIRS[20:40]], 100, "float32", device)  # prenota la memoria
    torch.cuda.set_sync_debug_mode("error")
    try:
        gradient_step(model, CONFIG, [PAIRS[:20], PAIRS[20:40]], 100, "float32", device)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_loss_that_is_not_finite_stops_the_training():
    model = Transformer(CONFIG)
    model.embedding.E.data.fill_(torch.inf)
    with pytest.raises(FloatingPointError, match="la perdita al passo 1 vale nan: atteso un numero finito"):
        train(model, PAIRS, TRAINING, progress=False)


def test_the_factor_multiplies_equation_3(tmp_path):
    _, records = run(tmp_path, training=replace(TRAINING, rate_factor=0.5))
    assert [r["lrate"] for r in records] == [0.5 * lrate(r["step"], 8, 5) for r in records]
    with pytest.raises(ValueError, match=r"rate_factor = 0\.5 invece di 1\.0"):
        run(tmp_path, training=replace(TRAINING, steps=14))


def test_progress_is_shown_in_italian(capsys):
    train(Transformer(CONFIG), PAIRS, replace(TRAINING, steps=3))
    shown = capsys.readouterr().err
    assert "addestramento: 100%" in shown and "3/3" in shown and "passo" in shown and "perdita=" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps vale 0: atteso un intero positivo"),
        ({"max_tokens": 1.5}, "max_tokens vale 1.5: atteso un intero positivo"),
        ({"accumulate": -1}, "accumulate vale -1"),
        ({"rate_factor": 0}, "rate_factor vale 0: atteso un numero positivo"),
        ({"rate_factor": math.nan}, "rate_factor vale nan: atteso un numero positivo"),
        ({"rate_factor": "0,3"}, "rate_factor vale «0,3»: atteso un numero positivo"),
        ({"precision": "fp8"}, "precision vale «fp8»: atteso «float32» o «bf16»"),
        ({"compile": "no"}, "compile vale «no»: atteso True o False"),
        ({"seed": -1}, "seed vale -1: atteso un intero da 0 a 4294967295"),
        ({"seed": 1.0}, r"seed vale 1\.0: atteso un intero"),
    ],
)
def test_training_config_errors(options, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**options)


def test_a_pair_longer_than_the_model_accepts_is_an_error():
    with pytest.raises(ValueError, match=r"pairs\[1\] ha 33 token: attesi al più max_len = 32"):
        train(Transformer(CONFIG), [([5], [5]), ([5] * 33, [5])], TRAINING, progress=False)


# I checkpoint


def test_resuming_gives_the_same_numbers(tmp_path):
    whole, expected = run(tmp_path / "intero")
    _, first = run(tmp_path / "ripreso", training=replace(TRAINING, steps=8))
    resumed, rest = run(tmp_path / "ripreso")
    assert first + rest == expected  # uguali cifra per cifra, dropout compreso
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)
    logs = [(tmp_path / name / "passi.jsonl").read_text() for name in ("intero", "ripreso")]
    assert logs[0] == logs[1]
    a, b = (read_checkpoint(list_checkpoints(tmp_path / name)[-1]) for name in ("intero", "ripreso"))
    assert a[1] == b[1] and all(torch.equal(a[0][k], b[0][k]) for k in a[0])


def test_what_differs_is_named_when_the_checkpoint_is_of_another_configuration(tmp_path):
    run(tmp_path)
    with pytest.raises(ValueError, match="è di un’altra configurazione, d_ff = 16 invece di 20"):
        run(tmp_path, config=replace(CONFIG, d_ff=20))
    with pytest.raises(ValueError, match="è di un’altra configurazione, seed = 0 invece di 1"):
        run(tmp_path, training=replace(TRAINING, seed=1))
    with pytest.raises(ValueError, match="è di un’altra configurazione, pairs = 300 invece di 299"):
        run(tmp_path, pairs=PAIRS[:-1])


def test_what_an_interruption_left_is_cleaned_when_resuming(tmp_path):
    _, expected = run(tmp_path / "intero")
    run(tmp_path / "ripreso", training=replace(TRAINING, steps=8))
    for name in ("passo-00000012.safetensors.parziale", "passi.jsonl.parziale"):
        (tmp_path / "ripreso" / name).write_text("a metà")
    with open(tmp_path / "ripreso" / "passi.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step": 9, "loss": 1.0}\n{"step": 10, "lo')  # passi senza checkpoint, l’ultimo a metà
    run(tmp_path / "ripreso")
    assert not list((tmp_path / "ripreso").glob("*.parziale"))
    lines = (tmp_path / "ripreso" / "passi.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == expected


def test_model_round_trip(tmp_path):
    model = Transformer(replace(CONFIG, positions="learned", p_attention=0.1)).eval()
    save_checkpoint(tmp_path / "m.safetensors", model, vocabulary=toy_vocabulary().tokens)
    loaded, tokens = load_model(tmp_path / "m.safetensors")
    assert loaded.config == model.config and tokens == toy_vocabulary().tokens and not loaded.training
    src, tgt = torch.randint(3, 14, (2, 5)), torch.randint(3, 14, (2, 4))
    assert torch.equal(loaded(src, tgt), model(src, tgt))


def test_an_interrupted_write_leaves_the_previous_file(tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    save_checkpoint(path, Transformer(CONFIG))
    before = path.read_bytes()
    monkeypatch.setattr(files.os, "replace", lambda *a: (_ for _ in ()).throw(OSError("disco pieno")))
    with pytest.raises(OSError, match="disco pieno"):
        save_checkpoint(path, Transformer(CONFIG))
    assert path.read_bytes() == before


def test_damaged_files(tmp_path):
    path = tmp_path / "m.safetensors"
    save_checkpoint(path, Transformer(CONFIG))
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-50] ^= 1
    for content in (whole[:-10], whole[:20], b"", b"PK\x03\x04" + whole, bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="il file è danneggiato"):
            load_model(path)
    with pytest.raises(FileNotFoundError, match=r"path vale .*altro\.safetensors»: atteso un file"):
        load_model(tmp_path / "altro.safetensors")
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="atteso un checkpoint in formato «attenzione-1»"):
        load_model(path)


def test_a_pickle_is_refused_without_being_opened(tmp_path):
    path = tmp_path / "passo-00000001.safetensors"
    torch.save(Transformer(CONFIG).state_dict(), path)
    with pytest.raises(ValueError, match="il file è danneggiato o non è in formato safetensors"):
        run(tmp_path)


def test_a_model_without_adam_cannot_be_resumed(tmp_path):
    save_checkpoint(tmp_path / "passo-00000001.safetensors", Transformer(CONFIG))
    with pytest.raises(ValueError, match="il file ha solo il modello, atteso anche lo stato di Adam"):
        run(tmp_path)


def test_averaging(tmp_path):
    run(tmp_path, training=replace(TRAINING, precision="float32"))
    paths = list_checkpoints(tmp_path)
    assert len(paths) == 3
    average, _ = average_checkpoints(paths)
    models = [load_model(path)[0] for path in paths]
    for name, tensor in average.state_dict().items():
        expected = sum(m.state_dict()[name].double() for m in models) / 3
        torch.testing.assert_close(tensor, expected.float(), rtol=0, atol=0)
    save_checkpoint(tmp_path / "altro.safetensors", Transformer(replace(CONFIG, d_ff=20)))
    with pytest.raises(ValueError, match="è di un’altra configurazione, d_ff = 20 invece di 16"):
        average_checkpoints([*paths, tmp_path / "altro.safetensors"])
    with pytest.raises(ValueError, match="paths è vuoto: atteso almeno un checkpoint"):
        average_checkpoints([])


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="nessuna GPU CUDA su questa macchina")
def test_resuming_on_cuda_gives_the_same_numbers(tmp_path):
    def on_gpu(folder, steps):
        torch.manual_seed(3)
        training = replace(TRAINING, steps=steps, precision="bf16")
        return train(Transformer(CONFIG), PAIRS, training, folder, device="cuda", progress=False)

    expected = on_gpu(tmp_path / "intero", 12)
    records = on_gpu(tmp_path / "ripreso", 8) + on_gpu(tmp_path / "ripreso", 12)
    for a, b in zip(records, expected, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-3)
