"""Il TeX delle formule, spezzato in simboli."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from lettore.notazione import leggi_notazione

FUNZIONI = {"sin", "cos", "tan", "tanh", "log", "ln", "exp", "max", "min", "lim", "arg"}
GRECHE = {
    *("alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "lambda", "mu", "pi", "sigma", "tau"),
    *("phi", "omega", "infty", "nabla"),
}
CON_ETICHETTA_IN_ALTO = {"W", "K"}
"""Simboli in cui anche il segno in alto è un’etichetta ($W^Q$, $K^T$); negli altri è una potenza."""

STILE = re.compile(r"\\(mathrm|mathbf|mathbb|mathcal|mathsf|boldsymbol|operatorname\*?)\s*\{([^{}]*)\}")
ATOMO = re.compile(r"(\\[A-Za-z]+|[A-Za-z]+)((?:[_^](?:\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|\w))*)")


@cache
def parole_note() -> tuple[str, ...]:
    """I simboli fatti di più lettere (pos, lrate, PE, ff…), dai più lunghi."""
    notazione = leggi_notazione()
    corpi = [*notazione["macro"].values(), *(s["tex"] for s in notazione["simboli"])]
    interi = {corpo.replace(r"\_", "") for corpo in corpi if re.fullmatch(r"[A-Za-z]{2,}(?:\\_[A-Za-z]+)*", corpo)}
    con_stile = {nome for corpo in corpi for _, nome in STILE.findall(corpo)}
    pedici = {p for c in corpi for p in re.findall(r"_\{(?:\\text\{)?([A-Za-z]{2,})\}", c)}
    return tuple(sorted(interi | {n for n in con_stile if len(n) > 1} | pedici, key=len, reverse=True))


def semplifica(tex: str) -> str:
    """Espande le macro e toglie stili, spaziature, testo e comandi di impaginazione."""
    for nome, corpo in leggi_notazione()["macro"].items():
        tex = re.sub(rf"\\{nome}(?![A-Za-z])", lambda _, corpo=corpo: f" {{{corpo}}}", tex)
    tex = re.sub(r"\\(?:begin|end|label|tag)\{[^}]*\}", " ", tex)
    tex = STILE.sub(r" \2", tex)
    tex = re.sub(r"([_^])\{\s*\\text\{(\w+)\}\s*\}", r"\1{\2}", tex)
    tex = re.sub(r"\\text\{[^}]*\}", " ", tex).replace(r"\_", "")
    tex = re.sub(r"(?<![_^\w])\{\s*([\w\\]+(?:[_^](?:\w|\{\w*\}))?)\s*\}\s*(?=[_^])", r" \1", tex)
    return re.sub(r"\\(?:left|right|[Bb]igg?[lr]?)(?![A-Za-z])|\\[!,;:]|~|\\\\|&", " ", tex)


def atomi(tex: str) -> set[str]:
    """I simboli di una formula in forma canonica: `W_i^Q` e `W^Q_i` sono lo stesso atomo."""
    return set(_atomi(semplifica(tex)))


def _atomi(tex: str) -> Iterator[str]:
    for base, segni in ATOMO.findall(tex):
        *altri, ultimo = _lettere(base)
        yield from altri
        coppie = re.findall(r"([_^])(\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|\w)", segni)
        scritte = sorted((segno, re.sub(r"[{}\s]", "", contenuto)) for segno, contenuto in coppie)
        if ultimo:
            etichette = [s + c for s, c in scritte if ultimo in CON_ETICHETTA_IN_ALTO or s == "_"]
            yield ultimo + "".join(etichette)
        for _, contenuto in coppie:
            if (len(contenuto) > 1 or not ultimo) and re.sub(r"[{}\s]", "", contenuto) not in parole_note():
                yield from _atomi(contenuto.removeprefix("{").removesuffix("}"))


def _lettere(base: str) -> list[str]:
    """Una fila di lettere è un prodotto, salvo i simboli di più lettere e le funzioni."""
    if base.startswith("\\"):
        return [base] if base[1:] in GRECHE else [""]
    pezzi, resto = [], base
    while resto:
        nota = next((p for p in (*parole_note(), *FUNZIONI) if resto.startswith(p)), resto[0])
        pezzi.append("" if nota in FUNZIONI else nota)
        resto = resto[len(nota) :]
    return [p for p in pezzi[:-1] if p] + [pezzi[-1]]
