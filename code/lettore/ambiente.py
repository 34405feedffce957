"""Ciò che chi costruisce il libro chiede con le variabili d’ambiente: si legge qui, una volta, e poi si passa.

``ORIGINALE``, il percorso dell’e-print o «no»; ``PUBBLICO``, «1» o «con-originale», e ``INDIRIZZO`` per il sito in
rete; ``DEPOSITO``, l’indirizzo pubblico del progetto, che i quaderni danno a pip e a Binder; ``LINGUA``, per la carta;
``SOURCE_DATE_EPOCH``, la data da scrivere nell’EPUB.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SENZA, CON = "1", "con-originale"


class ErroreAmbiente(ValueError):  # noqa: N818
    """Una variabile d’ambiente ha un valore che non si capisce: il messaggio dice quale e che cosa era atteso."""


@dataclass(frozen=True)
class Ambiente:
    """Le richieste di chi costruisce, con i valori delle variabili; vuote se non ci sono.

    Errori: ErroreAmbiente se un valore non è ammesso, o se due si contraddicono.
    """

    originale: str = ""
    pubblico: str = ""
    indirizzo: str = ""
    deposito: str = ""
    lingua: str = ""
    data: str = ""

    def __post_init__(self):
        if self.pubblico not in ("", SENZA, CON):
            raise ErroreAmbiente(
                f"PUBBLICO={self.pubblico}: atteso 1 (senza l’inglese degli autori) o {CON} "
                "(per chi ha il diritto di pubblicarlo)"
            )
        if self.pubblico == SENZA and self.originale not in ("", "no"):
            raise ErroreAmbiente(
                f"PUBBLICO=1 e ORIGINALE={self.originale} si contraddicono: il sito pubblico non porta l’inglese degli "
                f"autori. Si toglie l’uno o l’altro; chi ha il diritto di pubblicarlo dà PUBBLICO={CON}"
            )
        if self.indirizzo and not _e_un_sito(self.indirizzo):
            raise ErroreAmbiente(
                f"INDIRIZZO={self.indirizzo.rstrip('/')}: atteso l’indirizzo del sito, come https://esempio.it/libro/"
            )
        if self.deposito and not re.fullmatch(r"(https|file)://[\w./~-]+", self.deposito):
            raise ErroreAmbiente(
                f"DEPOSITO vale «{self.deposito}»: atteso un indirizzo come https://github.com/nome/progetto"
            )
        if self.lingua not in ("", "it"):
            raise ErroreAmbiente(f"LINGUA={self.lingua}: attesa «it» (solo italiano), o niente (italiano e inglese)")
        if not re.fullmatch(r"\d*", self.data):
            raise ErroreAmbiente(f"SOURCE_DATE_EPOCH={self.data}: attesi i secondi dal 1970")

    @property
    def senza_originale(self) -> bool:
        """Se l’inglese degli autori va lasciato fuori, anche se ``_originale/`` è già lì."""
        return self.originale == "no" or self.pubblico == SENZA


def _e_un_sito(indirizzo: str) -> bool:
    parti = urlsplit(indirizzo)
    return parti.scheme in ("http", "https") and bool(parti.netloc) and not (parti.query or parti.fragment)


def leggi_ambiente(variabili: Mapping[str, str] = os.environ) -> Ambiente:
    """Le richieste scritte nelle variabili, con gli indirizzi in una forma sola: la barra in fondo al sito, il
    deposito senza barra e senza «.git». Errori: ErroreAmbiente."""
    indirizzo = variabili.get("INDIRIZZO", "")
    return Ambiente(
        originale=variabili.get("ORIGINALE", ""),
        pubblico=variabili.get("PUBBLICO", ""),
        indirizzo=indirizzo and indirizzo.rstrip("/") + "/",
        deposito=variabili.get("DEPOSITO", "").rstrip("/").removesuffix(".git"),
        lingua=variabili.get("LINGUA", ""),
        data=variabili.get("SOURCE_DATE_EPOCH", ""),
    )


def ambiente_del_comando() -> Ambiente:
    """L’ambiente di chi lancia un comando; se è sbagliato lo dice e il comando finisce lì."""
    try:
        return leggi_ambiente()
    except ErroreAmbiente as errore:
        raise SystemExit(f"Errore: {errore}") from None


def variabili_dei_figli(ambiente: Ambiente) -> dict[str, str]:
    """Le variabili per Sphinx e per i capitoli: le richieste di ``ambiente``, gli eseguibili di questo Python davanti
    agli altri, un thread di calcolo.

    Con più thread le somme si fanno in un altro ordine: i numeri della pagina dipenderebbero da quanti core
    ha la macchina. E un seme per gli insiemi: matplotlib sceglie da uno di essi se disegnare prima l’SVG o il
    PDF, e il secondo disegno può spostarsi di un soffio. Chi vuole altrimenti dà le due variabili.
    """
    richieste = {
        "ORIGINALE": ambiente.originale,
        "PUBBLICO": ambiente.pubblico,
        "INDIRIZZO": ambiente.indirizzo,
        "DEPOSITO": ambiente.deposito,
        "LINGUA": ambiente.lingua,
    }
    if ambiente.data:  # vuota, altri programmi non la capiscono
        richieste["SOURCE_DATE_EPOCH"] = ambiente.data
    percorso = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", **os.environ, **richieste, "PATH": percorso}


def quanti_core() -> int:
    """I core che questo processo può usare."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def metti_ambiente(app, config):
    if config.lettore_ambiente is None:
        config.lettore_ambiente = leggi_ambiente()


def setup(app):
    """Nel processo di Sphinx l’ambiente è ``app.config.lettore_ambiente``, prima che gli altri lo chiedano."""
    app.add_config_value("lettore_ambiente", None, "")
    app.connect("config-inited", metti_ambiente, priority=100)
