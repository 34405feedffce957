"""Il libro costruito, con e senza l’originale, una volta sola per tutte le prove, e chi lo legge in un browser.

I sorgenti si copiano in una cartella temporanea e si costruisce lì: il libro non dipende da avanzi di costruzioni
passate, e ``_build`` e ``_originale`` di chi lavora restano com’erano. I processi che provano fianco a fianco guardano
lo stesso libro: lo costruisce il primo che lo chiede, e i capitoli si eseguono una volta per tutte le uscite.
"""

import os
from pathlib import Path

import pytest
from eprint import EPRINT, MANCA
from fabbrica import DEPOSITO, RADICE, Libro, copia_sorgenti, costruisci, eredita, una_volta

from lettore.ambiente import Ambiente
from lettore.originale import CARTELLA, carica, importa


@pytest.fixture(scope="session")
def comune(tmp_path_factory) -> Path:
    """Una cartella di tutti i processi di prova."""
    mia = tmp_path_factory.getbasetemp()
    return mia.parent if "PYTEST_XDIST_WORKER" in os.environ else mia


@pytest.fixture(scope="session")
def sorgenti(comune) -> Path:
    return una_volta(comune, "sorgenti", copia_sorgenti)


@pytest.fixture(scope="session")
def sorgenti_con(comune) -> Path:
    """Una copia dei sorgenti che ha anche ``_originale``."""
    if not EPRINT.is_file():
        pytest.skip(MANCA)

    def copia(dove: Path) -> None:
        importa(str(EPRINT), copia_sorgenti(dove) / CARTELLA)

    return una_volta(comune, "sorgenti-con", copia)


@pytest.fixture(scope="session")
def senza(comune, sorgenti) -> Libro:
    """Il libro senza l’originale; come quello che si pubblica, sa dove sta il deposito.

    È il primo a essere costruito: esegue i capitoli, e le altre uscite ereditano ciò che hanno scritto.
    """

    def costruiscilo(dove: Path) -> None:
        costruisci(sorgenti, dove, Ambiente(originale="no", deposito=DEPOSITO))

    return Libro(una_volta(comune, "senza", costruiscilo) / "_build/html")


@pytest.fixture(scope="session")
def con(comune, sorgenti_con, senza) -> Libro:
    """Il libro con l’originale."""

    def costruiscilo(dove: Path) -> None:
        eredita(comune / "senza", dove)
        costruisci(sorgenti_con, dove, Ambiente())

    return Libro(una_volta(comune, "con", costruiscilo) / "_build/html", carica(sorgenti_con))


@pytest.fixture(scope="session", params=["senza", "con"])
def libro(request) -> Libro:
    """Ciascuno dei due libri, uno dopo l’altro."""
    return request.getfixturevalue(request.param)


# ---------------------------------------------------------------- browser


class Lettore:
    """Una finestra del browser, che si segna le richieste alla rete e gli errori della console."""

    def __init__(self, contesto):
        self.contesto = contesto
        self.rete: list[str] = []
        self.errori: list[str] = []
        contesto.set_default_timeout(10_000)
        contesto.on("request", self.richiesta)
        self.scheda = contesto.new_page()
        self.scheda.on("console", lambda m: m.type == "error" and self.errori.append(m.text))
        self.scheda.on("pageerror", lambda errore: self.errori.append(str(errore)))

    def richiesta(self, chiesta):
        if not chiesta.url.startswith(("file:", "data:", "blob:")):
            self.rete.append(chiesta.url)

    def apri(self, libro: Libro, pagina: str, resto: str = ""):
        """Apre una pagina del libro; ``resto`` è domanda e ancora (``?lingua=it#s1-p1``)."""
        self.scheda.goto((libro.html / pagina).as_uri() + resto)
        return self.scheda


@pytest.fixture
def lettore(chromium):
    """Apre lettori: ``lettore()`` è una scrivania, ``lettore(viewport=…, has_touch=True)`` un telefono."""
    aperti: list[Lettore] = []

    def apri(**opzioni) -> Lettore:
        opzioni = {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"} | opzioni
        contesto = chromium.new_context(locale="it-IT", reduced_motion="reduce", **opzioni)
        aperti.append(Lettore(contesto))
        return aperti[-1]

    yield apri
    for uno in aperti:
        uno.contesto.close()
    assert [r for uno in aperti for r in uno.rete] == [], "una pagina ha chiesto qualcosa alla rete"
    assert [e for uno in aperti for e in uno.errori] == [], "errori nella console"


@pytest.fixture(scope="session")
def axe() -> str:
    """Il codice di axe-core, da eseguire nella pagina."""
    return (RADICE / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
