"""Ciò che una pagina mostra delle altre: titoli, ordine, luoghi dei blocchi, parole inglesi, numeri dei riferimenti.

Sphinx riscrive le pagine il cui sorgente è cambiato. Se cambia qualcosa di questo intreccio si riscrivono tutte: così
rifare il libro dopo una modifica dà le stesse pagine che farlo da capo.
"""

from __future__ import annotations

import hashlib
import json

from lettore.glossario import leggi_voci

from .affermazione import AFFERMAZIONI
from .luoghi import BLOCCHI


def intreccio(env) -> dict:
    return {
        "sommari": {doc: sommario.astext() for doc, sommario in env.tocs.items()},
        "ordine": env.toctree_includes,
        "blocchi": {ident: doc for ident, (doc, _) in BLOCCHI.di(env).items()},
        "affermazioni": {ident: doc for ident, (doc, _) in AFFERMAZIONI.di(env).items()},
        "termini": {voce.it: voce.en for voce in leggi_voci()},
        "riferimenti": sorted({citazione.key for citazione in env.get_domain("cite").citations}),
    }


def da_riscrivere(app, env):
    testo = json.dumps(intreccio(env), sort_keys=True)
    prima, env.lettore_intreccio = getattr(env, "lettore_intreccio", None), hashlib.sha256(testo.encode()).hexdigest()
    if prima not in (None, env.lettore_intreccio):
        return sorted(env.all_docs)
    return con_voci_d_indice(env)


def con_voci_d_indice(env) -> list[str]:
    """Le pagine con voci d’indice: Sphinx dimentica, nella ricerca, quelle delle pagine che non riscrive."""
    return sorted(doc for doc, voci in env.get_domain("index").entries.items() if voci)


def setup(app):
    app.connect("env-updated", da_riscrivere)
