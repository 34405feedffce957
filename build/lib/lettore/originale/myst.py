"""Dall’albero di pandoc a MyST: testo vivo nella pagina, con formule, citazioni, rimandi e note."""

import re

from lettore.originale.tex import SEGNO_TESTATA, Candidato, dentro_equazione, testo_semplice

_SPECIALI = re.compile(r"[\\`*_{}\[\]<>$~#&|^]")
_INIZIO_RIGA = re.compile(r"^(?=[=%:]|[-+](?:[-+\s]|$)|\(.*\)=$)|^(\d{1,9})(?=[.)](?:\s|$))")
_VIRGOLETTE = {"SingleQuote": "‘’", "DoubleQuote": "“”"}
_RIGHE_ALLINEATE = {"align": "aligned", "eqnarray": "aligned", "gather": "gathered", "multline": "gathered"}


def scrivi(candidato: Candidato) -> str:
    """Il MyST di un blocco riconosciuto."""
    contenuto = candidato.contenuto
    match candidato.genere:
        case "equazione":
            return equazione(contenuto[0]["c"][1])
        case "tabella":
            return tabella(contenuto)
        case "autori":
            return "\n".join("- " + autore(nodi) for nodi in contenuto)
        case "riferimenti":
            return "\n".join(f"{i}. {paragrafo(voce)}" for i, voce in enumerate(contenuto, 1))
    return paragrafo(contenuto)


def paragrafo(nodi: list) -> str:
    """Un capoverso su una riga sola, protetto da ciò che a inizio riga Markdown leggerebbe come altro."""
    return proteggi_inizio(re.sub(r"[ \n]+", " ", in_riga(nodi)).strip())


def proteggi(testo: str) -> str:
    """Il testo con una barra davanti a ogni carattere che Markdown interpreterebbe."""
    return _SPECIALI.sub(r"\\\g<0>", testo)


def proteggi_inizio(riga: str) -> str:
    """La riga con una barra davanti a ciò che aprirebbe un elenco, un’etichetta, un commento."""
    return _INIZIO_RIGA.sub(lambda m: (m[1] or "") + "\\", riga)


def in_riga(nodi: list) -> str:
    return "".join(_nodo(n) for n in nodi)


def _nodo(nodo: dict) -> str:
    c = nodo.get("c")
    match nodo["t"]:
        case "Str":
            return proteggi(c)
        case "Space" | "SoftBreak" | "LineBreak":
            return " "
        case "Emph":
            return _fra(c, "*")
        case "Strong":
            return _fra(c, "**")
        case "Code":
            return _codice(c[1])
        case "Math":
            return formula(c[1])
        case "Quoted":
            aperta, chiusa = _VIRGOLETTE[c[0]["t"]]
            return aperta + in_riga(c[1]) + chiusa
        case "Cite":
            return "{cite}`" + ",".join(chiave["citationId"] for chiave in c[0]) + "`"
        case "Link":
            return _collegamento(nodo)
        case "Note":
            return "{richiamo}`" + nodo["blocco"] + "`"
        case "Superscript" | "Subscript":
            return f"{{{'sup' if nodo['t'] == 'Superscript' else 'sub'}}}`{testo_semplice(c)}`"
        case "Span":
            return in_riga(c[1])
        case "SmallCaps" | "Underline" | "Strikeout":
            return in_riga(c)
    return ""


def _fra(nodi: list, segno: str) -> str:
    """Corsivo o neretto: i segni toccano le parole, gli spazi restano fuori."""
    testo = in_riga(nodi)
    dentro = testo.strip()
    if not dentro:
        return testo
    prima, dopo = testo[: len(testo) - len(testo.lstrip())], testo[len(testo.rstrip()) :]
    return f"{prima}{segno}{dentro}{segno}{dopo}"


def _codice(testo: str) -> str:
    apici = "`"
    while apici in testo:
        apici += "`"
    spazio = " " if testo.startswith("`") or testo.endswith("`") else ""
    return f"{apici}{spazio}{testo}{spazio}{apici}"


def formula(tex: str) -> str:
    """Una formula nel testo; col ruolo {math} se contiene essa stessa un dollaro."""
    tex = " ".join(tex.split())
    return f"{{math}}`{tex}`" if "$" in tex else f"${tex}$"


def _collegamento(nodo: dict) -> str:
    _, testo, (indirizzo, _) = nodo["c"]
    if nodo.get("rif"):
        return "{rif}`" + nodo["rif"] + "`"
    if testo_semplice(testo) == indirizzo:
        return f"<{indirizzo}>"
    return f"[{in_riga(testo)}](<{indirizzo}>)"


def equazione(tex: str) -> str:
    """Una formula fuori dal testo; gli ambienti su più righe diventano quelli ammessi dentro $$."""
    ambiente = re.match(r"\s*\\begin\{([a-z]+)\*?\}", tex)
    dentro = re.sub(r"\s*\\\\$", "", dentro_equazione(tex))
    if ambiente and (interno := _RIGHE_ALLINEATE.get(ambiente[1])):
        dentro = f"\\begin{{{interno}}}\n{dentro}\n\\end{{{interno}}}"
    righe = (riga.strip() for riga in dentro.split("\n"))
    return "$$\n" + "\n".join(riga for riga in righe if riga) + "\n$$"


def autore(nodi: list) -> str:
    """Nome con i richiami, ente, indirizzo: una riga, separati da virgole."""
    parti: list[list] = [[]]
    for nodo in nodi:
        if nodo["t"] == "LineBreak":
            parti.append([])
        else:
            parti[-1].append(nodo)
    return ", ".join(p for p in map(paragrafo, parti) if p)


def tabella(righe: list[list]) -> str:
    """Una {list-table}; la riga di segno, che non si scrive, dice dove finisce la testata."""
    segno = next((i for i, riga in enumerate(righe) if SEGNO_TESTATA in testo_semplice(riga)), None)
    if segno is not None:
        righe = righe[:segno] + righe[segno + 1 :]
    voci = []
    for riga in righe:
        for i, cella in enumerate(riga):
            voci.append(f"{'  ' if i else '* '}- {paragrafo(cella)}".rstrip())
    return "\n".join(["```{list-table}", f":header-rows: {segno or 0}", "", *voci, "```"])
