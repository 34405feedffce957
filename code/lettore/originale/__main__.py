"""``python -m lettore.originale``: importa l’originale inglese in ``_originale/``."""

import argparse
import sys
from pathlib import Path

from attenzione.streams import as_command
from lettore.ambiente import ambiente_del_comando
from lettore.inventario import leggi_inventario
from lettore.originale import CARTELLA, ErroreOriginale, importa


def main(argomenti: list[str] | None = None) -> int:
    lettore = argparse.ArgumentParser(
        prog="python -m lettore.originale",
        description="Importa l’originale inglese dell’articolo, che in questo deposito non c’è.",
    )
    lettore.add_argument(
        "--da",
        metavar="PERCORSO",
        default=ambiente_del_comando().originale or None,
        help="archivio .tar.gz o .tar, cartella o .tex già sul disco; senza, si scarica da arXiv "
        "(vale anche la variabile d’ambiente ORIGINALE)",
    )
    lettore.add_argument(
        "--in",
        dest="destinazione",
        metavar="CARTELLA",
        type=Path,
        default=Path(CARTELLA),
        help=f"dove scriverlo ({CARTELLA})",
    )
    scelte = lettore.parse_args(argomenti)
    try:
        riassunto = importa(scelte.da, scelte.destinazione)
    except ErroreOriginale as errore:
        print(f"Errore: {errore}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrotto: l’originale importato prima, se c’era, resta com’era.", file=sys.stderr)
        return 130
    print(f"Originale inglese: riconosciuti {riassunto['trovati']} blocchi su {len(leggi_inventario())}.")
    assenti = ", ".join(riassunto["assenti"]) or "nessuno"
    print(f"Assenti perché li stampa soltanto il foglio di stile: {assenti}.")
    return 0


if __name__ == "__main__":
    sys.exit(as_command(main))
