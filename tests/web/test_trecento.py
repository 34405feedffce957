"""«L’articolo in trecento righe» mostra i file che la pagina esegue: il nucleo intero, in righe non troppo lunghe."""

from functools import cache

from modello_finto import RADICE

from lettore.sorgente import Pagina

CAPITOLO = RADICE / "chapters/laboratorio/trecento-righe.md"
NUCLEO = {
    *("plainProduct", "attention", "dot", "softmax", "emptyMemory", "remember", "ofHead", "multiHeadAttention"),
    *("feedForward", "addAndNorm", "layerNorm", "encoderLayer", "decoderLayer", "embed", "position", "logitsOf"),
    *("encode", "project", "decode", "nextLogProbs", "generate"),
}


@cache
def tratti() -> list[tuple[str, list[str]]]:
    """I tratti mostrati: il file, e le righe; Sphinx li taglia allo stesso modo."""
    trovati = []
    for d in Pagina("", CAPITOLO.read_text("utf-8")).tutte_le_direttive:
        if d.nome != "literalinclude":
            continue
        file = (CAPITOLO.parent / d.argomento).resolve()
        righe, opzioni = file.read_text("utf-8").splitlines(), dict(d.opzioni)
        (da,) = (i for i, riga in enumerate(righe) if opzioni["start-at"] in riga)
        dopo = opzioni.get("end-before")
        fine = next(i for i in range(da + 1, len(righe)) if dopo in righe[i]) if dopo else len(righe)
        trovati.append((file.name, righe[da:fine]))
    return trovati


def test_sono_meno_di_trecento_righe_e_stanno_nella_pagina():
    righe = [riga for _, tratto in tratti() for riga in tratto if riga.strip()]
    assert 250 < len(righe) < 300
    assert [riga for riga in righe if len(riga) > 79] == []


def test_il_nucleo_c_e_tutto():
    testo = "\n".join(riga for _, tratto in tratti() for riga in tratto)
    definite = [n for n in NUCLEO if any(f"{che} {n}" in testo for che in ("function", "function*", "const"))]
    assert sorted(NUCLEO) == sorted(definite)
