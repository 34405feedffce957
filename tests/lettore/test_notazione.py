"""La tabella dei simboli: com’è fatta, come si rifiuta, che cosa produce."""

import copy
import re
import shutil
import subprocess

import pytest
import yaml

from lettore.notazione import espandi, leggi_notazione, macro_katex, macro_latex, simboli_del_gruppo
from lettore.pezzi.notazione import ancora_del_simbolo, righe_della_scheda


@pytest.fixture
def guasta(tmp_path):
    """Scrive una copia della tabella, modificata, e rende l’errore che se ne ricava."""

    def scrivi(modifica):
        dati = copy.deepcopy(leggi_notazione())
        modifica(dati)
        percorso = tmp_path / "notazione.yml"
        percorso.write_text(yaml.safe_dump(dati, allow_unicode=True), encoding="utf-8")
        with pytest.raises(ValueError) as errore:
            leggi_notazione(percorso)
        return str(errore.value)

    return scrivi


def test_i_simboli_del_paper_ci_sono():
    nomi = {simbolo["simbolo"] for simbolo in leggi_notazione()["simboli"]}
    assert {"n", "d_model", "d_k", "d_v", "h", "Q", "K", "V", "K^T", "W_i^Q", "W^O", "PE", "P_drop"} <= nomi
    assert len(nomi) >= 66


def test_ogni_gruppo_ha_simboli():
    notazione = leggi_notazione()
    divisi = [s for gruppo in notazione["gruppi"] for s in simboli_del_gruppo(notazione, gruppo)]
    assert divisi == simboli_del_gruppo(notazione)
    assert all(simboli_del_gruppo(notazione, gruppo) for gruppo in notazione["gruppi"])


def test_le_ancore_sono_distinte():
    simboli = [ancora_del_simbolo(s["simbolo"]) for s in leggi_notazione()["simboli"]]
    assert len(simboli) == len(set(simboli))
    assert all(re.fullmatch(r"simbolo-[A-Za-z0-9-]+", s) for s in simboli)


def test_le_grafie_altrui_si_trovano_cercandole():
    testo = "\n".join(riga for s in leggi_notazione()["simboli"] for riga in righe_della_scheda(s))
    testo += "\n".join(d["domanda"] for d in leggi_notazione()["dubbi"])
    for grafia in ("W_Q", "W^Q", "WapiceQ", "d_attn", "K^T", "KapiceT", "T trasposto", "seq_len", "head_dim"):
        assert grafia in testo


def test_macro_per_katex_e_per_latex_sono_le_stesse():
    katex, latex = macro_katex(), macro_latex()
    assert katex["\\dmodel"] == r"d_{\text{model}}"
    assert latex.splitlines() == [f"\\newcommand{{{nome}}}{{{corpo}}}" for nome, corpo in katex.items()]
    assert "\\E" not in katex  # il valore atteso si scrive \mathrm{E}


@pytest.mark.parametrize(
    ("tex", "atteso"),
    [
        (r"\sqrt{\dk}", r"\sqrt{d_k}"),
        (r"\dmodel^2", r"{d_{\text{model}}}^2"),  # con un apice o un pedice servono le graffe
        (r"W_\head", r"W_{\mathrm{head}}"),
        (r"\dkappa", r"\dkappa"),
        (r"\dmodel\times\dk", r"d_{\text{model}}\times d_k"),  # il comando prima non si attacca
    ],
)
def test_espandere_una_formula_ne_toglie_le_macro(tex, atteso):
    assert espandi(tex) == atteso


@pytest.mark.skipif(not shutil.which("xelatex"), reason="manca xelatex")
@pytest.mark.lento
def test_le_macro_non_urtano_i_comandi_di_latex(tmp_path):
    sorgente = (
        "\\documentclass{book}\n\\usepackage{amsmath,amssymb,fancyhdr,hyperref}\n"
        f"{macro_latex()}\\begin{{document}}${'$ $'.join(macro_katex())}$\\end{{document}}\n"
    )
    (tmp_path / "macro.tex").write_text(sorgente, encoding="utf-8")
    comando = ["xelatex", "-interaction=nonstopmode", "-halt-on-error", "macro.tex"]
    esito = subprocess.run(comando, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert esito.returncode == 0, esito.stdout[-2000:]


@pytest.mark.parametrize(
    ("modifica", "atteso"),
    [
        (lambda d: d.pop("macro"), "manca la parte «macro»"),
        (lambda d: d["macro"].update({"d_k": "d_k"}), "macro «d_k»: il nome può avere solo lettere"),
        (lambda d: d["macro"].update(dk="d_{k"), "macro «dk»: corpo mancante o con graffe dispari"),
        (lambda d: d["simboli"][0].pop("si_legge"), "simbolo «n»: manca «si_legge»"),
        (lambda d: d["simboli"][0].update(modello_base=512), "simbolo «n»: manca «modello_base»"),
        (lambda d: d["simboli"][0].update(colore="blu"), "campo sconosciuto «colore»"),
        (lambda d: d["simboli"][0].update(gruppo="altro"), "gruppo sconosciuto «altro»"),
        (lambda d: d["simboli"][0].update(tex="{n"), "graffe dispari in «tex»"),
        (lambda d: d["simboli"][0].update(altrove=["T"]), "servono scrittura, dove e verdetto"),
        (lambda d: d["simboli"].append(d["simboli"][0]), "simbolo «n»: compare due volte"),
        (lambda d: d["simboli"].append("n"), "attesa una scheda"),
        (lambda d: d["dubbi"].append({"domanda": "Perché?"}), "servono domanda, risposta"),
        (lambda d: d["simboli"][0].update(significato="l'ingresso"), "apostrofo dritto"),
    ],
)
def test_una_tabella_guasta_si_rifiuta_dicendo_dove(guasta, modifica, atteso):
    messaggio = guasta(modifica)
    assert atteso in messaggio
    assert "notazione.yml" in messaggio


@pytest.mark.parametrize("contenuto", ["macro: [", "- un elenco", ""])
def test_un_file_che_non_e_una_tabella_si_rifiuta(tmp_path, contenuto):
    percorso = tmp_path / "notazione.yml"
    percorso.write_text(contenuto, encoding="utf-8")
    with pytest.raises(ValueError, match=r"notazione\.yml"):
        leggi_notazione(percorso)
