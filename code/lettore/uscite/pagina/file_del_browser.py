"""I file per il browser presi da ``node_modules``: copiati nel libro, così nessuna pagina chiama la rete."""

from pathlib import Path

from sphinx.errors import ExtensionError
from sphinx.util.fileutil import copy_asset

# da node_modules → cartella sotto _static
FILE = {
    "katex/dist/katex.min.css": "katex",
    "katex/dist/fonts/*.woff2": "katex/fonts",
    "katex/dist/fonts/*.ttf": "katex/fonts",  # da cui peso.py trae i soli segni che le formule usano
    "katex/LICENSE": "katex",
    "@fontsource/source-serif-4/files/source-serif-4-latin-[46]00-*.woff": "caratteri",
    "@fontsource/source-serif-4/LICENSE": "caratteri",
    "@popperjs/core/dist/umd/popper.min.js": "tippy",
    "tippy.js/dist/tippy-bundle.umd.min.js": "tippy",
    "tippy.js/LICENSE": "tippy",
}


def copia(app):
    """Prima che si scriva una pagina: Sphinx mette nell’indirizzo di un programma il riassunto di ciò che trova."""
    if app.builder.name != "html":
        return
    radice = Path(app.confdir) / "node_modules"
    for modello, cartella in FILE.items():
        trovati = sorted(radice.glob(modello))
        if not trovati:
            raise ExtensionError(f"manca node_modules/{modello}: si installa con «make ambiente»")
        destinazione = Path(app.outdir) / "_static" / cartella
        destinazione.mkdir(parents=True, exist_ok=True)
        for file in trovati:
            copy_asset(str(file), str(destinazione))


def setup(app):
    app.add_css_file("katex/katex.min.css")
    preferenze = Path(app.confdir, "web/js/preferenze.js").read_text(encoding="utf-8")
    app.add_js_file(None, body=preferenze, priority=100)  # nella pagina: valgono subito
    app.add_js_file("js/menu.js", loading_method="defer")
    app.add_js_file("js/riquadri.js", loading_method="defer")  # che prende Tippy al primo riquadro
    app.add_js_file("js/lettura.js", loading_method="defer", priority=900)  # dopo translations.js, che corregge
    app.connect("builder-inited", copia)
