"""Ogni figura ha un testo alternativo."""

from __future__ import annotations

import re

from lettore.controlli.testo import VUOTO, Segnalazione, celle, numero_di_riga, righe


def controlla(testo: str, file: str) -> list[Segnalazione]:
    """Immagini Markdown, direttive, HTML e celle con `figure:` o `image:` senza testo alternativo."""
    classificate = righe(testo)
    libero = "\n".join(r.testo if r.genere == "prosa" else VUOTO for r in classificate)
    esito = [
        Segnalazione(file, numero_di_riga(libero, trovata.start()), "immagine senza testo alternativo")
        for trovata in re.finditer(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")[^>]*>", libero)
    ]
    for i, riga in enumerate(classificate):
        if riga.genere == "apertura" and riga.direttive[-1] in ("image", "figure"):
            opzioni = []
            for dopo in classificate[i + 1 :]:
                if dopo.genere != "opzione":
                    break
                opzioni.append(dopo.testo)
            if not re.search(r"^:alt:\s*\S", "\n".join(opzioni), re.M):
                esito.append(Segnalazione(file, riga.numero, f"{{{riga.direttive[-1]}}} senza «:alt:»"))
    for cella in celle(testo):
        disegna = re.search(r"^\s*:?\s*(?:figure|image):", cella.opzioni, re.M)
        if disegna and not re.search(r"\balt:\s*\S", cella.opzioni):
            esito.append(Segnalazione(file, cella.riga, "figura prodotta dal codice senza «alt:»"))
    return sorted(esito)
