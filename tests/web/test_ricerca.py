"""La ricerca senza pagina: parole, radici, refusi, indice e punteggio, con il programma che sta nella pagina."""

import json
import subprocess

import pytest
from lettore_finto import CAPITOLO, GLOSSARIO, PASSI, pagina

from lettore.uscite.pagina import ricerca
from lettore.uscite.pagina.katex import trova_node

MOTORE = ricerca.Path(__file__).resolve().parents[2] / "web/js/ricerca-motore.js"


def chiedi(espressione: str, dati: object = None, indice: str = "null"):
    """Il valore di un’espressione in cui ``M`` è il motore, ``R`` l’indice aperto, ``x`` i dati."""
    programma = (
        f"const M = require({json.dumps(str(MOTORE))}), x = {json.dumps(dati)}, I = {indice};"
        f"const R = I && M.apri(I); process.stdout.write(JSON.stringify({espressione}))"
    )
    esito = subprocess.run([trova_node(), "-e", programma], capture_output=True, text=True, check=True)
    return json.loads(esito.stdout)


@pytest.fixture(scope="module")
def indice(tmp_path_factory) -> str:
    cartella = tmp_path_factory.mktemp("ricerca") / "r"
    pagine = {"chapters/passi/passo": PASSI, "chapters/articolo/3-2-attenzione": CAPITOLO, "glossary": GLOSSARIO}
    ricerca.scrivi(cartella, MOTORE, pagine, [["multi-head attention", "attenzione multi-testa"]])
    return (cartella / "indice.js").read_text(encoding="utf-8").removeprefix("window.RICERCA_INDICE=").rstrip(";\n")


def cerca(indice: str, domanda: str, **scelte) -> dict:
    return chiedi("R.cerca(...x)", [domanda, scelte], indice)


def titoli(indice: str, domanda: str, **scelte) -> list[str]:
    return [voce["titolo"] for voce in cerca(indice, domanda, **scelte)["risultati"]]


# ---------------------------------------------------------------- parole


@pytest.mark.parametrize(
    "uguali",
    [
        ("attenzione", "attenzioni"),
        ("pesare", "pesato", "pesata", "pesati"),
        ("perplessità", "perplessita", "PERPLESSITÀ"),
        ("l’attenzione", "l'attenzione", "dell’attenzione", "attenzione"),
        ("28,4", "28.4"),
        ("100 000", "100.000", "100000"),
        ("d_{model}", "d_model"),
        ("embedding", "embeddings"),
    ],
    ids=lambda uguali: uguali[0],
)
def test_le_forme_di_una_parola_hanno_una_radice_sola(uguali):
    radici = chiedi("x.map((t) => M.parole(t).filter((p) => !p.pezzo).map((p) => p.radice))", uguali)
    assert len({json.dumps(r) for r in radici}) == 1 and radici[0], radici


def test_le_parole_diverse_restano_diverse():
    diverse = ["chiave", "valore", "pesi", "pesci", "3.2.1", "3.2.2", "d_k", "d_v", "W_Q", "28,4", "284"]
    radici = chiedi("x.map((t) => M.parole(t)[0].radice)", diverse)
    assert len(set(radici)) == len(diverse), radici


@pytest.mark.parametrize(
    ("a", "b", "attesa"), [("atenzione", "attenzione", 1), ("sofmtax", "softmax", 1), ("gatto", "topo", 3)]
)
def test_un_refuso_costa_uno(a, b, attesa):
    assert chiedi("M.distanza(...x, 2)", [a, b]) == attesa


def test_un_estratto_evidenzia_le_parole_chieste():
    brani = [
        ["", "Un testo che non c’entra."],
        ["p2", "parola " * 60 + "La maschera causale vieta il futuro. " + "coda " * 60],
    ]
    domanda = "new Set(M.parole('maschere causali').map((p) => p.radice))"
    trovato = chiedi(f"M.estratto(x, {domanda})", brani)
    evidenti = [trovato["testo"][da:a] for da, a in trovato["segni"]]
    assert trovato["ancora"] == "p2" and evidenti == ["maschera", "causale"]
    assert len(trovato["testo"]) < 240


def test_una_frase_vale_solo_se_le_parole_sono_in_fila():
    si, no = chiedi(
        "x.map((t) => M.frasi(t, ['prodotto scalare']).length)", ["il Prodotto  scalare", "scalare il prodotto"]
    )
    assert (si, no) == (1, 0)


# ---------------------------------------------------------------- l’indice


def test_una_voce_per_titolo_con_il_suo_indirizzo(indice):
    voci = json.loads(indice)["voci"]
    assert [v[1:3] for v in voci if v[0] == 1] == [["", "3.2 Attenzione"], ["la-maschera", "La maschera"]]
    assert [v[3] for v in voci if len(v) > 3] == ["t", "t", "s"]


def test_non_si_indicizzano_l_inglese_e_le_uscite(indice):
    forme = json.loads(indice)["forme"].split()
    assert "maschera" in forme and "causale" in forme
    assert not {"function", "uscita777"} & set(forme)


def test_chi_definisce_viene_prima_di_chi_usa(indice):
    assert set(titoli(indice, "maschera")[:2]) == {"maschera causale", "La maschera"}
    assert titoli(indice, "punteggio")[0] == "Passo 1"  # chi la usa soltanto si trova, se nessuno la definisce


@pytest.mark.parametrize("domanda", ["multi-head attention", "multi-head", "attenzione multi testa"])
def test_l_inglese_porta_all_italiano(indice, domanda):
    assert titoli(indice, domanda)[0] == "attenzione multi-testa"


@pytest.mark.parametrize(
    ("domanda", "risponde"),
    [("bag of words", "senza posizioni il cane morde l’uomo"), ("smettere", "Quando fermarsi")],
)
def test_le_parole_di_chi_cerca_portano_ai_titoli(tmp_path, domanda, risponde):
    sezioni = "".join(
        f'<section id="s{n}"><h2>{titolo}</h2><p>Altro.</p></section>'
        for n, titolo in enumerate(["La perdita", risponde, "Le teste"])
    )
    pagine = {"chapters/domande": pagina(f'<section id="domande"><h1>Domande</h1>{sezioni}</section>')}
    ricerca.scrivi(tmp_path / "r", MOTORE, pagine, ricerca.sinonimi([]))
    indice = (tmp_path / "r/indice.js").read_text(encoding="utf-8").removeprefix("window.RICERCA_INDICE=")
    assert titoli(indice.rstrip(";\n"), domanda)[0] == risponde


def test_un_refuso_si_perdona_e_si_dice(indice):
    esito = cerca(indice, "che cos’è la mascera causale")
    assert esito["risultati"][0]["titolo"] == "maschera causale"
    assert esito["forse"] == "che cos e la maschera causale"
    assert cerca(indice, "maschera causale")["forse"] is None


@pytest.mark.parametrize("numero", ["28,4", "28.4"])
def test_i_numeri_si_trovano_con_la_virgola_e_col_punto(indice, numero):
    assert titoli(indice, numero) == ["Passo 1"]


def test_i_simboli_si_trovano_con_le_altre_grafie(indice):
    assert titoli(indice, "W_Q")[0] == "W_i^Q"


def test_mentre_si_scrive_vale_l_inizio(indice):
    assert "maschera causale" in titoli(indice, "masc", aperta=True)


def test_il_filtro_tiene_una_parte_sola(indice):
    assert titoli(indice, "maschera", parte="glossario") == ["maschera causale"]
    assert "maschera causale" not in titoli(indice, "maschera", parte="articolo")


def test_parole_che_il_libro_non_ha_non_trovano_nulla(indice):
    assert titoli(indice, "zucchine fritte") == []


@pytest.mark.parametrize(
    ("tex", "attesa"),
    [
        (r"\mathrm{softmax}\left(\frac{QK^{T}}{\sqrt{d_k}}\right)V", "softmax (QK^T/√d_k)V"),
        (r"W_i^Q\in\R^{\dmodel\times\dk}", "W_i^Q∈ R^d_model ×d_k"),
        (r"\sqrt{\dk}", "√d_k"),
    ],
)
def test_una_formula_in_una_riga(tex, attesa):
    assert ricerca.piana(tex) == attesa
