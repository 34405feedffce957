"""I quaderni da scaricare: validi, puliti, con le due lingue, e capaci di girare da soli."""

import copy
import os
import random
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import nbformat
import pytest
from fabbrica import RADICE

from lettore.ambiente import Ambiente, quanti_core, variabili_dei_figli
from lettore.inventario import PROSA, leggi_inventario, normalizza
from lettore.notazione import macro_katex

CAPITOLI = {
    file.stem: file.relative_to(RADICE).with_suffix(".ipynb")
    for file in sorted((RADICE / "chapters").rglob("*.md"))
    if "kernelspec:" in file.read_text(encoding="utf-8")
}
CON_CELLE = [n for n, f in CAPITOLI.items() if "{code-cell}" in (RADICE / f.with_suffix(".md")).read_text("utf-8")]
PER_ANCORA = {b.id.replace(".", "-"): b for b in leggi_inventario().values()}

AVANZI = re.compile(r"(?<!\$)\{[a-z-]+\}`|^\s*:{3,}|^\s*`{3,}\{|<div|\[\]\(|\(#", re.M)
MACRO = re.compile("|".join(rf"\\{re.escape(m[1:])}(?![A-Za-z])" for m in macro_katex()))


def quaderno(libro, nome) -> nbformat.NotebookNode:
    return nbformat.read(libro.html / "_sources" / CAPITOLI[nome], as_version=4)


def codice(quaderno) -> list[nbformat.NotebookNode]:
    """Le celle di codice del capitolo: senza la prima, che procura il pacchetto e nella pagina non c’è."""
    return [c for c in quaderno.cells if c.cell_type == "code" and "ambiente" not in c.metadata.get("tags", ())]


def prosa(quaderno) -> str:
    return "\n\n".join(c.source for c in quaderno.cells if c.cell_type == "markdown")


def nudo(markdown: str) -> str:
    """Le sole parole, come le vuole il confronto: senza formule, citazioni, segni di nota."""
    senza = re.sub(r"\$\$.*?\$\$|\$[^$]*\$|<sup>.*?</sup>|\[[\dN, ]+\]", " ", markdown, flags=re.S)
    return normalizza(senza)


def parole(lato) -> str:
    """Le parole di una colonna della pagina, ridotte allo stesso modo; di una glossa, se è sola."""
    lato = copy.copy(lato)
    for parte in lato.select(".math, details.glossa, .scheda, sup"):
        parte.decompose()
    return nudo(lato.get_text())


@pytest.mark.parametrize("nome", CAPITOLI)
def test_il_quaderno_e_valido_e_pulito(libro, nome):
    q = quaderno(libro, nome)
    nbformat.validate(q)
    assert AVANZI.findall(prosa(q)) == []
    assert MACRO.findall(prosa(q)) == []
    assert not any(c.get("outputs") or c.get("execution_count") for c in q.cells if c.cell_type == "code")
    assert prosa(q).count("\n# ") == 1  # un solo titolo


@pytest.mark.parametrize("nome", CAPITOLI)
def test_il_quaderno_ha_le_due_lingue_e_il_codice_della_pagina(libro, nome):
    pagina = libro.pagine[str(CAPITOLI[nome].with_suffix(".html"))]
    q = quaderno(libro, nome)
    citato = nudo("\n".join(r.lstrip("> ") for r in prosa(q).splitlines() if r.lstrip().startswith(">")))
    tutto = nudo(prosa(q))
    for blocco in pagina.select(".blocco"):
        voce = PER_ANCORA[blocco["id"]]
        if voce.kind in PROSA:
            assert parole(blocco.select_one(".lato-it")) in tutto, voce.id
            assert parole(blocco.select_one(".lato-en")) in citato, voce.id
    nella_pagina = [c.get_text().strip() for c in pagina.select(".cell_input pre")]
    assert [c.source.strip() for c in codice(q)] == nella_pagina


@pytest.mark.parametrize("nome", CAPITOLI)
def test_il_quaderno_si_scarica_dalla_pagina(libro, nome):
    pagina = CAPITOLI[nome].with_suffix(".html")
    (voce,) = libro.pagine[str(pagina)].select('.dropdown-download-buttons a[href$=".ipynb"]')
    file = libro.html / pagina.parent / voce["href"]
    assert file.resolve() == (libro.html / "_sources" / CAPITOLI[nome]).resolve()


# ---------------------------------------------------------------- eseguiti da soli

TUTTI = os.environ.get("QUADERNI") == "tutti"
"""Una volta al mese si eseguono tutti; a ogni prova, tre scelti dal giorno."""


def esegui(file: Path) -> subprocess.CompletedProcess:
    comando = [sys.executable, "-m", "nbconvert", "--execute", "--to", "notebook", "--output", "fatto", file]
    return subprocess.run(comando, cwd=file.parent, env=variabili_dei_figli(Ambiente()), capture_output=True, text=True)


@pytest.fixture(scope="module")
def eseguiti(senza, tmp_path_factory) -> dict[str, tuple[Path, subprocess.CompletedProcess]]:
    """Nome → quaderno ed esito dei capitoli scelti, ciascuno in una cartella dove non c’è altro."""
    scelti = CON_CELLE if TUTTI else random.Random(date.today().toordinal()).sample(CON_CELLE, 3)
    file = {nome: tmp_path_factory.mktemp(nome) / Path(CAPITOLI[nome]).name for nome in scelti}
    for nome in scelti:
        shutil.copy(senza.html / "_sources" / CAPITOLI[nome], file[nome])
    with ThreadPoolExecutor(quanti_core() if TUTTI else 1) as lavori:
        esiti = list(lavori.map(esegui, file.values()))
    return {nome: (file[nome], esito) for nome, esito in zip(scelti, esiti, strict=True)}


@pytest.mark.lento
def test_i_quaderni_girano_da_soli(eseguiti):
    """In una cartella vuota, con il solo pacchetto installato."""
    assert {nome: esito.stderr[-3000:] for nome, (_, esito) in eseguiti.items() if esito.returncode} == {}
    for nome, (file, _) in eseguiti.items():
        fatto = nbformat.read(file.with_name("fatto.ipynb"), as_version=4)
        celle = [c for c in fatto.cells if c.cell_type == "code"]
        assert all(c.execution_count for c in celle if c.source), nome
        assert "find_spec" in celle[0].source and celle[0].outputs == [], nome  # il pacchetto c’era: nulla da fare


NOMI = r"<dc:date>.*?</dc:date>|\bp[0-9a-f]{10}\b"  # la data, e i nomi che matplotlib inventa per i ritagli


def uscite(cella) -> dict[str, list[str]]:
    """Le uscite di una cella senza i metadati d’esecuzione: flussi di testo, testi e disegni."""
    trovate: dict[str, list[str]] = {}
    for uscita in cella.outputs:
        if uscita.output_type == "stream":  # il kernel può spezzare un flusso in pezzi diversi
            trovate[uscita.name] = ["".join([*trovate.get(uscita.name, []), uscita.text])]
        for tipo, dati in uscita.get("data", {}).items():
            if tipo != "application/pdf":  # lo stesso disegno, per la stampa
                trovate.setdefault(tipo, []).append(re.sub(NOMI, "", str(dati)))
    return trovate


@pytest.fixture(scope="module")
def nella_pagina(senza) -> dict[tuple[str, ...], list[dict]]:
    """Codice delle celle di un capitolo → le uscite che la costruzione ha messo nella pagina."""
    eseguiti = {}
    for file in (senza.html.parent / ".jupyter_cache/executed").glob("*/base.ipynb"):
        celle = [c for c in nbformat.read(file, as_version=4).cells if c.cell_type == "code"]
        eseguiti[tuple(c.source.strip() for c in celle)] = [uscite(c) for c in celle]
    return eseguiti


@pytest.mark.lento
def test_da_soli_danno_gli_stessi_numeri(eseguiti, nella_pagina):
    """Cella per cella, ciò che il quaderno scrive e disegna è ciò che sta nella pagina; le misure no."""
    diverse = []
    for nome, (file, esito) in eseguiti.items():
        assert esito.returncode == 0, nome
        celle = codice(nbformat.read(file.with_name("fatto.ipynb"), as_version=4))
        attese = nella_pagina[tuple(c.source.strip() for c in celle)]
        for n, (cella, attesa) in enumerate(zip(celle, attese, strict=True)):
            if uscite(cella) != attesa and "misura" not in cella.metadata.get("tags", []):
                diverse.append((nome, n))
    assert diverse == [], f"celle con altre uscite: {diverse}"


def test_un_uscita_diversa_si_vede():
    def cella(numero, data):
        disegno = f"<svg><dc:date>{data}</dc:date>{numero}</svg>"
        return nbformat.v4.new_code_cell(
            "x",
            outputs=[
                nbformat.v4.new_output("stream", name="stdout", text="perdita "),
                nbformat.v4.new_output("stream", name="stdout", text=f"{numero}"),
                nbformat.v4.new_output("display_data", data={"image/svg+xml": disegno, "application/pdf": data}),
            ],
        )

    assert uscite(cella(1, "ieri")) == uscite(cella(1, "oggi")) != uscite(cella(2, "ieri"))
