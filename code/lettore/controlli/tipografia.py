"""La tipografia italiana: apostrofi, virgolette, numeri, spazi, puntini, accenti."""

from __future__ import annotations

import re

from lettore.inventario import leggi_inventario
from lettore.sorgente import VUOTO, Pagina, Segnalazione, numero_di_riga

FISSO = "\u00a0\u202f"
"""Gli spazi che non vanno a capo: normale e fine."""

UNITA = "%|‰|ns|µs|ms|min|kB|MB|GB|TB|KiB|MiB|GiB|kW|Hz|MHz|GHz|FLOPs|TFLOPS|px|pt|cm|mm"

REGOLE = [
    (r"'", "apostrofo dritto: si scrive ’"),
    (r'"', "virgolette dritte: si scrive «…»"),
    (r"\.\.\.", "tre punti: si scrive …"),
    (r"\d{1,3}(?:\.\d{3})+(?![\d.])", "migliaia con il punto: si scrive uno spazio fine (25\u202f000)"),
    (rf"(?<![\d.,{FISSO}])\d{{1,3}} \d{{3}}(?!\d)", "migliaia con lo spazio comune: si scrive U+202F, fine"),
    (rf"\d (?:{UNITA}|s|h|W)(?!\w)", "spazio comune prima dell’unità: si scrive U+00A0, che non va a capo"),
    (rf"\d(?:{UNITA})(?!\w)", "manca lo spazio fra il numero e l’unità"),
    (r"«[ \t]|[ \t]»", "spazio dentro le virgolette «»"),
    (r"(?<=\w) +[,.;:!?](?=\s|$)", "spazio prima della punteggiatura"),
    (r"(?<=[^\s|])  +(?=[^\s|])", "doppio spazio"),
    (r"(?<=[\w»)]) (?:-|--) (?=[\w«(])", "trattino al posto della lineetta: si scrive –"),
    (
        r"\b(?:perch|poich|finch|bench|affinch|anzich|cosicch|n|s)è\b|\b[Pp]ò\b|\bqual’è\b|\bE’(?=\s)",
        "accento sbagliato: si scrive perché, né, sé, po’, qual è, È",
    ),
]

DECIMALE = re.compile(r"(?<![\w.,/-])\d+\.\d+(?![\w.]*\w\b|\.\d)")
VERSIONE = re.compile(
    r"(?:version[ei]|v\.|Python|PyTorch|torch|Sphinx|Node|CUDA|Jupyter Book|CC BY(?:-SA)?|≥|>=|arXiv:?)\s*$",
    re.IGNORECASE,
)


def controlla(pagina: Pagina) -> list[Segnalazione]:
    """I difetti di tipografia della prosa e i punti decimali nelle formule."""
    pulito = "\n".join(_tabella(riga) for riga in pagina.prosa.split("\n"))
    trovate = [
        (trovata, f"{messaggio} ({_intorno(pulito, trovata)})")
        for regola, messaggio in REGOLE
        for trovata in re.finditer(regola, pulito)
    ]
    trovate += [
        (trovata, f"punto decimale: si scrive {trovata[0].replace('.', ',')}")
        for trovata in DECIMALE.finditer(pulito)
        if _e_decimale(trovata[0], pulito[: trovata.start()])
    ]
    esito = [Segnalazione(pagina.file, numero_di_riga(pulito, t.start()), messaggio) for t, messaggio in trovate]
    for formula in pagina.formule:
        if "glossa" in pagina.righe[formula.riga - 1].direttive:
            continue
        if trovata := re.search(r"\d\.\d+", formula.tex):
            comma = trovata[0].replace(".", "{,}")
            esito.append(Segnalazione(pagina.file, formula.riga, f"punto decimale in una formula: si scrive {comma}"))
    return sorted(esito)


def _tabella(riga: str) -> str:
    """Nelle tabelle gli spazi allineano le colonne."""
    return re.sub(r"  +", " ", riga) if riga.lstrip().startswith("|") else riga


def _e_decimale(numero: str, prima: str) -> bool:
    """Non lo sono i numeri di sezione, le versioni, gli identificatori di arXiv, le migliaia."""
    if numero in {blocco.section for blocco in leggi_inventario().values()}:
        return False
    if re.fullmatch(r"\d{4}\.\d{4,5}|\d{1,3}\.\d{3}", numero):
        return False
    return not VERSIONE.search(prima[-30:].replace(VUOTO, ""))


def _intorno(testo: str, trovata: re.Match) -> str:
    pezzo = testo[max(0, trovata.start() - 12) : trovata.end() + 12]
    return "…" + re.sub(rf"[{VUOTO}\n]+", " ", pezzo) + "…"
