"""Ogni figura ha un testo alternativo."""

from __future__ import annotations

import re

from lettore.sorgente import VUOTO, Pagina, Segnalazione, numero_di_riga


def controlla(pagina: Pagina) -> list[Segnalazione]:
    """Immagini Markdown, direttive, HTML e celle con `figure:` o `image:` senza testo alternativo."""
    libero = "\n".join(r.testo if r.genere == "prosa" else VUOTO for r in pagina.righe)
    esito = [
        Segnalazione(pagina.file, numero_di_riga(libero, trovata.start()), "immagine senza testo alternativo")
        for trovata in re.finditer(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")[^>]*>", libero)
    ]
    for direttiva in pagina.tutte_le_direttive:
        if direttiva.nome in ("image", "figure") and not dict(direttiva.opzioni).get("alt"):
            esito.append(Segnalazione(pagina.file, direttiva.riga, f"{{{direttiva.nome}}} senza «:alt:»"))
    for cella in pagina.celle:
        disegna = re.search(r"^\s*:?\s*(?:figure|image):", cella.preambolo, re.M)
        if disegna and not re.search(r"\balt:\s*\S", cella.preambolo):
            esito.append(Segnalazione(pagina.file, cella.riga, "figura prodotta dal codice senza «alt:»"))
    return sorted(esito)
