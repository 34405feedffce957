"""Ogni simbolo delle formule è nella tabella della notazione."""

from __future__ import annotations

import re

from lettore.controlli.atomi import FUNZIONI, STILE, parole_note
from lettore.sorgente import Pagina, Segnalazione

_OPERATORI = """
    frac dfrac tfrac sqrt sum prod int cdot cdots dots ldots vdots ddots times in notin to mapsto
    leftarrow rightarrow Rightarrow implies iff le leq leqslant ge geq geqslant ne neq approx sim
    simeq equiv propto ll gg infty pi quad qquad left right middle big Big bigl bigr Bigl Bigr bigg
    Bigg biggl biggr langle rangle lvert rvert lVert rVert Vert vert lfloor rfloor lceil rceil mid
    partial nabla odot pm mp forall exists cup cap subset text underbrace overbrace underset overset
    hat bar tilde displaystyle textstyle limits circ bullet begin end hline label tag binom degree
    colon not square prime phantom mathrm mathbf mathbb mathcal operatorname substack lt gt mathbin
    mathrel
"""
OPERATORI = frozenset(_OPERATORI.split())


def controlla(pagina: Pagina, notazione: dict) -> list[Segnalazione]:
    """Macro, lettere e nomi ignoti, e le grafie vietate, in tutte le formule di una pagina."""
    noti = simboli_noti(notazione)
    esito = []
    for formula in pagina.formule:
        for modello, consiglio in notazione["vietate"].items():
            if trovata := re.search(rf"(?<![A-Za-z\\])(?:{modello})", formula.tex):
                messaggio = f"grafia che il libro non usa, {trovata[0]}: {consiglio}"
                esito.append(Segnalazione(pagina.file, formula.riga, messaggio))
        for ignoto in sorted(simboli(formula.tex) - noti):
            messaggio = f"simbolo fuori dalla tabella della notazione: {ignoto} (in ${formula.tex.strip()}$)"
            esito.append(Segnalazione(pagina.file, formula.riga, messaggio))
    return esito


def simboli_noti(notazione: dict) -> set[str]:
    """Tutto ciò che una formula può contenere."""
    corpi = [*notazione["macro"].values(), *(simbolo["tex"] for simbolo in notazione["simboli"])]
    noti = {f"\\{nome}" for nome in (*notazione["macro"], *OPERATORI, *FUNZIONI)}
    return noti.union(notazione["indici_liberi"], *map(simboli, corpi))


def simboli(tex: str) -> set[str]:
    """Comandi, lettere, parole e nomi in tondo di una formula, spezzata senza espandere le macro."""
    trovati = set()
    tex = re.sub(r"\\(?:begin|end|label|tag)\{[^}]*\}", " ", tex)
    tex = re.sub(r"([_^])\{\\text\{(\w+)\}\}", r"\1{\2}", tex)
    tex = re.sub(r"\\text\{[^}]*\}", " ", tex).replace(r"\_", "")
    for stile, nome in STILE.findall(tex):
        trovati.add(f"\\{stile}{{{re.sub('_.*', '', nome)}}}")
    tex = STILE.sub(" ", tex)
    trovati.update(re.findall(r"\\[A-Za-z]+", tex))
    for fila in re.findall(r"[A-Za-z]+", re.sub(r"\\[A-Za-z]+", " ", tex)):
        trovati.update(_spezza(fila))
    return trovati - {f"\\{nome}" for nome in OPERATORI | FUNZIONI}


def _spezza(fila: str) -> list[str]:
    """Una fila di lettere: i simboli di più lettere, poi lettere sole; tre minuscole ignote fanno parola."""
    for nota in parole_note():
        if nota in fila:
            prima, dopo = fila.split(nota, 1)
            return [*_spezza(prima), nota, *_spezza(dopo)]
    if re.fullmatch("[a-z]{3,}", fila) and fila not in FUNZIONI:
        return [fila]
    return [] if fila in FUNZIONI else list(fila)
