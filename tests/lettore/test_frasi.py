"""Una frase per riga, direttive di prosa fra due punti, e nient’altro che cambi."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lettore.frasi import correggi, difetti, differenza, main


def in_forma(*righe: str) -> str:
    return "\n".join(righe) + "\n"


# ---------------------------------------------------------------- le frasi


@pytest.mark.parametrize(
    "seguito",
    [
        "Poi.",
        "È così.",
        "«Poi» no.",
        "(Poi.)",
        "768 righe.",
        "`poi` no.",
        "$x$ cresce.",
        "*poi* no.",
        "**Poi.** E poi.",
        "[poi](x.md) no.",
        "{term}`poi` no.",
    ],
)
def test_dopo_il_punto_comincia_una_riga(seguito):
    assert correggi(f"Prima. {seguito}\n").startswith("Prima.\n")


@pytest.mark.parametrize(
    "prima", ["Prima.", "Prima?", "Prima!", "Prima…", "«Prima.»", "(Prima.)", "**Prima.**", "$x$."]
)
def test_la_frase_finisce_anche_con_virgolette_parentesi_e_neretto(prima):
    assert correggi(f"{prima} Poi.\n") == f"{prima}\nPoi.\n"


def test_una_citazione_di_piu_frasi_si_divide():
    assert correggi("«Prima. Poi», dice.\n") == "«Prima.\nPoi», dice.\n"


@pytest.mark.parametrize(
    "intera",
    [
        "Prima. poi no.",
        "Si veda p. es. Vaswani, cfr. la fig. 2, sez. 3, pag. 4, eq. 5, n. 6.",
        "Reti, pile ecc. Così è.",
        "See e.g. Table 2, cf. Bahdanau et al. 2014, vs. Figs. 3.",
        "**Aidan N. Gomez** e A. Vaswani.",
        "Con passi 1, 3, 9, … Quanti strati?",
        "Il codice `a. B`, la formula $a. B$, la {term}`voce. Altra <voce>`.",
        "Un [titolo. Lungo](x.md) e ![una figura. Bella](x.svg).",
        "Un indirizzo <https://x.it/a.B> e https://x.it/a.B.",
    ],
)
def test_qui_non_finisce_nessuna_frase(intera):
    assert correggi(f"{intera}\n") == f"{intera}\n"


@pytest.mark.parametrize(
    "segno",
    ["2. due", "2) due", "1986. era", "* due", "[x]: y", "(a)=", "***", "- due", "# Due", "> due", "| due", "= due"],
)
def test_nessuna_riga_comincia_con_un_segno_di_markdown(segno):
    assert correggi(f"Prima. {segno}\n") == f"Prima. {segno}\n"


def test_le_righe_di_un_capoverso_si_ricompongono():
    assert correggi("Una frase\nsu due righe. Un’altra\ncon `co\ndice`.\n") == in_forma(
        "Una frase su due righe.", "Un’altra con `co dice`."
    )


@pytest.mark.parametrize("a_capo", ["  \n", "\\\n"])
def test_l_a_capo_voluto_resta(a_capo):
    assert correggi(f"Un verso{a_capo}e un altro. Fine.\n") == f"Un verso{a_capo}e un altro.\nFine.\n"


# ---------------------------------------------------------------- la struttura


@pytest.mark.parametrize(
    ("segno", "rientro"),
    [("- ", "  "), ("10. ", "    "), ("> ", "> "), ("> - ", ">   "), ("- > ", "  > "), ("- - ", "    "), (": ", "  ")],
)
def test_le_frasi_seguono_il_rientro_del_loro_segno(segno, rientro):
    sopra = "Lemma\n" if segno == ": " else ""
    assert correggi(f"{sopra}{segno}Prima. Poi.\n\nAltro.\n") == f"{sopra}{segno}Prima.\n{rientro}Poi.\n\nAltro.\n"


def test_il_secondo_capoverso_di_una_voce_resta_della_voce():
    testo = in_forma("- Prima.", "", "  Seconda. Terza", "pigra.", "  1. Annidata. Ancora.")
    assert correggi(testo) == in_forma("- Prima.", "", "  Seconda.", "  Terza pigra.", "  1. Annidata.", "     Ancora.")


@pytest.mark.parametrize(
    "intatto",
    [
        in_forma("---", "titolo: Uno. Due", "---"),
        in_forma("```{code-cell} ipython3", ":tags: [misura]", "# Uno. Due", "```"),
        in_forma("```python", "# Uno. Due", "```"),
        in_forma("```{math}", "\\text{Uno. Due}", "```"),
        in_forma("$$", "\\text{Uno. Due}", "$$"),
        in_forma("| Uno. Due | Tre. |", "|---|---|", "| Uno. Due | Tre. |"),
        in_forma("# Uno. Due", "", "Uno. Due", "========"),
        in_forma("% Uno. Due", "(uno)=", "<div>Uno. Due</div>"),
        in_forma("Uno. Due", ": Il lemma non è prosa."),
        in_forma(":::{affermazione} uno", ":smentita: una cosa. Un’altra.", "Frase.", ":::"),
        in_forma(":::{image} x.svg", "---", "alt: Una cosa. Un’altra", "---", ":::"),
    ],
)
def test_cio_che_prosa_non_e_resta_com_e(intatto):
    assert correggi(intatto) == intatto


def test_dentro_le_direttive_si_divide_anche_la_glossa():
    testo = in_forma("::::{blocco} s1-p1", "Prima. Poi.", "", ":::{glossa}", "First. Then.", ":::", "::::")
    assert correggi(testo) == in_forma(
        "::::{blocco} s1-p1", "Prima.", "Poi.", "", ":::{glossa}", "First.", "Then.", ":::", "::::"
    )


# ---------------------------------------------------------------- i recinti


def test_una_direttiva_di_prosa_sta_fra_due_punti():
    testo = in_forma("````{solution-start} es-uno", ":class: dropdown", "````", "No. Mai.", "```{solution-end}", "```")
    assert correggi(testo) == in_forma(
        ":::{solution-start} es-uno", ":class: dropdown", ":::", "No.", "Mai.", ":::{solution-end}", ":::"
    )


def test_il_recinto_esterno_e_piu_lungo_di_quelli_interni():
    testo = in_forma("- ````{nota} Un titolo", "  - ```{perche}", "    Sì. No.", "    ```", "  ````")
    assert correggi(testo) == in_forma(
        "- ::::{nota} Un titolo", "  - :::{perche}", "    Sì.", "    No.", "    :::", "  ::::"
    )
    assert correggi(":::{only} html\n```{nota}\nSì.\n```\n:::\n") == "::::{only} html\n:::{nota}\nSì.\n:::\n::::\n"


def test_dentro_una_direttiva_il_codice_resta_fra_apici():
    testo = in_forma("````{nota}", "Si scrive:", "```sh", "make. Poi", "```", "````")
    assert correggi(testo) == in_forma(":::{nota}", "Si scrive:", "```sh", "make. Poi", "```", ":::")


def test_un_recinto_non_chiuso_non_prende_il_segno_di_un_altro():
    assert correggi("```{nota}\n```{perche}\nSì.\n") == "::::{nota}\n:::{perche}\nSì.\n"


# ---------------------------------------------------------------- la sicurezza

PEZZI = [
    "Prima.",
    "seconda",
    "Che?",
    "«Sì.»",
    "(No.)",
    "*Ecco.*",
    "**Poi",
    "così**",
    "…",
    "A.",
    "ecc.",
    "7",
    "512.",
    "1.",
    "2)",
    "-",
    "+",
    "#",
    ">",
    "%",
    "|",
    "===",
    "!",
    "[",
    "]",
    "(a)=",
    "{.a}",
    "<b>",
    "&amp;",
    "\\*",
    "$$",
    "``",
    "$a. B$",
    "`x. Y`",
    "{term}`a. B`",
    "[Uno. Due](x.md)",
    ":",
    ":::",
    ":::{nota}",
    "```{nota}",
    "```",
    "```sh",
]
SPAZI = [" ", " ", "\n", "\n\n", "  \n", "\n  "]
SORGENTI = st.lists(st.tuples(st.sampled_from(PEZZI), st.sampled_from(SPAZI)), max_size=12)


@settings(max_examples=100, deadline=None)
@given(SORGENTI)
def test_rifarlo_non_cambia_nulla_e_le_parole_restano(pezzi):
    testo = "".join(pezzo + spazio for pezzo, spazio in pezzi)
    nuovo = correggi(testo)
    if differenza(testo, nuovo) is None:
        assert correggi(nuovo) == nuovo and difetti(nuovo) == []
        assert parole(nuovo) == parole(testo)


def parole(testo: str) -> list[str]:
    """Le parole, senza i segni che un capoverso diviso ripete e che un recinto cambia."""
    return testo.translate(str.maketrans("", "", "`:>")).split()


@pytest.mark.parametrize(
    ("dopo", "riga"),
    [
        ("# Uno\n\nDue. Tre.\n\n- Quattro\n", None),
        ("# Uno\n\nDue.\nTre.\n\n- Quattro\n", None),
        ("# Uno\n\nDue. Re.\n\n- Quattro\n", 3),
        ("# Uno\n\nDue. Tre.\n\nQuattro\n", 5),
        ("# Uno\n\nDue. Tre.\n", 5),
    ],
)
def test_la_differenza_ha_la_sua_riga(dopo, riga):
    assert differenza("# Uno\n\nDue. Tre.\n\n- Quattro\n", dopo) == riga


def test_fra_apici_o_fra_due_punti_una_direttiva_dice_lo_stesso_ma_le_opzioni_contano():
    apici = "```{voce} uno\n:en: one\nDue. Tre.\n```\n"
    assert differenza(apici, correggi(apici)) is None
    assert differenza(apici, correggi(apici).replace("one", "two")) == 1


# ---------------------------------------------------------------- il comando

SCIOLTO = "# Prova\n\nPrima. Poi.\n\n```{nota}\nSì.\n```\n"


def test_controlla_non_scrive_e_dice_file_e_riga(tmp_path, capsys):
    file = tmp_path / "prova.md"
    file.write_text(SCIOLTO, encoding="utf-8")
    assert main(["--controlla", str(file)]) == 1
    assert [riga.split(": ")[0] for riga in capsys.readouterr().out.splitlines()] == [
        f"{file}:{riga}" for riga in (3, 5, 7)
    ]
    assert file.read_text(encoding="utf-8") == SCIOLTO


def test_il_comando_scrive_e_poi_e_in_forma(tmp_path, capsys):
    file = tmp_path / "prova.md"
    file.write_text(SCIOLTO, encoding="utf-8")
    assert main([str(file)]) == 0
    assert file.read_text(encoding="utf-8") == "# Prova\n\nPrima.\nPoi.\n\n:::{nota}\nSì.\n:::\n"
    assert main(["--controlla", str(file)]) == 0
    assert capsys.readouterr().out == "" and list(tmp_path.iterdir()) == [file]


def test_cio_che_direbbe_altro_non_si_scrive(tmp_path, capsys):
    file = tmp_path / "prova.md"
    testo = "Prima. Poi.\n\nUn segno solo:\\\n+\ne altro.\n"  # ricomposto, il segno aprirebbe un elenco
    file.write_text(testo, encoding="utf-8")
    assert main([str(file)]) == 1
    assert file.read_text(encoding="utf-8") == testo
    assert capsys.readouterr().out == f"{file}:3: in forma direbbe altro: il file resta com’era\n"
