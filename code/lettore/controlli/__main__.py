"""Esegue i controlli e scrive i difetti; l’uscita è 1 se ce n’è almeno uno."""

import sys

from attenzione.streams import as_command
from lettore.controlli import controlla_libro


def main() -> int:
    segnalazioni = controlla_libro()
    for segnalazione in segnalazioni:
        print(f"{segnalazione.file}:{segnalazione.riga}: {segnalazione.messaggio}")
    print(f"Difetti: {len(segnalazioni)}.", file=sys.stderr)
    return 1 if segnalazioni else 0


if __name__ == "__main__":
    sys.exit(as_command(main))
