"""Le parole inglesi della pagina, da inglese.yml e, per i titoli delle sezioni dell’articolo, dall’inventario."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from .inventario import leggi_inventario

FILE_INGLESE = Path(__file__).with_name("inglese.yml")
PARTI = ("interfaccia", "schemi", "esperimenti", "avvisi", "pagine", "blocchi", "tabelle", "simboli", "forme")


@cache
def leggi_inglese(percorso: Path = FILE_INGLESE) -> dict[str, dict[str, str]]:
    """Il dizionario, parte per parte. Errori: ValueError se manca una parte, o se una traduzione è vuota."""
    dati = yaml.safe_load(percorso.read_text(encoding="utf-8"))
    if list(dati) != list(PARTI):
        raise ValueError(f"{percorso.name} ha le parti {', '.join(dati)}: attese {', '.join(PARTI)}")
    for parte, voci in dati.items():
        for italiano, inglese in voci.items():
            if not isinstance(italiano, str) or not isinstance(inglese, str) or not inglese:
                raise ValueError(f"{percorso.name}, {parte}: «{italiano}» vale {inglese!r}: attese due frasi")
            if parte in ("schemi", "esperimenti") and italiano.count("{}") != inglese.count("{}"):
                raise ValueError(f"{percorso.name}, {parte}: «{italiano}» e «{inglese}» non hanno gli stessi «{{}}»")
    return dati


def in_inglese(parte: str, italiano: str) -> str:
    """La frase inglese, o quella italiana se il dizionario non la ha: gli spazi sottili valgono quanto gli altri."""
    return leggi_inglese()[parte].get(" ".join(italiano.split()), italiano)


def titolo_inglese(docname: str, blocchi: list[str]) -> str:
    """Il titolo inglese di una pagina: quello del dizionario, o quello della sezione di cui la pagina ha il blocco.

    Vuoto se la pagina non ha né l’uno né l’altro.
    """
    if nostro := leggi_inglese()["pagine"].get(docname):
        return nostro
    titoli = (leggi_inventario()[b] for b in blocchi)
    primo = next((b for b in titoli if b.kind == "heading" and not b.run_in), None)
    return f"{primo.section or ''} {primo.heading}".strip() if primo else ""
