"""Ogni domanda si trova con le parole di chi la fa: la ricerca porta la pagina fra le prime cinque."""

import re

import pytest
from fabbrica import RADICE
from sphinx.search.it import italian_stopwords

PAGINA = "chapters/domande"
DOMANDE = re.findall(r"^### (.+)$", (RADICE / f"{PAGINA}.md").read_text(encoding="utf-8"), re.M)
ALTRE_PAROLE = [
    "apice d potenza",
    "batch dimensione tensori",
    "ID token embedding riga",
    "tre proiezioni distinte",
    "prodotto oppure somma",
    "sei il numero 5",
    "target desiderato",
    "iterazione correzione pesi",
    "matrici partono a caso",
    "petabyte corpus",
    "persone imparziale",
    "acronimi alternative",
    "fidarmi spiegazioni AI",
    "hardware software",
    "stampabile caratteri grandi",
    "temperatura estrazione",
    "esempio lavagna",
]
CERCA = """domande => domande.map(domanda =>
  Search._performSearch(...Search._parseQuery(domanda)).reverse().map(risultato => risultato[0]))"""


def parole(domanda: str) -> str:
    """Le parole di contenuto di una domanda: senza segni e senza le parole vuote dell’italiano."""
    tutte = re.findall(r"[\w^]+", domanda.replace("`", "").replace("\\$", ""))
    return " ".join(parola for parola in tutte if parola.lower() not in italian_stopwords)


@pytest.fixture
def pagine_trovate(senza, lettore):
    """Una sola apertura della pagina di ricerca: rende, per ogni domanda, le pagine dalla prima all’ultima."""
    scheda = lettore().apri(senza, "search.html", "?q=attenzione")
    scheda.locator("#search-results a").first.wait_for()
    scheda.get_by_text(re.compile(r"^Pagine trovate: \d+")).wait_for()

    def cerca(domande: list[str]) -> list[list[str]]:
        return [list(dict.fromkeys(trovate)) for trovate in scheda.evaluate(CERCA, domande)]

    return cerca


def test_ogni_domanda_si_trova_con_le_sue_parole(pagine_trovate):
    assert len(DOMANDE) >= 80
    trovate = pagine_trovate([parole(domanda) for domanda in DOMANDE])
    perdute = {parole(d): esito[:5] for d, esito in zip(DOMANDE, trovate, strict=True) if PAGINA not in esito[:5]}
    assert perdute == {}


def test_si_trova_anche_con_parole_diverse_dal_titolo(pagine_trovate):
    trovate = pagine_trovate(ALTRE_PAROLE)
    perdute = {d: esito[:5] for d, esito in zip(ALTRE_PAROLE, trovate, strict=True) if PAGINA not in esito[:5]}
    assert perdute == {}


def test_la_ricerca_non_trova_la_pagina_con_parole_che_non_ha(pagine_trovate):
    """La prova delle prove: la pagina non è fra le prime per qualunque domanda."""
    (esito,) = pagine_trovate(["tensor2tensor checkpoint newstest2014"])
    assert PAGINA not in esito[:5]
