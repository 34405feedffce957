"""I guasti da piantare nella libreria, e quali affermazioni diventano rosse per ciascuno.

Stanno in piantati/*.diff, un file per stanza della libreria, scritti così:

    # √d_model tolto dall’embedding
    rosse: radice-di-dmodel
    --- embedding.py
    -        return nn.functional.embedding(tokens, self.E) * math.sqrt(self.E.size(1))
    +        return nn.functional.embedding(tokens, self.E)

Le righe con «-» diventano quelle con «+», quelle con uno spazio restano; di fila, nel file stanno in un posto solo.

    python tests/affermazioni/guasti.py              guasto → affermazioni rosse, fra quelle attese, in JSON
    python tests/affermazioni/guasti.py tutte        fra tutte quelle con una prova svelta
    python tests/affermazioni/guasti.py «nome»…      quei guasti soltanto, con ciò che ne dice pytest

PyTorch si importa una volta; poi un processo figlio per guasto importa la libreria guasta ed esegue le prove, con ciò
che l’articolo afferma. Rossa è l’affermazione la cui tesi cade: un errore qualsiasi non la fa rossa.
"""

import contextlib
import gc
import io
import json
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from lettore.affermazioni import leggi_prove

RADICE = Path(__file__).resolve().parents[2]
LIBRERIA = RADICE / "code" / "attenzione"
PIANTATI = Path(__file__).with_name("piantati")

SENZA_GUASTO = {
    "stato-dal-precedente": "la rete ricorrente è quella di PyTorch: la libreria non c’entra",
    "convs2s-lineare": "la convoluzione è quella di PyTorch: la libreria non c’entra",
    "bytenet-logaritmico": "la convoluzione è quella di PyTorch: la libreria non c’entra",
}
"""Le affermazioni conformi o misurate che nessun guasto della libreria può smentire, e perché."""

NESSUNO = "nessun guasto"
"""Il controllo: la libreria sana, con tutte le prove che vedono un guasto. Non deve diventare rossa nessuna."""

ATTESA = 300
"""I secondi che si aspettano per un guasto: oltre, il suo processo è morto o non finisce."""

OPZIONI = ("-qq", "-s", "--no-header", "--tb=short", "--assert=plain")
OPZIONI += ("-pno:cacheprovider", "-pno:unraisableexception", "-pno:threadexception")
"""Di pytest solo ciò che serve: i plugin e gli assert riscritti costano più delle prove."""


@dataclass(frozen=True)
class Guasto:
    """rosse: le affermazioni attese; scambi: (file, prima, dopo), a righe intere."""

    rosse: tuple[str, ...]
    scambi: tuple[tuple[str, str, str], ...]


def leggi_guasti():
    """Nome → Guasto. Errori: ValueError se due hanno lo stesso nome, o una riga non è di un diff."""
    guasti = {}
    for file in sorted(PIANTATI.glob("*.diff")):
        for testo in re.split(r"^# ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            nome, rosse, corpo = testo.split("\n", 2)
            if nome in guasti:
                raise ValueError(f"{file.name}: il guasto «{nome}» c’è due volte")
            scambi = map(leggi_scambio, re.split(r"^--- ", corpo, flags=re.MULTILINE)[1:])
            guasti[nome] = Guasto(tuple(rosse.removeprefix("rosse: ").split(", ")), tuple(scambi))
    return guasti


def leggi_scambio(pezzo):
    file, *righe = pezzo.rstrip("\n").split("\n")
    if estranee := [riga for riga in righe if not riga.startswith(("-", "+", " "))]:
        raise ValueError(f"{file}: la riga «{estranee[0]}» non comincia con «-», «+» o uno spazio")
    return file, *("".join(f"{riga[1:]}\n" for riga in righe if riga[0] in segni) for segni in ("- ", "+ "))


def pianta(scambi, dove):
    """La libreria guasta in ``dove``: i file cambiati, e rimandi a quelli sani, bytecode compreso."""
    shutil.copytree(LIBRERIA, dove / "attenzione", copy_function=os.symlink)
    for nome, prima, dopo in scambi:
        file = dove / "attenzione" / nome
        testo = "\n" + file.read_text(encoding="utf-8")
        if (volte := testo.count("\n" + prima)) != 1:
            raise ValueError(f"in {nome} «{prima}» compare {volte} volte: il guasto non si pianta")
        file.unlink()
        file.write_text(testo.replace("\n" + prima, "\n" + dopo)[1:], encoding="utf-8")
        os.utime(file, (0, 0))  # di un’altra data: il bytecode di quello sano non vale


class Raccolta:
    """Tiene ciò che l’articolo afferma, delle prove chieste o soltanto delle svelte, e segna le tesi che cadono."""

    def __init__(self, svelte):
        self.svelte, self.rosse = svelte, set()

    def pytest_collection_modifyitems(self, items):
        items[:] = [voce for voce in items if self.serve(voce)]

    def serve(self, voce):
        vera = hasattr(voce.function, "affermazione") and "vero" in voce.callspec.id.split("-")
        return vera and not (self.svelte and voce.get_closest_marker("lento"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        if call.excinfo is not None and call.excinfo.typename == "Smentita":
            self.rosse.add(item.function.affermazione)
        return (yield)


def prova(lavoro):
    """Nel processo figlio: pianta il guasto ed esegue le prove. Rende (guasto, rosse, ciò che dice pytest)."""
    nome, scambi, luoghi, svelte = lavoro
    with tempfile.TemporaryDirectory() as cartella:
        pianta(scambi, Path(cartella))
        sys.path.insert(0, cartella)
        raccolta, detto = Raccolta(svelte), io.StringIO()
        with contextlib.redirect_stdout(detto):
            stato = pytest.main([*OPZIONI, *luoghi], plugins=[raccolta])
        import attenzione

        assert attenzione.__file__.startswith(cartella), "le prove non hanno visto la libreria guasta"
    if stato not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"«{nome}»: le prove non si sono eseguite\n{detto.getvalue()[-3000:]}")
    return nome, sorted(raccolta.rosse), detto.getvalue()


def segui(padre):
    """Se il processo ``padre`` finisce, ucciso o interrotto, finisce anche questo."""

    def guarda():
        while os.getppid() == padre:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=guarda, daemon=True).start()


def main(argomenti):
    segui(os.getppid())
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    import matplotlib.pyplot  # noqa: F401
    import sympy  # noqa: F401
    import torch.utils.flop_counter  # noqa: F401

    guasti, luoghi, tutte = leggi_guasti(), {}, "tutte" in argomenti
    for ident, prove in leggi_prove(RADICE).items():
        luoghi[ident] = [str(RADICE / prova.luogo) for prova in prove]
    scelti = [nome for nome in argomenti if nome != "tutte"]
    lavori = []
    viste = {ident for guasto in guasti.values() for ident in guasto.rosse}
    guasti = {NESSUNO: Guasto(tuple(sorted(viste)), ())} | guasti
    for nome in scelti or guasti:
        chieste = luoghi if tutte else guasti[nome].rosse
        lavori.append((nome, guasti[nome].scambi, [luogo for ident in chieste for luogo in luoghi[ident]], tutte))
    gc.freeze()  # i figli non ripassano ciò che è già qui
    esito = {}
    with multiprocessing.get_context("fork").Pool(2, segui, (os.getpid(),), maxtasksperchild=1) as figli:
        arrivano = figli.imap(prova, lavori)
        for _ in lavori:
            nome, esito[nome], detto = arrivano.next(ATTESA)
            if scelti:
                print(f"{nome}\n{detto}", file=sys.stderr)
    print(json.dumps(esito, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
