"""Il costruttore dei soli quaderni, e quelli che stanno accanto alle pagine."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
from sphinx.builders.dummy import DummyBuilder
from sphinx_exercise.nodes import exercise_enumerable_node
from sphinx_exercise.utils import get_node_number

from .capitolo import quaderno
from .indirizzi import nome_nel_ramo


class Quaderni(DummyBuilder):
    """Scrive i soli quaderni, con i nomi che hanno nel loro ramo; non compone pagine."""

    name = "quaderni"
    epilog = ""

    def init(self):
        super().init()
        shutil.rmtree(self.outdir)  # i quaderni di capitoli che non ci sono più
        self.outdir.mkdir()


def figura_non_eseguita(app, env, nodo, contenuto):
    """Le figure nascono da celle che qui non girano: del rimando restano le parole."""
    if app.builder.name == Quaderni.name and nodo["reftarget"].startswith("fig-"):
        return contenuto
    return None


def file_del_quaderno(app, docname) -> Path:
    if app.builder.name == Quaderni.name:
        return Path(app.outdir, nome_nel_ramo(docname))
    return Path(app.outdir, "_sources", f"{docname}.ipynb")


def prepara(app, doctree, docname):
    """Scrive il quaderno di ogni capitolo; va fatto prima che le formule diventino HTML."""
    if app.builder.name not in ("html", Quaderni.name) or "kernelspec" not in app.env.metadata[docname]:
        return
    for esercizio in doctree.findall(exercise_enumerable_node):
        esercizio["titolo"] = f"Esercizio {get_node_number(app, esercizio, 'exercise')}"
    file = file_del_quaderno(app, docname)
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(quaderno(doctree, app.config.lettore_ambiente.deposito), file)


def setup(app):
    app.add_builder(Quaderni)
    app.connect("missing-reference", figura_non_eseguita)
    app.connect("doctree-resolved", prepara, priority=800)
