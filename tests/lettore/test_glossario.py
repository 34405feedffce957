"""Il glossario: come si legge, come si rifiuta."""

import re
import unicodedata

import pytest

from lettore.controlli.termini import modello
from lettore.glossario import leggi_voci

VOCI = leggi_voci()

UNA = """\
```{voce} chiave
:en: key
:grammatica: f.; la chiave, le chiavi
:sezione: 3.2
:evitare: key (nel testo corrente); identità
:cerca: key; keys
Vettore che si confronta con le {term}`query`; ha $d_k$ componenti.
```
"""
DUE = UNA.replace("} chiave", "} query").replace(":en: key", ":en: query").replace("key; keys", "queries")
SIGLA = """\
```{voce} GPU
:en: GPU
:sciolta-en: graphics processing unit
:sciolta-it: unità di elaborazione grafica
:grammatica: f.; la GPU, le GPU
:sezione: sommario
Processore con migliaia di unità.
```
"""


def leggi(tmp_path, testo):
    percorso = tmp_path / "glossary.md"
    percorso.write_text(testo, encoding="utf-8")
    return leggi_voci(percorso)


def test_una_voce_si_legge_intera(tmp_path):
    chiave, gpu = leggi(tmp_path, f"# Glossario\n\n{UNA}\n{SIGLA}")
    assert (chiave.it, chiave.en, chiave.sezione, chiave.riga) == ("chiave", "key", "3.2", 3)
    assert chiave.evitare == ("key (nel testo corrente)", "identità")
    assert chiave.cerca == ("key", "keys")
    assert chiave.definizione.endswith("ha $d_k$ componenti.")
    assert (chiave.tipo, gpu.tipo) == ("termine", "sigla")
    assert (gpu.sciolta_en, gpu.sciolta_it) == ("graphics processing unit", "unità di elaborazione grafica")


@pytest.mark.parametrize(
    ("testo", "atteso"),
    [
        (UNA.replace(":en: key\n", ""), "glossary.md:1: voce «chiave»: manca «:en:»"),
        (UNA.replace("grammatica", "genere"), "opzione sconosciuta «genere»"),
        (UNA.replace(":sezione: 3.2\n", ":sezione: 3.2\n:sezione: 4\n"), "«sezione» scritta due volte"),
        ("\n".join([*UNA.splitlines()[:-2], "```"]), "manca la definizione"),
        (UNA.rstrip("`\n"), "non è chiusa"),
        (f"{UNA}\n{UNA.replace('} chiave', '} Chiave')}", "md:10: la voce «Chiave» c’è già alla riga 1"),
        (UNA.replace("} chiave", "} chiave (key)"), "parentesi o barre"),
        (UNA.replace("{voce} chiave", "{voce}"), "voce senza lemma"),
        (SIGLA.replace(":sciolta-it: unità di elaborazione grafica\n", ""), "in inglese e in italiano"),
        (UNA.replace(":sezione:", ":tipo: verbo\n:sezione:"), "tipo sconosciuto «verbo»"),
    ],
)
def test_una_voce_malfatta_si_rifiuta_con_file_e_riga(tmp_path, testo, atteso):
    with pytest.raises(ValueError) as errore:
        leggi(tmp_path, testo)
    assert atteso in str(errore.value)
    assert str(errore.value).startswith("glossary.md:")


def test_il_glossario_del_libro_e_in_ordine():
    def chiave(voce):
        return unicodedata.normalize("NFKD", voce.it).encode("ascii", "ignore").decode().casefold()

    assert len(VOCI) >= 250
    for tipo in ("termine", "sigla", "nome"):
        lemmi = [chiave(voce) for voce in VOCI if voce.tipo == tipo]
        assert lemmi == sorted(lemmi)


def test_nessuna_forma_scartata_e_un_termine():
    lemmi = {voce.it.casefold() for voce in VOCI}
    for voce in VOCI:
        for forma in voce.cerca:
            assert forma.startswith("=") or forma.casefold() not in lemmi, (voce.it, forma)
            assert not modello(forma).search(voce.it), (voce.it, forma)


def test_ogni_sigla_e_sciolta_nelle_due_lingue():
    for voce in VOCI:
        assert (voce.tipo == "sigla") == bool(voce.sciolta_en and voce.sciolta_it)


def senza_doppie(testo):
    return re.sub(r"([a-z])\1", r"\1", testo)


def test_nessuna_voce_sconsiglia_se_stessa():
    """Il lettore che legge «da evitare» accanto al termine deve trovarvi un’altra parola, non la stessa."""
    for voce in VOCI:
        proprie = {senza_doppie(forma) for forma in voce.forme}
        assert not proprie & {senza_doppie(parola) for parola in voce.evitare}, voce.it
