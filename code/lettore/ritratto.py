"""«make immagini»: fotografa una pagina del libro per il README, costruita senza l’originale."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from .costruzione import RADICE, costruisci

PAGINA = "chapters/articolo/3-2-1-attenzione-a-prodotto-scalare-scalato.html"
FILE = RADICE / "assets" / "immagini" / "pagina.png"


def main() -> int:
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("Serve Chromium per fotografare la pagina: su Debian, apt install chromium", file=sys.stderr)
        return 1
    os.environ["ORIGINALE"] = "no"  # nell’immagine nessuna parola degli autori
    with tempfile.TemporaryDirectory() as cartella, sync_playwright() as p:
        if stato := costruisci(uscita=Path(cartella)):
            return stato
        finestra = p.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        pagina = finestra.new_page(viewport={"width": 1280, "height": 800})
        pagina.goto((Path(cartella) / "_build" / "html" / PAGINA).as_uri())
        pagina.evaluate("document.fonts.ready")
        FILE.parent.mkdir(parents=True, exist_ok=True)
        pagina.screenshot(path=FILE)
        finestra.close()
    print(f"Immagine scritta in {FILE.relative_to(RADICE)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
