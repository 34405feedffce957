"""Le ricette: ogni voce si controlla prima di cominciare, e ciò che è già in cartella viene dalla stessa ricetta."""

import json

import pytest
import yaml

from attenzione.__main__ import main
from attenzione.data import download
from attenzione.training.recipe import prepare, read_recipe, run_recipe

GOOD = """
nome: prova
dati: {partenza: a.en, arrivo: a.it}
divisione: {dev_per_mille: 100, test_per_mille: 100}
tokenizer: {n_vocab: 60, min_count: 1}
modello: {n_layers: 1, d_model: 8, d_ff: 16, n_heads: 2, p_drop: 0.1, max_len: 64}
addestramento: {steps: 2, max_tokens: 200, warmup_steps: 10, save_every: 1}
"""
LSTM = "classe: attenzione.translator.lstm.AttentionLSTM"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """La cartella di lavoro, con i dati di GOOD e senza rete."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(download, "fetch", lambda *_: pytest.fail("si è chiesta la rete"))
    for name in ("a.en", "a.it"):
        (tmp_path / name).write_text("".join(f"{name} parola {i} altra {i % 7}\n" for i in range(200)), "utf-8")
    return tmp_path


def recipe(folder, *changes, variant=None):
    """La ricetta GOOD, letta da un file, con i cambiamenti dati: coppie (che cosa, che cosa al suo posto)."""
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "r.yml").write_text(text, "utf-8")
    return read_recipe(folder / "r.yml", variant=variant)


BAD = [
    ("p_drop: 0.1", "p_drop: 1e-1", "modello.p_drop vale «1e-1»: atteso un numero; per YAML è un testo, si scrive 0.1"),
    ("p_drop: 0.1", "p_drop: 0,1", "modello"),  # per YAML è un’altra voce, che si chiama 1
    ("p_drop: 0.1", "p_drop: .nan", "modello.p_drop vale nan: atteso un numero"),
    ("p_drop: 0.1", "p_drop: true", "modello.p_drop vale true: atteso un numero"),
    ("p_drop: 0.1", "p_drop: 1.0", "modello.p_drop vale 1.0: atteso un numero da 0 compreso a 1 escluso"),
    ("p_drop: 0.1", "p_drop: [0.1]", "modello.p_drop vale [0.1]: atteso un numero"),
    ("p_drop: 0.1", "p_drop:", "modello.p_drop vale null: atteso un numero"),
    ("p_drop: 0.1", "positions: 3", "modello.positions vale 3: atteso un testo"),
    ("p_drop: 0.1", "norm_first: 1", "modello.norm_first vale 1: atteso true o false"),
    ("p_drop: 0.1", "pad_id: 3", "modello.pad_id vale 3: atteso 0, quello del tokenizer"),
    ("p_drop: 0.1", "eos_id: 1", "modello.pad_id, bos_id, eos_id valgono (0, 1, 1): attesi tre interi diversi"),
    ("p_drop: 0.1", "d_k: 4.0", "modello.d_k vale 4.0: atteso un intero"),
    ("p_drop: 0.1", "tipo: gru", "modello.tipo: voci non previste"),
    ("p_drop: 0.1", "3: 4", "modello.3: voci non previste"),
    ("p_drop: 0.1", "classe: gru", "modello.classe vale «gru»: attesa una classe di modello"),
    ("p_drop: 0.1", "classe: .gru.Gru", "modello.classe vale «.gru.Gru»: attesa una classe di modello"),
    ("p_drop: 0.1", "classe: [a]", "modello.classe vale ['a']: atteso un testo"),
    ("d_ff: 16, n_heads: 2, p_drop: 0.1", LSTM + ", p_drop: 1.5", "modello.p_drop vale 1.5: atteso un numero da 0"),
    ("d_ff: 16, n_heads: 2, p_drop: 0.1", LSTM + ", eos_id: 3", "modello.eos_id vale 3: atteso 2, quello del tokeni"),
    ("d_model: 8", "d_model: 8, d_model: 16", "riga 6: la voce «d_model» è data due volte"),
    (
        "n_vocab: 60",
        'n_vocab: "90"',
        "tokenizer.n_vocab vale «90»: atteso un intero; per YAML è un testo, si scrive 90",
    ),
    ("n_vocab: 60", "n_vocab: 4", "tokenizer.n_vocab vale 4: atteso un intero oltre 4, i token speciali"),
    ("n_vocab: 60", "n_vocab: 9", "tokenizer.n_vocab vale 9: attese almeno"),
    ("min_count: 1", "min_count: 0", "tokenizer.min_count vale 0: atteso un intero positivo"),
    ("n_vocab: 60", "n_vocab: 1e3", "si scrive 1000"),
    ("steps: 2", "steps: yes", "addestramento.steps vale true: atteso un intero"),
    ("steps: 2", "steps: -1", "addestramento.steps vale -1: atteso un intero positivo"),
    ("steps: 2", "rate_factor: .inf", "addestramento.rate_factor vale inf: atteso un numero"),
    ("steps: 2", "rate_factor: 0", "addestramento.rate_factor vale 0: atteso un numero positivo"),
    ("steps: 2", "precision: fp8", "addestramento.precision vale «fp8»: atteso «float32» o «bf16»"),
    ("steps: 2", "compile: 1", "addestramento.compile vale 1: atteso true o false"),
    ("steps: 2", "seed: -3", "addestramento.seed vale -3: atteso un intero da 0 a 4294967295"),
    ("addestramento: {", "addestramento: [{", "non è un file YAML che si possa leggere"),
    ("dati: {partenza: a.en, arrivo: a.it}", "dati: 3", "dati vale 3: attese voci «chiave: valore»"),
    ("dati: {partenza: a.en, arrivo: a.it}", "dati: [a.en]", "dati vale ['a.en']: attese voci «chiave: valore»"),
    ("dati: {partenza: a.en, arrivo: a.it}", "dati: false", "dati vale false: attese voci «chiave: valore»"),
    ("partenza: a.en", "partenza: 3", "dati.partenza vale 3: atteso un testo"),
    ("partenza: a.en", "partenza: ''", "dati.partenza vale «»: atteso un testo"),
    ("partenza: a.en", "partenza: .", "dati.partenza vale «.»: atteso un file che esiste"),
    ("partenza: a.en", "corpus: wmt14-en-de", "dati.arrivo vale «a.it»: atteso che manchi, perché c’è dati.corpus"),
    ("partenza: a.en", "partenza: a.en, limite: 0", "dati.limite vale 0: atteso un intero positivo"),
    ("partenza: a.en", "testi: [a.en]", "dati.arrivo vale «a.it»: atteso che manchi, perché c’è dati.testi"),
    ("partenza: a.en, arrivo: a.it", "testi: a.en", "dati.testi vale «a.en»: atteso un elenco"),
    ("partenza: a.en, arrivo: a.it", "testi: []", "dati.testi vale []: atteso un elenco"),
    ("partenza: a.en, arrivo: a.it", "testi: [3]", "dati.testi[0] vale 3: atteso un testo"),
    ("partenza: a.en, arrivo: a.it", "testi: [b]", "dati.testi vale «b»: atteso un file che esiste"),
    ("dev_per_mille: 100", "block_lines: 9", "divisione.block_lines vale 9: atteso che manchi, perché è di dati.testi"),
    ("dev_per_mille: 100", "dev_per_mille: 900", "divisione.dev_per_mille vale 900 e test_per_mille 100"),
    ("dev_per_mille: 100", "max_ratio: 0.5", "divisione.max_ratio vale 0.5: atteso un numero da 1 in su"),
    ("dev_per_mille: 100", "max_words: 2.5", "divisione.max_words vale 2.5: atteso un intero"),
    ("max_len: 64", "max_len: 2", "modello.max_len vale 2: non vi entra nessuna coppia"),
    ("nome: prova", "nome: 2024-01-01", "nome vale 2024-01-01: atteso il nome del modello, un testo"),
    ("nome: prova", "nome: 2024-99-99", "non è un file YAML che si possa leggere"),
    ("nome: prova", "nome: prova\n7: 8", "7: voci non previste"),
    ("nome: prova", "nome: prova\nvarianti: [a]", "varianti vale ['a']: attese voci «chiave: valore»"),
    ("nome: prova", "nome: prova\nvarianti: {a: 3}", "varianti.a vale 3: attese voci «chiave: valore»"),
    ("nome: prova", "nome: prova\nvarianti: {a: {modello: 3}}", "varianti.a.modello vale 3: attese voci"),
    ("nome: prova", "nome: prova\nvarianti: {a: {modelli: {}}}", "varianti.a.modelli: voci non previste"),
    ("nome: prova", "nome: prova\nvarianti: {1: {}}", "varianti.1: atteso come nome un testo, fra virgolette"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_a_bad_recipe_is_one_line_and_nothing_starts(folder, capsys, old, new, message):
    (folder / "r.yml").write_text(GOOD.replace(old, new), "utf-8")
    assert GOOD.replace(old, new) != GOOD
    assert main(["addestra", "--ricetta", "r.yml", "--cartella", "x", "--dispositivo", "cpu"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("errore: ") and err.count("\n") == 1 and message in err
    assert not list((folder / "x").glob("pass*"))


def test_a_recipe_without_variants_may_say_so(folder, capsys):
    assert recipe(folder, ("nome: prova", "nome: prova\nvarianti:")).nome == "prova"
    assert main(["addestra", "--ricetta", "r.yml", "--variante", "a", "--dispositivo", "cpu"]) == 1
    assert "variante vale «a»: atteso uno fra nessuna" in capsys.readouterr().err


def test_what_a_variant_says_is_checked_too(folder):
    variants = "nome: prova\nvarianti: {a: {modello: {p_drop: 'no', max_len: null}}, b: }"
    with pytest.raises(ValueError, match=r"modello\.p_drop vale «no»: atteso un numero"):
        recipe(folder, ("nome: prova", variants), variant="a")
    read = recipe(folder, ("nome: prova", variants), variant="b")
    assert read.nome == "prova-b" and read.modello["max_len"] == 64


def test_the_special_tokens_may_be_written_if_they_are_those_of_the_tokenizer(folder):
    assert recipe(folder, ("p_drop: 0.1", "pad_id: 0, bos_id: 1, eos_id: 2")).modello["eos_id"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("n_vocab: 60", "n_vocab: 50"), "tokenizer.n_vocab = 60 invece di 50"),
        (("min_count: 1", "min_count: 3"), "tokenizer.min_count = 1 invece di 3"),
        (("dev_per_mille: 100", "dev_per_mille: 150"), r"l’impronta dei testi = \w{16} invece di \w{16}$"),
    ],
)
def test_a_tokenizer_of_another_recipe_is_not_reused(folder, change, message):
    prepare(recipe(folder), folder / "x")
    before = (folder / "x" / "tokenizer.json").read_bytes()
    with pytest.raises(ValueError, match=rf"tokenizer\.json»: è di un’altra configurazione, .*{message}"):
        prepare(recipe(folder, change), folder / "x")
    assert (folder / "x" / "tokenizer.json").read_bytes() == before


def test_a_tokenizer_of_other_data_is_not_reused(folder):
    prepare(recipe(folder), folder / "x")
    prepare(recipe(folder), folder / "x")  # gli stessi: si riusa
    with open(folder / "a.it", "a", encoding="utf-8") as it, open(folder / "a.en", "a", encoding="utf-8") as en:
        it.write("una riga in più\n" * 3)
        en.write("one more line\nanother line\na third line\n")
    with pytest.raises(ValueError, match="è di un’altra configurazione, l’impronta dei testi = "):
        prepare(recipe(folder), folder / "x")


def test_a_tokenizer_written_before_is_reused_with_a_warning(folder):
    tokenizer = prepare(recipe(folder), folder / "x")[2]
    (folder / "x" / "preparazione.json").unlink()
    with pytest.warns(UserWarning, match="non dice da quali dati viene: si riusa senza poterlo controllare"):
        assert prepare(recipe(folder), folder / "x")[2].tokens == tokenizer.tokens


def test_an_option_written_as_its_default_is_the_same_recipe(folder):
    (folder / "lunga").mkdir()
    prepare(recipe(folder, (", min_count: 1", "")), folder / "lunga")
    prepare(recipe(folder, ("min_count: 1", "min_count: 2")), folder / "lunga")
    assert json.loads((folder / "lunga" / "preparazione.json").read_text())["min_count"] == 2


def test_the_pairs_left_out_are_said(folder):
    read = recipe(folder, ("max_len: 64", "max_len: 20"))
    tokenizer = prepare(read, folder / "x")[2]
    lengths = [len(tokenizer.encode(pair[0])) for pair in prepare(read, folder / "x")[0]["addestramento"]]
    limit = sorted(lengths)[len(lengths) // 2] + 1
    with pytest.warns(UserWarning, match=rf"oltre max_len = {limit} restano fuori \d+ coppie di addestramento"):
        run_recipe(recipe(folder, ("max_len: 64", f"max_len: {limit}")), folder / "x", device="cpu", progress=False)


def test_the_recipe_of_the_book_is_read_with_all_its_variants():
    from attenzione.translator.pretrained import shipped_folder

    path = shipped_folder() / "ricetta.yml"
    for variant in (None, *yaml.safe_load(path.read_text("utf-8"))["varianti"]):
        assert read_recipe(path, variant=variant).nome.startswith("europarl-en-it")
