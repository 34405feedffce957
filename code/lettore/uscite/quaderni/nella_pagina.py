"""I quaderni nella pagina: si scaricano dal menu, e si aprono in Colab o in Binder."""

from __future__ import annotations

from .costruttore import file_del_quaderno
from .indirizzi import indirizzi_di_lancio

IN_RETE = "fas fa-cloud"  # non i loghi: due immagini in più per ogni pagina


def nel_menu(app, pagina, modello, contesto, doctree):
    """Il tema offre il ``.ipynb`` solo con i bottoni di Colab o Binder: qui anche senza."""
    if file_del_quaderno(app, pagina).exists():
        contesto["ipynb_source"] = f"{pagina}.ipynb"


def bottoni_di_lancio(app, pagina, modello, contesto, doctree):
    """Colab e Binder; quelli del tema porterebbero al ``.md`` del capitolo, che là non si apre."""
    indirizzi = indirizzi_di_lancio(pagina, app.config.lettore_ambiente.deposito)
    if indirizzi and "ipynb_source" in contesto:
        voci = [
            {"type": "link", "text": nome, "tooltip": f"Apri il quaderno in {nome}", "icon": IN_RETE, "url": url}
            for nome, url in indirizzi.items()
        ]
        contesto["header_buttons"].append(
            {
                "type": "group",
                "tooltip": "Esegui il quaderno in rete",
                "icon": "fas fa-rocket",
                "buttons": voci,
                "label": "launch-buttons",
            }
        )


def setup(app):
    app.connect("html-page-context", nel_menu, priority=400)
    app.connect("html-page-context", bottoni_di_lancio, priority=600)
