"""Le variabili d’ambiente: che cosa vogliono dire, quando si rifiutano, che ne ricevono i processi figli."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lettore import costruzione
from lettore.ambiente import ErroreAmbiente, leggi_ambiente, variabili_dei_figli

LETTORE = Path(costruzione.__file__).parent


@pytest.mark.parametrize(
    ("dato", "atteso"),
    [
        ({}, False),
        ({"ORIGINALE": "no"}, True),
        ({"PUBBLICO": "1"}, True),
        ({"PUBBLICO": "1", "ORIGINALE": "no"}, True),
        ({"PUBBLICO": "con-originale"}, False),
    ],
)
def test_quando_l_originale_resta_fuori(dato, atteso):
    assert leggi_ambiente(dato).senza_originale is atteso


@pytest.mark.parametrize(
    ("dato", "messaggio"),
    [
        ({"PUBBLICO": "1", "ORIGINALE": "copia.tar.gz"}, "PUBBLICO=1 e ORIGINALE=copia.tar.gz si contraddicono"),
        ({"PUBBLICO": "forse"}, "PUBBLICO=forse: atteso 1 .* o con-originale"),
        ({"PUBBLICO": "1", "INDIRIZZO": "esempio.it"}, "INDIRIZZO=esempio.it: atteso"),
        ({"INDIRIZZO": "https://esempio.it/?a=b"}, "INDIRIZZO=https://esempio.it/[?]a=b: atteso"),
        ({"DEPOSITO": 'https://esempio.it/"; rm'}, "DEPOSITO vale «https://esempio.it/"),
        ({"LINGUA": "fr"}, "LINGUA=fr: attesa «it»"),
        ({"SOURCE_DATE_EPOCH": "ieri"}, "SOURCE_DATE_EPOCH=ieri: attesi i secondi"),
    ],
)
def test_una_variabile_sbagliata_ferma_subito(monkeypatch, tmp_path, dato, messaggio):
    with pytest.raises(ErroreAmbiente, match=messaggio):
        leggi_ambiente(dato)
    for nome in ("ORIGINALE", "PUBBLICO", "INDIRIZZO", "DEPOSITO", "LINGUA", "SOURCE_DATE_EPOCH"):
        monkeypatch.setenv(nome, dato.get(nome, ""))
    monkeypatch.setattr(costruzione, "costruisci", lambda *_, **__: pytest.fail("ha costruito lo stesso"))
    with pytest.raises(SystemExit, match=f"Errore: {messaggio}"):
        costruzione.main(["--in", str(tmp_path / "uscita")])


def test_gli_indirizzi_hanno_una_forma_sola():
    dati = {"INDIRIZZO": "https://esempio.it/libro", "DEPOSITO": "https://github.com/esempio/libro.git"}
    ambiente = leggi_ambiente(dati)
    assert (ambiente.indirizzo, ambiente.deposito) == ("https://esempio.it/libro/", "https://github.com/esempio/libro")
    assert leggi_ambiente({"INDIRIZZO": "https://esempio.it/libro/"}).indirizzo == ambiente.indirizzo


def test_i_figli_leggono_lo_stesso_ambiente(monkeypatch):
    monkeypatch.setenv("ORIGINALE", "copia.tar.gz")  # non conta: conta ciò che l’ambiente dice
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    ambiente = replace(leggi_ambiente({"DEPOSITO": "https://esempio.it/libro", "LINGUA": "it"}), originale="no")
    variabili = variabili_dei_figli(ambiente)
    assert leggi_ambiente(variabili) == ambiente
    assert variabili["PYTHONHASHSEED"] == "0" and "SOURCE_DATE_EPOCH" not in variabili
    assert variabili["PATH"].startswith(str(Path(sys.executable).parent))


def test_le_variabili_si_leggono_in_un_posto_solo():
    """``lettore.originale`` è anche un comando a sé, con la sua variabile."""
    usano = {
        file.relative_to(LETTORE).as_posix()
        for file in LETTORE.rglob("*.py")
        if re.search(r"\bos\.(environ|getenv|putenv)", file.read_text("utf-8"))
    }
    assert usano - {"originale/__main__.py"} == {"ambiente.py"}
