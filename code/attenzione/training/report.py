"""Ciò che la scheda di un modello dice del suo addestramento, dai numeri registrati: curva, tempo, tabelle."""

import json
import math

from attenzione.italian import number

WATTS_PER_CORE = (5, 20)  # stima larga per un core di server occupato, alimentazione compresa


def curve(facts):
    """La tabella della perdita sullo sviluppo. facts: il contenuto di addestramento.json."""
    rows = [[integer(record["passo"]), decimal(record["perdita"], 3)] for record in thin(facts["sviluppo"])]
    return table(["Passo", "Perdita"], rows)


def energy(facts):
    """Quanto è durato l’addestramento, e da quanto a quanto può avere consumato."""
    hours = facts["secondi_di_cpu"] / 3600
    least, most = WATTS_PER_CORE
    low, high = hours * least, hours * most
    return f"""{decimal(hours, 1)} ore di un core di CPU (torch {facts["torch"]}). A {least}–{most} W per
core, stima nostra e non misura, fanno da {decimal(low, 0)} a {decimal(high, 0)} Wh. Le prove e i confronti non sono
compresi."""


def table(heads, rows):
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def thin(curve, most=12):
    """Al più most righe della curva, distanziate, con l’ultima."""
    step = max(1, math.ceil(len(curve) / most))
    first = (len(curve) - 1) % step
    return curve[first::step]


def integer(n):
    return number(n, ",") if n >= 10_000 else str(n)


def decimal(x, digits):
    return number(x, f".{digits}f")


def read(path):
    return json.loads(path.read_text("utf-8"))
