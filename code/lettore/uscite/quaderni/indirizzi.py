"""Da dove viene il pacchetto, come si chiamano i quaderni nel loro ramo, dove si aprono in rete.

``deposito`` è l’indirizzo pubblico del progetto: senza, i quaderni non sanno da dove installare il pacchetto, e le
pagine non offrono Colab né Binder.
"""

from __future__ import annotations

import re

PACCHETTO, RAMO = "attenzione[valutazione]", "notebooks"


def pacchetto(deposito: str) -> str:
    """Che cosa dare a pip: dal deposito, se si sa dov’è, o dalla cartella del libro."""
    return f"{PACCHETTO} @ git+{deposito}" if deposito else PACCHETTO.replace("attenzione", ".")


def nome_nel_ramo(docname: str) -> str:
    """Il file di un capitolo fra i quaderni: «passi/1-tensori.ipynb»."""
    return docname.removeprefix("chapters/") + ".ipynb"


def indirizzi_di_lancio(docname: str, deposito: str) -> dict[str, str]:
    """Dove aprire il quaderno di un capitolo, servizio per servizio; nulla se il deposito non è su GitHub."""
    github = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", deposito)
    if github is None:
        return {}
    return {
        "Colab": f"https://colab.research.google.com/github/{github[1]}/blob/{RAMO}/{nome_nel_ramo(docname)}",
        "Binder": f"https://mybinder.org/v2/gh/{github[1]}/{RAMO}?urlpath=lab/tree/{nome_nel_ramo(docname)}",
    }
