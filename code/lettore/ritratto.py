"""«make immagini»: fotografa il libro per i README, da pagine costruite senza l’originale."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from attenzione.streams import as_command

from .ambiente import ambiente_del_comando
from .costruzione import RADICE, costruisci

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CARTELLA = RADICE / "assets" / "immagini"
LIMITE = 150_000  # byte


@dataclass(frozen=True)
class Ritratto:
    """Una fotografia: la pagina, che cosa inquadrare (o tutta la finestra), e come la si guarda."""

    pagina: str
    da: str = ""  # il primo elemento che si vede, in alto
    alto: int = 760
    largo: int = 1280
    tema: str = "light"
    lingua: str = "due"
    solo: bool = False  # il solo elemento, invece della finestra


RITRATTI = {
    "pagina": Ritratto("chapters/articolo/3-2-1-attenzione-a-prodotto-scalare-scalato.html"),
    "visore": Ritratto("chapters/laboratorio/teste.html", da=".vista-viva", largo=1000, solo=True),
    "verifica": Ritratto(
        "chapters/articolo/3-2-1-attenzione-a-prodotto-scalare-scalato.html",
        da=".riquadro-verifica",
        lingua="it",
        largo=1180,
        alto=690,
    ),
    "telefono": Ritratto(
        "chapters/articolo/3-2-1-attenzione-a-prodotto-scalare-scalato.html",
        da="#s3-2-1-p1",
        largo=390,
        alto=760,
        tema="dark",
    ),
}


def fotografa(finestra: Browser, html: Path, ritratto: Ritratto) -> bytes:
    """Il PNG di un ritratto, con i colori ridotti a quelli che servono."""
    contesto = finestra.new_context(
        viewport={"width": ritratto.largo, "height": ritratto.alto},
        color_scheme=ritratto.tema,
        device_scale_factor=1.5,
        locale="it-IT",
        reduced_motion="reduce",
    )
    pagina = contesto.new_page()
    pagina.goto((html / ritratto.pagina).as_uri() + f"?lingua={ritratto.lingua}")
    pagina.evaluate("document.fonts.ready.then(() => 0)")
    if ritratto.da:
        elemento = pagina.locator(ritratto.da).first
        testata = pagina.locator(".bd-header-article").bounding_box()["height"]
        elemento.evaluate("(e, alto) => window.scrollTo(0, e.getBoundingClientRect().y + scrollY - alto)", testata + 20)
        pagina.wait_for_timeout(500)  # le figure vicine si caricano
    scatto = (elemento if ritratto.solo else pagina).screenshot()
    contesto.close()
    piccolo = io.BytesIO()
    colori = Image.open(io.BytesIO(scatto)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    colori.save(piccolo, "PNG", optimize=True)
    return piccolo.getvalue()


def ritrai(html: Path, cartella: Path = CARTELLA) -> int:
    """Scrive tutti i ritratti del libro costruito in ``html``; rende lo stato di uscita."""
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("Serve Chromium per fotografare le pagine: su Debian, apt install chromium", file=sys.stderr)
        return 1
    with sync_playwright() as p:
        finestra = p.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        immagini = {nome: fotografa(finestra, html, ritratto) for nome, ritratto in RITRATTI.items()}
        finestra.close()
    if grandi := {nome: len(dati) for nome, dati in immagini.items() if len(dati) > LIMITE}:
        print(f"Immagini oltre i {LIMITE} byte, nessuna è stata scritta: {grandi}", file=sys.stderr)
        return 1
    cartella.mkdir(parents=True, exist_ok=True)
    for nome, dati in immagini.items():
        (cartella / f"{nome}.png").write_bytes(dati)
        print(f"{cartella / nome}.png: {len(dati) // 1000} kB")
    return 0


def main() -> int:
    ambiente = replace(ambiente_del_comando(), originale="no")  # nelle immagini nessuna parola degli autori
    with tempfile.TemporaryDirectory() as cartella:
        return costruisci(ambiente, dove=Path(cartella)) or ritrai(Path(cartella) / "_build" / "html")


if __name__ == "__main__":
    sys.exit(as_command(main))
