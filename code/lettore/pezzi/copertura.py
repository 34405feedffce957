"""A libro letto: ogni sezione cominciata ha tutti i suoi blocchi, nell’ordine dell’articolo."""

from __future__ import annotations

from itertools import pairwise

from sphinx.util import logging

from lettore.inventario import capitolo, leggi_inventario

from .luoghi import BLOCCHI

LOG = logging.getLogger(__name__)
MOBILI = {"figure", "table", "caption", "note", "footnote"}  # sulla pagina non seguono l’ordine del testo


def controlla_copertura(app, env):
    """Chi comincia una sezione la finisce: ogni suo blocco, una volta, nell’ordine dell’articolo."""
    letti = BLOCCHI.di(env)
    inventario = leggi_inventario()
    iniziati = {capitolo(inventario[i]): letti[i] for i in reversed(letti)}
    for ident, voce in inventario.items():
        luogo = iniziati.get(capitolo(voce))
        if luogo and ident not in letti:
            LOG.error(
                "manca il blocco «%s» (%s), che la sezione «%s» deve avere",
                ident,
                voce.kind,
                capitolo(voce),
                location=luogo,
            )
    ordine = list(inventario)
    per_documento = {}
    for ident, (doc, riga) in letti.items():
        if inventario[ident].kind not in MOBILI:
            per_documento.setdefault(doc, []).append((riga, ordine.index(ident), ident))
    for doc, voci in per_documento.items():
        voci.sort()
        for (_, prima, _), (riga, dopo, ident) in pairwise(voci):
            if dopo < prima:
                LOG.error("blocco «%s» fuori posto: nell’articolo viene prima", ident, location=(doc, riga))


def setup(app):
    app.connect("env-check-consistency", controlla_copertura)
