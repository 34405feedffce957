"""Le domande dei lettori: indirizzi stabili, indice completo, nessuna risposta senza prova né rimando."""

import re
from pathlib import Path

import pytest

CAPITOLI = Path(__file__).resolve().parents[2] / "chapters"
INDICE = (CAPITOLI / "domande.md").read_text(encoding="utf-8")
PAGINE = re.findall(r"^ +- file: chapters/(domande/[\w-]+)$", (CAPITOLI.parent / "_toc.yml").read_text(), re.M)
DOMANDE = "\n".join((CAPITOLI / f"{pagina}.md").read_text(encoding="utf-8") for pagina in PAGINE)
LUOGHI = (CAPITOLI / "luoghi-comuni.md").read_text(encoding="utf-8")
PROVA_O_RIMANDO = re.compile(r"\]\([\w./#-]+\)|^```\{code-cell\}|\{(?:cite|ref|term)\}`", re.M)


def schede(testo: str) -> dict[str, str]:
    """Titolo → testo della scheda, per ogni titolo di terzo livello."""
    pezzi = re.split(r"^(#{2,3}) (.+)$", testo, flags=re.M)
    return {titolo: corpo for segni, titolo, corpo in zip(*[iter(pezzi[1:])] * 3, strict=True) if segni == "###"}


def test_ogni_domanda_ha_un_indirizzo_e_un_posto_nell_indice():
    titoli = re.findall(r"^### (.+)$", DOMANDE, re.M)
    con_indirizzo = re.findall(r"^\((domanda-[a-z0-9-]+)\)=\n### (.+)$", DOMANDE, re.M)
    indice = re.findall(r"^- \[(.+)\]\(#(domanda-[a-z0-9-]+)\)$", INDICE, re.M)
    assert [titolo for _, titolo in con_indirizzo] == titoli
    assert indice == [(titolo, indirizzo) for indirizzo, titolo in con_indirizzo]
    assert len({indirizzo for indirizzo, _ in con_indirizzo}) == len(titoli) >= 80


@pytest.mark.parametrize("testo", [DOMANDE, LUOGHI], ids=["domande", "luoghi-comuni"])
def test_ogni_scheda_ha_una_prova_o_un_rimando(testo):
    senza = [titolo for titolo, corpo in schede(testo).items() if not PROVA_O_RIMANDO.search(corpo)]
    assert set(senza) <= {"«La banca del fiume»"}


def test_i_rimandi_alle_domande_esistono():
    indirizzi = set(re.findall(r"^\((domanda-[a-z0-9-]+)\)=$", DOMANDE, re.M))
    for pagina in CAPITOLI.glob("**/*.md"):
        assert set(re.findall(r"\(#(domanda-[a-z0-9-]+)\)", pagina.read_text(encoding="utf-8"))) <= indirizzi, pagina
