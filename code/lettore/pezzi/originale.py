"""L’inglese degli autori, da ``_originale/``, per chi compone i blocchi: ``app.config.lettore_dati_originale``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from sphinx.util import logging

from lettore.originale import ErroreOriginale, carica

LOG = logging.getLogger(__name__)


def leggi_originale(app, config):
    """Carica ``_originale/`` se c’è; ``ORIGINALE=no`` e ``PUBBLICO=1`` fanno come se non ci fosse."""
    config.lettore_dati_originale = None
    if not config.lettore_ambiente.senza_originale:
        try:
            dati = carica(Path(app.confdir))
        except ErroreOriginale as errore:
            LOG.error("originale inglese: %s", errore)
            dati = None
        config.lettore_dati_originale = dati and dati["blocchi"]
    testo = json.dumps(config.lettore_dati_originale, sort_keys=True)
    config.lettore_impronta_originale = hashlib.sha256(testo.encode()).hexdigest()


def setup(app):
    app.add_config_value("lettore_impronta_originale", "", "env")
    app.add_config_value("lettore_dati_originale", None, "")
    app.connect("config-inited", leggi_originale)
