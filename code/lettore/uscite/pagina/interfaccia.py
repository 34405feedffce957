"""Le parole dell’interfaccia che Sphinx, il tema e MyST-NB lasciano in inglese."""

import gettext

from sphinx import locale

PAROLE = {
    "Link to this heading": "Indirizzo permanente di questo titolo",
    "Link to this term": "Indirizzo permanente di questo termine",
    "Link to this definition": "Indirizzo permanente di questa definizione",
    "Link to this image": "Indirizzo permanente di questa figura",
    "Link to this table": "Indirizzo permanente di questa tabella",
    "Link to this code": "Indirizzo permanente di questo codice",
    "Link to this equation": "Indirizzo permanente di questa equazione",
    "Color mode": "Chiaro o scuro",
    "System Settings": "Come il sistema",
}


class Ripiego(gettext.NullTranslations):
    """Ciò che si legge quando nessun catalogo ha la frase."""

    def gettext(self, messaggio: str) -> str:
        return PAROLE.get(messaggio, messaggio)


def metti_ripiego(app):
    locale.get_translator().add_fallback(Ripiego())


# ciò che MyST-NB e docutils scrivono nella pagina e i lettori di schermo intendono male:
# un’etichetta inglese fissa sopra «Mostra il codice», e un ruolo che in un elenco non è ammesso
CORREZIONI = {
    ' aria-label="Toggle hidden content"': "",
    'role="doc-biblioentry"': 'role="listitem"',
}


def correggi(app, pagina, modello, contesto, doctree):
    for prima, dopo in CORREZIONI.items():
        if "body" in contesto:
            contesto["body"] = contesto["body"].replace(prima, dopo)


def setup(app):
    app.connect("builder-inited", metti_ripiego)
    app.connect("html-page-context", correggi)
