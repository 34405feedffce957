"""I controlli: ciascuno trova il guasto messo apposta e lascia passare il testo pulito."""

import pytest
from pagina_di_prova import CAPITOLO

from lettore.controlli import fedelta, inglese, passi, simboli, termini, testi_alternativi, tipografia
from lettore.controlli.atomi import atomi
from lettore.glossario import leggi_voci
from lettore.inventario import leggi_inventario
from lettore.notazione import leggi_notazione
from lettore.sorgente import Pagina

VOCI = leggi_voci()
NOTAZIONE = leggi_notazione()
INVENTARIO = leggi_inventario()


def pagina(testo):
    return Pagina("f.md", testo)


# ---------------------------------------------------------------- termini


@pytest.mark.parametrize(
    "frase",
    [
        "Il decodificatore scrive la frase.",
        "Ogni Layer ha due parti.",
        "L’attention guarda le posizioni.",
        "Il meccanismo dell'attenzione.",
        "Una somma\nponderata dei valori.",
        "Il transformer è del 2017.",
        "Le GPUs servono.",
        "```{nota} Gli embeddings\nTesto.\n```",
        "![Il codificatore](figura.svg)",
        "L’{term}`autoattenzione <self-attention>` collega le posizioni.",
        '```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    caption: "I layer"\n---\n```',
    ],
)
def test_una_variante_scartata_si_trova(frase):
    assert termini.controlla(pagina(frase), VOCI)


@pytest.mark.parametrize(
    "frase",
    [
        "La layer normalization e la self-attention, anche multi-task.",
        "L’attenzione multi-testa (*multi-head attention*) ha otto teste.",
        "L’attenzione (in inglese, *attention*) pesa i valori.",
        "In PyTorch si chiama `nn.LayerNorm` o `layer`.",
        "Chi scrive «decodificatore» vuol dire decoder.",
        "L’articolo *Attention Is All You Need* è del 2017.",
        "Il Transformer ha $N$ strati: $\\text{layer}$.",
        "::::{blocco} s3.2.1-p1\nTesto.\n\n:::{glossa}\nThe layer has an attention head.\n:::\n::::",
        "```{code-cell} ipython3\nlayer = attention(stack)\n```",
        "Si veda [la pagina](https://esempio.it/attention/layer) o {cite}`attention`.",
    ],
)
def test_le_eccezioni_dei_termini_passano(frase):
    assert termini.controlla(pagina(frase), VOCI) == []


def test_la_segnalazione_ha_riga_e_forma_giusta():
    (segnalazione,) = termini.controlla(pagina("Bene.\n\nIl codificatore legge.\n"), VOCI)
    assert segnalazione == ("f.md", 3, "«codificatore» è una variante scartata: si scrive «encoder»")


# ---------------------------------------------------------------- tipografia


@pytest.mark.parametrize(
    ("frase", "atteso"),
    [
        ("L'attenzione.", "apostrofo dritto"),
        ('Largo 5" appena.', "virgolette dritte"),
        ("E poi...", "si scrive …"),
        ("Ottiene 28.4 punti.", "si scrive 28,4"),
        ("Vale $0.98$.", "si scrive 0{,}98"),
        ("Sono 25.000 token.", "migliaia con il punto"),
        ("Sono 25 000 token.", "migliaia con lo spazio comune"),
        ("Il 10 % dei casi.", "spazio comune prima dell’unità"),
        ("Dura 3 ms.", "spazio comune prima dell’unità"),
        ("Dura 3ms.", "manca lo spazio"),
        ("Detta « query».", "spazio dentro le virgolette"),
        ("La query , qui.", "spazio prima della punteggiatura"),
        ("La  query.", "doppio spazio"),
        ("La query - cioè la domanda.", "trattino al posto della lineetta"),
        ("Ecco perchè.", "accento sbagliato"),
        ("Ecco un pò di spazio.", "accento sbagliato"),
    ],
)
def test_un_difetto_di_tipografia_si_trova(frase, atteso):
    messaggi = [s.messaggio for s in tipografia.controlla(pagina(f"Prima riga.\n\n{frase}\n"))]
    assert len(messaggi) == 1 and atteso in messaggi[0]
    assert tipografia.controlla(pagina(f"Prima riga.\n\n{frase}\n"))[0].riga == 3


@pytest.mark.parametrize(
    "frase",
    [
        "L’attenzione, detta «query», vale 28,4 punti; è così… perché sì.",
        "Sezioni 3.2.1 e 5.3, figura 2, arXiv 1706.03762, PyTorch 2.13, Python ≥ 3.11, versione 0.1.",
        "Sono 25\u202f000 token, il 10\u00a0% in 3\u00a0ms – poco – con $0{,}98$ e `0.98`.",
        "- prima voce\n- seconda voce\n",
        "| a    | b |\n|------|---|\n| 1    | 2 |",
        "Si scrive a chi@esempio.it o su https://esempio.it/a.b?c=1.5.",
        ":::{glossa}\nIt scores 28.4, doesn't it?\n:::",
        '```{code-cell} ipython3\nx = 28.4  # "don\'t"\n```',
        'Vedi [qui](3-2-1.md "titolo") e {term}`query`.',
    ],
)
def test_la_tipografia_giusta_passa(frase):
    assert tipografia.controlla(pagina(frase)) == []


# ---------------------------------------------------------------- passi


def cella(righe):
    return "```{code-cell} ipython3\n" + "x = 1\n\n" * righe + "```\n\n"


def test_una_cella_troppo_lunga_si_trova():
    assert passi.controlla(pagina(cella(25))) == []
    ((_, riga, messaggio),) = passi.controlla(pagina("Testo.\n\n" + cella(26)))
    assert (riga, messaggio) == (3, "cella di 26 righe: al più 25")


def test_una_riga_di_cella_troppo_larga_si_trova_con_la_sua_riga():
    opzioni, giusta, larga = ":tags: [hide-input]\n", "x" * 79, "y = 1" + " " * 65 + "# (forma)"
    testo = f"Testo.\n\n```{{code-cell}} ipython3\n{opzioni}{giusta}\n\n{larga}é\n```\n"
    ((_, riga, messaggio),) = passi.controlla(pagina(testo))
    assert testo.split("\n")[riga - 1].startswith("y = 1")
    assert messaggio == "riga di cella di 80 caratteri: al più 79"
    assert passi.controlla(pagina(testo.replace("é", ""))) == []


def test_mediana_e_nove_decimi_si_misurano_sul_libro():
    assert passi.controlla_libro([pagina(cella(6) * 9), pagina(cella(20))], "chapters") == []
    assert "mediana di 7 righe" in passi.controlla_libro([pagina(cella(7) * 3)], "chapters")[0].messaggio
    assert "entro 16 righe" in passi.controlla_libro([pagina(cella(1) * 8 + cella(16) * 2)], "chapters")[0].messaggio
    assert passi.controlla_libro([pagina("Senza celle.")], "chapters") == []


def test_un_capitolo_ha_intestazione_e_tempo():
    assert passi.controlla_capitolo(pagina(CAPITOLO)) == []
    for giusto in ("jupytext:", "kernelspec:", ":tempo: 20"):
        (segnalazione,) = passi.controlla_capitolo(pagina(CAPITOLO.replace(giusto, "altro:")))
        assert segnalazione.messaggio.startswith("manca")
    assert passi.controlla_capitolo(pagina(CAPITOLO.replace("s3.2.1-p1", "s9-p1"))) == []  # lo segnala la fedeltà


# ---------------------------------------------------------------- simboli


@pytest.mark.parametrize(
    ("tex", "atteso"),
    [
        (r"K^\top", r"\top"),
        (r"\eta", r"\eta"),
        ("W_Q X", "W^Q"),
        ("d_{attn}", "d_k"),
        (r"\mathbb{E}[x]", r"\mathrm{E}"),
        (r"\mathrm{attn}(Q)", r"\mathrm{attn}"),
        ("L = 3", ["ignoto", "L"][1]),
        ("T = 4", "T è solo la trasposizione"),
        ("loss", "loss"),
    ],
)
def test_un_simbolo_fuori_tabella_si_trova(tex, atteso):
    segnalazioni = simboli.controlla(pagina(f"Testo.\n\nEcco ${tex}$.\n"), NOTAZIONE)
    assert segnalazioni and all(s.riga == 3 for s in segnalazioni)
    assert any(atteso in s.messaggio for s in segnalazioni)


@pytest.mark.parametrize(
    "tex",
    [
        r"\Attention(Q, K, V) = \softmax\!\left(\frac{QK^T}{\sqrt{\dk}}\right)V",
        r"W_i^Q \in \R^{\dmodel \times \dk}, \quad W^O \in \R^{hd_v \times \dmodel}",
        r"\lrate = \dmodel^{-0{,}5} \cdot \min(\stepnum^{-0{,}5}, \stepnum \cdot \warmup^{-1{,}5})",
        r"PE_{(pos,2i)} = \sin(pos/10000^{2i/d_{\text{model}}})",
        r"\mathrm{Var}(q \cdot k) = \sum_{i=1}^{\dk} \mathrm{E}[q_i^2]\,\mathrm{E}[k_i^2] = \dk",
        r"\begin{aligned} S &= QK^T/\sqrt{\dk} \\ A &= \softmax(S) \end{aligned}",
        r"\Loss \quad \text{per ogni parola } x_i",
    ],
)
def test_le_formule_del_libro_passano(tex):
    assert simboli.controlla(pagina(f"${tex}$"), NOTAZIONE) == []


def test_ogni_formula_della_tabella_usa_simboli_noti():
    for simbolo in NOTAZIONE["simboli"]:
        assert simboli.simboli(simbolo["tex"]) <= simboli.simboli_noti(NOTAZIONE)


# ---------------------------------------------------------------- inglese


def blocco(italiano, glossa="Our words.", ident="s3.2.1-p1"):
    return f"::::{{blocco}} {ident}\n{italiano}\n\n:::{{glossa}}\n{glossa}\n:::\n::::\n"


INGLESE = "This is a line of plain words that was written in the tongue of Shakespeare and of the sea."


def test_un_capoverso_inglese_in_un_blocco_si_trova():
    assert inglese.controlla(pagina(blocco("Testo italiano, con le sue parole.")), INVENTARIO) == []
    ((_, riga, messaggio),) = inglese.controlla(pagina(blocco(f"Testo.\n\n{INGLESE}")), INVENTARIO)
    assert riga == 4 and "capoverso inglese" in messaggio


@pytest.mark.parametrize("nome", ["en", "english", "originale"])
def test_una_direttiva_inglese_si_trova(nome):
    guasto = f"::::{{blocco}} s3.2.1-p1\nTesto.\n\n:::{{{nome}}}\nThe words.\n:::\n::::\n"
    assert f"direttiva «{nome}»" in inglese.controlla(pagina(guasto), INVENTARIO)[0].messaggio


def test_una_glossa_lunga_si_trova():
    assert inglese.controlla(pagina(blocco("Testo.", "word " * 19)), INVENTARIO) == []  # 40 % di 49
    (segnalazione,) = inglese.controlla(pagina(blocco("Testo.", "word " * 20)), INVENTARIO)
    assert "glossa di 20 parole, al più 19" in segnalazione.messaggio
    assert inglese.controlla(pagina(blocco("Testo.", "word " * 8, "fig1-cap")), INVENTARIO) == []


def test_dieci_parole_degli_autori_si_trovano():
    originali = inglese.corse(["One two three, four $x$ five six {cite}`a` seven eight-nine ten. Eleven."])
    copia = "Riga uno.\none two three four five\nsix seven eight nine TEN eleven"
    (segnalazione,) = inglese.controlla_corse(copia, "f.py", originali)
    assert segnalazione.riga == 2 and "one two three four" in segnalazione.messaggio
    assert inglese.controlla_corse(copia.replace("six", "zero"), "f.py", originali) == []


def test_nomi_formule_e_permesso_non_sono_frasi():
    undici = "a b c d e f g h i j k"
    dati = {"blocchi": {nome: {"myst": undici} for nome in ("authors", "eq1", "note-permission")}}
    assert inglese.corse_dell_originale(dati, INVENTARIO, frozenset({"note-permission"})) == set()
    assert inglese.corse_dell_originale(dati, INVENTARIO)


# ---------------------------------------------------------------- testo alternativo


@pytest.mark.parametrize(
    "guasto",
    [
        "![](figura.svg)",
        "```{figure} figura.svg\n:name: fig-a\nDidascalia.\n```",
        ":::{image} figura.svg\n:::",
        '<img src="figura.svg">',
        '<img src="figura.svg" alt="">',
        CAPITOLO.replace('    alt: "Una mappa"\n', ""),
    ],
)
def test_una_figura_senza_testo_alternativo_si_trova(guasto):
    assert len(testi_alternativi.controlla(pagina(guasto))) == 1


@pytest.mark.parametrize(
    "pulito",
    [
        "![Una mappa](figura.svg)",
        "```{figure} figura.svg\n:name: fig-a\n:alt: Una mappa\nDidascalia.\n```",
        '<img src="figura.svg" alt="Una mappa">',
        "```\n![](figura.svg)\n```",
        CAPITOLO,
    ],
)
def test_una_figura_con_il_testo_alternativo_passa(pulito):
    assert testi_alternativi.controlla(pagina(pulito)) == []


# ---------------------------------------------------------------- fedeltà

FN4 = (
    "Si supponga che $q$ e $k$ abbiano media $0$ e varianza $1$. "
    "Allora $q \\cdot k = \\sum_{i=1}^{\\dk} q_ik_i$ ha media $0$ e varianza $\\dk$."
)
P1 = "Figura {rif}`fig2`: dimensione $\\dk$ e $\\dv$, divisi per $\\sqrt{\\dk}$."
BLEU = "Tabella {rif}`tab2`: $2{,}0$ BLEU in più, a $28{,}4$; $3{,}5$ giorni su $8$ GPU; tabella {rif}`tab3`."
MATRICI = r"$W_i^Q, W_i^K \in \R^{\dmodel\times\dk}$, $W_i^V \in \R^{\dmodel\times\dv}$, "
MATRICI += r"$W^O \in \R^{h\dv\times\dmodel}$"


@pytest.mark.parametrize(
    ("ident", "italiano"),
    [
        ("s3.2.1-p1", P1),
        ("s3.2.1-fn4", FN4),
        ("s6.1-p1", BLEU),
        ("s6.1-p1", BLEU.replace("$2{,}0$", "2,0").replace("$8$", "8")),
        ("s2-p3", "Le reti di memoria {cite}`sukhbaatar2015` rispondono."),
        ("s3.2.2-p3", MATRICI),
    ],
)
def test_una_traduzione_fedele_passa(ident, italiano):
    assert fedelta.controlla(pagina(blocco(italiano, ident=ident)), INVENTARIO) == []


@pytest.mark.parametrize(
    ("ident", "italiano", "atteso"),
    [
        ("s3.2.1-p1", P1.replace("$\\dv$", "v"), "manca il simbolo d_v"),
        ("s3.2.1-p1", P1.replace("{rif}`fig2`", "2"), "manca rimando fig2"),
        ("s3.2.1-p1", P1 + " {rif}`fig1`", "rimando di troppo: fig1"),
        ("s3.2.1-fn4", FN4.replace("i=1", "i=2").replace("$1$", "$2$"), "manca il numero 1"),
        ("s6.1-p1", BLEU.replace("28{,}4", "28{,}5"), "manca il numero 28.4"),
        ("s2-p3", "Le reti di memoria rispondono.", "manca citazione sukhbaatar2015"),
        ("s2-p3", "Le reti {cite}`sukhbaatar2015,cheng2016long`.", "citazione di troppo: cheng2016long"),
        ("s3.2.1-p4", "Testo.", "manca richiamo s3.2.1-fn4"),
        ("s9-p1", "Testo.", "fuori dall’inventario"),
    ],
)
def test_un_infedelta_si_trova(ident, italiano, atteso):
    segnalazioni = fedelta.controlla(pagina(blocco(italiano, ident=ident)), INVENTARIO)
    assert any(atteso in s.messaggio for s in segnalazioni)
    assert {s.riga for s in segnalazioni} == {1}


def test_con_l_originale_si_confrontano_i_numeri_nel_testo():
    originale = {"s2-p3": {"myst": "Trained on 36M pairs, 25,000 tokens, 4.5 days {cite}`sukhbaatar2015`."}}
    giusto = "Su 36 milioni, 25\u202f000 token, 4,5 giorni {cite}`sukhbaatar2015`."
    assert fedelta.controlla(pagina(blocco(giusto, ident="s2-p3")), INVENTARIO, originale) == []
    sbagliato = blocco(giusto.replace("36", "63"), ident="s2-p3")
    assert [s.messaggio for s in fedelta.controlla(pagina(sbagliato), INVENTARIO, originale)] == [
        "blocco s2-p3: il numero 63 non è nell’originale",
        "blocco s2-p3: manca il numero 36",
    ]


def test_la_forma_canonica_dei_simboli():
    assert atomi("W^Q_i") == atomi("W_i^Q") == {"W^Q_i"}
    assert atomi(r"\mathrm{head_1}") == atomi(r"\head_1") == {"head_1"}
    assert atomi(r"d_{\text{model}}^{-0.5}") == atomi(r"\dmodel^{-0{,}5}") == {"d_model"}
    assert atomi(r"sin(pos)") == atomi(r"\sin(pos)") == {"pos"}
    assert atomi(r"O(log_k(n))") == {"O", "k", "n"}
    assert fedelta.numeri("25\u202f000 e 28,4 e 0{,}1") == {"25000", "28.4", "0.1"}
