"""I checkpoint: di chi è un file, che cosa gli manca, da che cosa si può riprendere."""

import json
import time
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from attenzione.config import TransformerConfig
from attenzione.data.toy import toy_pairs, toy_vocabulary
from attenzione.files import locked
from attenzione.model import Transformer
from attenzione.training import loop
from attenzione.training.batches import check_pairs, fingerprint
from attenzione.training.checkpoint import (
    average_checkpoints,
    checksum,
    list_checkpoints,
    load_model,
    read_checkpoint,
    save_checkpoint,
    unwrapped,
)
from attenzione.training.loop import TrainingConfig, train
from attenzione.translator.lstm import AttentionLSTM, LSTMConfig

CONFIG = TransformerConfig(n_vocab=14, n_layers=1, d_model=8, d_ff=16, n_heads=2, p_drop=0.1, max_len=32)
COPIES = toy_pairs("copia", 300, max_len=6)
TRAINING = TrainingConfig(steps=4, max_tokens=60, warmup_steps=5, save_every=2, keep=3)
TOKENS = toy_vocabulary().tokens


def run(folder, pairs=COPIES, config=CONFIG, **options):
    torch.manual_seed(3)
    return train(Transformer(config), pairs, TRAINING, folder, progress=False, **options)


def rewrite(path, tensors=None, text=None, drop=None, **header):
    """Riscrive un checkpoint con altri tensori, altre voci d’intestazione o una di meno."""
    old_tensors, old_header = read_checkpoint(path)
    tensors = old_tensors if tensors is None else tensors
    header = old_header | {"crc32": checksum(tensors)} | header
    header.pop(drop, None)
    save_file(tensors, path, {"attenzione": json.dumps(header) if text is None else text})


def without(dictionary, *names):
    return {name: value for name, value in dictionary.items() if name not in names}


# Da che cosa si riprende


def test_other_data_are_another_configuration(tmp_path):
    run(tmp_path)
    before = list_checkpoints(tmp_path)[-1].read_bytes()
    reverses = toy_pairs("inversione", 300, max_len=6)
    for other in (reverses, COPIES[::-1], [*COPIES[:-1], ([4], [5])]):
        with pytest.raises(ValueError, match=r"è di un’altra configurazione, l’impronta delle coppie = \w+ invece di"):
            run(tmp_path, other)
    assert list_checkpoints(tmp_path)[-1].read_bytes() == before


def test_other_development_data_are_another_configuration(tmp_path):
    run(tmp_path, dev_pairs=COPIES[:9])
    for other in (COPIES[9:18], None):
        with pytest.raises(ValueError, match="altra configurazione, l’impronta delle coppie di sviluppo = "):
            run(tmp_path, dev_pairs=other)


def test_the_same_identifiers_with_other_words_are_another_configuration(tmp_path):
    run(tmp_path, vocabulary=TOKENS)
    for other, message in (
        ([*TOKENS[:5], "gatto", *TOKENS[6:]], "il token 5 del vocabolario è «b» invece di «gatto»"),
        (None, "il token 0 del vocabolario è «<pad>» invece di nessuno"),
    ):
        with pytest.raises(ValueError, match=f"è di un’altra configurazione, {message}"):
            run(tmp_path, vocabulary=other)


def test_a_checkpoint_that_does_not_know_its_data_is_resumed_with_a_warning(tmp_path):
    run(tmp_path)
    path = list_checkpoints(tmp_path)[-1]
    expected = read_checkpoint(path)[1]["avanzamento"]
    rewrite(path, avanzamento=without(expected, "data", "dev_data", "rate_factor"))
    with pytest.warns(UserWarning, match="non dice su quali dati è stato addestrato: si riprende senza poterli"):
        torch.manual_seed(3)
        train(Transformer(CONFIG), COPIES, replace(TRAINING, steps=6), tmp_path, progress=False)
    last = read_checkpoint(list_checkpoints(tmp_path)[-1])[1]["avanzamento"]
    assert last["step"] == 6 and last["data"] == expected["data"] == fingerprint(COPIES)


def test_how_far_and_how_often_may_change(tmp_path):
    run(tmp_path)
    training = replace(TRAINING, steps=7, save_every=3, keep=1)
    torch.manual_seed(3)
    assert [r["step"] for r in train(Transformer(CONFIG), COPIES, training, tmp_path, progress=False)] == [5, 6, 7]


def test_the_fingerprint_tells_apart_what_differs_only_in_where_a_sentence_ends():
    assert fingerprint([([4, 5], [6])]) != fingerprint([([4], [5, 6])])
    assert fingerprint([([4], [5]), ([6], [7])]) != fingerprint([([4], [5, 6]), ([7], [])])
    assert fingerprint(COPIES) == fingerprint([(tuple(src), tuple(tgt)) for src, tgt in COPIES])


def test_the_fingerprint_of_a_corpus_is_quick():
    pairs = [(list(range(4, 30)), list(range(4, 30)))] * 53_000
    start = time.process_time()
    fingerprint(pairs)
    assert time.process_time() - start < 3  # meno di mezzo secondo, su un core tranquillo


def test_one_training_at_a_time_in_a_folder(tmp_path):
    with (
        locked(tmp_path / "addestramento.in-corso"),
        pytest.raises(ValueError, match=r"folder vale «.*»: vi lavora già un altro addestramento"),
    ):
        run(tmp_path)
    (tmp_path / "addestramento.in-corso").touch()  # lasciata da un processo ucciso: non chiude nulla
    assert len(run(tmp_path)) == 4 and not (tmp_path / "addestramento.in-corso").exists()


def test_processes_that_start_from_different_data_stop(monkeypatch, tmp_path):
    monkeypatch.setattr(loop, "gather", lambda tensor: [tensor, tensor + 1])
    with pytest.raises(ValueError, match="i processi partono da dati o checkpoint diversi"):
        run(tmp_path)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (([5, 14], [5]), "contiene il token 14: attesi interi da 0 a 13, senza gli speciali 0, 1, 2"),
        (([5], [-1]), "contiene il token -1"),
        (([5], [5, 2, 6]), "contiene il token 2"),
        (([0], [5]), "contiene il token 0"),
        (([5.0], [5]), "attesi due elenchi di identificatori interi"),
        (([5], [True]), "attesi due elenchi di identificatori interi"),
        (([5] * 33, [5]), "ha 33 token: attesi al più max_len = 32"),
    ],
)
def test_the_tokens_are_checked_before_the_first_step(pair, message):
    for name, pairs, dev_pairs in (("pairs", [([5], [5]), pair], None), ("dev_pairs", COPIES, [([5], [5]), pair])):
        with pytest.raises(ValueError, match=rf"^{name}\[1\] .*{message}"):
            train(Transformer(CONFIG), pairs, TRAINING, dev_pairs=dev_pairs, progress=False)
    check_pairs([([4, 13], [3])], CONFIG)


# Che cosa si scrive


@pytest.mark.parametrize(
    "wrap",
    [
        torch.compile,
        nn.DataParallel,
        lambda model: nn.DataParallel(torch.compile(model)),
        lambda model: torch.compile(nn.DataParallel(model)),
    ],
    ids=["compile", "DataParallel", "DataParallel di compile", "compile di DataParallel"],
)
def test_a_wrapped_model_is_saved_without_its_wrapping(tmp_path, wrap):
    model = Transformer(CONFIG)
    assert unwrapped(wrap(model)) is model
    save_checkpoint(tmp_path / "avvolto.safetensors", wrap(model), optimizer=torch.optim.Adam(wrap(model).parameters()))
    save_checkpoint(tmp_path / "nudo.safetensors", model)
    assert (tmp_path / "avvolto.safetensors").read_bytes() == (tmp_path / "nudo.safetensors").read_bytes()
    loaded, _ = load_model(tmp_path / "avvolto.safetensors")
    assert all(torch.equal(a, b.cpu()) for a, b in zip(loaded.parameters(), model.parameters(), strict=True))


@pytest.mark.skipif(torch.cuda.is_available(), reason="con una GPU DataParallel non calcola sulla CPU")
def test_a_wrapped_model_is_trained_and_resumed_as_the_model_inside(tmp_path):
    expected = run(tmp_path / "nudo")
    torch.manual_seed(3)
    wrapped = nn.DataParallel(Transformer(CONFIG))
    assert train(wrapped, COPIES, TRAINING, tmp_path / "avvolto", progress=False) == expected
    run(tmp_path / "avvolto")  # si riprende anche nudo


# Che cosa manca, o è di troppo


@pytest.fixture
def saved(tmp_path):
    run(tmp_path, vocabulary=TOKENS)
    return list_checkpoints(tmp_path)[-1]


E_SHAPE = r"il tensore «embedding\.E» ha forma \(13, 8\) e tipo torch\.float32: atteso \(14, 8\), torch\.float32"


@pytest.mark.parametrize(
    ("breaks", "message"),
    [
        (lambda path: rewrite(path, text='{"formato": '), "il file è danneggiato, l’intestazione non è JSON"),
        (lambda path: rewrite(path, text="[]"), "atteso un checkpoint in formato «attenzione-1»"),
        (lambda path: rewrite(path, formato="attenzione-2"), "atteso un checkpoint in formato «attenzione-1»"),
        (lambda path: rewrite(path, tipo=["lstm"]), "atteso un checkpoint in formato «attenzione-1»"),
        (lambda path: rewrite(path, drop="crc32"), "nell’intestazione manca «crc32»"),
        (lambda path: rewrite(path, drop="configurazione"), "nell’intestazione manca «configurazione»"),
        (
            lambda path: rewrite(path, configurazione=[1]),
            "la configurazione non è quella di .*: attese voci con un nome",
        ),
        (
            lambda path: rewrite(path, configurazione=asdict(CONFIG) | {"rotaie": 2}),
            r"la configurazione non è quella di attenzione\.model\.Transformer: la voce «rotaie» non vi è prevista",
        ),
        (
            lambda path: rewrite(path, configurazione=asdict(CONFIG) | {"d_ff": "16"}),
            "la configurazione non è quella di .*: d_ff vale «16»: atteso un intero positivo",
        ),
        (
            lambda path: rewrite(
                path, tensors=without(read_checkpoint(path)[0], "modello.encoder.0.residuals.0.norm.weight")
            ),
            r"manca il tensore «encoder\.0\.residuals\.0\.norm\.weight», che attenzione\.model\.Transformer prevede",
        ),
        (
            lambda path: rewrite(path, tensors=read_checkpoint(path)[0] | {"modello.rotaie": torch.zeros(2)}),
            r"attenzione\.model\.Transformer non prevede il tensore «rotaie»",
        ),
        (
            lambda path: rewrite(path, tensors=read_checkpoint(path)[0] | {"modello.embedding.E": torch.zeros(13, 8)}),
            E_SHAPE,
        ),
        (
            lambda path: rewrite(
                path, tensors=read_checkpoint(path)[0] | {"modello.embedding.E": torch.zeros(14, 8, dtype=torch.int8)}
            ),
            r"il tensore «embedding\.E» ha forma \(14, 8\) e tipo torch\.int8: atteso \(14, 8\), torch\.float32",
        ),
    ],
)
def test_what_is_missing_or_unknown_is_named(saved, breaks, message):
    whole = saved.with_name("intero.safetensors")
    whole.write_bytes(saved.read_bytes())
    breaks(saved)
    message = rf"path vale «.*passo-00000004\.safetensors»: {message}"
    for read in (
        load_model,
        lambda path: average_checkpoints([whole, path]),
        lambda path: run(path.parent, vocabulary=TOKENS),
    ):
        with pytest.raises(ValueError, match=message):
            read(saved)


@pytest.mark.parametrize(
    ("breaks", "message"),
    [
        (
            lambda path: rewrite(path, tensors=without(read_checkpoint(path)[0], "adam.embedding.E.exp_avg")),
            r"manca il tensore «adam\.embedding\.E\.exp_avg», lo stato di Adam",
        ),
        (
            lambda path: rewrite(path, tensors=without(read_checkpoint(path)[0], "rng.cpu.0")),
            r"manca «rng\.cpu\.0», lo stato di un generatore casuale",
        ),
        (
            lambda path: rewrite(path, avanzamento=without(read_checkpoint(path)[1]["avanzamento"], "index")),
            "nell’avanzamento manca «index»",
        ),
        (lambda path: rewrite(path, avanzamento=[4]), "il file ha solo il modello"),
    ],
)
def test_what_is_missing_to_resume_is_named(saved, breaks, message):
    breaks(saved)
    with pytest.raises(ValueError, match=message):
        run(saved.parent, vocabulary=TOKENS)


def test_an_entry_with_a_default_may_be_missing(tmp_path):
    """La configurazione di un file scritto quando quella voce non c’era ancora."""
    expected = run(tmp_path / "intero")
    torch.manual_seed(3)
    train(Transformer(CONFIG), COPIES, replace(TRAINING, steps=2), tmp_path / "prima", progress=False)
    path = list_checkpoints(tmp_path / "prima")[-1]
    before = without(asdict(CONFIG), "positions", "norm_first", "d_k")
    rewrite(path, configurazione=before)
    assert load_model(path)[0].config == CONFIG
    assert run(tmp_path / "prima") == expected[2:]
    assert average_checkpoints([path, list_checkpoints(tmp_path / "prima")[-1]])[0].config == CONFIG


def test_an_entry_without_a_default_must_be_there(tmp_path):
    config = LSTMConfig(14, 1, 8, 16)
    save_checkpoint(tmp_path / "r.safetensors", AttentionLSTM(config))
    rewrite(tmp_path / "r.safetensors", configurazione=without(asdict(config), "n_vocab"))
    with pytest.raises(ValueError, match=r"la configurazione non è quella di .*AttentionLSTM: manca la voce «n_vocab»"):
        load_model(tmp_path / "r.safetensors")


def test_only_models_with_the_same_words_are_averaged(tmp_path):
    model = Transformer(CONFIG)
    save_checkpoint(tmp_path / "a.safetensors", model, vocabulary=TOKENS)
    save_checkpoint(tmp_path / "b.safetensors", model, vocabulary=[*TOKENS[:-1], "gatto"])
    with pytest.raises(ValueError, match="il token 13 del vocabolario è «gatto» invece di «j»"):
        average_checkpoints([tmp_path / "a.safetensors", tmp_path / "b.safetensors"])


def test_a_copy_with_another_name_is_not_a_checkpoint(tmp_path):
    run(tmp_path)
    names = [path.name for path in list_checkpoints(tmp_path)]
    for copy in ("passo-copia.safetensors", "passo-00000009 (2).safetensors"):
        (tmp_path / copy).write_bytes(b"")
    assert [path.name for path in list_checkpoints(tmp_path)] == names


# Quanto costa caricare


@pytest.mark.parametrize(
    "model",
    [
        Transformer(CONFIG),
        Transformer(replace(CONFIG, positions="learned", final_norm=True)),
        Transformer(replace(CONFIG, positions="tensor2tensor")),
        AttentionLSTM(LSTMConfig(14, 2, 8, 16)),
    ],
    ids=["sinusoidal", "learned", "tensor2tensor", "lstm"],
)
@pytest.mark.parametrize("dtype", [None, torch.float16])
def test_loading_draws_no_random_number_and_gives_the_same_model(tmp_path, model, dtype):
    path = tmp_path / "m.safetensors"
    save_checkpoint(path, model, dtype=dtype)
    before = torch.get_rng_state()
    loaded, _ = load_model(path)
    assert torch.equal(torch.get_rng_state(), before)  # nessun peso casuale, da sovrascrivere subito dopo
    for a, b in zip(loaded.parameters(), model.parameters(), strict=True):
        assert a.dtype == torch.float32 and a.requires_grad and torch.equal(a, b.to(dtype or b.dtype).float())
    src, tgt = torch.randint(3, 14, (2, 5)), torch.randint(3, 14, (2, 4))
    assert torch.allclose(loaded(src, tgt), model.eval()(src, tgt), atol=1e-6 if dtype is None else 1e-2)
