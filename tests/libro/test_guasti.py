"""La costruzione si ferma, con file e riga, quando un capitolo è guasto: una sola costruzione, molti guasti."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from fabbrica import RADICE

from lettore.inventario import capitolo, leggi_inventario

GLOSSARIO = """# Glossario

```{voce} parola
:en: word
:grammatica: f.; la parola
:sezione: 1
Una parola di prova.
```
"""
CELLA = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Prova

```{code-cell} ipython3
1 / 0
```
"""

ESPERIMENTO = ":::{esperimento} pippo\n:domanda: E se?\nNulla.\n:::"


def blocco(ident: str) -> str:
    testo = "Una {term}`parola` e una formula, $x^2$."
    return f"::::{{blocco}} {ident}\n{testo}\n\n:::{{glossa}}\nSome words of ours.\n:::\n::::\n\n"


def prova(sezione: str) -> str:
    """Un capitolo sano e breve, con tutti i blocchi della sezione e parole qualsiasi."""
    testo = ""
    for voce in (v for v in leggi_inventario().values() if capitolo(v) == sezione):
        if voce.kind == "heading":
            testo += f"# {voce.section or ''} Prova\n\n```{{blocco}} {voce.id}\n```\n\n"
        elif voce.kind == "equation":
            testo += f"::::{{blocco}} {voce.id}\n$$y = x$$\n::::\n\n"
        else:
            testo += blocco(voce.id)
    return testo


@dataclass
class Guasto:
    """Nel capitolo di una sezione ``prima`` diventa ``dopo``: alla riga data si aspetta il messaggio."""

    sezione: str
    prima: str
    dopo: str
    riga: int
    messaggio: str

    def capitolo(self) -> str:
        testo = prova(self.sezione)
        assert self.prima in testo
        return testo.replace(self.prima, self.dopo, 1)


GUASTI = {
    "formula-rotta": Guasto("sommario", "$x^2$", r"$\frac{x$", 7, "formula non valida: .*frac"),
    "macro-ignota": Guasto("1", "$x^2$", r"$\pippo^2$", 7, "formula non valida: .*pippo"),
    "blocco-mancante": Guasto("2", blocco("s2-p2"), "", 3, "manca il blocco «s2-p2»"),
    "blocco-doppio": Guasto(
        "3.2", blocco("s3.2-p1"), 2 * blocco("s3.2-p1"), 14, "«s3.2-p1» già presente in blocco-doppio.md, riga 6"
    ),
    "blocco-ignoto": Guasto("3.2.3", "s3.2.3-p1", "s3.2.3-p9", 6, "blocco «s3.2.3-p9» ignoto"),
    "blocchi-scambiati": Guasto(
        "7", blocco("s7-p1") + blocco("s7-p2"), blocco("s7-p2") + blocco("s7-p1"), 14, "«s7-p1» fuori posto"
    ),
    "glossa-mancante": Guasto(
        "3.4", ":::{glossa}\nSome words of ours.\n:::\n", "", 6, "«s3.4-p1»: attesa una glossa, trovate 0"
    ),
    "glossa-vuota": Guasto("5", "Some words of ours.\n", "", 9, "glossa vuota"),
    "traduzione-mancante": Guasto(
        "5.1", "Una {term}`parola` e una formula, $x^2$.\n", "", 6, "«s5.1-p1» senza traduzione italiana"
    ),
    "inglese-nel-sorgente": Guasto("5.2", ":::{glossa}", ":::{en}", 9, "Unknown directive type: 'en'"),
    "termine-ignoto": Guasto("5.3", "parola", "pappardella", 7, "term not in glossary: 'pappardella'"),
    "titolo-mancante": Guasto("ringraziamenti", "```{blocco} ack-h\n```\n", "", 4, "manca il blocco «ack-h»"),
    "numero-sbagliato": Guasto("3.3", "# 3.3", "# 3.4", 3, "il titolo «3.4 Prova» non comincia con 3.3"),
    "esperimento-ignoto": Guasto("3.2.1", "$x^2$.", f"$x^2$.\n\n{ESPERIMENTO}", 9, "«pippo»: atteso uno fra beam, "),
    "rimando-ignoto": Guasto("3.5", "$x^2$", "{rif}`fig9`", 7, "rif «fig9»: nessun blocco"),
}


def prepara(radice: Path, capitoli: dict[str, str], esecuzione: str = "off") -> Path:
    """Un libro ridotto: la configurazione vera, una copertina, un glossario di una voce, i capitoli dati."""
    config = yaml.safe_load((RADICE / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["execute_notebooks"] = esecuzione
    pagine = [{"file": nome} for nome in ("glossario", *capitoli)]
    indice = {"format": "jb-book", "root": "copertina", "chapters": pagine}
    file = {"_config.yml": yaml.safe_dump(config), "_toc.yml": yaml.safe_dump(indice)}
    file |= {f"{nome}.md": testo for nome, testo in capitoli.items()}
    file |= {"copertina.md": "# Prova\n", "glossario.md": GLOSSARIO, "references.bib": ""}
    radice.mkdir()
    for nome, testo in file.items():
        (radice / nome).write_text(testo, encoding="utf-8")
    for nome in ("node_modules", "assets", "web"):
        (radice / nome).symlink_to(RADICE / nome)
    return radice


COMANDO = """
import pathlib, sys
from lettore import uscite
from lettore.ambiente import Ambiente
from lettore.costruzione import jupyter_book
radice, costruito = map(pathlib.Path, sys.argv[1:])
sys.exit(jupyter_book(radice, costruito, uscite.predefinita(), Ambiente(originale="no")))
"""


def costruisci(radice: Path) -> tuple[int, str]:
    """Lo stato di uscita della costruzione e ciò che ha scritto, senza colori."""
    comando = [sys.executable, "-c", COMANDO, radice, radice.with_name("uscita")]
    esito = subprocess.run(comando, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return esito.returncode, re.sub(r"\x1b\[[\d;]*m", "", esito.stdout)


def test_i_capitoli_sani_si_costruiscono(tmp_path):
    sani = {nome: prova(guasto.sezione) for nome, guasto in GUASTI.items()}
    stato, detto = costruisci(prepara(tmp_path / "libro", sani))
    assert stato == 0, detto
    assert "WARNING" not in detto and "ERROR" not in detto


@pytest.fixture(scope="module")
def detto(tmp_path_factory) -> str:
    """Ciò che scrive una costruzione in cui ogni capitolo ha un guasto diverso."""
    guasti = {nome: guasto.capitolo() for nome, guasto in GUASTI.items()}
    stato, detto = costruisci(prepara(tmp_path_factory.mktemp("guasti") / "libro", guasti))
    assert stato == 1
    return detto


@pytest.mark.parametrize("nome", GUASTI)
def test_il_guasto_si_vede_con_file_e_riga(detto, nome):
    righe = re.findall(rf"/{nome}\.md:(\d+): (?:WARNING|ERROR): (.*)", detto)
    trovate = [int(riga) for riga, messaggio in righe if re.search(GUASTI[nome].messaggio, messaggio)]
    assert trovate == [GUASTI[nome].riga], righe


def test_una_cella_che_cade_ferma_la_costruzione(tmp_path):
    stato, detto = costruisci(prepara(tmp_path / "libro", {"cella": CELLA}, esecuzione="force"))
    assert stato != 0
    assert "cella.md" in detto and "ZeroDivisionError" in detto
