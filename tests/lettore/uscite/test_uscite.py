"""Un’uscita è un modulo: aggiungerla è aggiungere un file, e la costruzione la conosce per come si presenta."""

from lettore import costruzione, uscite
from lettore.ambiente import Ambiente
from lettore.uscite import Uscita

TESTO = """
from lettore.uscite import Uscita

def completa(lavoro):
    file = lavoro.costruito / "testo" / "libro.txt"
    return file, [("varianti", " ".join(lavoro.varianti))]

USCITA = Uscita("text", "testo", completa, "testo", "il libro in solo testo", {"stretto": "con --testo: righe brevi"})

def setup(app):
    pass
"""


def test_le_uscite_del_libro():
    assert [u.costruttore for u in uscite.tutte()] == ["latex", "epub", "html", "quaderni"]
    assert uscite.predefinita().costruttore == "html"
    assert len({u.cartella for u in uscite.tutte()}) == len({u.opzione for u in uscite.tutte()}) == 4


def test_aggiungere_un_uscita_e_aggiungere_un_file(monkeypatch, tmp_path, capsys):
    (tmp_path / "testo.py").write_text(TESTO, encoding="utf-8")
    monkeypatch.setattr(uscite, "__path__", [*uscite.__path__, str(tmp_path)])
    chiamate = []

    def falso(radice, costruito, uscita: Uscita, ambiente, da_capo):
        chiamate.append((uscita.costruttore, ambiente))
        return 0

    monkeypatch.setattr(costruzione, "jupyter_book", falso)
    monkeypatch.setattr(costruzione, "ambiente_del_comando", lambda: Ambiente(originale="no"))
    assert costruzione.main(["--testo", "--stretto", "--in", str(tmp_path / "uscita")]) == 0
    detto = capsys.readouterr().out
    assert chiamate == [("text", Ambiente(originale="no"))]
    assert f"Il libro è pronto: {tmp_path}/uscita/_build/testo/libro.txt" in detto and "varianti   stretto" in detto
