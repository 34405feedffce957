"""Da libro.tex al PDF: le edizioni di carta, ciò che LaTeX deve avere, ciò che il suo diario rivela."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lettore.uscite import ErroreUscita

# comando o file → pacchetto di Debian che lo porta (sono in apt.txt)
COMANDI = {"xelatex": "texlive-xetex", "latexmk": "latexmk"}
FILE = {
    "fancyhdr.sty": "texlive-latex-base",
    "polyglossia.sty": "texlive-latex-recommended",
    "hyph-it.tex": "texlive-lang-italian",
    "tcolorbox.sty": "texlive-latex-extra",
    "fontsize.sty": "texlive-latex-extra",
    "pgfplots.sty": "texlive-pictures",
    "texgyrepagella-regular.otf": "fonts-texgyre",
    "texgyrepagella-math.otf": "fonts-texgyre-math",
    "DejaVuSansMono.ttf": "fonts-dejavu-core",
    "DejaVuSansMono-Oblique.ttf": "fonts-dejavu-extra",
}


@dataclass(frozen=True)
class Edizione:
    """Quale libro di carta: bilingue o italiano, in corpo normale o grande. Il libro.tex è lo stesso."""

    italiana: bool = False
    grande: bool = False

    @property
    def nome(self) -> str:
        grande = "-grande" if self.grande else ""
        italiana = "-it" if self.italiana else ""
        return f"libro{grande}{italiana}"

    @property
    def descrizione(self) -> str:
        lingue = "solo italiano" if self.italiana else "bilingue"
        return f"{lingue}, a caratteri grandi" if self.grande else lingue

    @property
    def sorgente(self) -> str:
        """Il file che dichiara l’edizione e legge libro.tex; la prima edizione è libro.tex stesso."""
        italiana = "\\def\\edizioneItaliana{}" if self.italiana else ""
        grande = "\\def\\edizioneGrande{}" if self.grande else ""
        return f"{italiana}{grande}\\input{{libro.tex}}\n"


def esige_latex() -> None:
    """Errore con i nomi se a LaTeX manca qualcosa; si chiama prima di eseguire i capitoli."""
    mancano = {nome: pacchetto for nome, pacchetto in COMANDI.items() if not shutil.which(nome)}
    if not mancano:
        trovati = subprocess.run(["kpsewhich", *FILE], capture_output=True, text=True).stdout.split("\n")
        presenti = {Path(riga).name for riga in trovati}
        mancano = {nome: pacchetto for nome, pacchetto in FILE.items() if nome not in presenti}
    if mancano:
        elenco = ", ".join(f"{nome} ({pacchetto})" for nome, pacchetto in mancano.items())
        raise ErroreUscita(
            f"per il PDF a LaTeX manca: {elenco}\n"
            "  Debian e Ubuntu: sudo apt-get install --no-install-recommends $(cat apt.txt)\n"
            "  Mac: MacTeX, da https://www.tug.org/mactex/"
        )


def componi(cartella: Path, edizione: Edizione) -> Path:
    """Compone il libro.tex di ``cartella`` in quell’edizione; rende il PDF."""
    if edizione.nome != "libro":
        (cartella / f"{edizione.nome}.tex").write_text(edizione.sorgente, encoding="utf-8")
    comando = ["latexmk", "-xelatex", "-interaction=nonstopmode", "-halt-on-error", "-silent", f"{edizione.nome}.tex"]
    processo = subprocess.run(comando, cwd=cartella, capture_output=True, text=True, errors="replace")
    diario = leggi_diario(cartella, edizione)
    if processo.returncode:
        errore = re.search(r"^! .*?^l\.\d+[^\n]*", diario, re.M | re.S)
        raise ErroreUscita(
            f"LaTeX si è fermato; il suo diario è {cartella / edizione.nome}.log\n"
            + (errore[0] if errore else processo.stderr.strip()[-800:])
        )
    return cartella / f"{edizione.nome}.pdf"


def leggi_diario(cartella: Path, edizione: Edizione) -> str:
    diario = cartella / f"{edizione.nome}.log"
    return diario.read_text(encoding="utf-8", errors="replace") if diario.exists() else ""


def pagine(diario: str) -> int:
    return int(re.findall(r"Output written on .*?\((\d+) pages?", diario, re.S)[-1])


def guasti(diario: str, oltre: float = 5) -> list[str]:
    """Caratteri mancanti, rimandi senza meta, righe più larghe della pagina di ``oltre`` punti."""
    testo = re.sub(r"(?<=[^\n]{79})\n", "", diario)  # LaTeX spezza il diario ogni 79 caratteri
    trovati = re.findall(r"Missing character: .*", testo)
    trovati += re.findall(r".*(?:Reference|Citation|Hyper reference) .*undefined.*", testo)
    for quanto, dove in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\) (.*)", testo):
        if float(quanto) > oltre:
            trovati.append(f"riga più larga di {float(quanto):.0f} punti: {dove}")
    return trovati
