"""La notazione del libro: un simbolo per oggetto, da notazione.yml.

Da una sola tabella nascono le macro delle formule (KaTeX e LaTeX), le schede di
glossary.md e il controllo dei simboli.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

NOTAZIONE = Path(__file__).with_name("notazione.yml")

PARTI = {
    "convenzioni": list,
    "macro": dict,
    "gruppi": dict,
    "indici_liberi": dict,
    "vietate": dict,
    "simboli": list,
    "lettere_sovraccariche": list,
    "dubbi": list,
}
CAMPI = ("simbolo", "gruppo", "tex", "si_legge", "significato", "forma", "modello_base", "codice", "sezione")
FACOLTATIVI = ("nota", "altrove")

TRASLITTERA = {"√": "radice ", "∇": "nabla ", "∈": "appartiene ", "×": "per", "·": " punto "} | dict(
    zip("αβγεμτ", ("alfa", "beta", "gamma", "epsilon", "mi", "tau"), strict=True)
)


@cache
def leggi_notazione(percorso: Path = NOTAZIONE) -> dict:
    """Legge e controlla la tabella; rende il dizionario com’è scritto nel file, sempre lo stesso oggetto."""
    try:
        dati = yaml.safe_load(percorso.read_text(encoding="utf-8"))
    except yaml.YAMLError as errore:
        raise ValueError(f"{percorso.name}: YAML non valido: {errore}") from errore
    if guasti := list(_guasti(dati)):
        raise ValueError("\n".join(f"{percorso.name}: {guasto}" for guasto in guasti))
    return dati


def macro_katex(notazione: dict | None = None) -> dict[str, str]:
    """Le macro come le vuole KaTeX: nome con la barra rovesciata → corpo."""
    return {f"\\{nome}": corpo for nome, corpo in (notazione or leggi_notazione())["macro"].items()}


def espandi(tex: str) -> str:
    """Sostituisce le macro del libro con il loro TeX, perché Jupyter non le conosce."""
    macro = macro_katex()
    nomi = "|".join(sorted((re.escape(m[1:]) for m in macro), key=len, reverse=True))

    def corpo(m: re.Match[str]) -> str:  # le graffe servono solo dove il corpo porta o riceve un apice o un pedice
        testo = macro["\\" + m[2]]
        if testo[0].isalpha() and not m[1] and re.search(r"\\[A-Za-z]+$", m.string[: m.start()]):
            testo = f" {testo}"  # «\\times\\dk» non diventa «\\timesd_k»
        return f"{m[1]}{{{testo}}}" if m[1] or m[3] else testo

    return re.sub(rf"([_^]?)\\({nomi})(?![A-Za-z])(?=\s*([_^])?)", corpo, tex)


def macro_latex(notazione: dict | None = None) -> str:
    """Le stesse macro per il preambolo LaTeX; un nome già usato da LaTeX è un errore di composizione."""
    return "".join(f"\\newcommand{{{nome}}}{{{corpo}}}\n" for nome, corpo in macro_katex(notazione).items())


# ---------------------------------------------------------------- i segni nelle formule


def ancora_del_simbolo(simbolo: str) -> str:
    """L’àncora di un simbolo: «W_i^Q» → «simbolo-W-i-Q»; maiuscole e minuscole restano distinte."""
    for segno, nome in TRASLITTERA.items():
        simbolo = simbolo.replace(segno, nome)
    return "simbolo-" + re.sub(r"[^A-Za-z0-9]+", "-", simbolo).strip("-")


SEGNI = (
    {
        "Sublayer(x)": [r"\mathrm{Sublayer}"],
        "softmax": [r"\mathrm{softmax}"],
        "ℝ^d": [r"\mathbb{R}"],
        "PE": ["PE"],
    }
    | {
        nome: []
        for nome in ("[B, n, d_model]", "QK^T", "q_i·k_j", "O(·)", "F, G", "d × n", "×", "∈, ℝ^{a×b}", "t (pedice)")
    }
    | {"σ (logistica)": []}
)
"""Il segno di un simbolo dove non è ciò che il suo ``tex`` mette prima di «=», di «∈» o di una parentesi; i nomi con la
lista vuota sono scritture composte, fatte di altri simboli, o lettere che da sole vogliono dire anche altro."""


def segni(simbolo: dict) -> list[str]:
    """I pezzi di formula che vogliono dire il simbolo: ``q,\\;k,\\;v`` → ``q``, ``k``, ``v``."""
    if simbolo["simbolo"] in SEGNI:
        return SEGNI[simbolo["simbolo"]]
    pezzi = re.split(r",\s*\\(?:quad|;)\s*", simbolo["tex"])
    return list(dict.fromkeys(re.split(r"=|\\in\b|\(", pezzo)[0] for pezzo in pezzi))


def segni_della_pagina(docname: str) -> list[tuple[str, str]]:
    """Le coppie (àncora, tex) da riconoscere in una pagina: prima i simboli della sua sezione.

    Una lettera che ha più significati («k (kernel)», «i (testa)») si riconosce soltanto nella sezione che la usa così:
    meglio nessuna spiegazione che una sbagliata.
    """
    sezione = sezione_della_pagina(docname)
    propri, comuni = [], []
    for simbolo in leggi_notazione()["simboli"]:
        numero = re.search(r"\d+(?:\.\d+)*", simbolo["sezione"])
        suo = bool(numero) and numero[0] == sezione
        for tex in segni(simbolo):
            if suo or not (" (" in simbolo["simbolo"] and re.fullmatch(r"\\?[A-Za-z]+", tex)):
                (propri if suo else comuni).append(
                    (ancora_del_simbolo(simbolo["simbolo"]).removeprefix("simbolo-"), tex)
                )
    return propri + comuni


def sezione_della_pagina(docname: str) -> str:
    """«chapters/articolo/3-2-1-attenzione-…» → «3.2.1»; vuota fuori dall’articolo."""
    trovata = re.search(r"articolo/(\d+(?:-\d+)*)-", docname)
    return trovata[1].replace("-", ".") if trovata else ""


def simboli_del_gruppo(notazione: dict, gruppo: str | None = None) -> list[dict]:
    """Le righe della tabella, nell’ordine del file; senza gruppo, tutte."""
    return [s for s in notazione["simboli"] if gruppo in (None, s["gruppo"])]


def _guasti(dati: object) -> Iterator[str]:
    """Genera i guasti della tabella, ciascuno con il nome della voce."""
    if not isinstance(dati, dict):
        yield "attesa una tabella di parti, trovato altro"
        return
    for parte, tipo in PARTI.items():
        if not isinstance(dati.get(parte), tipo):
            yield f"manca la parte «{parte}», o non è {'un elenco' if tipo is list else 'una tabella'}"
    if any(not isinstance(dati.get(parte), tipo) for parte, tipo in PARTI.items()):
        return
    yield from _guasti_macro(dati["macro"])
    visti = set()
    for i, simbolo in enumerate(dati["simboli"], 1):
        nome = simbolo.get("simbolo", f"numero {i}") if isinstance(simbolo, dict) else f"numero {i}"
        for guasto in _guasti_simbolo(simbolo, dati["gruppi"]):
            yield f"simbolo «{nome}»: {guasto}"
        if nome in visti:
            yield f"simbolo «{nome}»: compare due volte"
        visti.add(nome)
    yield from _guasti_voci(dati["lettere_sovraccariche"], "lettera", ("lettera", "significati", "regola"))
    yield from _guasti_voci(dati["dubbi"], "dubbio", ("domanda", "risposta"))
    for testo in _testi(dati):
        if re.search(r"(?<=[^\W\d_])'(?=[^\W\d_])", testo):
            yield f"apostrofo dritto (si usa ’): {testo}"


def _guasti_macro(macro: dict) -> Iterator[str]:
    for nome, corpo in macro.items():
        if not re.fullmatch("[A-Za-z]+", str(nome)):
            yield f"macro «{nome}»: il nome può avere solo lettere senza accento"
        if not isinstance(corpo, str) or not _graffe_pari(corpo):
            yield f"macro «{nome}»: corpo mancante o con graffe dispari: {corpo!r}"


def _guasti_simbolo(simbolo: object, gruppi: dict) -> Iterator[str]:
    if not isinstance(simbolo, dict):
        yield f"attesa una scheda, trovato {simbolo!r}"
        return
    for campo in CAMPI:
        if not isinstance(simbolo.get(campo), str) or not simbolo[campo].strip():
            yield f"manca «{campo}», o non è un testo (un numero va fra apici)"
    for campo in simbolo.keys() - {*CAMPI, *FACOLTATIVI}:
        yield f"campo sconosciuto «{campo}»"
    if simbolo.get("gruppo") not in gruppi:
        yield f"gruppo sconosciuto «{simbolo.get('gruppo')}»; quelli noti: {', '.join(gruppi)}"
    if not _graffe_pari(str(simbolo.get("tex", ""))):
        yield f"graffe dispari in «tex»: {simbolo['tex']}"
    for scrittura in simbolo.get("altrove", ()):
        if not isinstance(scrittura, dict) or set(scrittura) != {"scrittura", "dove", "verdetto"}:
            yield f"in «altrove» servono scrittura, dove e verdetto: {scrittura!r}"


def _guasti_voci(voci: list, nome: str, campi: tuple[str, ...]) -> Iterator[str]:
    for i, voce in enumerate(voci, 1):
        if not isinstance(voce, dict) or set(voce) != set(campi) or not all(voce.values()):
            yield f"{nome} numero {i}: servono {', '.join(campi)}"


def _graffe_pari(tex: str) -> bool:
    aperte = 0
    for segno in re.findall(r"(?<!\\)[{}]", tex):
        aperte += 1 if segno == "{" else -1
        if aperte < 0:
            return False
    return aperte == 0


def _testi(dati: object) -> Iterator[str]:
    """Tutti i testi della tabella, tranne le scritture altrui, che si citano come sono."""
    if isinstance(dati, str):
        yield dati
    elif isinstance(dati, dict):
        for chiave, valore in dati.items():
            if chiave not in ("scrittura", "tex", "codice", "macro"):
                yield from _testi(valore)
    elif isinstance(dati, list):
        for valore in dati:
            yield from _testi(valore)
