"""Il sorgente del libro, letto una volta: di ogni pagina le direttive, come albero, e le righe, classificate.

La struttura è quella che vede Sphinx: la dà markdown-it con le estensioni MyST del libro, e il corpo di una direttiva
di prosa si rilegge allo stesso modo. Ogni nodo conosce la sua riga nel file. Dentro un capoverso markdown-it non dà
le colonne: ruoli, formule e codice si riconoscono con espressioni regolari, qui e in nessun altro posto.

Chi cerca nella prosa non deve inciampare nel resto: `Pagina.prosa` rende il testo con lo stesso numero di righe e di
caratteri, dove tutto ciò che prosa non è diventa il segno VUOTO.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

VUOTO = "\ufffc"

ESTENSIONI = {"amsmath", "dollarmath", "colon_fence", "deflist", "attrs_inline", "attrs_block"}
"""Le estensioni MyST del libro: le stesse di `myst_enable_extensions` in `_config.yml`."""

SENZA_PROSA = {
    *("code-cell", "code-block", "code", "math", "toctree", "figure", "image", "bibliography"),
    *("raw", "include", "literalinclude", "mermaid", "tableofcontents", "capitoli"),
}
"""Direttive il cui corpo non è prosa; lo stesso vale per i recinti senza direttiva."""

ARGOMENTO_DI_PROSA = {"nota", "perche", "verifica", "luogo-comune", "exercise", "solution", "admonition"}

PREAMBOLO = re.compile(r"---.*?(?:^---[^\n]*\n|\Z)|(?:[ \t]*:[\w-]+:(?:[ \t][^\n]*)?\n)*", re.M | re.S)
ARGOMENTO = re.compile(r"\}\s+(.*?)\s*$")
OPZIONE = re.compile(r"^[ \t]*:([\w-]+):[ \t]*(.*?)[ \t]*$", re.M)
OPZIONE_DI_PROSA = re.compile(
    r"^\s*:?(?:aggiunge|prima|caption|alt|smentita|scala|motivo|invece|domanda):\s*\"?(.*?)\"?\s*$"
)
RUOLO = re.compile(r"\{([A-Za-z][\w:+-]*)\}(`+)(.+?)(?<!`)\2(?!`)", re.S)
CODICE = re.compile(r"(?<!`)(`+)(?!`)((?:[^\n]|\n(?!\s*\n))+?)(?<!`)\1(?!`)")
FORMULA_A_BLOCCO = re.compile(r"(?<!\\)\$\$(.+?)(?<!\\)\$\$", re.S)
FORMULA = re.compile(r"(?<![\\$\w])\$(?![\s$])((?:[^$\n]|\\\$|\n(?!\s*\n))+?)(?<![\s\\])\$(?![\d$])")

# Soltanto i blocchi, come fa myst-nb quando cerca le celle.
_MARKDOWN = create_md_parser(MdParserConfig(enable_extensions=ESTENSIONI, disable_syntax=["inline"]), RendererHTML)


class Segnalazione(NamedTuple):
    """Un difetto: dove e quale."""

    file: str
    riga: int
    messaggio: str


class Riga(NamedTuple):
    """Una riga del sorgente, che comincia al carattere `inizio`; `direttive` la contengono, dalla più esterna."""

    numero: int
    inizio: int
    testo: str
    genere: str  # intestazione, apertura, chiusura, opzione, codice, formula, prosa
    direttive: tuple[str, ...]


class Formula(NamedTuple):
    """Una formula: i caratteri fra cui sta, la riga in cui comincia, il TeX senza i dollari."""

    inizio: int
    fine: int
    riga: int
    tex: str


class Traduzione(NamedTuple):
    """Un blocco dell’articolo tradotto: l’italiano e la glossa come sono scritti, le formule dell’italiano."""

    id: str
    riga: int
    italiano: str
    glossa: str
    formule: tuple[str, ...]


@dataclass(frozen=True)
class Direttiva:
    """Un recinto del sorgente, di accenti gravi o di due punti, con quelli che contiene.

    Senza nome è un esempio di codice, di cui `argomento` è la lingua, oppure un contenitore.
    """

    nome: str
    argomento: str
    riga: int
    preambolo: str  # le righe delle opzioni, come sono scritte
    corpo: str
    di_prosa: bool
    chiusa: bool
    figlie: tuple[Direttiva, ...]

    @property
    def opzioni(self) -> list[tuple[str, str]]:
        """Le opzioni a due punti, nell’ordine in cui sono scritte."""
        return OPZIONE.findall(self.preambolo)

    @property
    def generi(self) -> list[str]:
        """Il genere di ciascuna delle sue righe, come se non contenesse altre direttive."""
        corpo = "prosa" if self.di_prosa else "formula" if self.nome == "math" else "codice"
        opzioni, righe = self.preambolo.count("\n"), self.corpo.count("\n")
        return ["apertura", *["opzione"] * opzioni, *[corpo] * righe, *["chiusura"] * self.chiusa]


@dataclass(frozen=True)
class Pagina:
    """Una pagina del libro, letta quanto serve e una volta sola; `file` è il percorso dalla radice del libro."""

    file: str
    testo: str

    @cached_property
    def direttive(self) -> tuple[Direttiva, ...]:
        """Le direttive più esterne."""
        return _direttive(self._token, 1)

    @cached_property
    def tutte_le_direttive(self) -> tuple[Direttiva, ...]:
        """Anche quelle dentro altre, nell’ordine in cui si aprono."""
        return tuple(_percorri(self.direttive))

    @cached_property
    def righe(self) -> tuple[Riga, ...]:
        """Tutte le righe, ciascuna con il suo genere."""
        testi = self.testo.removesuffix("\n").split("\n") if self.testo else []
        generi, contenute = ["prosa"] * len(testi), [()] * len(testi)

        def segna(direttiva: Direttiva, esterne: tuple[str, ...]) -> None:
            nomi, suoi = (*esterne, direttiva.nome), direttiva.generi
            posto = slice(direttiva.riga - 1, direttiva.riga - 1 + len(suoi))
            generi[posto], contenute[posto] = suoi, [nomi] * len(suoi)
            for figlia in direttiva.figlie:
                segna(figlia, nomi)

        for token in self._token:
            if token.type == "front_matter":
                generi[slice(*token.map)] = ["intestazione"] * (token.map[1] - token.map[0])
        for direttiva in self.direttive:
            segna(direttiva, ())
        esito, inizio = [], 0
        for numero, (testo, genere, nomi) in enumerate(zip(testi, generi, contenute, strict=True), 1):
            esito.append(Riga(numero, inizio, testo, genere, nomi))
            inizio += len(testo) + 1
        return tuple(esito)

    @cached_property
    def celle(self) -> tuple[Direttiva, ...]:
        """Le celle di codice, in ordine."""
        return tuple(direttiva for direttiva in self.tutte_le_direttive if direttiva.nome == "code-cell")

    @cached_property
    def traduzioni(self) -> tuple[Traduzione, ...]:
        """I blocchi tradotti, in ordine."""
        return tuple(self._traduzione(d) for d in self.tutte_le_direttive if d.nome == "blocco")

    @cached_property
    def prosa(self) -> str:
        """Il testo con VUOTO al posto di ciò che non è prosa italiana.

        Restano i titoli delle note, le didascalie, i testi alternativi, il testo mostrato dai collegamenti e
        dai termini; spariscono codice, formule, opzioni, ruoli, indirizzi, le glosse e ciò che è detto in inglese.
        """
        return senza_inserti("\n".join(map(_prosa, self.righe)))

    @cached_property
    def formule(self) -> tuple[Formula, ...]:
        """Le formule in linea, a blocco e in {math}, nell’ordine in cui cominciano."""
        posti = []
        for direttiva in self.tutte_le_direttive:
            if direttiva.nome == "math" and direttiva.corpo:
                corpo = [r for r in self._righe_di(direttiva) if r.genere == "formula"]
                inizio, fine = corpo[0].inizio, corpo[-1].inizio + len(corpo[-1].testo)
                posti.append((inizio, fine, self.testo[inizio:fine]))
        visibile = cancella(cancella("\n".join(map(_con_formule, self.righe)), RUOLO), CODICE)
        for modello in (FORMULA_A_BLOCCO, FORMULA):
            posti += [(*trovata.span(), trovata[1]) for trovata in modello.finditer(visibile)]
            visibile = cancella(visibile, modello)
        return tuple(
            Formula(inizio, fine, numero_di_riga(self.testo, inizio), tex) for inizio, fine, tex in sorted(posti)
        )

    @cached_property
    def _token(self) -> list[Token]:
        return _MARKDOWN.parse(self.testo if self.testo.endswith("\n") else self.testo + "\n")

    def _righe_di(self, direttiva: Direttiva) -> tuple[Riga, ...]:
        return self.righe[direttiva.riga - 1 : direttiva.riga - 1 + len(direttiva.generi)]

    def _traduzione(self, blocco: Direttiva) -> Traduzione:
        dentro = self._righe_di(blocco)[1:]
        if blocco.chiusa:
            dentro = dentro[:-1]
        italiano = [r for r in dentro if "glossa" not in r.direttive]
        glossa = [r for r in dentro if "glossa" in r.direttive and r.genere not in ("apertura", "chiusura")]
        numeri = {r.numero for r in italiano}
        return Traduzione(
            id=blocco.argomento,
            riga=blocco.riga,
            italiano="".join(f"{r.testo}\n" for r in italiano),
            glossa="".join(f"{r.testo}\n" for r in glossa),
            formule=tuple(formula.tex for formula in self.formule if formula.riga in numeri),
        )


# ---------------------------------------------------------------- leggere


def leggi_pagina(percorso: Path, radice: Path) -> Pagina:
    """La pagina di un file che sta sotto `radice`."""
    return Pagina(percorso.relative_to(radice).as_posix(), percorso.read_text(encoding="utf-8"))


def leggi_libro(radice: Path) -> list[Pagina]:
    """I capitoli, in ordine di percorso, poi il glossario e il README."""
    file = [*sorted(radice.glob("chapters/**/*.md")), radice / "glossary.md", radice / "README.md"]
    return [leggi_pagina(f, radice) for f in file if f.is_file() and ".ipynb_checkpoints" not in f.parts]


# ---------------------------------------------------------------- le direttive


def _direttive(token: list[Token], prima: int) -> tuple[Direttiva, ...]:
    """Le direttive di un testo la cui prima riga è la `prima` del file."""
    return tuple(_direttiva(t, prima + t.map[0]) for t in token if t.type in ("fence", "colon_fence"))


def _direttiva(token: Token, riga: int) -> Direttiva:
    nome, argomento = [*token.info.split(maxsplit=1), "", ""][:2]
    if nome.startswith("{") and nome.endswith("}"):
        nome, preambolo = nome[1:-1], PREAMBOLO.match(token.content)[0]
    else:
        nome, argomento, preambolo = "", token.info, ""
    corpo = token.content.removeprefix(preambolo)
    di_prosa = nome not in SENZA_PROSA if nome else token.type == "colon_fence"
    dopo = riga + 1 + preambolo.count("\n")
    return Direttiva(
        nome=nome,
        argomento=argomento.strip(),
        riga=riga,
        preambolo=preambolo,
        corpo=corpo,
        di_prosa=di_prosa,
        chiusa=token.map[1] - token.map[0] - 1 > token.content.count("\n"),
        figlie=_direttive(_MARKDOWN.parse(corpo), dopo) if di_prosa else (),
    )


def _percorri(direttive: tuple[Direttiva, ...]) -> Iterator[Direttiva]:
    for direttiva in direttive:
        yield direttiva
        yield from _percorri(direttiva.figlie)


# ---------------------------------------------------------------- la prosa e le formule


def _prosa(riga: Riga) -> str:
    """La parte di una riga che è prosa italiana, al suo posto."""
    if "glossa" in riga.direttive or "solo-en" in riga.direttive:
        return _vuota(riga.testo)
    if riga.genere == "prosa":
        return riga.testo
    if riga.genere == "apertura" and riga.direttive[-1] in ARGOMENTO_DI_PROSA:
        return _soltanto(ARGOMENTO, riga.testo)
    if riga.genere == "opzione":
        return _soltanto(OPZIONE_DI_PROSA, riga.testo)
    return _vuota(riga.testo)


def _con_formule(riga: Riga) -> str:
    """La parte di una riga in cui stanno le formule: prosa, titoli delle note, opzioni di un’affermazione."""
    if riga.genere == "prosa" or (riga.genere == "opzione" and riga.direttive[-1] == "affermazione"):
        return riga.testo
    if riga.genere == "apertura":  # senza il recinto, che fra due accenti gravi nasconderebbe ciò che segue
        return _soltanto(ARGOMENTO, riga.testo)
    return _vuota(riga.testo)


def _soltanto(modello: re.Pattern, testo: str) -> str:
    """Il testo con VUOTO al posto di tutto ciò che non è il primo gruppo del modello."""
    inizio, fine = trovato.span(1) if (trovato := modello.search(testo)) else (0, 0)
    return VUOTO * inizio + testo[inizio:fine] + VUOTO * (len(testo) - fine)


def senza_inserti(testo: str) -> str:
    """Un testo MyST con VUOTO al posto di formule, codice, ruoli, indirizzi, etichette."""
    testo = cancella(testo, r"(?s)<!--.*?-->")
    testo = cancella(testo, r"(?m)^%.*$|^\([\w.:-]+\)=\s*$|^\{[#.][^}]*\}\s*$")
    testo = RUOLO.sub(_ruolo, testo)
    for modello in (CODICE, FORMULA_A_BLOCCO, FORMULA):
        testo = cancella(testo, modello)
    testo = cancella(testo, r"(?<=\])\([^()\s]*(?:\s\"[^\"]*\")?\)|(?<=\])\{[^}]*\}")
    testo = cancella(testo, r"<[/a-zA-Z][^>\n]*>|https?://[^\s)>]+|[\w.+-]+@[\w-]+\.[\w.]+")
    return cancella(testo, r"\[\^[\w-]+\]")


def _ruolo(trovato: re.Match) -> str:
    """Di {term}`testo <bersaglio>` resta il testo; degli altri ruoli niente."""
    tutto, contenuto = trovato[0], trovato[3]
    if trovato[1] not in ("term", "doc", "ref"):
        return _vuota(tutto)
    mostrato = re.sub(r"\s*<[^<>]*>$", "", contenuto)
    if trovato[1] != "term" and mostrato == contenuto:
        return _vuota(tutto)
    inizio = tutto.index(contenuto)
    return VUOTO * inizio + mostrato + _vuota(tutto[inizio + len(mostrato) :])


def parole(testo: str) -> list[str]:
    """Le parole di un testo MyST come le conta l’inventario: con una lettera o una cifra, senza formule
    e senza citazioni."""
    return [parola for parola in senza_inserti(testo).replace(VUOTO, " ").split() if re.search(r"\w", parola)]


def cancella(testo: str, modello: str | re.Pattern) -> str:
    """Mette VUOTO al posto di ciò che il modello trova."""
    return re.sub(modello, lambda trovato: _vuota(trovato[0]), testo)


def _vuota(testo: str) -> str:
    return re.sub(r"[^\n]", VUOTO, testo)


def numero_di_riga(testo: str, posizione: int) -> int:
    """La riga in cui cade il carattere `posizione`, contando da 1."""
    return testo.count("\n", 0, posizione) + 1
