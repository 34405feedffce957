"""L’inventario dei blocchi: completo, coerente, senza frasi degli autori."""

import re
from collections import Counter

import pytest

from lettore.inventario import (
    FILE_INVENTARIO,
    PROSA,
    capitolo,
    impronta,
    leggi_inventario,
    normalizza,
    normalizza_formula,
)


@pytest.fixture(scope="module")
def blocchi():
    return leggi_inventario()


def test_sono_129_e_in_ordine(blocchi):
    assert len(blocchi) == 129
    assert next(iter(blocchi)) == "note-permission"
    assert list(blocchi)[-1] == "fig5-cap"
    assert [b for b in blocchi if re.fullmatch(r"s\d-h", b)] == [f"s{n}-h" for n in range(1, 8)]


def test_generi(blocchi):
    generi = Counter(b.kind for b in blocchi.values())
    assert generi["paragraph"] == 60
    assert generi["figure"] == generi["equation"] == 5
    assert generi["table"] == 4
    assert sum(generi[g] for g in PROSA) == 82


def test_solo_tre_blocchi_mancano_dai_tex(blocchi):
    assert [b.id for b in blocchi.values() if not b.nel_tex] == ["note-venue", "abs-h", "refs-h"]


def test_impronte_ben_fatte(blocchi):
    for blocco in blocchi.values():
        assert re.fullmatch(r"[0-9a-f]{16}", blocco.fingerprint), blocco.id
        assert (blocco.norm_len == 0) == (blocco.kind == "figure"), blocco.id


def test_i_richiami_fra_blocchi_esistono(blocchi):
    radici = set(blocchi) | {b.section and "s" + b.section for b in blocchi.values()}
    for blocco in blocchi.values():
        for citato in (*blocco.refs, *blocco.footnotes, *((blocco.of,) if blocco.of else ())):
            assert citato in radici, f"{blocco.id} cita {citato}"


def test_titoli_e_incipit_brevi_danno_l_impronta(blocchi):
    """Un titolo sta tutto nell’incipit: la sua impronta si può rifare da lì."""
    titoli = [b for b in blocchi.values() if b.kind == "heading"]
    assert len(titoli) == 30
    for blocco in titoli:
        assert impronta(normalizza(blocco.incipit)) == blocco.fingerprint, blocco.id


def test_nessuna_frase_degli_autori(blocchi):
    """Otto parole di seguito al più, in ogni campo; le intestazioni del file sono nostre, in italiano."""
    for blocco in blocchi.values():
        campi = [blocco.incipit, blocco.heading or "", blocco.run_in_heading or "", *blocco.labels_in_image]
        assert all(len(campo.split()) <= 8 for campo in campi), blocco.id
    righe = FILE_INVENTARIO.read_text(encoding="utf-8").splitlines()
    assert not any(riga.strip().startswith("note:") for riga in righe)
    assert max(len(riga) for riga in righe if not riga.startswith("#")) < 300


@pytest.mark.parametrize(
    ("nome", "gruppo"),
    [
        ("note-permission", "titolo"),
        ("title", "titolo"),
        ("authors", "titolo"),
        ("note-venue", "titolo"),
        ("abs-p1", "sommario"),
        ("s1-p2", "1"),
        ("fig2-cap", "3.2.2"),
        ("s3.2.1-fn4", "3.2.1"),
        ("ack", "ringraziamenti"),
        ("refs", "riferimenti"),
        ("viz-h", "appendice"),
        ("fig5-cap", "appendice"),
    ],
)
def test_capitolo(blocchi, nome, gruppo):
    assert capitolo(blocchi[nome]) == gruppo


@pytest.mark.parametrize(
    ("testo", "atteso"),
    [
        ("Élan vital, 3.5!", "elanvital35"),
        ("Łukasz Kaiser", "lukaszkaiser"),
        ("ﬁne-tuning", "finetuning"),
        ("Straße Øre cœur æ ı đ", "strasseorecoeuraeid"),
        ("", ""),
    ],
)
def test_normalizza(testo, atteso):
    assert normalizza(testo) == atteso


def test_normalizza_formula_lascia_i_nomi_dei_comandi():
    assert normalizza_formula("a &= \\frac{QK^T}{\\sqrt{d_k}}\\\\") == "afracqktsqrtdk"


def test_impronta_nota():
    assert impronta("abstract") == "c59ddd3f7ba697a4"
    assert impronta(b"abstract") == impronta("abstract")


@pytest.mark.parametrize(
    ("yaml", "messaggio"),
    [
        (
            "- {id: a, kind: note, section: null, heading: null, incipit: x, words: 1, norm_len: 1, "
            "fingerprint: f, colore: rosso}",
            "colore",
        ),
        (
            "- &b {id: a, kind: note, section: null, heading: null, incipit: x, words: 1, norm_len: 1, "
            "fingerprint: f}\n- *b",
            "due volte",
        ),
    ],
)
def test_un_inventario_incoerente_si_rifiuta(tmp_path, yaml, messaggio):
    file = tmp_path / "blocchi.yml"
    file.write_text(yaml, encoding="utf-8")
    with pytest.raises(ValueError, match=messaggio):
        leggi_inventario(file)
