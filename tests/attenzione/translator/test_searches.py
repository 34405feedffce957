"""Le ricerche registrate: i conti rifanno il punteggio, la scelta è quella della ricerca, il modello è questo."""

import json

import pytest
import torch

from attenzione.config import TransformerConfig
from attenzione.decoding import beam_search, length_penalty
from attenzione.model import Transformer
from attenzione.translator.pretrained import shipped_folder
from attenzione.translator.searches import (
    ALPHAS,
    SYSTEMS,
    WIDTHS,
    choose,
    fingerprint,
    main,
    sentence_counts,
    split_compounds,
)


def record(name):
    return json.loads((shipped_folder() / name).read_text("utf-8"))


def bleu(rows, references):
    """BLEU dai conti di una registrazione: la definizione, con la media geometrica e la brevità."""
    counts = torch.tensor(rows, dtype=torch.double)
    totals = (counts[:, :1] - torch.arange(4)).clamp(min=0).sum(dim=0)
    brevity = min(1.0, (1 - sum(references) / counts[:, 0].sum()).exp().item())
    return 100 * brevity * (counts[:, 1:].sum(dim=0) / totals).prod().item() ** 0.25


@pytest.mark.parametrize("name", ["conti-bleu.json", "ampiezze.json", "otto-bit.json"])
def test_le_registrazioni_sono_del_modello_spedito(name):
    """Chi cambia il modello rilancia i comandi in testa a searches."""
    assert record(name)["modello"] == fingerprint(shipped_folder())


def test_dai_conti_registrati_si_rifa_il_punteggio_registrato():
    found = record("conti-bleu.json")
    assert found["parte"] == "prova" and list(found["sistemi"])[: len(SYSTEMS)] == list(SYSTEMS)
    for system in found["sistemi"].values():
        assert len(system["conti"]) == len(found["riferimenti"]) == found["frasi"]
        assert bleu(system["conti"], found["riferimenti"]) == pytest.approx(system["BLEU"], abs=0.006)


def test_la_parte_di_prova_non_sceglie_ne_ampiezza_ne_penalita():
    found = record("ampiezze.json")
    assert found["parte"] == "sviluppo"
    assert {(t["ampiezza"], t["alpha"]) for t in found["prove"]} == {(w, a) for w in WIDTHS for a in ALPHAS}


def test_i_pesi_a_8_bit_costano_meno_di_tre_decimi_di_bleu():
    found, whole = record("otto-bit.json"), record("punteggi.json")
    assert found["parte"] == "prova" and found["frasi"] == whole["frasi"]
    for name, system in found["sistemi"].items():
        strategy = SYSTEMS[name]["strategy"]
        assert system["float32"] == pytest.approx(whole["risultati"][strategy]["BLEU"], abs=0.05)
        assert abs(system["8 bit"] - system["float32"]) < 0.3 and system["uguali"] > 0.85 * found["frasi"]


def test_i_conti_sono_quelli_di_sacrebleu():
    from sacrebleu.metrics import BLEU

    translations = ["la gatta mangia il topo grigio.", "Il topo, no.", ""]
    references = ["la gatta mangia un topo grigio.", "il topo non c’è.", "niente"]
    rows, lengths = sentence_counts(translations, references)
    assert rows[0][:3] == [7, 6, 4] and rows[1][0] == 5 and rows[2] == [0] * 5 and lengths[0] == 7
    together = BLEU(lowercase=True).corpus_score(translations, [references])
    assert [sum(row[n] for row in rows) for n in range(1, 5)] == together.counts
    assert (sum(row[0] for row in rows), sum(lengths)) == (together.sys_len, together.ref_len)


def test_i_composti_si_spezzano_solo_dentro_le_parole():
    assert split_compounds("Roma-Milano") == "Roma ##AT##-##AT## Milano"
    assert split_compounds("sì - no, -3") == "sì - no, -3"


@pytest.mark.parametrize("alpha", [*ALPHAS, 3.0])
def test_riordinare_vale_quanto_cercare_con_quella_penalita(alpha):
    """Una ricerca per ampiezza basta a tutte le penalità: la ricerca che si ferma prima sceglie la stessa frase."""
    torch.manual_seed(1)
    config = TransformerConfig(n_vocab=9, n_layers=1, d_model=8, d_ff=16, n_heads=2, max_len=12)
    model = Transformer(config).double().eval()
    src = torch.randint(3, 9, (20, 5), generator=torch.Generator().manual_seed(2))
    found = beam_search(model, src, beam=4, alpha=0, n_best=4)
    for hypotheses, (best,) in zip(found, beam_search(model, src, beam=4, alpha=alpha), strict=True):
        chosen = choose(hypotheses, alpha)
        score = chosen.log_prob / length_penalty(len(chosen.tokens) + chosen.finished, alpha)
        assert chosen.tokens == best.tokens and score == pytest.approx(best.score)


@pytest.fixture
def folder(tmp_path):
    """Un modello a caso, la sua ricetta e i suoi dati, in una cartella."""
    from attenzione.data.tokenizer import BytePairTokenizer
    from attenzione.training.checkpoint import save_checkpoint

    words = ["uno", "due", "tre", "quattro", "cinque", "sei"]
    lines = [f"{a} {b} {c} {a}." for a in words for b in words for c in words]
    for name in ("a.en", "a.it"):
        (tmp_path / name).write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "ricetta.yml").write_text(
        "nome: prova\ndati: {partenza: a.en, arrivo: a.it}\ndivisione: {dev_per_mille: 300, test_per_mille: 300}\n"
        "tokenizer: {n_vocab: 60}\nmodello: {n_layers: 1, d_model: 16, d_ff: 32, n_heads: 2, max_len: 64}\n"
        "addestramento: {steps: 1}\n",
        "utf-8",
    )
    tokenizer = BytePairTokenizer.from_texts(lines, n_vocab=60)
    tokenizer.save(tmp_path / "tokenizer.json")
    torch.manual_seed(0)
    config = TransformerConfig(n_vocab=len(tokenizer), n_layers=1, d_model=16, d_ff=32, n_heads=2, max_len=64)
    save_checkpoint(tmp_path / "modello.safetensors", Transformer(config))
    return tmp_path


@pytest.mark.parametrize(("what", "part"), [("conti", "prova"), ("ampiezze", "sviluppo"), ("otto-bit", "prova")])
def test_il_comando_scrive_numeri_e_nessuna_parola_del_corpus(folder, what, part, capsys):
    path = folder / "numeri.json"
    options = ["--dati", str(folder), "--modello", str(folder), "--frasi", "5", "--dispositivo", "cpu"]
    main([what, "--registra", str(path), *options])
    assert "BLEU" in capsys.readouterr().out
    text = path.read_text("utf-8")
    assert not any(word in text for word in ("uno", "due", "quattro", "cinque"))
    found = json.loads(text)
    assert found["parte"] == part and found["frasi"] == 5
    if what == "otto-bit":
        assert all(0 <= system["uguali"] <= 5 and "float32" in system for system in found["sistemi"].values())
    elif what == "conti":
        assert all(len(system["conti"]) == 5 for system in found["sistemi"].values())
    else:
        assert len(found["prove"]) == len(WIDTHS) * len(ALPHAS)
        narrow = [t for t in found["prove"] if t["ampiezza"] == 1]
        assert len({t["BLEU"] for t in narrow}) == 1  # con un posto solo non c’è da scegliere


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["conti", "--frasi", "0"], "--frasi vale 0: atteso un intero positivo"),
        (["ampiezze", "--altri", "x"], "--altri non serve ad «ampiezze»"),
        (["otto-bit", "--altri", "x"], "--altri non serve ad «otto-bit»"),
        (["conti", "--dati", "non-c-è"], "atteso un file che esiste"),
    ],
)
def test_il_comando_dice_che_cosa_non_va(arguments, message, capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(
            [
                *arguments,
                "--registra",
                str(tmp_path / "x.json"),
                *(["--dati", "."] if "--dati" not in arguments else []),
            ]
        )
    assert message in capsys.readouterr().err
