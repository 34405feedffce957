"""Dal TeX ai candidati: un solo testo senza commenti, letto da pandoc, tagliato in pezzi riconoscibili.

Un candidato è un pezzo dell’articolo (un paragrafo, una cella dopo l’altra di una tabella, una didascalia…)
con la sua impronta: se l’impronta è nell’inventario, il pezzo è quel blocco.
"""

import json
import posixpath
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lettore.inventario import impronta, normalizza, normalizza_formula
from lettore.originale.prelievo import ATTESO, ErroreOriginale, Sorgenti

LIMITE_TEX = 8 * 2**20  # caratteri del testo con tutti gli \input al loro posto
LIMITE_PEZZI = 10_000  # brani di cui si compone
LIMITE_INCLUSIONI = 20  # \input uno dentro l’altro
ATTESA_PANDOC = 30  # secondi; ne basta mezzo

# Segni di uso privato: passano intatti da pandoc e non contano nelle impronte.
SEGNO_NOTA = "\ue000"  # una nota che ripete il richiamo di un’altra: \footnotemark[n]
SEGNO_TESTATA = "\ue001"  # una riga che separa la testata della tabella dal corpo


@dataclass
class Candidato:
    """Un pezzo del sorgente: genere, contenuto (nodi di pandoc, o immagini con i loro byte), impronta."""

    genere: str
    contenuto: list
    testo: str  # normalizzato; vuoto per le figure
    impronta: str
    nota: dict | None = None  # il nodo Note da cui viene, se è una nota


# ------------------------------------------------------------------ un solo testo


def appiattisci(sorgenti: Sorgenti) -> str:
    """Il TeX intero: commenti e \\iffalse tolti, ogni \\input sostituito dal suo file."""
    pezzi, lunghezza = [], 0
    for pezzo in _includi(sorgenti, sorgenti.principale, ()):
        pezzi.append(pezzo)
        lunghezza += len(pezzo)
        if lunghezza > LIMITE_TEX or len(pezzi) > LIMITE_PEZZI:
            raise ErroreOriginale(f"{sorgenti.nome}: rifiutato, il TeX è smisurato; {ATTESO}.")
    return "".join(pezzi)


def _includi(sorgenti: Sorgenti, nome: str, genitori: tuple[str, ...]) -> Iterator[str]:
    if nome in genitori or len(genitori) > LIMITE_INCLUSIONI:
        giro = f"{genitori[-1]} e {nome}"
        raise ErroreOriginale(f"{sorgenti.nome}: gli \\input girano in tondo ({giro}); {ATTESO}.")
    tex = togli_esclusi(_decodifica(sorgenti, nome, genitori))
    for i, pezzo in enumerate(re.split(r"\\(?:input|include)\s*\{([^}]*)\}", tex)):
        if i % 2:
            incluso = pezzo.strip().removesuffix(".tex") + ".tex"
            yield from _includi(sorgenti, incluso, (*genitori, nome))
        else:
            yield pezzo


def _decodifica(sorgenti: Sorgenti, nome: str, genitori: tuple[str, ...]) -> str:
    dati = sorgenti.leggi(nome)
    if dati is None:
        da = f", richiesto da {genitori[-1]}," if genitori else ""
        raise ErroreOriginale(f"{sorgenti.nome}: manca il file {nome}{da} (archivio incompleto?); {ATTESO}.")
    if not dati.strip():
        raise ErroreOriginale(f"{sorgenti.nome}: il file {nome} è vuoto; {ATTESO}.")
    try:
        testo = dati.decode("utf-8-sig")
    except UnicodeDecodeError as errore:
        riga = dati.count(b"\n", 0, errore.start) + 1
        raise ErroreOriginale(
            f"{sorgenti.nome}: {nome} non è in UTF-8 (riga {riga}, byte {dati[errore.start]:#04x}); {ATTESO}."
        ) from errore
    if "\0" in testo:
        raise ErroreOriginale(f"{sorgenti.nome}: {nome} non è testo (contiene byte nulli); {ATTESO}.")
    return testo.replace("\r\n", "\n").replace("\r", "\n")


def togli_esclusi(tex: str) -> str:
    """Il TeX senza ciò che non si stampa: i commenti e gli \\iffalse.

    Una riga che è solo commento sparisce; delle altre resta il segno %, che in TeX toglie l’a capo.
    """
    righe = []
    for riga in tex.split("\n"):
        viva = re.match(r"(?:\\.|[^\\%])*\\?", riga)[0]
        if len(viva) == len(riga):
            righe.append(riga)
        elif viva.strip():
            righe.append(viva + "%")
    return _togli_iffalse("\n".join(righe))


def _togli_iffalse(tex: str) -> str:
    """Toglie da \\iffalse al suo \\else o \\fi; gli altri condizionali restano, e possono annidarsi."""
    pezzi = re.split(r"(\\(?:if(?!f\b|thenelse)[a-zA-Z@]*|else|fi)(?![a-zA-Z@]))", tex)
    aperti, uscita = [], []
    for i, pezzo in enumerate(pezzi):
        if i % 2:
            if pezzo == "\\iffalse":
                aperti.append("falso")
                continue
            if pezzo == "\\else" and aperti[-1:] == ["falso"]:
                aperti[-1] = "vero"
                continue
            if pezzo == "\\fi" and aperti and aperti.pop() != "altro":
                continue
            if pezzo.startswith("\\if"):
                aperti.append("altro")
        if "falso" not in aperti:
            uscita.append(pezzo)
    return "".join(uscita)


# ------------------------------------------------------------------ ciò che pandoc non sa

# Comandi che pandoc non conosce: lascerebbe nel testo i loro argomenti, o mangerebbe ciò che segue.
_RITOCCHI = [
    (r"\\(?:special)?rule(?:\[[^\]]*\])?(?:\{[^{}]*\})+", " "),
    (r"\\(?:cmidrule|cline)(?:\([^)]*\))?\s*\{[^{}]*\}", " "),
    (r"\\[vh]space\*?\s*\{[^{}]*\}", " "),
    (r"\\newblock\b", " "),
    (r"\\bibitem\b", r"\n\n\\bibitem"),
    (r"(\\begin\{thebibliography\})\{[^{}]*\}", r"\1"),
    (r"\\boldmath\s*\$([^$]*)\$", r"$\\boldsymbol{\1}$"),
    (r"\\thanks\s*\{", r"\\footnote{"),
    (r"\\footnotemark\s*\[(\d+)\]", rf"\\footnote{{{SEGNO_NOTA}\1}}"),
    (r"\\(begin|end)\{abstract\}", r"\\\1{sommario}"),
]


def prepara(tex: str, nome: str) -> str:
    """Il TeX da dare a pandoc: titolo e autori portati nel corpo, comandi sconosciuti tolti."""
    preambolo, apertura, corpo = tex.partition("\\begin{document}")
    if not apertura:
        raise ErroreOriginale(f"{nome}: nel TeX non c’è \\begin{{document}}; {ATTESO}.")
    corpo = corpo.partition("\\end{document}")[0]
    preambolo, titolo = _estrai_comando(preambolo, "title", nome)
    preambolo, autori = _estrai_comando(preambolo, "author", nome)
    persone = (p for p in re.split(r"\\(?:AND|And|and)\b", autori) if p.strip())
    singoli = "".join(f"\\begin{{autore}}{p}\\end{{autore}}" for p in persone)
    testata = f"\\begin{{titolo}}{titolo}\\end{{titolo}}\n\\begin{{autori}}{singoli}\\end{{autori}}\n"
    corpo = corpo.replace("\\maketitle", testata, 1) if "\\maketitle" in corpo else testata + corpo
    for schema, sostituto in _RITOCCHI:
        corpo = re.sub(schema, sostituto, corpo)
    corpo = re.sub(r"\\begin\{tabular\}.*?\\end\{tabular\}", _segna_testata, corpo, flags=re.S)
    return preambolo + apertura + corpo + "\\end{document}\n"


def _estrai_comando(tex: str, comando: str, nome: str) -> tuple[str, str]:
    """Toglie \\comando{…} dal TeX; rende ciò che resta e ciò che stava fra le graffe, anche annidate."""
    m = re.search(rf"\\{comando}\s*\{{", tex)
    if not m:
        return tex, ""
    livello = 1
    for graffa in re.finditer(r"\\.|[{}]", tex[m.end() :], flags=re.S):
        livello += {"{": 1, "}": -1}.get(graffa[0], 0)
        if livello == 0:
            fine = m.end() + graffa.start()
            return tex[: m.start()] + tex[fine + 1 :], tex[m.end() : fine]
    raise ErroreOriginale(f"{nome}: nel TeX le graffe di \\{comando} non si chiudono; {ATTESO}.")


def _segna_testata(tabella: re.Match) -> str:
    """Mette una riga di segno dopo la testata: pandoc non ne riconosce una di due righe."""
    righe = re.split(r"(\\(?:hline|toprule|midrule|bottomrule)\b)", tabella[0])
    for i in range(1, len(righe) - 1, 2):
        if "&" in "".join(righe[:i]):
            righe[i] = f"{SEGNO_TESTATA} \\\\ {righe[i]}"
            break
    return "".join(righe)


def leggi_con_pandoc(tex: str, nome: str) -> list:
    """L’albero di pandoc. Pandoc lavora isolato: in una cartella vuota, senza leggere altri file, a tempo."""
    import pypandoc  # qui: chi legge l’originale già importato non ne ha bisogno

    opzioni = ["+RTS", "-M1g", "-RTS", "--sandbox", "-f", "latex", "-t", "json"]
    try:
        comando = [pypandoc.get_pandoc_path(), *opzioni]
        with tempfile.TemporaryDirectory() as vuota:
            esito = subprocess.run(
                comando, input=tex.encode(), capture_output=True, timeout=ATTESA_PANDOC, cwd=vuota, check=True
            )
    except subprocess.TimeoutExpired as errore:
        raise ErroreOriginale(f"{nome}: pandoc non ha finito in {ATTESA_PANDOC} s; {ATTESO}.") from errore
    except subprocess.CalledProcessError as errore:
        dettaglio = errore.stderr.decode(errors="replace").strip()[:300]
        raise ErroreOriginale(f"{nome}: pandoc non capisce il TeX: {dettaglio}\n{ATTESO}.") from errore
    except OSError as errore:
        raise ErroreOriginale(f"pandoc non si avvia ({errore}): lo installa «pip install pypandoc_binary».") from errore
    return json.loads(esito.stdout)["blocks"]


# ------------------------------------------------------------------ rimandi e note


def nodi(albero: object) -> Iterator[dict]:
    """Tutti i nodi dell’albero, in ordine di lettura."""
    if isinstance(albero, dict):
        if "t" in albero:
            yield albero
        for valore in albero.values():
            yield from nodi(valore)
    elif isinstance(albero, list):
        for valore in albero:
            yield from nodi(valore)


def risolvi_rimandi(albero: list) -> None:
    """Scrive in ogni rimando (\\ref) la radice del blocco citato: {"t": "Link", …, "rif": "fig2"}."""
    radici = _etichette(albero)
    for nodo in nodi(albero):
        if nodo["t"] == "Link" and (etichetta := dict(nodo["c"][0][2]).get("reference")):
            nodo["rif"] = radici.get(etichetta)


def _etichette(albero: list) -> dict[str, str]:
    """\\label → radice del blocco (s3.2, fig2, tab3, eq1), contando come LaTeX."""
    sezioni, conto = [0, 0, 0], {"fig": 0, "tab": 0, "eq": 0}
    radici: dict[str, str] = {}
    sezione, etichetta_tabella = "", ""
    for nodo in nodi(albero):
        tipo, c = nodo["t"], nodo.get("c")
        if tipo == "Header":
            livello, (nome, classi, _), _ = c
            if livello <= 3 and "unnumbered" not in classi:
                sezioni = [*sezioni[: livello - 1], sezioni[livello - 1] + 1, *[0] * (3 - livello)]
                sezione = "s" + ".".join(str(n) for n in sezioni[:livello])
            radici[nome] = sezione
        elif tipo == "Figure" and c[1][1]:
            conto["fig"] += 1
            radici[c[0][0]] = f"fig{conto['fig']}"
        elif tipo == "Div":
            etichetta_tabella = c[0][0]
        elif tipo == "Table" and c[1][1]:
            conto["tab"] += 1
            radici[c[0][0] or etichetta_tabella] = f"tab{conto['tab']}"
            etichetta_tabella = ""
        elif tipo == "Span":
            radici[c[0][0]] = sezione
        elif tipo == "Math" and re.match(r"\\begin\{(equation|align|gather)\}", c[1]):
            conto["eq"] += 1
            radici |= {m: f"eq{conto['eq']}" for m in re.findall(r"\\label\{([^}]*)\}", c[1])}
    return radici


def testo_semplice(nodo: object) -> str:
    """Il testo di un nodo come lo vuole l’impronta: senza formule, citazioni, note, immagini."""
    if not isinstance(nodo, dict):
        return "".join(map(testo_semplice, nodo)) if isinstance(nodo, list) else ""
    tipo, c = nodo["t"], nodo.get("c")
    if tipo in ("Math", "Cite", "Note", "Image", "RawInline", "RawBlock"):
        return ""
    if tipo == "Str":
        return c
    if tipo == "Code":
        return c[1]
    if tipo in ("Space", "SoftBreak", "LineBreak"):
        return " "
    if nodo.get("rif"):
        return nodo["rif"].lstrip("abcdefghijklmnopqrstuvwxyz")
    return testo_semplice(c)


# ------------------------------------------------------------------ candidati


def candidati(albero: list, leggi: Callable[[str], bytes | None]) -> list[Candidato]:
    """I pezzi dell’articolo, in ordine di lettura; ogni nota segue il pezzo in cui è richiamata."""
    trovati: list[Candidato] = []
    for candidato in _dei_blocchi(albero, leggi):
        trovati.append(candidato)
        for nodo in nodi(candidato.contenuto):
            if nodo["t"] == "Note" and not testo_semplice(nodo["c"]).startswith(SEGNO_NOTA):
                trovati.append(_di_testo(_in_riga(nodo["c"]), nota=nodo))
    return trovati


def _dei_blocchi(blocchi: list, leggi: Callable) -> Iterator[Candidato]:
    for blocco in blocchi:
        yield from _del_blocco(blocco["t"], blocco.get("c"), leggi)


def _del_blocco(tipo: str, c: list, leggi: Callable) -> Iterator[Candidato]:
    match tipo:
        case "Para" | "Plain":
            yield from _del_paragrafo(c)
        case "Header":
            yield _di_testo(c[2], "titolo")
        case "Div" if "autori" in c[0][1]:
            yield _di_testo([_in_riga([autore]) for autore in c[1]], "autori")
        case "Div" if "thebibliography" in c[0][1]:
            yield _di_testo([_in_riga([voce]) for voce in c[1]], "riferimenti")
        case "Div":
            yield from _dei_blocchi(c[1], leggi)
        case "BulletList" | "OrderedList":
            for voce in c if tipo == "BulletList" else c[1]:
                yield from _dei_blocchi(voce, leggi)
        case "BlockQuote":
            yield from _dei_blocchi(c, leggi)
        case "Figure":
            yield _di_figura([n["c"][2][0] for n in nodi(c[2]) if n["t"] == "Image"], leggi)
            yield from _dei_blocchi(c[2], leggi)
            yield from _dei_blocchi(c[1][1], leggi)
        case "Table":
            yield from _dei_blocchi(c[1][1], leggi)
            yield _di_testo(righe_di_tabella(c), "tabella")


def _del_paragrafo(righe: list) -> Iterator[Candidato]:
    """Un paragrafo, tagliato dove ha un’equazione fuori dal testo."""
    testo: list = []
    for nodo in [*righe, None]:
        fuori_testo = nodo and nodo["t"] == "Math" and nodo["c"][0]["t"] == "DisplayMath"
        if nodo and not fuori_testo:
            testo.append(nodo)
            continue
        if normalizza(testo_semplice(testo)):
            yield _di_testo(testo)
        testo = []
        if fuori_testo:
            formula = normalizza_formula(dentro_equazione(nodo["c"][1]))
            yield Candidato("equazione", [nodo], formula, impronta(formula))


def _di_testo(contenuto: list, genere: str = "testo", nota: dict | None = None) -> Candidato:
    testo = normalizza(testo_semplice(contenuto))
    return Candidato(genere, contenuto, testo, impronta(testo), nota)


def _di_figura(nomi: list[str], leggi: Callable) -> Candidato:
    """Contenuto: coppie (nome del file, byte); i byte mancano se il file non c’è."""
    immagini = [_immagine(posixpath.normpath(nome), leggi) for nome in nomi]
    return Candidato("figura", immagini, "", impronta(b"".join(dati for _, dati in immagini)))


def _immagine(nome: str, leggi: Callable) -> tuple[str, bytes]:
    for estensione in ("", ".pdf", ".png", ".jpg", ".jpeg"):
        if dati := leggi(nome + estensione):
            return nome + estensione, dati
    return nome, b""


def _in_riga(blocchi: list) -> list:
    """I paragrafi, uno di seguito all’altro, come un solo testo."""
    righe = []
    for blocco in blocchi:
        if blocco["t"] in ("Para", "Plain"):
            righe += [*blocco["c"], {"t": "Space"}]
        elif blocco["t"] == "Div":
            righe += _in_riga(blocco["c"][1])
    return righe


def dentro_equazione(tex: str) -> str:
    """Il TeX fra \\begin{equation} e \\end{equation} (o align, gather…), senza \\label."""
    dentro = re.sub(r"^\s*\\begin\{([a-z]+\*?)\}(.*)\\end\{\1\}\s*$", r"\2", tex, flags=re.S)
    return re.sub(r"\\label\{[^}]*\}", "", dentro).strip()


def righe_di_tabella(c: list) -> list[list]:
    """Le righe di una tabella di pandoc, celle unite comprese: ogni riga è una lista di celle (nodi in riga).

    Una cella che copre più righe o colonne sta nella prima; le altre restano vuote.
    """
    righe = [riga for corpo in c[4] for riga in (*corpo[2], *corpo[3])]
    righe = [*c[3][1], *righe, *c[5][1]]
    griglia = [[[] for _ in c[2]] for _ in righe]
    coperte: set[tuple[int, int]] = set()
    for i, (_, celle) in enumerate(righe):
        colonna = 0
        for _, _, alte, larghe, blocchi in celle:
            while (i, colonna) in coperte:
                colonna += 1
            if colonna < len(griglia[i]):
                griglia[i][colonna] = _in_riga(blocchi)
            sotto = range(i, min(i + alte, len(righe)))
            coperte |= {(r, k) for r in sotto for k in range(colonna, min(colonna + larghe, len(c[2])))}
    return griglia
