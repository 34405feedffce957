"""I capitoli si eseguono l’uno accanto all’altro, prima che Sphinx li legga.

MyST-NB li esegue uno dopo l’altro, mentre li legge. Qui, appena si sa quali pagine vanno lette, i capitoli che non
hanno già le loro uscite in ``.jupyter_cache`` si eseguono tutti, uno per core, il più lungo per primo, ciascuno con un
thread di calcolo: ciò che scrivono non dipende da quanti core ha la macchina. MyST-NB trova poi le uscite già pronte.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from myst_nb.core.read import create_nb_reader
from sphinx.errors import ExtensionError

from .ambiente import quanti_core

TEMPO = re.compile(r"^:tempo:\s*(\d+)", re.M)
"""La riga con cui un capitolo dice quanti secondi chiede, nella sua ``{tappa}``."""


@dataclass(frozen=True)
class Capitolo:
    """Un capitolo da eseguire; ``secondi`` è quanto dice di durare, e serve a scegliere l’ordine."""

    file: Path
    quaderno: nbformat.NotebookNode
    secondi: int

    @property
    def nome(self) -> str:
        return self.file.stem


def esegui(capitoli: Sequence[Capitolo], cartella: Path, attesa: int, insieme: int | None = None) -> None:
    """Esegue i capitoli, ``insieme`` per volta (quanti sono i core), e ne mette le uscite in ``cartella``.

    ``attesa``: i secondi concessi a ogni cella. Errori: ExtensionError se una cella fallisce, con capitolo, cella ed
    errore; gli altri capitoli finiscono, e le loro uscite restano per la volta dopo.
    """
    insieme = min(insieme or quanti_core(), len(capitoli))
    in_ordine = sorted(capitoli, key=lambda capitolo: -capitolo.secondi)
    memoria, guasti = get_cache(cartella), []
    with ProcessPoolExecutor(insieme) as processi:
        coda = iter(in_ordine)
        in_corso = {}

        def comincia() -> None:
            if capitolo := next(coda, None):
                lavoro = processi.submit(_esegui_uno, capitolo.quaderno, str(capitolo.file.parent), attesa)
                in_corso[lavoro] = capitolo

        for _ in range(insieme):
            comincia()
        progresso = Progresso(len(in_ordine))
        while in_corso:
            progresso.scrivi([capitolo.nome for capitolo in in_corso.values()])
            finiti, _ = wait(in_corso, return_when=FIRST_COMPLETED)
            for lavoro in finiti:
                capitolo, esito = in_corso.pop(lavoro), lavoro.result()
                comincia()
                progresso.finito()
                if esito.err:
                    guasti.append(f"{capitolo.file}: la cella non si esegue\n{esito.exc_string}")
                    continue
                dati = {"execution_seconds": esito.time}
                memoria.cache_notebook_bundle(
                    CacheBundleIn(esito.nb, str(capitolo.file), data=dati), check_validity=False, overwrite=True
                )
        progresso.chiudi()
    if guasti:
        raise ExtensionError("\n\n".join(guasti))


def _esegui_uno(quaderno: nbformat.NotebookNode, cartella: str, attesa: int) -> ExecutionResult:
    """Nel processo figlio: come farebbe MyST-NB. L’errore viaggia in parole, che attraversano i processi.

    Un kernel lento manda in più pezzi ciò che una cella stampa, e MyST-NB va a capo fra l’uno e l’altro: qui si
    ricuciono come sono.
    """
    opzioni = {"extra_arguments": ["--IPKernelApp.log_level=ERROR"], "coalesce_streams": True}
    esito = single_nb_execution(quaderno, cwd=cartella, timeout=attesa, allow_errors=False, **opzioni)
    esito.err = esito.err and str(esito.err)
    return esito


class Progresso:
    """Una riga che dice quali capitoli si stanno eseguendo e quanti ne restano.

    Sul terminale si riscrive al suo posto; altrove se ne scrive una per capitolo finito.
    """

    def __init__(self, quanti: int):
        self.quanti, self.fatti, self.inizio = quanti, 0, time.monotonic()
        self.terminale = sys.stderr.isatty()

    def finito(self) -> None:
        self.fatti += 1

    def scrivi(self, nomi: list[str]) -> None:
        restano = self.quanti - self.fatti
        quanti = "ne resta 1" if restano == 1 else f"ne restano {restano}"
        riga = f"Capitoli eseguiti: {self.fatti} su {self.quanti}, {quanti}; ora {', '.join(nomi)}"
        if self.terminale:
            larghezza = os.get_terminal_size(sys.stderr.fileno()).columns - 1
            print("\r\x1b[K" + riga[:larghezza], end="", file=sys.stderr, flush=True)
        else:
            print(riga, file=sys.stderr, flush=True)

    def chiudi(self) -> None:
        from attenzione.device import describe_device, pick_device  # carica PyTorch: soltanto se si è eseguito

        secondi = time.monotonic() - self.inizio
        riga = f"Capitoli eseguiti: {self.fatti}, in {secondi:.0f} s, su {describe_device(pick_device())}"
        print(("\r\x1b[K" if self.terminale else "") + riga, file=sys.stderr, flush=True)


# ---------------------------------------------------------------- prima che Sphinx legga


def da_eseguire(app, env, nomi: Sequence[str]) -> Iterator[Capitolo]:
    """I capitoli fra ``nomi`` che hanno celle e non le loro uscite in memoria; di due con le stesse celle, il primo."""
    memoria, visti = get_cache(env.mystnb_config.execution_cache_path), set()
    for nome in nomi:
        file = Path(env.doc2path(nome))
        testo = file.read_text(encoding="utf-8")
        lettore = create_nb_reader(str(file), env.myst_config, env.mystnb_config, testo)
        if lettore is None:
            continue
        quaderno = lettore.read(testo)
        _, chiave = memoria.create_hashed_notebook(quaderno)
        if chiave in visti or not any(cella.cell_type == "code" for cella in quaderno.cells):
            continue
        visti.add(chiave)
        try:
            memoria.match_cache_notebook(quaderno)
        except KeyError:
            secondi = TEMPO.search(testo)
            yield Capitolo(file, quaderno, int(secondi[1]) if secondi else 0)


def prima_di_leggere(app, env, nomi: list[str]) -> None:
    """Esegue ciò che manca; con l’esecuzione spenta (i quaderni) non fa nulla."""
    if env.mystnb_config.execution_mode != "cache":
        return
    capitoli = list(da_eseguire(app, env, nomi))
    if capitoli:
        cartella = Path(env.mystnb_config.execution_cache_path)
        esegui(capitoli, cartella, env.mystnb_config.execution_timeout)


def annuncia(app, env):
    """Da qui in poi non c’è più nulla da eseguire; il racconto di Sphinx va nel suo diario."""
    if env.mystnb_config.execution_mode == "cache":
        print("Compongo le pagine", file=sys.stderr, flush=True)


def setup(app):
    app.connect("env-before-read-docs", prima_di_leggere)
    app.connect("env-updated", annuncia)
