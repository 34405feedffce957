"""Il cammino dal passo 1 alla sezione 3.2.2: ciò che arriva senza presentazione si trova, il resto passa."""

import re
from dataclasses import replace

import pytest

from lettore.controlli import RADICE, cammino
from lettore.glossario import crea_voce, leggi_voci
from lettore.notazione import leggi_notazione
from lettore.sorgente import Pagina, leggi_pagina

NOTAZIONE = leggi_notazione()
VOCI = leggi_voci()
POCHE = [voce for voce in VOCI if voce.it in {"chiave", "token", "peso", "peso di attenzione", "GPU", "softmax"}]
POCHE += [voce for voce in VOCI if voce.it in {"addestramento", "attenzione", "attenzione multi-testa"}]


def difetti(*testi, voci=POCHE, parti=None):
    pagine = [(parti[i] if parti else "Parte 0", Pagina(f"{i}.md", testo)) for i, testo in enumerate(testi)]
    return [(s.file, s.riga, s.messaggio) for s in cammino.controlla(pagine, voci, NOTAZIONE)]


@pytest.fixture(scope="module")
def libro():
    """Le pagine vere del cammino, ciascuna con la sua Parte, nell’ordine dell’indice."""
    ordine = cammino.indice((RADICE / "_toc.yml").read_text(encoding="utf-8"))
    return [(parte, leggi_pagina(RADICE / file, RADICE)) for parte, file in ordine]


# ---------------------------------------------------------------- l’ordine


def test_il_cammino_va_dal_passo_1_alla_sezione_3_2_2(libro):
    file = [pagina.file for _, pagina in libro]
    assert file[0] == "chapters/passi/1-tensori.md"
    assert file[-1].startswith("chapters/articolo/3-2-2-")
    assert file.index("chapters/articolo/3-2-attenzione.md") == len(file) - 3  # anche i capitoli annidati


def test_un_indice_senza_la_fine_del_cammino_si_rifiuta():
    with pytest.raises(ValueError, match="manca il capitolo che chiude il cammino"):
        cammino.indice("parts:\n- caption: Parte 0\n  chapters:\n  - file: chapters/passi/1-tensori\n")


# ---------------------------------------------------------------- termini


def test_un_termine_nudo_si_trova_con_file_riga_e_rimedio():
    ((file, riga, messaggio),) = difetti("# Titolo\n\nSi legge.\n", "Bene.\n\nServono due chiavi.\n")
    assert (file, riga) == ("1.md", 3)
    assert messaggio == (
        "«chiavi» arriva senza presentazione: la prima volta nella Parte si scrive {term}`chiavi <chiave>`"
    )


@pytest.mark.parametrize(
    "guasto",
    [
        "Il token, cioè il {term}`token`, è una parola.",  # collegato solo dopo
        "Si può addestrare.",  # un verbo, fra le altre forme della voce
        "L’attenzione\nmulti-testa.",  # la forma più lunga, anche a capo
        "```{nota} La softmax\nTesto.\n```",  # un titolo che nessuno mantiene
        "```{code-cell} ipython3\nx = 1    # (5,): una riga per token\n```",  # il commento di una cella
        '```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    caption: "Le chiavi"\n---\nx\n```',
        "Su una GPU.",
    ],
)
def test_un_termine_non_presentato_si_trova(guasto):
    (trovato,) = difetti(guasto)
    assert "arriva senza presentazione" in trovato[2]


@pytest.mark.parametrize(
    "pulito",
    [
        "Il {term}`token` è una parola: ogni token ha un numero.",
        "Ogni *token* è una parola; i token sono cinque.",
        "# Le chiavi\n\nUna {term}`chiave` è un vettore; le chiavi sono cinque.",
        "```{tappa}\n:aggiunge: le chiavi\n```\n\nUna {term}`chiave` è un vettore.",
        "I {term}`pesi <peso di attenzione>` sono cinque: ogni peso è positivo.",
        "```{code-cell} ipython3\ntoken = softmax(chiave)\n```",
        "`token` e $\\softmax$ non sono prosa: {math}`token`.\n\n:::{glossa}\nA token.\n:::",
        "I gpu, minuscoli, sono un’altra cosa.",
    ],
)
def test_un_termine_presentato_passa(pulito):
    assert [d for d in difetti(pulito) if "simbolo" not in d[2]] == []


def test_basta_una_volta_per_parte():
    prima, dopo = "Il {term}`token` è una parola.", "I token sono cinque."
    assert difetti(prima, dopo, parti=["Parte 0", "Parte 0"]) == []
    ((file, *_),) = difetti(prima, dopo, parti=["Parte 0", "Parte I"])
    assert file == "1.md"
    ((file, _, messaggio),) = difetti(dopo, prima)
    assert file == "0.md" and "{term}`token`" in messaggio


def test_di_ogni_termine_si_segnala_la_prima_volta_e_dove_verrebbe():
    ((_, riga, messaggio),) = difetti("Un token.\n\nDue token.\n\nIl {term}`token` è una parola.\n")
    assert riga == 1 and "(viene solo alla riga 5)" in messaggio


def test_le_forme_vengono_da_lemma_grammatica_e_voce():
    opzioni = {"en": "learned", "grammatica": "agg.; appreso/a, appresi/e", "sezione": "3", "forme": "imparato"}
    assert crea_voce("appreso", opzioni, "Testo.").forme == ("appreso", "appresa", "appresi", "apprese", "imparato")
    opzioni |= {"grammatica": "f.; la rete, le reti di memoria (invariabile)", "forme": ""}
    assert crea_voce("rete di memoria", opzioni, "Testo.").forme == ("rete di memoria", "reti di memoria")


# ---------------------------------------------------------------- sigle


def test_una_sigla_ignota_si_scioglie_o_si_trova():
    ((_, riga, messaggio),) = difetti("Testo.\n\nCome nella RNA.\n")
    assert riga == 3 and "la sigla «RNA» arriva senza presentazione: si scioglie" in messaggio
    assert difetti("Alla *Conference on Neural Information Processing Systems* (NIPS 2017). Poi NIPS.") == []
    assert len(difetti("Alla *Conference on Machine Learning* (NIPS 2017).")) == 1


# ---------------------------------------------------------------- simboli


@pytest.mark.parametrize(
    ("guasto", "simbolo"),
    [
        ("Si divide per $\\sqrt{\\dk}$, e basta.", "$d_k$"),
        ("Vale $h = 2$.\n\nLe teste sono due: $h$.", "$h$"),  # presentato nel capoverso dopo
        ("Le teste sono due, e ciascuna ha le sue matrici, che si imparano da sé " + "ancora e " * 9 + "$h$.", "$h$"),
        ("## La matrice $W^O$\n\nTesto.", "$W^O$"),  # un titolo che nessuno mantiene
        ("Bene.\n\n```{math}\n\\frac{a}{\\dmodel}\n```\n\nPer due numeri qualsiasi $a$.", "$d_model$"),
        ("Nel codice `d` vale 8.", "$d$"),
        ("```{code-cell} ipython3\nx = 1    # (B, 4)\n```", "$B$"),
    ],
)
def test_un_simbolo_non_presentato_si_trova(guasto, simbolo):
    trovati = [messaggio for *_, messaggio in difetti(guasto, voci=[])]
    assert any(f"il simbolo {simbolo} arriva senza presentazione" in messaggio for messaggio in trovati)


@pytest.mark.parametrize(
    "pulito",
    [
        "Il numero delle teste si chiama $h$.\n\nQui $h = 2$.",
        "Le query sono le righe di $Q$, le chiavi quelle di $K$; e $Q$, $K$ hanno cinque righe.",
        "## La matrice $W^O$\n\nLa matrice $W^O$ riporta le teste concatenate a una dimensione sola.",
        "La softmax, dei pesi positivi:\n\n```{math}\n\\softmax\n```\n",
        "Al passo $t$ lo stato nascosto $h_t$ viene da $h_{t-1}$.",
        "Una riga $s$ di punteggi; $s_{12}$ ne è un elemento, $-\\infty$ un altro.",
        "Nel codice `d` è la dimensione dello strato.\n\n```{code-cell} ipython3\nx = 1    # (d, d)\n```",
    ],
)
def test_un_simbolo_presentato_passa(pulito):
    assert difetti(pulito, voci=[]) == []


def test_ogni_simbolo_ha_una_scheda_con_cui_presentarsi():
    schede = cammino.schede_dei_simboli(NOTAZIONE)
    attesi = {"n", "m", "X", "E", "Q", "K", "V", "K^T", "d_k", "d_v", "d_model", "S", "A", "h", "W^Q", "W^O", "head"}
    assert attesi | {"Concat", "MultiHead", "LayerNorm", "Sublayer", "h_t", "N", "R", "e", "j"} <= schede.keys()
    assert all(schede.values())


# ---------------------------------------------------------------- il libro


def test_il_cammino_del_libro_e_pulito(libro):
    assert cammino.controlla(libro, VOCI, NOTAZIONE) == []


@pytest.mark.parametrize(
    ("capitolo", "prima", "dopo", "atteso"),
    [
        ("1-tensori", "Un {term}`tensore`", "Un tensore", "«tensori»"),
        ("3-la-radice", "la {term}`varianza`", "la varianza", "«varianza»"),
        ("1-introduzione", "la {term}`dipendenza`", "la dipendenza", "«dipendenza»"),
        ("3-1-pile", "da una {term}`pila`", "da una pila", None),  # il capitolo 3 l’ha già presentata
        ("1-tensori", "Il numero di componenti si chiama $\\dmodel$", "Si scriva $\\dmodel$", "$d_model$"),
        ("3-2-1", "{term}`retropropagazione`", "retropropagazione", "«retropropagazione»"),
        ("3-2-2", "Il numero delle teste si chiama $h$.", "", "$h$"),
    ],
)
def test_un_guasto_nel_libro_si_trova(libro, capitolo, prima, dopo, atteso):
    (i,) = (i for i, (_, pagina) in enumerate(libro) if f"/{capitolo}" in pagina.file)
    parte, pagina = libro[i]
    assert re.search(re.escape(prima), pagina.testo, re.I)
    guasta = replace(pagina, testo=re.sub(re.escape(prima), lambda _: dopo, pagina.testo, flags=re.I))
    precedenti = [coppia for coppia in libro[:i] if coppia[0] == parte]  # a ogni Parte si ricomincia
    trovate = cammino.controlla([*precedenti, (parte, guasta)], VOCI, NOTAZIONE)
    if atteso is None:
        assert trovate == []
    else:
        assert any(s.file == guasta.file and atteso in s.messaggio for s in trovate)


def test_due_capitoli_scambiati_si_trovano(libro):
    trovate = cammino.controlla([libro[0], libro[2], libro[1]], VOCI, NOTAZIONE)
    assert {s.file for s in trovate} == {libro[2][1].file}
    assert any("il simbolo $K^T$" in s.messaggio for s in trovate)


# ---------------------------------------------------------------- gradienti e trasposte


def test_un_gradiente_si_presenta_una_volta_qualunque_cosa_derivi():
    buono = r"Il gradiente rispetto ad una tabella, $\nabla_A$." + "\n\n" + r"Poi $\nabla_V$ e $(\nabla_S)^T$." + "\n"
    assert not [d for d in difetti(buono) if "nabla" in d[2] or "$T$" in d[2]]
    assert any("nabla" in messaggio for _, _, messaggio in difetti(r"Poi $\nabla_V$." + "\n"))


LETTI = (
    "chapters/passi/",
    "chapters/articolo/3-2-attenzione",
    "chapters/articolo/3-2-1-",
    "chapters/articolo/3-2-2-",
    "chapters/articolo/3-5-",
    "chapters/articolo/6-",
    "chapters/laboratorio/a-matita",
    "chapters/laboratorio/decodifica",
)


def test_nei_passi_una_riga_fa_una_cosa_sola(libro):
    celle = [(p.file, c) for _, p in libro if p.file.startswith(LETTI) for c in p.celle]
    assert len(celle) > 250
    assert [f"{file}:{c.riga}" for file, c in celle if "lambda" in c.corpo] == []


def test_le_convenzioni_di_python_sono_dette_al_primo_passo(libro):
    """Ciò che i passi scrivono senza più spiegarlo si trova spiegato una volta, all’inizio."""
    _, primo = libro[0]
    (nota,) = (d for d in primo.direttive if d.argomento == "Come si leggono le celle")
    assert nota.riga < primo.celle[0].riga
    for segno in ("conta da zero", "`(8,)`", "`ndim`", "`m[:, None]`", "`-0.0`", "virgola", "arrotondato"):
        assert segno in nota.corpo, segno
