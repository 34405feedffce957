"""«make quaderni»: scrive i quaderni di tutti i capitoli in ``_build/quaderni``, pronti per il ramo «notebooks»."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import nbformat
import yaml

from .costruzione import RADICE, procura_originale
from .estensione.quaderni import RAMO, deposito, indirizzi_di_lancio, nome_nel_ramo, pacchetto
from .originale import ErroreOriginale

LICENZE = ("LICENSE", "LICENSE-TESTO", "NOTICE")
CHIUSA = """\
Codice [MIT](LICENSE), testi [CC BY-SA 4.0](LICENSE-TESTO); l’articolo è dei suoi autori ([NOTICE](NOTICE)).
"""
SEZIONI = ("chapters", "sections")  # come _toc.yml annida i capitoli


def esporta(radice: Path, uscita: Path) -> int:
    """I quaderni in ``uscita``, con Sphinx severo e senza eseguire una cella; rende lo stato di uscita.

    In un processo a parte: Sphinx trova e lascia tracce in quello che lo ospita.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processo:
        stato = processo.submit(lancia_sphinx, radice, uscita).result()
    shutil.rmtree(uscita / "_static", ignore_errors=True)  # ciò che un’estensione prepara per le pagine
    return stato


def lancia_sphinx(radice: Path, uscita: Path) -> int:
    from jupyter_book.sphinx import build_sphinx

    stato = build_sphinx(
        radice, uscita, path_config=radice / "_config.yml", builder="quaderni", doctreedir=f"{uscita}-alberi",
        confoverrides={"nb_execution_mode": "off", "latex_individualpages": False},
        noconfig=True, force_all=True, freshenv=True, quiet=True, warningiserror=True, keep_going=True,
    )  # fmt: skip
    return stato if isinstance(stato, int) else 1


def capitoli(voci: list[dict], livello: int = 0):
    """(livello, documento) di ogni voce di ``_toc.yml``, nell’ordine di lettura."""
    for voce in voci:
        yield livello, voce["file"]
        for chiave in SEZIONI:
            yield from capitoli(voce.get(chiave, []), livello + 1)


def titolo(file: Path) -> str:
    testi = (c.source for c in nbformat.read(file, as_version=4).cells if c.cell_type == "markdown")
    return next(riga[2:] for testo in testi for riga in testo.splitlines() if riga.startswith("# "))


def indice(radice: Path, uscita: Path) -> str:
    """Il README del ramo: che cos’è, come si eseguono i quaderni, l’elenco per parti."""
    righe = ["# I quaderni di «L’attenzione è tutto ciò che serve»", ""]
    righe += ["Un quaderno per capitolo, senza uscite: si eseguono da cima a fondo, su CPU o su GPU, e la prima cella",
              "procura il pacchetto `attenzione`. Li scrive `make quaderni`: le correzioni vanno fatte nei capitoli",
              f"del [libro]({deposito()})." if deposito() else "del libro.", ""]
    righe += ["```sh", f'pip install jupyterlab "{pacchetto()}"', "jupyter lab", "```"]
    for parte in yaml.safe_load((radice / "_toc.yml").read_text("utf-8"))["parts"]:
        voci = []
        for livello, documento in capitoli(parte["chapters"]):
            nome = nome_nel_ramo(documento)
            if (uscita / nome).exists():
                altrove = [f"[{servizio}]({url})" for servizio, url in indirizzi_di_lancio(documento).items()]
                voci.append(" · ".join([f"{'  ' * livello}- [{titolo(uscita / nome)}]({nome})", *altrove]))
        righe += ["", f"## {parte['caption']}", "", *voci] if voci else []
    return "\n".join([*righe, "", CHIUSA])


def accompagna(radice: Path, uscita: Path) -> None:
    """Accanto ai quaderni: l’indice, le licenze e, se si sa da dove viene il pacchetto, i file per Binder."""
    (uscita / "README.md").write_text(indice(radice, uscita), encoding="utf-8")
    for nome in LICENZE:
        shutil.copy(radice / nome, uscita)
    if deposito():
        shutil.copy(radice / "requirements.lock", uscita)
        shutil.copytree(radice / "binder", uscita / "binder")
        richieste = uscita / "binder" / "requirements.txt"
        testo = richieste.read_text("utf-8").replace(".[valutazione]", pacchetto())
        richieste.write_text(testo, encoding="utf-8")


def scrivi(radice: Path = RADICE, uscita: Path | None = None) -> int:
    """Scrive ``uscita`` (``_build/quaderni``) per intero, o la lascia com’era; rende lo stato di uscita."""
    uscita = uscita or radice / "_build" / "quaderni"
    inizio = time.monotonic()
    try:
        deposito()
        inglese = procura_originale(radice)
    except (ErroreOriginale, ValueError) as errore:
        print(f"Errore: {errore}", file=sys.stderr)
        return 1
    uscita.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=uscita.parent) as cartella:
        nuova = Path(cartella, "quaderni")
        if stato := esporta(radice, nuova):
            print("\nI quaderni non sono scritti: gli errori sono qui sopra, con file e riga.", file=sys.stderr)
            return stato
        accompagna(radice, nuova)
        shutil.rmtree(uscita, ignore_errors=True)
        nuova.rename(uscita)
    per_parte = Counter(f.parent.name for f in uscita.rglob("*.ipynb"))
    print(f"I quaderni sono pronti: {uscita}")
    print(f"  quanti     {per_parte.total()}, in {time.monotonic() - inizio:.0f} s")
    print(f"  inglese    {'degli autori: non vanno pubblicati' if inglese else 'glosse nostre'}")
    print(f"  pacchetto  {pacchetto()}")
    if not deposito():
        print(f"  Binder     no: i file per il ramo «{RAMO}» chiedono DEPOSITO=https://github.com/nome/progetto")
    return 0


if __name__ == "__main__":
    sys.exit(scrivi())
