"""Il libro di carta: LaTeX, e il PDF di ogni edizione."""

from __future__ import annotations

import sys
from pathlib import Path

from lettore.uscite import Lavoro, Righe, Uscita

from . import latex, nodi
from .edizioni import Edizione, componi, esige_latex, guasti, leggi_diario, pagine


def completa(lavoro: Lavoro) -> tuple[Path, Righe]:
    """Compone il PDF nell’edizione chiesta; dice ciò che il diario di LaTeX rivela. Errori: ErroreUscita."""
    edizione = Edizione(italiana=lavoro.ambiente.lingua == "it", grande="grande" in lavoro.varianti)
    print("\nCompongo il PDF: qualche minuto.", flush=True)
    file = componi(lavoro.costruito / USCITA.cartella, edizione)
    diario = leggi_diario(file.parent, edizione)
    for guasto in guasti(diario):
        print(f"  attenzione {guasto}", file=sys.stderr)
    misure = f"{pagine(diario)} pagine, {file.stat().st_size / 1e6:.1f} MB"
    return file, [("edizione", f"{edizione.descrizione}: {misure}")]


USCITA = Uscita(
    costruttore="latex",
    cartella="latex",
    completa=completa,
    opzione="pdf",
    aiuto="compone il PDF; LINGUA=it lascia fuori l’inglese",
    varianti={"grande": "con --pdf: a caratteri grandi"},
    esige=esige_latex,
)


def setup(app):
    nodi.setup(app)
    latex.setup(app)
