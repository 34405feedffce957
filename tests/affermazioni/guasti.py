"""I guasti da piantare nella libreria, e quali affermazioni diventano rosse per ciascuno.

Stanno in piantati/*.diff, ciascuno così:

    # √d_model tolto dall’embedding
    rosse: radice-di-dmodel
    --- embedding.py
    -        return nn.functional.embedding(tokens, self.E) * math.sqrt(self.E.size(1))
    +        return nn.functional.embedding(tokens, self.E)

Le righe con «-» diventano quelle con «+», quelle con uno spazio restano; quelle di prima stanno nel file una volta sola.
Si esegue come programma: importa PyTorch una volta, poi un processo figlio per guasto importa la libreria guasta ed
esegue, con ciò che l’articolo afferma, le prove delle affermazioni attese; con l’argomento «tutte», ogni prova svelta.
Rossa è l’affermazione la cui tesi cade: un errore qualsiasi no. Scrive guasto → affermazioni rosse, in JSON.
"""

import contextlib
import functools
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
    "stato-dal-precedente": "la rete ricorrente è quella di PyTorch",
    "convs2s-lineare": "la convoluzione è quella di PyTorch",
    "bytenet-logaritmico": "la convoluzione è quella di PyTorch",
}
"""Le affermazioni conformi o misurate che nessun guasto della libreria può smentire, e perché."""

SPENTE = ("cacheprovider", "unraisableexception", "threadexception")
"""I plugin di pytest che costano più delle prove, e qui non servono."""

ATTESA = 120
"""I secondi che si aspettano per un guasto: oltre, un figlio è morto o non finisce, ed è un errore."""


@dataclass(frozen=True)
class Guasto:
    """rosse: le affermazioni attese; scambi: (file, prima, dopo), righe intere."""

    rosse: tuple[str, ...]
    scambi: tuple[tuple[str, str, str], ...]


def leggi_guasti(cartella=PIANTATI):
    """Nome → Guasto. Errori: ValueError se due hanno lo stesso nome o una riga non è di un diff."""
    guasti = {}
    for file in sorted(cartella.glob("*.diff")):
        for testo in re.split(r"^# ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            nome, rosse, corpo = testo.split("\n", 2)
            if nome in guasti:
                raise ValueError(f"{file.name}: il guasto «{nome}» c’è due volte")
            pezzi = re.split(r"^--- ", corpo, flags=re.MULTILINE)[1:]
            guasti[nome] = Guasto(tuple(rosse.removeprefix("rosse: ").split(", ")), tuple(map(leggi_scambio, pezzi)))
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
        if testo.count("\n" + prima) != 1:
            volte = testo.count("\n" + prima)
            raise ValueError(f"in {nome} «{prima}» compare {volte} volte: il guasto non si pianta")
        file.unlink()
        file.write_text(testo.replace("\n" + prima, "\n" + dopo)[1:], encoding="utf-8")
        os.utime(file, (0, 0))  # il bytecode di quello sano non vale


class Raccolta:
    """Tiene le prove svelte di ciò che l’articolo afferma, e segna le affermazioni la cui tesi cade."""

    def __init__(self):
        self.rosse = set()

    def pytest_collection_modifyitems(self, items):
        items[:] = [voce for voce in items if self.serve(voce)]

    def serve(self, voce):
        sua = hasattr(voce.function, "affermazione") and "vero" in voce.callspec.id.split("-")
        return sua and not voce.get_closest_marker("lento")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        if call.excinfo is not None and call.excinfo.typename == "Smentita":
            self.rosse.add(item.function.affermazione)
        return (yield)


def prova(nome, prove):
    """Nel processo figlio: pianta il guasto ed esegue le prove. Rende (guasto, affermazioni rosse)."""
    luoghi = [str(RADICE / luogo) for luogo in prove[nome]]
    with tempfile.TemporaryDirectory() as cartella:
        pianta(leggi_guasti()[nome].scambi, Path(cartella))
        sys.path.insert(0, cartella)
        raccolta, detto = Raccolta(), io.StringIO()
        opzioni = ["-qq", "-s", "--no-header", "--tb=short", "--assert=plain", *(f"-pno:{nome}" for nome in SPENTE)]
        with contextlib.redirect_stdout(detto):
            stato = pytest.main([*opzioni, *luoghi], plugins=[raccolta])
        import attenzione

        assert attenzione.__file__.startswith(cartella), "le prove non hanno visto la libreria guasta"
    if stato not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"«{nome}»: le prove non si sono eseguite\n{detto.getvalue()[-3000:]}")
    if os.environ.get("DETTO"):
        print(f"### {nome}\n{detto.getvalue()}\nCPU {time.process_time():.2f} {nome}", file=sys.stderr)
    return nome, sorted(raccolta.rosse)


def segui(padre):
    """Se il processo ``padre`` finisce, anche ucciso, finisce anche questo."""

    def guarda():
        while os.getppid() == padre:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=guarda, daemon=True).start()


def main(argomenti):
    segui(os.getppid())
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    import matplotlib.pyplot  # noqa: F401
    import sympy  # noqa: F401
    import torch.utils.flop_counter  # noqa: F401

    luoghi = {ident: [p.luogo for p in prove] for ident, prove in leggi_prove(RADICE).items()}
    tutte = [luogo for elenco in luoghi.values() for luogo in elenco]
    guasti = leggi_guasti()
    scelti = [nome for nome in guasti if nome in argomenti] or guasti
    prove = {
        nome: tutte if "tutte" in argomenti else [luogo for ident in guasti[nome].rosse for luogo in luoghi[ident]]
        for nome in scelti
    }
    gc.freeze()
    with multiprocessing.get_context("fork").Pool(2, segui, (os.getpid(),), maxtasksperchild=1) as figli:
        arrivano = figli.imap(functools.partial(prova, prove=prove), prove)
        esito = dict(arrivano.next(ATTESA) for _ in prove)
    print(json.dumps(esito, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
