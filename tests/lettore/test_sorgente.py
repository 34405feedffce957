"""Il sorgente come albero: direttive, righe, prosa, formule, ciascuna con la sua riga."""

from pathlib import Path

import pytest
import yaml
from pagina_di_prova import CAPITOLO

from lettore.sorgente import ESTENSIONI, Pagina, leggi_libro, parole

RADICE = Path(__file__).parents[2]


def pagina(testo):
    return Pagina("f.md", testo)


def generi(testo):
    return [riga.genere for riga in pagina(testo).righe]


def test_le_estensioni_sono_quelle_del_libro():
    configurazione = yaml.safe_load((RADICE / "_config.yml").read_text("utf-8"))["sphinx"]["config"]
    assert set(configurazione["myst_enable_extensions"]) == ESTENSIONI


def test_il_libro_si_legge_con_i_nomi_dalla_radice(tmp_path):
    for nome in ("chapters/b.md", "chapters/passi/a.md", "chapters/.ipynb_checkpoints/b.md", "glossary.md"):
        (tmp_path / nome).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / nome).write_text("# Titolo\n", encoding="utf-8")
    assert [p.file for p in leggi_libro(tmp_path)] == ["chapters/b.md", "chapters/passi/a.md", "glossary.md"]


# ---------------------------------------------------------------- le direttive

ANNIDATE = """\
# Titolo

::::{blocco} s1-p1
Testo.

:::{glossa}
Words.
:::
::::

- una voce di elenco

  ```{nota} Un titolo
  :class: quieta

  Dentro, una seconda:

  :::{perche} Un altro
  :altro: valore
  Fine.
  :::
  ```
"""


def test_l_albero_conosce_nome_argomento_opzioni_corpo_e_riga():
    blocco, nota = pagina(ANNIDATE).direttive
    assert (blocco.nome, blocco.argomento, blocco.riga, blocco.opzioni) == ("blocco", "s1-p1", 3, [])
    assert [(d.nome, d.riga, d.corpo) for d in blocco.figlie] == [("glossa", 6, "Words.\n")]
    assert (nota.nome, nota.argomento, nota.riga, nota.opzioni) == ("nota", "Un titolo", 13, [("class", "quieta")])
    (perche,) = nota.figlie
    assert (perche.nome, perche.riga, perche.opzioni, perche.corpo) == ("perche", 18, [("altro", "valore")], "Fine.\n")
    assert [d.nome for d in pagina(ANNIDATE).tutte_le_direttive] == ["blocco", "glossa", "nota", "perche"]


def test_ogni_direttiva_comincia_alla_riga_che_dice():
    righe = ANNIDATE.splitlines()
    for direttiva in pagina(ANNIDATE).tutte_le_direttive:
        assert f"{{{direttiva.nome}}}" in righe[direttiva.riga - 1]


def test_le_righe_hanno_genere_e_direttive():
    righe = pagina(ANNIDATE).righe
    assert [(r.numero, r.genere) for r in righe[2:9]] == [
        (3, "apertura"),
        (4, "prosa"),
        (5, "prosa"),
        (6, "apertura"),
        (7, "prosa"),
        (8, "chiusura"),
        (9, "chiusura"),
    ]
    assert [r.genere for r in righe[12:21]] == [
        "apertura",
        "opzione",
        "prosa",
        "prosa",
        "prosa",
        "apertura",
        "opzione",
        "prosa",
        "chiusura",
    ]
    assert righe[6].direttive == ("blocco", "glossa") and righe[8].direttive == ("blocco",) and righe[9].direttive == ()
    assert righe[19].direttive == ("nota", "perche")
    assert all(ANNIDATE[r.inizio :].startswith(r.testo) for r in righe)


@pytest.mark.parametrize("recinto", ["```", ":::", "::::"])
def test_le_direttive_di_prosa_si_scrivono_con_i_due_recinti(recinto):
    testo = f"Prima.\n\n{recinto}{{nota}} Il titolo\n:class: quieta\nIl corpo, con $x$.\n{recinto}\n\nDopo.\n"
    (nota,) = pagina(testo).direttive
    assert (nota.nome, nota.argomento, nota.riga, nota.corpo) == ("nota", "Il titolo", 3, "Il corpo, con $x$.\n")
    assert generi(testo) == ["prosa", "prosa", "apertura", "opzione", "prosa", "chiusura", "prosa", "prosa"]
    prosa = pagina(testo).prosa
    assert "Il titolo" in prosa and "Il corpo" in prosa and "quieta" not in prosa and "nota" not in prosa


@pytest.mark.parametrize(("apre", "chiude"), [("```{math}", "```"), (":::{math}", ":::")])
def test_anche_quelle_senza_prosa(apre, chiude):
    assert generi(f"{apre}\n:label: eq\nc\n{chiude}\n") == ["apertura", "opzione", "formula", "chiusura"]
    assert [(f.riga, f.tex) for f in pagina(f"{apre}\n:label: eq\nc\n{chiude}\n").formule] == [(3, "c")]


def test_un_recinto_senza_nome_e_codice_o_un_contenitore():
    codice, contenitore = pagina("```python\nx = 1\n```\n\n:::\nTesto.\n:::\n").direttive
    assert (codice.nome, codice.argomento, codice.di_prosa) == ("", "python", False)
    assert (contenitore.nome, contenitore.di_prosa) == ("", True)


def test_ciò_che_un_recinto_mostra_non_è_una_direttiva():
    assert [d.nome for d in pagina("````md\n```{nota}\nTesto.\n```\n````\n").tutte_le_direttive] == [""]
    assert [d.nome for d in pagina("$$\n```{nota}\n```\n$$\n").tutte_le_direttive] == []


def test_due_recinti_di_due_punti_uguali_non_si_annidano():
    """Come per Sphinx: la prima riga di tre due punti chiude quello esterno."""
    blocco, resto = pagina(":::{blocco} s1-p1\n:::{glossa}\nWords.\n:::\n:::\n").direttive
    assert blocco.figlie[0].nome == "glossa" and not blocco.figlie[0].chiusa and blocco.chiusa
    assert resto.nome == "" and not resto.chiusa


@pytest.mark.parametrize("testo", ["```{nota}\nTesto.\n", "```{nota}\nTesto.", "> ```{nota}\n> Testo.\n\nAltro.\n"])
def test_un_recinto_aperto_si_vede(testo):
    (nota,) = pagina(testo).direttive
    assert not nota.chiusa and nota.corpo == "Testo.\n"


def test_l_intestazione_e_le_opzioni_in_yaml():
    testo = "---\nfile: a\n---\n\n```{code-cell}\n---\ntags: [a]\n---\nx = 1\n```\n"
    assert generi(testo) == [*["intestazione"] * 3, "prosa", "apertura", *["opzione"] * 3, "codice", "chiusura"]
    assert generi("Testo.\n\n---\n\nAltro.\n") == ["prosa"] * 5


# ---------------------------------------------------------------- celle, blocchi, prosa, formule


def test_la_prosa_conserva_righe_e_posizioni():
    prosa = pagina(CAPITOLO).prosa
    assert [len(r) for r in prosa.split("\n")] == [len(r) for r in CAPITOLO.rstrip("\n").split("\n")]
    assert "attenzione a prodotto scalare scalato" in prosa and "chiavi" in prosa and "Un titolo" in prosa
    assert "Una mappa" in prosa
    for altro in ("Queries", "don't", "dk", "<chiave>", "jupytext", "fig2", "s3.2.1-p1"):
        assert altro not in prosa


def test_le_celle_hanno_riga_opzioni_e_codice():
    (cella,) = pagina(CAPITOLO).celle
    assert CAPITOLO.splitlines()[cella.riga - 1].startswith("```{code-cell}")
    assert "alt:" in cella.preambolo and cella.corpo.startswith("scores =")


def test_le_traduzioni_separano_italiano_e_glossa():
    (traduzione,) = pagina(CAPITOLO).traduzioni
    assert (traduzione.id, traduzione.riga) == ("s3.2.1-p1", 15)
    assert "Chiamiamo" in traduzione.italiano and "Queries" not in traduzione.italiano
    assert traduzione.glossa.strip() == "Queries and keys have $d_k$ components."
    assert traduzione.formule == ("\\dk", "\\dv", "\\sqrt{\\dk}")


def test_le_formule_si_trovano_tutte_con_la_riga_e_la_posizione():
    sorgente = "Una $a$.\n\n$$\nb\n$$\n\n```{math}\n:label: eq\nc\n```\n\n"
    sorgente += "::::{blocco} eq1\n```{math}\nd\n```\n::::\n`$e$`\n"
    formule = pagina(sorgente).formule
    assert [(formula.riga, formula.tex.strip()) for formula in formule] == [(1, "a"), (3, "b"), (9, "c"), (14, "d")]
    assert all(formula.tex in sorgente[formula.inizio : formula.fine] for formula in formule)


def test_le_formule_fra_due_recinti_si_trovano():
    testo = "```{exercise-start}\n:label: es\n```\nChe forma ha $QK^T$?\n```{exercise-end}\n```\n"
    assert [(formula.riga, formula.tex) for formula in pagina(testo).formule] == [(4, "QK^T")]


def test_un_dollaro_che_non_e_formula_resta_prosa():
    assert "costa 5" in pagina("Il biglietto costa 5 $ e il libro 10 $.").prosa


def test_le_parole_sono_quelle_che_conta_l_inventario():
    assert parole("Le {term}`chiavi <chiave>` sono $d_k$ {cite}`a`: due – `tre`.") == ["Le", "chiavi", "sono", "due"]


def test_una_pagina_vuota_non_ha_nulla():
    vuota = pagina("")
    assert (vuota.righe, vuota.direttive, vuota.prosa, vuota.formule) == ((), (), "", ())
