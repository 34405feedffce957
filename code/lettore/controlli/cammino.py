"""Il cammino del lettore: dal passo 1 alla sezione 3.2.2 nessuna parola e nessun simbolo arriva senza presentazione.

L’ordine è quello di `_toc.yml`. A ogni Parte si ricomincia: chi salta la Parte 0 trova presentato ciò che legge.

- Un termine o una sigla del glossario, in una delle sue forme, è presentato da un {term} che porta alla sua voce o dal
  corsivo di definizione, *così*. Una sigla che il glossario non ha si scioglie accanto, con le stesse iniziali.
- Un simbolo è presentato dove, nello stesso capoverso ed entro `VICINO` caratteri, sta una parola della sua scheda.
- Titoli, tappe, didascalie e testi alternativi annunciano: ciò che nominano si presenta entro la fine del capitolo
  (un {term} presenta anche lì).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import yaml

from lettore.controlli.atomi import atomi
from lettore.controlli.termini import modello
from lettore.glossario import Voce
from lettore.sorgente import CODICE, RUOLO, VUOTO, Formula, Pagina, Riga, Segnalazione, numero_di_riga

FINE = "chapters/articolo/3-2-2-"
"""Il capitolo con cui il cammino finisce."""

VICINO = 80
"""A quanti caratteri di prosa da un simbolo si cerca il suo nome."""

CORSIVO = re.compile(r"(?<![*\w])\*((?:[^*\n]|\n(?!\s*\n))+)\*(?![*\w])")
SIGLA = re.compile(r"(?<![\w-])[A-Z]{2,}\d*(?!\w)")
COMMENTO = re.compile(r"(?:^|(?<=\s))# .*$")
FORMA = re.compile(r"\([^()]*,[^()]*\)")
GRANDEZZA = re.compile(r"(?<!\w)(?:[BNdhmn]|[dn]_[kqv])(?!\w)")
VOCE_DI_ELENCO = re.compile(r"\s*(?:[-*+]|\d+\.)\s")
GRADIENTE = "\\nabla"
TRASPOSTA = re.compile(r"(?<=\))\^T")  # di una matrice sola fa parte del simbolo, qui è dell’intera parentesi
INDICE = re.compile(r"[+-]\d+$|_[ijlnmh\d]+$")

SIGLE_COMUNI = frozenset({"CA", "USA"})
SEGNI_COMUNI = frozenset({"\\infty", "\\pi"})
GENERICHE = """
    alla anche articolo cioè come dalla del dell della delle dello degli dice dove essere libro loro meno nella nell
    nelle numero ogni oppure parte prima quale quella questo sezione solo sono suoi tutti uguale usa
"""
"""Parole che stanno in molte schede e non ne nominano nessuna."""


class Uso(NamedTuple):
    """Una parola o un simbolo dove compare, e se lì è presentato."""

    posto: int
    chiave: str
    presenta: bool
    nome: str = ""
    rimedio: str = ""


def indice(toc: str) -> list[tuple[str, str]]:
    """Le pagine del cammino, nell’ordine di `_toc.yml`: coppie (parte, file)."""
    pagine = []
    for parte in yaml.safe_load(toc)["parts"]:
        for file in _file(parte["chapters"]):
            pagine.append((parte["caption"], f"{file}.md"))
            if file.startswith(FINE):
                return pagine
    raise ValueError(f"_toc.yml: manca il capitolo che chiude il cammino, {FINE}…")


def _file(voci: list[dict]) -> Iterator[str]:
    for voce in voci:
        yield voce["file"]
        yield from _file(voce.get("sections", []))


def controlla(pagine: Iterable[tuple[str, Pagina]], voci: Iterable[Voce], notazione: dict) -> list[Segnalazione]:
    """Ciò che si incontra prima che sia presentato; di ogni cosa, in ogni Parte, la prima volta.

    `pagine` sono, nell’ordine del cammino, coppie: il titolo della Parte e la pagina.
    """
    voci, schede = tuple(voci), schede_dei_simboli(notazione)
    esito, parte, noti = [], None, set()
    for sua_parte, pagina in pagine:
        if sua_parte != parte:
            parte, noti = sua_parte, set()
        annunci = {r.numero for r in pagina.righe if _annuncia(r)}
        usi = sorted([*_termini(pagina, voci), *_simboli(pagina, schede, annunci)], key=lambda u: u[:2])
        presentati = {uso.chiave: numero_di_riga(pagina.testo, uso.posto) for uso in reversed(usi) if uso.presenta}
        for uso in usi:
            riga = numero_di_riga(pagina.testo, uso.posto)
            if uso.chiave in noti or (not uso.presenta and riga in annunci and uso.chiave in presentati):
                continue
            noti.add(uso.chiave)
            if not uso.presenta:
                dopo = f" (viene solo alla riga {presentati[uso.chiave]})" if uso.chiave in presentati else ""
                messaggio = f"{uso.nome} arriva senza presentazione{dopo}: {uso.rimedio}"
                esito.append(Segnalazione(pagina.file, riga, messaggio))
    return esito


def _annuncia(riga: Riga) -> bool:
    """Vero per i titoli e per le righe con cui una direttiva si apre o dà le sue opzioni."""
    return riga.genere in ("apertura", "opzione") or (riga.genere == "prosa" and riga.testo.startswith("#"))


# ---------------------------------------------------------------- termini e sigle


def _termini(pagina: Pagina, voci: tuple[Voce, ...]) -> Iterator[Uso]:
    """I termini collegati, quelli in corsivo, quelli nudi: nella prosa e nei commenti delle celle."""
    libero, voce_di = _con_commenti(pagina), _voci_per_forma(voci)
    for ruolo in RUOLO.finditer(pagina.testo):
        inizio, fine = ruolo.span()
        if ruolo[1] == "term" and libero[inizio:fine].strip(VUOTO):
            mostrato, _, bersaglio = ruolo[3].removesuffix(">").partition("<")
            yield Uso(inizio, _chiave(bersaglio or mostrato), True)
            if voce := voce_di.get(_chiave(mostrato)):  # «pesi <peso di attenzione>» presenta anche la parola «pesi»
                yield Uso(inizio, _chiave(voce.it), True)
            libero = libero[:inizio] + VUOTO * (fine - inizio) + libero[fine:]
    for corsivo in CORSIVO.finditer(libero):
        if voce := voce_di.get(_chiave(corsivo[1])):
            yield Uso(corsivo.start(), _chiave(voce.it), True)
    for forma in _forme(libero, voci):
        libero = libero[: forma.start()] + VUOTO * len(forma[0]) + libero[forma.end() :]
        voce = voce_di[_chiave(forma[0])]
        if voce.tipo == "termine" or forma[0] in voce.forme:
            rimedio = f"la prima volta nella Parte si scrive {{term}}`{_collegato(forma[0], voce)}`"
            yield Uso(forma.start(), _chiave(voce.it), False, f"«{forma[0]}»", rimedio)
    for sigla in SIGLA.finditer(libero):
        if sigla[0] not in SIGLE_COMUNI:
            sciolta = _iniziali(libero[: sigla.start()]).endswith(sigla[0])
            yield Uso(sigla.start(), sigla[0], sciolta, f"la sigla «{sigla[0]}»", "si scioglie, o le serve una voce")


def _con_commenti(pagina: Pagina) -> str:
    """La prosa e i commenti delle celle, ciascuno al suo posto."""
    pulite = pagina.prosa.split("\n")
    for riga in pagina.righe:
        if riga.genere == "codice" and (commento := COMMENTO.search(riga.testo)):
            pulite[riga.numero - 1] = VUOTO * commento.start() + commento[0]
    return "\n".join(pulite)


@cache
def _voci_per_forma(voci: tuple[Voce, ...]) -> dict[str, Voce]:
    """Ogni forma e la sua voce; se due voci hanno la stessa forma, quella di cui è il lemma."""
    tutte = {_chiave(forma): voce for voce in voci for forma in voce.forme}
    return tutte | {_chiave(voce.it): voce for voce in voci}


@cache
def _per_prima_parola(voci: tuple[Voce, ...]) -> dict[str, list[str]]:
    """Le forme che cominciano con una parola, le più lunghe per prime."""
    forme: dict[str, list[str]] = {}
    for forma in sorted(_voci_per_forma(voci), key=len, reverse=True):
        forme.setdefault(re.match(r"\w+", forma)[0], []).append(forma)
    return forme


def _forme(testo: str, voci: tuple[Voce, ...]) -> Iterator[re.Match]:
    """Le forme del glossario in un testo, da sinistra; di due che cominciano insieme, la più lunga."""
    inizio, forme = 0, _per_prima_parola(voci)
    while parola := re.compile(r"\w+").search(testo, inizio):
        candidate = (modello(forma).match(testo, parola.start()) for forma in forme.get(parola[0].casefold(), ()))
        trovata = next(filter(None, candidate), None)
        if trovata:
            yield trovata
        inizio = (trovata or parola).end()


def _chiave(forma: str) -> str:
    return " ".join(forma.replace("'", "’").split()).casefold()


def _collegato(forma: str, voce: Voce) -> str:
    return forma if _chiave(forma) == _chiave(voce.it) else f"{forma} <{voce.it}>"


def _iniziali(testo: str) -> str:
    """Le maiuscole iniziali delle parole che precedono: «Neural Information Processing Systems» → NIPS."""
    return "".join(re.findall(r"\b[A-Z](?=[a-z])", testo[-200:]))


# ---------------------------------------------------------------- simboli


def schede_dei_simboli(notazione: dict) -> dict[str, frozenset[str]]:
    """Simbolo → radici delle parole con cui le sue schede, e gli indici liberi, lo nominano."""
    coppie = list(notazione["indici_liberi"].items())
    for simbolo in notazione["simboli"]:
        parole = re.sub(r"\$[^$]*\$", " ", simbolo["significato"])
        coppie += [(tex, parole) for tex in _nominati(simbolo)]
    schede: dict[str, frozenset[str]] = {}
    for tex, parole in coppie:
        nomi = {_nudo(atomo) for atomo in atomi(tex)}
        if GRADIENTE in nomi or len(nomi) == 1:  # un prodotto non è il nome dei suoi fattori
            nome = GRADIENTE if GRADIENTE in nomi else nomi.pop()
            schede[nome] = schede.get(nome, frozenset()) | _radici(parole)
    return schede


def _nominati(simbolo: dict) -> list[str]:
    """Ciò che una scheda nomina: a sinistra di = o ∈, senza argomenti, e il nome di una funzione."""
    tex = re.sub(r"\([^()]*\)|\[[^]]*\]", "", re.sub(r"\([^()]*\)", "", simbolo["tex"]))
    nome, parentesi, _ = simbolo["simbolo"].partition("(")
    return [*re.split(r",|\\leftarrow", re.split(r"=|\\in\b", tex)[0]), nome if parentesi else ""]


def _simboli(pagina: Pagina, schede: dict[str, frozenset[str]], annunci: set[int]) -> Iterator[Uso]:
    """I simboli delle formule, del codice nel testo, delle forme a fine riga; e se hanno accanto il loro nome."""
    capoversi = _capoversi(pagina)
    for inizio, fine, riga, tex in [*pagina.formule, *_nel_codice(pagina)]:
        accanto = frozenset() if riga in annunci else _radici(_vicino(pagina.prosa, inizio, fine, capoversi))
        for simbolo in {_nudo(atomo) for atomo in atomi(TRASPOSTA.sub("", tex))} - SEGNI_COMUNI:
            rimedio = "il suo nome va accanto, nello stesso capoverso, con le parole della scheda"
            nomi = schede.get(simbolo, frozenset())
            yield Uso(inizio, f"${simbolo}$", bool(accanto & nomi), f"il simbolo ${simbolo}$", rimedio)


def _nel_codice(pagina: Pagina) -> Iterator[Formula]:
    """Le grandezze scritte come codice nel testo, `d`, o nelle forme a fine riga, (B, n, d_model)."""
    for riga in pagina.righe:
        if riga.genere == "codice" and (commento := COMMENTO.search(riga.testo)):
            for forma in FORMA.finditer(riga.testo, commento.start()):
                for nome in GRANDEZZA.finditer(riga.testo, *forma.span()):
                    yield Formula(riga.inizio + nome.start(), riga.inizio + nome.end(), riga.numero, nome[0])
        elif riga.genere == "prosa":
            for codice in CODICE.finditer(riga.testo):
                if GRANDEZZA.fullmatch(codice[2]):
                    yield Formula(riga.inizio + codice.start(), riga.inizio + codice.end(), riga.numero, codice[2])


def _capoversi(pagina: Pagina) -> list[tuple[int, int]]:
    """Dove comincia e dove finisce ogni capoverso, voce di elenco, titolo o opzione."""
    esito, continua = [], False
    for riga in pagina.righe:
        fine = riga.inizio + len(riga.testo)
        pieno = riga.genere == "prosa" and bool(riga.testo.strip())
        if pieno and continua and not VOCE_DI_ELENCO.match(riga.testo):
            esito[-1] = (esito[-1][0], fine)
        elif pieno or riga.genere in ("apertura", "opzione"):
            esito.append((riga.inizio, fine))
        continua = pieno
    return esito


def _vicino(pulita: str, inizio: int, fine: int, capoversi: list[tuple[int, int]]) -> str:
    """La prosa accanto a una formula; di una formula a blocco, i capoversi che la precedono e la seguono."""
    for da, a in capoversi:
        if da <= inizio < a:
            return _piena(pulita[da:inizio])[-VICINO:] + " " + _piena(pulita[fine:a])[:VICINO]
    pieni = [(da, a, testo) for da, a in capoversi if (testo := _piena(pulita[da:a]).strip())]
    prima = [testo for _, a, testo in pieni if a <= inizio][-1:]
    return " ".join(prima + [testo for da, _, testo in pieni if da >= fine][:1])


def _piena(testo: str) -> str:
    return re.sub(rf"[{VUOTO}\s]+", " ", testo)


def _radici(testo: str) -> frozenset[str]:
    """Le parole che contano, senza desinenza: singolari e plurali si incontrano."""
    return _tronche(testo) - _tronche(GENERICHE)


@cache
def _tronche(testo: str) -> frozenset[str]:
    return frozenset(parola.rstrip("aeiou")[:5] for parola in re.findall(r"[^\W\d_]{4,}", testo.casefold()))


def _nudo(atomo: str) -> str:
    """Il simbolo senza gli indici che lo numerano: W^Q_i → W^Q, h_{t-1} → h_t, s_{12} → s; ∇ senza ciò che deriva."""
    if atomo.startswith(GRADIENTE):
        return GRADIENTE
    while (nudo := INDICE.sub("", atomo)) != atomo:
        atomo = nudo
    return nudo
