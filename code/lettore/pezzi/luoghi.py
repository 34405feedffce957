"""Dove sta ciò che nel libro si scrive una volta sola: la pagina, la riga, l’àncora."""

from __future__ import annotations

from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOG = logging.getLogger(__name__)


class Elenco:
    """Ciò che una direttiva iscrive una volta sola in tutto il libro: identificatore → (documento, riga).

    Sta in ``env``, sotto il nome ``attributo``; ``nome`` è come lo si chiama negli errori.
    """

    def __init__(self, nome: str, attributo: str):
        self.nome, self.attributo = nome, attributo

    def di(self, env) -> dict[str, tuple[str, int]]:
        """Gli iscritti finora."""
        if not hasattr(env, self.attributo):
            setattr(env, self.attributo, {})
        return getattr(env, self.attributo)

    def iscrivi(self, direttiva: SphinxDirective, ident: str) -> None:
        """Errore della direttiva, con il luogo del primo, se c’è già."""
        env, iscritti = direttiva.env, self.di(direttiva.env)
        if ident in iscritti:
            raise direttiva.error(self.doppione(env, ident))
        iscritti[ident] = (env.docname, direttiva.lineno)

    def doppione(self, env, ident: str) -> str:
        doc, riga = self.di(env)[ident]
        return f"{self.nome} «{ident}» già presente in {env.doc2path(doc, False)}, riga {riga}"

    def dimentica(self, app, env, docname):
        iscritti = self.di(env)
        for ident in [i for i, (doc, _) in iscritti.items() if doc == docname]:
            del iscritti[ident]

    def unisci(self, app, env, docnames, altro):
        """Ciò che un altro processo ha letto; di due pagine lette insieme il doppione si scopre qui."""
        iscritti = self.di(env)
        for ident, luogo in self.di(altro).items():
            if luogo[0] not in docnames:
                continue
            if ident in iscritti:
                LOG.error(self.doppione(env, ident), location=luogo)
            else:
                iscritti[ident] = luogo

    def collega(self, app) -> None:
        app.connect("env-purge-doc", self.dimentica)
        app.connect("env-merge-info", self.unisci)


BLOCCHI = Elenco("blocco", "lettore_blocchi")


def ancora(ident: str) -> str:
    """Da identificatore di blocco ad ancora HTML: ``s3.2.1-p1`` → ``s3-2-1-p1``."""
    return ident.replace(".", "-")


def setup(app):
    BLOCCHI.collega(app)
