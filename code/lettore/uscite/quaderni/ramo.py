"""Il ramo «notebooks»: accanto ai quaderni, l’indice, le licenze, i file per Binder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import yaml

from .indirizzi import indirizzi_di_lancio, nome_nel_ramo, pacchetto

LICENZE = ("LICENSE", "LICENSE-TESTO", "NOTICE")
CHIUSA = """\
Codice [MIT](LICENSE), testi [CC BY-SA 4.0](LICENSE-TESTO); l’articolo è dei suoi autori ([NOTICE](NOTICE)).
"""
SEZIONI = ("chapters", "sections")  # come _toc.yml annida i capitoli


def capitoli(voci: list[dict], livello: int = 0) -> Iterator[tuple[int, str]]:
    """(livello, documento) di ogni voce di ``_toc.yml``, nell’ordine di lettura."""
    for voce in voci:
        yield livello, voce["file"]
        for chiave in SEZIONI:
            yield from capitoli(voce.get(chiave, []), livello + 1)


def titolo(file: Path) -> str:
    testi = (c.source for c in nbformat.read(file, as_version=4).cells if c.cell_type == "markdown")
    return next(riga[2:] for testo in testi for riga in testo.splitlines() if riga.startswith("# "))


def indice(radice: Path, uscita: Path, deposito: str) -> str:
    """Il README del ramo: che cos’è, come si eseguono i quaderni, l’elenco per parti."""
    righe = ["# I quaderni di «L’attenzione è tutto ciò che serve»", ""]
    righe += [
        "Un quaderno per capitolo, senza uscite: si eseguono da cima a fondo, su CPU o su GPU, e la prima cella",
        "procura il pacchetto `attenzione`. Li scrive `make quaderni`: le correzioni vanno fatte nei capitoli",
        f"del [libro]({deposito})." if deposito else "del libro.",
        "",
    ]
    righe += ["```sh", f'pip install jupyterlab "{pacchetto(deposito)}"', "jupyter lab", "```"]
    sommario = yaml.safe_load((radice / "_toc.yml").read_text("utf-8"))
    copertina = {"caption": "La copertina", "chapters": [{"file": sommario["root"]}]}
    for parte in [copertina, *sommario["parts"]]:
        voci = []
        for livello, documento in capitoli(parte["chapters"]):
            nome = nome_nel_ramo(documento)
            if (uscita / nome).exists():
                altrove = [f"[{servizio}]({url})" for servizio, url in indirizzi_di_lancio(documento, deposito).items()]
                voci.append(" · ".join([f"{'  ' * livello}- [{titolo(uscita / nome)}]({nome})", *altrove]))
        righe += ["", f"## {parte['caption']}", "", *voci] if voci else []
    return "\n".join([*righe, "", CHIUSA])


def accompagna(radice: Path, uscita: Path, deposito: str) -> None:
    """Accanto ai quaderni: l’indice, le licenze e, se si sa da dove viene il pacchetto, i file per Binder."""
    (uscita / "README.md").write_text(indice(radice, uscita, deposito), encoding="utf-8")
    for nome in LICENZE:
        shutil.copy(radice / nome, uscita)
    if deposito:
        shutil.copy(radice / "requirements.lock", uscita)
        shutil.copytree(radice / "binder", uscita / "binder")
        richieste = uscita / "binder" / "requirements.txt"
        testo = richieste.read_text("utf-8").replace(".[valutazione]", pacchetto(deposito))
        richieste.write_text(testo, encoding="utf-8")
