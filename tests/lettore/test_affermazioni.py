"""Il registro delle affermazioni: come si legge, come si rifiuta."""

import pytest

from lettore.affermazioni import leggi_affermazioni, leggi_prove
from lettore.controlli import inglese, simboli, termini, testo, tipografia
from lettore.glossario import leggi_voci
from lettore.notazione import leggi_notazione

UNA = """\
```{affermazione} matrice-condivisa
:blocco: s3.4-p1
:verdetto: verificata
:smentita: due matrici con numeri diversi, oppure $x^2$.
Gli embedding e la trasformazione lineare prima della softmax *condividono* la matrice dei pesi.
```
"""
SCALATA = UNA.replace("verificata", "riprodotta in scala").replace(
    ":smentita", ":scala: un vocabolario vero.\n:smentita"
)
CITATA = (
    UNA.replace("verificata", "solo citata")
    .replace(":smentita", ":motivo: servono otto GPU.\n:smentita")
    .replace("matrice-condivisa", "tre-giorni-e-mezzo")
    .replace("s3.4-p1", "s5.2-p1")
)
PROVA = '''\
from registro import affermazione


@affermazione("matrice-condivisa", vero={"copie": 1}, falso=[{"copie": 2}])
def test_una_matrice(copie):
    assert copie == 1
'''


# ---------------------------------------------------------------- il sorgente


def test_un_affermazione_si_legge_intera():
    voce, scalata, citata = leggi_affermazioni(f"# Prova\n\n{UNA}\n{SCALATA}\n{CITATA}", "prova.md")
    assert (voce.id, voce.blocco, voce.verdetto) == ("matrice-condivisa", "s3.4-p1", "verificata")
    assert voce.smentita == "due matrici con numeri diversi, oppure $x^2$."
    assert voce.frase.startswith("Gli embedding") and voce.frase.endswith("dei pesi.")
    assert (voce.file, voce.riga, voce.esito) == ("prova.md", 3, "confermata")
    assert scalata.scala == "un vocabolario vero." and citata.motivo == "servono otto GPU."


MALFATTE = {
    UNA.replace("verificata", "creduta"): "verdetto «creduta» ignoto",
    UNA.replace("s3.4-p1", "s3.4-p9"): "blocco «s3.4-p9» non è fra quelli dell’inventario",
    UNA.replace("matrice-condivisa", "Matrice_condivisa"): "minuscole, cifre e trattini",
    UNA.replace("matrice-condivisa", "matrice condivisa"): "minuscole, cifre e trattini",
    UNA.replace(":smentita: due matrici con numeri diversi, oppure $x^2$.\n", ""): "manca «:smentita:»",
    UNA.replace(":blocco: s3.4-p1\n", ""): "manca «:blocco:»",
    UNA.replace(":verdetto: verificata\n", ""): "manca «:verdetto:»",
    UNA.replace("verificata", "solo citata"): "manca «:motivo:»",
    UNA.replace("verificata", "riprodotta in scala"): "manca «:scala:»",
    UNA.replace(":smentita", ":scala: mille volte.\n:smentita"): "vale solo per una «riprodotta in scala»",
    UNA.replace(":smentita", ":esito: forse\n:smentita"): "esito «forse» ignoto",
    "\n".join([*UNA.splitlines()[:-2], "```"]): "un solo capoverso",
    UNA.replace("dei pesi.", "dei pesi.\n\nE poi altro."): "un solo capoverso",
}


@pytest.mark.parametrize(("malfatta", "atteso"), MALFATTE.items())
def test_un_affermazione_malfatta_si_rifiuta_con_file_e_riga(malfatta, atteso):
    with pytest.raises(ValueError) as errore:
        leggi_affermazioni(f"# Prova\n\n{malfatta}", "prova.md")
    assert str(errore.value).startswith("prova.md:3: ") and atteso in str(errore.value)


def test_le_prove_si_leggono_senza_eseguirle(tmp_path):
    cartella = tmp_path / "tests" / "affermazioni"
    cartella.mkdir(parents=True)
    (cartella / "test_3_4.py").write_text("import modulo_che_non_esiste\n" + PROVA, encoding="utf-8")
    attesa = "tests/affermazioni/test_3_4.py::test_una_matrice"
    assert leggi_prove(tmp_path) == {"matrice-condivisa": [attesa]}


@pytest.mark.parametrize(
    ("prima", "dopo", "controllo"),
    [
        ("due matrici", "l'altra matrice", tipografia.controlla),
        ("due matrici", "due gettoni", lambda t, f: termini.controlla(t, f, leggi_voci())),
        ("$x^2$", "$d_{attn}$", lambda t, f: simboli.controlla(t, f, leggi_notazione())),
        ("condividono", "condividono l'", tipografia.controlla),
    ],
)
def test_frase_e_opzioni_sono_prosa_per_i_controlli(prima, dopo, controllo):
    assert not [s for s in controllo(UNA, "prova.md") if s.riga]
    assert controllo(UNA.replace(prima, dopo), "prova.md")


def test_l_identificatore_non_e_prosa():
    assert "matrice-condivisa" not in testo.prosa(UNA) and "due matrici" in testo.prosa(UNA)
    assert inglese.controlla(UNA, "prova.md", {}) == []
