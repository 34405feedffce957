"""Il registro delle affermazioni: come si legge, come si rifiuta."""

import pytest

from lettore.affermazioni import Prova, difetti, leggi_affermazioni, leggi_prove
from lettore.controlli import inglese, simboli, termini, tipografia
from lettore.glossario import leggi_voci
from lettore.notazione import leggi_notazione
from lettore.sorgente import Pagina

UNA = """\
```{affermazione} matrice-condivisa
:blocco: s3.4-p1
:verdetto: conforme
:smentita: due matrici con numeri diversi, oppure $x^2$.
Gli embedding e la trasformazione lineare prima della softmax *condividono* la matrice dei pesi.
```
"""
SCALATA = UNA.replace("conforme", "riprodotta in scala").replace(":smentita", ":scala: un vocabolario vero.\n:smentita")
CITATA = (
    UNA.replace("conforme", "solo citata")
    .replace(":smentita", ":motivo: servono otto GPU.\n:smentita")
    .replace("matrice-condivisa", "tre-giorni-e-mezzo")
    .replace("s3.4-p1", "s5.2-p1")
)
PROVA = """\
from registro import affermazione, tesi


@affermazione("matrice-condivisa", vero={"copie": 1}, falso=[{"copie": 2}])
def test_una_matrice(copie):
    with tesi:
        assert copie == 1
"""


# ---------------------------------------------------------------- il sorgente


def test_un_affermazione_si_legge_intera():
    voce, scalata, citata = leggi_affermazioni(Pagina("prova.md", f"# Prova\n\n{UNA}\n{SCALATA}\n{CITATA}"))
    assert (voce.id, voce.blocco, voce.verdetto) == ("matrice-condivisa", "s3.4-p1", "conforme")
    assert voce.smentita == "due matrici con numeri diversi, oppure $x^2$."
    assert voce.frase.startswith("Gli embedding") and voce.frase.endswith("dei pesi.")
    assert (voce.file, voce.riga, voce.esito) == ("prova.md", 3, "confermata")
    assert scalata.scala == "un vocabolario vero." and citata.motivo == "servono otto GPU."


def test_un_affermazione_altrui_ha_una_fonte_invece_del_blocco():
    (voce,) = leggi_affermazioni(Pagina("prova.md", UNA.replace(":blocco: s3.4-p1", ":fonte: press2016using")))
    assert (voce.blocco, voce.fonte) == ("", "press2016using")


MALFATTE = {
    UNA.replace("conforme", "creduta"): "verdetto «creduta» ignoto",
    UNA.replace("s3.4-p1", "s3.4-p9"): "blocco «s3.4-p9» non è fra quelli dell’inventario",
    UNA.replace("matrice-condivisa", "Matrice_condivisa"): "minuscole, cifre e trattini",
    UNA.replace("matrice-condivisa", "matrice condivisa"): "minuscole, cifre e trattini",
    UNA.replace(":smentita: due matrici con numeri diversi, oppure $x^2$.\n", ""): "manca «:smentita:»",
    UNA.replace(":blocco: s3.4-p1\n", ""): "serve «:blocco:»",
    UNA.replace(":blocco: s3.4-p1\n", ":blocco: s3.4-p1\n:fonte: su2021roformer\n"): "serve «:blocco:»",
    UNA.replace(":verdetto: conforme\n", ""): "manca «:verdetto:»",
    UNA.replace("conforme", "solo citata"): "manca «:motivo:»",
    UNA.replace("conforme", "lettura"): "manca «:motivo:»",
    UNA.replace(":smentita", ":motivo: chissà.\n:smentita"): "vale solo per una «lettura» o una «solo citata»",
    UNA.replace(":smentita", ":esito: smentita\n:smentita"): "manca «:invece:»",
    UNA.replace(":smentita", ":invece: tre copie.\n:smentita"): "vale solo per un esito che dà torto",
    UNA.replace("conforme", "riprodotta in scala"): "manca «:scala:»",
    UNA.replace(":smentita", ":scala: mille volte.\n:smentita"): "vale solo per una «riprodotta in scala»",
    UNA.replace(":smentita", ":esito: forse\n:smentita"): "esito «forse» ignoto",
    "\n".join([*UNA.splitlines()[:-2], "```"]): "un solo capoverso",
    UNA.replace("dei pesi.", "dei pesi.\n\nE poi altro."): "un solo capoverso",
}


@pytest.mark.parametrize(("malfatta", "atteso"), MALFATTE.items())
def test_un_affermazione_malfatta_si_rifiuta_con_file_e_riga(malfatta, atteso):
    pagina = Pagina("prova.md", f"# Prova\n\n{malfatta}")
    with pytest.raises(ValueError) as errore:
        leggi_affermazioni(pagina)
    assert str(errore.value).startswith("prova.md:3: ") and atteso in str(errore.value)
    (segnalazione,) = difetti(pagina)
    assert segnalazione[:2] == ("prova.md", 3) and atteso in segnalazione.messaggio


def test_le_prove_si_leggono_senza_eseguirle(tmp_path):
    cartella = tmp_path / "tests" / "affermazioni"
    cartella.mkdir(parents=True)
    (cartella / "test_3_4.py").write_text("import modulo_che_non_esiste\n" + PROVA, encoding="utf-8")
    luogo = "tests/affermazioni/test_3_4.py::test_una_matrice"
    assert leggi_prove(tmp_path) == {"matrice-condivisa": [Prova(luogo, replica=False)]}


def test_una_replica_si_riconosce_dai_semi(tmp_path):
    cartella = tmp_path / "tests" / "affermazioni"
    cartella.mkdir(parents=True)
    replica = PROVA.replace("falso=", "semi=(0, 1, 2), controllo=[{}], falso=")
    (cartella / "test_3_4.py").write_text(replica, encoding="utf-8")
    assert [prova.replica for prova in leggi_prove(tmp_path)["matrice-condivisa"]] == [True]


def test_una_prova_che_asserisce_invece_si_riconosce_dal_blocco(tmp_path):
    cartella = tmp_path / "tests" / "affermazioni"
    cartella.mkdir(parents=True)
    for corpo, atteso in (("assert x", True), ("pass", False)):
        testo = f"{PROVA}\n    with invece:\n        {corpo}\n"
        (cartella / "test_3_4.py").write_text(testo, encoding="utf-8")
        assert [prova.invece for prova in leggi_prove(tmp_path)["matrice-condivisa"]] == [atteso]


@pytest.mark.parametrize(
    ("prima", "dopo", "controllo"),
    [
        ("due matrici", "l'altra matrice", tipografia.controlla),
        ("due matrici", "due gettoni", lambda pagina: termini.controlla(pagina, leggi_voci())),
        ("$x^2$", "$d_{attn}$", lambda pagina: simboli.controlla(pagina, leggi_notazione())),
        ("condividono", "condividono l'", tipografia.controlla),
    ],
)
def test_frase_e_opzioni_sono_prosa_per_i_controlli(prima, dopo, controllo):
    assert controllo(Pagina("prova.md", UNA)) == []
    assert controllo(Pagina("prova.md", UNA.replace(prima, dopo)))


def test_l_identificatore_non_e_prosa():
    pagina = Pagina("prova.md", UNA)
    assert "matrice-condivisa" not in pagina.prosa and "due matrici" in pagina.prosa
    assert inglese.controlla(pagina, {}) == []
